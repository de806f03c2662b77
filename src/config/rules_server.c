/* Directives of the process, of servers and of virtual hosts. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

enum { UNIX_PATH_MAX = 107, LINE_LIMIT_MAX = 1 << 20 };

/* ---- Listen ---- */

static bool same_address(const struct address *a, const struct address *b)
{
    return a->kind == b->kind && a->port == b->port && str_eq(a->host, b->host) && str_eq(a->path, b->path);
}

static bool listen_unix(const struct scope *s, const struct node *n, struct str path, struct address *address)
{
    if (path.n == 0 || path.p[path.n - 1] == '/') {
        scope_error(s, n, 0, "the path of the Unix socket is missing");
        return false;
    }
    path = value_path(s->load->arena, s->load->model->runtime_dir, path);
    if (path.n > UNIX_PATH_MAX) {
        scope_error(s, n, 0, "the socket path has %zu bytes; a path of a Unix socket holds at most %d",
                    path.n, UNIX_PATH_MAX);
        return false;
    }
    *address = (struct address){.kind = ADDRESS_UNIX, .path = path};
    return true;
}

/* "80", "*:80", "name:80", "1.2.3.4:80", "[::1]:80" */
static bool listen_tcp(const struct scope *s, const struct node *n, struct address *address)
{
    struct str text = n->words[0].text, host, port_text;
    bool bracketed, good;
    unsigned port;

    if (value_port(text, &port)) {
        *address = (struct address){.kind = ADDRESS_TCP, .port = port};
        return true;
    }
    good = value_split_host(text, &host, &port_text, &bracketed);
    if (good && !port_text.p && !bracketed && value_integer(text, &(int64_t){0})) {
        scope_error(s, n, 0, "\"%.*s\" is not a port: 1 to 65535", STR_ARG(text));
        return false;
    }
    if (good && !port_text.p) {
        fault_hint(s->load->diags, scope_error(s, n, 0, "the port is missing"), "write \"Listen %.*s:8080\"",
                   STR_ARG(text));
        return false;
    }
    if (good && !bracketed && str_eq(host, STR("*")))
        host = STR_NONE;
    else
        good = good && (bracketed ? value_is_ipv6(host) : value_is_host_name(host));
    if (!good) {
        fault_hint(s->load->diags, scope_error(s, n, 0, "\"%.*s\" is not an address", STR_ARG(text)),
                   "8080, 127.0.0.1:8080, [::1]:8080 or unix:/path are");
        return false;
    }
    if (!value_port(port_text, &port)) {
        scope_error(s, n, 0, "\"%.*s\" is not a port: 1 to 65535", STR_ARG(port_text));
        return false;
    }
    *address = (struct address){ADDRESS_TCP, value_lower(s->load->arena, host), port, STR_NONE};
    return true;
}

static void set_listen(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct model *m = s->load->model;
    struct str text = n->words[0].text, protocol = node_word(n, 1);
    struct address address;

    (void)row;
    if (!(str_starts_nocase(text, STR("unix:")) ? listen_unix(s, n, str_skip(text, 5), &address)
                                                : listen_tcp(s, n, &address)))
        return;
    if (protocol.p && !str_eq_nocase(protocol, STR("http"))) {
        scope_error(s, n, 1, "the protocol \"%.*s\" is not supported in this release", STR_ARG(protocol));
        return;
    }
    for (size_t i = 0; i < m->listens.count; i++) {
        struct str where = fault_where(s->load->arena, m->listens.items[i].place);

        if (!same_address(&m->listens.items[i].address, &address))
            continue;
        fault_hint(s->load->diags, scope_error(s, n, 0, "Listen %.*s stands twice", STR_ARG(text)),
                   "the first is at %.*s", STR_ARG(where));
        return;
    }
    *GROW(s->load->arena, m->listens) = (struct listen){address, node_word_place(n, 0)};
}

/* ---- names ---- */

/* [scheme://]host[:port] */
static void set_server_name(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str text = n->words[0].text, host, port_text;
    ptrdiff_t scheme = str_find_str(text, STR("://"));
    bool bracketed;

    (void)row;
    s->server->scheme = STR_NONE;
    s->server->port = 0;
    if (scheme >= 0) {
        s->server->scheme = value_lower(s->load->arena, str_first(text, (size_t)scheme));
        text = str_skip(text, (size_t)scheme + 3);
    }
    if (!value_split_host(text, &host, &port_text, &bracketed) ||
        !(bracketed ? value_is_ipv6(host) : value_is_host_name(host))) {
        scope_warning(s, n, 0, "\"%.*s\" is not a host name; no request will ask for it", STR_ARG(text));
        host = text;
        port_text = STR_NONE;
    }
    if (port_text.p && !value_port(port_text, &s->server->port))
        scope_warning(s, n, 0, "\"%.*s\" is not a port; it is left out", STR_ARG(port_text));
    s->server->name = value_lower(s->load->arena, bracketed ? str_make(host.p - 1, host.n + 2) : host);
}

