/* The attempt alone: every vector in every single cut, byte by byte, and in random cuts. The bytes lie in
 * memory of their exact size that moves with each piece. */
#include "gate/attempt.h"
#include "gate/test_cuts.h"

#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 4096, RANDOM_RUNS = 50 };

struct vector {
    struct str bytes;
    bool stays;        /* does not end */
    const char *error; /* of the end */
    const char *want;
};

#define V(text, ...)                                                                                         \
    {                                                                                                        \
        STR_INIT(text), __VA_ARGS__                                                                          \
    }
#define ENDS  false, NULL
#define STAYS true, NULL
#define RESET false, "reset"

/* clang-format off */
static const struct vector vectors[] = {
    V("\nhello", ENDS, "head 0 hello end"),
    V("\nhello", STAYS, "head 0 hello "),
    V("\nhello", RESET, "head 0 hello fault response-body 0: reset after 5 bytes of the response body"),
    V("\n", ENDS, "head 0  end"),
    V("Status: 200\r\n\r\n\r\n", ENDS, "head 200 \r\n end"),
    V("Content-Length: 3\n\nabc", STAYS, "head 0 abc end"),
    V("Content-Length: 3\n\nabcdef", STAYS, "head 0 abc end"),
    V("Content-Length: 0\n\n", STAYS, "head 0  end"),
    V("Content-Length: 0\n\nx", RESET, "head 0  end"),
    V("Content-Length: 9\n\nabc", ENDS, "head 0 abc fault response-body 0: closed after 3 of 9 bytes of the response body"),
    V("Content-Length: 9\n\n", RESET, "head 0  fault response-body 0: reset after 0 of 9 bytes of the response body"),
    V("Content-Length: 9223372036854775807\n\nabc", ENDS,
      "head 0 abc fault response-body 0: closed after 3 of 9223372036854775807 bytes of the response body"),
    V("Status: 100\n\n\nok", ENDS, "interim 100 head 0 ok end"),
    V("Status: 103\nA: b\n\nStatus: 102\r\n\r\nContent-Length: 2\n\nokay", ENDS, "interim 103 interim 102 head 0 ok end"),
    V("Status: 103\n\n", ENDS, "interim 103 fault response-head 502: closed within the response head, after 13 bytes"),
    V("Status: 103\n\n", STAYS, "interim 103 "),
    V("", ENDS, "fault response-head 502: closed before any answer"),
    V("", RESET, "fault response-head 502: reset before any answer"),
    V("Sta", ENDS, "fault response-head 502: closed within the response head, after 3 bytes"),
    V("Transfer-Encoding: chunked\n\n", STAYS,
      "fault response-head 502: bad response head: Transfer-Encoding is not for applications at byte 0: \"Transfer-Encoding: chunked\""),
    V("Status: 103\n\nX\n\n", STAYS, "interim 103 fault response-head 502: bad response head: line without colon at byte 0: \"X\""),
    V("A: b\n\"quoted\\\x01 and a line that is longer than what a message shows of it\n\n", STAYS,
      "fault response-head 502: bad response head: line without colon at byte 5: \"\\\"quoted\\\\\\x01 and a line that is longer than what a message shows of...\""),
};
/* clang-format on */

struct feed {
    struct arena arena;
    struct attempt a;
    struct out log;
    char log_bytes[ROOM];
    char content[ROOM];
    size_t content_n;
    bool head_told;
    char *memory;
    size_t from, n; /* what the attempt may still refer to */
};

/* Does what an attempt asks before more is read. */
static void settle(struct feed *f)
{
    while (f->a.down == ATTEMPT_DOWN_INTERIM) {
        out_printf(&f->log, "interim %d ", f->a.head.status);
        f->from += attempt_interim_taken(&f->a);
        assert_true(f->from <= f->n);
    }
    if (f->a.head_seen && !f->head_told) {
        out_printf(&f->log, "head %d ", f->a.head.status);
        for (size_t i = 0; i < f->a.head.field_count; i++)
            assert_true(field_value_valid(f->a.head.fields[i].value));
        f->head_told = true;
    }
    if (f->a.content.n) {
        assert_true(f->head_told && f->content_n + f->a.content.n <= ROOM);
        memcpy(f->content + f->content_n, f->a.content.p, f->a.content.n);
        f->content_n += f->a.content.n;
        attempt_content_ack(&f->a, f->a.content.n);
    }
}

static void receive(struct feed *f, struct str fresh)
{
    size_t left = f->a.down == ATTEMPT_DOWN_HEAD ? f->n - f->from : 0;
    char *bytes = malloc(left + fresh.n);

    assert_non_null(bytes);
    if (left)
        memcpy(bytes, f->memory + f->from, left);
    memcpy(bytes + left, fresh.p, fresh.n);
    free(f->memory);
    f->memory = bytes;
    f->from = 0;
    f->n = left + fresh.n;
    attempt_from_backend(&f->a, str_make(bytes, f->n), fresh.n);
    settle(f);
}

