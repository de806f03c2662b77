#include "route/route.h"

#include "route/access.h"
#include "route/expression.h"
#include "route/files.h"
#include "route/header_rules.h"
#include "route/mapping.h"
#include "route/redirect.h"
#include "route/sections.h"
#include "route/setenvif.h"
#include "route/vhost.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, SCGI_PORT = 4000 };

struct router {
    struct arena arena;
    const struct model *model;
    struct vhosts vhosts;
    struct sections sections;
};

/* One request on its way to a plan. Each step returns false when the plan is complete. */
struct walk {
    struct router *router;
    struct arena *arena;
    const struct route_input *input;
    const struct request *request; /* as RequestHeader leaves it */
    const struct endpoints *endpoints;
    struct vars *vars;
    struct plan *plan;
    const struct merged *merged;
    struct str host;   /* of the request; absent: none */
    unsigned port;     /* the same; 0: none */
    bool encoded_only; /* the path holds a slash that only mapping= lets pass */
};

struct router *router_create(const struct model *model)
{
    struct arena arena;
    struct router *router;

    arena_init(&arena, NULL, 0);
    router = ARENA_NEW(&arena, struct router);
    router->arena = arena;
    router->model = model;
    vhosts_init(&router->vhosts, &router->arena, model);
    sections_init(&router->sections, &router->arena, model, SECTIONS_KEPT_MAX);
    return router;
}

void router_destroy(struct router *router)
{
    struct arena arena;

    if (!router)
        return;
    arena = router->arena; /* which holds the router itself */
    arena_finish(&arena);
}

const struct model *router_model(const struct router *router)
{
    return router->model;
}

struct str route_file_base(const struct server *server, struct str file_path)
{
    return files_base(server, file_path, true);
}

const struct server *route_default_server(struct router *router, const struct endpoints *endpoints)
{
    return vhosts_find(&router->vhosts, endpoints, STR_NONE);
}

static bool refuse(struct walk *w, int status, const char *reason)
{
    w->plan->kind = PLAN_STATUS;
    w->plan->status = status;
    w->plan->reason = reason;
    return false;
}

static void use_config(struct walk *w, const struct merged *merged)
{
    w->merged = merged;
    w->plan->config = &merged->config;
}

static void use_sections(struct walk *w, const struct sections_subject *subject)
{
    use_config(w, sections_merge(&w->router->sections, w->arena, w->plan->server, subject));
}

/* A valid host holds no other character that means something in HTML: '<', '>' and '"' are no part of the
 * grammar. */
static struct str escape_ampersands(struct arena *arena, struct str host)
{
    struct str rest = host, escaped = STR("");

    if (str_find(host, '&') < 0)
        return host;
    while (rest.p) {
        struct str part = str_until(&rest, '&');

        escaped = ARENA_CONCAT(arena, escaped, part, rest.p ? STR("&amp;") : STR(""));
    }
    return escaped;
}

/* ---- the steps ---- */

struct str route_origin(struct arena *arena, const struct plan *plan)
{
    if (plan->port == (str_eq(plan->scheme, STR("https")) ? HTTPS_PORT : HTTP_PORT))
        return ARENA_CONCAT(arena, plan->scheme, STR("://"), plan->host);
    return arena_printf(arena, "%.*s://%.*s:%u", STR_ARG(plan->scheme), STR_ARG(plan->host), plan->port);
}

/* UseCanonicalName and UseCanonicalPhysicalPort. */
static void name_server(struct walk *w)
{
    const struct dir_config *config = &w->merged->config;
    struct plan *plan = w->plan;
    bool canonical = config->canonical_name == 1, physical = config->canonical_port == 1;
    unsigned local = physical ? w->endpoints->local_port : 0, usual;
    struct str host = canonical || !w->host.p ? plan->server->name : w->host;

    usual = str_eq(plan->scheme, STR("https")) ? HTTPS_PORT : HTTP_PORT;
    plan->host = escape_ampersands(w->arena, host);
    plan->port = 0;
    if (!canonical)
        plan->port = w->port ? w->port : local;
    if (plan->port == 0)
        plan->port = plan->server->port ? plan->server->port : local;
    if (plan->port == 0)
        plan->port = usual;
}

