#include "scgi/head.h"

const struct cgi_head_limits cgi_head_limits_default = {
    .total = 256 * 1024, .line = 64 * 1024, .lines = 1000};

static enum cgi_head_result bad(struct cgi_head_fault *fault, const char *reason, size_t offset,
                                const char *limit)
{
    *fault = (struct cgi_head_fault){.reason = reason, .offset = offset, .limit = limit};
    return CGI_HEAD_BAD;
}

/* ---- the end of the head, and the limits ---- */

/* The offset of the byte that makes the line from start too long, or SIZE_MAX. end: of what has come of the
 * line, its LF excluded. A CR at the end may belong to the line's end and does not count. */
static size_t line_excess(struct str bytes, size_t start, size_t end, size_t limit)
{
    if (end - start <= limit)
        return SIZE_MAX;
    if (bytes.p[start + limit] != '\r')
        return start + limit;
    return end == start + limit + 1 ? SIZE_MAX : start + limit + 1;
}

/* Looks for the empty line. Each fault shows at a byte of its own, and the first one counts: so the answer
 * does not depend on how the head was cut into pieces. */
static enum cgi_head_result scan(struct cgi_head_parser *p, struct str bytes,
                                 const struct cgi_head_limits *limits, size_t *size,
                                 struct cgi_head_fault *fault)
{
    for (;;) {
        ptrdiff_t at = str_find(str_skip(bytes, p->scanned), '\n');
        size_t end = at < 0 ? bytes.n : p->scanned + (size_t)at;
        size_t excess = line_excess(bytes, p->line_start, end, limits->line), length;

        if (excess < limits->total)
            return bad(fault, "line too long", excess, "line");
        if (end >= limits->total)
            return bad(fault, "head too long", limits->total, "total");
        if (at < 0) {
            p->scanned = bytes.n;
            return CGI_HEAD_PARTIAL;
        }
        length = end - p->line_start;
        p->scanned = end + 1;
        if (length == 0 || (length == 1 && bytes.p[p->line_start] == '\r')) {
            *size = end + 1;
            return CGI_HEAD_COMPLETE;
        }
        if (p->lines == limits->lines)
            return bad(fault, "too many lines", p->line_start, "lines");
        p->lines++;
        p->line_start = end + 1;
    }
}

/* ---- the meaning of its lines ---- */

/* "200", "404 Not Found" (RFC 3875 section 6.3.3). A reason that is glued to the code or not fit to be sent
 * is dropped. */
static const char *parse_status(struct cgi_head *head, struct str value)
{
    int code = 0;

    if (value.n < 3 || (value.n > 3 && ascii_digit(value.p[3])))
        return "status is no three-digit code";
    for (size_t i = 0; i < 3; i++) {
        if (!ascii_digit(value.p[i]))
            return "status is no three-digit code";
        code = code * 10 + (value.p[i] - '0');
    }
    if (code < 100 || code > 599)
        return "status outside 100 to 599";
    if (code == 101)
        return "status 101: protocols cannot be switched";
    head->status = code;
    head->reason = STR_NONE;
    if (value.n > 3 && value.p[3] == ' ') {
        struct str reason = str_trim(str_skip(value, 3));

        if (reason.n && field_reason_valid(reason))
            head->reason = reason;
    }
    return NULL;
}

/* "HTTP/1.1 200 OK" in front, as non-parsed-header programs write it. */
static const char *parse_status_line(struct cgi_head *head, struct str line)
{
    struct str version = STR_INIT("HTTP/1.");

    if (!str_starts(line, version) || line.n < version.n + 2 || !ascii_digit(line.p[version.n]) ||
        line.p[version.n + 1] != ' ')
        return "status line without \"HTTP/1.x \"";
    return parse_status(head, str_trim(str_skip(line, version.n + 2)));
}

static const char *parse_content_length(struct cgi_head *head, struct str value)
{
    uint64_t length;

    if (!str_to_u64(value, INT64_MAX, &length))
        return "Content-Length is no number";
    if (head->content_length >= 0 && head->content_length != (int64_t)length)
        return "two different Content-Length";
    head->content_length = (int64_t)length;
    return NULL;
}

/* What is wrong with a line that is no field, most telling first. */
static const char *line_fault(struct str line, struct str name)
{
    if (str_find(line, '\r') >= 0)
        return "CR inside a line";
    if (str_find(line, '\0') >= 0)
        return "NUL in a line";
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return "continuation line";
    if (name.n == line.n)
        return "line without colon";
    if (name.n == 0)
        return "empty field name";
    if (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t')
        return "blank before the colon";
    return field_name_valid(name) ? "control byte in a value" : "field name is no token";
}

/* Returns the fault or NULL. The field array has room for each line. */
static const char *parse_line(struct cgi_head *head, struct str line, bool first)
{
    struct str rest = line;
    struct field field = {.name = str_until(&rest, ':')};
    bool status_line = first && str_starts(line, STR("HTTP/"));

    if (!status_line && (!rest.p || !field_name_valid(field.name)))
        return line_fault(line, field.name);
    field.value = str_trim(rest);
    field.id = field_id_of(field.name);
    if (status_line || field.id == FIELD_STATUS) {
        if (str_find(line, '\r') >= 0 || str_find(line, '\0') >= 0)
            return line_fault(line, field.name);
        return status_line ? parse_status_line(head, line) : parse_status(head, field.value);
    }
    if (!field_value_valid(field.value))
        return line_fault(line, field.name);
    if (field.id == FIELD_TRANSFER_ENCODING)
        return "Transfer-Encoding is not for applications";
    if (field.id == FIELD_CONTENT_LENGTH)
        return parse_content_length(head, field.value);
    head->fields[head->field_count++] = field;
    return NULL;
}

enum cgi_head_result cgi_head_parse(struct cgi_head_parser *parser, struct str bytes,
                                    const struct cgi_head_limits *limits, struct arena *arena,
                                    struct cgi_head *head, size_t *size, struct cgi_head_fault *fault)
{
    enum cgi_head_result result = scan(parser, bytes, limits, size, fault);
    size_t start = 0;

    if (result != CGI_HEAD_COMPLETE)
        return result;
    *head = (struct cgi_head){.content_length = -1};
    head->fields = arena_alloc(arena, parser->lines * sizeof *head->fields);
    while (start < parser->line_start) {
        struct str rest = str_make(bytes.p + start, parser->line_start - start),
                   line = str_until(&rest, '\n');
        const char *reason;

        if (line.p[line.n - 1] == '\r')
            line.n--;
        reason = parse_line(head, line, start == 0);
        if (reason)
            return bad(fault, reason, start, NULL);
        start = parser->line_start - rest.n;
    }
    return CGI_HEAD_COMPLETE;
}
