#include "gate/answer.h"
#include "base/date.h"
#include "base/must.h"
#include "http/status.h"
#include "reply/condition.h"
#include "reply/error_page.h"
#include "reply/media_types.h"
#include "route/header_rules.h"

/* WIRE_VARS: CONTENT_LENGTH and SCGI are of the wire, not of the request */
enum { EXTRA_FIELDS = 4, REDIRECT_PREFIXES_MAX = 2, WIRE_VARS = 2, EXCERPT_MAX = 300 };

static const struct str redirect_prefix = STR_INIT("REDIRECT_");

/* A peer's bytes as a message shows them: whatever they are, they cannot pass for its own words. */
static struct str shown(struct arena *arena, struct str s)
{
    size_t size = 4 * EXCERPT_MAX + 3;
    struct out o = OUT_INIT(arena_alloc(arena, size), size);

    out_escaped(&o, s, EXCERPT_MAX);
    return out_done(&o);
}

/* ---- fields ---- */

static void put_field(struct response *r, struct field *fields, struct str name, struct str value,
                      enum field_id id)
{
    fields[r->field_count++] = (struct field){name, value, id};
}

/* Of these the last one counts. */
static bool is_single(enum field_id id)
{
    return id == FIELD_CONTENT_TYPE || id == FIELD_LOCATION || id == FIELD_ETAG ||
           id == FIELD_LAST_MODIFIED || id == FIELD_CONTENT_RANGE || id == FIELD_DATE || id == FIELD_SERVER;
}

/* Fields of a redirecting response that end with it; all others survive the redirect. */
static bool ends_with_hop(enum field_id id)
{
    return is_single(id) && id != FIELD_DATE && id != FIELD_SERVER;
}

/* Connection-named fields belong to the backend's connection (RFC 9110 section 7.6.1). */
static bool named_in_connection(const struct cgi_head *head, struct str name)
{
    const struct field *f;
    size_t at = 0;

    while ((f = field_next(head->fields, head->field_count, FIELD_CONNECTION, &at)) != NULL)
        if (str_list_has(f->value, name))
            return true;
    return false;
}

/* "Text/HTML; Charset=X" to "text/html; Charset=X". */
static struct str lower_media_type(struct arena *arena, struct str type)
{
    ptrdiff_t semicolon = str_find(type, ';');
    size_t n = semicolon < 0 ? type.n : (size_t)semicolon;
    char *copy = NULL;

    for (size_t i = 0; i < n; i++) {
        if (type.p[i] == ascii_lower(type.p[i]))
            continue;
        if (!copy)
            copy = memcpy(arena_alloc(arena, type.n), type.p, type.n);
        copy[i] = ascii_lower(type.p[i]);
    }
    return copy ? str_make(copy, type.n) : type;
}

/* A date is sent in its one form; one in the future becomes now, one that is none is dropped (RFC 9110
 * section 8.8.2.1). */
static struct str clean_date(struct exchange *x, struct str value)
{
    int64_t seconds;
    char *text;

    if (!date_http_parse(value, x->wall_s, &seconds))
        return STR_NONE;
    text = arena_alloc(x->arena, DATE_HTTP_LENGTH);
    date_http(seconds < x->wall_s ? seconds : x->wall_s, text);
    return str_make(text, DATE_HTTP_LENGTH);
}

static void replace_single(struct exchange *x, struct field *fields, const struct field *f)
{
    struct response *r = &x->response;

    for (size_t i = 0; i < r->field_count; i++)
        if (fields[i].id == f->id) {
            fields[i] = *f;
            return;
        }
    fields[r->field_count++] = *f;
}

static void add_cgi_field(struct exchange *x, struct field *fields, const struct field *f,
                          bool has_connection)
{
    struct field copy = *f;

    if (field_is_hop_by_hop(f->id))
        return;
    if (has_connection && named_in_connection(&x->attempt.head, f->name))
        return;
    if (f->id == FIELD_CONTENT_TYPE)
        copy.value = lower_media_type(x->arena, f->value);
    else if (f->id == FIELD_LAST_MODIFIED)
        copy.value = clean_date(x, f->value);
    if (copy.value.n == 0 && (f->id == FIELD_CONTENT_TYPE || f->id == FIELD_LAST_MODIFIED))
        return;
    if (is_single(f->id))
        replace_single(x, fields, &copy);
    else
        fields[x->response.field_count++] = copy;
}

