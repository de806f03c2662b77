#include "http/h1.h"

/* One call of h1_parse_request(). */
struct reading {
    struct str bytes;
    const struct h1_limits *limits;
    struct arena *arena;
    struct request *request;
    struct h1_fault *fault;
    bool line_read; /* the request line was parsed in this call */
};

static bool bad(struct reading *r, int status, const char *reason, size_t offset)
{
    *r->fault = (struct h1_fault){.status = status, .reason = reason, .offset = offset};
    return false;
}

static bool over(struct reading *r, int status, const char *reason, size_t offset, const char *directive)
{
    bad(r, status, reason, offset);
    r->fault->directive = directive;
    return false;
}

/* The HTTP-version at the end of the request line (RFC 9112 section 2.3). */
static bool read_version(struct reading *r, struct str version, size_t offset)
{
    struct request *q = r->request;

    if (version.n != 8 || !str_starts(version, STR("HTTP/")) || !ascii_digit(version.p[5]) ||
        version.p[6] != '.' || !ascii_digit(version.p[7]))
        return bad(r, 400, "the request line does not end with a version", offset);
    q->protocol = version;
    if (version.p[5] == '0')
        return bad(r, 505, "version below HTTP/1.0", offset);
    q->minor_version = !str_eq(version, STR("HTTP/1.0"));
    return true;
}

/* Which form of target goes with which method: RFC 9112 sections 3.2.3 and 3.2.4. */
static bool form_allowed(const struct request *q)
{
    if ((q->method_id == METHOD_CONNECT) != (q->uri.form == URI_AUTHORITY))
        return false;
    return q->uri.form != URI_ASTERISK || q->method_id == METHOD_OPTIONS;
}

/* method SP request-target SP HTTP-version (RFC 9112 section 3). */
static bool read_request_line(struct reading *r, size_t start, size_t n)
{
    struct str line = str_make(r->bytes.p + start, n), rest;
    struct request *q = r->request;
    size_t method = 0;

    r->line_read = true;
    q->line = line;
    while (method < n && field_is_tchar((unsigned char)line.p[method]))
        method++;
    if (method == 0 || method == n || line.p[method] != ' ')
        return bad(r, 400, "the request line does not begin with a method and one blank", start + method);
    q->method = str_first(line, method);
    q->method_id = method_of(q->method);
    rest = str_skip(line, method + 1);
    q->target = str_until(&rest, ' ');
    if (!rest.p)
        return bad(r, 400, "request line without a version (HTTP/0.9)", start + n);
    if (!read_version(r, rest, (size_t)(rest.p - r->bytes.p)))
        return false;
    if (!uri_parse_target(q->target, &q->uri) || !form_allowed(q))
        return bad(r, 400, "invalid request target", start + method + 1);
    return true;
}

/* A complete line of n bytes without its CRLF. */
static bool take_line(struct reading *r, struct h1_parser *p, size_t n)
{
    unsigned fields_max = r->limits->fields ? r->limits->fields : H1_FIELDS_MAX;

    if (p->lines == 0 && !read_request_line(r, p->start, n))
        return false;
    if (p->lines > fields_max)
        return over(r, 400, "too many header fields", p->line_start, "LimitRequestFields");
    p->lines++;
    return true;
}

static bool check_length(struct reading *r, const struct h1_parser *p, size_t n)
{
    if (p->lines == 0 && n > r->limits->line_length)
        return over(r, 414, "request line too long", p->line_start + r->limits->line_length,
                    "LimitRequestLine");
    if (p->lines > 0 && n > r->limits->field_length)
        return over(r, 400, "header field too long", p->line_start + r->limits->field_length,
                    "LimitRequestFieldSize");
    return true;
}

/* Looks for the ends of lines in the new bytes until the head is complete. What it finds depends on the bytes
 * only, never on how they were cut: a line is judged when it ends, or when it is too long already. */
static enum h1_result find_end(struct reading *r, struct h1_parser *p, size_t *size)
{
    const char *bytes = r->bytes.p;
    size_t n = r->bytes.n;

