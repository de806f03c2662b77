#include "serve/serve.h"
#include "base/must.h"
#include "io/signal.h"
#include "serve/options.h"
#include "serve/privileges.h"
#include "serve/show.h"
#include "serve/source.h"
#include "serve/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DRAIN_TURN_MS = 1000, STOP_GRACE_MS = 5000 };

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGWINCH};
enum { SIGNAL_COUNT = sizeof signals / sizeof signals[0] };

struct server_process {
    struct worker worker;
    struct signal_watch watch;
    struct logs *logs;
    struct io *io;
    int *fds;
    bool stop_now;
    int64_t stop_at_ms;
};

static void report_bug(const char *message)
{
    dprintf(STDERR_FILENO, "scgate: bug: %s: please report it with what was going on\n", message);
}

static void print_diags(struct arena *arena, const struct diag_list *diags)
{
    for (const struct diag *d = diags->first; d; d = d->next) {
        struct str text = diag_text(arena, d);

        fwrite(text.p, 1, text.n, stderr);
    }
}

static void print_workers(const struct model *model)
{
    if (model->worker_processes > 1)
        fprintf(stderr, "scgate: WorkerProcesses %u: this release serves with one process\n",
                model->worker_processes);
}

static void print_ignored(const struct model *model)
{
    if (model->ignored.count == 0)
        return;
    fputs("scgate: accepted without effect:", stderr);
    for (size_t i = 0; i < model->ignored.count; i++)
        fprintf(stderr, " %.*s", STR_ARG(model->ignored.items[i]));
    fputc('\n', stderr);
}

static struct model *load(struct options *o, struct arena *arena)
{
    struct diag_list diags;
    struct model *model;

    diag_list_init(&diags, arena);
    model = config_load(&file_source, &o->config, arena, &diags);
    print_diags(arena, &diags);
    if (!model)
        fprintf(stderr, "scgate: %u %s in the configuration\n", diags.errors,
                diags.errors == 1 ? "fault" : "faults");
    return model;
}

/* Each request may need a connection to the client, one to a backend and a file. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool open_listeners(struct server_process *p, const struct model *model)
{
    p->fds = calloc(model->listens.count, sizeof *p->fds);
    must(p->fds != NULL);
    for (size_t i = 0; i < model->listens.count; i++) {
        const struct listen *listen = &model->listens.items[i];
        const char *what;
        int error = listener_open(listen, model->listen_backlog, &p->fds[i], &what);

        if (error) {
            fprintf(stderr, "%.*s:%u: error: %s for this Listen failed: %s%s\n", STR_ARG(listen->place.file),
                    listen->place.line, what, strerrordesc_np(-error),
                    error == -EADDRINUSE ? " (does another server run there?)" : "");
            return false;
        }
    }
    return true;
}

static bool write_pid_file(const struct model *model)
{
    int fd;

    if (!model->pid_file.p)
        return true;
    fd = open(model->pid_file.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        fprintf(stderr, "scgate: write PidFile \"%.*s\" failed: %s\n", STR_ARG(model->pid_file),
                strerrordesc_np(errno));
        return false;
    }
    dprintf(fd, "%d\n", (int)getpid());
    close(fd);
    return true;
}

static enum io_kind engine_kind(enum io_engine engine)
{
    return engine == IO_ENGINE_URING   ? IO_KIND_URING
           : engine == IO_ENGINE_EPOLL ? IO_KIND_EPOLL
                                       : IO_KIND_AUTO;
}

static void on_signal(struct signal_watch *watch, int number)
{
    struct server_process *p = CONTAINER_OF(watch, struct server_process, watch);

    if (number == SIGHUP || number == SIGUSR1) {
        logs_write(p->logs, NULL, LOG_LEVEL_WARN, io_wall_ms(p->io),
                   "%s: this release does not reload: restart it to take up a new configuration",
                   strsignal(number));
        return;
    }
    logs_write(p->logs, NULL, LOG_LEVEL_NOTICE, io_wall_ms(p->io), "%s: stopping", strsignal(number));
    if (number == SIGWINCH) {
        worker_stop_gracefully(&p->worker);
        return;
    }
    p->stop_now = true;
    p->stop_at_ms = io_now_ms(p->io) + STOP_GRACE_MS;
    worker_stop_now(&p->worker);
}

static int run_turns(struct server_process *p)
{
    while (!worker_idle(&p->worker) || !p->worker.stopping) {
        int ran = io_turn(p->io, p->worker.stopping ? DRAIN_TURN_MS : -1);

        if (ran < 0) {
            logs_write(p->logs, NULL, LOG_LEVEL_CRIT, io_wall_ms(p->io), "the %s engine failed: %s",
                       io_name(p->io), strerrordesc_np(-ran));
            return 1;
        }
        logs_flush(p->logs);
        if (p->stop_now && io_now_ms(p->io) > p->stop_at_ms)
            return 0; /* something hangs; the kernel cleans up */
    }
    return 0;
}

