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

/* ---- targets ---- */

/* One piece of a target, cut off its front: a group, a variable, an escaped dollar, or plain text. */
static struct str next_piece(struct str *text, bool interpolate, const struct regex_match *match,
                             const struct vars *vars)
{
    struct str t = *text;
    size_t n = 1;

    if (t.n > 1 && t.p[0] == '$' && match && ascii_digit(t.p[1])) {
        *text = str_skip(t, 2);
        return match->groups[t.p[1] - '0'];
    }
    if (t.n > 1 && t.p[0] == '$' && t.p[1] == '{' && interpolate) {
        struct str name = str_skip(t, 2);
        ptrdiff_t end = str_find(name, '}');

        if (end >= 0) {
            *text = str_skip(name, (size_t)end + 1);
            return vars ? vars_get(vars, str_first(name, (size_t)end)) : STR_NONE;
        }
    }
    if (t.n > 1 && t.p[0] == '\\' && t.p[1] == '$' && match) {
        *text = str_skip(t, 2);
        return str_make(t.p + 1, 1);
    }
    while (n < t.n && t.p[n] != '$' && t.p[n] != '\\')
        n++;
    *text = str_skip(t, n);
    return str_first(t, n);
}

/* match: the groups; NULL when there are none to put in. */
static struct str expand(struct arena *arena, struct str text, bool interpolate,
                         const struct regex_match *match, const struct vars *vars)
{
    struct str out = STR("");

    while (text.n) {
        struct str piece = next_piece(&text, interpolate, match, vars);

        if (piece.n)
            out = ARENA_CONCAT(arena, out, piece);
    }
    return out;
}

static struct str target_of(const struct mapping_subject *s, const struct pass *pass,
                            const struct regex_match *match)
{
    bool interpolate = pass->interpolate && s->location->interpolate == 1;

    if (!match && !interpolate)
        return pass->target_path;
    return expand(s->arena, pass->target_path, interpolate, match, s->vars);
}

/* ---- finding ---- */

/* The rest of the path as the client sent it, where that is covered by the pattern too: "/%61pp/x" is not by
 * "/app/", and then the rest of the decoded path is taken. */
static void keep_rest(const struct mapping_subject *s, struct mapping *m)
{
    size_t matched = s->raw_path.p ? mapping_match_prefix(m->pass->path, s->raw_path) : 0;

    if (!matched)
        return;
    m->rest = str_skip(s->raw_path, matched);
    m->rest_encoded = true;
}

static bool match_regex(const struct mapping_subject *s, const struct pass *pass, struct mapping *m)
{
    struct regex_match match;

    if (!regex_search(pass->regex, s->path, &match))
        return false;
    m->target = target_of(s, pass, pass->substitute ? &match : NULL);
    m->rest = pass->substitute ? STR("") : s->path;
    return true;
}

static bool match_pass(const struct mapping_subject *s, const struct pass *pass, struct mapping *m)
{
    *m = (struct mapping){.pass = pass, .path = s->path};
    if (pass->mapping != PASS_DECODED) {
        m->target = target_of(s, pass, NULL);
        return mapping_match_encoded(s, m);
    }
    if (pass->regex)
        return match_regex(s, pass, m);
    m->matched = mapping_match_prefix(pass->path, s->path);
    if (!m->matched)
        return false;
    m->target = target_of(s, pass, NULL);
    m->rest = str_skip(s->path, m->matched);
    if (pass->nocanon)
        keep_rest(s, m);
    return true;
}

static bool match_location(const struct mapping_subject *s, struct mapping *m)
{
    const struct pass *pass = s->location->pass;

    if (!pass)
        return false;
    if (pass->path.p || pass->regex)
        return match_pass(s, pass, m);
    /* Of a section's pattern all of the path is the rest. */
    *m = (struct mapping){.pass = pass, .path = s->path, .target = target_of(s, pass, NULL), .rest = s->path};
    return true;
}

static bool match_table(const struct mapping_subject *s, bool encoded, struct mapping *m)
{
    const struct pass *pass = s->server->passes.items;

    for (const struct pass *end = pass + s->server->passes.count; pass < end; pass++)
        if ((pass->mapping != PASS_DECODED) == encoded && match_pass(s, pass, m))
            return true;
    return false;
}

bool mapping_find_encoded(const struct mapping_subject *s, struct mapping *mapping)
{
    return s->server->encoded_passes && match_table(s, true, mapping);
}

bool mapping_find(const struct mapping_subject *s, struct mapping *mapping)
{
    return match_location(s, mapping) || match_table(s, false, mapping);
}

/* ---- what comes of it ---- */

#define SCRIPT_FILENAME_START "proxy:scgi://"

struct str mapping_script_filename(struct arena *arena, const struct server *server,
                                   const struct mapping *mapping)
{
    const struct pass *pass = mapping->pass;
    bool keep = server->encoded_slashes == ENCODED_SLASHES_NODECODE;
    struct str target = uri_encode_path(arena, mapping->target, keep);
    struct str rest = mapping->rest_encoded ? mapping->rest : uri_encode_path(arena, mapping->rest, keep);
    struct str first = target.n ? target : rest, slash = STR("");

    must(!pass->exclude);
    /* Nothing that a client sends may become part of the authority. */
    if (first.n == 0 || first.p[0] != '/')
        slash = STR("/");
    return ARENA_CONCAT(arena, STR(SCRIPT_FILENAME_START), pass->authority, slash, target, rest);
}

/* The bytes of path before the end that it has in common with the target, whole segments of it. */
static size_t before_common_end(struct str path, struct str target)
{
    size_t same = 0, cut = path.n;

    while (same < path.n && same < target.n && path.p[path.n - 1 - same] == target.p[target.n - 1 - same]) {
        same++;
        if (path.p[path.n - same] == '/')
            cut = path.n - same;
    }
    return cut;
}

struct split mapping_split_mount(const struct mapping *mapping)
{
    struct str path = mapping->path;
    size_t cut = mapping->matched;

    if (mapping->pass && mapping->pass->regex && !mapping->matched)
        cut = before_common_end(path, mapping->pass->substitute ? mapping->target : path);
    while (cut > 0 && path.p[cut - 1] == '/')
        cut--;
    return (struct split){str_first(path, cut), mapping->info.p ? mapping->info : str_skip(path, cut)};
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
