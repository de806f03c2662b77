#include "serve/spool.h"
#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void spool_init(struct spool *s, struct io *io, struct spool_space *space)
{
    s->op = (struct io_op){0};
    s->io = io;
    s->space = space;
    s->left = STR_NONE;
    s->size = 0;
    s->fd = -1;
}

/* What was reserved of the quota and not written is free again. */
static void end_put(struct spool *s, int result)
{
    s->space->used -= s->left.n;
    s->left = STR_NONE;
    s->done(s, result);
}

static void written(struct io_op *op, int result);

static void write_on(struct spool *s)
{
    s->op.done = written;
    io_file_write(s->io, &s->op, s->fd, s->left.p, s->left.n, (int64_t)s->size);
}

static void written(struct io_op *op, int result)
{
    struct spool *s = CONTAINER_OF(op, struct spool, op);

    if (result <= 0) {
        end_put(s, result ? result : -ENOSPC);
        return;
    }
    s->size += (uint64_t)result;
    s->left = str_skip(s->left, (size_t)result);
    if (s->left.n)
        write_on(s);
    else
        end_put(s, 0);
}

static void open_file(struct io_op *op)
{
    struct spool *s = CONTAINER_OF(op, struct spool, op);

    op->result = open(s->space->directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (op->result < 0)
        op->result = -errno;
}

static void opened(struct io_op *op, int result)
{
    struct spool *s = CONTAINER_OF(op, struct spool, op);

    if (result < 0) {
        end_put(s, result);
        return;
    }
    s->fd = result;
    write_on(s);
}

static void over_quota(struct io_op *op)
{
    op->result = -EDQUOT;
}

static void refused(struct io_op *op, int result)
{
    struct spool *s = CONTAINER_OF(op, struct spool, op);

    s->done(s, result);
}

void spool_put(struct spool *s, struct str bytes)
{
    struct spool_space *space = s->space;

    must(!spool_busy(s) && bytes.n > 0);
    if (space->quota && space->used + bytes.n > space->quota) {
        s->op.done = refused;
        io_work(s->io, &s->op, over_quota);
        return;
    }
    space->used += bytes.n; /* others put at the same time */
    s->left = bytes;
    if (s->fd < 0) {
        s->op.done = opened;
        io_work(s->io, &s->op, open_file);
    } else {
        write_on(s);
    }
}

static void got(struct io_op *op, int result)
{
    struct spool *s = CONTAINER_OF(op, struct spool, op);

    s->done(s, result ? result : -EIO); /* it ends before what was put: somebody cut it */
}

void spool_get(struct spool *s, char *buffer, size_t n, uint64_t offset)
{
    must(!spool_busy(s) && offset < s->size);
    s->op.done = got;
    io_file_read(s->io, &s->op, s->fd, buffer, n, (int64_t)offset);
}

bool spool_busy(const struct spool *s)
{
    return io_op_pending(&s->op);
}

void spool_cancel(struct spool *s)
{
    io_cancel(s->io, &s->op);
}

void spool_finish(struct spool *s)
{
    must(!spool_busy(s));
    if (s->fd >= 0)
        close(s->fd);
    s->space->used -= s->size;
    s->fd = -1;
    s->size = 0;
}
