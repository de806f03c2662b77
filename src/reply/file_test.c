/* Answers as text, and a property of ranges: for random ones, the parts of the answer are the bytes that were
 * asked for (the seed is printed; SEED=N in the environment repeats one). */
#include "reply/file.h"

#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* 2017-07-14 02:40:00 and half a second; a day later. */
enum { MODIFIED = 1500000000, NOW = MODIFIED + 86400 };

#define ETAG   "\"25-5543df72a1f20\""
#define DATE   "Fri, 14 Jul 2017 02:40:00 GMT"
#define LATER  "Fri, 14 Jul 2017 02:40:01 GMT"
#define BEFORE "Fri, 14 Jul 2017 02:39:59 GMT"

static const char content[] = "0123456789abcdefghijklmnopqrstuvwxyz\n";
static struct arena arena;
static struct field fields[4];
static struct request request;
static struct file_facts facts;
static struct file_options options;
static struct file_answer answer;
static char text[4096];

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0);
    request = (struct request){.method_id = METHOD_GET, .fields = fields};
    facts = (struct file_facts){.size = sizeof content - 1, .mtime_us = MODIFIED * 1000000LL + 24352};
    options =
        (struct file_options){.status = 200, .type = STR("text/plain"), .now = NOW, .boundary = 0xabcdef};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static void add_field(const char *name, const char *value)
{
    assert_true(request.field_count < COUNT(fields));
    fields[request.field_count++] =
        (struct field){str_from(name), str_from(value), field_id_of(str_from(name))};
}

static struct str body(void)
{
    static char memory[16384];
    struct out o = OUT_INIT(memory, sizeof memory);

    for (size_t i = 0; i < answer.part_count; i++) {
        const struct file_part *p = &answer.parts[i];

        assert_true(p->length >= 0 && p->offset >= 0 && p->offset + p->length <= facts.size);
        out_str(&o, p->text);
        out_bytes(&o, content + p->offset, (size_t)p->length);
    }
    assert_false(o.overflow);
    assert_int_equal(answer.length, o.n);
    return out_done(&o);
}

/* "status|Name: value|...|body" */
static const char *run(void)
{
    struct out o = OUT_INIT(text, sizeof text - 1);

    file_answer(&arena, &request, &facts, &options, &answer);
    out_printf(&o, "%d", answer.status);
    for (size_t i = 0; i < answer.field_count; i++) {
        assert_int_equal(answer.fields[i].id, field_id_of(answer.fields[i].name));
        out_printf(&o, "|%.*s: %.*s", STR_ARG(answer.fields[i].name), STR_ARG(answer.fields[i].value));
    }
    out_char(&o, '|');
    out_str(&o, body());
    assert_false(o.overflow);
    text[o.n] = '\0';
    return text;
}

#define VALIDATORS "|Last-Modified: " DATE "|ETag: " ETAG "|Accept-Ranges: bytes"
#define WHOLE      "200" VALIDATORS "|Content-Type: text/plain|0123456789abcdefghijklmnopqrstuvwxyz\n"
#define UNCHANGED  "304" VALIDATORS "|"
#define FAILED     "412|"
#define FIVE       "206" VALIDATORS "|Content-Range: bytes 5-9/37|Content-Type: text/plain|56789"

static void test_whole(void **state)
{
    (void)state;
    assert_string_equal(run(), WHOLE);
    options.type = STR_NONE;
    assert_string_equal(run(), "200" VALIDATORS "|0123456789abcdefghijklmnopqrstuvwxyz\n");
    facts.size = 0;
    assert_string_equal(run(), "200|Last-Modified: " DATE "|ETag: \"0-5543df72a1f20\"|Accept-Ranges: bytes|");
    assert_int_equal(answer.part_count, 0);
}

/* As Apache names a file of 17 bytes. */
static void test_etag(void **state)
{
    (void)state;
    facts = (struct file_facts){.size = 17, .mtime_us = 1500000000000000};
    assert_true(str_eq(file_etag(&arena, &facts), STR("\"11-5543df729c000\"")));
}

static void test_times(void **state)
{
    (void)state;
    facts.mtime_us = (NOW + 5) * 1000000LL; /* not later than the answer itself */
    assert_non_null(strstr(run(), "|Last-Modified: Sat, 15 Jul 2017 02:40:00 GMT|"));
    facts.mtime_us = -1;
    assert_non_null(strstr(run(), "|Last-Modified: Wed, 31 Dec 1969 23:59:59 GMT|"));
    facts.mtime_us = -1000000;
    assert_non_null(strstr(run(), "|Last-Modified: Wed, 31 Dec 1969 23:59:59 GMT|"));
}

