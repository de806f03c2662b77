#include "serve/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

static const char *read_all(int fd, struct arena *arena, size_t size, struct str *text)
{
    char *p = arena_alloc(arena, size + 1);
    size_t n = 0;

    while (n < size) {
        ssize_t got = read(fd, p + n, size - n);

        if (got < 0)
            return strerrordesc_np(errno);
        if (got == 0)
            break;
        n += (size_t)got;
    }
    p[n] = '\0';
    *text = str_make(p, n);
    return NULL;
}

static const char *read_file(void *context, struct arena *arena, struct str path, struct str *text)
{
    struct str z = arena_copy(arena, path);
    int fd = open(z.p, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    const char *error;
    struct stat st;

    (void)context;
    if (fd < 0)
        return strerrordesc_np(errno);
    if (fstat(fd, &st) != 0)
        error = strerrordesc_np(errno);
    else if (S_ISDIR(st.st_mode))
        error = strerrordesc_np(EISDIR);
    else if (st.st_size > FILE_SIZE_MAX)
        error = strerrordesc_np(EFBIG);
    else
        error = read_all(fd, arena, st.st_size ? (size_t)st.st_size : 65536, text);
    close(fd);
    return error;
}

static enum path_kind kind(void *context, struct str path)
{
    char z[4096];
    struct stat st;

    (void)context;
    if (path.n >= sizeof z)
        return PATH_MISSING;
    memcpy(z, path.p, path.n);
    z[path.n] = '\0';
    if (stat(z, &st) != 0)
        return PATH_MISSING;
    return S_ISDIR(st.st_mode) ? PATH_DIRECTORY : S_ISREG(st.st_mode) ? PATH_FILE : PATH_OTHER;
}

static void list(void *context, struct arena *arena, struct str pattern, struct str **paths, size_t *count)
{
    struct str z = kind(context, pattern) == PATH_DIRECTORY ? ARENA_CONCAT(arena, pattern, STR("/*"))
                                                            : arena_copy(arena, pattern);
    glob_t found;

    *count = 0;
    if (glob(z.p, 0, NULL, &found) != 0) {
        globfree(&found);
        return;
    }
    *paths = ARENA_ARRAY(arena, struct str, found.gl_pathc);
    for (size_t i = 0; i < found.gl_pathc; i++)
        (*paths)[(*count)++] = arena_copy(arena, str_from(found.gl_pathv[i]));
    globfree(&found);
}

static struct str environment(void *context, struct arena *arena, struct str name)
{
    struct str z = arena_copy(arena, name);

    (void)context;
    return arena_copy(arena, str_from(getenv(z.p)));
}

const struct config_source file_source = {
    .read_file = read_file,
    .list = list,
    .kind = kind,
    .getenv = environment,
};
