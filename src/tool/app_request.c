#include "http/status.h"
#include "scgi/netstring.h"
#include "tool/address.h"
#include "tool/app.h"
#include "tool/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_READ = 16 * 1024, LINGER_MS = 2000 };

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- reading ---- */

static ssize_t read_some(int fd, void *bytes, size_t size)
{
    ssize_t n;

    do
        n = recv(fd, bytes, size, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Reads until the netstring is complete. What is read beyond it is the start of the body. */
static enum netstring_result read_block(struct app_request *rq, struct netstring *n)
{
    size_t room = FIRST_READ, used = 0;
    char *memory = arena_alloc(&rq->arena, room);

    for (;;) {
        ssize_t got = read_some(rq->fd, memory + used, room - used);
        enum netstring_result result;

        if (got <= 0) {
            n->fault = got == 0          ? "the connection ended within the netstring"
                       : errno == EAGAIN ? "nothing more came within the time limit"
                                         : strerror(errno);
            rq->broken =
                used == 0; /* only looked whether somebody is here: nothing to answer, nothing to log */
            return NETSTRING_BAD;
        }
        used += (size_t)got;
        result = netstring_decode(str_make(memory, used), APP_BLOCK_MAX, n);
        if (result == NETSTRING_COMPLETE)
            rq->body_here = str_make(memory + n->size, used - n->size);
        if (result != NETSTRING_PARTIAL)
            return result;
        if (n->size > room) { /* now it is known how much comes */
            char *larger = arena_alloc(&rq->arena, n->size);

            memcpy(larger, memory, used);
            memory = larger;
            room = n->size;
        }
    }
}

ssize_t request_read(struct app_request *rq, void *bytes, size_t size)
{
    ssize_t n;

    if (size > rq->body_left)
        size = (size_t)rq->body_left;
    if (size == 0)
        return 0;
    if (rq->body_here.n) {
        n = (ssize_t)(size < rq->body_here.n ? size : rq->body_here.n);
        memcpy(bytes, rq->body_here.p, (size_t)n);
        rq->body_here = str_skip(rq->body_here, (size_t)n);
    } else {
        n = read_some(rq->fd, bytes, size);
    }
    if (n <= 0) {
        rq->broken = true;
        return -1;
    }
    rq->body_left -= (uint64_t)n;
    return n;
}

struct str request_var(const struct app_request *rq, struct str name)
{
    return netstring_find(rq->block, name);
}

struct str request_query(struct app_request *rq, struct str name)
{
    return query_find(&rq->arena, request_var(rq, STR("QUERY_STRING")), name);
}

uint64_t request_query_number(struct app_request *rq, struct str name, uint64_t max, uint64_t fallback)
{
    uint64_t value;

    return str_to_u64(request_query(rq, name), max, &value) ? value : fallback;
}

bool request_pause(struct app_request *rq, uint64_t ms)
{
    struct pollfd p = {.fd = rq->fd}; /* no event asked for: only an end in both directions wakes it */

    if (poll(&p, 1, (int)(ms < APP_PAUSE_MAX_MS ? ms : APP_PAUSE_MAX_MS)) > 0)
        rq->broken = true;
    return !rq->broken;
}

/* ---- answering ---- */

static void send_pieces(struct app_request *rq, struct str a, struct str b)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)a.p, a.n}, {(void *)(uintptr_t)b.p, b.n}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};

    while (!rq->broken && message.msg_iovlen) {
        ssize_t n = sendmsg(rq->fd, &message, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            rq->broken = true; /* gone, or it has not read for longer than the time limit */
        for (size_t left = n > 0 ? (size_t)n : 0; message.msg_iovlen;) {
            struct iovec *v = message.msg_iov;

            if (left < v->iov_len) {
                v->iov_base = (char *)v->iov_base + left;
                v->iov_len -= left;
                break;
            }
            left -= v->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
    }
}

static bool send_with_head(struct app_request *rq, struct str bytes)
{
    struct str head = rq->head;

    rq->head = STR("");
    send_pieces(rq, head, bytes);
    return !rq->broken;
}

bool reply_flush(struct app_request *rq)
{
    return send_with_head(rq, STR(""));
}

bool reply_body(struct app_request *rq, struct str bytes)
{
    if (str_eq(rq->method, STR("HEAD")))
        return reply_flush(rq);
    rq->sent += bytes.n;
    return send_with_head(rq, bytes);
}

void reply_head(struct app_request *rq, int status, struct str type, int64_t length, struct str lines)
{
    struct str reason = status_reason(status), head;

    if (!reason.p)
        reason = STR("Without a Name");
    head = arena_printf(&rq->arena, "Status: %d %.*s\r\n", status, STR_ARG(reason));
    if (type.n)
        head = ARENA_CONCAT(&rq->arena, head, STR("Content-Type: "), type, STR("\r\n"));
    if (length >= 0)
        head = ARENA_CONCAT(&rq->arena, head,
                            arena_printf(&rq->arena, "Content-Length: %lld\r\n", (long long)length));
    rq->status = status;
    rq->head = ARENA_CONCAT(&rq->arena, head, lines, STR("\r\n"));
}

void reply(struct app_request *rq, int status, struct str type, struct str body)
{
    reply_head(rq, status, type, (int64_t)body.n, STR(""));
    reply_body(rq, body);
}

void reply_raw(struct app_request *rq, int status, struct str bytes)
{
    rq->status = status;
    rq->head = STR("");
    send_with_head(rq, bytes);
}

/* ---- one connection ---- */

/* The answer is out, but the gateway may still be sending a body that nobody wants. To close now would reset
 * the connection, and the answer could be lost on its way: so say that nothing more comes, and take what
 * comes for a while. */
static void linger(int fd)
{
    char bytes[4096];
    int64_t until_us = now_us() + LINGER_MS * 1000;

    shutdown(fd, SHUT_WR);
    socket_set_timeout(fd, LINGER_MS);
    while (now_us() < until_us && read_some(fd, bytes, sizeof bytes) > 0)
        ;
}

static void log_request(struct app_request *rq, int64_t began_us)
{
    char memory[1024];
    struct out o = OUT_INIT(memory, sizeof memory);

    out_escaped(&o, rq->method, 40);
    out_char(&o, ' ');
    out_escaped(&o, request_var(rq, STR("REQUEST_URI")), 400);
    out_printf(&o, " %d %llu bytes %.1f ms%s\n", rq->status, (unsigned long long)rq->sent,
               (double)(now_us() - began_us) / 1000, rq->broken ? ", connection lost" : "");
    fwrite(o.p, 1, o.n, stderr);
}

static void refuse(struct app_request *rq, const char *fault)
{
    struct str body = arena_printf(&rq->arena, "not an SCGI request: %s\n", fault);

    if (rq->broken)
        return;
    fprintf(stderr, "scgate app: not an SCGI request: %s\n", fault);
    reply(rq, 400, STR("text/plain"), body);
}

void app_serve(const struct app *app, int fd)
{
    char first[FIRST_READ + 8 * 1024]; /* so that a usual request allocates nothing */
    struct app_request rq = {.app = app, .fd = fd, .head = STR("")};
    int64_t began_us = now_us();
    struct netstring n;
    bool good;

    arena_init(&rq.arena, first, sizeof first);
    socket_set_timeout(fd, app->timeout_ms);
    good = read_block(&rq, &n) == NETSTRING_COMPLETE;
    if (!good) {
        refuse(&rq, n.fault);
    } else {
        rq.block = n.block;
        rq.variables = n.variables;
        rq.body_left = n.content_length;
        rq.method = request_var(&rq, STR("REQUEST_METHOD"));
        app_route(&rq);
        if (app->log)
            log_request(&rq, began_us);
    }
    if (!rq.broken && (rq.body_left || !good))
        linger(fd);
    close(fd);
    arena_finish(&rq.arena);
}
