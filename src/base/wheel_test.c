#include "base/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* The model: an array of timers, each with the time at which it must fire, searched linearly. */
enum { TIMERS = 200 };

struct subject {
    struct wheel_timer timer;
    bool armed;
    int64_t due_ms, set_in_run; /* number of the run in which it was set for a time that was due */
};

static struct wheel wheel;
static struct subject subjects[TIMERS];
static int64_t now_ms, run_number;
static unsigned fired, armed;
static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int64_t random_delay(void)
{
    unsigned bits = (unsigned)(random_next() % 34);

    return (int64_t)(random_next() & ((UINT64_C(1) << bits) - 1)) - (random_next() % 8 == 0 ? 50 : 0);
}

static void subject_set(struct subject *s, int64_t due_ms, bool inside_fire)
{
    wheel_set(&wheel, &s->timer, due_ms);
    armed += !s->armed;
    s->armed = true;
    s->due_ms = due_ms;
    s->set_in_run = inside_fire ? run_number : -1;
}

static void subject_clear(struct subject *s)
{
    wheel_clear(&wheel, &s->timer);
    armed -= s->armed;
    s->armed = false;
}

static void subject_fired(struct wheel_timer *timer)
{
    struct subject *s = CONTAINER_OF(timer, struct subject, timer);

    assert_true(s->armed);
    assert_true(s->due_ms <= now_ms);
    assert_int_not_equal(s->set_in_run, run_number);
    assert_false(wheel_armed(timer));
    s->armed = false;
    armed--;
    fired++;
    if (random_next() % 4 == 0)
        subject_set(&subjects[random_next() % TIMERS], now_ms + random_delay(), true);
    if (random_next() % 4 == 0)
        subject_clear(&subjects[random_next() % TIMERS]);
}

/* Nothing due is left, what is left is counted, and the time to wait is never too long. */
static void check_against_model(void)
{
    int64_t soonest = INT64_MAX, next = wheel_next(&wheel, now_ms);
    unsigned count = 0;

    for (int i = 0; i < TIMERS; i++) {
        assert_int_equal(wheel_armed(&subjects[i].timer), subjects[i].armed);
        if (!subjects[i].armed)
            continue;
        count++;
        if (subjects[i].due_ms <= now_ms)
            assert_int_equal(subjects[i].set_in_run, run_number);
        if (subjects[i].due_ms < soonest)
            soonest = subjects[i].due_ms;
    }
    assert_int_equal(wheel.armed, count);
    assert_int_equal(armed, count);
    if (!count)
        assert_int_equal(next, -1);
    else if (soonest <= now_ms)
        assert_int_equal(next, 0);
    else
        assert_in_range(next, 1, soonest - now_ms);
}

static void test_random_against_model(void **state)
{
    uint64_t seed = (uint64_t)time(NULL);
    const char *given = getenv("SEED");
    unsigned total = 0, returned;

    (void)state;
    if (given)
        seed = strtoull(given, NULL, 10);
    print_message("seed %llu (SEED=... repeats it)\n", (unsigned long long)seed);
    random_state = seed * 2 + 1;
    now_ms = (int64_t)(random_next() >> 24);
    wheel_init(&wheel, now_ms);
    for (int i = 0; i < TIMERS; i++)
        subjects[i].timer.fire = subject_fired;
    for (int step = 0; step < 20000; step++) {
        for (unsigned i = (unsigned)(random_next() % 6); i; i--)
            subject_set(&subjects[random_next() % TIMERS], now_ms + random_delay(), false);
        if (random_next() % 3 == 0)
            subject_clear(&subjects[random_next() % TIMERS]);
        if (random_next() % 2) {
            int64_t next = wheel_next(&wheel, now_ms);

            now_ms += next > 0 ? next : 0;
        } else {
            now_ms += (int64_t)(random_next() & ((UINT64_C(1) << random_next() % 32) - 1));
        }
        run_number++;
        fired = 0;
        returned = wheel_run(&wheel, now_ms);
        assert_int_equal(returned, fired);
        total += fired;
        check_against_model();
    }
    assert_true(total > 10000);
}

/* ---- single cases ---- */

static int fires;
static struct wheel_timer other;

static void count_fire(struct wheel_timer *timer)
{
    (void)timer;
    fires++;
}

static void rearm_now(struct wheel_timer *timer)
{
    fires++;
    wheel_set(&wheel, timer, 0);
}

