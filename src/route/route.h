/* route: from a request to a plan: which virtual host, which sections, who answers.
 *
 * The model is immutable; a router adds what one worker needs at run time: the cache of merged sections. A
 * plan holds no decision about time or connections: it names a backend, a file, or a status to answer.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "base/vars.h"
#include "config/model.h"
#include "http/endpoints.h"
#include "http/request.h"

struct router;

struct router *router_create(const struct model *model);
void router_destroy(struct router *router);
const struct model *router_model(const struct router *router);

enum plan_kind {
    PLAN_STATUS,   /* answer plan.status */
    PLAN_BACKEND,  /* ask plan.pass->backend */
    PLAN_FILE,     /* look up plan.file_path */
    PLAN_OPTIONS,  /* OPTIONS *, or OPTIONS that must go no further: 200 without content */
    PLAN_REDIRECT, /* answer plan.status with plan.location */
};

struct plan {
    enum plan_kind kind;
    const struct server *server; /* always set */
    /* Merged for this request; always set; lives as long as the router and the arena. */
    const struct dir_config *config;
    /* SERVER_NAME: lower case, IPv6 in brackets, HTML-escaped (UseCanonicalName Off: the request's, else
     * ServerName). */
    struct str host;
    unsigned port;      /* SERVER_PORT */
    struct str scheme;  /* REQUEST_SCHEME: "http", "https" */
    struct str path;    /* decoded, normalised; "" when the target has none that can be decoded */
    int status;         /* of PLAN_STATUS: an error; of PLAN_REDIRECT: 300 to 399 */
    const char *reason; /* of PLAN_STATUS: text for the log; names the cause */
    /* The request's fields as RequestHeader leaves them; NULL: as they are. */
    struct field *fields;
    size_t field_count;
    /* PLAN_BACKEND */
    const struct pass *pass;
    struct str script_name, path_info; /* decoded; path_info absent: not split */
    struct str path_translated;        /* absent unless path_info is present and not empty */
    struct str script_filename;        /* "proxy:scgi://host/encoded/path" */
    /* PLAN_REDIRECT */
    struct str location; /* an absolute URL */
    /* PLAN_FILE */
    struct str file_path; /* absolute, without ".." */
};

/* Where a request comes from. After an internal redirect request is the new one (GET or HEAD, new target)
 * with the old fields. */
struct route_input {
    const struct request *request;
    const struct endpoints *endpoints;
    struct vars *vars; /* in: REDIRECT_*; out: with SetEnvIf and SetEnv applied, in Apache's order */
    int64_t begun_us;  /* since 1970: when the client's request came, for RequestHeader */
    int64_t taken_us;  /* since then */
};

/* Always fills the plan; memory from the arena.
 *
 * Order (behaviour of Apache, corrections included): virtual host by local address, then by host name; the
 * path is decoded and normalised; server-level SetEnvIf; ProxyPass with mapping=, sections <Location>;
 * ProxyPass in a location, then the table, first match wins, "!" ends it, the variable no-proxy ends it too;
 * for a backend: <Proxy> sections, then locations again; else the server's Redirect, Alias (first match),
 * else DocumentRoot; for a file: <Directory> sections of every directory on the way, <Files>, then locations
 * again; <If> sections; SetEnvIf of the sections; access; Redirect of the sections; SetHandler; SetEnv;
 * RequestHeader.
 * CONNECT is 405, TRACE is 405 unless TraceEnable, "OPTIONS *" is PLAN_OPTIONS; Max-Forwards is judged here
 * (0: 400 as Apache, or answered for OPTIONS; not a number: 400). */
void route_request(struct router *router, struct arena *arena, const struct route_input *input,
                   struct plan *plan);

/* For the file that an application named (ProxySCGISendfile) or that a lookup found under another name (a
 * directory's index, a symbolic link): the access that <Directory> sections give to it. input and plan are
 * those of the request; its variables stay as they are. True when granted.
 * file_path must be absolute and normalised (uri_normalise_path), else nothing is granted. *config is the
 * server's context with the <Directory> sections of the path; it lives as long as the router or, where the
 * cache had no room, as the arena. */
bool route_file_granted(struct router *router, struct arena *arena, const struct route_input *input,
                        const struct plan *plan, struct str file_path, const struct dir_config **config);

/* "http://host:port" of what was asked for, as the configuration wants it named; a usual port is left out. */
struct str route_origin(struct arena *arena, const struct plan *plan);

/* The longest directory that the configuration names and that holds the file: symbolic links on the way to it
 * are the administrator's own. Absent: none. */
struct str route_file_base(const struct server *server, struct str file_path);

/* Which server a connection to this local end belongs to before any request: for limits and time-outs. */
const struct server *route_default_server(struct router *router, const struct endpoints *endpoints);

#endif
