/* ProxyPass and what steers the SCGI gateway. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/target.h"
#include "config/value.h"

/* ---- parameters of ProxyPass ---- */

enum parameter_kind { NUMBER, TIME, FLAG, FLUSH, WORD, SHORT_WORD, SIZE, LETTERS, FACTOR };

enum { IS_TIMEOUT = 1, IS_CONNECT_TIMEOUT };

/* A head must fit the buffer that the server reads answers to. */
enum { RESPONSE_HEAD_MAX = 480 * 1024 };

/* What each may be, and whether it has an effect. */
static const struct parameter {
    struct str name;
    enum parameter_kind kind;
    int64_t low, high; /* NUMBER; TIME: least in ms, and what bare digits count */
    int effect;
} parameters[] = {
    {STR_INIT("acquire"), TIME, 1, 1, 0},
    {STR_INIT("addressttl"), NUMBER, -1, INT32_MAX, 0},
    {STR_INIT("connectiontimeout"), TIME, 1, 1000, IS_CONNECT_TIMEOUT},
    {STR_INIT("disablereuse"), FLAG, 0, 0, 0},
    {STR_INIT("enablereuse"), FLAG, 0, 0, 0},
    {STR_INIT("flusher"), WORD, 0, 0, 0},
    {STR_INIT("flushpackets"), FLUSH, 0, 0, 0},
    {STR_INIT("flushwait"), NUMBER, 0, 1000, 0},
    {STR_INIT("iobuffersize"), SIZE, 0, 0, 0},
    {STR_INIT("keepalive"), FLAG, 0, 0, 0},
    {STR_INIT("lbset"), NUMBER, 0, 99, 0},
    {STR_INIT("loadfactor"), FACTOR, 0, 0, 0},
    {STR_INIT("max"), NUMBER, 0, INT32_MAX, 0},
    {STR_INIT("min"), NUMBER, 0, INT32_MAX, 0},
    {STR_INIT("ping"), TIME, 1, 1000, 0},
    {STR_INIT("receivebuffersize"), SIZE, 0, 0, 0},
    {STR_INIT("redirect"), SHORT_WORD, 0, 0, 0},
    {STR_INIT("responsefieldsize"), NUMBER, 1, INT32_MAX, 0},
    {STR_INIT("retry"), NUMBER, 0, INT32_MAX, 0},
    {STR_INIT("route"), SHORT_WORD, 0, 0, 0},
    {STR_INIT("secret"), WORD, 0, 0, 0},
    {STR_INIT("smax"), NUMBER, 0, INT32_MAX, 0},
    {STR_INIT("status"), LETTERS, 0, 0, 0},
    {STR_INIT("timeout"), NUMBER, 1, 1000000, IS_TIMEOUT},
    {STR_INIT("ttl"), NUMBER, 1, INT32_MAX, 0},
    {STR_INIT("upgrade"), WORD, 0, 0, 0},
};

struct pass_parameters {
    enum pass_mapping mapping;
    bool nocanon, interpolate;
    int timeout_ms, connect_timeout_ms;
    bool given;                /* any at all */
    struct str without_effect; /* names; absent: none */
};

static const struct parameter *find_parameter(struct str name)
{
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (str_eq_nocase(parameters[i].name, name))
            return &parameters[i];
    return NULL;
}

/* 1 to 100, with up to two decimals that count. */
static bool is_factor(struct str s)
{
    struct str whole = str_until(&s, '.');
    uint64_t number, fraction = 0;

    if (!str_to_u64(whole, 100, &number) || (s.p && !str_to_u64(s, UINT32_MAX, &fraction)))
        return false;
    return number >= 1 && (number < 100 || fraction == 0);
}

static bool is_status(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("OINDSEHRCGU+-", ascii_upper(s.p[i])))
            return false;
    return s.n > 0;
}

