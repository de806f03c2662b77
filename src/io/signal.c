#include "io/signal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t set_of(const int *numbers, size_t count)
{
    sigset_t set;

    sigemptyset(&set);
    while (count--)
        sigaddset(&set, *numbers++);
    return set;
}

void signal_block(const int *numbers, size_t count)
{
    sigset_t set = set_of(numbers, count);

    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void signal_unblock_all(void)
{
    sigset_t set;

    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void watch_done(struct io_op *op, int result)
{
    struct signal_watch *w = CONTAINER_OF(op, struct signal_watch, op);
    struct signalfd_siginfo info;

    while (result >= 0 && !w->stopping && read(w->fd, &info, sizeof info) == sizeof info)
        w->arrived(w, (int)info.ssi_signo);
    if (result >= 0 && !w->stopping) {
        io_watch(w->io, &w->op, w->fd, POLLIN);
        return;
    }
    close(w->fd);
    w->fd = -1;
}

int signal_watch_start(struct io *io, struct signal_watch *w, const int *numbers, size_t count,
                       void (*arrived)(struct signal_watch *w, int number))
{
    sigset_t set = set_of(numbers, count);

    *w = (struct signal_watch){.arrived = arrived, .op.done = watch_done, .io = io};
    w->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (w->fd < 0)
        return -errno;
    io_watch(io, &w->op, w->fd, POLLIN);
    return 0;
}

void signal_watch_stop(struct signal_watch *w)
{
    w->stopping = true;
    io_cancel(w->io, &w->op);
}

bool signal_watch_active(const struct signal_watch *w)
{
    return w->fd >= 0;
}