static void set_server_alias(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    for (size_t i = 0; i < n->count; i++)
        *GROW(s->load->arena, s->server->aliases) = value_lower(s->load->arena, n->words[i].text);
}

/* ---- <VirtualHost> ---- */

static void set_virtual_host(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    *GROW(s->load->arena, s->load->hosts) = n;
}

static bool host_address(struct str text, struct host_address *out)
{
    struct str host, port_text;
    bool bracketed;

    *out = (struct host_address){0};
    if (!value_split_host(text, &host, &port_text, &bracketed))
        return false;
    if (port_text.p && !str_eq(port_text, STR("*")) && !value_port(port_text, &out->port))
        return false;
    if (!bracketed && (str_eq(host, STR("*")) || str_eq_nocase(host, STR("_default_"))))
        return true;
    out->host = host;
    return bracketed ? value_is_ipv6(host) : value_is_ipv4(host);
}

void set_host_addresses(const struct scope *s, const struct node *n)
{
    for (size_t i = 0; i < n->count; i++) {
        struct host_address address;

        if (host_address(n->words[i].text, &address)) {
            address.host = value_lower(s->load->arena, address.host);
            *GROW(s->load->arena, s->server->addresses) = address;
            continue;
        }
        fault_hint(
            s->load->diags,
            scope_error(s, n, i, "\"%.*s\" is not an address of a virtual host", STR_ARG(n->words[i].text)),
            "*, *:8080, 127.0.0.1:8080 or [::1]:8080 are; names are not looked up here");
    }
}

/* ---- files ---- */

static void set_document_root(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str path = scope_path(s, n, 0);

    (void)row;
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path = arena_copy(s->load->arena, str_first(path, path.n - 1));
    if (s->load->source->kind(s->load->source->context, path) != PATH_DIRECTORY)
        scope_error(s, n, 0, "DocumentRoot \"%.*s\" is not a directory", STR_ARG(path));
    s->server->document_root = path;
}

/* The path itself was taken while the files were read. */
static void set_server_root(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str path = s->load->model->server_root;

    (void)row;
    if (s->load->source->kind(s->load->source->context, path) != PATH_DIRECTORY)
        scope_error(s, n, 0, "ServerRoot \"%.*s\" is not a directory", STR_ARG(path));
}

static void set_types_config(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    s->load->types_config = n;
}

/* ---- process ---- */

static void set_worker_processes(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str text = n->words[0].text;
    uint64_t count = 0;

    (void)row;
    if (!str_eq_nocase(text, STR("auto")) && (!str_to_u64(text, 1024, &count) || count == 0))
        scope_error(s, n, 0, "WorkerProcesses must be auto or a number from 1 to 1024");
    else
        s->load->model->worker_processes = (unsigned)count;
}

/* httpd takes 0 and words; both would end each request at once. */
static void set_timeout(const struct scope *s, const struct directive *row, const struct node *n)
{
    int64_t ms;

    (void)row;
    if (value_time(n->words[0].text, 1000, &ms) && ms > 0)
        s->server->timeout_ms = ms;
    else
        scope_warning(s, n, 0, "\"%.*s\" is not a time of at least 1 ms; 60 seconds are used",
                      STR_ARG(n->words[0].text));
}

static const struct keyword io_engines[] = {
    {"auto", IO_ENGINE_AUTO}, {"io_uring", IO_ENGINE_URING}, {"epoll", IO_ENGINE_EPOLL}, {0}};

static const struct keyword encoded_slashes[] = {
    {"Off", ENCODED_SLASHES_OFF}, {"On", ENCODED_SLASHES_ON}, {"NoDecode", ENCODED_SLASHES_NODECODE}, {0}};

static const struct keyword trace_enable[] = {{"Off", 0}, {"On", 1}, {"extended", 1}, {0}};