struct row {
    enum method method;
    const char *name, *value, *name2, *value2;
    const char *want;
};

static const struct row rows[] = {
    /* If-None-Match: weak comparison, lists, before If-Modified-Since. */
    {METHOD_GET, "If-None-Match", ETAG, NULL, NULL, UNCHANGED},
    {METHOD_HEAD, "If-None-Match", ETAG, NULL, NULL, UNCHANGED},
    {METHOD_POST, "If-None-Match", ETAG, NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "W/" ETAG, NULL, NULL, UNCHANGED},
    {METHOD_GET, "If-None-Match", "*", NULL, NULL, UNCHANGED},
    {METHOD_GET, "If-None-Match", "\"x\"", NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "\"a,b\" ,\t, W/\"c\"," ETAG " , \"z\"", NULL, NULL, UNCHANGED},
    {METHOD_GET, "If-None-Match", "\"x\" " ETAG, NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "x, " ETAG, NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "25-5543df72a1f20", NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "\"25-5543df72a1f20", NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "w/" ETAG, NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "", NULL, NULL, WHOLE},
    {METHOD_GET, "If-None-Match", "\"x\"", "If-None-Match", ETAG, UNCHANGED},
    {METHOD_GET, "If-None-Match", "\"x\"", "If-Modified-Since", LATER, WHOLE},
    {METHOD_GET, "If-None-Match", ETAG, "If-Modified-Since", BEFORE, UNCHANGED},
    /* If-Modified-Since: a date, once, on GET and HEAD. */
    {METHOD_GET, "If-Modified-Since", DATE, NULL, NULL, UNCHANGED},
    {METHOD_HEAD, "If-Modified-Since", LATER, NULL, NULL, UNCHANGED},
    {METHOD_GET, "If-Modified-Since", BEFORE, NULL, NULL, WHOLE},
    {METHOD_GET, "If-Modified-Since", "Friday, 14-Jul-17 02:40:00 GMT", NULL, NULL, UNCHANGED},
    {METHOD_GET, "If-Modified-Since", "Fri Jul 14 02:40:00 2017", NULL, NULL, UNCHANGED},
    {METHOD_GET, "If-Modified-Since", "yesterday", NULL, NULL, WHOLE},
    {METHOD_GET, "If-Modified-Since", DATE, "If-Modified-Since", DATE, WHOLE},
    {METHOD_POST, "If-Modified-Since", DATE, NULL, NULL, WHOLE},
    /* If-Match: strong comparison, any method, before If-Unmodified-Since and If-None-Match. */
    {METHOD_GET, "If-Match", ETAG, NULL, NULL, WHOLE},
    {METHOD_GET, "If-Match", "*", NULL, NULL, WHOLE},
    {METHOD_POST, "If-Match", "\"x\"", NULL, NULL, FAILED},
    {METHOD_GET, "If-Match", "W/" ETAG, NULL, NULL, FAILED},
    {METHOD_GET, "If-Match", "\"x\", " ETAG, NULL, NULL, WHOLE},
    {METHOD_GET, "If-Match", "\"x\"", "If-Match", ETAG, WHOLE},
    {METHOD_GET, "If-Match", ETAG, "If-Unmodified-Since", BEFORE, WHOLE},
    {METHOD_GET, "If-Match", ETAG, "If-None-Match", ETAG, UNCHANGED},
    {METHOD_GET, "If-Match", "\"x\"", "If-None-Match", ETAG, FAILED},
    {METHOD_GET, "If-Unmodified-Since", DATE, NULL, NULL, WHOLE},
    {METHOD_GET, "If-Unmodified-Since", BEFORE, NULL, NULL, FAILED},
    {METHOD_DELETE, "If-Unmodified-Since", BEFORE, NULL, NULL, FAILED},
    {METHOD_GET, "If-Unmodified-Since", "yesterday", NULL, NULL, WHOLE},
    /* Conditions come before ranges. */
    {METHOD_GET, "Range", "bytes=5-9", "If-None-Match", ETAG, UNCHANGED},
    {METHOD_GET, "Range", "bytes=900-", "If-None-Match", ETAG, UNCHANGED},
    {METHOD_GET, "Range", "bytes=5-9", "If-Match", "\"x\"", FAILED},
    {METHOD_GET, "Range", "bytes=5-9", "If-Match", ETAG, FIVE},
    /* If-Range. */
    {METHOD_GET, "Range", "bytes=5-9", "If-Range", ETAG, FIVE},
    {METHOD_GET, "Range", "bytes=5-9", "If-Range", "W/" ETAG, WHOLE},
    {METHOD_GET, "Range", "bytes=5-9", "If-Range", "\"x\"", WHOLE},
    {METHOD_GET, "Range", "bytes=5-9", "If-Range", DATE, FIVE},
    {METHOD_GET, "Range", "bytes=5-9", "If-Range", LATER, WHOLE},
    {METHOD_GET, "Range", "bytes=5-9", "If-Range", "x", WHOLE},
    {METHOD_GET, "Range", "bytes=900-", "If-Range", "\"x\"", WHOLE},
    /* Ranges: GET only, one field, bytes. */
    {METHOD_HEAD, "Range", "bytes=5-9", NULL, NULL, WHOLE},
    {METHOD_POST, "Range", "bytes=5-9", NULL, NULL, WHOLE},
    {METHOD_GET, "Range", "bytes=5-9", "Range", "bytes=5-9", WHOLE},
    {METHOD_GET, "Range", "lines=5-9", NULL, NULL, WHOLE},
};

