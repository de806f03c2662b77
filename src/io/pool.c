/* pool: the threads that run slow work, so that the loop never does. They are started when there is work and
 * none is idle, and stay. All they touch of an operation is its own fields; an eventfd tells the loop. */
#include "base/must.h"
#include "io/engine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { POOL_THREADS = 4, POOL_STACK = 512 * 1024 };

struct pool {
    pthread_mutex_t lock; /* guards all below, and OP_FLAG_TAKEN */
    pthread_cond_t wake;
    struct list waiting, finished;
    unsigned waiting_count, idle, threads;
    bool stop;
    int event;
    pthread_t thread[POOL_THREADS];
};

static void op_run(struct io_op *op)
{
    ssize_t n;

    if (op->kind == OP_WORK) {
        op->u.run(op);
        return;
    }
    do {
        if (op->kind == OP_FILE_READ)
            n = pread(op->fd, op->u.buffer, op->length, op->offset);
        else
            n = pwrite(op->fd, op->u.buffer, op->length, op->offset);
    } while (n < 0 && errno == EINTR);
    op->result = n < 0 ? -errno : (int)n;
}

static void pool_tell(const struct pool *p)
{
    uint64_t one = 1;
    ssize_t n = write(p->event, &one, sizeof one);

    must(n == sizeof one);
}

static void *pool_thread(void *argument)
{
    struct pool *p = argument;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct io_op *op;

        while (!p->stop && list_empty(&p->waiting)) {
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
        }
        if (p->stop)
            break;
        op = CONTAINER_OF(list_take(&p->waiting), struct io_op, link);
        p->waiting_count--;
        op->flags |= OP_FLAG_TAKEN;
        pthread_mutex_unlock(&p->lock);
        op_run(op);
        pthread_mutex_lock(&p->lock);
        if (list_empty(&p->finished))
            pool_tell(p);
        list_append(&p->finished, &op->link);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int pool_create(struct io *io)
{
    struct pool *p = calloc(1, sizeof *p);
    int error;

    must(p != NULL);
    p->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = p->event < 0 ? -errno : io->engine->watch_pool(io, p->event);
    if (error) {
        if (p->event >= 0)
            close(p->event);
        free(p);
        return error;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    list_init(&p->waiting);
    list_init(&p->finished);
    io->pool = p;
    return 0;
}

/* Signals are for the loop's thread. */
static int pool_start_thread(struct pool *p)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, POOL_STACK);
    error = pthread_create(&p->thread[p->threads], &attributes, pool_thread, p);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        p->threads++;
    return -error;
}

void pool_submit(struct io *io, struct io_op *op)
{
    struct pool *p;
    int error = 0;

    if (!io->pool && (error = pool_create(io))) {
        engine_finish(io, op, error);
        return;
    }
    p = io->pool;
    op->state = OP_POOLED;
    pthread_mutex_lock(&p->lock);
    list_append(&p->waiting, &op->link);
    p->waiting_count++;
    if (p->waiting_count > p->idle && p->threads < POOL_THREADS)
        error = pool_start_thread(p);
    if (p->threads == 0) {
        p->waiting_count--;
        engine_finish(io, op, error);
    } else {
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
}

void pool_cancel(struct io *io, struct io_op *op)
{
    struct pool *p = io->pool;

    pthread_mutex_lock(&p->lock);
    if (!(op->flags & OP_FLAG_TAKEN)) {
        p->waiting_count--;
        engine_finish(io, op, -ECANCELED);
    }
    pthread_mutex_unlock(&p->lock);
}

void pool_collect(struct io *io)
{
    struct pool *p = io->pool;
    struct list *link;
    uint64_t count;
    ssize_t n = read(p->event, &count, sizeof count);

    (void)n; /* that there is nothing to read is all right */
    pthread_mutex_lock(&p->lock);
    while ((link = list_take(&p->finished))) {
        struct io_op *op = CONTAINER_OF(link, struct io_op, link);

        engine_finish(io, op, op->result);
    }
    pthread_mutex_unlock(&p->lock);
}

void pool_destroy(struct io *io)
{
    struct pool *p = io->pool;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    must(list_empty(&p->waiting) && list_empty(&p->finished));
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    close(p->event);
    free(p);
    io->pool = NULL;
}
