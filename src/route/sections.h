/* sections: which <Proxy>, <Directory>, <Files> and <Location> sections apply to a request, and their merged
 * configuration, with that of <If> sections laid over it.
 *
 * Merging is costly and the same few combinations come again and again: what was merged is kept, keyed by the
 * server and the list of matched sections. The number of kept combinations is bounded, since a client may
 * choose among very many of them; what finds no room is merged for that request alone.
 *
 *     struct sections_subject subject = {.path = path};
 *     const struct merged *m = sections_merge(&sections, arena, server, &subject);
 *     if (m->config.ifs.count) ...
 *     if (m->config.follow_symlinks == 1) ...
 */
#ifndef ROUTE_SECTIONS_H
#define ROUTE_SECTIONS_H

#include "base/vars.h"
#include "config/model.h"

struct merged {
    struct dir_config config;
    const struct var *env; /* what SetEnv and UnsetEnv come to */
    size_t env_count;
    size_t setenvif_start; /* where in config.setenvif the sections' rules begin, behind the server's */
};

struct sections_entry;

struct sections {
    struct arena *arena; /* of the kept entries */
    struct sections_entry **buckets;
    size_t bucket_count;            /* a power of two */
    size_t kept, kept_max;          /* entries with at least one section */
    const struct section **matched; /* of the current call */
};

enum { SECTIONS_KEPT_MAX = 1024 };

/* Memory from the arena; kept_max is SECTIONS_KEPT_MAX, or less in tests. */
void sections_init(struct sections *s, struct arena *arena, const struct model *model, size_t kept_max);

/* The results live as long as the sections' arena, or, where there was no room, as long as the given one. */

/* What sections are matched against; what is absent leaves its kind of section out. */
struct sections_subject {
    struct str proxy_url; /* <Proxy>: as configured, with the rest of the path */
    struct str file_path; /* <Directory>, <Files>: absolute */
    struct str path;      /* <Location>: decoded */
    struct vars *vars;    /* gets what named groups match (MATCH_NAME); NULL: nobody asks for them */
};

/* The server's own directory context, and over it those of the sections that match: <Proxy> in file order,
 * <Directory> in the model's order, <Files>, <Location> in file order. */
const struct merged *sections_merge(struct sections *s, struct arena *arena, const struct server *server,
                                    const struct sections_subject *subject);
/* What was merged before, and the given sections over it. */
const struct merged *sections_merge_over(struct sections *s, struct arena *arena, const struct merged *base,
                                         const struct section *const *more, size_t count);

/* <Location>: by the rule of ProxyPass, so that a section covers what an equal ProxyPass gives away; a
 * pattern with wildcards must match all of the path, a regular expression any part of it. */
bool sections_match_location(const struct section *section, struct str path);
/* <Directory>: the directory or a file below it, at any depth; a regular expression is searched for in the
 * whole file path. */
bool sections_match_directory(const struct section *section, struct str file_path);
/* <Files>: by the last segment of the path. */
bool sections_match_files(const struct section *section, struct str file_path);
/* <Proxy>: a beginning of the URL, whatever follows; wildcards must match all of it, across slashes. */
bool sections_match_proxy(const struct section *section, struct str url);

#endif