static void test_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        request.field_count = 0;
        request.method_id = rows[i].method;
        add_field(rows[i].name, rows[i].value);
        if (rows[i].name2)
            add_field(rows[i].name2, rows[i].value2);
        assert_string_equal(run(), rows[i].want);
    }
}

/* A file changed within this second may change again without another date. */
static void test_date_of_this_second_is_weak(void **state)
{
    (void)state;
    add_field("Range", "bytes=5-9");
    add_field("If-Range", DATE);
    options.now = MODIFIED;
    assert_string_equal(run(), WHOLE);
    options.now = MODIFIED + 1;
    assert_string_equal(run(), FIVE);
}

static void test_validators_of_the_application(void **state)
{
    (void)state;
    options.etag = STR("W/\"v1\"");
    options.last_modified = STR(BEFORE);
    add_field("If-None-Match", "\"v1\"");
    assert_string_equal(run(), "304|Last-Modified: " BEFORE "|ETag: W/\"v1\"|Accept-Ranges: bytes|");
    fields[0].value = STR(ETAG);
    assert_int_equal(strncmp(run(), "200|", 4), 0);
    request.field_count = 0;
    add_field("If-Modified-Since", BEFORE);
    assert_int_equal(strncmp(run(), "304|", 4), 0);
    request.field_count = 0;
    add_field("If-Match", "W/\"v1\""); /* weak on either side: never equal in the strong sense */
    assert_string_equal(run(), FAILED);
    fields[0].value = STR("\"v1\"");
    assert_string_equal(run(), FAILED);
    request.field_count = 0;
    options.etag = STR_NONE;
    options.last_modified = STR("yesterday"); /* the file's date stands */
    assert_string_equal(run(), WHOLE);
    options.last_modified = STR("Thu, 01 Jan 2099 00:00:00 GMT");
    assert_non_null(strstr(run(), "|Last-Modified: Sat, 15 Jul 2017 02:40:00 GMT|"));
}

static void test_other_status(void **state)
{
    (void)state;
    options.status = 404;
    add_field("If-None-Match", ETAG);
    add_field("Range", "bytes=5-9");
    assert_string_equal(run(),
                        "404" VALIDATORS "|Content-Type: text/plain|0123456789abcdefghijklmnopqrstuvwxyz\n");
}

/* ---- ranges ---- */

#define ONE(range, bytes)                                                                                    \
    "206" VALIDATORS "|Content-Range: bytes " range "/37|Content-Type: text/plain|" bytes
#define UNSATISFIABLE "416|Content-Range: bytes */37|"
#define MANY          "206" VALIDATORS "|Content-Type: multipart/byteranges; boundary=0000000000abcdef|"
#define PART(range)                                                                                          \
    "--0000000000abcdef\r\nContent-Type: text/plain\r\nContent-Range: bytes " range "/37\r\n\r\n"
#define END "\r\n--0000000000abcdef--\r\n"

