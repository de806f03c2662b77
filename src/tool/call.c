/* call: one request to an SCGI application, `scgate call ADDRESS PATH`: what curl is for HTTP.
 *
 * The request goes out and the answer comes in at the same time, so that an application may answer before it
 * has read the body. The answer's head is read as the gateway reads it.
 */
#include "base/out.h"
#include "base/vars.h"
#include "scgi/encode.h"
#include "scgi/head.h"
#include "tool/address.h"
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_CONNECT = 7,
    EXIT_STATUS = 22,
    EXIT_WRITE = 23,
    EXIT_READ_FILE = 26,
    EXIT_TIMEOUT = 28,
    EXIT_ANSWER = 56,
};

static const char usage[] =
    "usage: scgate call ADDRESS PATH [options]\n"
    "\n"
    "Sends one request to an SCGI application, without a gateway, and prints the body of its answer.\n"
    "\n"
    "ADDRESS is scgi://HOST:PORT, HOST:PORT (PORT is 4000 when left out), or unix:PATH; PATH may have a "
    "?query.\n"
    "\n"
    "  -X METHOD      the request's method (GET; POST with -d)\n"
    "  -d BODY        a body; @FILE is what the file holds, @- what standard input gives\n"
    "  -H 'NAME: V'   a field of the request's head: becomes the variable HTTP_NAME (or CONTENT_TYPE)\n"
    "  -e NAME=VALUE  sets any variable; -e NAME takes it away\n"
    "  -i             prints the answer's head too\n"
    "  -f             an answer of status 400 and more is a failure: no body, exit status 22\n"
    "  -v             shows what is sent, and the time it took, on standard error\n"
    "  --timeout S    seconds for all of it (30)\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 answered; 2 wrong usage; 7 no connection; 22 status 400 and more with -f; 23 output "
    "failed;\n"
    "26 the file of -d cannot be read; 28 out of time; 56 no answer, or one that is broken or cut off.\n";

struct call {
    struct arena arena;
    struct vars vars;
    struct address address;
    const char *address_text;
    struct str body;
    bool has_body, show_head, fail, verbose;
    int64_t timeout_ms;

    int fd;
    int64_t began_us, until_us;
    struct str unsent[2]; /* netstring and body */
    char head_memory[256 * 1024];
    size_t head_used;
    struct cgi_head_parser parser;
    struct cgi_head head;
    size_t head_size;  /* bytes; 0: not complete yet */
    uint64_t received; /* bytes of the answer's body */
    int64_t connected_us, first_byte_us;
};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the request ---- */