void answer_interim(struct exchange *x)
{
    struct cgi_head *head = &x->attempt.head;
    bool has_connection = field_first(head->fields, head->field_count, FIELD_CONNECTION) != NULL;
    struct field *fields = ARENA_ARRAY(x->arena, struct field, head->field_count);
    size_t n = 0;

    for (size_t i = 0; i < head->field_count; i++)
        if (!field_is_hop_by_hop(head->fields[i].id) &&
            !(has_connection && named_in_connection(head, head->fields[i].name)))
            fields[n++] = head->fields[i];
    head->fields = fields;
    head->field_count = n;
}

/* Starts the response's fields with those kept from earlier hops; there is room for `more` and a few of ours.
 */
static struct field *begin_fields(struct exchange *x, size_t more)
{
    struct field *fields = ARENA_ARRAY(x->arena, struct field, x->kept_count + more + EXTRA_FIELDS);

    if (x->kept_count)
        memcpy(fields, x->kept, x->kept_count * sizeof *fields);
    x->response =
        (struct response){.fields = fields, .field_count = x->kept_count, .length = RESPONSE_LENGTH_UNKNOWN};
    return fields;
}

static struct field *begin_cgi_fields(struct exchange *x)
{
    const struct cgi_head *head = &x->attempt.head;
    struct field *fields = begin_fields(x, head->field_count);
    bool has_connection = field_first(head->fields, head->field_count, FIELD_CONNECTION) != NULL;

    for (size_t i = 0; i < head->field_count; i++)
        add_cgi_field(x, fields, &head->fields[i], has_connection);
    return fields;
}

/* Of a named file the file itself gives these, or the exchange has taken them over. */
static bool ends_with_file(enum field_id id)
{
    return id == FIELD_CONTENT_TYPE || id == FIELD_ETAG || id == FIELD_LAST_MODIFIED ||
           id == FIELD_CONTENT_RANGE;
}

/* The fields that a later answer will carry too, but for the pseudo field and those that end: copied, since
 * the host's buffer is reused. */
static void keep_fields(struct exchange *x, struct str pseudo, bool (*ends)(enum field_id id))
{
    struct field *fields = begin_cgi_fields(x);
    size_t n = 0;

    for (size_t i = 0; i < x->response.field_count; i++) {
        struct field *f = &fields[i];

        if (ends(f->id) || str_eq_nocase(f->name, pseudo))
            continue;
        if (i >= x->kept_count || f->value.p != x->kept[i].value.p) /* new, or in the place of an old one */
            *f = (struct field){arena_copy(x->arena, f->name), arena_copy(x->arena, f->value), f->id};
        fields[n++] = *f;
    }
    x->kept = fields;
    x->kept_count = n;
}

/* ---- the shapes of an answer ---- */

static void drop_content_type(struct response *r)
{
    struct field *fields = (struct field *)r->fields;
    size_t n = 0;

    for (size_t i = 0; i < r->field_count; i++)
        if (fields[i].id != FIELD_CONTENT_TYPE)
            fields[n++] = fields[i];
    r->field_count = n;
}

static void finish_head(struct exchange *x, int status, struct str reason)
{
    struct response *r = &x->response;

    r->status = status;
    r->reason = reason;
    r->no_content = status_has_no_content(status);
    r->head_only = x->first->method_id == METHOD_HEAD;
    r->close = x->body_failed;
    if (r->no_content)
        drop_content_type(r);
    x->client_ms = x->now_ms;
    exchange_go(x, STEP_HEAD);
}

/* Header. error: an answer of the gateway itself that says no, or elsewhere. */
static void change_fields(struct exchange *x, bool error)
{
    struct header_subject subject = {
        .request = {&x->request, x->endpoints, &x->plan, x->plan.path},
        .vars = &x->vars,
        .more = &x->params,
        .begun_us = x->wall_s * 1000000,
        .taken_us = (x->now_ms - x->begun_ms) * 1000,
    };

    header_rules_response(x->arena, x->plan.config, &subject, error, &x->response);
}

static void answer_memory(struct exchange *x, int status, struct str type, struct str body)
{
    struct response *r = &x->response;

    if (type.p)
        put_field(r, (struct field *)r->fields, STR("Content-Type"), type, FIELD_CONTENT_TYPE);
    x->source = body.n ? SOURCE_MEMORY : SOURCE_NONE;
    x->page = body;
    r->length = (int64_t)body.n;
    change_fields(x, status >= 300);
    finish_head(x, status, STR_NONE);
}

