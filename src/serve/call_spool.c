/* The spool of a call: the part of the request's body that memory does not hold. */
#include "base/must.h"
#include "serve/call_parts.h"

#include <errno.h>
#include <stdlib.h>

static bool no_room(int result)
{
    return result == -ENOSPC || result == -EDQUOT || result == -EFBIG;
}

static void failed(struct call *c, int result)
{
    struct str message;

    if (result == -EDQUOT)
        message = STR("spooling the request body failed: ProxySCGISpoolQuota is used up");
    else
        message = arena_printf(c->x.arena, "spooling the request body in \"%s\" failed: %s",
                               c->worker->spool_space.directory, call_error_z(c, result));
    exchange_spool_failed(&c->x, no_room(result) ? 507 : 500, message);
}

static void put(struct spool *s, int result)
{
    struct call *c = s->context;
    size_t n = exchange_spool_put(&c->x).n;

    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (result < 0) {
        failed(c, result);
    } else {
        exchange_spool_put_ack(&c->x, n);
        stream_body_ack(c->stream, n);
    }
    call_pump(c);
}

void call_spool_put(struct call *c)
{
    if (!c->spool) {
        c->spool = malloc(sizeof *c->spool);
        must(c->spool != NULL);
        spool_init(c->spool, c->worker->io, &c->worker->spool_space);
        c->spool->context = c;
    }
    c->spool->done = put;
    spool_put(c->spool, exchange_spool_put(&c->x));
}

static void got(struct spool *s, int result)
{
    struct call *c = s->context;

    call_clock_in(c);
    if (c->over) {
        call_end(c);
        return;
    }
    if (result < 0)
        failed(c, result);
    else if (exchange_wants(&c->x) & WANT_SPOOL_GET)
        exchange_spool_got(&c->x, str_make(c->spool_block, (size_t)result));
    call_pump(c);
}

void call_spool_get(struct call *c)
{
    if (!c->spool_block)
        c->spool_block = block_get(&c->worker->frontend.body_blocks);
    c->spool->done = got;
    spool_get(c->spool, c->spool_block, CLIENT_BODY_BLOCK, exchange_spool_offset(&c->x));
}

bool call_spool_busy(const struct call *c)
{
    return c->spool && spool_busy(c->spool);
}

void call_spool_cancel(struct call *c)
{
    if (c->spool)
        spool_cancel(c->spool);
}

void call_spool_finish(struct call *c)
{
    if (c->spool)
        spool_finish(c->spool);
    free(c->spool);
    block_put(&c->worker->frontend.body_blocks, c->spool_block);
    c->spool = NULL;
    c->spool_block = NULL;
}
