/* resolve: the addresses of a host's name, asked of the system (getaddrinfo(3)) on a thread.
 *
 * A query owns its memory: it is freed after found() has returned, or, once it was cancelled, when the thread
 * lets go of it. So the caller may go away at any time.
 *
 *     u->query = resolve_start(io, STR("localhost"), 4000, on_found, u);
 *     ...
 *     resolve_cancel(io, u->query);      found() is not called any more
 */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include "io/addr.h"
#include "io/io.h"

enum { RESOLVE_ADDRESSES_MAX = 16, RESOLVE_HOST_MAX = 255 };

struct resolve_query;

struct resolve_answer {
    unsigned count; /* 0: see fault; more than RESOLVE_ADDRESSES_MAX are left out */
    struct addr
        addresses[RESOLVE_ADDRESSES_MAX]; /* in the order of preference that the system gives (RFC 6724) */
    const char *fault; /* static text, as "Name or service not known"; NULL when there are addresses */
    bool temporary;    /* the fault may pass: the name server did not answer */
};

/* The query is over when this is called; answer lives until it returns. */
typedef void resolve_found(void *context, const struct resolve_answer *answer);

/* A name of 1 to RESOLVE_HOST_MAX bytes without NUL, else the answer is a fault; numeric addresses are
 * answered too. Never NULL; found() is called from io_turn(). */
struct resolve_query *resolve_start(struct io *io, struct str host, uint16_t port, resolve_found *found,
                                    void *context);
/* Before found() was called; NULL is allowed. */
void resolve_cancel(struct io *io, struct resolve_query *query);

#endif
