/* The laws of connected sockets. */
#include "io/io_law.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BULK = 8 << 20 };

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* ---- reading ---- */

void law_recv_waits_and_ends(void **state)
{
    unsigned char bytes[100];

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call recv = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        law_turns_ms(10);
        assert_int_equal(recv.completed, 0);
        law_peer_write(peer, 0, 150);
        assert_int_equal(law_wait(&recv), 100);
        law_pattern_check(bytes, 0, 100);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        assert_int_equal(law_wait(&recv), 50);
        law_pattern_check(bytes, 100, 50);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        law_turns_ms(10);
        assert_true(io_op_pending(&recv.op));
        close(peer);
        assert_int_equal(law_wait(&recv), 0);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        assert_int_equal(law_wait(&recv), 0); /* and again */
        io_sock_close(law_io, &sock);
    }
}

/* A random conversation; returns how often the hint was given. */
static unsigned last_conversation(enum law_family family)
{
    struct law_call recv = {0};
    unsigned char bytes[600];
    uint64_t sent = 0, got = 0;
    struct io_sock sock;
    int peer = law_pair(family, &sock);
    bool ended = false;
    unsigned hints = 0;

    for (;;) {
        bool early = law_random() % 2;
        size_t room = law_random() % 4 ? sizeof bytes : 1 + law_random() % 64;

        if (early)
            io_recv(law_io, &sock, law_op(&recv), bytes, room);
        if (law_random() % 2)
            law_turn(0);
        for (uint64_t n = law_random() % 3; n && !ended; n--) {
            size_t length = 1 + law_random() % 500;

            law_peer_write(peer, sent, length);
            sent += length;
        }
        if (!ended && law_random() % 6 == 0) {
            assert_int_equal(shutdown(peer, SHUT_WR), 0);
            ended = true;
        }
        if (law_random() % 2)
            law_turn(0);
        if (got == sent && !ended) {
            if (!early)
                continue;
            law_peer_write(peer, sent++, 1);
        }
        if (!early)
            io_recv(law_io, &sock, law_op(&recv), bytes, room);
        law_wait(&recv);
        assert_true(recv.result >= 0);
        law_pattern_check(bytes, got, (size_t)recv.result);
        got += (uint64_t)recv.result;
        if (recv.last) {
            hints++;
            assert_true(recv.result > 0);
            assert_int_equal(got, sent);
            assert_true(ended);
            assert_int_equal(read(sock.fd, bytes, 1), 0);
        }
        if (recv.result == 0)
            break;
    }
    assert_int_equal(got, sent);
    assert_true(ended);
    close(peer);
    io_sock_close(law_io, &sock);
    return hints;
}

void law_recv_last_is_true(void **state)
{
    (void)state;
    LAW_EACH_FAMILY(f)
    {
        unsigned hints = 0;

        for (int i = 0; i < 200; i++)
            hints += last_conversation(f);
        /* The case that saves a call: everything and the end have come before they are read. */
        if (law_on("epoll"))
            assert_true(hints > 20);
    }
}

/* A read stops at the mark of urgent data: what comes after it must neither be lost nor waited for. */
void law_recv_last_with_urgent_data(void **state)
{
    struct law_call recv = {0};
    unsigned char bytes[100];
    struct io_sock sock;
    int peer, got = 0;

    (void)state;
    peer = law_pair(LAW_TCP4, &sock);
    io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
    law_turn(0);
    assert_int_equal(send(peer, "aaa!", 4, MSG_OOB), 4);
    assert_int_equal(send(peer, "bbb", 3, 0), 3);
    shutdown(peer, SHUT_WR);
    while (law_wait(&recv) > 0) {
        got += recv.result;
        if (recv.last)
            assert_int_equal(got, 6);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
    }
    assert_int_equal(recv.result, 0);
    assert_int_equal(got, 6);
    close(peer);
    io_sock_close(law_io, &sock);
}

void law_readable_waits(void **state)
{
    unsigned char bytes[100];

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call readable = {0}, recv = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        for (int round = 0; round < 3; round++) {
            io_readable(law_io, &sock, law_op(&readable));
            law_turns_ms(10);
            assert_true(io_op_pending(&readable.op));
            io_cancel(law_io, &readable.op);
            assert_int_equal(law_wait(&readable), -ECANCELED);
            io_readable(law_io, &sock, law_op(&readable));
            law_turn(0);
            law_peer_write(peer, 0, 100);
            assert_int_equal(law_wait(&readable), 0);
            io_readable(law_io, &sock, law_op(&readable)); /* still */
            assert_int_equal(law_wait(&readable), 0);
            /* With a buffer that is just full, the engine cannot know whether more is there. */
            io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
            assert_int_equal(law_wait(&recv), 100);
        }
        io_readable(law_io, &sock, law_op(&readable));
        law_turn(0);
        close(peer);
        assert_int_equal(law_wait(&readable), 0);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        assert_int_equal(law_wait(&recv), 0);
        io_sock_close(law_io, &sock);
    }
}

