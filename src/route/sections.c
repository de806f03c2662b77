#include "route/sections.h"

#include "base/glob.h"
#include "route/mapping.h"

struct sections_entry {
    struct merged merged;
    struct sections_entry *next;
    const struct server *server;
    uint64_t hash;
    unsigned *ids;
    size_t id_count;
};

void sections_init(struct sections *s, struct arena *arena, const struct model *model, size_t kept_max)
{
    size_t most = model->main->locations.count + model->main->directories.count;
    size_t entries = kept_max + 1 + model->virtual_hosts.count;

    for (size_t i = 0; i < model->virtual_hosts.count; i++) {
        const struct server *server = model->virtual_hosts.items[i];

        if (server->locations.count + server->directories.count > most)
            most = server->locations.count + server->directories.count;
    }
    *s = (struct sections){.arena = arena, .bucket_count = 64, .kept_max = kept_max};
    while (s->bucket_count < entries)
        s->bucket_count *= 2;
    s->buckets = ARENA_ARRAY(arena, struct sections_entry *, s->bucket_count);
    s->matched = ARENA_ARRAY(arena, const struct section *, most);
}

/* ---- matching ---- */

bool sections_match_location(const struct section *section, struct str path)
{
    switch (section->kind) {
    case SECTION_PATH:
        return mapping_match_prefix(section->pattern, path) > 0;
    case SECTION_GLOB:
        return glob_match(section->pattern, path, true, false);
    case SECTION_REGEX:
        return regex_search(section->regex, path, NULL);
    }
    return false;
}

/* "/" has none, "/a" and "/a/" have one. */
static unsigned count_segments(struct str path)
{
    unsigned n = 0;

    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] != '/' && (i == 0 || path.p[i - 1] == '/');
    return n;
}

/* The directory of the first n segments of the file path, without a slash at its end. Absent when the path
 * has fewer directories: what follows the last slash is a file, and no wildcard speaks of files. */
static struct str first_segments(struct str file_path, unsigned n)
{
    for (size_t i = 1; i < file_path.n; i++)
        if (file_path.p[i] == '/' && --n == 0)
            return str_first(file_path, i);
    return STR_NONE;
}

bool sections_match_directory(const struct section *section, struct str file_path)
{
    struct str directory;

    switch (section->kind) {
    case SECTION_PATH:
        return mapping_match_prefix(section->pattern, file_path) > 0;
    case SECTION_GLOB:
        directory = first_segments(file_path, count_segments(section->pattern));
        return directory.p && glob_match(section->pattern, directory, true, false);
    case SECTION_REGEX:
        return regex_search(section->regex, file_path, NULL);
    }
    return false;
}

static size_t match_locations(struct sections *s, size_t count, const struct server *server, struct str path)
{
    for (size_t i = 0; i < server->locations.count; i++)
        if (sections_match_location(&server->locations.items[i], path))
            s->matched[count++] = &server->locations.items[i];
    return count;
}

/* The model lists them in the order of merging. */
static size_t match_directories(struct sections *s, const struct server *server, struct str file_path)
{
    size_t count = 0;

    for (size_t i = 0; i < server->directories.count; i++)
        if (sections_match_directory(&server->directories.items[i], file_path))
            s->matched[count++] = &server->directories.items[i];
    return count;
}

/* ---- merging ---- */

static uint64_t hash_of(const struct sections *s, const struct server *server, size_t count)
{
    uint64_t h = (uint64_t)(uintptr_t)server * 0x9e3779b97f4a7c15u;

    for (size_t i = 0; i < count; i++)
        h = (h ^ s->matched[i]->id) * 0x100000001b3u;
    return h ^ h >> 32;
}

static bool same_sections(const struct sections *s, const struct sections_entry *e, size_t count)
{
    if (e->id_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (e->ids[i] != s->matched[i]->id)
            return false;
    return true;
}

/* UnsetEnv takes away what SetEnv gave before it, nothing else: so the list of both comes to a table. */
static void settle_env(struct arena *arena, struct merged *m)
{
    struct vars env;

    vars_init(&env, arena);
    for (size_t i = 0; i < m->config.env.count; i++) {
        const struct env_op *op = &m->config.env.items[i];

        if (op->value.p)
            vars_set(&env, op->name, op->value);
        else
            vars_unset(&env, op->name);
    }
    m->env = env.items;
    m->env_count = env.count;
}

static struct sections_entry *build(struct sections *s, struct arena *arena, const struct server *server,
                                    size_t count)
{
    struct sections_entry *e = ARENA_NEW(arena, struct sections_entry);

    e->server = server;
    e->merged.config = server->dir;
    e->merged.setenvif_start = server->dir.setenvif.count;
    e->ids = ARENA_ARRAY(arena, unsigned, count);
    e->id_count = count;
    for (size_t i = 0; i < count; i++) {
        struct dir_config base = e->merged.config;

        dir_config_merge(arena, &base, &s->matched[i]->config, &e->merged.config);
        e->ids[i] = s->matched[i]->id;
    }
    settle_env(arena, &e->merged);
    return e;
}

/* The configuration of the server with the first count of s->matched. */
static const struct merged *merge(struct sections *s, struct arena *arena, const struct server *server,
                                  size_t count)
{
    uint64_t hash = hash_of(s, server, count);
    struct sections_entry **bucket = &s->buckets[hash & (s->bucket_count - 1)];
    struct sections_entry *e;

    for (e = *bucket; e; e = e->next)
        if (e->hash == hash && e->server == server && same_sections(s, e, count))
            return &e->merged;
    if (count && s->kept == s->kept_max)
        return &build(s, arena, server, count)->merged;
    s->kept += count > 0;
    e = build(s, s->arena, server, count);
    e->hash = hash;
    e->next = *bucket;
    *bucket = e;
    return &e->merged;
}

const struct merged *sections_merge_server(struct sections *s, struct arena *arena,
                                           const struct server *server)
{
    return merge(s, arena, server, 0);
}

const struct merged *sections_merge_location(struct sections *s, struct arena *arena,
                                             const struct server *server, struct str path)
{
    return merge(s, arena, server, match_locations(s, 0, server, path));
}

const struct merged *sections_merge_file(struct sections *s, struct arena *arena, const struct server *server,
                                         struct str file_path, struct str path)
{
    size_t count = match_directories(s, server, file_path);

    if (path.p)
        count = match_locations(s, count, server, path);
    return merge(s, arena, server, count);
}