static bool find_server(struct walk *w)
{
    struct plan *plan = w->plan;
    bool valid =
        !w->request->authority.p || uri_parse_authority(w->arena, w->request->authority, &w->host, &w->port);

    if (!valid) {
        w->host = STR_NONE;
        w->port = 0;
    }
    plan->server = vhosts_find(&w->router->vhosts, w->endpoints, w->host);
    use_sections(w, &(struct sections_subject){0});
    plan->scheme =
        w->endpoints->tls || str_eq(plan->server->scheme, STR("https")) ? STR("https") : STR("http");
    name_server(w);
    return valid || refuse(w, 400, "the request names no valid host");
}

static enum uri_slashes slashes_of(const struct server *server)
{
    switch (server->encoded_slashes) {
    case ENCODED_SLASHES_ON:
        return URI_SLASH_DECODE;
    case ENCODED_SLASHES_NODECODE:
        return URI_SLASH_KEEP;
    case ENCODED_SLASHES_OFF:
        break;
    }
    return URI_SLASH_REFUSE;
}

/* The path, and the server's SetEnvIf on it. Those run for every request, refused ones too: logs choose by
 * them. */
static bool read_path(struct walk *w)
{
    const struct server *server = w->plan->server;
    const struct uri_target *uri = &w->request->uri;
    bool has_path = uri->form == URI_ORIGIN || uri->form == URI_ABSOLUTE;
    struct route_subject subject = {w->request, w->endpoints, w->plan, uri->path};
    int status = 0;

    if (has_path)
        status = uri_decode_path(w->arena, uri->path, slashes_of(server), server->merge_slashes == 1,
                                 &w->plan->path);
    if (status == 404 && server->encoded_passes) {
        status =
            uri_decode_path(w->arena, uri->path, URI_SLASH_KEEP, server->merge_slashes == 1, &w->plan->path);
        w->encoded_only = status == 0;
    }
    if (has_path && status == 0)
        subject.path = w->plan->path;
    else
        w->plan->path = STR("");
    if (server->dir.setenvif.count)
        setenvif_run(w->arena, &subject, server->dir.setenvif.items, server->dir.setenvif.count, w->vars);
    if (status == 404)
        return refuse(w, 404, "an encoded slash or NUL in the path");
    return status == 0 || refuse(w, status, "the path cannot be decoded or leads above the root");
}

/* A request for an SCGI server that the client names: only with ProxyRequests. */
static bool is_forward(const struct walk *w)
{
    const struct uri_target *uri = &w->request->uri;

    return uri->form == URI_ABSOLUTE && str_eq_nocase(uri->scheme, STR("scgi")) &&
           w->plan->server->proxy_requests == 1;
}

/* Methods that are nobody's but the server's, and targets without a path. */
static bool judge_method(struct walk *w)
{
    const struct uri_target *uri = &w->request->uri;
    const struct server *server = w->plan->server;

    if (w->request->method_id == METHOD_CONNECT)
        return refuse(w, 405, "CONNECT is not supported");
    if (w->request->method_id == METHOD_TRACE && server->trace_enable != 1)
        return refuse(w, 405, "TRACE is not enabled");
    if (uri->form == URI_ASTERISK && w->request->method_id == METHOD_OPTIONS) {
        w->plan->kind = PLAN_OPTIONS;
        return false;
    }
    if (uri->form == URI_ASTERISK || uri->form == URI_AUTHORITY)
        return refuse(w, 400, "this form of target does not fit the method");
    if (is_forward(w) && server->scgi_forward != 1)
        return refuse(w, 403, "forwarding to scgi:// URLs is not allowed");
    return true;
}

/* The <If> sections of a list whose conditions hold, those within them too, behind count others. */
static size_t find_ifs(struct arena *arena, const struct route_subject *subject, const struct vars *vars,
                       const struct dir_config *config, const struct section **held, size_t count)
{
    bool taken = false;

    for (size_t i = 0; i < config->ifs.count; i++) {
        const struct section *section = config->ifs.items[i];

        if (section->otherwise && taken)
            continue;
        taken = !section->expr || expression_holds(arena, subject, section->expr, vars, NULL);
        if (!taken)
            continue;
        held[count++] = section;
        count = find_ifs(arena, subject, vars, &section->config, held, count);
    }
    return count;
}

