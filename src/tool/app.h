/* app: the sample SCGI application, `scgate app ADDRESS`.
 *
 * It is there to be looked at: in a browser (its home page shows and links all that it can do), by the tests
 * and the benchmarks, which use it as the application behind the gateway, and as an example of how an SCGI
 * application is written in C. One thread serves one connection, which is one request: read the block of
 * variables, find the route, read the body, write a head and a body as a CGI program does, close.
 *
 *   app.c          options, listening, threads, signals
 *   app_request.c  one connection: from the socket to a struct request, and the functions to answer it
 *   app_routes.c   the table of routes and the functions behind them
 *   app_home.c     the home page, filled into app_home.html
 *
 * A route's function looks like this:
 *
 *     static void route_hello(struct app_request *rq)
 *     {
 *         struct str name = request_query(rq, STR("name"));
 *
 *         reply(rq, 200, STR("text/plain"), name.p ? name : STR("nobody"));
 *     }
 */
#ifndef TOOL_APP_H
#define TOOL_APP_H

#include "base/arena.h"
#include "base/out.h"

#include <sys/types.h>

enum {
    APP_BLOCK_MAX = 1 << 20,       /* bytes of a request's netstring */
    APP_PAUSE_MAX_MS = 600 * 1000, /* of /delay and the like */
    APP_PIECE_SIZE = 64 * 1024,    /* bytes handled at once */
};

struct app {
    const char *address; /* as on the command line */
    const char *files;   /* absolute path of the directory that /sendfile may name files of; NULL: none */
    int timeout_ms;      /* of one read or write */
    bool log;            /* one line for each request, on standard error */
};

struct app_request {
    const struct app *app;
    int fd;
    struct arena arena; /* lives as long as the request */
    struct str block;   /* the variables, for netstring_next() and netstring_find() */
    unsigned variables; /* how many */
    struct str method;
    struct str base;      /* the path below which the application is mounted, decoded: "" or "/scgi-bin" */
    struct str path;      /* the path below base: "/bytes/100" */
    uint64_t number;      /* the number at the end of such a path */
    uint64_t body_left;   /* bytes of the body not read yet */
    struct str body_here; /* of these, what came together with the block */
    struct str head;      /* of the answer: goes out with the first bytes of the body */
    int status;           /* of the answer; 0: none yet */
    uint64_t sent;        /* bytes of the answer's body */
    bool broken;          /* the connection is: whatever is written from now on is dropped */
};

/* Serves one connection from beginning to end and closes it. */
void app_serve(const struct app *app, int fd);

/* ---- what came ---- */

/* The value of a variable; absent when there is none of that name. */
struct str request_var(const struct app_request *rq, struct str name);
/* The value of a field of the query, decoded; absent when there is none. */
struct str request_query(struct app_request *rq, struct str name);
/* The same as a number: fallback when there is none, or it is no number up to max. */
uint64_t request_query_number(struct app_request *rq, struct str name, uint64_t max, uint64_t fallback);
/* The next bytes of the body; 0 at its end, -1 when it ends early or took too long. */
ssize_t request_read(struct app_request *rq, void *bytes, size_t size);

/* ---- the answer ---- */

/* A whole answer. */
void reply(struct app_request *rq, int status, struct str type, struct str body);
/* The head alone: lines are further fields, each with its CRLF; length is that of the body, or -1 when it is
 * not known; an empty type makes no Content-Type. */
void reply_head(struct app_request *rq, int status, struct str type, int64_t length, struct str lines);
/* Head and body byte for byte as given, for answers that break the rules. */
void reply_raw(struct app_request *rq, int status, struct str bytes);
/* Some of the body; false when the connection is broken. A HEAD request gets none. */
bool reply_body(struct app_request *rq, struct str bytes);
/* Sends what waits to be sent. */
bool reply_flush(struct app_request *rq);
/* Waits; false when the gateway has gone meanwhile. */
bool request_pause(struct app_request *rq, uint64_t ms);

/* ---- the routes ---- */

/* Sets path, base and number, and answers. */
void app_route(struct app_request *rq);
/* The home page. */
void app_home(struct app_request *rq);
/* The text of app_home.html, made part of the program by embed.py. */
extern const struct str app_home_html;

#endif
