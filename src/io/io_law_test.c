#include "io/io_law.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

struct io *law_io;

static bool turning, delivering;
static uint64_t random_state;
static char directory[64];
static unsigned paths, descriptors_before;
static enum io_kind kind_under_test;

/* ---- calls ---- */

static void call_done(struct io_op *op, int result)
{
    struct law_call *call = CONTAINER_OF(op, struct law_call, op);

    assert_true(turning);
    assert_false(delivering); /* not from inside a submit made by another done function */
    assert_false(io_op_pending(op));
    call->result = result;
    call->last = op->last;
    call->connected = op->connected;
    call->completed++;
    assert_true(call->completed <= call->submitted);
    delivering = true;
    if (call->then)
        call->then(call); /* may free the call */
    delivering = false;
}

struct io_op *law_op(struct law_call *call)
{
    call->op.done = call_done;
    call->submitted++;
    return &call->op;
}

struct io_connect *law_connect(struct law_call *call)
{
    law_op(call);
    return &call->connect;
}

int law_turn(int max_wait_ms)
{
    int ran;

    turning = true;
    ran = io_turn(law_io, max_wait_ms);
    turning = false;
    assert_true(ran >= 0);
    return ran;
}

static int64_t clock_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int law_wait(struct law_call *call)
{
    int64_t until = clock_now_ms() + PATIENCE_MS;

    while (call->completed < call->submitted) {
        assert_true(clock_now_ms() < until);
        law_turn(100);
    }
    return call->result;
}

void law_wait_flag(const bool *flag)
{
    int64_t until = clock_now_ms() + PATIENCE_MS;

    while (!*flag) {
        assert_true(clock_now_ms() < until);
        law_turn(100);
    }
}

void law_turns_ms(int ms)
{
    int64_t until = clock_now_ms() + ms, now;

    while ((now = clock_now_ms()) < until)
        law_turn((int)(until - now));
}

uint64_t law_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

bool law_on(const char *engine)
{
    return strcmp(io_name(law_io), engine) == 0;
}

/* ---- peers ---- */

int law_listen(enum law_family family, int backlog, struct addr *address)
{
    char path[128];
    int fd;

    if (family == LAW_UNIX) {
        snprintf(path, sizeof path, "%s/%u", directory, paths++);
        assert_true(addr_from_path(address, str_from(path)));
    } else {
        assert_true(addr_from_host(address, family == LAW_TCP4 ? STR("127.0.0.1") : STR("::1"), 0));
    }
    fd = socket(address->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, &address->u.any, address->length)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, backlog), 0);
    assert_true(family == LAW_UNIX || addr_of_socket(address, fd));
    return fd;
}

bool law_has_family(enum law_family family)
{
    static const char *const names[] = {"IPv4", "IPv6", "Unix"};
    struct addr address;
    int fd = law_listen(family, 1, &address);

    if (fd < 0) {
        print_message("skipped: no %s on this machine\n", names[family]);
        return false;
    }
    close(fd);
    law_forget(&address);
    return true;
}

bool law_family_at(enum law_family *family)
{
    while (*family < LAW_FAMILIES && !law_has_family(*family))
        (*family)++;
    return *family < LAW_FAMILIES;
}

void law_forget(const struct addr *address)
{
    if (address->u.any.sa_family == AF_UNIX)
        unlink(address->u.un.sun_path);
}

int law_pair(enum law_family family, struct io_sock *sock)
{
    struct addr address;
    int listener = law_listen(family, 8, &address), peer, ours;

    assert_true(listener >= 0);
    peer = socket(address.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(peer, &address.u.any, address.length), 0);
    ours = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(ours >= 0);
    assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    law_forget(&address);
    io_sock_adopt(law_io, sock, ours);
    return peer;
}

unsigned char law_pattern(uint64_t offset)
{
    return (unsigned char)(offset * 167 + (offset >> 8) * 13 + (offset >> 16) * 7);
}

void law_pattern_fill(unsigned char *p, uint64_t offset, size_t length)
{
    for (size_t i = 0; i < length; i++)
        p[i] = law_pattern(offset + i);
}

void law_pattern_check(const unsigned char *p, uint64_t offset, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (p[i] != law_pattern(offset + i))
            fail_msg("byte %llu differs", (unsigned long long)(offset + i));
}

void law_peer_write(int fd, uint64_t offset, size_t length)
{
    unsigned char bytes[4096];

    assert_true(length <= sizeof bytes);
    law_pattern_fill(bytes, offset, length);
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

int law_file(size_t length)
{
    unsigned char *bytes = malloc(length + 1);
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char path[128];

    if (fd < 0) {
        snprintf(path, sizeof path, "%s/file", directory);
        fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
        unlink(path);
    }
    assert_true(fd >= 0 && bytes);
    law_pattern_fill(bytes, 0, length);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    free(bytes);
    return fd;
}

/* ---- the frame ---- */

static unsigned descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
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
    turning = delivering = false;
    descriptors_before = descriptors();
    law_io = io_create(kind_under_test, NULL);
    return law_io ? 0 : -1;
}

static int test_end(void **state)
{
    unsigned pending = io_pending(law_io);

    (void)state;
    alarm(0);
    if (pending) {
        print_error("%u operations or timers are left\n", pending);
        return -1;
    }
    io_destroy(law_io);
    if (descriptors() != descriptors_before) {
        print_error("%u descriptors before, %u after\n", descriptors_before, descriptors());
        return -1;
    }
    return 0;
}

static int run_suite(enum io_kind kind)
{
#define LAW_ENTRY(name) cmocka_unit_test_setup_teardown(law_##name, test_begin, test_end),
    const struct CMUnitTest tests[] = {LAW_TESTS(LAW_ENTRY)};
#undef LAW_ENTRY
    const char *why = NULL;
    struct io *io = io_create(kind, &why);

    if (!io) {
        printf("io_law: the suite is not run on this engine: %s\n", why);
        return kind == IO_KIND_EPOLL;
    }
    printf("io_law: on %s: %s\n", io_name(io), why);
    io_destroy(io);
    kind_under_test = kind;
    return cmocka_run_group_tests_name(kind == IO_KIND_EPOLL ? "epoll" : "io_uring", tests, NULL, NULL);
}

/* One test holds 3000 sockets; a login session starts with 1024 of a far higher hard limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(void)
{
    const char *seed = getenv("SEED"), *base = getenv("TMPDIR"), *only = getenv("LAW_TEST");
    uint64_t number = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    int failed;

    printf("io_law: seed %llu (SEED=... repeats it, LAW_TEST=pattern picks tests)\n",
           (unsigned long long)number);
    random_state = number * 2 + 1;
    snprintf(directory, sizeof directory, "%s/io-law-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    if (only)
        cmocka_set_test_filter(only);
    raise_descriptor_limit();
    failed = run_suite(IO_KIND_EPOLL);
    failed += run_suite(IO_KIND_URING);
    rmdir(directory);
    return failed != 0;
}
