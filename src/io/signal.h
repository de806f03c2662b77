/* signal: signals as events of the loop, by a signalfd.
 *
 * The signals are blocked first, in the main thread and before there are others, so that none is lost or
 * kills meanwhile. A child unblocks them before it executes another program.
 *
 *     signal_block(SIGNALS, 3);
 *     signal_watch_start(io, &w, SIGNALS, 3, on_signal);
 */
#ifndef IO_SIGNAL_H
#define IO_SIGNAL_H

#include "io/io.h"

struct signal_watch {
    void (*arrived)(struct signal_watch *w, int number);
    /* Private: */
    struct io_op op;
    struct io *io;
    int fd;
    bool stopping;
};

void signal_block(const int *numbers, size_t count);
void signal_unblock_all(void);

/* arrived is called from io_turn() once for each signal that came (equal ones that come in a row may be one);
 * it may stop the watch. 0 or -errno. */
int signal_watch_start(struct io *io, struct signal_watch *w, const int *numbers, size_t count,
                       void (*arrived)(struct signal_watch *w, int number));
/* The watch's memory must live until io_turn() has completed it: signal_watch_active() tells. */
void signal_watch_stop(struct signal_watch *w);
bool signal_watch_active(const struct signal_watch *w);

#endif
