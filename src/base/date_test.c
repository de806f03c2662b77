#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { NOW = 1795377600 }; /* 22 Nov 2026 */

static const int64_t year_0001 = -62135596800, year_9999_end = 253402300799;

static struct str http(int64_t seconds)
{
    static char text[DATE_HTTP_LENGTH];

    date_http(seconds, text);
    return str_make(text, sizeof text);
}

static void test_known(void **state)
{
    char text[DATE_LOG_LENGTH];

    (void)state;
    assert_true(str_eq(http(784111777), STR("Sun, 06 Nov 1994 08:49:37 GMT")));
    assert_true(str_eq(http(0), STR("Thu, 01 Jan 1970 00:00:00 GMT")));
    assert_true(str_eq(http(-1), STR("Wed, 31 Dec 1969 23:59:59 GMT")));
    assert_true(str_eq(http(951782400), STR("Tue, 29 Feb 2000 00:00:00 GMT")));
    assert_true(str_eq(http(4107542400), STR("Mon, 01 Mar 2100 00:00:00 GMT")));
    date_log(1795378500123, text);
    assert_true(str_eq(str_make(text, sizeof text), STR("2026-11-22 20:15:00.123")));
    date_log(-1, text);
    assert_true(str_eq(str_make(text, sizeof text), STR("1969-12-31 23:59:59.999")));
}

/* Against the C library, over all years that the form can show. */
static void test_against_gmtime(void **state)
{
    (void)state;
    for (int64_t t = year_0001; t <= year_9999_end; t += 86400 * 97 + 3607) {
        time_t seconds = (time_t)t;
        struct tm tm;
        char want[64], log[DATE_LOG_LENGTH];
        int64_t back = 0;

        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(want, sizeof want, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                 &"SunMonTueWedThuFriSat"[3 * tm.tm_wday], tm.tm_mday,
                 &"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                 tm.tm_min, tm.tm_sec);
        if (!str_eq(http(t), str_from(want)))
            fail_msg("%lld gives %.*s, not %s", (long long)t, STR_ARG(http(t)), want);
        assert_true(date_http_parse(http(t), NOW, &back));
        assert_int_equal(back, t);
        snprintf(want, sizeof want, "%04d-%02d-%02d %02d:%02d:%02d.007", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        date_log(t * 1000 + 7, log);
        assert_memory_equal(log, want, sizeof log);
    }
}

/* Times that the forms cannot show become the nearest ones that they can. */
static void test_far_away(void **state)
{
    char text[DATE_LOG_LENGTH];

    (void)state;
    assert_true(str_eq(http(INT64_MAX), STR("Fri, 31 Dec 9999 23:59:59 GMT")));
    assert_true(str_eq(http(INT64_MIN), STR("Mon, 01 Jan 0001 00:00:00 GMT")));
    date_log(INT64_MAX, text);
    assert_true(str_eq(str_make(text, sizeof text), STR("9999-12-31 23:59:59.999")));
    date_log(INT64_MIN, text);
    assert_true(str_eq(str_make(text, sizeof text), STR("0001-01-01 00:00:00.000")));
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Sun Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
        {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
        /* within 50 years of 2026 */
        {"Monday, 01-Jan-76 00:00:00 GMT", 3345062400},
        {"Monday, 01-Jan-77 00:00:00 GMT", 220924800},
        {"Monday, 01-Jan-00 00:00:00 GMT", 946684800},
    };
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!date_http_parse(str_from(good[i].text), NOW, &seconds))
            fail_msg("\"%s\" is refused", good[i].text);
        assert_int_equal(seconds, good[i].seconds);
    }
    /* the same two digits, seen from 2080 */
    assert_true(date_http_parse(STR("Monday, 01-Jan-05 00:00:00 GMT"), 3471292800, &seconds));
    assert_true(str_starts(str_skip(http(seconds), 12), STR("2105")));
}

static void test_parse_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ",",
        "Sun,",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Wed, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Wed, 30 Feb 2024 08:49:37 GMT",
        "Sun, 32 Dec 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday,X06-Nov-94 08:49:37 GMT",
        "Someday, 06-Nov-94 08:49:37 GMT",
        "Xyz Nov  6 08:49:37 1994",
        "SunXNov  6 08:49:37 1994",
        ",xyzNov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "1994-11-06T08:49:37Z",
        "784111777",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t seconds = 42;

        if (date_http_parse(str_from(bad[i]), NOW, &seconds) || seconds != 42)
            fail_msg("\"%s\" is accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known), cmocka_unit_test(test_against_gmtime), cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_parse), cmocka_unit_test(test_parse_refused),
    };

    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
