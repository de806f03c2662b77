/* target: the URLs that ProxyPass leads to.
 *
 *     scgi://host[:port][/path]            TCP; port 4000 when there is none
 *     unix:socket-path|scgi://[host][/path]  Unix socket; the host only shows in SCRIPT_FILENAME
 *
 * With ProxyPassMatch and interpolate, $1 and ${VARIABLE} stand in the path only: what a client sends never
 * chooses a host, a port or a socket.
 */
#ifndef CONFIG_TARGET_H
#define CONFIG_TARGET_H

#include "config/model.h"

struct target {
    struct address address;
    struct str authority; /* canonical: host lower-case, IPv6 in brackets, without user info and port 4000 */
    struct str path;      /* decoded; absent when the URL has none, else begins with '/', or is of groups only
                             ("scgi://host$1") */
    struct str name;      /* for messages: "scgi://127.0.0.1:4000", "unix:/run/app.sock|scgi://localhost" */
};

struct target_fault {
    const char *message; /* static, without the URL */
    const char *hint;    /* or NULL */
    size_t offset;       /* in the text */
};

/* Relative socket paths lie below runtime_dir. variable: $1 and ${VARIABLE} are going to be replaced. False
 * when it is no such URL. */
bool target_parse(struct arena *arena, struct str runtime_dir, struct str text, bool variable,
                  struct target *target, struct target_fault *fault);

#endif
