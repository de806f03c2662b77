#include "tool/address.h"

#include "base/str.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool parse_local(const char *text, struct str path, struct address *a, char *why)
{
    /* The form of ProxyPass is understood too: unix:PATH|scgi://host/ */
    path = str_until(&path, '|');
    if (path.n == 0 || path.n >= sizeof a->path) {
        snprintf(why, ADDRESS_FAULT_SIZE, "address \"%.200s\": %s", text,
                 path.n ? "the path is too long for a Unix socket" : "a path must follow \"unix:\"");
        return false;
    }
    memcpy(a->path, path.p, path.n);
    a->local = true;
    return true;
}

static bool parse_port(struct str port, struct address *a)
{
    uint64_t value;

    if (!str_to_u64(port, 65535, &value))
        return false;
    snprintf(a->port, sizeof a->port, "%u", (unsigned)value);
    return true;
}

bool address_parse(const char *text, struct address *a, char why[ADDRESS_FAULT_SIZE])
{
    struct str rest = str_from(text), host, port = STR("4000");

    *a = (struct address){0};
    if (str_starts(rest, STR("unix:")))
        return parse_local(text, str_skip(rest, 5), a, why);
    if (str_starts(rest, STR("/")) || str_starts(rest, STR("."))) {
        snprintf(why, ADDRESS_FAULT_SIZE, "address \"%.200s\": write \"unix:%.200s\" for a Unix socket", text,
                 text);
        return false;
    }
    if (str_starts_nocase(rest, STR("scgi://")))
        rest = str_skip(rest, 7);
    if (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    if (str_starts(rest, STR("["))) {
        rest = str_skip(rest, 1);
        host = str_until(&rest, ']');
        if (rest.p && rest.n && rest.p[0] == ':')
            port = str_skip(rest, 1);
        else if (!rest.p || rest.n)
            host = STR_NONE;
    } else {
        host = str_until(&rest, ':');
        port = rest.p ? rest : port;
    }
    if (host.n == 0 || host.n >= sizeof a->host || str_find(host, '/') >= 0 || !parse_port(port, a)) {
        snprintf(why, ADDRESS_FAULT_SIZE,
                 "address \"%.200s\" is not understood: write scgi://HOST:PORT, HOST:PORT or unix:PATH",
                 text);
        return false;
    }
    memcpy(a->host, host.p, host.n);
    return true;
}

static void name_local(const char *path, char *name, size_t size)
{
    snprintf(name, size, "unix:%s", path);
}

static void name_inet(const struct sockaddr *address, socklen_t length, char *name, size_t size)
{
    char host[INET6_ADDRSTRLEN + 20], port[8];

    if (getnameinfo(address, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) !=
        0)
        snprintf(name, size, "scgi://?");
    else
        snprintf(name, size, strchr(host, ':') ? "scgi://[%s]:%s" : "scgi://%s:%s", host, port);
}

static struct sockaddr_un local_address(const char *path)
{
    struct sockaddr_un u = {.sun_family = AF_UNIX};

    memcpy(u.sun_path, path, strlen(path) + 1);
    return u;
}

/* Connects within the time; returns 0 or the errno. The socket is blocking before and after. */
static int connect_within(int fd, const struct sockaddr *address, socklen_t length, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    struct timeval limit = {0};
    int64_t left = until_ms - now_ms();
    int error = 0, n;
    socklen_t size = sizeof error;

    if (left <= 0)
        return ETIMEDOUT;
    /* SO_SNDTIMEO bounds a blocking connect(), of Unix sockets too, whose backlog may be full. */
    limit.tv_sec = left / 1000;
    limit.tv_usec = left % 1000 * 1000;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, address, length) == 0)
        return 0;
    if (errno == EAGAIN || errno == EINPROGRESS)
        return ETIMEDOUT;
    if (errno != EINTR)
        return errno;
    left = until_ms - now_ms(); /* interrupted: it goes on without us */
    n = poll(&p, 1, left > 0 ? (int)left : 0);
    if (n <= 0)
        return n == 0 ? ETIMEDOUT : errno;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

static const char *connect_hint(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "connection refused: is the application running?";
    case ENOENT:
        return "no such socket: is the application running?";
    case EACCES:
        return "permission denied: connecting needs write permission on the socket";
    case ETIMEDOUT:
        return "no connection within the time limit";
    default:
        return strerror(error);
    }
}

static int connect_failed(const char *name, int error, char *why)
{
    snprintf(why, ADDRESS_FAULT_SIZE, "connect to \"%.280s\" failed: %s", name, connect_hint(error));
    errno = error;
    return -1;
}

