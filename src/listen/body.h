/* body: a request's body on its way in: received bytes to content, without any I/O.
 *
 * Content that is at hand is one piece, the window. It lies in memory of the caller: first behind the head in
 * the input buffer, later, if that is too small, in a block. Bytes of a chunked body are decoded where they
 * were received. What stands behind the end of the body belongs to the next request: the rest.
 *
 *     body_begin(&b, request, behind_head, received, size);
 *     while (!body_ended(&b)) { n = recv(..., body_room(&b, &to)); body_received(&b, n); ... body_ack(&b,
 * used); }
 */
#ifndef LISTEN_BODY_H
#define LISTEN_BODY_H

#include "http/chunked.h"
#include "http/request.h"

struct body {
    enum request_body kind;
    bool complete;         /* the window is the last of it */
    const char *fault;     /* a broken coding: static text; nothing more is decoded */
    uint64_t left;         /* REQUEST_BODY_LENGTH: bytes that were not received yet */
    struct chunked coding; /* REQUEST_BODY_CHUNKED */
    struct str window;     /* content at hand */
    struct str rest;       /* what follows the body; known when it is complete */
    char *memory;
    size_t size;    /* bytes of memory */
    uint64_t taken; /* bytes received for the body, its coding included */
};

/* The first `received` bytes of memory came with the head. */
void body_begin(struct body *b, const struct request *request, char *memory, size_t received, size_t size);
/* Where to receive next and how many bytes at most; 0: the memory is full. May move the window: nothing of it
 * may be lent. Not when the body has ended. */
size_t body_room(struct body *b, char **to);
/* Moves the window to other memory, which is larger than it. */
void body_move(struct body *b, char *memory, size_t size);
/* n bytes were received where body_room() said. */
void body_received(struct body *b, size_t n);
/* The first n bytes of the window are done with. */
void body_ack(struct body *b, size_t n);
/* Complete, or broken. */
bool body_ended(const struct body *b);

#endif