/* <If> sections come last. */
static const struct merged *lay_ifs(struct router *router, struct arena *arena,
                                    const struct route_subject *subject, const struct vars *vars,
                                    const struct merged *merged)
{
    const struct section **held;
    size_t count;

    if (merged->config.ifs.count == 0)
        return merged;
    held = ARENA_ARRAY(arena, const struct section *, router->model->section_count);
    count = find_ifs(arena, subject, vars, &merged->config, held, 0);
    return count ? sections_merge_over(&router->sections, arena, merged, held, count) : merged;
}

/* The <If> sections, SetEnvIf of all sections, access, then Redirect of the sections. */
static bool enter(struct walk *w)
{
    struct route_subject subject = {w->request, w->endpoints, w->plan, w->plan->path};
    const char *reason = NULL;
    const struct merged *m;

    use_config(w, lay_ifs(w->router, w->arena, &subject, w->vars, w->merged));
    m = w->merged;
    name_server(w);
    if (m->config.setenvif.count > m->setenvif_start)
        setenvif_run(w->arena, &subject, m->config.setenvif.items + m->setenvif_start,
                     m->config.setenvif.count - m->setenvif_start, w->vars);
    if (!access_granted(w->arena, &m->config, &subject, w->vars, &reason))
        return refuse(w, 403, reason);
    return !redirect_find(w->arena, m->config.redirects.items, m->config.redirects.count, w->request,
                          w->plan);
}

/* The variables of SetEnv. generic: the backend's URL was put together for this request; httpd then sets a
 * variable of its own. */
static void set_env(struct walk *w, bool generic)
{
    for (size_t i = 0; i < w->merged->env_count; i++)
        vars_set(w->vars, w->merged->env[i].name, w->merged->env[i].value);
    if (generic)
        vars_set(w->vars, STR("proxy-nokeepalive"), STR("1"));
}

/* RequestHeader: the early ones, or the others. */
static void change_fields(struct walk *w, bool early)
{
    struct plan *plan = w->plan;
    struct header_subject subject = {.request = {w->request, w->endpoints, plan, plan->path},
                                     .vars = w->vars,
                                     .begun_us = w->input->begun_us,
                                     .taken_us = w->input->taken_us};
    struct request *changed;
    struct field *fields;
    size_t count;

    if (!header_rules_request(w->arena, plan->config, &subject, early, &fields, &count))
        return;
    changed = ARENA_NEW(w->arena, struct request);
    *changed = *w->request;
    changed->fields = fields;
    changed->field_count = count;
    w->request = changed;
    plan->fields = fields;
    plan->field_count = count;
}

/* What Apache would find for the path info if it were a URL of ours. */
static struct str translate_as_apache(struct walk *w, struct str path_info)
{
    const struct server *server = w->plan->server;
    struct sections_subject sections = {.path = path_info};
    const struct merged *m = sections_merge(&w->router->sections, w->arena, server, &sections);
    struct mapping_subject subject = {w->arena, server, &m->config, path_info, STR_NONE, w->vars};
    struct mapping mapping;
    struct str name;

    if (mapping_find(&subject, &mapping) && !mapping.pass->exclude) {
        name = mapping_script_filename(w->arena, server, &mapping);
        return ARENA_CONCAT(w->arena, name, mapping_split_apache(name, path_info).path_info);
    }
    return files_map(w->arena, server, path_info, &name) ? name : STR_NONE;
}

/* RFC 3875 sections 4.1.5, 4.1.6 and 4.1.13. */
static void split_path(struct walk *w, const struct mapping *mapping)
{
    struct plan *plan = w->plan;
    enum path_info_mode mode = w->merged->config.path_info;
    struct split split = {plan->path, STR_NONE};

    if (mode != PATH_INFO_APACHE && vars_has(w->vars, STR("proxy-scgi-pathinfo")))
        mode = PATH_INFO_MOUNT;
    if (mode == PATH_INFO_MOUNT) {
        split = mapping_split_mount(mapping);
        if (split.path_info.n)
            plan->path_translated = files_below_root(w->arena, plan->server->document_root, split.path_info);
    } else if (mode == PATH_INFO_APACHE) {
        split = mapping_split_apache(plan->script_filename, plan->path);
        plan->path_translated = translate_as_apache(w, split.path_info);
    }
    plan->script_name = split.script_name;
    plan->path_info = split.path_info;
}

