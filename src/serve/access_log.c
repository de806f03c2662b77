#include "serve/access_log.h"

#include <time.h>
#include <unistd.h>

enum { VALUE_MAX = 16 * 1024 };

static void put_or_dash(struct out *o, struct str s)
{
    if (s.n)
        out_escaped(o, s, VALUE_MAX);
    else
        out_char(o, '-');
}

/* The format is the configuration's, not a peer's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t format_time(char *text, size_t size, const char *format, const struct tm *tm)
{
    return strftime(text, size, format, tm);
}
#pragma GCC diagnostic pop

static void put_time(struct out *o, const struct log_item *item, const struct access_facts *f)
{
    time_t seconds = (time_t)(f->s->begun_wall_ms / 1000);
    char format[128], text[256];
    struct tm tm;

    localtime_r(&seconds, &tm);
    if (str_eq(item->argument, STR("sec"))) {
        out_printf(o, "%lld", (long long)seconds);
        return;
    }
    if (str_eq(item->argument, STR("msec"))) {
        out_printf(o, "%lld", (long long)f->s->begun_wall_ms);
        return;
    }
    if (item->argument.n >= sizeof format)
        return;
    memcpy(format, item->argument.p ? item->argument.p : "", item->argument.n);
    format[item->argument.n] = '\0';
    out_bytes(o, text,
              format_time(text, sizeof text, item->argument.n ? format : "[%d/%b/%Y:%H:%M:%S %z]", &tm));
}

static void put_field(struct out *o, const struct field *fields, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(fields[i].name, name)) {
            put_or_dash(o, fields[i].value);
            return;
        }
    out_char(o, '-');
}

static void put_cookie(struct out *o, const struct request *r, struct str name)
{
    const struct field *f;
    size_t at = 0;

    while ((f = field_next(r->fields, r->field_count, FIELD_COOKIE, &at)) != NULL) {
        struct str rest = f->value;

        while (rest.p) {
            struct str value = str_until(&rest, ';');
            struct str key = str_trim(str_until(&value, '='));

            if (str_eq(key, name)) {
                put_or_dash(o, value);
                return;
            }
        }
    }
    out_char(o, '-');
}

static void put_duration(struct out *o, const struct log_item *item, int64_t ms)
{
    if (item->letter == 'D' || str_eq(item->argument, STR("us")))
        out_u64(o, (uint64_t)ms * 1000);
    else if (str_eq(item->argument, STR("ms")))
        out_u64(o, (uint64_t)ms);
    else
        out_u64(o, (uint64_t)ms / 1000);
}

static void put_bytes(struct out *o, char letter, uint64_t n)
{
    if (letter == 'b' && n == 0)
        out_char(o, '-');
    else
        out_u64(o, n);
}

static void put_request_part(struct out *o, char letter, bool final, const struct exchange *x)
{
    const struct request *r = x->first;

    switch (letter) {
    case 'r':
        put_or_dash(o, r->line);
        break;
    case 'm':
        put_or_dash(o, r->method);
        break;
    case 'H':
        put_or_dash(o, r->protocol);
        break;
    case 'U':
        put_or_dash(o, x->first_path.p && !final     ? x->first_path
                       : x->routed && x->plan.path.p ? x->plan.path
                                                     : r->uri.path);
        break;
    case 'q':
        if (r->uri.query.p) {
            out_char(o, '?');
            out_escaped(o, r->uri.query, VALUE_MAX);
        }
        break;
    default:
        break;
    }
}

static void put_server_part(struct out *o, const struct log_item *item, const struct access_facts *f)
{
    const struct endpoints *e = &f->s->endpoints;

    switch (item->letter) {
    case 'v':
        put_or_dash(o, f->x->plan.server->name);
        break;
    case 'V':
        put_or_dash(o, f->x->plan.host.p ? f->x->plan.host : f->x->plan.server->name);
        break;
    case 'p':
        out_u64(o, str_eq(item->argument, STR("remote")) ? e->remote_port : e->local_port);
        break;
    case 'P':
        out_u64(o, (uint64_t)getpid());
        break;
    case 'k':
        out_u64(o, f->s->requests_before);
        break;
    default:
        break;
    }
}

/* %{NAME}i, o, e, C: a field of the request or the response, a variable, a cookie. */
static void put_named(struct out *o, const struct log_item *item, const struct exchange *x)
{
    switch (item->letter) {
    case 'i':
        put_field(o, x->first->fields, x->first->field_count, item->argument);
        break;
    case 'o':
        put_field(o, x->response.fields, x->response.field_count, item->argument);
        break;
    case 'e':
        put_or_dash(o, vars_get(x->params.count ? &x->params : &x->vars, item->argument));
        break;
    case 'C':
        put_cookie(o, x->first, item->argument);
        break;
    default:
        break;
    }
}

static void put_item(struct out *o, const struct log_item *item, const struct access_facts *f)
{
    const struct exchange *x = f->x;

    switch (item->letter) {
    case 0:
        out_str(o, item->argument);
        break;
    case '%':
        out_char(o, '%');
        break;
    case 'h':
    case 'a':
        put_or_dash(o, f->s->endpoints.remote_addr);
        break;
    case 'A':
        put_or_dash(o, f->s->endpoints.local_addr);
        break;
    case 't':
        put_time(o, item, f);
        break;
    case 's':
        out_u64(o, (uint64_t)(x->first_status && !item->final ? x->first_status : x->response.status));
        break;
    case 'b':
    case 'B':
        put_bytes(o, item->letter, x->content_sent);
        break;
    case 'I':
        out_u64(o, f->s->received);
        break;
    case 'O':
        out_u64(o, f->s->sent_bytes);
        break;
    case 'S':
        out_u64(o, f->s->received + f->s->sent_bytes);
        break;
    case 'D':
    case 'T':
        put_duration(o, item, f->took_ms);
        break;
    case 'i':
    case 'o':
    case 'e':
    case 'C':
        put_named(o, item, x);
        break;
    case 'X':
        out_char(o, x->cut_off ? 'X' : f->s->keep_alive ? '+' : '-');
        break;
    case 'f':
        put_or_dash(o, x->file_path.p ? x->file_path : x->plan.script_filename);
        break;
    case 'r':
    case 'm':
    case 'H':
    case 'U':
    case 'q':
        put_request_part(o, item->letter, item->final, x);
        break;
    case 'v':
    case 'V':
    case 'p':
    case 'P':
    case 'k':
        put_server_part(o, item, f);
        break;
    default: /* l, u and what has no value here */
        out_char(o, '-');
    }
}

void access_log_line(struct out *o, const struct log_format *format, const struct access_facts *facts)
{
    for (size_t i = 0; i < format->items.count; i++)
        put_item(o, &format->items.items[i], facts);
}