static const char *const range_rows[][2] = {
    {"bytes=5-9", FIVE},
    {"Bytes=5-9", FIVE},
    {"bytes=0-0", ONE("0-0", "0")},
    {"bytes=36-36", ONE("36-36", "\n")},
    {"bytes=35-", ONE("35-36", "z\n")},
    {"bytes=35-36", ONE("35-36", "z\n")},
    {"bytes=35-900", ONE("35-36", "z\n")},
    {"bytes=35-99999999999999999999999", ONE("35-36", "z\n")},
    {"bytes=-2", ONE("35-36", "z\n")},
    {"bytes=-900", ONE("0-36", "0123456789abcdefghijklmnopqrstuvwxyz\n")},
    {"bytes=-99999999999999999999999", ONE("0-36", "0123456789abcdefghijklmnopqrstuvwxyz\n")},
    {"bytes=, 5-9 ,\t,", FIVE},
    {"bytes=5-9,900-,-0", FIVE},
    {"bytes=37-", UNSATISFIABLE},
    {"bytes=900-901,-0", UNSATISFIABLE},
    {"bytes=99999999999999999999999-", UNSATISFIABLE},
    {"bytes=-0", UNSATISFIABLE},
    {"bytes=", WHOLE},
    {"bytes=,", WHOLE},
    {"bytes", WHOLE},
    {"bytes =5-9", WHOLE},
    {"bytes=9-5", WHOLE},
    {"bytes=5", WHOLE},
    {"bytes=-", WHOLE},
    {"bytes=--5", WHOLE},
    {"bytes=5--9", WHOLE},
    {"bytes=5-9-", WHOLE},
    {"bytes=+5-9", WHOLE},
    {"bytes=5 - 9", WHOLE},
    {"bytes=0x5-9", WHOLE},
    {"bytes=5-9,x", WHOLE},
    {"bytes=5-9,20-10", WHOLE},
    {"bytes=900-,9-5", WHOLE},
    /* Overlapping ones. */
    {"bytes=5-9,9-12", WHOLE},
    {"bytes=5-9,0-", WHOLE},
    {"bytes=-5,30-34", WHOLE},
    {"bytes=5-9,5-9", WHOLE},
    /* Several. */
    {"bytes=0-1,5-9", MANY PART("0-1") "01\r\n" PART("5-9") "56789" END},
    {"bytes=5-9,0-4", MANY PART("5-9") "56789\r\n" PART("0-4") "01234" END},
    {"bytes=-1,900-, 0-0", MANY PART("36-36") "\n\r\n" PART("0-0") "0" END},
};

static void test_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(range_rows); i++) {
        request.field_count = 0;
        add_field("Range", range_rows[i][0]);
        assert_string_equal(run(), range_rows[i][1]);
    }
}

static void test_ranges_of_special_files(void **state)
{
    static const char *const values[] = {"bytes=0-0", "bytes=-1", "bytes=0-", "bytes=5-"};

    (void)state;
    facts.size = 0;
    for (size_t i = 0; i < COUNT(values); i++) {
        request.field_count = 0;
        add_field("Range", values[i]);
        assert_int_equal(strncmp(run(), "200|", 4), 0);
    }
    /* Without a type, parts have none. */
    facts.size = sizeof content - 1;
    options.type = STR_NONE;
    request.field_count = 0;
    add_field("Range", "bytes=0-1,5-9");
    run();
    assert_null(strstr(text, "text/plain"));
    assert_non_null(strstr(text, "|--0000000000abcdef\r\nContent-Range: bytes 0-1/37\r\n\r\n01\r\n--0000"));
}

static void test_large_file(void **state)
{
    (void)state;
    facts.size = INT64_MAX / 2;
    add_field("Range", "bytes=4611686018427387900-");
    file_answer(&arena, &request, &facts, &options, &answer);
    assert_int_equal(answer.status, 206);
    assert_int_equal(answer.length, 3);
    fields[0].value = STR("bytes=0-1,4611686018427387902-9223372036854775807,2-4611686018427387900");
    file_answer(&arena, &request, &facts, &options, &answer);
    assert_int_equal(answer.status, 206);
    assert_int_equal(answer.part_count, 4);
    assert_int_equal(answer.parts[1].length, 1);
    facts.size = INT64_MAX;
    file_answer(&arena, &request, &facts, &options, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, INT64_MAX);
}

static void ask_for(unsigned count)
{
    static char value[2048];
    struct out o = OUT_INIT(value, sizeof value - 1);

    facts.size = 1000000;
    out_str(&o, STR("bytes="));
    for (unsigned i = 0; i < count; i++)
        out_printf(&o, "%u-%u,", 10 * i, 10 * i);
    assert_false(o.overflow);
    value[o.n] = '\0';
    request.field_count = 0;
    add_field("Range", value);
    file_answer(&arena, &request, &facts, &options, &answer);
}

