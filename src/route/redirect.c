#include "route/redirect.h"

#include "http/uri.h"
#include "route/mapping.h"

static bool matches(struct arena *arena, const struct redirect *r, struct str path, struct str *location)
{
    struct regex_match match;
    size_t matched;

    if (r->regex) {
        if (!regex_search(r->regex, path, &match))
            return false;
        for (int i = 0; i < REGEX_GROUPS_MAX; i++)
            match.groups[i] = uri_encode_path(arena, match.groups[i], false);
        *location = r->target.p ? regex_substitute(arena, r->target, &match) : STR_NONE;
        return true;
    }
    *location = r->target;
    if (!r->path.p)
        return true;
    matched = mapping_match_prefix(r->path, path);
    if (matched && r->target.p)
        *location = ARENA_CONCAT(arena, r->target, uri_encode_path(arena, str_skip(path, matched), false));
    return matched > 0;
}

static struct str add_query(struct arena *arena, struct str location, struct str query)
{
    struct str fragment = location, front = str_until(&fragment, '#');

    if (!query.p || str_find(front, '?') >= 0)
        return location;
    return ARENA_CONCAT(arena, front, STR("?"), query, fragment.p ? STR("#") : STR(""), fragment);
}

bool redirect_find(struct arena *arena, const struct redirect *entries, size_t count,
                   const struct request *request, struct plan *plan)
{
    struct str location;

    for (const struct redirect *r = entries, *end = entries + count; r < end; r++) {
        if (!matches(arena, r, plan->path, &location))
            continue;
        plan->status = r->status;
        plan->kind = PLAN_STATUS;
        plan->reason = "by Redirect";
        if (!location.p)
            return true;
        if (location.n == 0 || location.p[0] == '/')
            location = ARENA_CONCAT(arena, route_origin(arena, plan), location);
        plan->location = add_query(arena, location, request->uri.query);
        plan->kind = PLAN_REDIRECT;
        return true;
    }
    return false;
}
