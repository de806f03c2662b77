/* exchange: one client's request and all that is done to answer it, without any I/O.
 *
 * The exchange is the transaction: the client's side, from the request to the last byte of its answer. It
 * embeds the attempt: the conversation with a backend. An internal redirect or an ErrorDocument is a new hop
 * of the same transaction.
 *
 * The host owns sockets, files, clock and buffers. It asks exchange_wants() for the set of things that may be
 * done now, does any of them, and reports by the call that is named beside each; then it asks again, until
 * WANT_DONE. What is not in the set must not be done. Each transfer is a pair: one call lends the bytes, the
 * other says how many went. Memory that the host lends (received bytes) stays untouched until the exchange no
 * longer refers to it (see each call).
 *
 *     exchange_begin(&x, ...);
 *     while (!((wants = exchange_wants(&x)) & WANT_DONE))
 *         if (wants & WANT_ROUTE) { route_request(...); exchange_routed(&x, &plan); }
 *         else if (wants & WANT_CONNECT) ...
 *
 * Time is an argument: the host sets x.now_ms before it reports anything.
 */
#ifndef GATE_EXCHANGE_H
#define GATE_EXCHANGE_H

#include "base/out.h"
#include "gate/attempt.h"
#include "http/response.h"
#include "reply/file.h"
#include "route/route.h"
#include "scgi/params.h"

enum exchange_want {
    /* Find the plan for exchange_request(): exchange_routed(). */
    WANT_ROUTE = 1 << 0,
    /* Connect to plan.pass->backend; exchange_to_backend() may go with it: exchange_connected(),
     * exchange_connect_failed(). */
    WANT_CONNECT = 1 << 1,
    /* Send exchange_to_backend(): exchange_to_backend_ack(), exchange_send_failed(). */
    WANT_TO_BACKEND = 1 << 2,
    /* Bytes of the client's body are missing: exchange_body(), exchange_body_complete(),
       exchange_body_failed(). */
    WANT_BODY = 1 << 3,
    /* Append exchange_spool_put() to the request's spool, which is made with the first of them:
     * exchange_spool_put_ack(), exchange_spool_failed(). */
    WANT_SPOOL_PUT = 1 << 4,
    /* Read the spool from exchange_spool_offset() on: exchange_spool_got(), exchange_spool_failed(). */
    WANT_SPOOL_GET = 1 << 5,
    /* Read from the backend: exchange_from_backend(), exchange_backend_ended(). */
    WANT_FROM_BACKEND = 1 << 6,
    /* The backend's connection is of no more use: exchange_backend_dropped(). */
    WANT_DROP_BACKEND = 1 << 7,
    /* Pass exchange_interim() on: exchange_interim_taken(). */
    WANT_INTERIM = 1 << 8,
    /* Look up and open exchange_file_path(): exchange_file_found() and its siblings. */
    WANT_FILE = 1 << 9,
    /* Write exchange_response() to the client: exchange_head_taken(). */
    WANT_HEAD = 1 << 10,
    /* Send exchange_to_client(): exchange_to_client_ack(), exchange_client_failed(). */
    WANT_TO_CLIENT = 1 << 11,
    /* The content is complete: finish the answer properly: exchange_ended(). */
    WANT_END = 1 << 12,
    /* The content is cut off: make the client see it (no last chunk, close): exchange_ended(). */
    WANT_ABORT = 1 << 13,
    /* Nothing more: fault, status and counts may be read. WANT_DROP_BACKEND may still stand beside it: the
     * host closes the backend's connection now or a little later. */
    WANT_DONE = 1 << 14,
};

/* The steps of a transaction; the edges stand in exchange.c. */
#define EXCHANGE_STEPS(X)                                                                                    \
    X(ROUTE)   /* the host looks for the plan */                                                             \
    X(COLLECT) /* the request's body is collected before anybody is asked */                                 \
    X(CONNECT) /* the host connects */                                                                       \
    X(TALK)    /* the request goes up, the answer's head is awaited */                                       \
    X(FILE)    /* the host looks up a file */                                                                \
    X(HEAD)    /* the answer is decided; its head waits to be written */                                     \
    X(CONTENT) /* content goes to the client */                                                              \
    X(FINISH)  /* all content went, or it is cut off; the host ends the answer */                            \
    X(DONE)

