/* bundle: a configuration source in memory, for tests and the fuzzer: several files in one text.
 *
 * What stands first is the main file, BUNDLE_FILE; a line "=== /path" begins another one, and "=== /path/"
 * makes a directory. Directories above files are there without being named, and so is /srv. The environment
 * has one variable, FROM_ENVIRONMENT.
 */
#ifndef CONFIG_BUNDLE_H
#define CONFIG_BUNDLE_H

#include "base/glob.h"
#include "config/load.h"

#define BUNDLE_FILE "/etc/gate.conf"

enum { BUNDLE_FILES_MAX = 64 };

struct bundle {
    struct {
        struct str path, text;
    } files[BUNDLE_FILES_MAX];
    size_t count;
};

static inline void bundle_add(struct bundle *b, struct str path, struct str text)
{
    if (b->count == BUNDLE_FILES_MAX)
        return;
    b->files[b->count].path = path;
    b->files[b->count++].text = text;
}

static inline struct bundle bundle_make(struct str text)
{
    struct str mark = STR("\n=== "), path = STR(BUNDLE_FILE);
    struct bundle b = {.count = 0};

    bundle_add(&b, STR("/srv/"), STR(""));
    while (text.p) {
        ptrdiff_t end = str_find_str(text, mark);

        bundle_add(&b, path, end < 0 ? text : str_first(text, (size_t)end + 1));
        if (end < 0)
            break;
        text = str_skip(text, (size_t)end + mark.n);
        path = str_until(&text, '\n');
    }
    return b;
}

static inline enum path_kind bundle_kind(void *context, struct str path)
{
    const struct bundle *b = context;

    if (path.n && path.p[path.n - 1] == '/')
        path.n--;
    for (size_t i = 0; i < b->count; i++) {
        struct str file = b->files[i].path;

        if (str_eq(file, path))
            return PATH_FILE;
        if (str_starts(file, path) && file.n > path.n && file.p[path.n] == '/')
            return PATH_DIRECTORY;
    }
    return PATH_MISSING;
}

static inline const char *bundle_read(void *context, struct arena *arena, struct str path, struct str *text)
{
    const struct bundle *b = context;

    (void)arena;
    for (size_t i = 0; i < b->count; i++) {
        if (!str_eq(b->files[i].path, path))
            continue;
        *text = b->files[i].text;
        return NULL;
    }
    return "No such file or directory";
}

static inline bool bundle_before(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order < 0 || (order == 0 && a.n < b.n);
}

static inline void bundle_list(void *context, struct arena *arena, struct str pattern, struct str **paths,
                               size_t *count)
{
    const struct bundle *b = context;
    struct str *found = ARENA_ARRAY(arena, struct str, BUNDLE_FILES_MAX);

    if (bundle_kind(context, pattern) == PATH_DIRECTORY)
        pattern = ARENA_CONCAT(arena, pattern, STR("/*"));
    *paths = found;
    for (size_t i = *count = 0; i < b->count; i++) {
        struct str path = b->files[i].path;
        size_t at = *count;

        if (path.n && path.p[path.n - 1] == '/')
            path.n--;
        if (!glob_match(pattern, path, true, false))
            continue;
        for (; at && bundle_before(path, found[at - 1]); at--)
            found[at] = found[at - 1];
        found[at] = path;
        ++*count;
    }
}

static inline struct str bundle_getenv(void *context, struct arena *arena, struct str name)
{
    (void)context;
    (void)arena;
    return str_eq(name, STR("FROM_ENVIRONMENT")) ? STR("from environment") : STR_NONE;
}

static inline struct config_source bundle_source(struct bundle *b)
{
    return (struct config_source){b, bundle_read, bundle_list, bundle_kind, bundle_getenv};
}

#endif
