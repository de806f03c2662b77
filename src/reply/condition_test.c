/* Conditions against validators of which some or all are missing; file_test.c has those of files. */
#include "reply/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW = 1800000000, MODIFIED = 1500000000 }; /* MODIFIED: Fri, 14 Jul 2017 02:40:00 GMT */

#define SAME_DATE  "Fri, 14 Jul 2017 02:40:00 GMT"
#define OLDER_DATE "Fri, 14 Jul 2017 02:39:59 GMT"

static int ask(enum method method, enum field_id id, const char *value, const char *etag, bool has_modified)
{
    struct field field = {.value = str_from(value), .id = id};
    struct request request = {.method_id = method, .fields = &field, .field_count = 1};
    struct validators v = {.etag = str_from(etag), .has_modified = has_modified, .modified = MODIFIED};

    return condition_status(&request, &v, NOW);
}

static void no_validator_no_condition(void **state)
{
    (void)state;
    assert_int_equal(ask(METHOD_GET, FIELD_IF_NONE_MATCH, "*", NULL, false), 200);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_MATCH, "\"a\"", NULL, false), 200);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_MODIFIED_SINCE, SAME_DATE, NULL, false), 200);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_MODIFIED_SINCE, SAME_DATE, "\"a\"", false), 200);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_UNMODIFIED_SINCE, OLDER_DATE, "\"a\"", false), 200);
}

static void one_validator_is_enough(void **state)
{
    (void)state;
    assert_int_equal(ask(METHOD_GET, FIELD_IF_NONE_MATCH, "\"b\", W/\"a\"", "\"a\"", false), 304);
    assert_int_equal(ask(METHOD_HEAD, FIELD_IF_NONE_MATCH, "\"b\"", "\"a\"", false), 200);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_MATCH, "\"b\"", "\"a\"", false), 412);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_MODIFIED_SINCE, SAME_DATE, NULL, true), 304);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_MODIFIED_SINCE, OLDER_DATE, NULL, true), 200);
    assert_int_equal(ask(METHOD_GET, FIELD_IF_UNMODIFIED_SINCE, OLDER_DATE, NULL, true), 412);
    assert_int_equal(ask(METHOD_POST, FIELD_IF_NONE_MATCH, "\"a\"", "\"a\"", true), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_validator_no_condition),
        cmocka_unit_test(one_validator_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