/* NULL, or what the value must be. */
static const char *check_value(const struct parameter *p, struct str text, int64_t *value)
{
    int flag;

    *value = 0;
    switch (p->kind) {
    case NUMBER:
        return value_integer(text, value) && *value >= p->low && *value <= p->high ? NULL
                                                                                   : "a number in its bounds";
    case TIME:
        return value_time(text, p->high, value) && *value >= p->low && *value <= INT32_MAX
                   ? NULL
                   : "a time of at least 1 ms";
    case FLAG:
        return value_flag(text, &flag) ? NULL : "On or Off";
    case FLUSH:
        return value_flag(text, &flag) || str_eq_nocase(text, STR("auto")) ? NULL : "on, off or auto";
    case SIZE:
        return value_integer(text, value) && (*value == 0 || *value >= 512) ? NULL : "0 or at least 512";
    case SHORT_WORD:
        return text.n < 64 ? NULL : "shorter than 64 characters";
    case LETTERS:
        return is_status(text) ? NULL : "letters out of OINDSEHRCGU with + or -";
    case FACTOR:
        return is_factor(text) ? NULL : "a number from 1 to 100";
    case WORD:
        break;
    }
    return NULL;
}

static void no_effect(const struct scope *s, struct pass_parameters *out, struct str name)
{
    out->without_effect =
        out->without_effect.p ? ARENA_CONCAT(s->load->arena, out->without_effect, STR(", "), name) : name;
}

/* Words of their own. The query never stands in the path that an SCGI application gets: noquery asks for what
 * is so anyway. */
static bool read_word(struct str word, struct pass_parameters *out)
{
    bool nocanon = str_eq_nocase(word, STR("nocanon")), interpolate = str_eq_nocase(word, STR("interpolate"));

    out->nocanon |= nocanon;
    out->interpolate |= interpolate;
    return nocanon || interpolate || str_eq_nocase(word, STR("noquery"));
}

static void read_mapping(const struct scope *s, const struct node *n, size_t i, struct str text,
                         struct pass_parameters *out)
{
    if (str_eq_nocase(text, STR("encoded")))
        out->mapping = PASS_ENCODED;
    else if (str_eq_nocase(text, STR("servlet")))
        out->mapping = PASS_SERVLET;
    else
        scope_error(s, n, i, "unknown mapping \"%.*s\"", STR_ARG(text));
}

static void read_parameter(const struct scope *s, const struct node *n, size_t i, struct pass_parameters *out)
{
    struct str text = n->words[i].text, name = str_until(&text, '=');
    const struct parameter *p;
    const char *want;
    int64_t value;

    if (read_word(n->words[i].text, out))
        return;
    if (!text.p) {
        fault_hint(s->load->diags,
                   scope_error(s, n, i, "\"%.*s\" is not a parameter of ProxyPass", STR_ARG(name)),
                   s->section ? "inside of <Location> ProxyPass has no path; parameters are key=value"
                              : "parameters are key=value");
        return;
    }
    if (str_eq_nocase(name, STR("mapping"))) {
        read_mapping(s, n, i, text, out);
        return;
    }
    p = find_parameter(name);
    if (!p) {
        scope_error(s, n, i, "unknown parameter \"%.*s\" of ProxyPass", STR_ARG(name));
        return;
    }
    want = check_value(p, text, &value);
    if (want && p->kind == NUMBER)
        scope_error(s, n, i, "%.*s must be a number from %lld to %lld", STR_ARG(p->name), (long long)p->low,
                    (long long)p->high);
    else if (want)
        scope_error(s, n, i, "%.*s must be %s", STR_ARG(p->name), want);
    out->given = true;
    if (p->effect == IS_TIMEOUT)
        out->timeout_ms = (int)value * 1000;
    else if (p->effect == IS_CONNECT_TIMEOUT)
        out->connect_timeout_ms = (int)value;
    else
        no_effect(s, out, p->name);
}

static struct pass_parameters read_parameters(const struct scope *s, const struct node *n, size_t from)
{
    struct pass_parameters out = {0};

    for (size_t i = from; i < n->count; i++)
        read_parameter(s, n, i, &out);
    if (out.without_effect.p)
        fault_add(s->load->diags, DIAG_WARNING, node_place(n), "without effect in this release: %.*s",
                  STR_ARG(out.without_effect));
    return out;
}

/* ---- ProxyPass ---- */

