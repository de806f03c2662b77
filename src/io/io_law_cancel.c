/* The laws of cancelling, of closing inside done functions, and of many operations at once. */
#include "io/io_law.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- cancelling ---- */

void law_cancel_recv(void **state)
{
    unsigned char bytes[100];

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call recv = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        io_cancel(law_io, &recv.op); /* not pending: harmless */
        for (int turns = 0; turns < 3; turns++) {
            io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
            for (int i = 0; i < turns; i++)
                law_turn(1);
            io_cancel(law_io, &recv.op);
            assert_int_equal(law_wait(&recv), -ECANCELED);
        }
        io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
        law_peer_write(peer, 0, 10);
        assert_int_equal(law_wait(&recv), 10);
        io_cancel(law_io, &recv.op);
        law_turns_ms(2);
        assert_int_equal(recv.completed, recv.submitted);
        close(peer);
        io_sock_close(law_io, &sock);
    }
}

void law_cancel_loses_no_bytes(void **state)
{
    unsigned char bytes[100];

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct law_call recv = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);
        uint64_t sent = 0, got = 0;

        for (int i = 0; i < 300; i++) {
            size_t n = 1 + law_random() % 50;
            uint64_t order = law_random();

            if (order & 1)
                law_peer_write(peer, sent, n);
            io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
            if (order & 2)
                law_turn(0);
            if (!(order & 1))
                law_peer_write(peer, sent, n);
            if (order & 4)
                law_turn(0);
            sent += n;
            io_cancel(law_io, &recv.op);
            law_wait(&recv);
            if (recv.result < 0) {
                assert_int_equal(recv.result, -ECANCELED);
                continue;
            }
            law_pattern_check(bytes, got, (size_t)recv.result);
            got += (uint64_t)recv.result;
        }
        while (got < sent) {
            io_recv(law_io, &sock, law_op(&recv), bytes, sizeof bytes);
            assert_true(law_wait(&recv) > 0);
            law_pattern_check(bytes, got, (size_t)recv.result);
            got += (uint64_t)recv.result;
        }
        assert_int_equal(got, sent);
        close(peer);
        io_sock_close(law_io, &sock);
    }
}

