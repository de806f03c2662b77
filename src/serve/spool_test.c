/* The spool on a real disk, on each engine. After each test nothing is pending and no descriptor is left. */
#include "serve/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1024 * 1024, PIECE = 128 * 1024, ROUND_TRIP = 5 * MIB + 7, DISK = 1000 * 1024, NOBODY = 65534 };
enum { SKIPPED = 77, TURNS_MAX = 10000, TURN_MS = 10 };

static char directory[64];
static enum io_kind kind;
static struct io *io;
static unsigned descriptors_before, entries_before;

struct user {
    struct spool spool;
    int result;
    unsigned calls;
};

/* ---- the frame ---- */

static unsigned count_entries(const char *path)
{
    DIR *d = opendir(path);
    unsigned count = 0;

    assert_non_null(d);
    while (readdir(d))
        count++;
    closedir(d);
    return count;
}

static int test_begin(void **state)
{
    (void)state;
    alarm(60);
    descriptors_before = count_entries("/proc/self/fd");
    entries_before = count_entries(directory);
    io = io_create(kind, NULL);
    return io ? 0 : -1;
}

static int test_end(void **state)
{
    (void)state;
    alarm(0);
    assert_int_equal(io_pending(io), 0);
    io_destroy(io);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors_before);
    assert_int_equal(count_entries(directory), entries_before);
    return 0;
}

static void done(struct spool *s, int result)
{
    struct user *u = s->context;

    assert_false(spool_busy(s));
    u->result = result;
    u->calls++;
}

static void begin(struct user *u, struct spool_space *space)
{
    memset(u, 0, sizeof *u);
    spool_init(&u->spool, io, space);
    u->spool.done = done;
    u->spool.context = u;
}

/* Until done() has been called `calls` times; its last result. */
static int await(struct user *u, unsigned calls)
{
    for (int turns = 0; u->calls < calls; turns++) {
        assert_true(turns < TURNS_MAX);
        assert_true(io_turn(io, TURN_MS) >= 0);
    }
    assert_int_equal(u->calls, calls);
    return u->result;
}

static int put(struct user *u, const char *p, size_t n)
{
    unsigned calls = u->calls;

    spool_put(&u->spool, str_make(p, n));
    assert_true(spool_busy(&u->spool));
    assert_int_equal(u->calls, calls); /* never from inside */
    return await(u, calls + 1);
}

static int get(struct user *u, char *p, size_t n, uint64_t offset)
{
    unsigned calls = u->calls;

    spool_get(&u->spool, p, n, offset);
    assert_true(spool_busy(&u->spool));
    return await(u, calls + 1);
}

static char *pattern(size_t n)
{
    char *bytes = malloc(n);

    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 167 + (i >> 8) * 13 + (i >> 16) * 7);
    return bytes;
}

/* ---- what it keeps ---- */

static void test_round_trip(void **state)
{
    static const size_t pieces[] = {1, 2, 4095, 4096, 65536, PIECE};
    struct spool_space space = {.directory = directory};
    char *bytes = pattern(ROUND_TRIP), *buffer = malloc(PIECE);
    size_t at = 0, i = 0;
    struct user u;

    (void)state;
    assert_non_null(buffer);
    begin(&u, &space);
    assert_int_equal(u.spool.fd, -1); /* it costs nothing until it is used */
    while (at < ROUND_TRIP) {
        size_t n = pieces[i++ % 6] < ROUND_TRIP - at ? pieces[(i - 1) % 6] : ROUND_TRIP - at;

        assert_int_equal(put(&u, bytes + at, n), 0);
        at += n;
        assert_int_equal(u.spool.size, at);
        assert_int_equal(space.used, at);
    }
    for (at = 0; at < ROUND_TRIP; at += (size_t)u.result) {
        size_t n = pieces[i++ % 6];

        assert_in_range(get(&u, buffer, n, at), 1, n);
        assert_memory_equal(buffer, bytes + at, (size_t)u.result);
    }
    assert_int_equal(at, ROUND_TRIP);
    assert_in_range(get(&u, buffer, PIECE, 3), 1, PIECE); /* once more, from elsewhere */
    assert_memory_equal(buffer, bytes + 3, (size_t)u.result);
    assert_int_equal(get(&u, buffer, PIECE, ROUND_TRIP - 1), 1);
    spool_finish(&u.spool);
    assert_int_equal(space.used, 0);
    free(bytes);
    free(buffer);
}