static void clear_other(struct wheel_timer *timer)
{
    (void)timer;
    fires++;
    wheel_clear(&wheel, &other);
}

static void test_fires_exactly_when_due(void **state)
{
    static const int64_t delays[] = {1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262143, 262144, 300000};

    (void)state;
    for (int64_t start = 0; start < 130; start++)
        for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
            struct wheel_timer timer = {.fire = count_fire};
            int wakes = 0;

            wheel_init(&wheel, start);
            fires = 0;
            wheel_set(&wheel, &timer, start + delays[i]);
            now_ms = start;
            while (!fires) {
                int64_t next = wheel_next(&wheel, now_ms);

                assert_true(next > 0);
                now_ms += next;
                wheel_run(&wheel, now_ms);
                wakes++;
            }
            assert_int_equal(now_ms, start + delays[i]);
            assert_true(wakes <= WHEEL_LEVELS);
            assert_int_equal(wheel_next(&wheel, now_ms), -1);
        }
}

static void test_set_inside_fire_waits_for_next_run(void **state)
{
    struct wheel_timer timer = {.fire = rearm_now};

    (void)state;
    wheel_init(&wheel, 1000);
    fires = 0;
    wheel_set(&wheel, &timer, 1000);
    assert_int_equal(wheel_next(&wheel, 1000), 0);
    assert_int_equal(wheel_run(&wheel, 1000), 1);
    assert_int_equal(fires, 1);
    assert_int_equal(wheel_run(&wheel, 1000), 1);
    assert_int_equal(fires, 2);
    wheel_clear(&wheel, &timer);
    assert_int_equal(wheel_run(&wheel, 2000), 0);
}

static void test_clear_of_a_timer_about_to_fire(void **state)
{
    struct wheel_timer timer = {.fire = clear_other};

    (void)state;
    wheel_init(&wheel, 0);
    other.fire = count_fire;
    fires = 0;
    wheel_set(&wheel, &timer, 5);
    wheel_set(&wheel, &other, 5);
    assert_int_equal(wheel_run(&wheel, 5), 1);
    assert_int_equal(fires, 1);
    assert_int_equal(wheel.armed, 0);
}

static void test_far_timer_waits_its_rounds(void **state)
{
    struct wheel_timer timer = {.fire = count_fire};
    const int64_t due = (INT64_C(1) << 33) + 12345;
    int wakes = 0;

    (void)state;
    wheel_init(&wheel, 7);
    now_ms = 7;
    fires = 0;
    wheel_set(&wheel, &timer, due);
    while (!fires && wakes++ < 100) {
        now_ms += wheel_next(&wheel, now_ms);
        wheel_run(&wheel, now_ms);
    }
    assert_int_equal(fires, 1);
    assert_int_equal(now_ms, due);
    wheel_set(&wheel, &timer, INT64_MAX);
    assert_int_equal(wheel_run(&wheel, now_ms + (INT64_C(1) << 40)), 0);
    assert_true(wheel_armed(&timer));
    wheel_clear(&wheel, &timer);
}

static void test_time_backwards_and_zeroed(void **state)
{
    struct wheel_timer timer = {.fire = count_fire}, zeroed;

    (void)state;
    memset(&zeroed, 0, sizeof zeroed);
    wheel_init(&wheel, 100);
    fires = 0;
    wheel_clear(&wheel, &zeroed);
    assert_false(wheel_armed(&zeroed));
    wheel_set(&wheel, &timer, 50);
    assert_int_equal(wheel_run(&wheel, 99), 0);
    assert_int_equal(wheel_run(&wheel, 100), 1);
    /* A slot that was emptied by a clear causes no wake-up. */
    wheel_set(&wheel, &timer, 150);
    wheel_clear(&wheel, &timer);
    wheel_set(&wheel, &zeroed, 100 + 63);
    assert_int_equal(wheel_next(&wheel, 100), 63);
    wheel_clear(&wheel, &zeroed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_against_model),
        cmocka_unit_test(test_fires_exactly_when_due),
        cmocka_unit_test(test_set_inside_fire_waits_for_next_run),
        cmocka_unit_test(test_clear_of_a_timer_about_to_fire),
        cmocka_unit_test(test_far_timer_waits_its_rounds),
        cmocka_unit_test(test_time_backwards_and_zeroed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
