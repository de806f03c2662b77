/* attempt: one conversation with one backend, as bytes (sans-IO).
 *
 * Up goes the request: the netstring, then the body as the client delivers it. Down comes the answer: a CGI
 * head (maybe interim ones before it), then content until the end. Both directions run at the same time; a
 * fault in one is not the end of the other: after a failed write a waiting answer is still read.
 *
 * Whoever embeds an attempt lends and takes bytes; nothing is copied.
 */
#ifndef GATE_ATTEMPT_H
#define GATE_ATTEMPT_H

#include "gate/fault.h"
#include "scgi/head.h"

enum attempt_up {
    ATTEMPT_UP_BLOCK, /* the netstring is being sent */
    ATTEMPT_UP_BODY,  /* the body is being sent */
    ATTEMPT_UP_DONE,  /* all is sent, or nothing more is wanted */
};

enum attempt_down {
    ATTEMPT_DOWN_HEAD,    /* the head is being read */
    ATTEMPT_DOWN_INTERIM, /* an interim head waits to be passed on: attempt_interim_taken() */
    ATTEMPT_DOWN_CONTENT, /* the head is complete, content follows */
    ATTEMPT_DOWN_END,     /* the content is complete */
    ATTEMPT_DOWN_FAULT,   /* fault says why; in HEAD nothing was read that is of use, in CONTENT it is cut off
                           */
};

enum { ATTEMPT_INTERIMS_MAX = 1000 }; /* each takes memory until the request is done */

struct attempt {
    struct arena *arena;
    enum attempt_up up;
    enum attempt_down down;
    bool keeps_on_reset;  /* a reset by the backend loses none of its bytes (a Unix socket) */
    bool send_failed;     /* a write to the backend failed: an answer may still come */
    bool head_seen;       /* the final head was complete */
    struct str block;     /* what is left of the netstring */
    uint64_t body_length; /* announced as CONTENT_LENGTH */
    uint64_t body_sent;   /* bytes of it that the backend's socket took */
    struct cgi_head_limits
        limits; /* of the response's head: the usual ones, unless the embedder sets others */
    struct cgi_head_parser parser;
    unsigned interims;     /* interim heads so far */
    struct cgi_head head;  /* slices point into the host's buffer until the head is taken */
    struct str content;    /* received content not yet passed on; points into the host's buffer */
    uint64_t received;     /* bytes from the backend, heads included */
    uint64_t content_seen; /* bytes of content received */
    bool ended;            /* the backend closed */
    const char *end_error; /* its error; NULL: a clean end */
    struct fault fault;
};

void attempt_init(struct attempt *a, struct arena *arena, struct str block, uint64_t body_length);

/* ---- up ---- */

/* What to send next: the rest of the block, then of body (the client's bytes at hand). Returns the number of
 * slices (0 to 2). */
int attempt_to_backend(const struct attempt *a, struct str body, struct str slices[2]);
/* n bytes of these went. Returns how many of them were bytes of the body. */
size_t attempt_to_backend_ack(struct attempt *a, size_t n);
/* The backend takes no more. */
void attempt_send_failed(struct attempt *a);
/* True when bytes of the client's body are needed to go on. */
bool attempt_needs_body(const struct attempt *a);

/* ---- down ---- */

/* bytes: all that was received and is not passed on yet, in one piece, the last `fresh` of them new: while
 * the head is incomplete the host keeps what came and appends; afterwards these are content only. */
void attempt_from_backend(struct attempt *a, struct str bytes, size_t fresh);
/* The backend ended: error 0 for a clean end, else text of the error (static). */
void attempt_backend_ended(struct attempt *a, const char *error);
/* The interim head was passed on; parsing goes on with the bytes behind it. Returns the bytes to drop from
 * the front of the host's buffer. */
size_t attempt_interim_taken(struct attempt *a);
/* n bytes of content were passed on. */
void attempt_content_ack(struct attempt *a, size_t n);

#endif
