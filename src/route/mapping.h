/* mapping: from a path of ours to a backend and a path there (ProxyPass), and how the path is split for it.
 *
 * ProxyPass of the merged <Location> is tried first, then the server's table in its order; the first match
 * wins. A match on "!" ends the search too.
 */
#ifndef ROUTE_MAPPING_H
#define ROUTE_MAPPING_H

#include "config/model.h"

struct mapping {
    const struct pass *pass; /* may be an exclusion */
    size_t matched;          /* bytes of the path that its pattern covered */
};

/* The matched bytes of the path, 0 when it does not match. A run of '/' in the pattern matches any run of '/'
 * in the path; all else is literal; a pattern without '/' at its end must end where a segment of the path
 * ends. */
size_t mapping_match_prefix(struct str pattern, struct str path);

/* location: the directory context merged from the sections of the path. False when nothing matches. */
bool mapping_find(const struct server *server, const struct dir_config *location, struct str path,
                  struct mapping *mapping);

/* SCRIPT_FILENAME: "proxy:scgi://", the authority, and the backend's path in canonical encoding (a
 * missing '/' behind the authority is added). mapping->pass must not be an exclusion. */
struct str mapping_script_filename(struct arena *arena, const struct server *server,
                                   const struct mapping *mapping, struct str path);

struct split {
    struct str script_name, path_info; /* path_info absent: not split */
};

/* script_name + path_info = path, cut where the pattern ended; script_name has no '/' at its end. */
struct split mapping_split_mount(const struct mapping *mapping, struct str path);

/* Apache's way: path_info is the (encoded) path of script_filename; script_name is what is left of path when
 * path_info is compared with it from the end, up to the next '/'. */
struct split mapping_split_apache(struct str script_filename, struct str path);

#endif
