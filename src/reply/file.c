#include "reply/file.h"

#include "base/date.h"
#include "base/must.h"
#include "reply/condition.h"

/* ---- validators ---- */

struct str file_etag(struct arena *arena, const struct file_facts *facts)
{
    return arena_printf(arena, "\"%llx-%llx\"", (unsigned long long)facts->size,
                        (unsigned long long)facts->mtime_us);
}

static int64_t seconds_of(int64_t us)
{
    enum { SECOND = 1000000 };

    return us / SECOND - (us % SECOND < 0);
}

static struct validators validators_of(struct arena *arena, const struct file_facts *facts,
                                       const struct file_options *options)
{
    struct validators v = {.etag = options->etag.p ? options->etag : file_etag(arena, facts),
                           .has_modified = true};

    if (!options->last_modified.p || !date_http_parse(options->last_modified, options->now, &v.modified))
        v.modified = seconds_of(facts->mtime_us);
    if (v.modified > options->now)
        v.modified = options->now; /* RFC 9110 section 8.8.2.1 */
    return v;
}

/* ---- ranges ---- */

struct range {
    int64_t first, last; /* offsets of bytes, both inclusive */
};

struct ranges {
    struct range items[FILE_RANGES_MAX];
    size_t count;
};

enum range_result { RANGE_INSIDE, RANGE_OUTSIDE, RANGE_BAD };

/* Digits only; what is too large counts as the largest number: it lies behind the end of every file. */
static bool parse_position(struct str s, int64_t *position)
{
    uint64_t n;

    for (size_t i = 0; i < s.n; i++)
        if (!ascii_digit(s.p[i]))
            return false;
    *position = str_to_u64(s, INT64_MAX, &n) ? (int64_t)n : INT64_MAX;
    return s.n > 0;
}

/* "5-9", "5-", "-5" (RFC 9110 section 14.1.2), cut to the size. */
static enum range_result parse_range(struct str spec, int64_t size, struct range *r)
{
    struct str last = spec, first = str_until(&last, '-');

    if (!last.p)
        return RANGE_BAD;
    if (first.n == 0) {
        int64_t suffix;

        if (!parse_position(last, &suffix))
            return RANGE_BAD;
        *r = (struct range){suffix < size ? size - suffix : 0, size - 1};
        return suffix > 0 ? RANGE_INSIDE : RANGE_OUTSIDE;
    }
    r->last = INT64_MAX;
    if (!parse_position(first, &r->first) || (last.n && !parse_position(last, &r->last)) ||
        r->last < r->first)
        return RANGE_BAD;
    if (r->last > size - 1)
        r->last = size - 1;
    return r->first < size ? RANGE_INSIDE : RANGE_OUTSIDE;
}

static bool overlaps(const struct ranges *ranges, struct range r)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (r.first <= ranges->items[i].last && ranges->items[i].first <= r.last)
            return true;
    return false;
}

/* RANGE_BAD: to be ignored, the whole file is sent. RANGE_OUTSIDE: none of them can be satisfied. */
static enum range_result parse_ranges(struct str value, int64_t size, struct ranges *ranges)
{
    struct str unit = STR("bytes="), rest = str_skip(value, unit.n);
    unsigned specs = 0;

    ranges->count = 0;
    if (!str_starts_nocase(value, unit))
        return RANGE_BAD;
    while (rest.p) {
        struct str spec = str_trim(str_until(&rest, ','));
        enum range_result result;
        struct range r;

        if (spec.n == 0)
            continue; /* RFC 9110 section 5.6.1.2 */
        result = parse_range(spec, size, &r);
        if (result == RANGE_BAD || ++specs > FILE_RANGES_MAX)
            return RANGE_BAD;
        if (result == RANGE_OUTSIDE)
            continue;
        if (overlaps(ranges, r))
            return RANGE_BAD;
        ranges->items[ranges->count++] = r;
    }
    if (specs == 0)
        return RANGE_BAD;
    return ranges->count ? RANGE_INSIDE : RANGE_OUTSIDE;
}

/* Ranges are for GET (RFC 9110 section 14.2). Those of an empty file are ignored: nothing of it could be
 * named. */
static enum range_result ranges_of(const struct request *request, const struct validators *v, int64_t now,
                                   int64_t size, struct ranges *ranges)
{
    struct str value = field_only(request->fields, request->field_count, FIELD_RANGE);

    if (!value.p || request->method_id != METHOD_GET || size == 0 || size > INT64_MAX / 2 ||
        !condition_range_holds(request, v, now))
        return RANGE_BAD;
    return parse_ranges(value, size, ranges);
}

/* ---- the answer ---- */

enum { FIELDS_MAX = 5 };

