/* demo: the sample application and the gateway in one, `scgate demo`.
 *
 * Three processes: this one, the application on a Unix socket, and the gateway with a configuration written
 * for the occasion. All that they need lies in one directory that only the user can enter; it is removed at
 * the end. The two children are in process groups of their own: Ctrl-C comes here only, and they are ended
 * one after the other, the gateway first.
 */
#include "base/str.h"
#include "tool/tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PORT_DEFAULT = 8080,
    PORT_TRIES = 100,
    START_MS = 10000,
    STOP_MS = 5000,
    PATH_SIZE = 98
}; /* a Unix socket in it: 107 */

static const char usage[] =
    "usage: scgate demo [-p PORT]\n"
    "\n"
    "Starts the sample application with a gateway in front of it, on http://127.0.0.1:8080/.\n"
    "Ctrl-C ends both.\n"
    "\n"
    "  -p PORT   another port; the next free one is taken when it is in use\n"
    "  --help    this text\n";

static const char configuration[] = "# Written by scgate demo.\n"
                                    "ServerRoot \"%s\"\n"
                                    "PidFile scgate.pid\n"
                                    "Listen 127.0.0.1:%u\n"
                                    "ServerName localhost\n"
                                    "LogLevel warn\n"
                                    "\n"
                                    "SetEnvIf Request_URI . proxy-scgi-pathinfo\n"
                                    "ProxyPass / unix:%s/app.sock|scgi://localhost/\n"
                                    "ProxySCGISendfile On\n"
                                    "<Location /x-location>\n"
                                    "    ProxySCGIInternalRedirect X-Location\n"
                                    "</Location>\n"
                                    "<Directory \"%s/files\">\n"
                                    "    Require all granted\n"
                                    "</Directory>\n";

static const char hello[] =
    "This file lies beside the gateway. The application named it in a field of its answer,\n"
    "X-Sendfile, and the gateway sent it by itself.\n";

static const char page[] =
    "<!doctype html>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<title>A file</title>\n"
    "<h1>A file</h1>\n"
    "<p>The application named this file in X-Sendfile; the gateway sent it, with the type, the\n"
    "length and the validators of a file.</p>\n"
    "<p><a href=\"/\">Back</a></p>\n";

struct demo {
    char directory[PATH_SIZE];
    uint16_t port;
    pid_t application, gateway; /* 0: not running */
    sigset_t signals;
};

static int fail(const char *what)
{
    return tool_fail("demo", 1, "%s: %s", what, strerror(errno));
}

/* ---- the directory ---- */

static bool make_directory(struct demo *d)
{
    const char *parents[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp"};

    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        int n;

        if (!parents[i] || parents[i][0] != '/' || strpbrk(parents[i], "\"\\\n|"))
            continue;
        n = snprintf(d->directory, sizeof d->directory, "%s/scgate-demo-XXXXXX", parents[i]);
        if (n < (int)sizeof d->directory && mkdtemp(d->directory)) /* mode 0700 */
            return true;
    }
    d->directory[0] = '\0';
    return false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    remove(path);
    return 0;
}

static bool write_file(const struct demo *d, const char *name, const char *text)
{
    char path[PATH_SIZE + 40];
    FILE *f;
    bool good;

    snprintf(path, sizeof path, "%s/%s", d->directory, name);
    f = fopen(path, "we");
    if (!f)
        return false;
    good = fputs(text, f) >= 0;
    return fclose(f) == 0 && good;
}

static bool write_files(const struct demo *d)
{
    char path[PATH_SIZE + 40], text[sizeof configuration + 4 * PATH_SIZE];

    snprintf(path, sizeof path, "%s/files", d->directory);
    snprintf(text, sizeof text, configuration, d->directory, d->port, d->directory, d->directory);
    return mkdir(path, 0755) == 0 && write_file(d, "files/hello.txt", hello) &&
           write_file(d, "files/page.html", page) && write_file(d, "scgate.conf", text);
}

/* ---- the port ---- */

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool port_is_free(uint16_t port)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    good = bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1) == 0;
    close(fd);
    return good;
}

static bool port_answers(uint16_t port)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;

    close(fd);
    return good;
}

static bool choose_port(struct demo *d, uint16_t wanted)
{
    for (unsigned port = wanted; port < wanted + (unsigned)PORT_TRIES && port <= UINT16_MAX; port++) {
        if (!port_is_free((uint16_t)port))
            continue;
        d->port = (uint16_t)port;
        if (port != wanted)
            printf("scgate demo: port %u is in use, taking %u\n", wanted, port);
        return true;
    }
    return false;
}

/* ---- the children ---- */

static void become_child(struct demo *d, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1); /* it has gone before the line above */
    sigprocmask(SIG_UNBLOCK, &d->signals, NULL);
}