static const struct error_document *find_error_document(const struct exchange *x, int status)
{
    const struct dir_config *config = x->plan.config;

    for (size_t i = config->error_documents.count; i-- > 0;)
        if (config->error_documents.items[i].status == status)
            return &config->error_documents.items[i];
    return NULL;
}

static void redirect_to(struct exchange *x, struct str target, int status);

/* A 405 says what is allowed (RFC 9110 section 15.5.6). */
static void begin_error(struct exchange *x, int status)
{
    struct field *fields = begin_fields(x, 0);

    if (status == 405)
        put_field(&x->response, fields, STR("Allow"), STR("GET, HEAD, OPTIONS"), FIELD_OTHER);
}

static bool answer_error_document(struct exchange *x, int status)
{
    const struct error_document *doc = x->in_error_document ? NULL : find_error_document(x, status);

    if (!doc || doc->kind == ERROR_DOCUMENT_DEFAULT)
        return false;
    if (doc->kind == ERROR_DOCUMENT_TEXT) {
        begin_error(x, status);
        answer_memory(x, status, ERROR_PAGE_TYPE, doc->value);
    } else if (doc->kind == ERROR_DOCUMENT_REDIRECT) {
        struct field *fields = begin_fields(x, 0);

        put_field(&x->response, fields, STR("Location"), doc->value, FIELD_LOCATION);
        answer_memory(x, 302, ERROR_PAGE_TYPE, error_page(x->arena, 302, STR_NONE));
    } else {
        x->in_error_document = true;
        x->status_override = status;
        redirect_to(x, doc->value, status);
    }
    return true;
}

void answer_error(struct exchange *x, int status)
{
    if (answer_error_document(x, status))
        return;
    if (x->status_override) /* the document for an error failed itself: the first error is the answer */
        status = x->status_override;
    begin_error(x, status);
    answer_memory(x, status, ERROR_PAGE_TYPE, error_page(x->arena, status, STR_NONE));
}

void answer_options(struct exchange *x)
{
    begin_fields(x, 0);
    answer_memory(x, 200, STR_NONE, STR(""));
}

static void answer_location(struct exchange *x, int status, struct str location)
{
    put_field(&x->response, begin_fields(x, 0), STR("Location"), location, FIELD_LOCATION);
    answer_memory(x, status, ERROR_PAGE_TYPE, error_page(x->arena, status, STR_NONE));
}

void answer_redirect(struct exchange *x)
{
    answer_location(x, x->plan.status, x->plan.location);
}

/* ---- internal redirect ---- */

static unsigned count_prefixes(struct str name)
{
    unsigned n = 0;

    while (str_starts(name, redirect_prefix)) {
        name = str_skip(name, redirect_prefix.n);
        n++;
    }
    return n;
}

/* REDIRECT_URL: the path, or the whole URL (QualifyRedirectURL). */
static struct str redirect_url(struct exchange *x)
{
    struct uri_target uri = x->request.uri;

    if (x->plan.config->qualify_redirect_url == 1 && uri.path.p)
        return ARENA_CONCAT(x->arena, route_origin(x->arena, &x->plan), uri.path,
                            uri.query.p ? STR("?") : STR(""), uri.query);
    return x->plan.path.p ? x->plan.path : uri.path;
}

/* What the application of this hop knew, under REDIRECT_ for the next one. Two levels at most are kept, so
 * that a chain of redirects does not grow the block without bound. */
static void keep_vars(struct exchange *x, int status)
{
    const struct vars *known = x->params.count ? &x->params : &x->vars;
    struct str url = redirect_url(x);
    struct vars next;

    vars_init(&next, x->arena);
    vars_set(&next, STR("REDIRECT_GATEWAY_INTERFACE"), STR("CGI/1.1"));
    if (x->request.body == REQUEST_BODY_LENGTH)
        vars_set(&next, STR("REDIRECT_CONTENT_LENGTH"),
                 arena_printf(x->arena, "%llu", (unsigned long long)x->request.content_length));
    for (size_t i = known == &x->params ? WIRE_VARS : 0; i < known->count; i++)
        if (count_prefixes(known->items[i].name) < REDIRECT_PREFIXES_MAX)
            vars_set(&next, ARENA_CONCAT(x->arena, redirect_prefix, known->items[i].name),
                     known->items[i].value);
    vars_set(&next, STR("REDIRECT_STATUS"), arena_printf(x->arena, "%d", status));
    if (url.p)
        vars_set(&next, STR("REDIRECT_URL"), url);
    if (x->request.uri.query.p)
        vars_set(&next, STR("REDIRECT_QUERY_STRING"), x->request.uri.query);
    if (x->fault.blame != BLAME_NONE)
        vars_set(&next, STR("REDIRECT_ERROR_NOTES"), x->fault.message);
    x->vars = next;
    vars_init(&x->params, x->arena);
}