enum exchange_step {
#define X(name) STEP_##name,
    EXCHANGE_STEPS(X)
#undef X
        EXCHANGE_STEP_COUNT
};

enum { EXCHANGE_TRAIL = 16, EXCHANGE_HOPS_MAX = 10 };

/* What does not change from request to request; lives as long as the worker. */
struct gate {
    const struct model *model;
    struct str software; /* SERVER_SOFTWARE */
};

enum exchange_source { SOURCE_NONE, SOURCE_BACKEND, SOURCE_MEMORY, SOURCE_FILE };

struct exchange_content {
    struct str memory;      /* bytes to send, or */
    int64_t offset, length; /* a range of the file that was opened (length > 0) */
    bool last;              /* nothing follows: the answer may be ended together with this */
};

enum exchange_body_fault { BODY_FAULT_GONE, BODY_FAULT_TIMEOUT, BODY_FAULT_BAD };

struct exchange {
    const struct gate *gate;
    struct arena *arena;
    const struct request *first; /* as the client sent it */
    const struct endpoints *endpoints;
    int64_t now_ms; /* monotonic; set by the host before each report */
    int64_t wall_s; /* seconds since 1970, as at the begin */

    enum exchange_step step;
    uint8_t trail[EXCHANGE_TRAIL]; /* the last steps, for crash reports */
    unsigned trail_at;

    struct request request; /* of this hop */
    struct vars vars;       /* of this hop: REDIRECT_*, SetEnvIf, SetEnv */
    struct vars params;     /* as sent to the backend of this hop */
    struct plan plan;
    bool routed;
    unsigned hops;     /* internal redirects so far */
    bool has_body;     /* false after a redirect */
    bool body_failed;  /* the rest of it will not come: the connection ends with the answer */
    bool backend_open; /* between exchange_connected() and exchange_backend_dropped() */
    struct attempt attempt;
    struct str body;    /* bytes of the client's body at hand, lent by the host: its own or of the spool */
    bool body_complete; /* no more of it will come from the client */
    uint64_t spooled;   /* bytes of it in the spool; not 0: all of it will be there */
    uint64_t unspooled; /* bytes read back */

    struct field *kept; /* response fields of earlier hops that survive */
    size_t kept_count;
    int status_override;   /* of an ErrorDocument: the status that stays; 0: none */
    int first_status;      /* of the answer that was redirected first; 0: none was */
    struct str first_path; /* the path that it was for */
    bool in_error_document;

    struct str file_path;
    struct str directory_path; /* the directory whose index is looked for; absent: none */
    size_t index_next;         /* of DirectoryIndex: the next name to try */
    bool file_named;           /* by an application (ProxySCGISendfile), which may have given: */
    struct str file_type, file_etag, file_modified;
    int file_status; /* of the answer */
    struct file_answer file;

    struct response response;
    const struct cgi_head *cgi; /* the head whose bytes the response refers to; NULL: none */
    enum exchange_source source;
    struct str page; /* of SOURCE_MEMORY: what is left */
    size_t part;     /* of SOURCE_FILE: the current one; its text and length shrink */
    bool head_taken;
    bool cut_off;

    uint64_t content_sent;                   /* bytes to the client, without framing */
    int64_t begun_ms, backend_ms, client_ms; /* begin; last progress of either side */
    struct fault fault;                      /* blame == BLAME_NONE: all went well */
    bool fault_told;                         /* by exchange_take_fault() */
};

/* x is the caller's memory; request, endpoints and the bytes they point to live as long as the exchange. */
void exchange_begin(struct exchange *x, const struct gate *gate, struct arena *arena,
                    const struct request *request, const struct endpoints *endpoints, int64_t now_ms,
                    int64_t wall_s);
