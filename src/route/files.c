#include "route/files.h"

#include "http/uri.h"
#include "route/mapping.h"

struct str files_below_root(struct arena *arena, struct str document_root, struct str path)
{
    while (document_root.n && document_root.p[document_root.n - 1] == '/')
        document_root.n--;
    return ARENA_CONCAT(arena, document_root, path);
}

bool files_is_normal(struct str file_path)
{
    struct str rest = str_skip(file_path, 1);

    if (file_path.n == 0 || file_path.p[0] != '/' || str_find(file_path, '\0') >= 0)
        return false;
    while (rest.p) {
        struct str segment = str_until(&rest, '/');

        if (segment.n == 0 && rest.p)
            return false;
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return false;
    }
    return true;
}

/* Absent when the alias does not match. */
static struct str apply_alias(struct arena *arena, const struct alias *alias, struct str path)
{
    struct regex_match match;
    size_t matched;

    if (alias->regex)
        return regex_search(alias->regex, path, &match) ? regex_substitute(arena, alias->target, &match)
                                                        : STR_NONE;
    matched = mapping_match_prefix(alias->path, path);
    return matched ? ARENA_CONCAT(arena, alias->target, str_skip(path, matched)) : STR_NONE;
}

bool files_map(struct arena *arena, const struct server *server, struct str path, struct str *file_path)
{
    struct str joined = STR_NONE;

    for (size_t i = 0; i < server->file_aliases.count && !joined.p; i++)
        joined = apply_alias(arena, &server->file_aliases.items[i], path);
    if (!joined.p)
        joined = files_below_root(arena, server->document_root, path);
    /* The path itself has been normalised; this is for the configuration's part and for what stands at the
     * seam. */
    if (!uri_normalise_path(arena, joined, true, file_path))
        return false;
    return files_is_normal(*file_path);
}

static struct str without_slash(struct str path)
{
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

/* The longer one of best and the directory, if that holds the file. */
static struct str better_base(struct str best, struct str directory, struct str file_path)
{
    directory = without_slash(directory);
    if (!str_starts(file_path, directory) || (file_path.n > directory.n && file_path.p[directory.n] != '/'))
        return best;
    return !best.p || directory.n > best.n ? directory : best;
}

/* Of an AliasMatch what stands in front of the segment with the first group. */
static struct str alias_directory(const struct alias *alias)
{
    struct str target = alias->target;
    ptrdiff_t group = alias->regex ? str_find(target, '$') : -1;

    if (group < 0)
        return target;
    target = str_first(target, (size_t)group);
    return str_first(target, (size_t)(str_find_last(target, '/') + 1));
}

struct str files_base(const struct server *server, struct str file_path, bool sections)
{
    struct str best = better_base(STR_NONE, server->document_root, file_path);

    for (size_t i = 0; i < server->file_aliases.count; i++)
        best = better_base(best, alias_directory(&server->file_aliases.items[i]), file_path);
    for (size_t i = 0; sections && i < server->directories.count; i++)
        if (server->directories.items[i].kind == SECTION_PATH)
            best = better_base(best, server->directories.items[i].pattern, file_path);
    return best;
}
