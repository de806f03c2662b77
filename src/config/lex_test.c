#include "config/lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

/* Each logical line as "line.column:word|line.column:word;" */
static const char *words_of(const char *text)
{
    struct lex lex = lex_begin(&arena, STR("f"), str_from(text));
    struct str out = STR("");
    struct lex_line line;

    while (lex_next_line(&lex, &line)) {
        struct lex_word word;
        const char *between = "";

        for (size_t at = 0; lex_next_word(&arena, &line, &at, line.text.n, &word); between = "|") {
            struct diag_place place = lex_place(&line, word.at);

            out = arena_printf(&arena, "%s%s%u.%u:%.*s", out.p, between, place.line, place.column,
                               STR_ARG(word.text));
        }
        out = arena_printf(&arena, "%s;", out.p);
    }
    return out.p;
}

#define EXPECT(text, want) assert_string_equal(words_of(text), want)

static void test_lines(void **state)
{
    (void)state;
    EXPECT("", "");
    EXPECT("\n\n", "");
    EXPECT("a", "1.1:a;");
    EXPECT("a\r\nb\r\n", "1.1:a;2.1:b;");
    EXPECT("  a \t b\v\n\n\tc", "1.3:a|1.7:b;3.2:c;");
    EXPECT("\xef\xbb\xbf"
           "a",
           "1.1:a;");
    EXPECT("a \r b", "1.1:a|1.5:b;");
}

static void test_comments(void **state)
{
    (void)state;
    EXPECT("# x\na", "2.1:a;");
    EXPECT("  # x\na # b", "2.1:a|2.3:#|2.5:b;");
    EXPECT("# x \\\nstill\na", "3.1:a;");
}

static void test_continuation(void **state)
{
    (void)state;
    EXPECT("one\\\n two", "1.1:one|2.2:two;");
    EXPECT("on\\\ne two", "1.1:one|2.3:two;");
    EXPECT("a \\\r\n b", "1.1:a|2.2:b;");
    EXPECT("a \\\n\\\n  b", "1.1:a|3.3:b;");
    EXPECT("\\\na", "2.1:a;");
    EXPECT("  \\\n  a\nb", "2.3:a;3.1:b;");
    EXPECT("a b \\", "1.1:a|1.3:b;");
    EXPECT("a\\\\\nb", "1.1:a\\b;"); /* two backslashes continue too; one is left */
    EXPECT("a \\ \nb", "1.1:a|1.3:\\;2.1:b;");
    EXPECT("a \\\n\nb", "1.1:a;3.1:b;");
    EXPECT("a \\\n# b", "1.1:a|2.1:#|2.3:b;");
}

static void test_quotes(void **state)
{
    (void)state;
    EXPECT("\"a b\" 'c d'", "1.1:a b|1.7:c d;");
    EXPECT("a\"b c\"", "1.1:a\"b|1.5:c\";");
    EXPECT("\"A\"\"b\"c", "1.1:A|1.4:b|1.7:c;");
    EXPECT("x \"abc", "1.1:x|1.3:abc;");
    EXPECT("x \"\" y", "1.1:x|1.3:|1.6:y;");
    EXPECT("x '", "1.1:x|1.3:;");
    EXPECT("\"a\\\"b\\\\c\\d\\'\"", "1.1:a\"b\\c\\d\\';");
    EXPECT("'a\\'b\\\"'", "1.1:a'b\\\";");
    EXPECT("a\\\\b\\c\\\"", "1.1:a\\b\\c\\\";");
    EXPECT("\"a\\", "1.1:a;"); /* the backslash at the end of the file is dropped */
    EXPECT("\"a\\\nb\"", "1.1:ab;");
}

static void test_places_after_replacement(void **state)
{
    struct lex lex = lex_begin(&arena, STR("f"), STR("  ab XY cd\\\nef"));
    struct lex_line line, built;
    struct lex_builder b;

    (void)state;
    assert_true(lex_next_line(&lex, &line));
    lex_builder_init(&b, &arena, line.file);
    lex_builder_copy(&b, &line, 0, 3);
    lex_builder_insert(&b, &line, 3, STR("longer text"));
    lex_builder_copy(&b, &line, 5, line.text.n);
    built = lex_builder_done(&b);
    assert_string_equal(built.text.p, "ab longer text cdef");
    assert_int_equal(lex_place(&built, 0).column, 3);
    assert_int_equal(lex_place(&built, 3).column, 6);
    assert_int_equal(lex_place(&built, 12).column, 6);
    assert_int_equal(lex_place(&built, 15).column, 9);
    assert_int_equal(lex_place(&built, 17).line, 2);
    assert_int_equal(lex_place(&built, 17).column, 1);
    assert_int_equal(lex_place(&built, 99).column, 2);
    assert_true(str_eq(lex_place(&built, 17).source, STR("ef")));
    assert_true(str_eq(lex_place(&built, 3).source, STR("  ab XY cd\\")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_places_after_replacement),
    };
    int failed;

    arena_init(&arena, NULL, 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&arena);
    return failed;
}
