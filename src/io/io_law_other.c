/* The laws of turns, timers, files, foreign descriptors, slow work, and of what is built on them. */
#include "io/io_law.h"
#include "io/resolve.h"
#include "io/signal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* ---- timers ---- */

struct alarm_clock {
    struct wheel_timer timer;
    int64_t set_ms, fired_ms, again_ms;
    bool fired;
};

static void rang(struct wheel_timer *timer)
{
    struct alarm_clock *c = CONTAINER_OF(timer, struct alarm_clock, timer);

    c->fired = true;
    c->fired_ms = io_now_ms(law_io);
    if (c->again_ms >= 0) {
        io_timer_set(law_io, &c->timer, c->again_ms);
        c->again_ms = -1;
        c->fired = false;
    }
}

static void clock_set(struct alarm_clock *c, int64_t ms)
{
    c->timer.fire = rang;
    c->again_ms = -1;
    c->fired = false;
    io_timer_set(law_io, &c->timer, ms);
    c->set_ms = io_now_ms(law_io);
}

void law_timers_fire_in_time(void **state)
{
    static const int delays[] = {30, 0, 1, 70, 12};
    struct alarm_clock clocks[5] = {0}, cleared = {0}, moved = {0};
    int64_t wall = (int64_t)time(NULL) * 1000;

    (void)state;
    for (int i = 0; i < 5; i++)
        clock_set(&clocks[i], delays[i]);
    clock_set(&cleared, 20);
    clock_set(&moved, 10);
    io_timer_set(law_io, &moved.timer, 40);
    assert_int_equal(io_pending(law_io), 7);
    io_timer_clear(law_io, &cleared.timer);
    io_timer_clear(law_io, &cleared.timer);
    assert_int_equal(io_pending(law_io), 6);
    law_turn(0);
    assert_true(clocks[1].fired);
    while (io_pending(law_io))
        assert_true(law_turn(-1) >= 0);
    for (int i = 0; i < 5; i++)
        assert_in_range(clocks[i].fired_ms - clocks[i].set_ms, delays[i], delays[i] + 500);
    assert_in_range(moved.fired_ms - moved.set_ms, 40, 540);
    assert_false(cleared.fired);
    assert_in_range(io_wall_ms(law_io), wall, wall + 60000);
}

static void set_timer_0(struct law_call *call)
{
    clock_set(call->context, 0);
}

void law_timers_inside_callbacks(void **state)
{
    struct alarm_clock again = {0}, from_done = {0};
    struct law_call work = {.then = set_timer_0, .context = &from_done};
    int fd = eventfd(1, EFD_CLOEXEC);

    (void)state;
    clock_set(&again, 0);
    again.again_ms = 5;
    law_wait_flag(&again.fired);
    io_watch(law_io, law_op(&work), fd, POLLIN);
    law_wait(&work);
    law_wait_flag(&from_done.fired);
    close(fd);
}

void law_turn_keeps_to_its_bound(void **state)
{
    struct alarm_clock far = {0};
    struct timespec a, b;
    int64_t ms;

    (void)state;
    clock_set(&far, 60000);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 3; i++)
        assert_int_equal(law_turn(20), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    assert_in_range(ms, 50, 1000);
    io_timer_clear(law_io, &far.timer);
    assert_int_equal(law_turn(0), 0);
}

/* ---- files and foreign descriptors ---- */

void law_files_read_and_write(void **state)
{
    enum { LENGTH = 1 << 20 };
    unsigned char *bytes = malloc(LENGTH), *back = malloc(LENGTH);
    struct law_call call = {0};
    int file = law_file(0);
    size_t at = 0;

    (void)state;
    assert_true(bytes && back);
    law_pattern_fill(bytes, 0, LENGTH);
    while (at < LENGTH) {
        io_file_write(law_io, law_op(&call), file, bytes + at, LENGTH - at, (int64_t)at);
        assert_true(law_wait(&call) > 0);
        at += (size_t)call.result;
    }
    for (at = 0; at < LENGTH; at += (size_t)call.result) {
        io_file_read(law_io, law_op(&call), file, back + at, LENGTH - at, (int64_t)at);
        assert_true(law_wait(&call) > 0);
    }
    assert_memory_equal(bytes, back, LENGTH);
    io_file_read(law_io, law_op(&call), file, back, 100, LENGTH - 10);
    assert_int_equal(law_wait(&call), 10);
    io_file_read(law_io, law_op(&call), file, back, 100, LENGTH);
    assert_int_equal(law_wait(&call), 0);
    io_file_read(law_io, law_op(&call), -1, back, 100, 0);
    assert_int_equal(law_wait(&call), -EBADF);
    io_file_write(law_io, law_op(&call), -1, back, 100, 0);
    assert_int_equal(law_wait(&call), -EBADF);
    /* A cancel comes too late, or not; the operation ends once anyway. */
    io_file_read(law_io, law_op(&call), file, back, 100, 0);
    io_cancel(law_io, &call.op);
    law_wait(&call);
    assert_true(call.result == 100 || call.result == -ECANCELED);
    close(file);
    free(bytes);
    free(back);
}