/* A local URL: "/path?query#fragment"; "//host/x" is a path too. */
static struct uri_target local_target(struct str url)
{
    struct str rest = url;
    struct str target = str_until(&rest, '#');
    struct uri_target uri = {.form = URI_ORIGIN};

    uri.path = str_until(&target, '?');
    uri.query = target;
    return uri;
}

static void redirect_to(struct exchange *x, struct str target, int status)
{
    if (++x->hops > EXCHANGE_HOPS_MAX) {
        exchange_blame(x, BLAME_BACKEND, STAGE_REDIRECT, 500,
                       arena_printf(x->arena, "more than %d internal redirects, the last to \"%.*s\"",
                                    EXCHANGE_HOPS_MAX, STR_ARG(shown(x->arena, target))));
        answer_error(x, 500);
        return;
    }
    if (x->hops == 1) {
        x->first_status = status;
        x->first_path = x->plan.path;
    }
    keep_vars(x, status);
    x->request.uri = local_target(arena_copy(x->arena, target));
    if (x->request.method_id != METHOD_HEAD) {
        x->request.method = STR("GET");
        x->request.method_id = METHOD_GET;
    }
    x->request.body = REQUEST_BODY_NONE;
    x->request.content_length = 0;
    x->has_body = false;
    x->file_named = false;
    x->file_type = STR_NONE;
    exchange_go(x, STEP_ROUTE);
}

/* ---- an application's response ---- */

/* Of these the last one counts, as in the response itself. */
static const struct field *last_field(const struct cgi_head *head, enum field_id id)
{
    for (size_t i = head->field_count; i-- > 0;)
        if (head->fields[i].id == id)
            return &head->fields[i];
    return NULL;
}

/* The response field that a switch names, if it is on; usual: the switch's value when it is not set anywhere.
 */
static const struct field *find_switched(const struct exchange *x, struct header_switch s,
                                         struct header_switch usual)
{
    const struct cgi_head *head = &x->attempt.head;

    if (s.state == HEADER_SWITCH_UNSET)
        s = usual;
    if (s.state != HEADER_SWITCH_ON)
        return NULL;
    for (size_t i = head->field_count; i-- > 0;)
        if (str_eq_nocase(head->fields[i].name, s.name))
            return &head->fields[i];
    return NULL;
}

static void answer_named_file(struct exchange *x, const struct field *name)
{
    const struct cgi_head *head = &x->attempt.head;
    const struct field *type = last_field(head, FIELD_CONTENT_TYPE);
    const struct field *etag = last_field(head, FIELD_ETAG);
    const struct field *modified = last_field(head, FIELD_LAST_MODIFIED);

    x->file_named = true;
    x->file_path = arena_copy(x->arena, name->value);
    x->file_type =
        type && type->value.n ? arena_copy(x->arena, lower_media_type(x->arena, type->value)) : STR_NONE;
    x->file_etag = etag ? arena_copy(x->arena, etag->value) : STR_NONE;
    x->file_modified = modified ? arena_copy(x->arena, modified->value) : STR_NONE;
    x->file_status = head->status ? head->status : x->status_override ? x->status_override : 200;
    x->directory_path = STR_NONE;
    keep_fields(x, name->name, ends_with_file);
    if (x->file_path.n && x->file_path.p[0] == '/') {
        exchange_go(x, STEP_FILE);
        return;
    }
    exchange_blame(x, BLAME_BACKEND, STAGE_FILE, 404,
                   arena_printf(x->arena, "\"%.*s\" in the response field \"%.*s\" is no absolute file name",
                                STR_ARG(shown(x->arena, x->file_path)), STR_ARG(name->name)));
    answer_error(x, 404);
}

