#include "serve/logs.h"
#include "base/date.h"
#include "base/must.h"
#include "serve/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 * 1024, BATCH_BYTES = 64 * 1024, EXCERPT = 300 };

/* One open file, shared by all servers that name the same path. */
struct log_file {
    struct str path; /* absent: standard error */
    int fd;
    char *batch;
    size_t batched; /* bytes */
};

struct logs {
    const struct model *model;
    struct log_file *files;
    size_t count, room;
    struct log_file
        *batching; /* files with something batched are found by a scan; this says that there are some */
};

static struct log_file *open_file(struct logs *l, struct str path, const char **error)
{
    struct log_file *file;
    int fd = STDERR_FILENO;

    for (size_t i = 0; i < l->count; i++)
        if (str_eq(l->files[i].path, path) && !l->files[i].path.p == !path.p)
            return &l->files[i];
    if (path.p) {
        static char text[4200];

        fd = open(path.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (fd < 0) {
            snprintf(text, sizeof text, "open log file \"%.*s\" failed: %s", STR_ARG(str_first(path, 4000)),
                     strerrordesc_np(errno));
            *error = text;
            return NULL;
        }
    }
    must(l->count < l->room);
    file = &l->files[l->count++];
    *file = (struct log_file){.path = path, .fd = fd};
    return file;
}

static struct log_file *find_file(struct logs *l, struct str path)
{
    const char *error;

    return open_file(l, path, &error);
}

static bool open_server(struct logs *l, const struct server *server, const char **error)
{
    if (!open_file(l, server->error_log, error))
        return false;
    for (size_t i = 0; i < server->custom_logs.count; i++)
        if (!open_file(l, server->custom_logs.items[i].path, error))
            return false;
    return true;
}

struct logs *logs_create(const struct model *model, const char **error)
{
    struct logs *l = calloc(1, sizeof *l);
    bool ok;

    must(l != NULL);
    l->model = model;
    l->room = 1 + model->main->custom_logs.count;
    for (size_t i = 0; i < model->virtual_hosts.count; i++)
        l->room += 1 + model->virtual_hosts.items[i]->custom_logs.count;
    l->files = calloc(l->room, sizeof *l->files);
    must(l->files != NULL);
    ok = open_server(l, model->main, error);
    for (size_t i = 0; ok && i < model->virtual_hosts.count; i++)
        ok = open_server(l, model->virtual_hosts.items[i], error);
    if (ok)
        return l;
    logs_destroy(l);
    return NULL;
}

/* A log that cannot be written must not stop the service: what does not fit on the disk is lost. */
static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t went = write(fd, p, n);

        if (went < 0 && errno == EINTR)
            continue;
        if (went <= 0)
            return;
        p += went;
        n -= (size_t)went;
    }
}

static void flush_file(struct log_file *file)
{
    write_all(file->fd, file->batch, file->batched);
    file->batched = 0;
}

void logs_flush(struct logs *l)
{
    if (!l->batching)
        return;
    for (size_t i = 0; i < l->count; i++)
        if (l->files[i].batched)
            flush_file(&l->files[i]);
    l->batching = NULL;
}

void logs_destroy(struct logs *l)
{
    logs_flush(l);
    for (size_t i = 0; i < l->count; i++) {
        if (l->files[i].path.p)
            close(l->files[i].fd);
        free(l->files[i].batch);
    }
    free(l->files);
    free(l);
}

/* ---- the error log ---- */

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"};

    return level < LOG_LEVEL_TRACE1 ? names[level] : "trace";
}

static void put_prefix(struct out *o, enum log_level level, int64_t wall_ms)
{
    char date[DATE_LOG_LENGTH];

    date_log(wall_ms, date);
    out_char(o, '[');
    out_bytes(o, date, sizeof date);
    out_printf(o, "] [%s] [pid %d] ", level_name(level), (int)getpid());
}

static void write_line(struct logs *l, const struct server *server, struct out *o)
{
    struct log_file *file = find_file(l, server->error_log);

    if (o->n == o->cap)
        o->n--;
    o->p[o->n++] = '\n';
    write_all(file->fd, o->p, o->n);
}