/* The backend of that URL: one for all that name it, with the parameters of the first. */
static struct backend *share_backend(const struct scope *s, const struct node *n, size_t i,
                                     const struct target *t, const struct pass_parameters *parameters_given)
{
    struct load *load = s->load;
    struct str url = ARENA_CONCAT(load->arena, t->name, t->path.p ? t->path : STR("/"));
    struct backend *b;

    for (size_t k = 0; k < load->backends.count; k++) {
        struct known_backend *known = &load->backends.items[k];

        if (!str_eq(known->url, url))
            continue;
        b = known->backend;
        if (parameters_given->given && (b->timeout_ms != parameters_given->timeout_ms ||
                                        b->connect_timeout_ms != parameters_given->connect_timeout_ms)) {
            struct str where = fault_where(load->arena, known->place);

            scope_warning(s, n, i, "the parameters are not used: the backend is shared with %.*s",
                          STR_ARG(where));
        }
        return b;
    }
    b = ARENA_NEW(load->arena, struct backend);
    *b = (struct backend){
        .id = (unsigned)load->model->backends.count,
        .name = t->name,
        .address = t->address,
        .connect_timeout_ms = parameters_given->connect_timeout_ms,
        .timeout_ms = parameters_given->timeout_ms,
    };
    *GROW(load->arena, load->model->backends) = b;
    *GROW(load->arena, load->backends) = (struct known_backend){url, b, node_place(n)};
    return b;
}

/* Without a path in the URL the rest of ours is appended as it is; where that would begin without a slash,
 * one is put in (httpd lets it run into the host name). */
static struct str join_path(const struct scope *s, const struct node *n, size_t i, const struct pass *pass,
                            const struct target *t)
{
    if (t->path.p)
        return t->path;
    if (pass->regex || pass->path.n == 0 || pass->path.p[pass->path.n - 1] != '/')
        return STR("");
    if (t->address.kind == ADDRESS_TCP)
        fault_hint(s->load->diags,
                   scope_warning(s, n, i, "the path ends in a slash and the URL has none; \"/\" is put in"),
                   "write \"%.*s/\"", STR_ARG(n->words[i].text));
    return STR("/");
}

/* True if the text holds what stands for a group: $0 to $9. */
static bool has_groups(struct str text)
{
    for (size_t i = 0; i + 1 < text.n; i++)
        if (text.p[i] == '$' && ascii_digit(text.p[i + 1]))
            return true;
    return false;
}

static void report_target(const struct scope *s, const struct node *n, size_t i,
                          const struct target_fault *fault)
{
    struct diag *d = scope_error(s, n, i, "%s: \"%.*s\"", fault->message, STR_ARG(n->words[i].text));

    if (fault->hint)
        fault_hint(s->load->diags, d, "%s", fault->hint);
}

static bool has_word(const struct node *n, size_t from, struct str word)
{
    for (size_t i = from; i < n->count; i++)
        if (str_eq_nocase(n->words[i].text, word))
            return true;
    return false;
}

static void take_parameters(const struct scope *s, const struct node *n, const struct pass_parameters *given,
                            struct pass *pass)
{
    pass->mapping = given->mapping;
    pass->nocanon = given->nocanon && !pass->regex;
    pass->interpolate = given->interpolate;
    if (pass->regex && given->mapping != PASS_DECODED)
        fault_add(s->load->diags, DIAG_ERROR, node_place(n),
                  "mapping= does not go together with an expression");
    if (pass->regex && given->nocanon)
        fault_add(s->load->diags, DIAG_WARNING, node_place(n), "nocanon has no effect with an expression");
}

/* The URL is argument i. */
static bool set_target(const struct scope *s, const struct node *n, size_t i, struct pass *pass)
{
    bool variable = pass->regex || has_word(n, i + 1, STR("interpolate")), good;
    struct str text = n->words[i].text;
    struct pass_parameters given;
    struct target target;
    struct target_fault fault;

    if (str_eq(text, STR("!"))) {
        pass->exclude = true;
        given = read_parameters(s, n, i + 1);
        take_parameters(s, n, &given, pass);
        return true;
    }
    good = target_parse(s->load->arena, s->load->model->runtime_dir, text, variable, &target, &fault);
    if (!good)
        report_target(s, n, i, &fault);
    if (!good && str_starts_nocase(text, STR("balancer:")))
        return false; /* the parameters are those of a balancer */
    given = read_parameters(s, n, i + 1);
    take_parameters(s, n, &given, pass);
    if (!good)
        return false;
    pass->backend = share_backend(s, n, i, &target, &given);
    pass->url = arena_copy(s->load->arena, text);
    pass->authority = target.authority;
    pass->target_path = join_path(s, n, i, pass, &target);
    pass->substitute = pass->regex && has_groups(pass->target_path);
    return true;
}

