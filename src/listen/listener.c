#include "listen/listener.h"
#include "base/must.h"
#include "io/addr.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAUSE_MS = 100 };

/* ---- opening ---- */

/* A socket file that nobody listens on is left over from a process that died. */
static void remove_stale(const struct addr *a)
{
    struct stat st;
    int fd;

    if (lstat(a->u.un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, &a->u.any, a->length) != 0 && errno == ECONNREFUSED)
        unlink(a->u.un.sun_path);
    close(fd);
}

static int open_address(const struct addr *a, bool both_families, int backlog, const char **what)
{
    int on = 1, off = 0;
    int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *what = "socket";
    if (fd < 0)
        return -errno;
    if (a->u.any.sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->u.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both_families ? &off : &on, sizeof on);
    *what = "bind";
    if (bind(fd, &a->u.any, a->length) == 0) {
        *what = "listen";
        if (listen(fd, backlog) == 0)
            return fd;
    }
    on = errno;
    close(fd);
    return -on;
}

/* Without a host: every address of both families; where there is no IPv6, those of IPv4. */
static int open_any(unsigned port, int backlog, const char **what)
{
    struct addr a;
    int fd;

    must(addr_from_host(&a, STR("::"), (uint16_t)port));
    fd = open_address(&a, true, backlog, what);
    if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
        return fd;
    must(addr_from_host(&a, STR("0.0.0.0"), (uint16_t)port));
    return open_address(&a, false, backlog, what);
}

int listener_open(const struct listen *listen, int backlog, int *fd, const char **what)
{
    const struct address *address = &listen->address;
    struct addr a;

    *what = "address";
    if (address->kind == ADDRESS_UNIX) {
        if (!addr_from_path(&a, address->path))
            return -ENAMETOOLONG;
        remove_stale(&a);
        *fd = open_address(&a, false, backlog, what);
    } else if (!address->host.p) {
        *fd = open_any(address->port, backlog, what);
    } else {
        if (!addr_from_host(&a, address->host, (uint16_t)address->port))
            return -EINVAL;
        *fd = open_address(&a, false, backlog, what);
    }
    return *fd < 0 ? *fd : 0;
}

/* ---- accepting ---- */

static void finish_if_idle(struct listener *l)
{
    if (!io_op_pending(&l->op))
        io_sock_close(l->frontend->io, &l->sock);
}

static void accepted(struct io_op *op, int result)
{
    struct listener *l = CONTAINER_OF(op, struct listener, op);

    if (l->closing) {
        if (result >= 0)
            close(result);
        finish_if_idle(l);
        return;
    }
    if (result >= 0) {
        l->told = false;
        client_create(l->frontend, result);
        io_accept(l->frontend->io, &l->sock, &l->op);
        return;
    }
    if (!l->told && l->trouble)
        l->trouble(l, -result);
    l->told = true;
    io_timer_set(l->frontend->io, &l->pause, PAUSE_MS);
}

static void go_on(struct wheel_timer *timer)
{
    struct listener *l = CONTAINER_OF(timer, struct listener, pause);

    io_accept(l->frontend->io, &l->sock, &l->op);
}

void listener_start(struct listener *l, struct frontend *f, int fd)
{
    l->frontend = f;
    l->op.done = accepted;
    l->pause.fire = go_on;
    io_sock_adopt(f->io, &l->sock, fd);
    io_accept(f->io, &l->sock, &l->op);
}

void listener_stop(struct listener *l)
{
    l->closing = true;
    io_timer_clear(l->frontend->io, &l->pause);
    io_cancel(l->frontend->io, &l->op);
    finish_if_idle(l);
    if (l->unix_path.p)
        unlink(l->unix_path.p); /* NUL-terminated: from the model's arena */
}

bool listener_closed(const struct listener *l)
{
    return l->sock.fd < 0;
}
