#include "serve/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(struct lookup *l, int error)
{
    l->kind = LOOKUP_FAILED;
    l->error = error;
}

static void read_real_path(struct lookup *l, const char *link)
{
    ssize_t n = readlink(link, l->real_path, sizeof l->real_path - 1);
    size_t end = strlen(l->path);

    while (end > 1 && l->path[end - 1] == '/')
        end--;
    if (n < 0)
        n = 0;
    l->real_path[n] = '\0';
    l->renamed = (size_t)n != end || memcmp(l->real_path, l->path, end) != 0;
}

/* O_PATH opens nothing yet (a FIFO or a device would act on being opened); what is a regular file is then
 * opened by its descriptor, so that it cannot be exchanged in between. */
static void look(struct io_op *op)
{
    struct lookup *l = CONTAINER_OF(op, struct lookup, op);
    int path_fd = open(l->path, O_PATH | O_CLOEXEC);
    char link[64];
    struct stat st;

    op->result = 0;
    if (path_fd < 0) {
        fail(l, errno);
        return;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", path_fd);
    if (fstat(path_fd, &st) != 0) {
        fail(l, errno);
    } else if (S_ISDIR(st.st_mode)) {
        l->kind = LOOKUP_DIRECTORY;
        read_real_path(l, link);
    } else if (!S_ISREG(st.st_mode)) {
        fail(l, EACCES);
    } else {
        read_real_path(l, link);
        l->fd = open(link, O_RDONLY | O_CLOEXEC);
        if (l->fd < 0)
            fail(l, errno);
        else
            l->kind = LOOKUP_FILE;
        l->facts.size = st.st_size;
        l->facts.mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    }
    close(path_fd);
}

bool lookup_start(struct lookup *l, struct io *io, struct str path)
{
    if (path.n == 0 || path.n >= sizeof l->path || memchr(path.p, '\0', path.n))
        return false;
    memcpy(l->path, path.p, path.n);
    l->path[path.n] = '\0';
    l->fd = -1;
    io_work(io, &l->op, look);
    return true;
}