static void test_most_ranges(void **state)
{
    (void)state;
    ask_for(FILE_RANGES_MAX);
    assert_int_equal(answer.status, 206);
    assert_int_equal(answer.part_count, FILE_RANGES_MAX + 1);
    ask_for(FILE_RANGES_MAX + 1);
    assert_int_equal(answer.status, 200);
}

/* ---- the property ---- */

struct asked {
    long first, last; /* inclusive; last < first: none */
};

/* Writes a valid spec in one of its three forms; says which bytes it names. */
static struct asked random_spec(struct out *o)
{
    long size = (long)facts.size, a = rand() % (size + 10), b = a + rand() % 12;

    switch (rand() % 6) {
    case 0:
        out_printf(o, "-%ld", a);
        return (struct asked){a >= size ? 0 : size - a, size - 1};
    case 1:
        out_printf(o, "%ld-", a);
        return (struct asked){a, size - 1};
    default:
        out_printf(o, "%ld-%ld", a, b);
        return (struct asked){a, b < size ? b : size - 1};
    }
}

/* Takes one part off the front of a multipart body; checks its frame. */
static struct str take_part(struct str *rest, struct asked want)
{
    struct str line, bytes = STR_NONE;
    char range[64];
    int n = snprintf(range, sizeof range, "Content-Range: bytes %ld-%ld/37\r", want.first, want.last);

    line = str_until(rest, '\n');
    assert_true(str_eq(line, STR("--0000000000abcdef\r")));
    line = str_until(rest, '\n');
    assert_true(str_eq(line, STR("Content-Type: text/plain\r")));
    line = str_until(rest, '\n');
    assert_true(str_eq(line, str_make(range, (size_t)n)));
    line = str_until(rest, '\n');
    assert_true(str_eq(line, STR("\r")));
    bytes = str_first(*rest, (size_t)(want.last - want.first + 1));
    *rest = str_skip(*rest, bytes.n);
    assert_true(str_starts(*rest, STR("\r\n")));
    *rest = str_skip(*rest, 2);
    return bytes;
}

static void check_random(const struct asked *asked, size_t count, bool overlap)
{
    struct str got = body();

    if (overlap) {
        assert_int_equal(answer.status, 200);
        assert_true(str_eq(got, str_make(content, sizeof content - 1)));
    } else if (count == 0) {
        assert_int_equal(answer.status, 416);
    } else if (count == 1) {
        assert_int_equal(answer.status, 206);
        assert_true(
            str_eq(got, str_make(content + asked[0].first, (size_t)(asked[0].last - asked[0].first + 1))));
    } else {
        assert_int_equal(answer.status, 206);
        for (size_t i = 0; i < count; i++) {
            struct str part = take_part(&got, asked[i]);

            assert_memory_equal(part.p, content + asked[i].first, part.n);
        }
        assert_true(str_eq(got, STR("--0000000000abcdef--\r\n")));
    }
}

static void test_random_ranges(void **state)
{
    unsigned seen[4] = {0};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char value[256];
        struct out o = OUT_INIT(value, sizeof value - 1);
        bool taken[sizeof content] = {false}, overlap = false;
        struct asked asked[5];
        size_t count = 0;

        out_str(&o, STR("bytes="));
        for (int specs = 1 + rand() % 5; specs > 0; specs--) {
            struct asked a = random_spec(&o);

            out_str(&o, specs > 1 ? STR(", ") : STR(""));
            if (a.first > a.last)
                continue;
            for (long at = a.first; at <= a.last; at++) {
                overlap |= taken[at];
                taken[at] = true;
            }
            asked[count++] = a;
        }
        assert_false(o.overflow);
        value[o.n] = '\0';
        request.field_count = 0;
        add_field("Range", value);
        file_answer(&arena, &request, &facts, &options, &answer);
        check_random(asked, count, overlap);
        seen[overlap ? 0 : count < 3 ? count + 1 : 3]++;
        arena_reset(&arena);
    }
    for (size_t i = 0; i < COUNT(seen); i++)
        assert_true(seen[i] > 100); /* every kind of answer has come */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_etag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conditions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_date_of_this_second_is_weak, setup, teardown),
        cmocka_unit_test_setup_teardown(test_validators_of_the_application, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges_of_special_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_most_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_ranges, setup, teardown),
    };
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    srand(seed);
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