bool set_proxy_parameters(const struct scope *s, const struct node *n, size_t i)
{
    struct pass_parameters given;
    struct target target;
    struct target_fault fault;
    struct backend *b;

    if (!target_parse(s->load->arena, s->load->model->runtime_dir, n->words[i].text, false, &target,
                      &fault)) {
        report_target(s, n, i, &fault);
        return false;
    }
    given = read_parameters(s, n, i + 1);
    b = share_backend(s, n, i, &target, &(struct pass_parameters){0});
    if (given.timeout_ms)
        b->timeout_ms = given.timeout_ms;
    if (given.connect_timeout_ms)
        b->connect_timeout_ms = given.connect_timeout_ms;
    return true;
}

static void pass_in_location(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct pass *pass = ARENA_NEW(s->load->arena, struct pass);
    struct str first = n->words[0].text, second = node_word(n, 1);

    pass->place = node_place(n);
    if (row->low) {
        pass->regex = s->section->regex;
        if (s->section->kind != SECTION_REGEX) {
            scope_error(s, n, 0, "ProxyPassMatch takes its expression from <LocationMatch>");
            return;
        }
    } else if (s->section->kind == SECTION_PATH) {
        pass->path = s->section->pattern;
    }
    if (str_starts(first, STR("/")) && second.p && str_find(second, '=') < 0) {
        scope_error(s, n, 0, "%.*s takes no path inside of <Location>: the section's is used",
                    STR_ARG(row->name));
        return;
    }
    if (set_target(s, n, 0, pass) && (pass->path.p || pass->mapping == PASS_DECODED))
        s->dir->pass = pass;
    else if (pass->mapping != PASS_DECODED)
        scope_error(s, n, 0, "mapping= needs the path of a <Location>");
}

/* ProxyPass path url, ProxyPass ~ regex url, ProxyPassMatch regex url */
static void set_proxy_pass(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct pass pass = {.place = node_place(n)};
    bool tilde = str_eq(n->words[0].text, STR("~")), match = row->low || tilde;
    size_t at = tilde;

    if (tilde && (row->low || s->section)) {
        scope_error(s, n, 0, "\"~\" belongs to ProxyPass outside of <Location>");
        return;
    }
    if (s->section) {
        pass_in_location(s, row, n);
        return;
    }
    if (n->count < at + 2) {
        fault_hint(s->load->diags,
                   scope_error(s, n, at + 1, "%.*s needs %s and a URL outside of <Location>",
                               STR_ARG(row->name), match ? "an expression" : "a path"),
                   "syntax: %s", row->syntax);
        return;
    }
    if (match) {
        pass.regex = scope_regex(s, n, at, false);
        if (!pass.regex)
            return;
    } else {
        pass.path = arena_copy(s->load->arena, n->words[0].text);
        if (!str_starts(pass.path, STR("/")))
            scope_warning(s, n, 0, "the path does not begin with a slash; no request will match it");
    }
    if (!set_target(s, n, at + 1, &pass))
        return;
    *GROW(s->load->arena, s->server->passes) = pass;
    s->server->encoded_passes |= pass.mapping != PASS_DECODED;
}

/* SetHandler proxy:url, none, default-handler. Inside of <Location> the path behind the section's is the path
 * info. */
