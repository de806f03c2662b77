#include "http/uri.h"
#include "tool/app.h"
#include "tool/text.h"

#include "scgi/netstring.h"

#include <openssl/evp.h>
#include <time.h>

#define TEXT STR("text/plain; charset=utf-8")
#define JSON STR("application/json")
#define HTML STR("text/html; charset=utf-8")

/* Whether a value from the request may stand in a field of the head: visible ASCII only, so that nobody
 * smuggles a line into it. */
static bool fit_for_field(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0;
}

/* ---- the environment ---- */

static void route_env(struct app_request *rq)
{
    size_t room = 4 * rq->block.n + 1;
    struct out o = OUT_INIT(arena_alloc(&rq->arena, room), room);
    struct str rest = rq->block, name, value;

    while (netstring_next(&rest, &name, &value)) {
        out_line(&o, name);
        out_char(&o, '=');
        out_line(&o, value);
        out_char(&o, '\n');
    }
    reply(rq, 200, TEXT, out_done(&o));
}

static void route_env_json(struct app_request *rq)
{
    size_t room = 6 * rq->block.n + 8 * (size_t)rq->variables + 8;
    struct out o = OUT_INIT(arena_alloc(&rq->arena, room), room);
    struct str rest = rq->block, name, value, between = STR("{\n");

    for (; netstring_next(&rest, &name, &value); between = STR(",\n")) {
        out_str(&o, between);
        out_json(&o, name);
        out_str(&o, STR(": "));
        out_json(&o, value);
    }
    out_str(&o, STR("\n}\n"));
    reply(rq, 200, JSON, out_done(&o));
}

/* ---- size and time ---- */

/* The same 64 bytes again and again, the last a newline: byte i of a body is that of i modulo 64. */
#define PATTERN     "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
#define PATTERN_4   PATTERN PATTERN PATTERN PATTERN
#define PATTERN_16  PATTERN_4 PATTERN_4 PATTERN_4 PATTERN_4
#define PATTERN_64  PATTERN_16 PATTERN_16 PATTERN_16 PATTERN_16
#define PATTERN_256 PATTERN_64 PATTERN_64 PATTERN_64 PATTERN_64

static const struct str pattern =
    STR_INIT(PATTERN_256 PATTERN_256 PATTERN_256 PATTERN_256); /* APP_PIECE_SIZE bytes */

/* With ?ms= between the pieces, the body comes slowly. */
static void send_pattern(struct app_request *rq, uint64_t size)
{
    uint64_t ms = request_query_number(rq, STR("ms"), APP_PAUSE_MAX_MS, 0);
    uint64_t piece = request_query_number(rq, STR("piece"), pattern.n, pattern.n);

    piece = ms && piece >= 64 ? piece & ~(uint64_t)63 : pattern.n;
    for (bool more = reply_flush(rq); more && size; size -= piece) {
        if (size < piece)
            piece = size;
        more = reply_body(rq, str_first(pattern, (size_t)piece)) &&
               (!ms || size == piece || request_pause(rq, ms));
        if (str_eq(rq->method, STR("HEAD")))
            break;
    }
}

static void route_bytes(struct app_request *rq)
{
    reply_head(rq, 200, STR("application/octet-stream"), (int64_t)rq->number, STR(""));
    send_pattern(rq, rq->number);
}

static void route_stream(struct app_request *rq)
{
    reply_head(rq, 200, STR("application/octet-stream"), -1, STR(""));
    send_pattern(rq, rq->number);
}

static void route_delay(struct app_request *rq)
{
    if (rq->number > APP_PAUSE_MAX_MS)
        reply(rq, 400, TEXT, STR("at most 600000 milliseconds\n"));
    else if (request_pause(rq, rq->number))
        reply(rq, 200, TEXT,
              arena_printf(&rq->arena, "answered after %llu milliseconds\n", (unsigned long long)rq->number));
}