/* Nobody else can open it: it has no name, cannot be given one, and is the owner's alone. */
static void test_has_no_name(void **state)
{
    struct spool_space space = {.directory = directory};
    char link[64], target[128];
    struct user u;
    struct stat st;

    (void)state;
    begin(&u, &space);
    assert_int_equal(put(&u, "secret", 6), 0);
    assert_int_equal(count_entries(directory), entries_before);
    assert_int_equal(fstat(u.spool.fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_size, 6);
    assert_true(fcntl(u.spool.fd, F_GETFD) & FD_CLOEXEC);
    snprintf(link, sizeof link, "/proc/self/fd/%d", u.spool.fd);
    snprintf(target, sizeof target, "%s/name", directory);
    assert_int_equal(linkat(AT_FDCWD, link, AT_FDCWD, target, AT_SYMLINK_FOLLOW), -1);
    assert_int_equal(errno, ENOENT); /* O_EXCL */
    spool_finish(&u.spool);
}

/* ---- where it ends ---- */

static void test_quota(void **state)
{
    struct spool_space space = {.directory = directory, .quota = 100};
    char bytes[101] = {0};
    struct user a, b, c;

    (void)state;
    begin(&a, &space);
    begin(&b, &space);
    begin(&c, &space);
    assert_int_equal(put(&a, bytes, 101), -EDQUOT);
    assert_int_equal(a.spool.fd, -1); /* no file for nothing */
    assert_int_equal(put(&a, bytes, 60), 0);
    assert_int_equal(put(&b, bytes, 41), -EDQUOT);
    assert_int_equal(put(&b, bytes, 40), 0);
    assert_int_equal(put(&a, bytes, 1), -EDQUOT);
    assert_int_equal(get(&a, bytes, sizeof bytes, 0), 60); /* what is there can be read */
    spool_finish(&a.spool);
    assert_int_equal(space.used, 40);
    assert_int_equal(put(&c, bytes, 60), 0);
    assert_int_equal(put(&c, bytes, 1), -EDQUOT);
    spool_finish(&b.spool);
    spool_finish(&c.spool);
    assert_int_equal(space.used, 0);
}

/* Several that write at once do not pass the quota together. */
static void test_quota_at_once(void **state)
{
    struct spool_space space = {.directory = directory, .quota = 100};
    char bytes[60] = {0};
    struct user users[8];
    int wrote = 0;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 8; i++) {
            begin(&users[i], &space);
            spool_put(&users[i].spool, str_make(bytes, round ? 25 : 60));
        }
        wrote = 0;
        for (int i = 0; i < 8; i++)
            if (await(&users[i], 1) == 0)
                wrote++;
            else
                assert_int_equal(users[i].result, -EDQUOT);
        assert_int_equal(wrote, round ? 4 : 1);
        for (int i = 0; i < 8; i++)
            spool_finish(&users[i].spool);
        assert_int_equal(space.used, 0);
    }
}