static int connect_local(const struct address *a, int64_t until_ms, char *why)
{
    struct sockaddr_un u = local_address(a->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

    error = fd < 0 ? errno : connect_within(fd, (struct sockaddr *)&u, sizeof u, until_ms);
    if (error == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return connect_failed(a->path, error, why);
}

static struct addrinfo *resolve(const struct address *a, int flags, char *why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV}, *list;
    int error = getaddrinfo(a->host, a->port, &hints, &list);

    if (error == 0)
        return list;
    snprintf(why, ADDRESS_FAULT_SIZE, "address of \"%s\" not found: %s", a->host,
             error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    errno = EHOSTUNREACH;
    return NULL;
}

int address_connect(const struct address *a, int timeout_ms, char why[ADDRESS_FAULT_SIZE])
{
    int64_t until_ms = now_ms() + timeout_ms;
    struct addrinfo *list;
    int fd = -1, error = 0;
    char name[300];

    if (a->local)
        return connect_local(a, until_ms, why);
    list = resolve(a, 0, why);
    if (!list)
        return -1;
    for (struct addrinfo *i = list; i; i = i->ai_next) {
        fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        error = fd < 0 ? errno : connect_within(fd, i->ai_addr, i->ai_addrlen, until_ms);
        if (error == 0)
            break;
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        return fd;
    }
    snprintf(name, sizeof name, strchr(a->host, ':') ? "[%s]:%s" : "%s:%s", a->host, a->port);
    return connect_failed(name, error, why);
}

static int listen_failed(const char *name, const char *reason, int fd, char *why)
{
    snprintf(why, ADDRESS_FAULT_SIZE, "listen on \"%.280s\" failed: %s", name, reason);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* True when the file is a socket on which nobody answers. */
static bool local_is_stale(const struct sockaddr_un *u)
{
    struct stat st;
    int fd;
    bool stale;

    if (lstat(u->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    stale = fd >= 0 && connect(fd, (const struct sockaddr *)u, sizeof *u) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return stale;
}

static int listen_local(const struct address *a, int backlog, int mode, struct listener *l, char *why)
{
    struct sockaddr_un u = local_address(a->path);
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

    name_local(a->path, l->name, sizeof l->name);
    if (fd < 0)
        return listen_failed(l->name, strerror(errno), fd, why);
    error = bind(fd, (struct sockaddr *)&u, sizeof u);
    if (error < 0 && errno == EADDRINUSE) {
        if (!local_is_stale(&u))
            return listen_failed(l->name, "another program listens there, or the file is no socket", fd, why);
        unlink(u.sun_path);
        error = bind(fd, (struct sockaddr *)&u, sizeof u);
    }
    if (error < 0)
        return listen_failed(l->name, strerror(errno), fd, why);
    if ((mode >= 0 && chmod(u.sun_path, (mode_t)mode) < 0) || listen(fd, backlog) < 0 ||
        stat(u.sun_path, &st) < 0) {
        error = errno;
        unlink(u.sun_path);
        return listen_failed(l->name, strerror(error), fd, why);
    }
    memcpy(l->path, a->path, sizeof l->path);
    l->device = st.st_dev;
    l->inode = st.st_ino;
    l->fd = fd;
    return 1;
}

static int listen_inet(const struct addrinfo *i, int backlog, struct listener *l, char *why)
{
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;
    int fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    name_inet(i->ai_addr, i->ai_addrlen, l->name, sizeof l->name);
    if (fd < 0)
        return listen_failed(l->name, strerror(errno), fd, why);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (i->ai_family == AF_INET6) /* so that "::" and "0.0.0.0" may both be had */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (bind(fd, i->ai_addr, i->ai_addrlen) < 0 || listen(fd, backlog) < 0)
        return listen_failed(l->name, strerror(errno), fd, why);
    if (getsockname(fd, (struct sockaddr *)&bound, &length) == 0) /* port 0 has become one */
        name_inet((struct sockaddr *)&bound, length, l->name, sizeof l->name);
    l->path[0] = '\0';
    l->fd = fd;
    return 1;
}

int address_listen(const struct address *a, int backlog, int mode,
                   struct listener listeners[ADDRESS_LISTENERS_MAX], char why[ADDRESS_FAULT_SIZE])
{
    struct addrinfo *list;
    int count = 0, n = 0;

    if (a->local)
        return listen_local(a, backlog, mode, &listeners[0], why);
    list = resolve(a, AI_PASSIVE, why);
    if (!list)
        return -1;
    for (struct addrinfo *i = list; i && n >= 0 && count < ADDRESS_LISTENERS_MAX; i = i->ai_next) {
        n = listen_inet(i, backlog, &listeners[count], why);
        if (n > 0)
            count++;
        else if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
            n = 0; /* localhost is ::1 too, on a machine without IPv6 */
    }
    freeaddrinfo(list);
    if (n >= 0 && count > 0)
        return count;
    while (count > 0)
        listener_close(&listeners[--count]);
    return -1;
}

void listener_close(struct listener *l)
{
    struct stat st;

    if (l->path[0] && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(l->path);
    close(l->fd);
}

void socket_set_timeout(int fd, int timeout_ms)
{
    struct timeval t = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

bool socket_send_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}
