#include "base/subnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ranges(void **state)
{
    static const struct {
        const char *range, *address;
        bool inside;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"192.0.2.7", "::ffff:192.0.2.7", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.99/24", "192.0.2.1", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.0/255.255.255.0", "192.0.2.9", true},
        {"192.0.2.0/255.255.255.0", "192.0.3.9", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "::1", false},
        {"192", "192.255.0.1", true},
        {"192.0", "192.0.9.9", true},
        {"192.0.2", "192.0.2.9", true},
        {"192.0.2.", "192.0.2.9", true},
        {"192.0.2", "192.0.20.9", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"::/0", "2001:db8::", true},
        {"::ffff:192.0.2.0/120", "192.0.2.9", true},
        {"::ffff:192.0.2.0/120", "192.0.3.9", false},
        {"::ffff:0.0.0.0/96", "203.0.113.1", true},
        {"192.0.2.0/24", "", false},
        {"192.0.2.0/24", "192.0.2.9 ", false},
        {"192.0.2.0/24", "localhost", false},
        {"192.0.2.0/24", "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subnet s;

        assert_true(subnet_parse(str_from(cases[i].range), &s));
        if (subnet_has(&s, str_from(cases[i].address)) != cases[i].inside)
            fail_msg("%s and %s", cases[i].range, cases[i].address);
    }
}

static void faults(void **state)
{
    static const char *const cases[] = {
        "",
        "/",
        "/8",
        ".",
        "10/8",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/x",
        "256.1.1.1",
        "192.0.2.0/-1",
        "192..2",
        "a.b.c",
        "2001:",
        "2001:db8::/129",
        "::1/::1",
        "192.0.2.7.",
        "192.0.2.0.1",
        " 10.0.0.1",
        "[::1]",
        "192.0.2.0/24/8",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subnet s;

        if (subnet_parse(str_from(cases[i]), &s))
            fail_msg("\"%s\" was taken", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges), cmocka_unit_test(faults)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