static void test_bad_directory(void **state)
{
    char path[128], file[128];
    struct spool_space space = {.directory = path};
    struct user u;
    int fd;

    (void)state;
    snprintf(path, sizeof path, "%s/missing", directory);
    begin(&u, &space);
    assert_int_equal(put(&u, "x", 1), -ENOENT);
    assert_int_equal(mkdir(path, 0700), 0); /* it works as soon as it can */
    assert_int_equal(put(&u, "x", 1), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(put(&u, "x", 1), 0);
    spool_finish(&u.spool);

    snprintf(file, sizeof file, "%s/file", directory);
    fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    space.directory = file;
    begin(&u, &space);
    assert_int_equal(put(&u, "x", 1), -ENOTDIR);
    spool_finish(&u.spool);
    assert_int_equal(space.used, 0);
    unlink(file);
}

/* Somebody cut the file behind our back: not an endless loop of empty reads. */
static void test_cut_file(void **state)
{
    struct spool_space space = {.directory = directory};
    char buffer[8];
    struct user u;

    (void)state;
    begin(&u, &space);
    assert_int_equal(put(&u, "abcdef", 6), 0);
    assert_int_equal(ftruncate(u.spool.fd, 2), 0);
    assert_int_equal(get(&u, buffer, sizeof buffer, 0), 2);
    assert_int_equal(get(&u, buffer, sizeof buffer, 2), -EIO);
    spool_finish(&u.spool);
}

/* ---- cancel ---- */

/* At any time of the first put, of a later one, of a get: done() comes once, and then nothing is left. */
static void test_cancel(void **state)
{
    struct spool_space space = {.directory = directory};
    char *bytes = pattern(MIB);
    struct user u;

    (void)state;
    for (int turns = 0; turns < 6; turns++)
        for (int before = 0; before < 3; before++) {
            begin(&u, &space);
            if (before)
                assert_int_equal(put(&u, bytes, MIB), 0);
            u.calls = 0;
            if (before < 2)
                spool_put(&u.spool, str_make(bytes, MIB));
            else
                spool_get(&u.spool, bytes, MIB, 0);
            for (int i = 0; i < turns && spool_busy(&u.spool); i++)
                io_turn(io, 1);
            spool_cancel(&u.spool);
            spool_cancel(&u.spool);
            await(&u, 1);
            assert_true(u.result >= 0 || u.result == -ECANCELED);
            assert_int_equal(space.used, u.spool.size);
            spool_cancel(&u.spool); /* harmless now */
            io_turn(io, 0);
            assert_int_equal(u.calls, 1);
            spool_finish(&u.spool);
            assert_int_equal(space.used, 0);
        }
    free(bytes);
}

/* ---- in a process of its own: what would change this one ---- */

/* Runs the scene in a child with an engine of its own: 0, or the number of the line that went wrong. */
static void expect_alone(const char *what, int (*scene)(void))
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(30);
        _exit(scene());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        fail_msg("%s: signal %d", what, WTERMSIG(status));
    if (WEXITSTATUS(status) == SKIPPED)
        print_message("skipped: %s cannot be tried here\n", what);
    else
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child no assertion of the frame is of use: each step has its own exit status. */
static int put_alone(struct user *u, const char *p, size_t n)
{
    unsigned calls = u->calls;

    spool_put(&u->spool, str_make(p, n));
    while (u->calls == calls)
        io_turn(io, TURN_MS);
    return u->result;
}

static int scene_not_ours(void)
{
    struct spool_space space = {.directory = directory};
    struct user u;

    if (geteuid() == 0) {
        if (setgid(NOBODY) || setuid(NOBODY))
            return SKIPPED;
    } else if (chmod(directory, 0500)) {
        return SKIPPED;
    }
    io = io_create(kind, NULL);
    if (!io)
        return SKIPPED;
    begin(&u, &space);
    if (put_alone(&u, "x", 1) != -EACCES)
        return 1;
    spool_finish(&u.spool);
    return space.used == 0 ? 0 : 2;
}

static void test_not_ours(void **state)
{
    (void)state;
    expect_alone("a directory of somebody else", scene_not_ours);
    assert_int_equal(chmod(directory, 0700), 0);
}

/* Puts until it fails in the middle of a piece; then all that it had must be free again for the next. */
static int fill_up(int error, size_t at_least)
{
    static char bytes[PIECE];
    struct spool_space space = {.directory = directory};
    char buffer[64];
    struct user u;

    for (int round = 0; round < 2; round++) {
        size_t taken = 0;

        begin(&u, &space);
        while (put_alone(&u, bytes, sizeof bytes) == 0 && taken < 64 * MIB) {
            taken += sizeof bytes;
            if (u.spool.size != taken)
                return 50 + round;
        }
        if (u.result != error)
            return 10 + round;
        if (u.spool.size < at_least || u.spool.size == taken || space.used != u.spool.size)
            return 20 + round;
        u.calls = 0;
        spool_get(&u.spool, buffer, sizeof buffer, 0);
        while (!u.calls)
            io_turn(io, TURN_MS);
        if (u.result != sizeof buffer)
            return 30 + round;
        spool_finish(&u.spool);
        if (space.used)
            return 40 + round;
    }
    return 0;
}

static int scene_full_disk(void)
{
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", directory, "tmpfs", MS_NOSUID | MS_NODEV, "size=1000k,mode=0700"))
        return SKIPPED;
    io = io_create(kind, NULL);
    return io ? fill_up(-ENOSPC, DISK / 2) : SKIPPED;
}

static void test_full_disk(void **state)
{
    (void)state;
    expect_alone("a full disk", scene_full_disk);
}

/* A limit on the size of files (ulimit -f) must not end the process by its signal. */
static int scene_file_limit(void)
{
    struct rlimit limit = {DISK, DISK};

    if (setrlimit(RLIMIT_FSIZE, &limit))
        return SKIPPED;
    signal(SIGXFSZ, SIG_DFL); /* whatever was inherited */
    io = io_create(kind, NULL);
    return io ? fill_up(-EFBIG, DISK) : SKIPPED;
}

static void test_file_limit(void **state)
{
    (void)state;
    expect_alone("a limit on files", scene_file_limit);
}

static int run_suite(enum io_kind of)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, test_begin, test_end)
    const struct CMUnitTest tests[] = {
        T(round_trip), T(has_no_name), T(quota),    T(quota_at_once), T(bad_directory),
        T(cut_file),   T(cancel),      T(not_ours), T(full_disk),     T(file_limit),
    };
#undef T
    const char *why = NULL;
    struct io *probe = io_create(of, &why);

    if (!probe) {
        printf("spool: not tested on this engine: %s\n", why);
        return of == IO_KIND_EPOLL;
    }
    io_destroy(probe);
    kind = of;
    return cmocka_run_group_tests_name(of == IO_KIND_EPOLL ? "spool: epoll" : "spool: io_uring", tests, NULL,
                                       NULL);
}

int main(void)
{
    const char *base = getenv("TMPDIR");
    int failed;

    snprintf(directory, sizeof directory, "%s/spool-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    failed = run_suite(IO_KIND_EPOLL) + run_suite(IO_KIND_URING);
    rmdir(directory);
    return failed != 0;
}