static bool is_absolute_url(struct str value)
{
    ptrdiff_t colon = str_find(value, ':');

    if (colon < 1 || !str_starts(str_skip(value, (size_t)colon), STR("://")))
        return false;
    for (ptrdiff_t i = 0; i < colon; i++)
        if (!field_is_tchar((unsigned char)value.p[i]))
            return false;
    return true;
}

/* The status of a response without Status (RFC 3875 section 6.2.3): an absolute Location means 302. */
static int default_status(const struct exchange *x)
{
    const struct cgi_head *head = &x->attempt.head;
    const struct field *location = last_field(head, FIELD_LOCATION);

    if (location && is_absolute_url(location->value))
        return 302;
    return x->status_override ? x->status_override : 200;
}

/* An application that gives validators but no status leaves the conditions to us; one that gives a status has
 * judged them itself. 200, 304 or 412. */
static int judge_conditions(const struct exchange *x)
{
    const struct cgi_head *head = &x->attempt.head;
    const struct field *etag = last_field(head, FIELD_ETAG);
    const struct field *modified = last_field(head, FIELD_LAST_MODIFIED);
    struct validators v = {.etag = etag ? etag->value : STR_NONE};

    if (!condition_is_get_or_head(&x->request) || x->status_override)
        return 200;
    v.has_modified = modified && date_http_parse(modified->value, x->wall_s, &v.modified);
    if (v.has_modified && v.modified > x->wall_s)
        v.modified = x->wall_s;
    return condition_status(&x->request, &v, x->wall_s);
}

static void answer_response(struct exchange *x)
{
    const struct cgi_head *head = &x->attempt.head;
    int status = head->status ? head->status : default_status(x);

    if (!head->status && status == 200)
        status = judge_conditions(x);
    if (status == 412 && !head->status) {
        answer_error(x, 412);
        return;
    }
    begin_cgi_fields(x);
    x->cgi = head;
    x->response.length = head->content_length;
    x->source = SOURCE_BACKEND;
    change_fields(x, false);
    finish_head(x, status, head->status ? head->reason : STR_NONE);
    if (x->response.no_content || x->response.head_only)
        x->source = SOURCE_NONE;
}

void answer_backend(struct exchange *x)
{
    const struct cgi_head *head = &x->attempt.head;
    const struct dir_config *config = x->plan.config;
    const struct field *file =
        find_switched(x, config->sendfile, (struct header_switch){HEADER_SWITCH_OFF, STR_NONE});
    const struct field *redirect = find_switched(x, config->internal_redirect,
                                                 (struct header_switch){HEADER_SWITCH_ON, STR("Location")});

    if (file) {
        answer_named_file(x, file);
    } else if (redirect && (head->status == 0 || head->status == 200) && redirect->value.n &&
               redirect->value.p[0] == '/') {
        struct str target = arena_copy(x->arena, redirect->value);

        keep_fields(x, redirect->name, ends_with_hop);
        redirect_to(x, target, 200);
    } else {
        answer_response(x);
    }
}

