/* mapping: from a path of ours to a backend and a path there (ProxyPass), and how the path is split for it.
 *
 * Entries of the server with mapping=encoded or servlet are tried first, then ProxyPass of the merged
 * <Location>, then the rest of the server's table in its order; the first match wins. A match on "!" ends the
 * search too.
 */
#ifndef ROUTE_MAPPING_H
#define ROUTE_MAPPING_H

#include "base/vars.h"
#include "config/model.h"

struct mapping {
    const struct pass *pass; /* may be an exclusion */
    size_t matched;          /* bytes of the path that its pattern covered */
    struct str path;         /* decoded; without the parameters of segments where mapping=servlet took them */
    struct str target;       /* the path of the backend's URL, decoded, with $1 and ${VARIABLE} replaced */
    struct str rest;         /* what follows it */
    bool rest_encoded;       /* rest stands as the client sent it */
    struct str info;         /* of mapping=servlet: rest decoded, with the parameters; else absent */
};

/* What is asked for. */
struct mapping_subject {
    struct arena *arena;
    const struct server *server;
    const struct dir_config *location; /* the directory context merged from the sections of the path */
    struct str path;                   /* decoded */
    struct str raw_path;               /* as sent, without the query; absent: mapping= finds nothing */
    const struct vars *vars;           /* for ${VARIABLE}; NULL: none is set */
};

/* The matched bytes of the path, 0 when it does not match. A run of '/' in the pattern matches any run of '/'
 * in the path; all else is literal; a pattern without '/' at its end must end where a segment of the path
 * ends. */
size_t mapping_match_prefix(struct str pattern, struct str path);

/* The server's entries with mapping=encoded or servlet, which come before all others. */
bool mapping_find_encoded(const struct mapping_subject *s, struct mapping *mapping);
/* ProxyPass of the location, then the server's other entries. False when nothing matches. */
bool mapping_find(const struct mapping_subject *s, struct mapping *mapping);

/* One entry with mapping=encoded or servlet (mapping_encoded.c): mapping->pass is given; fills all but
 * target. */
bool mapping_match_encoded(const struct mapping_subject *s, struct mapping *mapping);

/* SCRIPT_FILENAME: "proxy:scgi://", the authority, and the backend's path in canonical encoding (a
 * missing '/' behind the authority is added). mapping->pass must not be an exclusion. */
struct str mapping_script_filename(struct arena *arena, const struct server *server,
                                   const struct mapping *mapping);

struct split {
    struct str script_name, path_info; /* path_info absent: not split */
};

/* script_name + path_info = path, cut where the pattern ended; script_name has no '/' at its end. For an
 * expression the cut is where the end that path and the backend's path have in common begins. */
struct split mapping_split_mount(const struct mapping *mapping);

/* Apache's way: path_info is the (encoded) path of script_filename; script_name is what is left of path when
 * path_info is compared with it from the end, up to the next '/'. */
struct split mapping_split_apache(struct str script_filename, struct str path);

#endif
