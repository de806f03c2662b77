/* call_parts: what the files of the driver share: call.c (the loop and the ends), call_backend.c (the
 * backend's side), call_client.c (the client's side and files). Private to them.
 */
#ifndef SERVE_CALL_PARTS_H
#define SERVE_CALL_PARTS_H

#include "serve/call.h"
#include "serve/lookup.h"
#include "serve/spool.h"

/* How long an answer may take before the client is watched: usual ones are done by then and pay nothing. */
enum { CALL_WATCH_MS = 500 };

/* Blocks that are read ahead for a slow client; with the one being sent this bounds what an answer takes. */
enum { CALL_AHEAD_MAX = 4 };

struct call_piece {
    char *block; /* of frontend.body_blocks */
    size_t n;    /* bytes */
};

struct call {
    struct exchange x;
    struct worker *worker;
    struct stream *stream; /* NULL when the answer is done and only the backend's end is waited for */
    struct list link;
    struct wheel_timer timer;

    /* the backend's connection */
    struct io_sock sock;
    struct io_connect connect;
    struct io_op reader, writer;
    struct iovec iov[2];
    struct names_waiter name;
    struct addr address_used;
    unsigned address_next, address_count;
    int64_t address_deadline_ms;
    struct str connect_fault; /* of the last address tried */
    unsigned connect_hop;     /* exchange.hops when it began */
    bool connecting, naming, dropping, ended;

    /* what came from the backend and is not passed on yet: block[start .. received) */
    char *block;
    size_t block_size, start, received;
    bool block_from_cache;
    /* what was read ahead: a ring */
    struct call_piece ahead[CALL_AHEAD_MAX];
    unsigned ahead_first, ahead_count;
    char *ahead_block;       /* being received to */
    bool ahead_ended;        /* the backend's end comes behind them */
    const char *ahead_error; /* of that end; NULL: clean */

    /* the client */
    bool client_busy; /* a send is under way */
    bool head_unsent;
    bool interim; /* it is an interim head */
    bool ending;  /* it is the end of the answer */
    bool body_wanted;
    bool watching;       /* stream_watch() */
    int64_t watch_at_ms; /* when to begin; INT64_MAX: not (any more) */
    size_t in_flight;    /* bytes of content being sent */

    struct spool *spool;   /* of a body that is too long for memory; NULL: none */
    char *spool_block;     /* what was read back from it */
    struct lookup *lookup; /* while a file is looked up */
    int file;              /* the one being sent, or -1 */
    bool over;             /* the exchange is done; ends when nothing is pending */
};

/* ---- call.c ---- */

/* Does what the exchange wants until all of it is under way; may end the call: nothing of it is touched
 * afterwards. */
void call_pump(struct call *c);
/* The exchange is done: waits for what is pending, then lets go of the stream. */
void call_end(struct call *c);
/* The exchange learns the time: before each report. */
void call_clock_in(struct call *c);
struct str call_error_text(struct call *c, int error);
/* The same for a result that is -errno, NUL-terminated. */
const char *call_error_z(struct call *c, int result);
/* The call's memory goes back; nothing may be pending. */
void call_free(struct call *c);
void call_block_return(struct call *c);

/* ---- call_backend.c ---- */

void call_connect(struct call *c);
/* The time is up, or the exchange has gone on without it. */
void call_give_up_connect(struct call *c);
void call_write_backend(struct call *c);
void call_read_backend(struct call *c);
/* True when the connection is gone, false when operations on it must end first. */
bool call_drop_backend(struct call *c);
/* Whether the backend is to be waited for after the answer, so that it closes first. */
bool call_may_linger(const struct call *c);
/* Does that; the call has no stream any more. */
void call_linger_backend(struct call *c);

/* ---- call_ahead.c ---- */

bool call_may_read_ahead(const struct call *c);
void call_read_ahead(struct call *c);
/* Gives the exchange what was read ahead; false when there is nothing. Only while it wants to be fed. */
bool call_feed_ahead(struct call *c);
void call_ahead_return(struct call *c);

/* ---- call_spool.c ---- */

void call_spool_put(struct call *c);
void call_spool_get(struct call *c);
bool call_spool_busy(const struct call *c);
/* What is under way reports soon. */
void call_spool_cancel(struct call *c);
/* The spool and its memory go. */
void call_spool_finish(struct call *c);

/* ---- call_client.c ---- */

extern const struct stream_user call_stream_user;
void call_get_body(struct call *c);
void call_send_interim(struct call *c);
void call_write_head(struct call *c);
void call_write_content(struct call *c);
void call_end_answer(struct call *c);
void call_look_up(struct call *c);
/* Looks out for a client that goes away, if the time has come. */
void call_watch_client(struct call *c);

#endif
