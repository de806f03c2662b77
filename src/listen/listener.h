/* listener: a listening socket that feeds a frontend with connections. */
#ifndef LISTEN_LISTENER_H
#define LISTEN_LISTENER_H

#include "config/model.h"
#include "listen/client.h"

struct listener {
    struct io_sock sock;
    struct io_op op;
    struct wheel_timer pause; /* after running out of descriptors */
    struct frontend *frontend;
    struct str unix_path; /* to be removed at the end; absent for TCP */
    bool told;            /* that descriptors ran out */
    bool closing;
    void (*trouble)(struct listener *l, int error); /* told once for each shortage; may be NULL */
};

/* Binds and listens. 0 or -errno; *what says which call failed (static text). A Unix socket's stale file is
 * replaced when nobody answers on it. */
int listener_open(const struct listen *listen, int backlog, int *fd, const char **what);
/* Starts accepting on a descriptor of listener_open(). */
void listener_start(struct listener *l, struct frontend *f, int fd);
/* Stops accepting and closes; the struct must live until listener_closed(). */
void listener_stop(struct listener *l);
bool listener_closed(const struct listener *l);

#endif