static void send_event(struct app_request *rq, unsigned long long i, unsigned long long n)
{
    char memory[200];
    struct out o = OUT_INIT(memory, sizeof memory);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    out_printf(&o, "id: %llu\ndata: event %llu of %llu, sent at %02d:%02d:%02d.%03ld UTC\n\n", i, i, n,
               (int)(now.tv_sec / 3600 % 24), (int)(now.tv_sec / 60 % 60), (int)(now.tv_sec % 60),
               now.tv_nsec / 1000000);
    reply_body(rq, out_done(&o));
}

static void route_events(struct app_request *rq)
{
    uint64_t n = request_query_number(rq, STR("n"), 1000000, 5);
    uint64_t ms = request_query_number(rq, STR("ms"), 60000, 500);

    reply_head(rq, 200, STR("text/event-stream"), -1, STR("Cache-Control: no-cache\r\n"));
    reply_flush(rq);
    for (uint64_t i = 1; i <= n && !rq->broken; i++) {
        send_event(rq, i, n);
        if (i < n)
            request_pause(rq, ms);
    }
    reply_body(rq, STR("event: end\ndata: no more\n\n"));
}

/* ---- statuses and fields ---- */

static void route_status(struct app_request *rq)
{
    int status = (int)rq->number;

    if (rq->number < 100 || rq->number > 999)
        reply(rq, 400, TEXT, STR("a status has three digits\n"));
    else if (status < 200 || status == 204 || status == 304)
        reply_head(rq, status, STR(""), -1, STR("")), reply_flush(rq);
    else
        reply(rq, status, TEXT, arena_printf(&rq->arena, "status %d, as asked\n", status));
}

static void route_cookies(struct app_request *rq)
{
    struct str cookie = request_var(rq, STR("HTTP_COOKIE"));
    struct str body = ARENA_CONCAT(&rq->arena, STR("two cookies are set; came with this request: "),
                                   cookie.n ? cookie : STR("none"), STR("\n"));

    reply_head(
        rq, 200, TEXT, (int64_t)body.n,
        STR("Set-Cookie: flavour=almond; Path=/; SameSite=Lax\r\n"
            "Set-Cookie: visit=\"a, b\"; Path=/; HttpOnly; Expires=Wed, 21 Oct 2037 07:28:00 GMT\r\n"));
    reply_body(rq, body);
}

static void route_headers(struct app_request *rq)
{
    static const struct str lines = STR_INIT("X-Empty:\r\n"
                                             "X-No-Blank:value\r\n"
                                             "X-Blanks: \t  value between blanks \t \r\n"
                                             "X-Tab-Inside: a\tb\r\n"
                                             "X-Ends-With-LF: this line has no CR\n"
                                             "X-Latin-1: caf\xe9\r\n"
                                             "X-UTF-8: caf\xc3\xa9\r\n"
                                             "X-Colons: a:b::c:\r\n"
                                             "X-Twice: one\r\n"
                                             "X-Twice: two\r\n"
                                             "x-LOWER-upper: case is kept or not, it means the same\r\n"
                                             "X!#$%&'*+.^_`|~9: every character of a token\r\n");
    static const struct str body = STR_INIT("the head of this answer has odd but legal fields\n");
    struct str filler = str_first(pattern, 63),
               line = ARENA_CONCAT(&rq->arena, filler, filler, filler, filler);

    line = ARENA_CONCAT(&rq->arena, lines, STR("X-Long: "), line, line, line, line, STR("\r\n"));
    reply_head(rq, 200, TEXT, (int64_t)body.n, line);
    reply_body(rq, body);
}

/* ---- bodies from the client ---- */

static void route_early(struct app_request *rq)
{
    reply(rq, 413, TEXT, STR("refused before the body was read\n"));
    if (request_query(rq, STR("rude")).p)
        rq->broken = true; /* no lingering: what has come unread resets the connection */
}

static void route_echo(struct app_request *rq)
{
    char *bytes = arena_alloc(&rq->arena, APP_PIECE_SIZE);
    struct str type = request_var(rq, STR("CONTENT_TYPE"));
    ssize_t n;

    /* Written while it is read: a gateway that sends all before it reads blocks here on a long body. */
    reply_head(rq, 200, fit_for_field(type) ? type : STR("application/octet-stream"), (int64_t)rq->body_left,
               STR(""));
    do
        n = request_read(rq, bytes, APP_PIECE_SIZE);
    while (n > 0 && reply_body(rq, str_make(bytes, (size_t)n)));
    reply_flush(rq);
}