unsigned exchange_wants(const struct exchange *x);

/* A request that could not even be read: answered with the status. server gives the configuration. */
void exchange_refuse(struct exchange *x, const struct plan *plan, int status, const char *reason);

/* ---- route ---- */
const struct request *exchange_request(const struct exchange *x);
void exchange_routed(struct exchange *x, const struct plan *plan);

/* ---- backend ---- */
void exchange_connected(struct exchange *x);
/* message: what was tried and what came of it, e.g. "\"127.0.0.1:4000\": connection refused". */
void exchange_connect_failed(struct exchange *x, enum fault_stage stage, int status, struct str message);
/* Returns the number of slices (0 to 2). */
int exchange_to_backend(const struct exchange *x, struct str slices[2]);
/* Returns how many of the n bytes were of the client's body: the host may let go of them. */
size_t exchange_to_backend_ack(struct exchange *x, size_t n);
void exchange_send_failed(struct exchange *x, const char *error);
/* bytes: see attempt_from_backend(). The bytes stay in place until exchange_backend_buffer_free(). */
void exchange_from_backend(struct exchange *x, struct str bytes, size_t fresh);
/* error: NULL for a clean end. */
void exchange_backend_ended(struct exchange *x, const char *error);
/* True when nothing refers to received bytes any more: the host may receive to the start of its buffer. */
bool exchange_backend_buffer_free(const struct exchange *x);
void exchange_backend_dropped(struct exchange *x);

/* ---- client ---- */
/* The bytes at hand of the body, all that are not acked yet: more than before. */
void exchange_body(struct exchange *x, struct str bytes);
/* What is at hand is the last of it. */
void exchange_body_complete(struct exchange *x);
void exchange_body_failed(struct exchange *x, enum exchange_body_fault what, struct str message);
/* The head of an interim answer: status, fields. */
const struct cgi_head *exchange_interim(const struct exchange *x);
/* Returns the bytes to drop from the front of the host's backend buffer. */
size_t exchange_interim_taken(struct exchange *x);
/* Valid from WANT_HEAD on, as long as the exchange. */
const struct response *exchange_response(const struct exchange *x);
void exchange_head_taken(struct exchange *x);
void exchange_to_client(const struct exchange *x, struct exchange_content *content);
void exchange_to_client_ack(struct exchange *x, size_t n);
/* The client is gone, or does not read. */
void exchange_client_failed(struct exchange *x, const char *error);
void exchange_ended(struct exchange *x);

/* ---- spool ---- */
struct str exchange_spool_put(const struct exchange *x);
/* n bytes are in the spool: the host may let go of them. */
void exchange_spool_put_ack(struct exchange *x, size_t n);
uint64_t exchange_spool_offset(const struct exchange *x);
/* The bytes stay in place until WANT_SPOOL_GET comes again, or the exchange is over. */
void exchange_spool_got(struct exchange *x, struct str bytes);
/* status: 507 when there is no room, else 500. message: what failed. Nothing happens when the spool is not
 * wanted at this time: a failure that matters comes again. */
void exchange_spool_failed(struct exchange *x, int status, struct str message);

/* ---- files ---- */
struct str exchange_file_path(const struct exchange *x);
void exchange_file_found(struct exchange *x, const struct file_facts *facts);
void exchange_file_is_directory(struct exchange *x);
/* status: 403, 404 or 500; reason for the log. */
void exchange_file_failed(struct exchange *x, int status, const char *reason);

/* ---- time ---- */
/* When exchange_expired() is to be called, monotonic ms; INT64_MAX: never. */
int64_t exchange_deadline_ms(const struct exchange *x);
/* x->now_ms is at or past the deadline. */
void exchange_expired(struct exchange *x);

/* The fault, once; NULL when there is none or it was taken. */
const struct fault *exchange_take_fault(struct exchange *x);

/* For a crash report: the steps taken, oldest first. */
void exchange_trail(const struct exchange *x, struct out *o);
const char *exchange_step_name(enum exchange_step step);

#endif