static void set_handler(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct pass *pass = ARENA_NEW(s->load->arena, struct pass);
    struct str text = n->words[0].text;
    struct target_fault fault;
    struct target target;

    if (str_starts_nocase(text, STR("proxy:"))) {
        text = str_skip(text, 6);
        if (!target_parse(s->load->arena, s->load->model->runtime_dir, text, false, &target, &fault)) {
            report_target(s, n, 0, &fault);
            return;
        }
        pass->place = node_place(n);
        if (s->context == IN_LOCATION && s->section->kind == SECTION_PATH)
            pass->path = s->section->pattern;
        pass->backend = share_backend(s, n, 0, &target, &(struct pass_parameters){0});
        pass->url = arena_copy(s->load->arena, text);
        pass->authority = target.authority;
        pass->target_path = target.path.p ? target.path : STR("");
    } else if (str_eq_nocase(text, STR("none")) || str_eq_nocase(text, STR("default-handler"))) {
        pass = NULL;
    } else {
        fault_hint(s->load->diags,
                   scope_error(s, n, 0, "the handler \"%.*s\" is not supported", STR_ARG(text)), "syntax: %s",
                   row->syntax);
        return;
    }
    s->dir->handler = pass;
    s->dir->handler_set = true;
}

/* ---- the rest ---- */

static void set_proxy_timeout(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct str text = n->words[0].text;
    int64_t ms;

    (void)row;
    if (!value_time(text, 1000, &ms) || ms < 1)
        fault_hint(s->load->diags, scope_error(s, n, 0, "\"%.*s\" is not a time limit", STR_ARG(text)),
                   "a number of seconds, at least 1");
    else
        s->server->proxy_timeout_ms = ms;
}

static void set_proxy_requests(const struct scope *s, const struct directive *row, const struct node *n)
{
    set_flag(s, row, n);
    s->load->proxy_requests = n;
}

/* A name that may stand before the colon of a response header (RFC 9110 section 5.6.2). */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (!ascii_digit(c) && (c < 'a' || c > 'z') && !memchr("!#$%&'*+-.^_`|~", c, 15))
            return false;
    }
    return s.n > 0;
}

static void set_header_switch(const struct scope *s, const struct node *n, struct header_switch *out,
                              struct str usual)
{
    struct str text = n->words[0].text;
    int on;

    if (value_flag(text, &on))
        *out = on ? (struct header_switch){HEADER_SWITCH_ON, usual}
                  : (struct header_switch){.state = HEADER_SWITCH_OFF};
    else if (is_token(text))
        *out = (struct header_switch){HEADER_SWITCH_ON, arena_copy(s->load->arena, text)};
    else
        scope_error(s, n, 0, "\"%.*s\" is neither On, Off nor the name of a header", STR_ARG(text));
}

static void set_internal_redirect(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    set_header_switch(s, n, &s->dir->internal_redirect, STR("Location"));
}

static void set_sendfile(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    set_header_switch(s, n, &s->dir->sendfile, STR("X-Sendfile"));
}

static const struct keyword path_info_modes[] = {
    {"Off", PATH_INFO_OFF}, {"Mount", PATH_INFO_MOUNT}, {"Apache", PATH_INFO_APACHE}, {0}};

