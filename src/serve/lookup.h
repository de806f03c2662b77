/* lookup: finds and opens a static file on a thread, without ever opening anything but a regular file. */
#ifndef SERVE_LOOKUP_H
#define SERVE_LOOKUP_H

#include "base/str.h"
#include "io/io.h"
#include "reply/file.h"

#include <limits.h>

enum lookup_kind { LOOKUP_FILE, LOOKUP_DIRECTORY, LOOKUP_FAILED };

struct lookup {
    struct io_op op; /* the caller sets op.done; result 0 */
    void *context;   /* the caller's */
    char path[PATH_MAX];
    size_t base_n; /* bytes of path that name the directory from which on symbolic links count */
    /* Set when op.done is called: */
    enum lookup_kind kind;
    int error; /* errno of LOOKUP_FAILED */
    int fd;    /* of LOOKUP_FILE: the caller closes it */
    struct file_facts facts;
    char real_path[PATH_MAX]; /* where the file really is, after symbolic links */
    bool renamed;             /* a symbolic link below the base leads elsewhere */
};

/* The path is absolute, without ".."; base is its beginning, a directory (or absent: "/"). False when it is
 * too long or holds a NUL. */
bool lookup_start(struct lookup *l, struct io *io, struct str path, struct str base);

#endif
