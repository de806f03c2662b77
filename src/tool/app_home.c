/* The home page: app_home.html with its {{names}} filled in. */
#include "http/uri.h"
#include "scgi/netstring.h"
#include "tool/app.h"
#include "tool/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/random.h>

enum { FILES_SHOWN = 4 };

struct page {
    struct app_request *rq;
    struct out *out;
    struct str nonce;
    struct str url; /* base as it stands in a URL */
};

static void put_var(struct page *p, const char *name, struct str otherwise)
{
    struct str value = request_var(p->rq, str_from(name));

    out_html(p->out, value.n ? value : otherwise);
}

static void put_base(struct page *p)
{
    out_html(p->out, p->rq->base);
}

static void put_url(struct page *p)
{
    out_html(p->out, p->url);
}

/* Inside a script's string, where HTML's escapes mean nothing. */
static void put_url_script(struct page *p)
{
    for (size_t i = 0; i < p->url.n; i++) {
        if (strchr("'\"\\<>&", p->url.p[i]))
            out_printf(p->out, "\\x%02x", p->url.p[i]);
        else
            out_char(p->out, p->url.p[i]);
    }
}

static void put_nonce(struct page *p)
{
    out_str(p->out, p->nonce);
}

static void put_version(struct page *p)
{
    out_str(p->out, STR(SCGATE_VERSION));
}

static void put_client(struct page *p)
{
    put_var(p, "REMOTE_ADDR", STR("address unknown"));
    if (request_var(p->rq, STR("REMOTE_PORT")).n) {
        out_str(p->out, STR(" port "));
        put_var(p, "REMOTE_PORT", STR(""));
    }
}

static void put_protocol(struct page *p)
{
    put_var(p, "SERVER_PROTOCOL", STR("HTTP"));
}

static void put_server(struct page *p)
{
    put_var(p, "SERVER_NAME", STR("name unknown"));
    out_str(p->out, STR(" port "));
    put_var(p, "SERVER_PORT", STR("unknown"));
}

static void put_software(struct page *p)
{
    put_var(p, "SERVER_SOFTWARE", STR("software unknown"));
}

static void put_application(struct page *p)
{
    out_html(p->out, str_from(p->rq->app->address));
}

static void put_method(struct page *p)
{
    out_html(p->out, p->rq->method);
}

static void put_uri(struct page *p)
{
    put_var(p, "REQUEST_URI", STR("-"));
}

static void put_split(struct page *p)
{
    put_var(p, "PATH_INFO", STR("not told: the gateway leaves the path whole"));
}

static void put_agent(struct page *p)
{
    put_var(p, "HTTP_USER_AGENT", STR("unknown"));
}

static void put_variables(struct page *p)
{
    out_u64(p->out, p->rq->variables);
}

static void put_rows(struct page *p)
{
    struct str rest = p->rq->block, name, value;

    while (netstring_next(&rest, &name, &value)) {
        out_str(p->out, STR("<tr><td>"));
        out_html(p->out, name);
        out_str(p->out, STR("</td><td>"));
        out_html(p->out, value);
        out_str(p->out, STR("</td></tr>\n"));
    }
}

static void put_origin(struct page *p)
{
    put_var(p, "REQUEST_SCHEME", STR("http"));
    out_str(p->out, STR("://"));
    put_var(p, "HTTP_HOST", STR("localhost"));
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_type == DT_REG;
}

static void put_files(struct page *p)
{
    struct dirent **names;
    int count = p->rq->app->files ? scandir(p->rq->app->files, &names, is_shown, alphasort) : -1;

    if (count <= 0)
        out_str(
            p->out,
            STR("<li>sendfile?name=FILE <span>X-Sendfile: start the application with --files DIR, and put "
                "a file there</span></li>"));
    for (int i = 0; i < count; i++) {
        struct str name = str_from(names[i]->d_name);

        if (i < FILES_SHOWN) {
            out_str(p->out, STR("<li><a href=\""));
            out_html(p->out, p->url);
            out_str(p->out, STR("/sendfile?name="));
            out_html(p->out, uri_encode_path(&p->rq->arena, name, false));
            out_str(p->out, STR("\">sendfile?name="));
            out_html(p->out, name);
            out_str(p->out, STR("</a> <span>X-Sendfile: the gateway sends the file itself"
                                "</span></li>\n"));
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

static const struct {
    struct str name;
    void (*put)(struct page *p);
} values[] = {
    {STR_INIT("agent"), put_agent},
    {STR_INIT("application"), put_application},
    {STR_INIT("base"), put_base},
    {STR_INIT("client"), put_client},
    {STR_INIT("files"), put_files},
    {STR_INIT("method"), put_method},
    {STR_INIT("nonce"), put_nonce},
    {STR_INIT("origin"), put_origin},
    {STR_INIT("protocol"), put_protocol},
    {STR_INIT("rows"), put_rows},
    {STR_INIT("server"), put_server},
    {STR_INIT("software"), put_software},
    {STR_INIT("split"), put_split},
    {STR_INIT("uri"), put_uri},
    {STR_INIT("url"), put_url},
    {STR_INIT("url_script"), put_url_script},
    {STR_INIT("variables"), put_variables},
    {STR_INIT("version"), put_version},
};

static void put_value(struct page *p, struct str name)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (str_eq(values[i].name, name))
            values[i].put(p);
}

/* A number that nobody can guess: a script that somebody else got into the page would have to know it. */
static struct str make_nonce(struct arena *arena)
{
    unsigned char bytes[16];
    struct out o = OUT_INIT(arena_alloc(arena, 64), 64);

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return STR("");
    for (size_t i = 0; i < sizeof bytes; i++)
        out_printf(&o, "%02x", bytes[i]);
    return out_done(&o);
}

static struct str page_lines(struct page *p)
{
    return ARENA_CONCAT(
        &p->rq->arena,
        STR("Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Security-Policy: default-src 'none'; connect-src 'self'; form-action 'self'; "
            "img-src data:; base-uri 'none'; style-src 'nonce-"),
        p->nonce, STR("'; script-src 'nonce-"), p->nonce, STR("'\r\n"));
}

void app_home(struct app_request *rq)
{
    /* The page names base about 50 times; everything else of the request appears at most three times,
     * escaped. */
    size_t room = 2 * app_home_html.n + 64 * 1024 + 24 * rq->block.n + 64 * 18 * rq->base.n;
    struct out o = OUT_INIT(arena_alloc(&rq->arena, room), room);
    struct page p = {rq, &o, make_nonce(&rq->arena), uri_encode_path(&rq->arena, rq->base, false)};
    struct str rest = app_home_html;
    ptrdiff_t at;

    while ((at = str_find_str(rest, STR("{{"))) >= 0) {
        out_str(&o, str_first(rest, (size_t)at));
        rest = str_skip(rest, (size_t)at + 2);
        put_value(&p, str_until(&rest, '}'));
        rest = str_skip(rest, 1);
    }
    out_str(&o, rest);
    if (o.overflow)
        reply(rq, 500, STR("text/plain"), STR("the page does not fit\n"));
    else {
        reply_head(rq, 200, STR("text/html; charset=utf-8"), (int64_t)o.n, page_lines(&p));
        reply_body(rq, out_done(&o));
    }
}
