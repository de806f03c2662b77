#include "http/field.h"
#include "http/guard_test.h"
#include "http/span.h"
#include "http/status.h"

static const char *const names[FIELD_ID_COUNT] = {
    [FIELD_OTHER] = "",
    [FIELD_ACCEPT_RANGES] = "Accept-Ranges",
    [FIELD_AUTHORIZATION] = "Authorization",
    [FIELD_CONNECTION] = "Connection",
    [FIELD_CONTENT_LENGTH] = "Content-Length",
    [FIELD_CONTENT_RANGE] = "Content-Range",
    [FIELD_CONTENT_TYPE] = "Content-Type",
    [FIELD_COOKIE] = "Cookie",
    [FIELD_DATE] = "Date",
    [FIELD_ETAG] = "ETag",
    [FIELD_EXPECT] = "Expect",
    [FIELD_HOST] = "Host",
    [FIELD_IF_MATCH] = "If-Match",
    [FIELD_IF_MODIFIED_SINCE] = "If-Modified-Since",
    [FIELD_IF_NONE_MATCH] = "If-None-Match",
    [FIELD_IF_RANGE] = "If-Range",
    [FIELD_IF_UNMODIFIED_SINCE] = "If-Unmodified-Since",
    [FIELD_KEEP_ALIVE] = "Keep-Alive",
    [FIELD_LAST_MODIFIED] = "Last-Modified",
    [FIELD_LOCATION] = "Location",
    [FIELD_MAX_FORWARDS] = "Max-Forwards",
    [FIELD_PROXY] = "Proxy",
    [FIELD_PROXY_AUTHORIZATION] = "Proxy-Authorization",
    [FIELD_PROXY_CONNECTION] = "Proxy-Connection",
    [FIELD_RANGE] = "Range",
    [FIELD_REFERER] = "Referer",
    [FIELD_SERVER] = "Server",
    [FIELD_SET_COOKIE] = "Set-Cookie",
    [FIELD_STATUS] = "Status",
    [FIELD_TE] = "TE",
    [FIELD_TRAILER] = "Trailer",
    [FIELD_TRANSFER_ENCODING] = "Transfer-Encoding",
    [FIELD_UPGRADE] = "Upgrade",
    [FIELD_USER_AGENT] = "User-Agent",
    [FIELD_VARY] = "Vary",
    [FIELD_X_SENDFILE] = "X-Sendfile",
};

static void test_known_names(void **state)
{
    (void)state;
    for (int id = FIELD_OTHER; id < FIELD_ID_COUNT; id++) {
        struct str name = str_from(names[id]);
        char other[64];

        assert_non_null(name.p);
        assert_int_equal(field_id_of(name), id);
        for (size_t i = 0; i < name.n; i++)
            other[i] = (char)(i % 2 ? ascii_upper(name.p[i]) : ascii_lower(name.p[i]));
        assert_int_equal(field_id_of(str_make(other, name.n)), id);
        if (id == FIELD_OTHER)
            continue;
        /* A letter more, less or different is another name. */
        other[name.n] = 'x';
        assert_int_equal(field_id_of(str_make(other, name.n + 1)), FIELD_OTHER);
        if (id != FIELD_TE)
            assert_int_equal(field_id_of(str_make(other, name.n - 1)), FIELD_OTHER);
        other[name.n / 2] ^= 1;
        assert_int_equal(field_id_of(str_make(other, name.n)), FIELD_OTHER);
    }
    assert_int_equal(field_id_of(STR("Content_Length")), FIELD_OTHER);
    assert_int_equal(field_id_of(STR_NONE), FIELD_OTHER);
}

/* RFC 9110 section 5.6.2, written as the RFC writes it. */
static bool tchar(int c)
{
    return c && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                 (c >= 'A' && c <= 'Z'));
}