/* RFC 9110 section 7.6.2; as Apache, for all methods. */
static bool judge_max_forwards(struct walk *w)
{
    const struct request *r = w->request;
    const struct field *field = field_first(r->fields, r->field_count, FIELD_MAX_FORWARDS);
    uint64_t left;

    if (!field)
        return true;
    if (!str_to_u64(field->value, INT64_MAX, &left))
        return refuse(w, 400, "Max-Forwards is not a number");
    if (left > 0)
        return true;
    if (r->method_id != METHOD_OPTIONS)
        return refuse(w, 400, "Max-Forwards has reached zero");
    w->plan->kind = PLAN_OPTIONS;
    return false;
}

/* The sections of the backend's URL, which come before those of the path. */
static void use_proxy_sections(struct walk *w, struct str proxy_url)
{
    use_sections(w,
                 &(struct sections_subject){.proxy_url = proxy_url, .path = w->plan->path, .vars = w->vars});
}

static void plan_backend(struct walk *w, const struct mapping *mapping)
{
    struct plan *plan = w->plan;

    if (!enter(w))
        return;
    plan->pass = mapping->pass;
    plan->script_filename = mapping_script_filename(w->arena, plan->server, mapping);
    split_path(w, mapping);
    set_env(w, mapping->pass->interpolate && w->merged->config.interpolate == 1);
    change_fields(w, false);
    if (judge_max_forwards(w))
        plan->kind = PLAN_BACKEND;
}

/* The URL as it was written, with what was put in and the rest of the path. */
static struct str proxy_url(struct walk *w, const struct mapping *mapping)
{
    const struct pass *pass = mapping->pass;
    struct str origin = pass->url;
    ptrdiff_t at = str_find_str(origin, STR("://"));
    size_t end = at < 0 ? origin.n : (size_t)at + 3;

    if (!pass->substitute && !pass->interpolate)
        return ARENA_CONCAT(w->arena, pass->url, mapping->rest);
    while (end < origin.n && origin.p[end] != '/' && origin.p[end] != '$')
        end++;
    return ARENA_CONCAT(w->arena, str_first(origin, end), mapping->target, mapping->rest);
}

static void plan_pass(struct walk *w, const struct mapping *mapping)
{
    if (w->plan->server->proxies.count)
        use_proxy_sections(w, proxy_url(w, mapping));
    plan_backend(w, mapping);
}

/* The backend of a forwarded request: the one place where a client chooses an address (ProxySCGIForward). */
static void plan_forward(struct walk *w)
{
    struct backend *backend = ARENA_NEW(w->arena, struct backend);
    struct pass *pass = ARENA_NEW(w->arena, struct pass);
    struct mapping mapping = {.pass = pass, .path = w->plan->path, .target = STR(""), .rest = w->plan->path};
    struct str host;
    unsigned port;

    if (!uri_parse_authority(w->arena, w->request->uri.authority, &host, &port)) {
        refuse(w, 400, "the SCGI server's name is not valid");
        return;
    }
    backend->id = BACKEND_UNLISTED;
    backend->address.port = port ? port : SCGI_PORT;
    backend->address.host = host.p[0] == '[' ? str_make(host.p + 1, host.n - 2) : host;
    pass->authority = backend->address.port == SCGI_PORT
                          ? host
                          : arena_printf(w->arena, "%.*s:%u", STR_ARG(host), backend->address.port);
    backend->name = ARENA_CONCAT(w->arena, STR("scgi://"), pass->authority);
    pass->backend = backend;
    pass->target_path = STR("");
    pass->path = STR("");
    if (w->plan->server->proxies.count)
        use_proxy_sections(w, ARENA_CONCAT(w->arena, backend->name, w->request->uri.path));
    plan_backend(w, &mapping);
}

/* SetHandler: the application gets the name of the file. Inside of <Location> what follows the section's path
 * is the path info, whatever files there are. */