/* Sends until it must wait. */
static void fill_socket(struct io_sock *sock, unsigned char *bytes, size_t length)
{
    while (send(sock->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

void law_cancel_send_and_sendfile(void **state)
{
    unsigned char *bytes = calloc(1, 1 << 20);
    int file = law_file(100000);

    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct iovec iov = {.iov_base = bytes, .iov_len = 1 << 20};
        struct law_call send = {0}, recv = {0};
        struct io_sock sock;
        int peer = law_pair(f, &sock);

        fill_socket(&sock, bytes, 1 << 20);
        io_recv(law_io, &sock, law_op(&recv), bytes, 10); /* the other half is not disturbed */
        for (int i = 0; i < 4; i++) {
            if (i % 2)
                io_sendfile(law_io, &sock, law_op(&send), file, 0, 100000);
            else
                io_send(law_io, &sock, law_op(&send), &iov, 1, false);
            if (i / 2)
                law_turns_ms(5);
            io_cancel(law_io, &send.op);
            assert_int_equal(law_wait(&send), -ECANCELED);
        }
        assert_int_equal(recv.completed, 0);
        law_peer_write(peer, 0, 3);
        assert_int_equal(law_wait(&recv), 3);
        close(peer);
        io_sock_close(law_io, &sock);
    }
    close(file);
    free(bytes);
}

static void cancel_context(struct law_call *call)
{
    struct law_call *other = call->context;

    io_cancel(law_io, &other->op);
}

void law_cancel_inside_done(void **state)
{
    struct law_call a = {.then = cancel_context}, b = {.then = cancel_context};
    struct io_sock sa, sb;
    unsigned char ba[8], bb[8];
    int pa, pb;

    (void)state;
    pa = law_pair(LAW_UNIX, &sa);
    pb = law_pair(LAW_UNIX, &sb);
    a.context = &b;
    b.context = &a;
    for (int both = 0; both < 2; both++) {
        io_recv(law_io, &sa, law_op(&a), ba, sizeof ba);
        io_recv(law_io, &sb, law_op(&b), bb, sizeof bb);
        law_turn(0);
        law_peer_write(pa, 0, 4);
        if (both)
            law_peer_write(pb, 0, 4);
        law_wait(&a);
        law_wait(&b);
        /* Completions come in any order (law 5): the first cancels the other, perhaps too late. */
        assert_true(a.result == 4 || (both && b.result == 4));
        assert_true(a.result == 4 || a.result == -ECANCELED);
        assert_true(b.result == -ECANCELED || (both && b.result == 4));
    }
    io_sock_close(law_io, &sa);
    io_sock_close(law_io, &sb);
    close(pa);
    close(pb);
}

/* ---- closing inside done ---- */

struct reuse {
    struct law_call first, fresh_recv;
    struct io_sock *victim; /* has an event in the same turn, and no operation */
    struct io_sock fresh;   /* takes over its descriptor */
    int victim_fd, fresh_peer;
    char byte;
};

static void reuse_now(struct law_call *call)
{
    struct reuse *r = call->context;

    io_sock_close(law_io, r->victim);
    free(r->victim);
    r->fresh_peer = law_pair(LAW_UNIX, &r->fresh);
    assert_true(r->fresh.fd == r->victim_fd || r->fresh_peer == r->victim_fd);
    io_recv(law_io, &r->fresh, law_op(&r->fresh_recv), &r->byte, 1);
}

void law_close_and_reuse_inside_done(void **state)
{
    (void)state;
    LAW_EACH_FAMILY(f)
    for (int order = 0; order < 2; order++) {
        struct reuse r = {.first.then = reuse_now, .victim = malloc(sizeof *r.victim)};
        struct law_call waited = {0};
        struct io_sock sock;
        int peer, victim_peer;
        char byte;

        assert_non_null(r.victim);
        r.first.context = &r;
        peer = law_pair(f, &sock);
        victim_peer = law_pair(f, r.victim);
        r.victim_fd = r.victim->fd;
        io_recv(law_io, &sock, law_op(&r.first), &byte, 1);
        io_recv(law_io, r.victim, law_op(&waited), &byte, 1); /* has the engine watch it */
        law_turn(0);
        io_cancel(law_io, &waited.op);
        law_wait(&waited);
        law_peer_write(order ? peer : victim_peer, 0, 1);
        law_peer_write(order ? victim_peer : peer, 0, 1);
        law_wait(&r.first);
        law_turns_ms(5);
        assert_int_equal(r.fresh_recv.completed, 0);
        law_peer_write(r.fresh_peer, 99, 1);
        assert_int_equal(law_wait(&r.fresh_recv), 1);
        assert_int_equal((unsigned char)r.byte, law_pattern(99));
        io_sock_close(law_io, &r.fresh);
        io_sock_close(law_io, &sock);
        close(r.fresh_peer);
        close(peer);
        close(victim_peer);
    }
}

struct freed {
    struct law_call recv;
    struct io_sock sock;
    char bytes[64];
};

static void free_all(struct law_call *call)
{
    struct freed *x = call->context;

    io_sock_close(law_io, &x->sock);
    free(x);
}

void law_free_inside_done(void **state)
{
    int peers[40];

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct freed *x = calloc(1, sizeof *x);

        assert_non_null(x);
        peers[i] = law_pair(LAW_UNIX, &x->sock);
        x->recv.then = free_all;
        x->recv.context = x;
        io_recv(law_io, &x->sock, law_op(&x->recv), x->bytes, sizeof x->bytes);
    }
    law_turn(0);
    for (int i = 0; i < 40; i++) {
        law_peer_write(peers[i], 0, 10);
        close(peers[i]);
    }
    while (io_pending(law_io))
        law_turn(100);
}

/* More at once than any submission queue holds: they wait in line, and can be cancelled there. */
void law_more_operations_than_queue(void **state)
{
    enum { COUNT = 1500 };
    struct freed *all = calloc(COUNT, sizeof *all);
    int *peers = calloc(COUNT, sizeof *peers), pair[2];

    (void)state;
    assert_true(all && peers);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        io_sock_adopt(law_io, &all[i].sock, pair[0]);
        peers[i] = pair[1];
        io_recv(law_io, &all[i].sock, law_op(&all[i].recv), all[i].bytes, sizeof all[i].bytes);
    }
    for (int i = 0; i < COUNT; i += 2)
        law_peer_write(peers[i], 0, 20);
    for (int i = 1; i < COUNT; i += 2)
        io_cancel(law_io, &all[i].recv.op);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(law_wait(&all[i].recv), i % 2 ? -ECANCELED : 20);
        io_sock_close(law_io, &all[i].sock);
        close(peers[i]);
    }
    free(all);
    free(peers);
}