void law_watch_eventfd(void **state)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct law_call watch = {0};
    uint64_t value = 1;

    (void)state;
    for (int round = 0; round < 3; round++) {
        io_watch(law_io, law_op(&watch), fd, POLLIN);
        law_turns_ms(5);
        assert_true(io_op_pending(&watch.op));
        assert_int_equal(write(fd, &value, sizeof value), sizeof value);
        assert_int_equal(law_wait(&watch), POLLIN);
        io_watch(law_io, law_op(&watch), fd, POLLIN); /* it has not been read: still so */
        assert_int_equal(law_wait(&watch), POLLIN);
        law_turns_ms(5); /* once per submit: call_done() checks */
        assert_int_equal(read(fd, &value, sizeof value), sizeof value);
        io_watch(law_io, law_op(&watch), fd, POLLIN);
        if (round)
            law_turns_ms(5);
        io_cancel(law_io, &watch.op);
        assert_int_equal(law_wait(&watch), -ECANCELED);
    }
    io_watch(law_io, law_op(&watch), fd, POLLIN | POLLOUT);
    assert_int_equal(law_wait(&watch), POLLOUT);
    close(fd);
    io_watch(law_io, law_op(&watch), fd, POLLIN);
    assert_int_equal(law_wait(&watch), -EBADF);
}

/* ---- slow work ---- */

static pthread_t loop_thread;
static sem_t gate;
static atomic_int started; /* how many have noted themselves in the order */
static atomic_int start_order[32];
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

static void run_elsewhere(struct io_op *op)
{
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    op->result = pthread_equal(pthread_self(), loop_thread) || !sigismember(&blocked, SIGTERM) ? -1 : 42;
}

static void run_behind_gate(struct io_op *op)
{
    struct law_call *call = CONTAINER_OF(op, struct law_call, op);
    int number = (int)(intptr_t)call->context;

    pthread_mutex_lock(&order_lock);
    start_order[started] = number;
    started++;
    pthread_mutex_unlock(&order_lock);
    while (sem_wait(&gate)) {
    }
    op->result = number;
}

