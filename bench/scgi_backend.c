/* scgi_backend: tiny fast SCGI origin for benchmarks (single thread, epoll, non-blocking).
 *   scgi_backend [-u /path.sock] [-t port] [-q] [-z]
 * Paths:  /b/N   N-byte body, Content-Length given      /n/N  N bytes, no Content-Length (EOF ends it)
 *         /d/Tms delay T milliseconds, 64-byte body     /p    read whole body, report its length
 * -z  send bodies with sendfile() from a memfd (cheaper origin), default plain send()
 * -R  close with RST (SO_LINGER 0).  -H  hold: never close first (the gateway must close; for TIME_WAIT
 * tests) Body byte at offset i is 'a' + i%23 (so that a client can verify it).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PERIOD 23
#define PATSZ  (PERIOD * 65536) /* ~1.5 MB, whole number of periods */
enum { ST_HDR, ST_BODY, ST_DELAY, ST_OUT, ST_HOLD };
typedef struct conn {
    int fd, state, inep;
    uint32_t got;     /* header bytes in buf */
    int64_t bodyleft; /* request body still to read */
    int64_t bodylen;
    int64_t outleft, outoff; /* response body */
    uint32_t hlen, hoff;     /* response header */
    char hdr[256];
    uint64_t due;
    struct conn *next;
    char buf[8192];
} conn;
static conn *freelist;
static char *pat, sink[1 << 18];
static int ep, memfd = -1, opt_z, opt_R, opt_H;
static uint64_t nreq;
static conn **heap;
static int hn, hcap;
static volatile sig_atomic_t stop;
static void onsig(int s)
{
    (void)s;
    stop = 1;
}
static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}
static void hpush(conn *c)
{
    if (hn == hcap)
        heap = realloc(heap, (hcap = hcap ? hcap * 2 : 1024) * sizeof *heap);
    int i = hn++;
    while (i && heap[(i - 1) / 2]->due > c->due) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = c;
}
static conn *hpop(void)
{
    conn *r = heap[0], *l = heap[--hn];
    int i = 0;
    for (;;) {
        int k = 2 * i + 1;
        if (k >= hn)
            break;
        if (k + 1 < hn && heap[k + 1]->due < heap[k]->due)
            k++;
        if (heap[k]->due >= l->due)
            break;
        heap[i] = heap[k];
        i = k;
    }
    heap[i] = l;
    return r;
}
static void cfree(conn *c)
{
    if (opt_R) {
        struct linger lg = {1, 0};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
    }
    close(c->fd);
    c->next = freelist;
    freelist = c;
}
static void want(conn *c, uint32_t ev)
{
    struct epoll_event e = {.events = ev, .data.ptr = c};
    if (!c->inep) {
        epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
        c->inep = 1;
    } else
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
static void out(conn *c)
{
    for (;;) {
        if (c->hoff < c->hlen || (c->outleft && !opt_z) || (c->outleft && c->hoff < c->hlen)) {
            struct iovec v[2];
            int n = 0;
            if (c->hoff < c->hlen) {
                v[n].iov_base = c->hdr + c->hoff;
                v[n++].iov_len = c->hlen - c->hoff;
            }
            if (c->outleft && !opt_z) {
                int64_t o = c->outoff % PERIOD, l = c->outleft;
                if (l > PATSZ - PERIOD)
                    l = PATSZ - PERIOD;
                v[n].iov_base = pat + o;
                v[n++].iov_len = l;
            }
            struct msghdr m = {.msg_iov = v, .msg_iovlen = n};
            ssize_t r =
                sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT | (opt_z && c->outleft ? MSG_MORE : 0));
            if (r < 0) {
                if (errno == EAGAIN) {
                    want(c, EPOLLOUT);
                    return;
                }
                cfree(c);
                return;
            }
            size_t h = c->hlen - c->hoff;
            if ((size_t)r < h)
                h = r;
            c->hoff += h;
            r -= h;
            c->outleft -= r;
            c->outoff += r;
        } else if (c->outleft) {
            off_t o = c->outoff % (PATSZ - PERIOD * 16);
            o = c->outoff % PERIOD;
            size_t l = c->outleft;
            if (l > (size_t)(PATSZ - PERIOD))
                l = PATSZ - PERIOD;
            ssize_t r = sendfile(c->fd, memfd, &o, l);
            if (r <= 0) {
                if (r < 0 && errno == EAGAIN) {
                    want(c, EPOLLOUT);
                    return;
                }
                cfree(c);
                return;
            }
            c->outleft -= r;
            c->outoff += r;
        } else {
            nreq++;
            if (opt_H) {
                c->state = ST_HOLD;
                want(c, EPOLLIN | EPOLLRDHUP);
                return;
            }
            cfree(c);
            return;
        }
    }
}
static void respond(conn *c, const char *uri)
{
    int64_t n = 0;
    int cl = 1;
    if (uri[0] == '/' && (uri[1] == 'b' || uri[1] == 'n') && uri[2] == '/') {
        n = atoll(uri + 3);
        cl = uri[1] == 'b';
    } else if (uri[0] == '/' && uri[1] == 'd' && uri[2] == '/') {
        n = 64;
        c->due = now_ms() + atoi(uri + 3);
    }
    if (uri[0] == '/' && uri[1] == 'p') {
        char b[32];
        int l = sprintf(b, "%lld\n", (long long)c->bodylen);
        c->hlen = sprintf(c->hdr,
                          "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", l, b);
        c->outleft = 0;
    } else {
        c->hlen =
            cl ? sprintf(c->hdr, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %lld\r\n\r\n",
                         (long long)n)
               : sprintf(c->hdr, "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n");
        c->outleft = n;
    }
    c->hoff = 0;
    c->outoff = 0;
}
static void ready(conn *c)
{
    if (c->due) {
        c->state = ST_DELAY;
        if (c->inep)
            want(c, 0);
        hpush(c);
        return;
    }
    c->state = ST_OUT;
    out(c);
}
static void in(conn *c)
{
    while (c->state == ST_HDR) {
        ssize_t r = recv(c->fd, c->buf + c->got, sizeof c->buf - c->got, MSG_DONTWAIT);
        if (r < 0 && errno == EAGAIN) {
            if (!c->inep)
                want(c, EPOLLIN);
            return;
        }
        if (r <= 0) {
            cfree(c);
            return;
        }
        c->got += r;
        uint32_t i = 0, len = 0;
        while (i < c->got && c->buf[i] >= '0' && c->buf[i] <= '9')
            len = len * 10 + c->buf[i++] - '0';
        if (i == c->got)
            continue;
        if (c->buf[i] != ':') {
            cfree(c);
            return;
        }
        i++;
        if (i + len + 1 > sizeof c->buf) {
            cfree(c);
            return;
        }
        if (c->got < i + len + 1)
            continue;
        if (c->buf[i + len] != ',') {
            cfree(c);
            return;
        }
        const char *p = c->buf + i, *e = p + len, *uri = "/";
        int64_t cl = 0;
        while (p < e) {
            size_t kl = strlen(p);
            const char *v = p + kl + 1;
            if (v >= e)
                break;
            if (kl == 14 && !memcmp(p, "CONTENT_LENGTH", 14))
                cl = atoll(v);
            else if (kl == 11 && !memcmp(p, "REQUEST_URI", 11))
                uri = v;
            p = v + strlen(v) + 1;
        }
        int64_t extra = c->got - (i + len + 1);
        c->bodylen = cl;
        c->bodyleft = cl - extra;
        c->due = 0;
        respond(c, uri);
        if (c->bodyleft > 0) {
            c->state = ST_BODY;
            break;
        }
        ready(c);
        return;
    }
    while (c->state == ST_BODY) {
        ssize_t r = recv(c->fd, sink, sizeof sink, MSG_DONTWAIT);
        if (r < 0 && errno == EAGAIN) {
            if (!c->inep)
                want(c, EPOLLIN);
            return;
        }
        if (r <= 0) {
            cfree(c);
            return;
        }
        c->bodyleft -= r;
        if (c->bodyleft <= 0) {
            ready(c);
            return;
        }
    }
    if (c->state == ST_HOLD) {
        cfree(c);
    }
}
int main(int argc, char **argv)
{
    int o, l[2], nl = 0;
    struct epoll_event e, ev[256];
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, onsig);
    signal(SIGINT, onsig);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    while ((o = getopt(argc, argv, "u:t:zRH")) != -1) {
        int on = 1, s;
        if (o == 'z')
            opt_z = 1;
        else if (o == 'R')
            opt_R = 1;
        else if (o == 'H')
            opt_H = 1;
        else if (o == 'u') {
            struct sockaddr_un a = {.sun_family = AF_UNIX};
            strcpy(a.sun_path, optarg);
            unlink(optarg);
            s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
            if (bind(s, (void *)&a, sizeof a) || listen(s, 4096)) {
                perror(optarg);
                return 1;
            }
            chmod(optarg, 0777);
            l[nl++] = s;
        } else if (o == 't') {
            struct sockaddr_in a = {.sin_family = AF_INET,
                                    .sin_port = htons(atoi(optarg)),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            a.sin_addr.s_addr = INADDR_ANY;
            if (bind(s, (void *)&a, sizeof a) || listen(s, 4096)) {
                perror("tcp");
                return 1;
            }
            l[nl++] = s;
        } else
            return 2;
    }
    if (opt_z) {
        memfd = memfd_create("b", 0);
        if (ftruncate(memfd, PATSZ))
            return 1;
        pat = mmap(0, PATSZ, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    } else
        pat = malloc(PATSZ);
    for (int i = 0; i < PATSZ; i++)
        pat[i] = 'a' + i % PERIOD;
    ep = epoll_create1(0);
    for (int i = 0; i < nl; i++) {
        e.events = EPOLLIN;
        e.data.u64 = i + 1;
        epoll_ctl(ep, EPOLL_CTL_ADD, l[i], &e);
    }
    while (!stop) {
        int to = -1;
        if (hn) {
            uint64_t n = now_ms();
            to = heap[0]->due > n ? (int)(heap[0]->due - n) : 0;
        }
        int n = epoll_wait(ep, ev, 256, to);
        for (int i = 0; i < n; i++) {
            if (ev[i].data.u64 <= 2) {
                for (int k = 0; k < 64; k++) {
                    int s = accept4(l[ev[i].data.u64 - 1], 0, 0, SOCK_NONBLOCK);
                    if (s < 0)
                        break;
                    conn *c = freelist;
                    if (c)
                        freelist = c->next;
                    else
                        c = malloc(sizeof *c);
                    c->fd = s;
                    c->state = ST_HDR;
                    c->inep = 0;
                    c->got = 0;
                    c->due = 0;
                    in(c);
                }
            } else {
                conn *c = ev[i].data.ptr;
                if (c->state == ST_OUT)
                    out(c);
                else if (c->state == ST_DELAY) {
                } else
                    in(c);
            }
        }
        if (hn) {
            uint64_t t = now_ms();
            while (hn && heap[0]->due <= t) {
                conn *c = hpop();
                c->due = 0;
                c->state = ST_OUT;
                out(c);
            }
        }
    }
    fprintf(stderr, "requests served: %llu\n", (unsigned long long)nreq);
    return 0;
}
