#include "tool/app.h"

#include "tool/address.h"
#include "tool/tool.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, THREAD_STACK = 256 * 1024, GRACE_MS = 1000 };

static const char usage[] =
    "usage: scgate app ADDRESS [options]\n"
    "\n"
    "A sample SCGI application, to stand behind a gateway and be looked at in a browser.\n"
    "\n"
    "ADDRESS is where it listens: scgi://HOST:PORT, HOST:PORT (PORT is 4000 when left out), or unix:PATH.\n"
    "\n"
    "  --files DIR    the directory whose files /sendfile?name= may name\n"
    "  --log          one line for each request on standard error\n"
    "  --max N        connections served at the same time (512)\n"
    "  --mode OCTAL   the permissions of the Unix socket (0660, say); else the umask decides\n"
    "  --timeout S    seconds that one read or write may take (30)\n"
    "  --help         this text\n"
    "\n"
    "Its home page, /, shows all that it can do. SIGINT and SIGTERM end it.\n";

struct server {
    struct app app;
    struct listener listeners[ADDRESS_LISTENERS_MAX];
    int count;          /* of listeners */
    long max;           /* connections at the same time */
    atomic_long active; /* connections */
    int ended;          /* an eventfd: a connection has ended */
    int signals;        /* a signalfd */
};

struct connection {
    struct server *server;
    int fd;
};

static void *serve(void *argument)
{
    struct connection c = *(struct connection *)argument;

    free(argument);
    app_serve(&c.server->app, c.fd);
    atomic_fetch_sub(&c.server->active, 1);
    if (write(c.server->ended, &(uint64_t){1}, sizeof(uint64_t)) < 0) {
        /* The counter is full, which wakes the other side as well. */
    }
    return NULL;
}

static void start(struct server *s, int fd)
{
    struct connection *c = malloc(sizeof *c);
    pthread_attr_t attributes;
    pthread_t thread;
    int error = ENOMEM;

    atomic_fetch_add(&s->active, 1);
    if (c) {
        *c = (struct connection){s, fd};
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, THREAD_STACK);
        error = pthread_create(&thread, &attributes, serve, c);
        pthread_attr_destroy(&attributes);
    }
    if (error) {
        fprintf(stderr, "scgate app: no thread for a connection: %s\n", strerror(error));
        atomic_fetch_sub(&s->active, 1);
        free(c);
        close(fd);
    }
}

static void accept_one(struct server *s, int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        start(s, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        fprintf(stderr, "scgate app: accept failed: %s\n", strerror(errno));
        poll(NULL, 0, 100); /* until some other connection has ended */
    }
}

/* Accepts until a signal comes. While as many connections are served as may be, further ones wait in the
 * backlog. */
static void run(struct server *s)
{
    struct pollfd p[ADDRESS_LISTENERS_MAX + 2] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->ended}};

    for (int i = 0; i < s->count; i++)
        p[i + 2] = (struct pollfd){.fd = s->listeners[i].fd, .events = POLLIN};
    for (;;) {
        bool full = atomic_load(&s->active) >= s->max;
        uint64_t ignored;

        p[1].events = full ? POLLIN : 0;
        if (poll(p, (nfds_t)(full ? 2 : 2 + s->count), -1) < 0)
            continue;
        if (p[0].revents)
            return;
        if (p[1].revents && read(s->ended, &ignored, sizeof ignored) < 0)
            continue;
        for (int i = 0; i < s->count && !full; i++)
            if (p[i + 2].revents && atomic_load(&s->active) < s->max)
                accept_one(s, s->listeners[i].fd);
    }
}

/* Closes the listeners and waits a moment for the requests that are being answered. */
static void stop(struct server *s)
{
    for (int i = 0; i < s->count; i++)
        listener_close(&s->listeners[i]);
    for (int waited = 0; atomic_load(&s->active) > 0 && waited < GRACE_MS; waited += 10)
        poll(NULL, 0, 10);
}

static int serve_until_signal(struct server *s, const struct address *a, int mode)
{
    char why[ADDRESS_FAULT_SIZE];
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &mask, NULL); /* inherited by all threads: signals are read, not caught */
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC);
    s->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->signals < 0 || s->ended < 0)
        return tool_fail("app", 1, "%s", strerror(errno));
    s->count = address_listen(a, BACKLOG, mode, s->listeners, why);
    if (s->count < 0)
        return tool_fail("app", 1, "%s", why);
    for (int i = 0; i < s->count; i++)
        printf("scgate app: listening on %s\n", s->listeners[i].name);
    fflush(stdout);
    run(s);
    stop(s);
    return 0;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    return str_to_u64(str_from(text), max, value) && *value > 0;
}

int app_main(int argc, char **argv)
{
    static const struct option options[] = {{"files", required_argument, NULL, 'f'},
                                            {"log", no_argument, NULL, 'l'},
                                            {"max", required_argument, NULL, 'm'},
                                            {"mode", required_argument, NULL, 'o'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    static struct server s = {.app.timeout_ms = 30000, .max = 512}; /* a thread may outlive this function */
    char why[ADDRESS_FAULT_SIZE], *end;
    struct address a;
    uint64_t value;
    long mode = -1;
    int c;

    opterr = 0;
    optind = 0; /* scgate demo has used getopt before */
    while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (c) {
        case 'f':
            s.app.files = realpath(optarg, NULL); /* kept to the end */
            if (!s.app.files)
                return tool_fail("app", TOOL_USAGE, "directory \"%s\" not found", optarg);
            break;
        case 'l':
            s.app.log = true;
            break;
        case 'm':
            if (!parse_number(optarg, 10000, &value))
                return tool_fail("app", TOOL_USAGE, "--max \"%s\" is not a number from 1 to 10000", optarg);
            s.max = (long)value;
            break;
        case 'o':
            mode = strtol(optarg, &end, 8);
            if (!*optarg || *end || mode < 0 || mode > 0777)
                return tool_fail("app", TOOL_USAGE, "--mode \"%s\" is not an octal number up to 0777",
                                 optarg);
            break;
        case 't':
            if (!parse_number(optarg, 86400, &value))
                return tool_fail("app", TOOL_USAGE, "--timeout \"%s\" is not a number of seconds", optarg);
            s.app.timeout_ms = (int)value * 1000;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case ':':
            return tool_fail("app", TOOL_USAGE, "%s needs a value", argv[optind - 1]);
        default:
            return tool_fail("app", TOOL_USAGE, "unknown option \"%s\"", argv[optind - 1]);
        }
    }
    if (argc - optind != 1)
        return tool_fail("app", TOOL_USAGE, "%s",
                         argc == optind ? "an ADDRESS is needed" : "one ADDRESS only");
    if (!address_parse(argv[optind], &a, why))
        return tool_fail("app", TOOL_USAGE, "%s", why);
    s.app.address = argv[optind];
    return serve_until_signal(&s, &a, (int)mode);
}