void law_work_runs_off_the_loop(void **state)
{
    struct law_call work[20] = {0};

    (void)state;
    loop_thread = pthread_self();
    for (int i = 0; i < 20; i++)
        io_work(law_io, law_op(&work[i]), run_elsewhere);
    assert_int_equal(io_pending(law_io), 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(law_wait(&work[i]), 42);
    io_work(law_io, law_op(&work[0]), run_elsewhere);
    assert_int_equal(law_wait(&work[0]), 42);
}

void law_work_order_and_cancel(void **state)
{
    enum { COUNT = 12 };
    struct law_call work[COUNT] = {0};
    int busy;

    (void)state;
    sem_init(&gate, 0, 0);
    started = 0;
    for (int i = 0; i < COUNT; i++) {
        work[i].context = (void *)(intptr_t)i;
        io_work(law_io, law_op(&work[i]), run_behind_gate);
    }
    law_turns_ms(100);
    busy = started;
    assert_in_range(busy, 1, 4);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(work[i].completed, 0);
    io_cancel(law_io, &work[0].op); /* runs: no effect */
    io_cancel(law_io, &work[COUNT - 1].op);
    io_cancel(law_io, &work[busy + 1].op);
    assert_int_equal(law_wait(&work[COUNT - 1]), -ECANCELED);
    assert_int_equal(law_wait(&work[busy + 1]), -ECANCELED);
    assert_int_equal(work[0].completed, 0);
    /* One at a time: the rest starts in the order of its submission. */
    for (int i = busy; i < COUNT - 2; i++) {
        sem_post(&gate);
        while (started <= i)
            law_turns_ms(1);
        assert_int_equal(start_order[i], i <= busy ? i : i + 1);
    }
    for (int i = 0; i < COUNT; i++)
        sem_post(&gate);
    for (int i = 0; i < COUNT; i++)
        if (i != COUNT - 1 && i != busy + 1)
            assert_int_equal(law_wait(&work[i]), i);
    sem_destroy(&gate);
}

/* ---- fairness ---- */

struct greedy {
    struct law_call call;
    int file, left;
    bool *stop;
    char bytes[16];
};

static void greedy_again(struct law_call *call)
{
    struct greedy *g = call->context;

    assert_int_equal(call->result, 16);
    if (*g->stop || --g->left < 0)
        return;
    io_file_read(law_io, law_op(call), g->file, g->bytes, sizeof g->bytes, 0);
}

static void stop_all(struct law_call *call)
{
    *(bool *)call->context = true;
}

/* Two operations that complete at once, again and again, take turns with each other and leave room for a
 * descriptor and a timer. */
void law_fairness(void **state)
{
    bool stop = false;
    struct greedy a = {.file = law_file(100), .left = 100000, .stop = &stop}, b = a;
    struct law_call watch = {.then = stop_all, .context = &stop};
    struct alarm_clock clock = {0};
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t one = 1;

    (void)state;
    a.call.then = b.call.then = greedy_again;
    a.call.context = &a;
    b.call.context = &b;
    io_file_read(law_io, law_op(&a.call), a.file, a.bytes, sizeof a.bytes, 0);
    io_file_read(law_io, law_op(&b.call), b.file, b.bytes, sizeof b.bytes, 0);
    io_watch(law_io, law_op(&watch), fd, POLLIN);
    clock_set(&clock, 20);
    law_turn(0);
    while (!clock.fired && a.left > 0)
        law_turn(-1);
    assert_true(a.left > 0 && b.left > 0);
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
    a.left = b.left = 1000;
    law_wait_flag(&stop);
    assert_true(a.left > 900 && b.left > 900);
    assert_true(abs(a.left - b.left) <= 2);
    law_wait(&a.call);
    law_wait(&b.call);
    close(fd);
    close(a.file);
}

/* ---- built on it ---- */

static int signals_seen[2];

static void saw_signal(struct signal_watch *w, int number)
{
    (void)w;
    signals_seen[number == SIGUSR2]++;
    if (number == SIGUSR2)
        signal_watch_stop(w);
}

void law_signals(void **state)
{
    const int numbers[] = {SIGUSR1, SIGUSR2};
    struct signal_watch w;

    (void)state;
    signals_seen[0] = signals_seen[1] = 0;
    signal_block(numbers, 2);
    kill(getpid(), SIGUSR1); /* before there is a watch: kept */
    assert_int_equal(signal_watch_start(law_io, &w, numbers, 2, saw_signal), 0);
    for (int i = 0; i < 100 && !signals_seen[0]; i++)
        law_turn(10);
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 100 && signals_seen[0] < 2; i++)
        law_turn(10);
    assert_int_equal(signals_seen[0], 2);
    kill(getpid(), SIGUSR2);
    for (int i = 0; i < 100 && signal_watch_active(&w); i++)
        law_turn(10);
    assert_int_equal(signals_seen[1], 1);
    assert_false(signal_watch_active(&w));
    assert_int_equal(signal_watch_start(law_io, &w, numbers, 2, saw_signal), 0);
    signal_watch_stop(&w);
    while (signal_watch_active(&w))
        law_turn(10);
    signal_unblock_all();
}

struct resolved {
    bool done;
    struct resolve_answer answer;
};

static void found(void *context, const struct resolve_answer *answer)
{
    struct resolved *r = context;

    assert_false(r->done);
    r->done = true;
    r->answer = *answer;
}

void law_resolve(void **state)
{
    struct resolved r = {0};
    char text[ADDR_TEXT_SIZE];

    (void)state;
    resolve_start(law_io, STR("localhost"), 4000, found, &r);
    assert_false(r.done);
    law_wait_flag(&r.done);
    assert_in_range(r.answer.count, 1, RESOLVE_ADDRESSES_MAX);
    assert_null(r.answer.fault);
    for (unsigned i = 0; i < r.answer.count; i++) {
        struct str s = addr_text(&r.answer.addresses[i].u.any, r.answer.addresses[i].length, text);

        assert_true(str_eq(s, STR("127.0.0.1:4000")) || str_eq(s, STR("[::1]:4000")));
    }
    r.done = false;
    resolve_start(law_io, STR("::1"), 1, found, &r);
    law_wait_flag(&r.done);
    assert_int_equal(r.answer.count, 1);
    r.done = false;
    resolve_start(law_io, STR("no such name"), 1, found, &r);
    law_wait_flag(&r.done);
    assert_int_equal(r.answer.count, 0);
    assert_non_null(r.answer.fault);
    r.done = false;
    resolve_start(law_io, STR("localhost\0.example"), 1, found, &r);
    law_wait_flag(&r.done);
    assert_int_equal(r.answer.count, 0);
    r.done = false;
    for (int i = 0; i < 10; i++)
        resolve_cancel(law_io, resolve_start(law_io, STR("localhost"), 1, found, &r));
    resolve_cancel(law_io, NULL);
    while (io_pending(law_io))
        law_turn(100);
    assert_false(r.done);
}
