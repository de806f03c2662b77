#include "route/redirect.h"

#include "route/fixture.h"

static struct redirect entry(struct fixture *f, const char *path, const char *pattern, int status,
                             const char *target)
{
    return (struct redirect){.path = str_from(path),
                             .regex = pattern ? fixture_regex(f, pattern, false) : NULL,
                             .status = status,
                             .target = str_from(target)};
}

/* Where a request for the target is sent; NULL: nowhere. */
static const char *sent_to(struct fixture *f, const struct redirect *r, const char *target)
{
    char head[256];
    struct request request;
    struct plan plan = {.host = STR("gw.example.test"), .port = 8080, .scheme = STR("http")};

    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    request = fixture_request(f, arena_copy(&f->arena, str_from(head)).p);
    assert_int_equal(uri_decode_path(&f->arena, request.uri.path, URI_SLASH_REFUSE, true, &plan.path), 0);
    if (!redirect_find(&f->arena, r, 1, &request, &plan))
        return NULL;
    assert_int_equal(plan.kind, PLAN_REDIRECT);
    assert_int_equal(plan.status, r->status);
    return arena_copy(&f->arena, plan.location).p;
}

static void by_path(void **state)
{
    struct fixture f;
    struct redirect r;

    (void)state;
    fixture_init(&f);
    r = entry(&f, "/old", NULL, 301, "https://new.example.test/at");
    assert_string_equal(sent_to(&f, &r, "/old"), "https://new.example.test/at");
    assert_string_equal(sent_to(&f, &r, "/old/a%20b%0d%0aX?q=1"),
                        "https://new.example.test/at/a%20b%0D%0AX?q=1");
    assert_null(sent_to(&f, &r, "/older"));
    r.target = STR("/local?own=1#f");
    assert_string_equal(sent_to(&f, &r, "/old?q=1"), "http://gw.example.test:8080/local?own=1#f");
    r.target = STR("/local#f");
    assert_string_equal(sent_to(&f, &r, "/old?q=1"), "http://gw.example.test:8080/local?q=1#f");
    r = entry(&f, NULL, NULL, 302, "http://h/"); /* without a path: all of a section */
    assert_string_equal(sent_to(&f, &r, "/any"), "http://h/");
    fixture_finish(&f);
}

/* A group cannot end the path, nor the line. */
static void by_expression(void **state)
{
    struct fixture f;
    struct redirect r;

    (void)state;
    fixture_init(&f);
    r = entry(&f, NULL, "^/(.*)[.]gif$", 302, "http://h/$1.png?a%20b");
    assert_string_equal(sent_to(&f, &r, "/x/y.gif?q=1"), "http://h/x/y.png?a%20b");
    assert_string_equal(sent_to(&f, &r, "/x%3Fy%0a%23.gif"), "http://h/x%3Fy%0A%23.png?a%20b");
    assert_null(sent_to(&f, &r, "/x.png"));
    r = entry(&f, NULL, "^/go(.*)", 307, "$1");
    assert_string_equal(sent_to(&f, &r, "/go"), "http://gw.example.test:8080");
    fixture_finish(&f);
}

static void not_a_redirect(void **state)
{
    struct fixture f;
    struct redirect r[2];
    struct request request;
    struct plan plan = {.path = STR("/gone/x")};

    (void)state;
    fixture_init(&f);
    request = fixture_request(&f, "GET /gone/x HTTP/1.1\r\nHost: x\r\n\r\n");
    r[0] = entry(&f, "/gone", NULL, 410, NULL);
    r[1] = entry(&f, "/", NULL, 302, "http://h/");
    assert_true(redirect_find(&f.arena, r, 2, &request, &plan)); /* the first that matches */
    assert_int_equal(plan.kind, PLAN_STATUS);
    assert_int_equal(plan.status, 410);
    assert_non_null(plan.reason);
    assert_false(redirect_find(&f.arena, r, 0, &request, &plan));
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_path),
        cmocka_unit_test(by_expression),
        cmocka_unit_test(not_a_redirect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
