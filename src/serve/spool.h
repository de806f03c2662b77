/* spool: a request's body on disk while it is collected: an unlinked file that nobody else can open.
 *
 * The file is made with the first bytes, by O_TMPFILE, and is gone when it is closed or the process dies. All
 * spools of a worker share a quota. Nothing blocks the loop.
 */
#ifndef SERVE_SPOOL_H
#define SERVE_SPOOL_H

#include "base/str.h"
#include "io/io.h"

/* The disk space that all spools of one worker share. */
struct spool_space {
    const char *directory;
    uint64_t quota, used; /* bytes; quota 0: no limit */
};

struct spool {
    /* Called when a put or get is done: 0 or the bytes read, or -errno (-EDQUOT: over the quota). */
    void (*done)(struct spool *s, int result);
    void *context; /* the caller's */
    /* Private: */
    struct io_op op;
    struct io *io;
    struct spool_space *space;
    struct str left; /* of a put: what is not written yet */
    uint64_t size;   /* bytes in the file */
    int fd;
};

void spool_init(struct spool *s, struct io *io, struct spool_space *space);
/* Appends all of bytes, which stay in place until done(). One put or get at a time. */
void spool_put(struct spool *s, struct str bytes);
/* Reads at most n bytes from the offset, which lies within what was put. */
void spool_get(struct spool *s, char *buffer, size_t n, uint64_t offset);
bool spool_busy(const struct spool *s);
/* What is under way ends soon; done() is called. */
void spool_cancel(struct spool *s);
/* Nothing is under way. The file is gone. */
void spool_finish(struct spool *s);

#endif
