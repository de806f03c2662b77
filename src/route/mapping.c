#include "route/mapping.h"

#include "base/must.h"
#include "http/uri.h"

static size_t skip_slashes(struct str s, size_t at)
{
    while (at < s.n && s.p[at] == '/')
        at++;
    return at;
}

size_t mapping_match_prefix(struct str pattern, struct str path)
{
    size_t i = 0, at = 0;

    while (i < pattern.n) {
        if (at == path.n || path.p[at] != pattern.p[i])
            return 0;
        if (pattern.p[i] == '/') {
            i = skip_slashes(pattern, i);
            at = skip_slashes(path, at);
        } else {
            i++;
            at++;
        }
    }
    if (pattern.n && pattern.p[pattern.n - 1] != '/' && at < path.n && path.p[at] != '/')
        return 0;
    return at;
}

bool mapping_find(const struct server *server, const struct dir_config *location, struct str path,
                  struct mapping *mapping)
{
    const struct pass *pass = location->pass;

    if (pass) {
        *mapping = (struct mapping){pass, pass->path.p ? mapping_match_prefix(pass->path, path) : 0};
        if (mapping->matched || !pass->path.p)
            return true;
    }
    for (size_t i = 0; i < server->passes.count; i++) {
        pass = &server->passes.items[i];
        *mapping = (struct mapping){pass, mapping_match_prefix(pass->path, path)};
        if (mapping->matched)
            return true;
    }
    return false;
}

#define SCRIPT_FILENAME_START "proxy:scgi://"

struct str mapping_script_filename(struct arena *arena, const struct server *server,
                                   const struct mapping *mapping, struct str path)
{
    const struct pass *pass = mapping->pass;
    bool keep = server->encoded_slashes == ENCODED_SLASHES_NODECODE;
    struct str target = uri_encode_path(arena, pass->target_path, keep);
    struct str rest = uri_encode_path(arena, str_skip(path, mapping->matched), keep);
    struct str slash = STR("");

    must(!pass->exclude);
    /* Nothing that a client sends may become part of the authority. */
    if (target.n == 0 && (rest.n == 0 || rest.p[0] != '/'))
        slash = STR("/");
    return ARENA_CONCAT(arena, STR(SCRIPT_FILENAME_START), pass->authority, slash, target, rest);
}

struct split mapping_split_mount(const struct mapping *mapping, struct str path)
{
    size_t cut = mapping->matched;

    while (cut > 0 && path.p[cut - 1] == '/')
        cut--;
    return (struct split){str_first(path, cut), str_skip(path, cut)};
}

/* Where path_info begins in path, by comparing both from their ends; a run of '/' in path counts as one. */
static size_t guess_script_end(struct str path, struct str path_info)
{
    size_t at = path.n, info = path_info.n;

    while (at > 0 && info > 0 && path.p[at - 1] == path_info.p[info - 1]) {
        at--;
        info--;
        if (path_info.p[info] == '/')
            while (at > 0 && path.p[at - 1] == '/')
                at--;
    }
    /* at is now behind the first byte that differs (or was not compared); Apache's index is that byte itself.
     */
    if (at > 0)
        at--;
    while (at < path.n && path.p[at] != '/')
        at++;
    return at;
}

struct split mapping_split_apache(struct str script_filename, struct str path)
{
    struct str info = str_skip(script_filename, sizeof(SCRIPT_FILENAME_START) - 1);

    info = str_skip(info, (size_t)str_find(info, '/'));
    return (struct split){str_first(path, guess_script_end(path, info)), info};
}