void logs_write(struct logs *l, const struct server *server, enum log_level level, int64_t wall_ms,
                const char *format, ...)
{
    char line[4096], text[3072];
    struct out o = OUT_INIT(line, sizeof line);
    va_list args;

    if (!server)
        server = l->model->main;
    if (level > server->log_level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_prefix(&o, level, wall_ms);
    out_str(&o, str_from(text));
    write_line(l, server, &o);
}

/* Our own faults and the backends' are errors; what clients do wrong is of interest only to whoever looks for
 * it. */
static enum log_level fault_level(const struct fault *fault)
{
    return fault->blame == BLAME_CLIENT ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR;
}

/* What came from a peer was escaped when the message was made; should it not have been, the line stays one.
 */
static void put_message(struct out *o, struct str message)
{
    for (size_t i = 0; i < message.n; i++) {
        if (message.p[i] >= ' ' && message.p[i] < 0x7f)
            out_char(o, message.p[i]);
        else
            out_escaped(o, str_make(message.p + i, 1), 1);
    }
}

static void put_fault_end(struct out *o, const struct exchange *x, const struct stream *s,
                          const struct fault *fault)
{
    out_printf(o, " (at fault: %s; client %.*s:%u; request \"", fault_blame_id(fault->blame),
               STR_ARG(s->endpoints.remote_addr), s->endpoints.remote_port);
    out_escaped(o, x->first->line, EXCERPT);
    if (fault->status)
        out_printf(o, "\"; answered %d)", x->response.status ? x->response.status : fault->status);
    else
        out_printf(o, "\"; answer cut off after %llu bytes)", (unsigned long long)x->content_sent);
}

void logs_fault(struct logs *l, const struct exchange *x, const struct stream *s, const struct fault *fault,
                int64_t wall_ms)
{
    const struct server *server = x->routed ? x->plan.server : l->model->main;
    enum log_level level = fault_level(fault);
    char line[4096];
    struct out o = OUT_INIT(line, sizeof line - 1);

    if (level > server->log_level)
        return;
    put_prefix(&o, level, wall_ms);
    out_printf(&o, "%s: ", fault_stage_id(fault->stage));
    if (x->plan.kind == PLAN_BACKEND && x->plan.pass) {
        out_str(&o, STR("backend \""));
        out_escaped(&o, x->plan.pass->backend->name, EXCERPT);
        out_str(&o, STR("\": "));
    }
    put_message(&o, str_first(fault->message, 1500));
    put_fault_end(&o, x, s, fault);
    write_line(l, server, &o);
}

/* ---- access logs ---- */

static bool wanted(const struct custom_log *log, const struct exchange *x)
{
    const struct vars *vars = x->params.count ? &x->params : &x->vars;

    return !log->env.p || vars_has(vars, log->env) != log->env_not;
}

static void access_line(struct logs *l, const struct custom_log *log, const struct access_facts *facts)
{
    struct log_file *file = find_file(l, log->path);
    struct out o;

    if (!file->batch) {
        file->batch = malloc(BATCH_BYTES + LINE_MAX_BYTES);
        must(file->batch != NULL);
    }
    o = (struct out)OUT_INIT(file->batch + file->batched, LINE_MAX_BYTES - 1);
    access_log_line(&o, &log->format, facts);
    o.p[o.n++] = '\n';
    file->batched += o.n;
    l->batching = file;
    if (file->batched >= BATCH_BYTES)
        flush_file(file);
}

void logs_access(struct logs *l, const struct exchange *x, const struct stream *s, int64_t wall_ms,
                 int64_t now_ms)
{
    struct access_facts facts = {.x = x, .s = s, .wall_ms = wall_ms, .took_ms = now_ms - x->begun_ms};
    const struct server *server = x->plan.server;

    if (!x->routed)
        return;
    for (size_t i = 0; i < server->custom_logs.count; i++)
        if (wanted(&server->custom_logs.items[i], x))
            access_line(l, &server->custom_logs.items[i], &facts);
}