static int run(struct server_process *p, const struct model *model, const char *why)
{
    char error[512];
    int status;

    if (!privileges_drop(model->user, model->group, error, sizeof error)) {
        fprintf(stderr, "scgate: %s\n", error);
        return 1;
    }
    worker_init(&p->worker, p->io, model, p->logs, p->fds);
    status = signal_watch_start(p->io, &p->watch, signals, SIGNAL_COUNT, on_signal);
    must(status == 0);
    logs_write(p->logs, NULL, LOG_LEVEL_NOTICE, io_wall_ms(p->io), "scgate %s serves, %s engine (%s)",
               SCGATE_VERSION, io_name(p->io), why ? why : "as configured");
    status = run_turns(p);
    if (!worker_idle(&p->worker))
        return status;
    signal_watch_stop(&p->watch);
    for (int i = 0; i < 100 && (signal_watch_active(&p->watch) || io_pending(p->io)); i++)
        io_turn(p->io, 10);
    worker_finish(&p->worker);
    if (!io_pending(p->io))
        io_destroy(p->io);
    logs_destroy(p->logs);
    free(p->fds);
    return status;
}

static int serve(struct model *model)
{
    static struct server_process p;
    const char *error, *why = NULL;

    print_ignored(model);
    print_workers(model);
    raise_file_limit();
    signal_block(signals, SIGNAL_COUNT);
    p.logs = logs_create(model, &error);
    if (!p.logs) {
        fprintf(stderr, "scgate: %s\n", error);
        return 1;
    }
    if (!open_listeners(&p, model) || !write_pid_file(model))
        return 1;
    p.io = io_create(engine_kind(model->io_engine), &why);
    if (!p.io) {
        fprintf(stderr, "scgate: the engine that IOEngine names is not to be had: %s\n", why);
        return 1;
    }
    return run(&p, model, why);
}

static int do_what_is_asked(struct arena *arena, int argc, char **argv)
{
    struct options options;
    struct model *model;
    int status = options_parse(&options, arena, argc, argv);

    if (status)
        return status;
    if (options.help)
        return options_usage(), 0;
    if (options.version || options.build_facts)
        return show_version(options.build_facts), 0;
    if (options.list_directives)
        return show_directives(), 0;
    model = load(&options, arena);
    if (!model)
        return 1;
    if (options.show)
        show_model(model);
    else if (!options.check)
        status = serve(model);
    if (options.check || options.show)
        fputs("Syntax OK\n", stderr);
    if (status == 0 && model->pid_file.p && !options.check && !options.show)
        unlink(model->pid_file.p);
    model_finish(model);
    return status;
}

int serve_main(int argc, char **argv)
{
    struct arena arena;
    int status;

    must_report = report_bug;
    arena_init(&arena, NULL, 0);
    status = do_what_is_asked(&arena, argc, argv);
    arena_finish(&arena);
    return status;
}