static void route_upload(struct app_request *rq)
{
    char *bytes = arena_alloc(&rq->arena, APP_PIECE_SIZE);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    uint64_t length = rq->body_left;
    EVP_MD_CTX *sha256;
    struct out o = OUT_INIT(arena_alloc(&rq->arena, 8192), 8192);
    ssize_t n;
    bool good;

    if (!str_eq(rq->method, STR("POST")) && !str_eq(rq->method, STR("PUT"))) {
        reply_head(rq, 405, TEXT, 20, STR("Allow: POST, PUT\r\n"));
        reply_body(rq, STR("POST something here\n"));
        return;
    }
    sha256 = EVP_MD_CTX_new();
    good = sha256 && EVP_DigestInit_ex(sha256, EVP_sha256(), NULL);
    while ((n = request_read(rq, bytes, APP_PIECE_SIZE)) > 0)
        good = good && EVP_DigestUpdate(sha256, bytes, (size_t)n);
    good = good && EVP_DigestFinal_ex(sha256, digest, &digest_size);
    EVP_MD_CTX_free(sha256);
    if (n < 0)
        return; /* the client has not sent all of it: nobody waits for an answer */
    if (!good) {
        reply(rq, 500, TEXT, STR("no SHA-256 here\n"));
        return;
    }
    out_printf(&o, "{\"length\": %llu, \"sha256\": \"", (unsigned long long)length);
    for (unsigned i = 0; i < digest_size; i++)
        out_printf(&o, "%02x", digest[i]);
    out_str(&o, STR("\", \"content_type\": "));
    out_json(&o, str_first(request_var(rq, STR("CONTENT_TYPE")), 1000));
    out_str(&o, STR("}\n"));
    reply(rq, 200, JSON, out_done(&o));
}

/* ---- what the gateway does for an application ---- */

/* base as it stands in a URL. */
static struct str base_url(struct app_request *rq)
{
    return uri_encode_path(&rq->arena, rq->base, false);
}

static struct str url_below(struct app_request *rq, struct str path)
{
    return ARENA_CONCAT(&rq->arena, base_url(rq), path);
}

/* Names a local path in the field: the gateway fetches that path itself and the client never knows. */
static void redirect_locally(struct app_request *rq, struct str field)
{
    struct str to = request_query(rq, STR("to")), lines, body;

    if (!to.p)
        to = url_below(rq, STR("/env"));
    if (!fit_for_field(to) || to.p[0] != '/') {
        reply(rq, 400, TEXT, STR("?to= must be a path\n"));
        return;
    }
    body = ARENA_CONCAT(&rq->arena, STR("The gateway did not follow "), field, STR(" to "), to, STR("\n"));
    lines = ARENA_CONCAT(&rq->arena, field, STR(": "), to, STR("\r\n"));
    reply_head(rq, 200, TEXT, (int64_t)body.n, lines);
    reply_body(rq, body);
}

static void route_redirect(struct app_request *rq)
{
    redirect_locally(rq, STR("Location"));
}

static void route_x_location(struct app_request *rq)
{
    redirect_locally(rq, STR("X-Location"));
}

/* A redirect that the client follows: without a Status it is 302 (RFC 3875 section 6.2.3). */
static void route_redirect_external(struct app_request *rq)
{
    struct str host = request_var(rq, STR("HTTP_HOST")), scheme = request_var(rq, STR("REQUEST_SCHEME"));
    uint64_t status = request_query_number(rq, STR("status"), 999, 0);
    struct str url = ARENA_CONCAT(&rq->arena, fit_for_field(scheme) ? scheme : STR("http"), STR("://"),
                                  fit_for_field(host) ? host : STR("localhost"), url_below(rq, STR("/env")));
    struct str line = ARENA_CONCAT(&rq->arena, STR("Location: "), url, STR("\r\n"));

    if (status >= 300) {
        reply_head(rq, (int)status, TEXT, 0, line);
        reply_flush(rq);
    } else {
        reply_raw(rq, 302, ARENA_CONCAT(&rq->arena, line, STR("\r\n")));
    }
}

