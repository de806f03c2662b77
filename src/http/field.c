#include "http/field.h"
#include "http/span.h"

/* RFC 9110 section 5.6.2. */
const unsigned char field_tchars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

/* A perfect hash of length, first and last letter (in lower case). A new name that lands in a taken slot is
 * a warning of the compiler (initializer overridden): then choose other factors. */
enum { SLOTS = 128 };
#define SLOT(n, first, last)      (((n) + (first)*18u + (last)*23u) % SLOTS)
#define ROW(first, last, name, i) [SLOT(sizeof(name) - 1, first, last)] = {STR_INIT(name), i}

static const struct known {
    struct str name;
    enum field_id id;
} known[SLOTS] = {
    ROW('a', 's', "accept-ranges", FIELD_ACCEPT_RANGES),
    ROW('a', 'n', "authorization", FIELD_AUTHORIZATION),
    ROW('c', 'n', "connection", FIELD_CONNECTION),
    ROW('c', 'h', "content-length", FIELD_CONTENT_LENGTH),
    ROW('c', 'e', "content-range", FIELD_CONTENT_RANGE),
    ROW('c', 'e', "content-type", FIELD_CONTENT_TYPE),
    ROW('c', 'e', "cookie", FIELD_COOKIE),
    ROW('d', 'e', "date", FIELD_DATE),
    ROW('e', 'g', "etag", FIELD_ETAG),
    ROW('e', 't', "expect", FIELD_EXPECT),
    ROW('h', 't', "host", FIELD_HOST),
    ROW('i', 'h', "if-match", FIELD_IF_MATCH),
    ROW('i', 'e', "if-modified-since", FIELD_IF_MODIFIED_SINCE),
    ROW('i', 'h', "if-none-match", FIELD_IF_NONE_MATCH),
    ROW('i', 'e', "if-range", FIELD_IF_RANGE),
    ROW('i', 'e', "if-unmodified-since", FIELD_IF_UNMODIFIED_SINCE),
    ROW('k', 'e', "keep-alive", FIELD_KEEP_ALIVE),
    ROW('l', 'd', "last-modified", FIELD_LAST_MODIFIED),
    ROW('l', 'n', "location", FIELD_LOCATION),
    ROW('m', 's', "max-forwards", FIELD_MAX_FORWARDS),
    ROW('p', 'y', "proxy", FIELD_PROXY),
    ROW('p', 'n', "proxy-authorization", FIELD_PROXY_AUTHORIZATION),
    ROW('p', 'n', "proxy-connection", FIELD_PROXY_CONNECTION),
    ROW('r', 'e', "range", FIELD_RANGE),
    ROW('r', 'r', "referer", FIELD_REFERER),
    ROW('s', 'r', "server", FIELD_SERVER),
    ROW('s', 'e', "set-cookie", FIELD_SET_COOKIE),
    ROW('s', 's', "status", FIELD_STATUS),
    ROW('t', 'e', "te", FIELD_TE),
    ROW('t', 'r', "trailer", FIELD_TRAILER),
    ROW('t', 'g', "transfer-encoding", FIELD_TRANSFER_ENCODING),
    ROW('u', 'e', "upgrade", FIELD_UPGRADE),
    ROW('u', 't', "user-agent", FIELD_USER_AGENT),
    ROW('v', 'y', "vary", FIELD_VARY),
    ROW('x', 'e', "x-sendfile", FIELD_X_SENDFILE),
};

enum field_id field_id_of(struct str name)
{
    const struct known *k;

    if (name.n == 0)
        return FIELD_OTHER;
    k = &known[SLOT((unsigned)name.n, (unsigned char)ascii_lower(name.p[0]),
                    (unsigned char)ascii_lower(name.p[name.n - 1]))];
    return str_eq_nocase(name, k->name) ? k->id : FIELD_OTHER;
}

bool field_name_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!field_is_tchar((unsigned char)name.p[i]))
            return false;
    return name.n > 0;
}

size_t field_value_span(struct str text)
{
    size_t at = span_from(text, ' ');

    while (at < text.n && text.p[at] == '\t')
        at += 1 + span_from(str_skip(text, at + 1), ' ');
    return at;
}

bool field_value_valid(struct str value)
{
    return field_value_span(value) == value.n;
}

bool field_reason_valid(struct str reason)
{
    return field_value_span(reason) == reason.n;
}

const struct field *field_next(const struct field *fields, size_t count, enum field_id id, size_t *at)
{
    while (*at < count) {
        const struct field *f = &fields[(*at)++];

        if (f->id == id)
            return f;
    }
    return NULL;
}

struct str field_only(const struct field *fields, size_t count, enum field_id id)
{
    size_t at = 0;
    const struct field *f = field_next(fields, count, id, &at);

    return f && !field_next(fields, count, id, &at) ? f->value : STR_NONE;
}

const struct field *field_first(const struct field *fields, size_t count, enum field_id id)
{
    size_t at = 0;

    return field_next(fields, count, id, &at);
}

bool field_is_hop_by_hop(enum field_id id)
{
    switch (id) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TE:
    case FIELD_TRAILER:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
        return true;
    default:
        return false;
    }
}