static void add_field(struct file_answer *answer, struct str name, enum field_id id, struct str value)
{
    must(answer->field_count < FIELDS_MAX);
    answer->fields[answer->field_count++] = (struct field){name, value, id};
}

static void add_validators(struct arena *arena, struct file_answer *answer, const struct validators *v)
{
    char *date = arena_alloc(arena, DATE_HTTP_LENGTH);

    date_http(v->modified, date);
    add_field(answer, STR("Last-Modified"), FIELD_LAST_MODIFIED, str_make(date, DATE_HTTP_LENGTH));
    add_field(answer, STR("ETag"), FIELD_ETAG, v->etag);
    add_field(answer, STR("Accept-Ranges"), FIELD_ACCEPT_RANGES, STR("bytes"));
}

static void add_content_type(struct file_answer *answer, struct str type)
{
    if (type.p)
        add_field(answer, STR("Content-Type"), FIELD_CONTENT_TYPE, type);
}

static void add_part(struct file_answer *answer, struct str text, int64_t offset, int64_t length)
{
    answer->parts[answer->part_count++] = (struct file_part){text, offset, length};
    answer->length += (int64_t)text.n + length;
}

static void answer_whole(struct arena *arena, struct file_answer *answer, int64_t size, struct str type)
{
    add_content_type(answer, type);
    if (size == 0)
        return;
    answer->parts = ARENA_NEW(arena, struct file_part);
    add_part(answer, STR_NONE, 0, size);
}

static struct str range_text(struct arena *arena, struct range r, int64_t size)
{
    return arena_printf(arena, "bytes %lld-%lld/%lld", (long long)r.first, (long long)r.last,
                        (long long)size);
}

static void answer_range(struct arena *arena, struct file_answer *answer, struct range r, int64_t size,
                         struct str type)
{
    answer->status = 206;
    add_field(answer, STR("Content-Range"), FIELD_CONTENT_RANGE, range_text(arena, r, size));
    add_content_type(answer, type);
    answer->parts = ARENA_NEW(arena, struct file_part);
    add_part(answer, STR_NONE, r.first, r.last - r.first + 1);
}

/* RFC 9110 section 14.6. */
static void answer_ranges(struct arena *arena, struct file_answer *answer, const struct ranges *ranges,
                          int64_t size, const struct file_options *options)
{
    struct str boundary = arena_printf(arena, "%016llx", (unsigned long long)options->boundary);
    struct str type = STR("");

    if (options->type.p)
        type = ARENA_CONCAT(arena, STR("Content-Type: "), options->type, STR("\r\n"));
    answer->status = 206;
    add_content_type(answer, ARENA_CONCAT(arena, STR("multipart/byteranges; boundary="), boundary));
    answer->parts = ARENA_ARRAY(arena, struct file_part, ranges->count + 1);
    for (size_t i = 0; i < ranges->count; i++) {
        struct range r = ranges->items[i];
        struct str text = ARENA_CONCAT(arena, i ? STR("\r\n--") : STR("--"), boundary, STR("\r\n"), type,
                                       STR("Content-Range: "), range_text(arena, r, size), STR("\r\n\r\n"));

        add_part(answer, text, r.first, r.last - r.first + 1);
    }
    add_part(answer, ARENA_CONCAT(arena, STR("\r\n--"), boundary, STR("--\r\n")), 0, 0);
}

/* RFC 9110 section 15.5.17. */
static void answer_unsatisfiable(struct arena *arena, struct file_answer *answer, int64_t size)
{
    answer->status = 416;
    answer->field_count = 0;
    add_field(answer, STR("Content-Range"), FIELD_CONTENT_RANGE,
              arena_printf(arena, "bytes */%lld", (long long)size));
}

void file_answer(struct arena *arena, const struct request *request, const struct file_facts *facts,
                 const struct file_options *options, struct file_answer *answer)
{
    struct validators v = validators_of(arena, facts, options);
    enum range_result result = RANGE_BAD;
    struct ranges ranges;

    *answer = (struct file_answer){.status = options->status,
                                   .fields = ARENA_ARRAY(arena, struct field, FIELDS_MAX)};
    if (options->status == 200)
        answer->status = condition_status(request, &v, options->now);
    if (answer->status == 412)
        return;
    add_validators(arena, answer, &v);
    if (answer->status == 304)
        return;
    if (options->status == 200)
        result = ranges_of(request, &v, options->now, facts->size, &ranges);
    if (result == RANGE_BAD)
        answer_whole(arena, answer, facts->size, options->type);
    else if (result == RANGE_OUTSIDE)
        answer_unsatisfiable(arena, answer, facts->size);
    else if (ranges.count == 1)
        answer_range(arena, answer, ranges.items[0], facts->size, options->type);
    else
        answer_ranges(arena, answer, &ranges, facts->size, options);
}
