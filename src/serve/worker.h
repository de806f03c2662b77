/* worker: what serves requests: one engine, one model, its connections, backends and logs. */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include "gate/exchange.h"
#include "listen/listener.h"
#include "serve/logs.h"
#include "serve/names.h"
#include "serve/spool.h"

struct worker {
    struct io *io;
    const struct model *model;
    struct router *router;
    struct frontend frontend;
    struct gate gate;
    struct logs *logs;
    struct names *names;            /* addresses of the backends */
    struct spool_space spool_space; /* for request bodies that are too long for memory */
    struct block_cache call_blocks; /* of sizeof(struct call) */
    struct list calls;              /* all exchanges under way */
    unsigned call_count;
    struct listener *listeners;
    size_t listener_count;
    bool stopping;
};

/* The descriptors are those of listener_open() for each of the model's listens, in order. */
void worker_init(struct worker *w, struct io *io, const struct model *model, struct logs *logs,
                 const int *listen_fds);
/* No new connections; idle ones end, busy ones finish their answer. worker_idle() tells when all is done. */
void worker_stop_gracefully(struct worker *w);
/* Breaks off everything; worker_idle() still takes some turns. */
void worker_stop_now(struct worker *w);
bool worker_idle(const struct worker *w);
void worker_finish(struct worker *w);

#endif