static pid_t start_application(struct demo *d)
{
    char name[] = "app", option[] = "--files", address[PATH_SIZE + 20], files[PATH_SIZE + 20];
    char *argv[] = {name, address, option, files, NULL};
    pid_t parent = getpid(), pid = fork();

    if (pid != 0)
        return pid;
    become_child(d, parent);
    snprintf(address, sizeof address, "unix:%s/app.sock", d->directory);
    snprintf(files, sizeof files, "%s/files", d->directory);
    if (!freopen("/dev/null", "w", stdout)) /* where it listens interests nobody here */
        _exit(1);
    exit(app_main(4, argv));
}

static pid_t start_gateway(struct demo *d)
{
    char path[PATH_SIZE + 20];
    pid_t parent = getpid(), pid = fork();

    if (pid != 0)
        return pid;
    become_child(d, parent);
    snprintf(path, sizeof path, "%s/scgate.conf", d->directory);
    execl("/proc/self/exe", "scgate", "-f", path, (char *)NULL);
    _exit(fail("exec of the gateway failed"));
}

static void reap(pid_t *child, const char *name, bool *ended)
{
    int status;

    if (*child <= 0 || waitpid(*child, &status, WNOHANG) != *child)
        return;
    *child = 0;
    *ended = true;
    if (WIFSIGNALED(status))
        tool_fail("demo", 1, "the %s was ended by signal %d", name, WTERMSIG(status));
    else
        tool_fail("demo", 1, "the %s has ended with status %d", name, WEXITSTATUS(status));
}

/* False when one of them has ended, which it should not have. */
static bool children_run(struct demo *d)
{
    bool ended = false;

    reap(&d->application, "application", &ended);
    reap(&d->gateway, "gateway", &ended);
    return !ended;
}

static void stop_child(pid_t *child)
{
    if (*child <= 0)
        return;
    kill(*child, SIGTERM);
    for (int waited = 0; waited < STOP_MS; waited += 10) {
        if (waitpid(*child, NULL, WNOHANG) == *child) {
            *child = 0;
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000}, NULL);
    }
    kill(*child, SIGKILL);
    waitpid(*child, NULL, 0);
    *child = 0;
}

/* ---- all of it ---- */

/* The signal that came within the time, else 0. */
static int wait_signal(const struct demo *d, int ms)
{
    int number = sigtimedwait(&d->signals, NULL, &(struct timespec){ms / 1000, ms % 1000 * 1000000L});

    return number > 0 && number != SIGCHLD ? number : 0;
}

static bool wait_ready(struct demo *d, bool *stopped)
{
    char path[PATH_SIZE + 20];

    snprintf(path, sizeof path, "%s/app.sock", d->directory);
    for (int waited = 0; waited < START_MS; waited += 20) {
        if (!children_run(d))
            return false;
        if (access(path, F_OK) == 0 && port_answers(d->port))
            return true;
        *stopped = wait_signal(d, 20) != 0;
        if (*stopped)
            return false;
    }
    tool_fail("demo", 1, "port %u does not answer after %d s", d->port, START_MS / 1000);
    return false;
}

static int run(struct demo *d)
{
    bool stopped = false;

    fflush(stdout); /* so that no child prints it again */
    d->application = start_application(d);
    d->gateway = d->application > 0 ? start_gateway(d) : 0;
    if (d->gateway <= 0)
        return fail("fork failed");
    if (!wait_ready(d, &stopped))
        return stopped ? 0 : 1;
    printf("scgate demo: open http://127.0.0.1:%u/ in a browser, or run\n"
           "    curl -i http://127.0.0.1:%u/env\n"
           "Ctrl-C ends it.\n",
           d->port, d->port);
    fflush(stdout);
    while (!wait_signal(d, 60 * 1000))
        if (!children_run(d))
            return 1;
    return 0;
}

int demo_main(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    struct demo d = {0};
    uint64_t wanted = PORT_DEFAULT;
    int c, status = 1;

    opterr = 0;
    while ((c = getopt_long(argc, argv, ":p:h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (c != 'p')
            return tool_fail("demo", TOOL_USAGE, "unknown option, or one without its value: \"%s\"",
                             argv[optind - 1]);
        if (!str_to_u64(str_from(optarg), UINT16_MAX, &wanted) || wanted == 0)
            return tool_fail("demo", TOOL_USAGE, "-p \"%s\" is not a port from 1 to 65535", optarg);
    }
    if (optind < argc)
        return tool_fail("demo", TOOL_USAGE, "unknown word \"%s\"", argv[optind]);
    if (!choose_port(&d, (uint16_t)wanted))
        return tool_fail("demo", 1, "no free port from %u on", (unsigned)wanted);
    sigemptyset(&d.signals);
    for (const int *number = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGCHLD, 0}; *number; number++)
        sigaddset(&d.signals, *number);
    sigprocmask(SIG_BLOCK, &d.signals, NULL); /* from here on they are waited for: nothing is left behind */
    if (!make_directory(&d) || !write_files(&d))
        fail("no private directory");
    else
        status = run(&d);
    stop_child(&d.gateway);
    stop_child(&d.application);
    if (d.directory[0])
        nftw(d.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return status;
}