static struct str move_to(char **at, struct str s)
{
    struct str copy = {s.p ? *at : NULL, s.n};

    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

/* In one piece of the arena: this is on every request's way. */
void answer_own_head(struct exchange *x)
{
    struct response *r = &x->response;
    size_t size = r->reason.n;
    struct field *fields;
    char *at;

    if (!x->cgi)
        return;
    for (size_t i = 0; i < r->field_count; i++)
        size += r->fields[i].name.n + r->fields[i].value.n;
    fields = ARENA_ARRAY(x->arena, struct field, r->field_count);
    at = arena_alloc(x->arena, size);
    r->reason = move_to(&at, r->reason);
    for (size_t i = 0; i < r->field_count; i++)
        fields[i] = (struct field){move_to(&at, r->fields[i].name), move_to(&at, r->fields[i].value),
                                   r->fields[i].id};
    r->fields = fields;
    x->cgi = NULL;
}

/* ---- files ---- */

void answer_file_begin(struct exchange *x)
{
    switch (x->request.method_id) {
    case METHOD_GET:
    case METHOD_HEAD:
        x->file_named = false;
        x->file_status = x->status_override ? x->status_override : 200;
        exchange_go(x, STEP_FILE);
        break;
    case METHOD_OPTIONS: {
        struct field *fields = begin_fields(x, 0);

        put_field(&x->response, fields, STR("Allow"), STR("GET, HEAD, OPTIONS"), FIELD_OTHER);
        answer_memory(x, 200, STR_NONE, STR(""));
        break;
    }
    default:
        exchange_blame(x, BLAME_CLIENT, STAGE_FILE, 405, STR("a file answers only GET and HEAD"));
        answer_error(x, 405);
    }
}

/* Differs from answer to answer, and tells nothing about memory. */
static uint64_t boundary_of(const struct exchange *x)
{
    uint64_t n = (uint64_t)x->wall_s << 32 ^ (uint64_t)x->now_ms << 16 ^ x->endpoints->remote_port;

    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u; /* the mixing of splitmix64 */
    n = (n ^ n >> 27) * 0x94d049bb133111ebu;
    return n ^ n >> 31;
}

void exchange_file_found(struct exchange *x, const struct file_facts *facts)
{
    struct file_options options = {
        .status = x->file_status,
        .type = x->file_type.p ? x->file_type : media_type_of(x->gate->model, x->plan.config, x->file_path),
        .etag = x->file_named ? x->file_etag : STR_NONE,
        .last_modified = x->file_named ? x->file_modified : STR_NONE,
        .now = x->wall_s,
        .boundary = boundary_of(x),
    };
    struct field *fields;

    must(x->step == STEP_FILE);
    file_answer(x->arena, &x->request, facts, &options, &x->file);
    fields = begin_fields(x, x->file.field_count);
    memcpy(fields + x->response.field_count, x->file.fields, x->file.field_count * sizeof *fields);
    x->response.field_count += x->file.field_count;
    if (x->file.status == 412 || x->file.status == 416) {
        answer_memory(x, x->file.status, ERROR_PAGE_TYPE, error_page(x->arena, x->file.status, STR_NONE));
        return;
    }
    x->response.length = x->file.length;
    x->source = x->file.length ? SOURCE_FILE : SOURCE_NONE;
    x->part = 0;
    change_fields(x, false);
    finish_head(x, x->file.status, STR_NONE);
}

static struct str directory_location(struct exchange *x)
{
    const struct plan *plan = &x->plan;
    struct str query = x->request.uri.query;

    return ARENA_CONCAT(x->arena, route_origin(x->arena, plan), uri_encode_path(x->arena, plan->path, false),
                        STR("/"), query.p ? STR("?") : STR(""), query);
}

void exchange_file_is_directory(struct exchange *x)
{
    struct str path = x->plan.path;

    must(x->step == STEP_FILE);
    if (x->file_named || x->directory_path.p) { /* an index file cannot be a directory */
        exchange_file_failed(x, 404, "a directory");
    } else if (path.n == 0 || path.p[path.n - 1] != '/') {
        answer_location(x, 301, directory_location(x));
    } else {
        x->directory_path = x->file_path;
        exchange_file_failed(x, 404, "a directory");
    }
}

/* The next name of DirectoryIndex in the directory that was found; false when there is none. */
static bool next_index(struct exchange *x)
{
    static struct str usual = STR_INIT("index.html");
    const struct dir_config *config = x->plan.config;
    const struct str *names = config->directory_index_set ? config->directory_index.items : &usual;
    size_t count = config->directory_index_set ? config->directory_index.count : 1;
    bool slash = x->directory_path.n && x->directory_path.p[x->directory_path.n - 1] == '/';

    if (!x->directory_path.p || x->index_next >= count)
        return false;
    x->file_path =
        ARENA_CONCAT(x->arena, x->directory_path, slash ? STR("") : STR("/"), names[x->index_next]);
    x->index_next++;
    return true;
}

void exchange_file_failed(struct exchange *x, int status, const char *reason)
{
    enum blame blame = x->file_named ? BLAME_BACKEND : BLAME_CLIENT;
    struct str path = x->file_path;

    must(x->step == STEP_FILE);
    if (status == 404 && next_index(x)) {
        exchange_go(x, STEP_FILE);
        return;
    }
    if (status == 404 && x->directory_path.p) {
        path = x->directory_path;
        reason = "a directory without an index file";
    }
    exchange_blame(x, blame, STAGE_FILE, status,
                   arena_printf(x->arena, "\"%.*s\": %s", STR_ARG(shown(x->arena, path)), reason));
    answer_error(x, status);
}