static bool text(int c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* Each byte at each place of a text around the length of a word. */
static void test_every_byte(void **state)
{
    struct guard g = guard_make(64);

    (void)state;
    for (int c = 0; c < 256; c++) {
        assert_int_equal(field_is_tchar((unsigned char)c), tchar(c));
        for (size_t n = 1; n < 20; n++)
            for (size_t at = 0; at < n; at++) {
                char bytes[20];
                struct str s;

                memset(bytes, 'v', n);
                bytes[at] = (char)c;
                s = guard_copy(&g, str_make(bytes, n));
                assert_int_equal(field_name_valid(s), tchar(c));
                assert_int_equal(field_value_valid(s), text(c));
                assert_int_equal(field_reason_valid(s), text(c));
                assert_int_equal(field_value_span(s), text(c) ? n : at);
                assert_int_equal(span_from(s, '!'), c > ' ' && c != 0x7f ? n : at);
            }
    }
    guard_free(&g);
}

/* Random texts against the definition. */
static void test_spans(void **state)
{
    struct guard g = guard_make(128);
    uint64_t seed = random_seed();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char bytes[100];
        size_t n = random_below(&seed, sizeof bytes), want = 0, density = 1 + random_below(&seed, 60);
        struct str s;

        for (size_t k = 0; k < n; k++)
            bytes[k] =
                (char)(random_below(&seed, density) ? 0x20 + random_below(&seed, 0x5f) : random_next(&seed));
        s = guard_copy(&g, str_make(bytes, n));
        while (want < n && text((unsigned char)bytes[want]))
            want++;
        assert_int_equal(field_value_span(s), want);
        assert_int_equal(field_value_valid(s), want == n);
        for (want = 0; want < n && (unsigned char)bytes[want] > ' ' && bytes[want] != 0x7f;)
            want++;
        assert_int_equal(span_from(s, '!'), want);
    }
    guard_free(&g);
}

static void test_empty(void **state)
{
    (void)state;
    assert_false(field_name_valid(STR("")));
    assert_false(field_name_valid(STR_NONE));
    assert_true(field_value_valid(STR("")));
    assert_true(field_value_valid(STR_NONE));
    assert_true(field_reason_valid(STR("")));
}

static void test_lookup(void **state)
{
    const struct field fields[] = {
        {STR("Cookie"), STR("a"), FIELD_COOKIE},
        {STR("X"), STR("b"), FIELD_OTHER},
        {STR("cookie"), STR("c"), FIELD_COOKIE},
    };
    size_t at = 0;

    (void)state;
    assert_ptr_equal(field_first(fields, 3, FIELD_COOKIE), &fields[0]);
    assert_null(field_first(fields, 3, FIELD_HOST));
    assert_null(field_first(NULL, 0, FIELD_HOST));
    assert_ptr_equal(field_next(fields, 3, FIELD_COOKIE, &at), &fields[0]);
    assert_ptr_equal(field_next(fields, 3, FIELD_COOKIE, &at), &fields[2]);
    assert_null(field_next(fields, 3, FIELD_COOKIE, &at));
}

static void test_hop_by_hop(void **state)
{
    static const enum field_id hops[] = {FIELD_CONNECTION, FIELD_KEEP_ALIVE, FIELD_PROXY_CONNECTION,
                                         FIELD_TE,         FIELD_TRAILER,    FIELD_TRANSFER_ENCODING,
                                         FIELD_UPGRADE};

    (void)state;
    for (int id = FIELD_OTHER; id < FIELD_ID_COUNT; id++) {
        bool hop = false;

        for (size_t i = 0; i < sizeof hops / sizeof *hops; i++)
            hop |= (int)hops[i] == id;
        assert_int_equal(field_is_hop_by_hop((enum field_id)id), hop);
    }
}

static void test_status(void **state)
{
    (void)state;
    assert_true(str_eq(status_reason(200), STR("OK")));
    assert_true(str_eq(status_reason(417), STR("Expectation Failed")));
    assert_true(str_eq(status_reason(511), STR("Network Authentication Required")));
    assert_null(status_reason(299).p);
    assert_null(status_reason(99).p);
    assert_null(status_reason(600).p);
    assert_null(status_reason(-1).p);
    for (int status = 100; status < 600; status++) {
        assert_true(field_reason_valid(status_reason(status)));
        assert_int_equal(status_has_no_content(status),
                         status < 200 || status == 204 || status == 205 || status == 304);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_names), cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_spans),       cmocka_unit_test(test_empty),
        cmocka_unit_test(test_lookup),      cmocka_unit_test(test_hop_by_hop),
        cmocka_unit_test(test_status),
    };

    return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
