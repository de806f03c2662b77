#include "http/h1_write.h"
#include "base/must.h"
#include "http/status.h"

/* The reason phrases and fields are valid, the caller has seen to that; here only space is counted. */

static size_t fields_size(const struct field *fields, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += fields[i].name.n + fields[i].value.n + 4;
    return n;
}

static char *put(char *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

static char *put_field(char *at, struct str name, struct str value)
{
    at = put(at, name);
    *at++ = ':';
    *at++ = ' ';
    at = put(at, value);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

static char *put_fields(char *at, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        at = put_field(at, fields[i].name, fields[i].value);
    return at;
}

/* status-line (RFC 9112 section 4); the blank in front of an empty phrase stays. */
static char *put_status_line(char *at, int status, struct str reason)
{
    at = put(at, STR("HTTP/1.1 "));
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    *at++ = ' ';
    at = put(at, reason);
    return put(at, STR("\r\n"));
}

/* RFC 9112 section 6.3: every answer that may have content says how it ends, except to HTTP/1.0 clients. */
static enum h1_framing choose_framing(const struct response *response, int client_minor_version)
{
    if (response->no_content || response->head_only)
        return H1_FRAMING_NONE;
    if (response->length >= 0)
        return H1_FRAMING_LENGTH;
    return client_minor_version > 0 ? H1_FRAMING_CHUNKED : H1_FRAMING_CLOSE;
}

/* The line that tells the framing; length_text has room for a Content-Length field. */
static struct str framing_line(const struct response *response, enum h1_framing framing, char *length_text,
                               size_t room)
{
    struct out o = OUT_INIT(length_text, room);
    int64_t length = response->length;

    if (framing == H1_FRAMING_CHUNKED)
        return STR("Transfer-Encoding: chunked\r\n");
    /* 205 is not among the statuses that end with their head (RFC 9110 section 15.3.6). */
    if (response->no_content)
        length = response->status == 205 ? 0 : RESPONSE_LENGTH_UNKNOWN;
    if (length < 0)
        return STR("");
    out_str(&o, STR("Content-Length: "));
    out_u64(&o, (uint64_t)length);
    out_str(&o, STR("\r\n"));
    must(!o.overflow);
    return out_done(&o);
}

static struct str connection_line(const struct h1_write_context *context, bool keep_alive)
{
    if (!keep_alive)
        return STR("Connection: close\r\n");
    return context->client_minor_version ? STR("") : STR("Connection: Keep-Alive\r\n");
}

struct own_fields {
    bool date, server;
};

/* Which fields the response has itself; what h1_write_head() alone decides is not among them. */
static struct own_fields look_at_fields(const struct response *response)
{
    struct own_fields own = {false, false};

    for (size_t i = 0; i < response->field_count; i++) {
        enum field_id id = response->fields[i].id;

        must(id != FIELD_CONTENT_LENGTH && !field_is_hop_by_hop(id));
        own.date |= id == FIELD_DATE;
        own.server |= id == FIELD_SERVER;
    }
    return own;
}

enum h1_framing h1_write_head(struct out *o, const struct response *response,
                              const struct h1_write_context *context, bool *keep_alive)
{
    enum h1_framing framing = choose_framing(response, context->client_minor_version);
    struct own_fields own = look_at_fields(response);
    struct str reason = response->reason.p ? response->reason : status_reason(response->status);
    struct str date = own.date ? STR_NONE : context->date;
    struct str server = own.server ? STR_NONE : context->server;
    char length_text[48];
    struct str line = framing_line(response, framing, length_text, sizeof length_text);
    struct str connection;
    size_t n;
    char *at;

    must(response->status >= 200 && response->status <= 599);
    *keep_alive = context->client_keep_alive && !response->close && framing != H1_FRAMING_CLOSE &&
                  (context->client_minor_version > 0 || context->client_asked_keep_alive);
    connection = connection_line(context, *keep_alive);

    n = sizeof("HTTP/1.1 200 \r\n") - 1 + reason.n + line.n + connection.n + 2 +
        fields_size(response->fields, response->field_count);
    n += date.p ? sizeof("Date: \r\n") - 1 + date.n : 0;
    n += server.p ? sizeof("Server: \r\n") - 1 + server.n : 0;
    if (o->overflow || n > o->cap - o->n) {
        o->overflow = true;
        return framing;
    }
    at = put_status_line(o->p + o->n, response->status, reason);
    if (date.p)
        at = put_field(at, STR("Date"), date);
    if (server.p)
        at = put_field(at, STR("Server"), server);
    at = put_fields(at, response->fields, response->field_count);
    at = put(put(put(at, line), connection), STR("\r\n"));
    o->n += n;
    must(at == o->p + o->n);
    return framing;
}

void h1_write_interim(struct out *o, int status, const struct field *fields, size_t field_count)
{
    struct str reason = status_reason(status);
    size_t n = sizeof("HTTP/1.1 100 \r\n\r\n") - 1 + reason.n + fields_size(fields, field_count);
    char *at;

    must(status >= 100 && status <= 199 && status != 101);
    if (o->overflow || n > o->cap - o->n) {
        o->overflow = true;
        return;
    }
    at = put_status_line(o->p + o->n, status, reason);
    at = put(put_fields(at, fields, field_count), STR("\r\n"));
    o->n += n;
    must(at == o->p + o->n);
}

void h1_write_chunk_head(struct out *o, uint64_t n)
{
    must(n > 0);
    out_hex(o, n);
    out_str(o, STR("\r\n"));
}