void law_readable_keeps_the_error(void **state)
{
    struct law_call readable = {0}, recv = {0};
    struct io_sock sock;
    char byte;
    int peer;

    (void)state;
    peer = law_pair(LAW_TCP4, &sock);
    io_readable(law_io, &sock, law_op(&readable));
    law_turn(0);
    reset(peer);
    assert_int_equal(law_wait(&readable), 0);
    io_recv(law_io, &sock, law_op(&recv), &byte, 1);
    assert_int_equal(law_wait(&recv), -ECONNRESET);
    io_sock_close(law_io, &sock);
}

void law_peer_reset(void **state)
{
    char bytes[10];

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call recv = {0}, send = {0};
        struct iovec iov = {.iov_base = bytes, .iov_len = sizeof bytes};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        memset(bytes, 'x', sizeof bytes);
        io_send(law_io, &sock, law_op(&send), &iov, 1, false); /* unread, it makes a Unix close a reset too */
        assert_int_equal(law_wait(&send), 10);
        law_peer_write(peer, 0, 5);
        law_turns_ms(2);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        assert_int_equal(law_wait(&recv), 5);
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        law_turn(0);
        reset(peer);
        assert_int_equal(law_wait(&recv), -ECONNRESET);
        assert_false(recv.last);
        io_sock_close(law_io, &sock);
    }
}

/* ---- writing ---- */

static volatile sig_atomic_t pipes;

static void count_pipe(int number)
{
    (void)number;
    pipes++;
}

void law_send_to_closed_raises_no_signal(void **state)
{
    char bytes[10] = "123456789";
    int file = law_file(10);

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct iovec iov[] = {{bytes, 5}, {bytes, 5}};
        struct law_call send = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);
        void (*before)(int) = signal(SIGPIPE, count_pipe);

        reset(peer);
        pipes = 0;
        for (int i = 0; i < 3; i++) {
            io_send(law_io, &sock, law_op(&send), iov, 2 - i % 2, false);
            law_wait(&send);
            assert_true(send.result == -EPIPE || send.result == -ECONNRESET);
        }
        assert_int_equal(pipes, 0);
        signal(SIGPIPE, before);
        assert_ptr_equal(before, SIG_IGN); /* the engine has seen to it, for sendfile(2) */
        io_sendfile(law_io, &sock, law_op(&send), file, 0, 10);
        assert_int_equal(law_wait(&send), -EPIPE);
        io_sock_close(law_io, &sock);
    }
    close(file);
}

struct bulk {
    struct law_call send;
    struct io_sock *sock;
    struct iovec iov[3];
    unsigned char *bytes;
    size_t length, sent;
    int file; /* -1: from memory */
    unsigned partial;
    bool done;
};

static void bulk_next(struct bulk *b)
{
    size_t left = b->length - b->sent, at = b->sent, piece = left / 3 + 1;
    int count = 0;

    if (b->file >= 0) {
        io_sendfile(law_io, b->sock, law_op(&b->send), b->file, (int64_t)at, left);
        return;
    }
    for (; count < 3 && left; count++) {
        size_t n = count == 2 || piece > left ? left : piece;

        b->iov[count] = (struct iovec){b->bytes + at, n};
        at += n;
        left -= n;
    }
    io_send(law_io, b->sock, law_op(&b->send), b->iov, count, count == 3);
}

static void bulk_went(struct law_call *call)
{
    struct bulk *b = call->context;

    assert_true(call->result > 0);
    b->sent += (size_t)call->result;
    assert_true(b->sent <= b->length);
    b->partial += b->sent < b->length;
    if (b->sent < b->length)
        bulk_next(b);
    else
        b->done = true;
}

/* Reads what is there, in bites of any size; returns the new offset. */
static size_t peer_eats(int peer, size_t at)
{
    unsigned char bytes[50000];
    ssize_t n;

    for (uint64_t bites = law_random() % 8; bites; bites--) {
        n = recv(peer, bytes, 1 + law_random() % sizeof bytes, MSG_DONTWAIT);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            break;
        }
        law_pattern_check(bytes, at, (size_t)n);
        at += (size_t)n;
    }
    return at;
}

