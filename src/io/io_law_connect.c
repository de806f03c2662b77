/* The laws of connecting and accepting. */
#include "io/io_law.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct iovec *two_pieces(void)
{
    static char a[] = "first ", b[] = "bytes";
    static const struct iovec iov[] = {{a, 6}, {b, 5}};

    return iov;
}

static void check_accepted(int fd, enum law_family family)
{
    int on = 0;
    socklen_t length = sizeof on;

    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    if (family == LAW_UNIX)
        return;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
    assert_true(on);
}

static void connect_once(enum law_family family, int count)
{
    struct law_call accept = {0}, connect = {0}, recv = {0};
    struct io_sock listener, client, server;
    struct addr address, peer;
    char bytes[64];

    io_sock_adopt(law_io, &listener, law_listen(family, 8, &address));
    io_accept(law_io, &listener, law_op(&accept));
    law_turn(0); /* it waits before anybody connects */
    assert_int_equal(io_sock_open(law_io, &client, address.u.any.sa_family), 0);
    assert_true(fcntl(client.fd, F_GETFD) & FD_CLOEXEC);
    io_connect(law_io, &client, law_connect(&connect), &address.u.any, address.length, two_pieces(), count);
    assert_true(io_op_pending(&connect.op));
    assert_int_equal(io_pending(law_io), 2);
    assert_int_equal(law_wait(&connect), count == 2 ? 11 : 0);
    assert_true(connect.connected);
    assert_true(law_wait(&accept) >= 0);
    check_accepted(accept.result, family);
    assert_true(family == LAW_UNIX || addr_of_peer(&peer, accept.result));
    io_sock_adopt(law_io, &server, accept.result);
    if (!count) { /* the operation of the connect serves for sending */
        io_send(law_io, &client, law_op(&connect), two_pieces(), 2, false);
        assert_int_equal(law_wait(&connect), 11);
    }
    io_recv(law_io, &server, law_op(&recv), bytes, sizeof bytes);
    assert_int_equal(law_wait(&recv), 11);
    assert_memory_equal(bytes, "first bytes", 11);
    io_sock_close(law_io, &client);
    assert_int_equal(client.fd, -1);
    io_recv(law_io, &server, law_op(&recv), bytes, sizeof bytes);
    assert_int_equal(law_wait(&recv), 0);
    io_sock_close(law_io, &server);
    io_sock_close(law_io, &listener);
    law_forget(&address);
}

void law_connect_and_accept(void **state)
{
    (void)state;
    LAW_EACH_FAMILY(f)
    connect_once(f, 0);
}

void law_connect_with_first_bytes(void **state)
{
    (void)state;
    LAW_EACH_FAMILY(f)
    connect_once(f, 2);
}

static void connect_fails(const struct addr *address, int count, int error)
{
    struct law_call connect = {0};
    struct io_sock sock;

    assert_int_equal(io_sock_open(law_io, &sock, address->u.any.sa_family), 0);
    io_connect(law_io, &sock, law_connect(&connect), &address->u.any, address->length, two_pieces(), count);
    assert_int_equal(law_wait(&connect), error);
    assert_false(connect.connected);
    io_sock_close(law_io, &sock);
    io_sock_close(law_io, &sock); /* harmless */
}

void law_connect_refused(void **state)
{
    (void)state;
    LAW_EACH_FAMILY(f)
    {
        struct addr address;

        close(law_listen(f, 1, &address));
        connect_fails(&address, 0, -ECONNREFUSED);
        connect_fails(&address, 2, -ECONNREFUSED);
        law_forget(&address);
    }
}

void law_connect_to_nowhere(void **state)
{
    struct addr address;

    (void)state;
    assert_true(addr_from_path(&address, STR("/nonexistent/socket")));
    connect_fails(&address, 0, -ENOENT);
    connect_fails(&address, 2, -ENOENT);
}

/* ---- connections that cannot be made yet ---- */

enum { FILLERS = 16 };

/* Plain connects until the listener takes no more; how many. */
static int fill_backlog(const struct addr *address, int *fillers)
{
    int count = 0;

    while (count < FILLERS) {
        int fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int result = connect(fd, &address->u.any, address->length);

        fillers[count++] = fd;
        if (result && errno == EAGAIN)
            break;
    }
    return count;
}

void law_connect_unix_backlog_full(void **state)
{
    struct law_call first = {0}, second = {0};
    int fillers[FILLERS], count, listener, accepted[FILLERS], n = 0;
    struct io_sock a, b;
    struct addr address;
    char bytes[32];

    (void)state;
    listener = law_listen(LAW_UNIX, 1, &address);
    count = fill_backlog(&address, fillers);
    assert_true(count < FILLERS);
    assert_int_equal(io_sock_open(law_io, &a, AF_UNIX), 0);
    assert_int_equal(io_sock_open(law_io, &b, AF_UNIX), 0);
    io_connect(law_io, &a, law_connect(&first), &address.u.any, address.length, two_pieces(), 2);
    io_connect(law_io, &b, law_connect(&second), &address.u.any, address.length, NULL, 0);
    law_turns_ms(120);
    assert_int_equal(first.completed, 0);
    assert_int_equal(second.completed, 0);
    while (n < count + 1) { /* the last of the fillers was refused: count - 1 of them, and our two */
        accepted[n] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted[n] >= 0);
        n++;
        law_turns_ms(60);
    }
    assert_int_equal(law_wait(&first), 11);
    assert_true(first.connected);
    assert_int_equal(law_wait(&second), 0);
    assert_true(second.connected);
    io_sock_close(law_io, &a);
    io_sock_close(law_io, &b);
    for (int i = 0, found = 0; i < n; i++) {
        found += recv(accepted[i], bytes, sizeof bytes, MSG_DONTWAIT) == 11;
        assert_true(i < n - 1 || found == 1);
        close(accepted[i]);
    }
    while (count)
        close(fillers[--count]);
    close(listener);
    law_forget(&address);
}

