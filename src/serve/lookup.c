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

/* The name of an open file; its length, 0 when it cannot be told. */
static size_t real_name(int fd, char *name, size_t size)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, name, size - 1);
    name[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* Where the base really is: the links on the way to it are the administrator's own. */
static size_t real_base(const struct lookup *l, char *name, size_t size)
{
    char base[PATH_MAX];
    size_t n;
    int fd;

    if (l->base_n == 0)
        return 0;
    memcpy(base, l->path, l->base_n);
    base[l->base_n] = '\0';
    fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = real_name(fd, name, size);
    close(fd);
    return n;
}

static void judge_links(struct lookup *l, int fd)
{
    char base[PATH_MAX];
    size_t n = real_name(fd, l->real_path, sizeof l->real_path);
    size_t end = strlen(l->path), base_n;
    struct str real = str_make(l->real_path, n);

    while (end > 1 && l->path[end - 1] == '/')
        end--;
    l->renamed = !str_eq(real, str_make(l->path, end));
    base_n = l->renamed ? real_base(l, base, sizeof base) : 0;
    if (base_n && str_starts(real, str_make(base, base_n)))
        l->renamed = !str_eq(str_skip(real, base_n), str_make(l->path + l->base_n, end - l->base_n));
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
        judge_links(l, path_fd);
    } else if (!S_ISREG(st.st_mode)) {
        fail(l, EACCES);
    } else {
        judge_links(l, path_fd);
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

bool lookup_start(struct lookup *l, struct io *io, struct str path, struct str base)
{
    if (path.n == 0 || path.n >= sizeof l->path || memchr(path.p, '\0', path.n))
        return false;
    memcpy(l->path, path.p, path.n);
    l->path[path.n] = '\0';
    l->base_n = base.n;
    l->fd = -1;
    io_work(io, &l->op, look);
    return true;
}