static void bulk_run(enum law_family family, struct bulk *b)
{
    struct io_sock sock;
    int peer = law_pair(family, &sock);
    size_t eaten = 0;

    b->sock = &sock;
    b->sent = b->partial = 0;
    b->done = false;
    b->send.then = bulk_went;
    b->send.context = b;
    bulk_next(b);
    while (eaten < b->length) {
        law_turn(b->done || law_random() % 16 ? 0 : 1);
        eaten = peer_eats(peer, eaten);
    }
    assert_int_equal(eaten, b->length);
    law_wait_flag(&b->done);
    assert_true(b->partial > 0);
    io_sock_close(law_io, &sock);
    close(peer);
}

void law_send_bulk_to_slow_reader(void **state)
{
    struct bulk b = {.length = BULK, .file = -1, .bytes = malloc(BULK)};

    (void)state;
    assert_non_null(b.bytes);
    law_pattern_fill(b.bytes, 0, BULK);
    LAW_EACH_FAMILY(f)
    bulk_run(f, &b);
    free(b.bytes);
}

void law_sendfile_to_slow_reader(void **state)
{
    struct bulk b = {.length = BULK, .file = law_file(BULK)};

    (void)state;
    LAW_EACH_FAMILY(f)
    bulk_run(f, &b);
    close(b.file);
}

/* Reading and writing on one socket, both waiting most of the time. */
struct echo {
    struct law_call recv;
    struct io_sock *sock;
    unsigned char bytes[5000];
    size_t got;
};

static void echo_got(struct law_call *call)
{
    struct echo *e = call->context;

    assert_true(call->result > 0);
    law_pattern_check(e->bytes, e->got, (size_t)call->result);
    e->got += (size_t)call->result;
    if (e->got < BULK / 4)
        io_recv(law_io, e->sock, law_op(call), e->bytes, sizeof e->bytes);
}

void law_both_directions_at_once(void **state)
{
    struct bulk b = {.length = BULK / 4, .file = -1, .bytes = malloc(BULK / 4)};

    (void)state;
    assert_non_null(b.bytes);
    law_pattern_fill(b.bytes, 0, b.length);
    LAW_EACH_FAMILY(f)
    {
        struct io_sock sock;
        struct echo e = {.sock = &sock, .recv.then = echo_got};
        int peer = law_pair(f, &sock);
        size_t eaten = 0, fed = 0;

        e.recv.context = &e;
        b.sock = &sock;
        b.sent = 0;
        b.done = false;
        b.send.then = bulk_went;
        b.send.context = &b;
        io_recv(law_io, &sock, law_op(&e.recv), e.bytes, sizeof e.bytes);
        bulk_next(&b);
        while (eaten < b.length || e.got < b.length) {
            ssize_t n = 0;

            if (fed < b.length)
                n = send(peer, b.bytes + fed, b.length - fed < 20000 ? b.length - fed : 20000, MSG_DONTWAIT);
            fed += n > 0 ? (size_t)n : 0;
            law_turn(0);
            if (eaten < b.length)
                eaten = peer_eats(peer, eaten);
        }
        law_wait_flag(&b.done);
        io_sock_close(law_io, &sock);
        close(peer);
    }
    free(b.bytes);
}

void law_sendfile_ranges(void **state)
{
    static const struct {
        int64_t offset;
        size_t length, result;
    } ranges[] = {{0, 1, 1}, {0, 10000, 10000}, {4095, 2, 2}, {9999, 500, 1}, {10000, 5, 0}, {20000, 5, 0}};
    unsigned char bytes[10000];
    int file = law_file(10000);

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call send = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
            io_sendfile(law_io, &sock, law_op(&send), file, ranges[i].offset, ranges[i].length);
            assert_int_equal(law_wait(&send), ranges[i].result);
            if (!ranges[i].result)
                continue;
            assert_int_equal(recv(peer, bytes, ranges[i].result, MSG_WAITALL), ranges[i].result);
            law_pattern_check(bytes, (uint64_t)ranges[i].offset, ranges[i].result);
        }
        io_sock_close(law_io, &sock);
        close(peer);
    }
    close(file);
}

void law_shutdown_half(void **state)
{
    unsigned char bytes[100];

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call recv = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        law_turn(0);
        io_sock_shutdown(law_io, &sock);
        assert_int_equal(read(peer, bytes, 1), 0);
        assert_true(io_op_pending(&recv.op));
        law_peer_write(peer, 7, 50);
        assert_int_equal(law_wait(&recv), 50);
        law_pattern_check(bytes, 7, 50);
        close(peer);
        io_sock_close(law_io, &sock);
    }
}
