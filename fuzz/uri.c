/* A request target, and what becomes of its path and authority. */
#include "http/uri.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_dots(struct str path)
{
    while (path.p) {
        struct str segment = str_until(&path, '/');

        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return true;
    }
    return false;
}

static void check_path(struct arena *arena, struct str raw, enum uri_slashes slashes, bool merge)
{
    struct str path, again;
    int status = uri_decode_path(arena, raw, slashes, merge, &path);

    must(status == 0 || status == 400 || status == 404);
    if (status)
        return;
    must(path.n && path.p[0] == '/' && str_find(path, '\0') < 0 && !has_dots(path));
    must(!merge || str_find_str(path, STR("//")) < 0);
    must(uri_normalise_path(arena, path, merge, &again) && str_eq(path, again));
    again = uri_encode_path(arena, path, slashes == URI_SLASH_KEEP);
    must(uri_decode_path(arena, again, slashes, merge, &again) == 0);
    must(slashes == URI_SLASH_KEEP || str_eq(path, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size), host, again;
    struct uri_target target;
    struct arena arena;
    unsigned port;

    arena_init(&arena, NULL, 0);
    if (uri_parse_target(input, &target)) {
        must(target.form == URI_AUTHORITY || target.path.n || target.form == URI_ABSOLUTE);
        must(target.path.n + target.authority.n + target.query.n <= size + 1);
    }
    for (int i = 0; i < 6; i++)
        check_path(&arena, target.path.p ? target.path : input, (enum uri_slashes)(i / 2), i % 2);
    if (uri_parse_authority(&arena, target.authority.p ? target.authority : input, &host, &port)) {
        must(host.n > 0 && host.n <= 255 && port <= 65535);
        if (host.p[host.n - 1] != '.')
            must(uri_parse_authority(&arena, host, &again, &port) && str_eq(host, again) && port == 0);
    }
    arena_finish(&arena);
    return 0;
}