    while (p->scanned < n) {
        const char *found = memchr(bytes + p->scanned, '\n', n - p->scanned);
        size_t end = found ? (size_t)(found - bytes) : n;
        bool cr = end > p->line_start && bytes[end - 1] == '\r';
        size_t length = end - cr - p->line_start;

        p->scanned = end;
        if (!check_length(r, p, length))
            return H1_BAD;
        if (!found)
            return H1_PARTIAL;
        p->scanned = end + 1;
        if (!cr)
            return bad(r, 400, "line ends with a bare LF", end), H1_BAD;
        if (length == 0 && p->lines) {
            *size = end + 1;
            return H1_COMPLETE;
        }
        if (length == 0) {
            p->start = end + 1;
            if (p->start > 2 * H1_EMPTY_LINES_MAX)
                return bad(r, 400, "too many empty lines before the request", end), H1_BAD;
        } else if (!take_line(r, p, length)) {
            return H1_BAD;
        }
        p->line_start = end + 1;
    }
    return H1_PARTIAL;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The value that begins at *at, with its CRLF; moves *at behind it. Before end stands the head's last CRLF,
 * so that a line always ends before it. */
static bool read_value(struct reading *r, size_t *at, size_t end, struct str *value)
{
    const char *bytes = r->bytes.p;

    while (blank(bytes[*at]))
        ++*at;
    *value = str_make(bytes + *at, end - *at);
    value->n = field_value_span(*value);
    *at += value->n;
    if (bytes[*at] != '\r' || bytes[*at + 1] != '\n')
        return bad(r, 400, "control byte in a field value", *at);
    *at += 2;
    while (value->n && blank(value->p[value->n - 1]))
        value->n--;
    return true;
}

/* Joins the lines of a folded field with one SP each (RFC 9112 section 5.2). Fields that frame or route the
 * message must not be folded: other parsers read them differently. */
static bool unfold(struct reading *r, struct field *f, size_t *at, size_t end)
{
    const char *bytes = r->bytes.p;
    size_t start = *at, stop = start;
    struct str line;
    char *p;

    if (f->id == FIELD_CONTENT_LENGTH || f->id == FIELD_TRANSFER_ENCODING || f->id == FIELD_HOST)
        return bad(r, 400, "folded Content-Length, Transfer-Encoding or Host", start);
    while (blank(bytes[stop]))
        stop = (size_t)((const char *)memchr(bytes + stop, '\n', end - stop) - bytes) + 1;
    p = arena_alloc(r->arena, f->value.n + stop - start);
    memcpy(p, f->value.p, f->value.n);
    f->value.p = p;
    while (*at < stop) {
        if (!read_value(r, at, end, &line))
            return false;
        if (line.n == 0)
            continue;
        if (f->value.n)
            p[f->value.n++] = ' ';
        memcpy(p + f->value.n, line.p, line.n);
        f->value.n += line.n;
    }
    if (f->value.n > r->limits->field_length)
        return over(r, 400, "header field too long", start, "LimitRequestFieldSize");
    return true;
}

/* field-name ":" OWS field-value OWS (RFC 9112 section 5). */
static bool read_field(struct reading *r, struct field *f, size_t *at, size_t end)
{
    const char *bytes = r->bytes.p;
    size_t start = *at;

    while (field_is_tchar((unsigned char)bytes[*at]))
        ++*at;
    f->name = str_make(bytes + start, *at - start);
    if (bytes[*at] != ':') {
        const char *reason = bytes[*at] == '\r'  ? "field line without a colon"
                             : blank(bytes[*at]) ? "blank in or behind a field name"
                                                 : "invalid byte in a field name";

        return bad(r, 400, reason, *at);
    }
    if (f->name.n == 0)
        return bad(r, 400, "empty field name", start);
    ++*at;
    f->id = field_id_of(f->name);
    return read_value(r, at, end, &f->value);
}

static bool read_fields(struct reading *r, size_t at, size_t end, size_t lines)
{
    struct request *q = r->request;

    q->fields = lines ? arena_alloc(r->arena, lines * sizeof *q->fields) : NULL;
    while (at < end) {
        struct field *f = &q->fields[q->field_count];

        if (!blank(r->bytes.p[at])) {
            if (!read_field(r, f, &at, end))
                return false;
            q->field_count++;
        } else if (q->field_count == 0) {
            return bad(r, 400, "blank before the first field name", at);
        } else if (!unfold(r, f - 1, &at, end)) {
            return false;
        }
    }
    return true;
}

/* What the fields say about the message as a whole. */
struct meaning {
    const struct field *host, *length, *coding;
    bool close, keep_alive;
};

static size_t offset_of(const struct reading *r, const struct field *f)
{
    return (size_t)(f->name.p - r->bytes.p);
}

static bool note_field(struct reading *r, struct meaning *m, const struct field *f)
{
    switch (f->id) {
    case FIELD_HOST:
        if (m->host)
            return bad(r, 400, "more than one Host", offset_of(r, f));
        m->host = f;
        break;
    case FIELD_CONTENT_LENGTH:
        if (m->length)
            return bad(r, 400, "more than one Content-Length", offset_of(r, f));
        m->length = f;
        break;
    case FIELD_TRANSFER_ENCODING:
        if (m->coding)
            return bad(r, 400, "more than one Transfer-Encoding", offset_of(r, f));
        m->coding = f;
        break;
    case FIELD_CONNECTION:
        m->close |= str_list_has(f->value, STR("close"));
        m->keep_alive |= str_list_has(f->value, STR("keep-alive"));
        break;
    case FIELD_EXPECT:
        if (str_eq_nocase(f->value, STR("100-continue")))
            r->request->expect_continue = r->request->minor_version > 0;
        else if (f->value.n)
            return bad(r, 417, "unknown expectation", offset_of(r, f));
        break;
    default:
        break;
    }
    return true;
}

/* RFC 9112 section 3.2: which authority the request is for. */
static bool settle_authority(struct reading *r, const struct field *host)
{
    struct request *q = r->request;
    struct str name;
    unsigned port;

    if (!host && q->minor_version > 0)
        return bad(r, 400, "HTTP/1.1 request without Host", 0);
    if (host &&
        (str_find(host->value, '@') >= 0 || !uri_parse_authority(r->arena, host->value, &name, &port)))
        return bad(r, 400, "invalid Host", offset_of(r, host));
    q->authority = host ? host->value : STR_NONE;
    if (q->uri.authority.p) {
        if (!uri_parse_authority(r->arena, q->uri.authority, &name, &port))
            return bad(r, 400, "invalid authority in the request target",
                       (size_t)(q->uri.authority.p - r->bytes.p));
        q->authority = str_skip(q->uri.authority, (size_t)(str_find_last(q->uri.authority, '@') + 1));
    }
    return true;
}

/* True for at least two codings of which the last, and only the last, is chunked. */
static bool chunked_last(struct str codings)
{
    bool other = false;

    while (codings.p) {
        struct str coding = str_trim(str_until(&codings, ','));
        bool chunked = str_eq_nocase(coding, STR("chunked"));

        if (!field_name_valid(coding) || chunked != !codings.p)
            return false;
        other |= !chunked;
    }
    return other;
}

/* RFC 9112 section 6: where the content ends. */
static bool settle_body(struct reading *r, const struct meaning *m)
{
    struct request *q = r->request;

    if (m->coding) {
        size_t offset = offset_of(r, m->coding);

        if (q->minor_version == 0)
            return bad(r, 400, "Transfer-Encoding in HTTP/1.0", offset);
        if (m->length)
            return bad(r, 400, "both Content-Length and Transfer-Encoding", offset);
        if (chunked_last(m->coding->value))
            return bad(r, 501, "unknown transfer coding", offset);
        if (!str_eq_nocase(m->coding->value, STR("chunked")))
            return bad(r, 400, "the transfer coding is not chunked", offset);
        q->body = REQUEST_BODY_CHUNKED;
    } else if (m->length) {
        if (!str_to_u64(m->length->value, INT64_MAX, &q->content_length))
            return bad(r, 400, "invalid Content-Length", offset_of(r, m->length));
        q->body = REQUEST_BODY_LENGTH;
    }
    return true;
}

static bool read_head(struct reading *r, const struct h1_parser *p, size_t size)
{
    struct request *q = r->request;
    struct meaning m = {0};

    if (!read_fields(r, p->start + q->line.n + 2, size - 2, p->lines - 1))
        return false;
    for (size_t i = 0; i < q->field_count; i++)
        if (!note_field(r, &m, &q->fields[i]))
            return false;
    q->keep_alive = !m.close && (q->minor_version > 0 || m.keep_alive);
    return settle_authority(r, m.host) && settle_body(r, &m);
}

/* Leaves of the request what the log wants. */
static void keep_line(struct reading *r, const struct h1_parser *p)
{
    struct request *q = r->request;

    /* Without a request line that was read, the fault is in it. */
    if (!q->line.p && r->fault->offset > p->start)
        q->line = str_make(r->bytes.p + p->start, r->fault->offset - p->start);
    *q = (struct request){.line = q->line,
                          .method = q->method,
                          .method_id = q->method_id,
                          .protocol = q->protocol,
                          .minor_version = q->minor_version};
}

enum h1_result h1_parse_request(struct h1_parser *parser, struct str bytes, const struct h1_limits *limits,
                                struct arena *arena, struct request *request, size_t *size,
                                struct h1_fault *fault)
{
    struct reading r = {bytes, limits, arena, request, fault, false};
    enum h1_result result;

    *request = (struct request){0};
    result = find_end(&r, parser, size);
    if (result == H1_PARTIAL)
        return result;
    if (parser->lines && !r.line_read) {
        /* It was valid, so its first CR is its end. */
        const char *cr = memchr(bytes.p + parser->start, '\r', bytes.n - parser->start);
        struct h1_fault found = *fault;

        read_request_line(&r, parser->start, (size_t)(cr - bytes.p) - parser->start);
        *fault = found;
    }
    if (result == H1_COMPLETE && read_head(&r, parser, *size))
        return H1_COMPLETE;
    keep_line(&r, parser);
    return H1_BAD;
}