static int hex_digit(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False for a '%' without two hexadecimal digits, and for %00. */
static bool decode_path(struct arena *arena, struct str path, struct str *decoded)
{
    char *p = arena_alloc(arena, path.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < path.n; i++) {
        int high, low;

        p[n++] = path.p[i];
        if (path.p[i] != '%')
            continue;
        high = i + 2 < path.n ? hex_digit(path.p[i + 1]) : -1;
        low = high >= 0 ? hex_digit(path.p[i + 2]) : -1;
        if (low < 0 || high + low == 0)
            return false;
        p[n - 1] = (char)(high << 4 | low);
        i += 2;
    }
    *decoded = str_make(p, n);
    return true;
}

static void set_variables(struct call *c, struct str target, struct str path_info)
{
    struct str query = target, length = arena_printf(&c->arena, "%zu", c->body.n);
    const struct var all[] = {
        {STR("CONTENT_LENGTH"), length},
        {STR("SCGI"), STR("1")},
        {STR("REQUEST_METHOD"), c->has_body ? STR("POST") : STR("GET")},
        {STR("REQUEST_URI"), target},
        {STR("SCRIPT_NAME"), STR("")},
        {STR("PATH_INFO"), path_info},
        {STR("QUERY_STRING"), STR("")},
        {STR("SERVER_PROTOCOL"), STR("HTTP/1.1")},
        {STR("SERVER_SOFTWARE"), STR("scgate/" SCGATE_VERSION " (call)")},
        {STR("SERVER_NAME"), STR("localhost")},
        {STR("SERVER_ADDR"), STR("127.0.0.1")},
        {STR("SERVER_PORT"), STR("80")},
        {STR("REQUEST_SCHEME"), STR("http")},
        {STR("REMOTE_ADDR"), STR("127.0.0.1")},
        {STR("REMOTE_PORT"), STR("0")},
        {STR("HTTP_HOST"), STR("localhost")},
        {STR("HTTP_USER_AGENT"), STR("scgate/" SCGATE_VERSION)},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        vars_set(&c->vars, all[i].name, all[i].value);
    str_until(&query, '?');
    if (query.p)
        vars_set(&c->vars, STR("QUERY_STRING"), query);
    if (c->has_body)
        vars_set(&c->vars, STR("CONTENT_TYPE"), STR("application/x-www-form-urlencoded"));
}

static bool add_field(struct call *c, const char *text)
{
    struct str value = str_from(text), name = str_until(&value, ':');
    struct out variable = OUT_INIT(arena_alloc(&c->arena, name.n + 5), name.n + 5);

    if (!value.p || !name.n || str_eq_nocase(name, STR("Content-Length")))
        return false; /* the length is what -d makes it, unless -e says otherwise */
    out_str(&variable, STR("HTTP_"));
    for (size_t i = 0; i < name.n; i++) {
        char ch = ascii_upper(name.p[i]);

        if (ch != '-' && !ascii_digit(ch) && (ch < 'A' || ch > 'Z'))
            return false;
        out_char(&variable, ch == '-' ? '_' : ch);
    }
    if (str_eq_nocase(name, STR("Content-Type")))
        vars_set(&c->vars, STR("CONTENT_TYPE"), str_trim(value));
    else
        vars_set(&c->vars, out_done(&variable), str_trim(value));
    return true;
}

static bool set_variable(struct call *c, const char *text)
{
    struct str value = str_from(text), name = str_until(&value, '=');

    if (!name.n)
        return false;
    if (value.p)
        vars_set(&c->vars, name, value);
    else
        vars_unset(&c->vars, name);
    return true;
}

/* All that the file holds; it may be a pipe, whose length nobody knows. */
static bool read_file(struct call *c, const char *name)
{
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    size_t room = 64 * 1024, used = 0;
    char *p = fd < 0 ? NULL : malloc(room);
    ssize_t n = -1;

    while (p && (n = read(fd, p + used, room - used)) > 0) {
        used += (size_t)n;
        if (used == room) {
            char *larger = realloc(p, room * 2);

            if (!larger)
                break;
            p = larger;
            room *= 2;
        }
    }
    if (n == 0)
        c->body = arena_copy(&c->arena, str_make(p, used));
    free(p);
    if (fd > STDIN_FILENO)
        close(fd);
    return n == 0;
}

static bool set_body(struct call *c, const char *text)
{
    c->has_body = true;
    if (text[0] == '@')
        return read_file(c, text + 1);
    c->body = str_from(text);
    return true;
}

/* ---- what -v shows ---- */

static void show_line(const char *mark, struct str line)
{
    char memory[4096];
    struct out o = OUT_INIT(memory, sizeof memory);

    out_escaped(&o, line, 900);
    fprintf(stderr, "%s %.*s\n", mark, (int)o.n, o.p);
}

static void show_request(struct call *c)
{
    struct arena *arena = &c->arena;

    fprintf(stderr, "* connected to %s after %.1f ms\n", c->address_text,
            (double)(c->connected_us - c->began_us) / 1000);
    for (size_t i = 0; i < c->vars.count; i++)
        show_line(
            ">",
            arena_concat(arena, (struct str[]){c->vars.items[i].name, STR("="), c->vars.items[i].value}, 3));
    fprintf(stderr, "* sent: netstring of %zu bytes, body of %zu bytes\n", c->unsent[0].n, c->unsent[1].n);
}

static void show_head(const struct call *c)
{
    struct str head = str_make(c->head_memory, c->head_size);

    while (head.n) {
        struct str line = str_until(&head, '\n');

        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        show_line("<", line);
    }
}

static void show_times(const struct call *c)
{
    fprintf(stderr, "* connected %.1f ms, first byte %.1f ms, total %.1f ms, body of %llu bytes\n",
            (double)(c->connected_us - c->began_us) / 1000, (double)(c->first_byte_us - c->began_us) / 1000,
            (double)(now_us() - c->began_us) / 1000, (unsigned long long)c->received);
}

/* ---- the exchange ---- */

/* Sends what goes without waiting. A failure is not the end: an answer may be there already. */
static void send_some(struct call *c)
{
    for (int i = 0; i < 2; i++) {
        ssize_t n;

        if (!c->unsent[i].n)
            continue;
        n = send(c->fd, c->unsent[i].p, c->unsent[i].n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            c->unsent[i] = str_skip(c->unsent[i], (size_t)n);
        } else if (errno != EAGAIN && errno != EINTR) {
            if (c->verbose)
                fprintf(stderr, "* sending failed: %s; %zu bytes not sent\n", strerror(errno),
                        c->unsent[0].n + c->unsent[1].n);
            c->unsent[0] = c->unsent[1] = STR("");
        }
        return;
    }
}

static int status_of(const struct call *c)
{
    if (c->head.status)
        return c->head.status;
    for (size_t i = 0; i < c->head.field_count; i++) /* RFC 3875 section 6.2.3 */
        if (str_eq_nocase(c->head.fields[i].name, STR("Location")) &&
            !str_starts(c->head.fields[i].value, STR("/")))
            return 302;
    return 200;
}

static int take_body(struct call *c, struct str bytes)
{
    uint64_t room = c->head.content_length >= 0 ? (uint64_t)c->head.content_length - c->received : UINT64_MAX;

    if (bytes.n > room) {
        fwrite(bytes.p, 1, (size_t)room, stdout);
        return tool_fail("call", EXIT_ANSWER,
                         "the answer is broken: more bytes than its Content-Length, %lld",
                         (long long)c->head.content_length);
    }
    c->received += bytes.n;
    if (c->fail && status_of(c) >= 400)
        return 0;
    if (fwrite(bytes.p, 1, bytes.n, stdout) != bytes.n || fflush(stdout) != 0)
        return tool_fail("call", EXIT_WRITE, "output failed: %s", strerror(errno));
    return 0;
}

static int take_head(struct call *c, size_t n)
{
    struct cgi_head_fault fault = {0};
    struct str all;

    c->head_used += n;
    all = str_make(c->head_memory, c->head_used);
    switch (cgi_head_parse(&c->parser, all, &cgi_head_limits_default, &c->arena, &c->head, &c->head_size,
                           &fault)) {
    case CGI_HEAD_PARTIAL:
        c->head_size = 0;
        if (c->head_used == sizeof c->head_memory)
            return tool_fail("call", EXIT_ANSWER, "the answer is broken: its head is longer than %zu bytes",
                             sizeof c->head_memory);
        return 0;
    case CGI_HEAD_BAD:
        show_line("<", str_skip(all, fault.offset < 40 ? 0 : fault.offset - 40));
        return tool_fail("call", EXIT_ANSWER, "the answer is broken: %s (byte %zu of its head)", fault.reason,
                         fault.offset);
    case CGI_HEAD_COMPLETE:
        break;
    }
    if (c->verbose)
        show_head(c);
    if (c->show_head)
        fwrite(all.p, 1, c->head_size, stdout);
    return take_body(c, str_skip(all, c->head_size));
}

/* The application has closed: was that all? */
static int take_end(struct call *c, int error)
{
    struct str method = vars_get(&c->vars, STR("REQUEST_METHOD"));

    if (error && c->head_size && c->head.content_length == (int64_t)c->received)
        return 0; /* all is here; it closed without having read our body */
    if (error)
        return tool_fail("call", EXIT_ANSWER, "the answer is broken: %s", strerror(error));
    if (c->head_used == 0)
        return tool_fail("call", EXIT_ANSWER, "the application closed the connection without an answer");
    if (!c->head_size)
        return tool_fail("call", EXIT_ANSWER, "the answer is cut off: %zu bytes of a head that does not end",
                         c->head_used);
    if (c->head.content_length > (int64_t)c->received && !str_eq(method, STR("HEAD")) && status_of(c) != 304)
        return tool_fail("call", EXIT_ANSWER, "the answer is cut off: %llu of %lld bytes",
                         (unsigned long long)c->received, (long long)c->head.content_length);
    if (c->fail && status_of(c) >= 400)
        return tool_fail("call", EXIT_STATUS, "the application answered with status %d", status_of(c));
    return 0;
}

/* Receives once; *done at the end of the answer. */
static int receive_some(struct call *c, bool *done)
{
    static char bytes[64 * 1024];
    bool in_head = !c->head_size;
    char *at = in_head ? c->head_memory + c->head_used : bytes;
    ssize_t n = recv(c->fd, at, in_head ? sizeof c->head_memory - c->head_used : sizeof bytes, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        *done = true;
        return take_end(c, n < 0 ? errno : 0);
    }
    if (!c->first_byte_us)
        c->first_byte_us = now_us();
    return in_head ? take_head(c, (size_t)n) : take_body(c, str_make(bytes, (size_t)n));
}

static int exchange(struct call *c)
{
    bool done = false;
    int status = 0;

    while (!done && !status) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        int64_t left_ms = (c->until_us - now_us()) / 1000;

        if (c->unsent[0].n + c->unsent[1].n)
            p.events |= POLLOUT;
        if (left_ms <= 0)
            return tool_fail("call", EXIT_TIMEOUT, "%s within %lld s",
                             c->head_size ? "the answer did not end" : "no answer",
                             (long long)c->timeout_ms / 1000);
        if (poll(&p, 1, (int)left_ms) <= 0)
            continue;
        if (p.revents & POLLOUT)
            send_some(c);
        if (p.revents & (POLLIN | POLLHUP | POLLERR))
            status = receive_some(c, &done);
    }
    return status;
}

static int connect_and_exchange(struct call *c)
{
    char why[ADDRESS_FAULT_SIZE];
    int status;

    c->began_us = now_us();
    c->until_us = c->began_us + c->timeout_ms * 1000;
    c->fd = address_connect(&c->address, (int)c->timeout_ms, why);
    if (c->fd < 0)
        return tool_fail("call", errno == ETIMEDOUT ? EXIT_TIMEOUT : EXIT_CONNECT, "%s", why);
    c->connected_us = now_us();
    c->unsent[0] = scgi_encode(&c->arena, &c->vars);
    c->unsent[1] = c->body;
    if (c->verbose)
        show_request(c);
    status = exchange(c);
    if (c->verbose && c->first_byte_us)
        show_times(c);
    close(c->fd);
    return status;
}

/* ---- the command line ---- */

/* The options that set variables do so in a second pass, in their order, after the usual ones are there. */
static int parse_options(struct call *c, int argc, char **argv, bool second)
{
    static const struct option options[] = {
        {"timeout", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'}, {0}};
    uint64_t value;
    int o;

    opterr = 0;
    optind = 0;
    while ((o = getopt_long(argc, argv, ":X:d:H:e:ifvh", options, NULL)) != -1) {
        switch (o) {
        case 'X':
            if (second)
                vars_set(&c->vars, STR("REQUEST_METHOD"), str_from(optarg));
            break;
        case 'd':
            if (!second && !set_body(c, optarg))
                return tool_fail("call", EXIT_READ_FILE, "file \"%s\" cannot be read: %s", optarg + 1,
                                 strerror(errno));
            break;
        case 'H':
            if (second && !add_field(c, optarg))
                return tool_fail("call", TOOL_USAGE,
                                 "-H \"%s\" is not 'Name: value' with a name of letters, digits and '-'",
                                 optarg);
            break;
        case 'e':
            if (second && !set_variable(c, optarg))
                return tool_fail("call", TOOL_USAGE, "-e \"%s\" is not NAME=VALUE", optarg);
            break;
        case 'i':
            c->show_head = true;
            break;
        case 'f':
            c->fail = true;
            break;
        case 'v':
            c->verbose = true;
            break;
        case 't':
            if (!str_to_u64(str_from(optarg), 86400, &value) || value == 0)
                return tool_fail("call", TOOL_USAGE, "--timeout \"%s\" is not a number of seconds", optarg);
            c->timeout_ms = (int64_t)value * 1000;
            break;
        case 'h':
            fputs(usage, stdout);
            return -1;
        case ':':
            return tool_fail("call", TOOL_USAGE, "%s needs a value", argv[optind - 1]);
        default:
            return tool_fail("call", TOOL_USAGE, "unknown option \"%s\"", argv[optind - 1]);
        }
    }
    return 0;
}

int call_main(int argc, char **argv)
{
    static struct call c = {.timeout_ms = 30000}; /* static: it holds a large buffer */
    struct str target, path, path_info;
    char why[ADDRESS_FAULT_SIZE];
    int status;

    arena_init(&c.arena, NULL, 0);
    vars_init(&c.vars, &c.arena);
    status = parse_options(&c, argc, argv, false);
    if (status)
        return status < 0 ? 0 : status;
    if (argc - optind != 2)
        return tool_fail("call", TOOL_USAGE, "an ADDRESS and a PATH are needed");
    c.address_text = argv[optind];
    target = str_from(argv[optind + 1]);
    if (!address_parse(c.address_text, &c.address, why))
        return tool_fail("call", TOOL_USAGE, "%s", why);
    path = target;
    path = str_until(&path, '?');
    if (!str_starts(path, STR("/")) || !decode_path(&c.arena, path, &path_info))
        return tool_fail("call", TOOL_USAGE,
                         "path \"%s\": it must begin with '/', and '%%' be followed by two digits",
                         argv[optind + 1]);
    set_variables(&c, target, path_info);
    status = parse_options(&c, argc, argv, true);
    if (status == 0)
        status = connect_and_exchange(&c);
    arena_finish(&c.arena);
    return status;
}
