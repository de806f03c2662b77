#include "listen/body.h"
#include "base/must.h"

/* Decodes raw bytes that lie at the window's end or behind it, and closes the gaps. */
static void decode(struct body *b, struct str raw)
{
    char *end = b->window.n ? (char *)b->window.p + b->window.n : b->memory;
    struct str data;

    if (!b->window.n)
        b->window.p = end;
    for (;;) {
        switch (chunked_decode(&b->coding, &raw, &data, &b->fault)) {
        case CHUNKED_DATA:
            memmove(end, data.p, data.n);
            end += data.n;
            b->window.n += data.n;
            break;
        case CHUNKED_MORE:
            return;
        case CHUNKED_END:
            b->complete = true;
            b->rest = raw;
            return;
        case CHUNKED_BAD:
            return;
        }
    }
}

static void count_length(struct body *b, size_t n)
{
    b->left -= n;
    b->window.n += n;
    b->complete = b->left == 0;
}

void body_begin(struct body *b, const struct request *request, char *memory, size_t received, size_t size)
{
    *b = (struct body){.kind = request->body, .memory = memory, .size = size, .window = {memory, 0}};
    if (b->kind == REQUEST_BODY_CHUNKED) {
        chunked_init(&b->coding);
        b->taken = received;
        decode(b, str_make(memory, received));
        b->taken -= b->rest.n;
        return;
    }
    b->left = b->kind == REQUEST_BODY_LENGTH ? request->content_length : 0;
    b->taken = received < b->left ? received : b->left;
    b->rest = str_skip(str_make(memory, received), (size_t)b->taken);
    count_length(b, (size_t)b->taken);
}

static char *window_end(const struct body *b)
{
    return (char *)b->window.p + b->window.n;
}

size_t body_room(struct body *b, char **to)
{
    size_t room;

    must(!body_ended(b));
    if (b->window.p != b->memory) {
        memmove(b->memory, b->window.p, b->window.n);
        b->window.p = b->memory;
    }
    *to = window_end(b);
    room = b->size - b->window.n;
    return b->kind == REQUEST_BODY_LENGTH && b->left < room ? (size_t)b->left : room;
}

void body_move(struct body *b, char *memory, size_t size)
{
    must(b->window.n <= size);
    memcpy(memory, b->window.p, b->window.n);
    b->window.p = memory;
    b->memory = memory;
    b->size = size;
}

void body_received(struct body *b, size_t n)
{
    b->taken += n;
    if (b->kind == REQUEST_BODY_CHUNKED) {
        decode(b, str_make(window_end(b), n));
        b->taken -= b->rest.n;
    } else {
        must(n <= b->left);
        count_length(b, n);
    }
}

void body_ack(struct body *b, size_t n)
{
    must(n <= b->window.n);
    b->window = str_skip(b->window, n);
}

bool body_ended(const struct body *b)
{
    return b->complete || b->fault;
}
