#include "route/sections.h"

#include "base/glob.h"
#include "route/mapping.h"

struct sections_entry {
    struct merged merged; /* first: sections_merge_over() gets back to the entry */
    struct sections_entry *next;
    const struct server *server;
    uint64_t hash;
    const struct section **sections;
    size_t count;
};

void sections_init(struct sections *s, struct arena *arena, const struct model *model, size_t kept_max)
{
    size_t entries = kept_max + 1 + model->virtual_hosts.count;

    *s = (struct sections){.arena = arena, .bucket_count = 64, .kept_max = kept_max};
    while (s->bucket_count < entries)
        s->bucket_count *= 2;
    s->buckets = ARENA_ARRAY(arena, struct sections_entry *, s->bucket_count);
    s->matched = ARENA_ARRAY(arena, const struct section *, model->section_count);
}

/* ---- matching ---- */

/* match may be NULL. */
static bool match_location(const struct section *section, struct str path, struct regex_match *match)
{
    switch (section->kind) {
    case SECTION_PATH:
        return mapping_match_prefix(section->pattern, path) > 0;
    case SECTION_GLOB:
        return glob_match(section->pattern, path, true, false);
    case SECTION_REGEX:
        return regex_search(section->regex, path, match);
    case SECTION_IF:
        break;
    }
    return false;
}

bool sections_match_location(const struct section *section, struct str path)
{
    return match_location(section, path, NULL);
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

static bool match_directory(const struct section *section, struct str file_path, struct regex_match *match)
{
    struct str directory;

    switch (section->kind) {
    case SECTION_PATH:
        return mapping_match_prefix(section->pattern, file_path) > 0;
    case SECTION_GLOB:
        directory = first_segments(file_path, count_segments(section->pattern));
        return directory.p && glob_match(section->pattern, directory, true, false);
    case SECTION_REGEX:
        return regex_search(section->regex, file_path, match);
    case SECTION_IF:
        break;
    }
    return false;
}

bool sections_match_directory(const struct section *section, struct str file_path)
{
    return match_directory(section, file_path, NULL);
}

static bool match_files(const struct section *section, struct str file_path, struct regex_match *match)
{
    struct str name = str_skip(file_path, (size_t)(str_find_last(file_path, '/') + 1));

    switch (section->kind) {
    case SECTION_PATH:
        return str_eq(section->pattern, name);
    case SECTION_GLOB:
        return glob_match(section->pattern, name, true, false);
    case SECTION_REGEX:
        return regex_search(section->regex, name, match);
    case SECTION_IF:
        break;
    }
    return false;
}

bool sections_match_files(const struct section *section, struct str file_path)
{
    return match_files(section, file_path, NULL);
}

static bool match_proxy(const struct section *section, struct str url, struct regex_match *match)
{
    switch (section->kind) {
    case SECTION_PATH:
        return str_starts(url, section->pattern);
    case SECTION_GLOB:
        return glob_match(section->pattern, url, false, false);
    case SECTION_REGEX:
        return regex_search(section->regex, url, match);
    case SECTION_IF:
        break;
    }
    return false;
}

bool sections_match_proxy(const struct section *section, struct str url)
{
    return match_proxy(section, url, NULL);
}

typedef bool match_function(const struct section *section, struct str subject, struct regex_match *match);

/* One more section, if it matches. */
static size_t match_one(struct sections *s, size_t count, const struct section *section,
                        match_function *matches, struct str subject, struct vars *vars)
{
    struct regex_match match;

    if (!vars || section->names.count == 0) {
        if (!matches(section, subject, NULL))
            return count;
    } else {
        if (!matches(section, subject, &match))
            return count;
        for (size_t i = 0; i < section->names.count; i++) {
            struct str text = match.groups[section->names.items[i].group];

            if (text.p)
                vars_set(vars, section->names.items[i].variable, text);
        }
    }
    s->matched[count] = section;
    return count + 1;
}

/* <Files> sections stand in the server's context and in <Directory> sections, in the order of merging. */
static size_t match_file(struct sections *s, size_t count, const struct server *server,
                         const struct sections_subject *subject)
{
    size_t first = count, directories;

    for (size_t i = 0; i < server->directories.count; i++)
        count = match_one(s, count, &server->directories.items[i], match_directory, subject->file_path,
                          subject->vars);
    directories = count;
    for (size_t i = 0; i < server->dir.files.count; i++)
        count =
            match_one(s, count, server->dir.files.items[i], match_files, subject->file_path, subject->vars);
    for (size_t i = first; i < directories; i++) {
        const struct dir_config *d = &s->matched[i]->config;

        for (size_t k = 0; k < d->files.count; k++)
            count = match_one(s, count, d->files.items[k], match_files, subject->file_path, subject->vars);
    }
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
    return e->count == count && (count == 0 || !memcmp(e->sections, s->matched, count * sizeof *s->matched));
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
    e->sections = ARENA_ARRAY(arena, const struct section *, count);
    e->count = count;
    for (size_t i = 0; i < count; i++) {
        struct dir_config base = e->merged.config;

        dir_config_merge(arena, &base, &s->matched[i]->config, &e->merged.config);
        e->sections[i] = s->matched[i];
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

const struct merged *sections_merge(struct sections *s, struct arena *arena, const struct server *server,
                                    const struct sections_subject *subject)
{
    size_t count = 0;

    if (subject->proxy_url.p)
        for (size_t i = 0; i < server->proxies.count; i++)
            count = match_one(s, count, &server->proxies.items[i], match_proxy, subject->proxy_url,
                              subject->vars);
    if (subject->file_path.p)
        count = match_file(s, count, server, subject);
    if (subject->path.p)
        for (size_t i = 0; i < server->locations.count; i++)
            count = match_one(s, count, &server->locations.items[i], match_location, subject->path,
                              subject->vars);
    return merge(s, arena, server, count);
}

const struct merged *sections_merge_over(struct sections *s, struct arena *arena, const struct merged *base,
                                         const struct section *const *more, size_t count)
{
    const struct sections_entry *e = (const struct sections_entry *)base;

    if (e->count)
        memcpy(s->matched, e->sections, e->count * sizeof *s->matched);
    if (count)
        memcpy(s->matched + e->count, more, count * sizeof *s->matched);
    return merge(s, arena, e->server, e->count + count);
}
