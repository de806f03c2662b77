#include "serve/worker.h"
#include "base/must.h"
#include "serve/call.h"

#include <stdlib.h>

static void accept_trouble(struct listener *l, int error)
{
    struct worker *w = CONTAINER_OF(l->frontend, struct worker, frontend);

    logs_write(w->logs, NULL, LOG_LEVEL_ERROR, io_wall_ms(w->io),
               "accept failed: %s: connections wait until others end; raise the limit of open files",
               strerrordesc_np(error));
}

static void start_listeners(struct worker *w, const int *fds)
{
    const struct model *model = w->model;

    w->listener_count = model->listens.count;
    w->listeners = calloc(w->listener_count, sizeof *w->listeners);
    must(w->listeners != NULL);
    for (size_t i = 0; i < w->listener_count; i++) {
        const struct address *address = &model->listens.items[i].address;

        w->listeners[i].trouble = accept_trouble;
        if (address->kind == ADDRESS_UNIX)
            w->listeners[i].unix_path = address->path;
        listener_start(&w->listeners[i], &w->frontend, fds[i]);
    }
}

void worker_init(struct worker *w, struct io *io, const struct model *model, struct logs *logs,
                 const int *listen_fds)
{
    *w = (struct worker){.io = io, .model = model, .logs = logs};
    w->router = router_create(model);
    w->names = names_create(io, model);
    w->gate.model = model;
    w->gate.software = model->software;
    w->spool_space = (struct spool_space){.directory = model->spool_directory.p, /* NUL-terminated */
                                          .quota = (uint64_t)model->spool_quota};
    block_cache_init(&w->call_blocks, call_size(), 1024);
    list_init(&w->calls);
    frontend_init(&w->frontend, io, w->router);
    w->frontend.request = call_begin;
    w->frontend.server = STR("scgate");
    start_listeners(w, listen_fds);
}

void worker_stop_gracefully(struct worker *w)
{
    if (w->stopping)
        return;
    w->stopping = true;
    for (size_t i = 0; i < w->listener_count; i++)
        listener_stop(&w->listeners[i]);
    frontend_drain(&w->frontend);
}

void worker_stop_now(struct worker *w)
{
    worker_stop_gracefully(w);
    call_abort_all(w);
    client_close_idle(&w->frontend);
}

bool worker_idle(const struct worker *w)
{
    for (size_t i = 0; i < w->listener_count; i++)
        if (!listener_closed(&w->listeners[i]))
            return false;
    return w->call_count == 0 && w->frontend.client_count == 0;
}

void worker_finish(struct worker *w)
{
    frontend_finish(&w->frontend);
    block_cache_finish(&w->call_blocks);
    names_destroy(w->names);
    router_destroy(w->router);
    free(w->listeners);
}