static const struct keyword request_buffering_modes[] = {
    {"Auto", REQUEST_BUFFERING_AUTO}, {"On", REQUEST_BUFFERING_ON}, {"Off", REQUEST_BUFFERING_OFF}, {0}};

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("ProxyPass"), IN_HOST | IN_LOCATION, 1, ANY_NUMBER, set_proxy_pass, "ProxyPass [[~] path] !|url [key=value ...]",
     "Sends what lies below a path to an SCGI application, or (!) not to one"},
    {STR_INIT("ProxyPassInterpolateEnv"), ANYWHERE, 1, 1, set_flag, "ProxyPassInterpolateEnv On|Off",
     "Whether ${VARIABLE} is replaced in the targets of ProxyPass lines marked interpolate", DIR_FIELD(interpolate)},
    {STR_INIT("ProxyPassMatch"), IN_HOST | IN_LOCATION, 1, ANY_NUMBER, set_proxy_pass, "ProxyPassMatch [regex] !|url [key=value ...]",
     "The same for paths that match; $0 to $9 stand for groups in the path of the URL", .low = 1},
    {STR_INIT("ProxyRequests"), IN_HOST, 1, 1, set_proxy_requests, "ProxyRequests On|Off",
     "Forward proxying; On needs ProxySCGIForward On too", SERVER_FIELD(proxy_requests)},
    {STR_INIT("ProxySCGIForward"), IN_HOST, 1, 1, set_flag, "ProxySCGIForward On|Off",
     "With ProxyRequests On: lets clients name the SCGI server themselves (scgi://host:port/...)", SERVER_FIELD(scgi_forward)},
    {STR_INIT("ProxySCGIGatewayInterface"), ANYWHERE, 1, 1, set_flag, "ProxySCGIGatewayInterface On|Off",
     "Whether GATEWAY_INTERFACE is sent", DIR_FIELD(gateway_interface)},
    {STR_INIT("ProxySCGIIgnoreClientAbort"), ANYWHERE, 1, 1, set_flag, "ProxySCGIIgnoreClientAbort On|Off",
     "Whether an application goes on when the client that asked has gone; Off by default", DIR_FIELD(ignore_client_abort)},
    {STR_INIT("ProxySCGIInternalRedirect"), ANYWHERE, 1, 1, set_internal_redirect, "ProxySCGIInternalRedirect On|Off|Headername",
     "Whether a local URL in Location (or that header) of an answer is served in its place; On by default"},
    {STR_INIT("ProxySCGILimitResponseFields"), ANYWHERE, 1, 1, set_number, "ProxySCGILimitResponseFields number",
     "How many lines the head of an application's answer may have; 1000 by default", DIR_FIELD(limit_response_fields), .low = 1, .high = 10000},
    {STR_INIT("ProxySCGILimitResponseHead"), ANYWHERE, 1, 1, set_number, "ProxySCGILimitResponseHead bytes",
     "How long the head of an application's answer may be; 262144 by default", DIR_FIELD(limit_response_head), .low = 64, .high = RESPONSE_HEAD_MAX},
    {STR_INIT("ProxySCGILimitResponseLine"), ANYWHERE, 1, 1, set_number, "ProxySCGILimitResponseLine bytes",
     "How long one line of that head may be; 65536 by default", DIR_FIELD(limit_response_line), .low = 64, .high = RESPONSE_HEAD_MAX},
    {STR_INIT("ProxySCGIPathInfo"), ANYWHERE, 1, 1, set_keyword, "ProxySCGIPathInfo Off|Mount|Apache",
     "How the path is split into SCRIPT_NAME and PATH_INFO", DIR_FIELD(path_info), .keywords = path_info_modes},
    {STR_INIT("ProxySCGIRequestBuffering"), ANYWHERE, 1, 1, set_keyword, "ProxySCGIRequestBuffering Auto|On|Off",
     "Whether a request's body is collected before the application is asked; Auto: up to 64 KiB, and without a length",
     DIR_FIELD(request_buffering), .keywords = request_buffering_modes},
    {STR_INIT("ProxySCGISendfile"), ANYWHERE, 1, 1, set_sendfile, "ProxySCGISendfile On|Off|Headername",
     "Whether a file named in X-Sendfile (or that header) of an answer is served in its place; Off by default"},
    {STR_INIT("ProxySCGISpoolDirectory"), IN_SERVER, 1, 1, set_path, "ProxySCGISpoolDirectory directory-path",
     "Where request bodies are kept that are too long for memory; /tmp by default", MODEL_FIELD(spool_directory)},
    {STR_INIT("ProxySCGISpoolQuota"), IN_SERVER, 1, 1, set_number, "ProxySCGISpoolQuota bytes",
     "How many bytes all spooled bodies may take at once; 0: no limit; 4 GiB by default", MODEL_FIELD(spool_quota), .high = INT64_MAX},
    {STR_INIT("ProxyTimeout"), IN_HOST, 1, 1, set_proxy_timeout, "ProxyTimeout seconds",
     "How long to wait for a backend; Timeout by default"},
    {STR_INIT("SetHandler"), ANYWHERE, 1, 1, set_handler, "SetHandler proxy:url|default-handler|none",
     "Sends what would be served from a file to an SCGI application"},
};
/* clang-format on */

const struct rule_group rules_proxy = RULE_GROUP(rows);
