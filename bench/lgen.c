/* lgen: load generator (single thread, epoll). HTTP/1.1 keep-alive, or SCGI straight to a backend.
 *   lgen [-m http|scgi] (-t host:port | -u path) [-c conns] (-n requests | -d seconds) [-p path] [-P
 * postbytes]
 *        [-r rate] [-I idle] [-V] [-W]
 *  -r R   open loop: R requests/s in all, latency counted from the intended start (no coordinated omission)
 *  -I N   first opens N extra keep-alive connections, does one request on each, leaves them open and idle
 *  -W     after setup (idle connections made) print READY and wait for a line on stdin, then measure
 *  -V     verify body bytes (pattern 'a'+i%23);  otherwise large bodies are discarded with MSG_TRUNC (TCP)
 *  -f     one request then close (no keep-alive)
 * Prints one JSON line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { M_CL, M_CHUNK, M_EOF };
typedef struct conn {
    int fd, busy, inhdr, mode, idle, closeafter, status, st;
    uint64_t t0;
    int64_t left, roff, bodysent;
    size_t reqsent;
    size_t got;
    int64_t chunkleft;
    uint32_t epev;
    char buf[4096];
} conn;
static int ep, scgi, verify, noka;
static struct sockaddr_storage ss;
static socklen_t sl;
static int isunix;
static char *req;
static size_t reqlen;
static int64_t postlen;
static const char *path = "/b/1024";
static char rbuf[1 << 18], *pbuf;
static uint64_t done, errs, bytes, started, target, non2xx, connerr, reconn;
static uint32_t *lat;
static size_t nlat, clat;
static uint64_t tend;
static double rate;
static conn *conns;
static int nconn;
static int *freec;
static int nfree;
static int measuring;
static char errmsg[128];
static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static void startreq(conn *c, uint64_t t0);
static int doconn(conn *c)
{
    c->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -1;
    int on = 1;
    if (!isunix)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (void *)&ss, sl) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        c->fd = -1;
        return -1;
    }
    c->epev = EPOLLIN;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    return 0;
}
static void setev(conn *c, uint32_t ev)
{
    if (c->epev != ev) {
        c->epev = ev;
        struct epoll_event e = {.events = ev, .data.ptr = c};
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
    }
}
static void fail(conn *c, const char *why)
{
    errs++;
    if (!errmsg[0])
        snprintf(errmsg, sizeof errmsg, "%s errno=%d status=%d", why, errno, c->status);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->busy = 0;
    if (rate > 0)
        freec[nfree++] = c - conns;
    else if (started < target && (!tend || now() < tend)) {
        c->st = 1;
    }
}
static void finish(conn *c)
{
    uint64_t t = now();
    done++;
    c->busy = 0;
    if (c->status < 200 || c->status > 299) {
        non2xx++;
        if (!errmsg[0])
            snprintf(errmsg, sizeof errmsg, "status %d", c->status);
    }
    if (measuring) {
        if (nlat == clat)
            lat = realloc(lat, (clat = clat ? clat * 2 : 1 << 16) * sizeof *lat);
        uint64_t us = (t - c->t0) / 100;
        lat[nlat++] = us > 0xffffffffu ? 0xffffffffu : us;
    }
    if (c->closeafter || scgi || noka) {
        close(c->fd);
        c->fd = -1;
        if (!scgi && !noka)
            reconn++;
    }
    if (c->idle)
        return;
    if (rate > 0) {
        freec[nfree++] = c - conns;
        return;
    }
    if (started < target && (!tend || t < tend))
        startreq(c, t);
}
static void dosend(conn *c)
{
    while (c->reqsent < reqlen || c->bodysent < postlen) {
        struct iovec v[2];
        int n = 0;
        if (c->reqsent < reqlen) {
            v[n].iov_base = req + c->reqsent;
            v[n++].iov_len = reqlen - c->reqsent;
        }
        if (c->bodysent < postlen) {
            int64_t l = postlen - c->bodysent;
            if (l > 1 << 20)
                l = 1 << 20;
            v[n].iov_base = pbuf;
            v[n++].iov_len = l;
        }
        struct msghdr m = {.msg_iov = v, .msg_iovlen = n};
        ssize_t r = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        if (r < 0) {
            if (errno == EAGAIN || errno == ENOTCONN) {
                setev(c, EPOLLIN | EPOLLOUT);
                return;
            }
            fail(c, "send");
            return;
        }
        size_t h = reqlen - c->reqsent;
        if ((size_t)r < h)
            h = r;
        c->reqsent += h;
        c->bodysent += r - h;
    }
    setev(c, EPOLLIN);
}
static void startreq(conn *c, uint64_t t0)
{
    started++;
    c->t0 = t0;
    c->busy = 1;
    c->inhdr = 1;
    c->got = 0;
    c->reqsent = 0;
    c->bodysent = 0;
    c->roff = 0;
    c->closeafter = 0;
    c->status = 0;
    c->chunkleft = -1;
    c->st = 0;
    if (c->fd < 0 && doconn(c) < 0) {
        connerr++;
        fail(c, "connect");
        return;
    }
    dosend(c);
}
static int check(conn *c, const char *p, size_t n)
{
    if (verify)
        for (size_t i = 0; i < n; i++)
            if (p[i] != 'a' + (c->roff + (int64_t)i) % 23) {
                snprintf(errmsg, sizeof errmsg, "body differs at %lld", (long long)(c->roff + i));
                return -1;
            }
    c->roff += n;
    bytes += n;
    return 0;
}
/* returns 1 when message complete, -1 on error; feeds body bytes */
static int feed(conn *c, const char *p, size_t n)
{
    while (n) {
        if (c->mode == M_EOF)
            return check(c, p, n);
        if (c->mode == M_CL) {
            size_t k = n < (size_t)c->left ? n : (size_t)c->left;
            if (check(c, p, k))
                return -1;
            c->left -= k;
            if (n > k) {
                strcpy(errmsg, "extra bytes");
                return -1;
            }
            return c->left == 0;
        }
        /* chunked: st machine in c->st: 0 size,1 ext/LF,2 data,3 CRLF after data,4 trailer */
        char ch = *p;
        switch (c->st) {
        case 0:
            if (ch == '\r' || ch == ';') {
                c->st = 1;
            } else {
                int d = ch >= '0' && ch <= '9'                 ? ch - '0'
                        : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10
                                                               : -1;
                if (d < 0) {
                    strcpy(errmsg, "bad chunk");
                    return -1;
                }
                c->left = (c->left < 0 ? 0 : c->left) * 16 + d;
            }
            p++;
            n--;
            break;
        case 1:
            if (ch == '\n') {
                if (c->left == 0) {
                    c->st = 4;
                    c->chunkleft = 0;
                } else
                    c->st = 2;
            }
            p++;
            n--;
            break;
        case 2: {
            size_t k = n < (size_t)c->left ? n : (size_t)c->left;
            if (check(c, p, k))
                return -1;
            c->left -= k;
            p += k;
            n -= k;
            if (!c->left)
                c->st = 3;
            break;
        }
        case 3:
            p++;
            n--;
            if (ch == '\n') {
                c->st = 0;
                c->left = -1;
            }
            break;
        case 4:
            p++;
            n--;
            if (ch == '\n') {
                if (c->chunkleft == 0)
                    return 1;
                c->chunkleft = 0;
            } else if (ch != '\r')
                c->chunkleft++;
            break;
        }
    }
    return 0;
}
static void doread(conn *c)
{
    for (;;) {
        ssize_t r;
        char *p;
        if (c->inhdr) {
            r = recv(c->fd, c->buf + c->got, sizeof c->buf - 1 - c->got, 0);
        } else if (c->mode == M_CL && !verify && !isunix && c->left > 65536) {
            r = recv(c->fd, rbuf, c->left > (4 << 20) ? 4 << 20 : c->left, MSG_TRUNC);
            if (r > 0) {
                c->left -= r;
                c->roff += r;
                bytes += r;
                if (!c->left) {
                    finish(c);
                    return;
                }
                continue;
            }
        } else
            r = recv(c->fd, rbuf, sizeof rbuf, 0);
        if (r < 0) {
            if (errno == EAGAIN || errno == ENOTCONN)
                return;
            if (!c->busy) {
                close(c->fd);
                c->fd = -1;
                reconn++;
                return;
            }
            fail(c, "recv");
            return;
        }
        if (r == 0) {
            if (c->busy && !c->inhdr && c->mode == M_EOF) {
                c->closeafter = 1;
                finish(c);
                return;
            }
            if (!c->busy) {
                close(c->fd);
                c->fd = -1;
                reconn++;
                return;
            }
            errno = 0;
            fail(c, "eof");
            return;
        }
        if (c->inhdr) {
            c->got += r;
            c->buf[c->got] = 0;
            char *e = memmem(c->buf, c->got, "\r\n\r\n", 4);
            if (!e) {
                if (c->got >= sizeof c->buf - 1) {
                    fail(c, "hdr too big");
                }
                if (c->fd < 0)
                    return;
                continue;
            }
            e += 4;
            c->inhdr = 0;
            c->mode = M_EOF;
            c->st = 0;
            c->left = -1;
            if (scgi) {
                c->status = !strncmp(c->buf, "Status: ", 8) ? atoi(c->buf + 8) : 200;
            } else {
                c->status = c->got > 12 ? atoi(c->buf + 9) : 0;
                char *h = c->buf;
                while ((h = memchr(h, '\n', e - h)) && ++h < e) {
                    if (!strncasecmp(h, "content-length:", 15)) {
                        c->mode = M_CL;
                        c->left = atoll(h + 15);
                    } else if (!strncasecmp(h, "transfer-encoding: chunked", 26)) {
                        c->mode = M_CHUNK;
                        c->left = -1;
                    } else if (!strncasecmp(h, "connection: close", 17))
                        c->closeafter = 1;
                }
            }
            p = e;
            r = c->buf + c->got - e;
            if (c->mode == M_CL && c->left == 0) {
                finish(c);
                return;
            }
        } else
            p = rbuf;
        int k = r ? feed(c, p, r) : 0;
        if (k < 0) {
            fail(c, errmsg);
            return;
        }
        if (k > 0) {
            finish(c);
            return;
        }
    }
}
static int cmp(const void *a, const void *b)
{
    uint32_t x = *(uint32_t *)a, y = *(uint32_t *)b;
    return x < y ? -1 : x > y;
}
static int run(int until_idle_done)
{
    struct epoll_event ev[512];
    uint64_t t0 = now(), next = 0;
    (void)until_idle_done;
    uint64_t last = t0, lastdone = done;
    for (;;) {
        struct timespec ts = {1, 0};
        if (rate > 0 && measuring) {
            uint64_t t = now();
            if (tend && t >= tend && done + errs >= started)
                break;
            if (tend && t >= tend + 5000000000ull)
                break;
            while (t0 + (uint64_t)(next * 1e9 / rate) <= t && nfree && (!tend || t < tend)) {
                conn *c = &conns[freec[--nfree]];
                startreq(c, t0 + (uint64_t)(next * 1e9 / rate));
                next++;
            }
            uint64_t due = t0 + (uint64_t)(next * 1e9 / rate);
            t = now();
            int64_t w = nfree ? (int64_t)(due - t) : 1000000;
            if (w < 0)
                w = 0;
            if (tend && t >= tend)
                w = 1000000;
            ts.tv_sec = w / 1000000000;
            ts.tv_nsec = w % 1000000000;
        } else {
            if (done + errs >= started && (started >= target || (tend && now() >= tend)))
                break;
        }
        int n = epoll_pwait2(ep, ev, 512, &ts, 0);
        for (int i = 0; i < n; i++) {
            conn *c = ev[i].data.ptr;
            if (c->fd < 0)
                continue;
            if (ev[i].events & EPOLLOUT) {
                dosend(c);
                if (c->fd < 0)
                    goto redo;
            }
            if (ev[i].events & ~EPOLLOUT)
                doread(c);
        redo:
            if (c->fd < 0 && c->st == 1 && !c->busy && rate <= 0 && measuring) {
                c->st = 0;
                if (started < target && (!tend || now() < tend))
                    startreq(c, now());
            }
        }
        uint64_t t = now();
        if (done != lastdone) {
            lastdone = done;
            last = t;
        } else if (t - last > 6000000000ull) {
            snprintf(errmsg, sizeof errmsg, "stalled: %llu of %llu", (unsigned long long)done,
                     (unsigned long long)started);
            return 1;
        }
    }
    return 0;
}
int main(int argc, char **argv)
{
    int o, nc = 1, idle = 0, wait = 0;
    double dur = 0;
    uint64_t nreq = 0;
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1);
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    while ((o = getopt(argc, argv, "m:t:u:c:n:d:p:P:r:I:VWf")) != -1)
        switch (o) {
        case 'm':
            scgi = !strcmp(optarg, "scgi");
            break;
        case 't': {
            char *c = strchr(optarg, ':');
            struct sockaddr_in *a = (void *)&ss;
            a->sin_family = AF_INET;
            a->sin_port = htons(atoi(c + 1));
            *c = 0;
            inet_pton(AF_INET, optarg, &a->sin_addr);
            sl = sizeof *a;
        } break;
        case 'u': {
            struct sockaddr_un *a = (void *)&ss;
            a->sun_family = AF_UNIX;
            strcpy(a->sun_path, optarg);
            sl = sizeof *a;
            isunix = 1;
        } break;
        case 'c':
            nc = atoi(optarg);
            break;
        case 'n':
            nreq = atoll(optarg);
            break;
        case 'd':
            dur = atof(optarg);
            break;
        case 'p':
            path = optarg;
            break;
        case 'P':
            postlen = atoll(optarg);
            break;
        case 'r':
            rate = atof(optarg);
            break;
        case 'I':
            idle = atoi(optarg);
            break;
        case 'V':
            verify = 1;
            break;
        case 'W':
            wait = 1;
            break;
        case 'f':
            noka = 1;
            break;
        default:
            return 2;
        }
    if (postlen)
        pbuf = malloc(1 << 20), memset(pbuf, 'x', 1 << 20);
    req = malloc(4096);
    if (scgi) {
        char h[3000];
        int n = 0;
#define V(k, v) n += sprintf(h + n, "%s%c%s%c", k, 0, v, 0)
        char cl[32];
        sprintf(cl, "%lld", (long long)postlen);
        V("CONTENT_LENGTH", cl);
        V("SCGI", "1");
        V("REQUEST_METHOD", postlen ? "POST" : "GET");
        V("REQUEST_URI", path);
        V("SCRIPT_NAME", "");
        V("PATH_INFO", path);
        V("QUERY_STRING", "");
        V("SERVER_PROTOCOL", "HTTP/1.1");
        V("SERVER_SOFTWARE", "lgen/1");
        V("GATEWAY_INTERFACE", "CGI/1.1");
        V("SERVER_NAME", "127.0.0.1");
        V("SERVER_ADDR", "127.0.0.1");
        V("SERVER_PORT", "18200");
        V("REMOTE_ADDR", "127.0.0.1");
        V("REMOTE_PORT", "45678");
        V("REQUEST_SCHEME", "http");
        V("DOCUMENT_ROOT", "/var/www");
        V("DOCUMENT_URI", path);
        V("HTTP_HOST", "127.0.0.1:18200");
        V("HTTP_USER_AGENT", "lgen/1.0");
        V("HTTP_ACCEPT", "*/*");
        V("HTTP_ACCEPT_ENCODING", "gzip, deflate");
        reqlen = sprintf(req, "%d:", n);
        memcpy(req + reqlen, h, n);
        reqlen += n;
        req[reqlen++] = ',';
    } else {
        reqlen = sprintf(req,
                         "%s %s HTTP/1.1\r\nHost: 127.0.0.1:18200\r\nUser-Agent: lgen/1.0\r\nAccept: "
                         "*/*\r\nAccept-Encoding: gzip, deflate\r\n",
                         postlen ? "POST" : "GET", path);
        if (postlen)
            reqlen +=
                sprintf(req + reqlen, "Content-Type: application/octet-stream\r\nContent-Length: %lld\r\n",
                        (long long)postlen);
        reqlen += sprintf(req + reqlen, "%s\r\n", noka ? "Connection: close\r\n" : "");
    }
    ep = epoll_create1(0);
    nconn = nc + idle;
    conns = calloc(nconn, sizeof *conns);
    freec = malloc(sizeof(int) * nconn);
    for (int i = 0; i < nconn; i++)
        conns[i].fd = -1, conns[i].idle = i >= nc;
    double saver = rate;
    rate = 0;
    uint64_t saverr = 0;
    if (idle) { /* open them in waves of 64 */
        target = 0;
        for (int i = nc; i < nconn; i += 64) {
            for (int k = i; k < nconn && k < i + 64; k++)
                startreq(&conns[k], now());
            if (run(1))
                break;
        }
        saverr = errs;
    }
    if (wait) {
        printf("READY %llu %llu\n", (unsigned long long)done, (unsigned long long)errs);
        fflush(stdout);
        char b[16];
        if (!fgets(b, sizeof b, stdin))
            return 1;
    }
    done = errs = bytes = started = 0;
    rate = saver;
    measuring = 1;
    non2xx = 0;
    uint64_t t0 = now();
    target = nreq ? nreq : ~0ull;
    if (dur > 0)
        tend = t0 + (uint64_t)(dur * 1e9);
    int st = 0;
    if (nc && (nreq || dur > 0)) {
        if (rate > 0) {
            for (int i = 0; i < nc; i++)
                freec[nfree++] = i;
        } else
            for (int i = 0; i < nc && started < target; i++)
                startreq(&conns[i], now());
        st = run(0);
    }
    double el = (now() - t0) / 1e9;
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    qsort(lat, nlat, sizeof *lat, cmp);
#define Q(q) (nlat ? lat[(size_t)((nlat - 1) * (q))] / 10.0 : 0)
    printf("{\"done\":%llu,\"errs\":%llu,\"non2xx\":%llu,\"connerr\":%llu,\"reconn\":%llu,\"idle_errs\":%llu,"
           "\"secs\":%.4f,\"rps\":%.1f,\"MBps\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
           "\"max\":%.1f,\"cpu\":%.3f,\"stall\":%d,\"msg\":\"%s\"}\n",
           (unsigned long long)done, (unsigned long long)errs, (unsigned long long)non2xx,
           (unsigned long long)connerr, (unsigned long long)reconn, (unsigned long long)saverr, el, done / el,
           (bytes + (double)done * postlen) / el / 1e6, Q(.5), Q(.9), Q(.99), Q(.999), Q(1),
           ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6, st,
           errmsg);
    return st || errs || saverr;
}