static void plan_handler(struct walk *w, const struct pass *pass)
{
    struct plan *plan = w->plan;
    struct mapping mapping = {.pass = pass, .path = plan->path};
    struct str file = plan->file_path, target = pass->target_path, split_off;

    mapping.matched = pass->path.p ? mapping_match_prefix(pass->path, plan->path) : 0;
    if (mapping.matched || vars_has(w->vars, STR("proxy-scgi-pathinfo")) ||
        w->merged->config.path_info == PATH_INFO_MOUNT) {
        struct split split = mapping_split_mount(&mapping);

        plan->script_name = split.script_name;
        plan->path_info = split.path_info;
        if (split.path_info.n)
            plan->path_translated = files_below_root(w->arena, plan->server->document_root, split.path_info);
    } else {
        plan->script_name = plan->path;
    }
    split_off = plan->path_info;
    if (mapping.matched && split_off.n && file.n > split_off.n &&
        str_eq(str_skip(file, file.n - split_off.n), split_off))
        file = str_first(file, file.n - split_off.n);
    if (target.n && target.p[target.n - 1] == '/')
        target.n--;
    mapping.target = target;
    mapping.rest = file;
    plan->script_filename = mapping_script_filename(w->arena, plan->server, &mapping);
    plan->pass = pass;
    if (judge_max_forwards(w))
        plan->kind = PLAN_BACKEND;
}

static void plan_file(struct walk *w)
{
    struct plan *plan = w->plan;
    const struct server *server = plan->server;

    if (redirect_find(w->arena, server->redirects.items, server->redirects.count, w->request, plan))
        return;
    if (!files_map(w->arena, server, plan->path, &plan->file_path)) {
        plan->file_path = STR_NONE;
        refuse(w, 403, "the path cannot be that of a file");
        return;
    }
    use_sections(
        w, &(struct sections_subject){.file_path = plan->file_path, .path = plan->path, .vars = w->vars});
    if (!enter(w))
        return;
    set_env(w, false);
    change_fields(w, false);
    if (w->merged->config.handler)
        plan_handler(w, w->merged->config.handler);
    else
        plan->kind = PLAN_FILE;
}

/* ProxyPass: false when the path is to be looked for among the files. */
static bool plan_mapped(struct walk *w)
{
    struct plan *plan = w->plan;
    struct mapping_subject subject = {w->arena,   plan->server,         &w->merged->config,
                                      plan->path, w->request->uri.path, w->vars};
    struct mapping mapping;

    if (vars_has(w->vars, STR("no-proxy")))
        return false;
    if (mapping_find_encoded(&subject, &mapping)) {
        w->encoded_only = false;
        if (mapping.path.p != plan->path.p) {
            plan->path = mapping.path;
            use_sections(w, &(struct sections_subject){.path = plan->path, .vars = w->vars});
        }
    } else if (w->encoded_only || !mapping_find(&subject, &mapping)) {
        return false;
    }
    if (!mapping.pass->exclude)
        plan_pass(w, &mapping);
    return !mapping.pass->exclude;
}

void route_request(struct router *router, struct arena *arena, const struct route_input *input,
                   struct plan *plan)
{
    struct walk w = {.router = router,
                     .arena = arena,
                     .input = input,
                     .request = input->request,
                     .endpoints = input->endpoints,
                     .vars = input->vars,
                     .plan = plan};
    bool readable;

    *plan = (struct plan){.kind = PLAN_STATUS};
    if (!find_server(&w))
        return;
    if (!vars_has(w.vars, STR("REDIRECT_STATUS"))) /* not on a redirected request: it has them already */
        change_fields(&w, true);
    readable = read_path(&w);
    if (!judge_method(&w) || !readable)
        return;
    use_sections(&w, &(struct sections_subject){.path = plan->path, .vars = w.vars});
    if (is_forward(&w))
        plan_forward(&w);
    else if (plan_mapped(&w))
        return;
    else if (w.encoded_only)
        refuse(&w, 404, "an encoded slash in the path");
    else
        plan_file(&w);
}

bool route_file_granted(struct router *router, struct arena *arena, const struct route_input *input,
                        const struct plan *plan, struct str file_path, const struct dir_config **config)
{
    bool normal = files_is_normal(file_path);
    struct sections_subject where = {.file_path = normal ? file_path : STR_NONE};
    const struct merged *m = sections_merge(&router->sections, arena, plan->server, &where);
    struct route_subject subject = {input->request, input->endpoints, plan, plan->path};
    const char *reason;

    m = lay_ifs(router, arena, &subject, input->vars, m);
    *config = &m->config;
    /* What an application is to answer is never sent as a file; and where no rule says who may have a file,
     * only those are for anybody that the configuration serves. */
    return normal && !m->config.handler &&
           (m->config.require || m->config.access_list || files_base(plan->server, file_path, false).p) &&
           access_granted(arena, *config, &subject, input->vars, &reason);
}