/* Letters, digits and ._- in segments that do not begin with a dot: never a way out of the directory. */
static bool fit_for_file(struct str name)
{
    char before = '/';

    for (size_t i = 0; i < name.n; before = name.p[i], i++) {
        char c = name.p[i];

        if (before == '/' && (c == '.' || c == '/'))
            return false;
        if (!ascii_digit(c) && (ascii_lower(c) < 'a' || ascii_lower(c) > 'z') && str_find(STR("._-/"), c) < 0)
            return false;
    }
    return before != '/';
}

static void route_sendfile(struct app_request *rq)
{
    struct str name = request_query(rq, STR("name")), field = request_query(rq, STR("field")), line;

    if (!rq->app->files) {
        reply(rq, 404, TEXT, STR("start the application with --files DIR to have files sent\n"));
        return;
    }
    if (!fit_for_file(name)) {
        reply(rq, 400, TEXT, STR("?name= must be the name of a file: letters, digits, '.', '_', '-', '/'\n"));
        return;
    }
    if (!field.p)
        field = STR("X-Sendfile");
    if (!str_starts(field, STR("X-Send")) || !fit_for_file(field) || str_find(field, '/') >= 0) {
        reply(rq, 400, TEXT, STR("?field= must begin with X-Send\n"));
        return;
    }
    /* No Content-Type, so that the gateway takes it from the file's name; and so no body either. */
    line = ARENA_CONCAT(&rq->arena, field, STR(": "), str_from(rq->app->files), STR("/"), name, STR("\r\n"));
    reply_head(rq, 200, STR(""), -1, line);
    reply_flush(rq);
}

/* ---- faults ---- */

static void route_close_early(struct app_request *rq)
{
    rq->broken = true;
}

static void route_truncate(struct app_request *rq)
{
    reply_head(rq, 200, TEXT, 1000, STR(""));
    reply_body(rq, str_first(pattern, 500));
}

