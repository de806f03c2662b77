#include "reply/condition.h"
#include "base/date.h"

/* ---- entity-tags ---- */

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

/* A condition whose date is none is ignored (RFC 9110 sections 13.1.3, 13.1.4). */
static bool single_date(const struct request *request, enum field_id id, int64_t now, int64_t *date)
{
    struct str value = field_only(request->fields, request->field_count, id);

    return value.p && date_http_parse(value, now, date);
}

static bool has_field(const struct request *request, enum field_id id)
{
    return field_first(request->fields, request->field_count, id) != NULL;
}

bool condition_is_get_or_head(const struct request *request)
{
    return request->method_id == METHOD_GET || request->method_id == METHOD_HEAD;
}

int condition_status(const struct request *request, const struct validators *v, int64_t now)
{
    int64_t date;

    if (!v->etag.p && !v->has_modified)
        return 200;
    if (has_field(request, FIELD_IF_MATCH)) {
        if (!any_etag_matches(request, FIELD_IF_MATCH, v->etag, true))
            return 412;
    } else if (single_date(request, FIELD_IF_UNMODIFIED_SINCE, now, &date) && v->has_modified &&
               v->modified > date) {
        return 412;
    }
    if (!condition_is_get_or_head(request))
        return 200;
    if (has_field(request, FIELD_IF_NONE_MATCH))
        return any_etag_matches(request, FIELD_IF_NONE_MATCH, v->etag, false) ? 304 : 200;
    return single_date(request, FIELD_IF_MODIFIED_SINCE, now, &date) && v->has_modified && v->modified <= date
               ? 304
               : 200;
}

/* A date is a strong validator when the file has
 * not changed within the second that it names (section 8.8.2.2). */
bool condition_range_holds(const struct request *request, const struct validators *v, int64_t now)
{
    struct str value;
    int64_t date;

    if (!has_field(request, FIELD_IF_RANGE))
        return true;
    value = field_only(request->fields, request->field_count, FIELD_IF_RANGE);
    if (str_starts(value, STR("\"")) || str_starts(value, STR("W/")))
        return etag_list_has(value, v->etag, true);
    return value.p && date_http_parse(value, now, &date) && date == v->modified && date < now;
}
