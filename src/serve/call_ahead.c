/* Reading ahead: an answer is taken off its backend while a slow client still reads what came before, up to a
 * bound. The application is free early; what has come is passed on at once all the same.
 */
#include "base/must.h"
#include "serve/call_parts.h"

#include <errno.h>

static void push(struct call *c, char *block, size_t n)
{
    must(c->ahead_count < CALL_AHEAD_MAX);
    c->ahead[(c->ahead_first + c->ahead_count++) % CALL_AHEAD_MAX] = (struct call_piece){block, n};
}

static void got_ahead(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);
    char *block = c->ahead_block;

    c->ahead_block = NULL;
    call_clock_in(c);
    if (result > 0 && !c->over && !c->dropping)
        push(c, block, (size_t)result);
    else
        block_put(&c->worker->frontend.body_blocks, block);
    if (c->over) {
        call_end(c);
        return;
    }
    if (!c->dropping && (result <= 0 || op->last)) {
        c->ended = c->ahead_ended = true;
        c->ahead_error = result < 0 ? call_error_z(c, result) : NULL;
    }
    call_pump(c);
}

static void readable_ahead(struct io_op *op, int result)
{
    struct call *c = CONTAINER_OF(op, struct call, reader);

    if (c->over || c->dropping || result == -ECANCELED) {
        call_clock_in(c);
        if (c->over)
            call_end(c);
        else
            call_pump(c);
        return;
    }
    c->ahead_block = block_get(&c->worker->frontend.body_blocks);
    c->reader.done = got_ahead;
    io_recv(c->worker->io, &c->sock, &c->reader, c->ahead_block, CLIENT_BODY_BLOCK);
}

bool call_may_read_ahead(const struct call *c)
{
    const struct exchange *x = &c->x;

    return x->step == STEP_CONTENT && x->source == SOURCE_BACKEND &&
           x->attempt.down == ATTEMPT_DOWN_CONTENT && x->attempt.content.n &&
           c->ahead_count < CALL_AHEAD_MAX && !c->ahead_ended && !c->dropping && !io_op_pending(&c->reader);
}

void call_read_ahead(struct call *c)
{
    c->reader.done = readable_ahead;
    io_readable(c->worker->io, &c->sock, &c->reader);
}

/* The end goes with the last piece, so that both can be sent at once. */
bool call_feed_ahead(struct call *c)
{
    struct call_piece piece;

    if (c->ahead_count == 0 && !c->ahead_ended)
        return false;
    if (c->ahead_count) {
        piece = c->ahead[c->ahead_first];
        c->ahead_first = (c->ahead_first + 1) % CALL_AHEAD_MAX;
        c->ahead_count--;
        call_block_return(c);
        c->block = piece.block;
        c->block_size = CLIENT_BODY_BLOCK;
        c->block_from_cache = true;
        c->received = piece.n;
        exchange_from_backend(&c->x, str_make(piece.block, piece.n), piece.n);
    }
    if (c->ahead_count == 0 && c->ahead_ended)
        exchange_backend_ended(&c->x, c->ahead_error);
    return true;
}

void call_ahead_return(struct call *c)
{
    while (c->ahead_count)
        block_put(&c->worker->frontend.body_blocks,
                  c->ahead[(c->ahead_first + --c->ahead_count) % CALL_AHEAD_MAX].block);
}