/* ---- the rows ---- */

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("AllowEncodedSlashes"), IN_HOST, 1, 1, set_keyword, "AllowEncodedSlashes On|Off|NoDecode",
     "What becomes of %2F in a path: decoded, 404, or kept as it is", SERVER_FIELD(encoded_slashes), .keywords = encoded_slashes},
    {STR_INIT("DefaultRuntimeDir"), IN_SERVER, 1, 1, set_path, "DefaultRuntimeDir directory-path",
     "Where relative paths of sockets lie; itself relative to ServerRoot, \"logs\" by default", MODEL_FIELD(runtime_dir), .early = true},
    {STR_INIT("DocumentRoot"), IN_HOST, 1, 1, set_document_root, "DocumentRoot directory-path",
     "The directory that files are served from"},
    {STR_INIT("Group"), IN_SERVER, 1, 1, set_text, "Group name|#number",
     "The group that worker processes run as", MODEL_FIELD(group)},
    {STR_INIT("IOEngine"), IN_SERVER, 1, 1, set_keyword, "IOEngine auto|io_uring|epoll",
     "How the kernel is asked for input and output", MODEL_FIELD(io_engine), .keywords = io_engines},
    {STR_INIT("KeepAlive"), IN_HOST, 1, 1, set_flag, "KeepAlive On|Off",
     "Whether a client's connection serves more than one request", SERVER_FIELD(keep_alive)},
    {STR_INIT("KeepAliveTimeout"), IN_HOST, 1, 1, set_time, "KeepAliveTimeout time",
     "How long to wait for the next request on a connection; seconds, or with a unit as 500ms", SERVER_FIELD(keep_alive_timeout_ms), .high = 1000},
    {STR_INIT("LimitRequestFields"), IN_HOST, 1, 1, set_number, "LimitRequestFields number",
     "How many header fields a request may have; 0: as many as the server can take", SERVER_FIELD(limit_request_fields), .high = 32767},
    {STR_INIT("LimitRequestFieldSize"), IN_HOST, 1, 1, set_number, "LimitRequestFieldSize bytes",
     "How long one header field of a request may be", SERVER_FIELD(limit_request_field_size), .high = LINE_LIMIT_MAX},
    {STR_INIT("LimitRequestLine"), IN_HOST, 1, 1, set_number, "LimitRequestLine bytes",
     "How long the request line may be", SERVER_FIELD(limit_request_line), .high = LINE_LIMIT_MAX},
    {STR_INIT("Listen"), IN_SERVER, 1, 2, set_listen, "Listen [address:]port|unix:path",
     "Where clients connect to: a port, an address and port, or a Unix socket"},
    {STR_INIT("ListenBacklog"), IN_SERVER, 1, 1, set_number, "ListenBacklog number",
     "How many connections may wait to be accepted", MODEL_FIELD(listen_backlog), .low = 1, .high = 65535},
    {STR_INIT("MaxKeepAliveRequests"), IN_HOST, 1, 1, set_number, "MaxKeepAliveRequests number",
     "How many requests a connection serves; 0: no limit", SERVER_FIELD(max_keep_alive_requests), .high = INT32_MAX},
    {STR_INIT("MergeSlashes"), IN_HOST, 1, 1, set_flag, "MergeSlashes On|Off",
     "Whether several slashes in a path count as one", SERVER_FIELD(merge_slashes)},
    {STR_INIT("PidFile"), IN_SERVER, 1, 1, set_path, "PidFile file-path",
     "Where the number of the main process is written", MODEL_FIELD(pid_file)},
    {STR_INIT("ServerAdmin"), IN_HOST, 1, 1, set_text, "ServerAdmin email-address|URL",
     "Whom error pages name, and SERVER_ADMIN", SERVER_FIELD(admin)},
    {STR_INIT("ServerAlias"), IN_VHOST, 1, ANY_NUMBER, set_server_alias, "ServerAlias host ...",
     "Further names of a virtual host; * and ? match"},
    {STR_INIT("ServerName"), IN_HOST, 1, 1, set_server_name, "ServerName [scheme://]host[:port]",
     "The name that a server knows itself by"},
    {STR_INIT("ServerRoot"), IN_SERVER, 1, 1, set_server_root, "ServerRoot directory-path",
     "What relative paths of the configuration lie below", .early = true},
    {STR_INIT("Timeout"), IN_HOST, 1, 1, set_timeout, "Timeout seconds",
     "How long to wait for a client, and for a backend when nothing else is said"},
    {STR_INIT("TraceEnable"), IN_HOST, 1, 1, set_keyword, "TraceEnable Off|On|extended",
     "Whether the method TRACE goes to a backend; else it is answered with 405", SERVER_FIELD(trace_enable), .keywords = trace_enable},
    {STR_INIT("TypesConfig"), IN_SERVER, 1, 1, set_types_config, "TypesConfig file-path",
     "The file of media types by file extension"},
    {STR_INIT("User"), IN_SERVER, 1, 1, set_text, "User name|#number",
     "The user that worker processes run as", MODEL_FIELD(user)},
    {STR_INIT("WorkerProcesses"), IN_SERVER, 1, 1, set_worker_processes, "WorkerProcesses auto|number",
     "How many processes serve; auto: one for each processor"},
    {STR_INIT("VirtualHost"), IN_SERVER, 1, ANY_NUMBER, set_virtual_host, "<VirtualHost addr[:port] ...>",
     "A server of its own for some addresses and names", .section = true},
};
/* clang-format on */

const struct rule_group rules_server = RULE_GROUP(rows);