static void note_end(struct feed *f)
{
    const struct fault *fault = &f->a.fault;

    if (f->head_told)
        out_printf(&f->log, "%.*s ", (int)f->content_n, f->content);
    if (f->a.down == ATTEMPT_DOWN_END)
        out_str(&f->log, STR("end"));
    if (f->a.down == ATTEMPT_DOWN_FAULT) {
        assert_int_equal(fault->blame, BLAME_BACKEND);
        out_printf(&f->log, "fault %s %d: %.*s", fault_stage_id(fault->stage), fault->status,
                   STR_ARG(fault->message));
    }
    assert_false(f->log.overflow);
}

static void play(const struct vector *v, struct test_cuts cuts)
{
    static struct feed f;
    size_t at = 0;

    memset(&f, 0, sizeof f);
    f.log = (struct out)OUT_INIT(f.log_bytes, sizeof f.log_bytes);
    arena_init(&f.arena, NULL, 0);
    attempt_init(&f.a, &f.arena, STR("x"), 0);
    attempt_to_backend_ack(&f.a, 1);
    while (at < v->bytes.n && (f.a.down == ATTEMPT_DOWN_HEAD || f.a.down == ATTEMPT_DOWN_CONTENT)) {
        size_t n = test_cut_next(&cuts, at, v->bytes.n);

        receive(&f, str_make(v->bytes.p + at, n));
        at += n;
    }
    if (!v->stays)
        attempt_backend_ended(&f.a, v->error);
    note_end(&f);
    if (!str_eq(out_done(&f.log), str_from(v->want)))
        fail_msg("%.*s\n(cut kind %d at %zu, random %llu)\n  got  %.*s\n  want %s", STR_ARG(v->bytes),
                 (int)cuts.kind, cuts.at, (unsigned long long)cuts.random, STR_ARG(out_done(&f.log)),
                 v->want);
    free(f.memory);
    arena_finish(&f.arena);
}

/* What a reset means for an answer without a length depends on whether there was a body that may be unread,
 * and on whether all of the answer can have come. */
static void test_reset_after_early_answer(void **state)
{
    static const struct {
        uint64_t body_length;
        bool keeps;
        size_t answer; /* bytes of content */
        enum attempt_down want;
    } cases[] = {
        {0, false, 7, ATTEMPT_DOWN_FAULT},           {0, true, 7, ATTEMPT_DOWN_FAULT},
        {3000000, false, 7, ATTEMPT_DOWN_END},       {3000000, true, 7, ATTEMPT_DOWN_END},
        {3000000, false, 20000, ATTEMPT_DOWN_FAULT}, {3000000, true, 20000, ATTEMPT_DOWN_END},
    };
    static char bytes[32768] = "Status: 413\n\n";
    const size_t head = strlen(bytes);

    (void)state;
    memset(bytes + head, 'x', sizeof bytes - head);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attempt a;
        struct arena arena;

        arena_init(&arena, NULL, 0);
        attempt_init(&a, &arena, STR("x"), cases[i].body_length);
        a.keeps_on_reset = cases[i].keeps;
        attempt_to_backend_ack(&a, 1);
        attempt_from_backend(&a, str_make(bytes, head + cases[i].answer), head + cases[i].answer);
        attempt_backend_ended(&a, "connection reset by peer");
        assert_int_equal(a.down, cases[i].want);
        assert_int_equal(a.content.n, cases[i].answer);
        arena_finish(&arena);
    }
}

static void test_down(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        play(&vectors[i], (struct test_cuts){.kind = CUT_NONE});
        for (size_t at = 1; at < vectors[i].bytes.n; at++)
            play(&vectors[i], (struct test_cuts){.kind = CUT_ONCE, .at = at});
        play(&vectors[i], (struct test_cuts){.kind = CUT_BYTES});
        for (int k = 0; k < RANDOM_RUNS; k++)
            play(&vectors[i], (struct test_cuts){.kind = CUT_RANDOM, .random = test_random(&random)});
    }
}

/* The limits hold before the head is complete, and say the same however it was cut. */
static void test_endless_head(void **state)
{
    static const char *const want =
        "bad response head: line too long at byte 65536 (ProxySCGILimitResponseLine)";
    struct arena arena;
    struct attempt a;
    size_t n = 100000;
    char *bytes = malloc(n);

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'a', n);
    for (size_t step = 30000; step <= n; step += 35000) {
        size_t at = 0;

        arena_init(&arena, NULL, 0);
        attempt_init(&a, &arena, STR("x"), 0);
        while (a.down == ATTEMPT_DOWN_HEAD && at < n) {
            size_t piece = step < n - at ? step : n - at;

            at += piece;
            attempt_from_backend(&a, str_make(bytes, at), piece);
        }
        assert_int_equal(a.down, ATTEMPT_DOWN_FAULT);
        assert_true(str_eq(a.fault.message, str_from(want)));
        arena_finish(&arena);
    }
    free(bytes);
}

