/* Bodies in every cut: what was announced arrives, in one piece, and what follows belongs to the next
 * request. */
#include "base/must.h"
#include "listen/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MEMORY = 64, LARGE = 4096 };

struct vector {
    enum request_body kind;
    uint64_t length;
    const char *bytes;
    const char *content; /* NULL: a fault */
    const char *rest;
};

static const struct vector vectors[] = {
    {REQUEST_BODY_NONE, 0, "GET /next", "", "GET /next"},
    {REQUEST_BODY_LENGTH, 0, "GET", "", "GET"},
    {REQUEST_BODY_LENGTH, 5, "helloGET /next", "hello", "GET /next"},
    {REQUEST_BODY_LENGTH, 5, "hello", "hello", ""},
    {REQUEST_BODY_CHUNKED, 0, "0\r\n\r\n", "", ""},
    {REQUEST_BODY_CHUNKED, 0, "3\r\nabc\r\n4;x=\"y\"\r\ndefg\r\n0\r\nT: v\r\n\r\nGET /next", "abcdefg",
     "GET /next"},
    {REQUEST_BODY_CHUNKED, 0, "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc", ""},
    {REQUEST_BODY_CHUNKED, 0, "3\r\nabcX\r\n0\r\n\r\n", NULL, ""},
    {REQUEST_BODY_CHUNKED, 0, "-1\r\n", NULL, ""},
};

struct run {
    struct body b;
    char small[MEMORY], large[LARGE];
    char content[LARGE];
    size_t content_n;
    char rest[LARGE];
    size_t rest_n;
};

static void take(struct run *r, size_t n)
{
    memcpy(r->content + r->content_n, r->b.window.p, n);
    r->content_n += n;
    body_ack(&r->b, n);
}

/* Feeds the vector: `first` bytes with the head, then pieces of `piece`; acks all, or keeps all, of the
 * window. */
static void feed(struct run *r, const struct vector *v, size_t first, size_t piece, bool keep)
{
    struct request request = {.body = v->kind, .content_length = v->length};
    struct str left = str_from(v->bytes);
    bool large = false;

    memset(r, 0, sizeof *r);
    memcpy(r->small, left.p, first);
    body_begin(&r->b, &request, r->small, first, MEMORY);
    left = str_skip(left, first);
    while (!body_ended(&r->b) && left.n) {
        char *to;
        size_t room;

        if (!keep)
            take(r, r->b.window.n);
        room = body_room(&r->b, &to);
        if (room < 8 && !large) {
            body_move(&r->b, r->large, LARGE);
            large = true;
            continue;
        }
        assert_true(room > 0);
        room = room < piece ? room : piece;
        room = room < left.n ? room : left.n;
        memcpy(to, left.p, room);
        body_received(&r->b, room);
        left = str_skip(left, room);
    }
    take(r, r->b.window.n);
    if (r->b.complete) {
        memcpy(r->rest, r->b.rest.p, r->b.rest.n);
        memcpy(r->rest + r->b.rest.n, left.p, left.n);
        r->rest_n = r->b.rest.n + left.n;
    }
}

static void check(const struct run *r, const struct vector *v)
{
    if (!v->content) {
        assert_non_null(r->b.fault);
        return;
    }
    assert_null(r->b.fault);
    assert_true(r->b.complete);
    assert_true(str_eq(str_make(r->content, r->content_n), str_from(v->content)));
    assert_true(str_eq(str_make(r->rest, r->rest_n), str_from(v->rest)));
    assert_int_equal(r->b.taken, strlen(v->bytes) - strlen(v->rest));
}

static void every_cut(void **state)
{
    static struct run r;

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        for (size_t first = 0; first <= strlen(vectors[i].bytes) && first <= MEMORY; first++)
            for (size_t piece = 1; piece <= strlen(vectors[i].bytes) + 1; piece++)
                for (int keep = 0; keep < 2; keep++) {
                    feed(&r, &vectors[i], first, piece, keep);
                    check(&r, &vectors[i]);
                }
}

/* A long chunked body in memory that is smaller than it: partial acks make room. */
static void window_moves(void **state)
{
    struct request request = {.body = REQUEST_BODY_CHUNKED};
    char memory[MEMORY], *to;
    uint64_t total = 0;
    struct body b;

    (void)state;
    body_begin(&b, &request, memory, 0, sizeof memory);
    for (int i = 0; i < 1000; i++) {
        assert_true(body_room(&b, &to) >= 10);
        memcpy(to, "5\r\nabcde\r\n", 10);
        body_received(&b, 10);
        assert_int_equal(b.window.p[b.window.n - 1], 'e');
        total += b.window.n > 20 ? 17 : 3;
        body_ack(&b, b.window.n > 20 ? 17 : 3);
    }
    assert_int_equal(total + b.window.n, 5000);
    assert_false(body_ended(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut),
        cmocka_unit_test(window_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