static const struct {
    struct str kind, head;
} bad_heads[] = {
    {STR_INIT("colon"), STR_INIT("Content-Type: text/plain\r\nthis line has no colon\r\n\r\n")},
    {STR_INIT("name"), STR_INIT("Content-Type: text/plain\r\nX Name: value\r\n\r\n")},
    {STR_INIT("cr"), STR_INIT("Content-Type: text/plain\r\nX-Name: a\rb\r\n\r\n")},
    {STR_INIT("fold"), STR_INIT("Content-Type: text/plain\r\nX-Name: a\r\n b\r\n\r\n")},
    {STR_INIT("nul"), STR_INIT("Content-Type: text/plain\r\nX-Name: a\0b\r\n\r\n")},
    {STR_INIT("status"), STR_INIT("Status: fine\r\nContent-Type: text/plain\r\n\r\n")},
    {STR_INIT("lengths"),
     STR_INIT("Content-Type: text/plain\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")},
    {STR_INIT("coding"), STR_INIT("Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {STR_INIT("unfinished"), STR_INIT("Content-Type: text/plain\r\nX-Name: the head ends he")},
};

static void route_bad_head(struct app_request *rq)
{
    struct str kind = request_query(rq, STR("kind"));
    size_t i = 0;

    while (i < sizeof bad_heads / sizeof bad_heads[0] && !str_eq(bad_heads[i].kind, kind))
        i++;
    if (i == sizeof bad_heads / sizeof bad_heads[0])
        i = 0;
    reply_raw(rq, 200, ARENA_CONCAT(&rq->arena, bad_heads[i].head, STR("hello\n")));
}

/* ---- the table ---- */

enum { NUMBER = 1, BODY = 2 };

static const struct route {
    struct str path; /* below base */
    int flags; /* NUMBER: a number follows. BODY: it reads the request's body itself, else that is dropped
                  before. */
    void (*answer)(struct app_request *rq);
} routes[] = {
    {STR_INIT("/env"), 0, route_env},
    {STR_INIT("/env.json"), 0, route_env_json},
    {STR_INIT("/bytes/"), NUMBER, route_bytes},
    {STR_INIT("/stream/"), NUMBER, route_stream},
    {STR_INIT("/delay/"), NUMBER, route_delay},
    {STR_INIT("/events"), 0, route_events},
    {STR_INIT("/status/"), NUMBER, route_status},
    {STR_INIT("/cookies"), 0, route_cookies},
    {STR_INIT("/headers"), 0, route_headers},
    {STR_INIT("/early"), BODY, route_early},
    {STR_INIT("/echo"), BODY, route_echo},
    {STR_INIT("/upload"), BODY, route_upload},
    {STR_INIT("/redirect"), 0, route_redirect},
    {STR_INIT("/redirect-external"), 0, route_redirect_external},
    {STR_INIT("/x-location"), 0, route_x_location},
    {STR_INIT("/sendfile"), 0, route_sendfile},
    {STR_INIT("/close-early"), 0, route_close_early},
    {STR_INIT("/truncate"), 0, route_truncate},
    {STR_INIT("/bad-head"), 0, route_bad_head},
    {STR_INIT("/"), 0, app_home},
};

static const struct route *find_route(struct str path, uint64_t *number)
{
    for (const struct route *r = routes; r < routes + sizeof routes / sizeof routes[0]; r++) {
        if (r->flags & NUMBER) {
            if (str_starts(path, r->path) && str_to_u64(str_skip(path, r->path.n), INT64_MAX, number))
                return r;
        } else if (str_eq(path, r->path)) {
            return r;
        }
    }
    return NULL;
}

/* base begins links: were it "//host", they would lead to another host. */
static void set_place(struct app_request *rq, struct str base, struct str path)
{
    while (str_starts(base, STR("//")))
        base = str_skip(base, 1);
    rq->base = base;
    rq->path = path;
}

/* A gateway that splits the path says where the application is mounted: SCRIPT_NAME, and what lies below it:
 * PATH_INFO. Without PATH_INFO the whole path is all that we have; then the longest end of it that is a route
 * counts. */
static const struct route *find_any_route(struct app_request *rq)
{
    struct str info = request_var(rq, STR("PATH_INFO")), name = request_var(rq, STR("SCRIPT_NAME"));
    const struct route *r;

    if (info.p) {
        set_place(rq, name, info.n ? info : STR("/"));
        return find_route(rq->path, &rq->number);
    }
    if (!name.n) {
        name = request_var(rq, STR("REQUEST_URI"));
        name = str_until(&name, '?');
    }
    for (size_t i = 0; i < name.n; i++) {
        set_place(rq, str_first(name, i), str_skip(name, i));
        r = name.p[i] == '/' ? find_route(rq->path, &rq->number) : NULL;
        if (r)
            return r;
    }
    set_place(rq, STR(""), name);
    return NULL;
}

static void not_found(struct app_request *rq)
{
    size_t room = 512 + 6 * rq->path.n + 18 * rq->base.n;
    struct out o = OUT_INIT(arena_alloc(&rq->arena, room), room);

    out_str(&o, STR("<!doctype html><meta charset=utf-8><title>Not found</title>\n<p>Nothing here by the "
                    "name of <code>"));
    out_html(&o, rq->path);
    out_str(&o, STR("</code>. The <a href=\""));
    out_html(&o, base_url(rq));
    out_str(&o, STR("/\">home page</a> shows all that there is.\n"));
    reply(rq, 404, HTML, out_done(&o));
}

static bool drop_body(struct app_request *rq)
{
    char bytes[8192];
    ssize_t n;

    do
        n = request_read(rq, bytes, sizeof bytes);
    while (n > 0);
    return n == 0;
}

void app_route(struct app_request *rq)
{
    const struct route *r = find_any_route(rq);

    if (!(r && r->flags & BODY) && !drop_body(rq))
        return;
    if (r)
        r->answer(rq);
    else
        not_found(rq);
}
