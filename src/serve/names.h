/* names: the addresses of the model's backends, looked up when needed and remembered for a while.
 *
 * A numeric address or a Unix socket is known at once; a host's name is asked of the system on a thread, and
 * all its addresses are kept in order (RFC 6724).
 */
#ifndef SERVE_NAMES_H
#define SERVE_NAMES_H

#include "config/model.h"
#include "io/resolve.h"

enum { NAMES_TTL_MS = 30000 };

struct names;

/* Someone who waits for a backend's addresses; embedded by the caller. */
struct names_waiter {
    void (*found)(struct names_waiter *waiter, const char *fault); /* NULL: names_addresses() has them */
    struct list link;
};

struct names *names_create(struct io *io, const struct model *model);
/* No look-up may be waited for. */
void names_destroy(struct names *n);

/* The known addresses; 0 when they must be looked up first. */
unsigned names_addresses(struct names *n, const struct backend *backend, const struct addr **addresses);
/* The same while they are tried one by one: those that became too old meanwhile count. */
unsigned names_known(struct names *n, const struct backend *backend, const struct addr **addresses);
/* found() is called from io_turn() unless names_leave() comes first. */
void names_wait(struct names *n, const struct backend *backend, struct names_waiter *waiter);
void names_leave(struct names_waiter *waiter);
/* None of the addresses answered: the next request looks them up again. */
void names_forget(struct names *n, const struct backend *backend);

#endif