/* The netstring goes first, then the body as it comes, in whatever pieces the socket takes; what is behind
 * the announced length is never sent. */
static void test_up(void **state)
{
    static const struct str block = STR_INIT("5:block,"), body = STR_INIT("0123456789 and more");
    uint64_t random = test_seed();
    struct arena arena;

    (void)state;
    arena_init(&arena, NULL, 0);
    for (int run = 0; run < 2000; run++) {
        struct attempt a;
        struct str slices[2];
        char sent[64];
        size_t n = 0, acked = 0, at_hand = 0;

        attempt_init(&a, &arena, block, 10);
        while (a.up != ATTEMPT_UP_DONE) {
            struct str lent = str_make(body.p + acked, at_hand - acked);
            int count = attempt_to_backend(&a, lent, slices);
            size_t total = 0, take;

            assert_int_equal(attempt_needs_body(&a), acked < 10);
            assert_int_equal(count, (n < block.n) + (at_hand > acked && acked < 10));
            if (count == 0) {
                at_hand += 1 + test_random(&random) % (body.n - at_hand);
                continue;
            }
            for (int i = 0; i < count; i++)
                total += slices[i].n;
            take = (size_t)(test_random(&random) % total) + 1;
            total = take;
            for (int i = 0; i < count && take; i++) {
                size_t of = slices[i].n < take ? slices[i].n : take;

                memcpy(sent + n, slices[i].p, of);
                n += of;
                take -= of;
            }
            acked += attempt_to_backend_ack(&a, total);
        }
        assert_int_equal(n, block.n + 10);
        assert_memory_equal(sent, "5:block,0123456789", n);
        assert_int_equal(a.body_sent, 10);
    }
    arena_finish(&arena);
}

/* After a failed write nothing more goes up, and the answer is read all the same. */
static void test_send_fails(void **state)
{
    struct arena arena;
    struct attempt a;
    struct str slices[2];

    (void)state;
    arena_init(&arena, NULL, 0);
    attempt_init(&a, &arena, STR("5:block,"), 10);
    assert_int_equal(attempt_to_backend_ack(&a, 9), 1);
    attempt_send_failed(&a);
    assert_int_equal(attempt_to_backend(&a, STR("more"), slices), 0);
    assert_false(attempt_needs_body(&a));
    assert_int_equal(a.down, ATTEMPT_DOWN_HEAD);
    attempt_from_backend(&a, STR("Status: 413\n\nno"), 15);
    attempt_backend_ended(&a, NULL);
    assert_int_equal(a.down, ATTEMPT_DOWN_END);
    assert_true(str_eq(a.content, STR("no")));
    assert_int_equal(a.received, 15);
    assert_int_equal(a.content_seen, 2);
    arena_finish(&arena);
}

/* How far the request came is told when the backend ends before any answer. */
static void test_ends_before_answer(void **state)
{
    static const struct {
        size_t sent;
        bool fails;
        const char *error, *want;
        enum fault_stage stage;
    } cases[] = {
        {0, false, NULL, "closed while the request was being sent", STAGE_SEND},
        {7, true, "broken pipe", "broken pipe while the request was being sent", STAGE_SEND},
        {8, false, NULL, "closed after 0 of 10 bytes of the request body, before any answer", STAGE_SEND},
        {17, true, "reset", "reset after 9 of 10 bytes of the request body, before any answer", STAGE_SEND},
        {18, false, NULL, "closed before any answer", STAGE_HEAD},
    };
    struct arena arena;
    struct attempt a;

    (void)state;
    arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        attempt_init(&a, &arena, STR("5:block,"), 10);
        attempt_to_backend_ack(&a, cases[i].sent);
        if (cases[i].fails)
            attempt_send_failed(&a);
        attempt_backend_ended(&a, cases[i].error);
        assert_int_equal(a.down, ATTEMPT_DOWN_FAULT);
        assert_int_equal(a.fault.stage, cases[i].stage);
        assert_int_equal(a.fault.status, 502);
        assert_string_equal(a.fault.message.p, cases[i].want);
        assert_int_equal(a.up, ATTEMPT_UP_DONE);
    }
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_down),         cmocka_unit_test(test_reset_after_early_answer),
        cmocka_unit_test(test_endless_head), cmocka_unit_test(test_up),
        cmocka_unit_test(test_send_fails),   cmocka_unit_test(test_ends_before_answer),
    };

    return cmocka_run_group_tests_name("attempt", tests, NULL, NULL);
}