void law_connect_unix_backlog_cancel(void **state)
{
    int fillers[FILLERS], count, listener;
    struct law_call connect = {0};
    struct io_sock sock;
    struct addr address;

    (void)state;
    listener = law_listen(LAW_UNIX, 1, &address);
    count = fill_backlog(&address, fillers);
    for (int ms = 0; ms <= 30; ms += 30) {
        assert_int_equal(io_sock_open(law_io, &sock, AF_UNIX), 0);
        io_connect(law_io, &sock, law_connect(&connect), &address.u.any, address.length, two_pieces(), 2);
        law_turns_ms(ms);
        assert_true(io_op_pending(&connect.op));
        io_cancel(law_io, &connect.op);
        assert_int_equal(law_wait(&connect), -ECANCELED);
        assert_false(connect.connected);
        io_sock_close(law_io, &sock);
    }
    while (count)
        close(fillers[--count]);
    close(listener);
    law_forget(&address);
}

void law_connect_tcp_pending_cancel(void **state)
{
    int fillers[FILLERS], count, listener;
    struct law_call connect = {0};
    struct io_sock sock;
    struct addr address;

    (void)state;
    listener = law_listen(LAW_TCP4, 0, &address);
    count = fill_backlog(&address, fillers); /* then SYNs are dropped */
    for (int bytes = 0; bytes <= 2; bytes += 2) {
        assert_int_equal(io_sock_open(law_io, &sock, AF_INET), 0);
        io_connect(law_io, &sock, law_connect(&connect), &address.u.any, address.length, two_pieces(), bytes);
        law_turns_ms(50);
        assert_int_equal(connect.completed + 1, connect.submitted);
        io_cancel(law_io, &connect.op);
        io_cancel(law_io, &connect.op);
        assert_int_equal(law_wait(&connect), -ECANCELED);
        assert_false(connect.connected);
        io_sock_close(law_io, &sock);
    }
    while (count)
        close(fillers[--count]);
    close(listener);
}

/* ---- accepting ---- */

static void accept_each(enum law_family family)
{
    struct law_call accept = {0};
    struct io_sock listener;
    struct addr address;
    int clients[8];

    io_sock_adopt(law_io, &listener, law_listen(family, 16, &address));
    for (int round = 0; round < 6; round++) {
        int count = round % 3 == 0 ? 1 : 8, early = round % 2;

        if (early) {
            io_accept(law_io, &listener, law_op(&accept));
            law_turns_ms(5);
        }
        for (int i = 0; i < count; i++) {
            clients[i] = socket(address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
            assert_int_equal(connect(clients[i], &address.u.any, address.length), 0);
        }
        for (int i = 0; i < count; i++) {
            if (i || !early)
                io_accept(law_io, &listener, law_op(&accept));
            assert_true(law_wait(&accept) >= 0);
            close(accept.result);
        }
        while (count)
            close(clients[--count]);
    }
    io_sock_close(law_io, &listener);
    law_forget(&address);
}

void law_accept_takes_each_connection(void **state)
{
    (void)state;
    LAW_EACH_FAMILY(f)
    accept_each(f);
}

/* -EMFILE once per submit, not for ever, and the connection is there once descriptors are. */
void law_accept_without_descriptors(void **state)
{
    struct law_call accept = {0};
    struct rlimit before, none;
    struct io_sock listener;
    struct addr address;
    int client;

    (void)state;
    io_sock_adopt(law_io, &listener, law_listen(LAW_TCP4, 4, &address));
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &address.u.any, address.length), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 3; i++) {
        io_accept(law_io, &listener, law_op(&accept));
        law_wait(&accept);
        if (accept.result >= 0)
            close(accept.result);
        law_turns_ms(5);
        assert_int_equal(accept.result, -EMFILE);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    io_accept(law_io, &listener, law_op(&accept));
    assert_true(law_wait(&accept) >= 0);
    close(accept.result);
    close(client);
    io_sock_close(law_io, &listener);
}

void law_accept_cancel(void **state)
{
    struct law_call accept = {0};
    struct io_sock listener;
    struct addr address;
    int client;

    (void)state;
    io_sock_adopt(law_io, &listener, law_listen(LAW_TCP4, 4, &address));
    io_accept(law_io, &listener, law_op(&accept));
    io_cancel(law_io, &accept.op); /* at once */
    assert_int_equal(law_wait(&accept), -ECANCELED);
    io_accept(law_io, &listener, law_op(&accept));
    law_turns_ms(5);
    io_cancel(law_io, &accept.op);
    assert_int_equal(law_wait(&accept), -ECANCELED);
    /* One that came before the cancel is had now or next. */
    io_accept(law_io, &listener, law_op(&accept));
    law_turns_ms(5);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &address.u.any, address.length), 0);
    io_cancel(law_io, &accept.op);
    if (law_wait(&accept) < 0) {
        assert_int_equal(accept.result, -ECANCELED);
        io_accept(law_io, &listener, law_op(&accept));
        assert_true(law_wait(&accept) >= 0);
    }
    close(accept.result);
    close(client);
    io_sock_close(law_io, &listener);
}
