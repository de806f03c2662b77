#include "reply/file.h"

#include "base/date.h"
#include "base/must.h"

/* ---- validators ---- */

/* What conditions are measured by, and what is sent. */
struct validators {
    struct str etag;
    int64_t modified; /* seconds since 1970, never later than now */
};

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
    struct validators v = {.etag = options->etag.p ? options->etag : file_etag(arena, facts)};

    if (!options->last_modified.p || !date_http_parse(options->last_modified, options->now, &v.modified))
        v.modified = seconds_of(facts->mtime_us);
    if (v.modified > options->now)
        v.modified = options->now; /* RFC 9110 section 8.8.2.1 */
    return v;
}

/* Cuts an entity-tag off the front of *s; false when there is none (RFC 9110 section 8.8.3). */
static bool take_etag(struct str *s, struct str *opaque, bool *weak)
{
    struct str rest;

    *weak = str_starts(*s, STR("W/"));
    rest = str_skip(*s, *weak ? 2 : 0);
    if (!str_starts(rest, STR("\"")))
        return false;
    rest = str_skip(rest, 1);
    *opaque = str_until(&rest, '"');
    *s = rest;
    return rest.p != NULL;
}

/* True if the list holds the entity-tag; strong: neither may be weak. What follows a malformed member does
 * not count. */
static bool etag_list_has(struct str list, struct str etag, bool strong)
{
    struct str ours, theirs;
    bool ours_weak, theirs_weak;

    if (!take_etag(&etag, &ours, &ours_weak) || (strong && ours_weak))
        return false;
    for (;;) {
        while (list.n && (list.p[0] == ',' || list.p[0] == ' ' || list.p[0] == '\t'))
            list = str_skip(list, 1);
        if (!take_etag(&list, &theirs, &theirs_weak))
            return false;
        if (str_eq(ours, theirs) && !(strong && theirs_weak))
            return true;
        list = str_trim(list);
        if (!str_starts(list, STR(",")))
            return false;
    }
}

static bool any_etag_matches(const struct request *request, enum field_id id, struct str etag, bool strong)
{
    const struct field *f;
    size_t at = 0;

    while ((f = field_next(request->fields, request->field_count, id, &at)))
        if (str_eq(f->value, STR("*")) || etag_list_has(f->value, etag, strong))
            return true;
    return false;
}

/* ---- conditions ---- */

/* The value of a field that comes once; absent without it, and when it comes more often. */
static struct str single_value(const struct request *request, enum field_id id)
{
    size_t at = 0;
    const struct field *f = field_next(request->fields, request->field_count, id, &at);

    return f && !field_next(request->fields, request->field_count, id, &at) ? f->value : STR_NONE;
}

/* A condition whose date is none is ignored (RFC 9110 sections 13.1.3, 13.1.4). */
static bool single_date(const struct request *request, enum field_id id, int64_t now, int64_t *date)
{
    struct str value = single_value(request, id);

    return value.p && date_http_parse(value, now, date);
}

static bool has_field(const struct request *request, enum field_id id)
{
    return field_first(request->fields, request->field_count, id) != NULL;
}

static bool is_get_or_head(const struct request *request)
{
    return request->method_id == METHOD_GET || request->method_id == METHOD_HEAD;
}

/* RFC 9110 section 13.2.2: 200, 304 or 412. */
static int evaluate_conditions(const struct request *request, const struct validators *v, int64_t now)
{
    int64_t date;

    if (has_field(request, FIELD_IF_MATCH)) {
        if (!any_etag_matches(request, FIELD_IF_MATCH, v->etag, true))
            return 412;
    } else if (single_date(request, FIELD_IF_UNMODIFIED_SINCE, now, &date) && v->modified > date) {
        return 412;
    }
    if (!is_get_or_head(request))
        return 200;
    if (has_field(request, FIELD_IF_NONE_MATCH))
        return any_etag_matches(request, FIELD_IF_NONE_MATCH, v->etag, false) ? 304 : 200;
    return single_date(request, FIELD_IF_MODIFIED_SINCE, now, &date) && v->modified <= date ? 304 : 200;
}

/* RFC 9110 section 13.1.5: no If-Range, or a strong validator that is ours. A date is one when the file has
 * not changed within the second that it names (section 8.8.2.2). */
static bool if_range_holds(const struct request *request, const struct validators *v, int64_t now)
{
    struct str value;
    int64_t date;

    if (!has_field(request, FIELD_IF_RANGE))
        return true;
    value = single_value(request, FIELD_IF_RANGE);
    if (str_starts(value, STR("\"")) || str_starts(value, STR("W/")))
        return etag_list_has(value, v->etag, true);
    return value.p && date_http_parse(value, now, &date) && date == v->modified && date < now;
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
    struct str value = single_value(request, FIELD_RANGE);

    if (!value.p || request->method_id != METHOD_GET || size == 0 || size > INT64_MAX / 2 ||
        !if_range_holds(request, v, now))
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
        answer->status = evaluate_conditions(request, &v, options->now);
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
