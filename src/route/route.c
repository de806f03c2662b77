#include "route/route.h"

#include "route/access.h"
#include "route/expression.h"
#include "route/files.h"
#include "route/mapping.h"
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
    const struct request *request;
    const struct endpoints *endpoints;
    struct vars *vars;
    struct plan *plan;
    const struct merged *merged;
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

static bool find_server(struct walk *w)
{
    struct plan *plan = w->plan;
    struct str host = STR_NONE;
    unsigned port = 0;
    bool valid =
        !w->request->authority.p || uri_parse_authority(w->arena, w->request->authority, &host, &port);

    plan->server = vhosts_find(&w->router->vhosts, w->endpoints, valid ? host : STR_NONE);
    use_sections(w, &(struct sections_subject){0});
    plan->scheme =
        w->endpoints->tls || str_eq(plan->server->scheme, STR("https")) ? STR("https") : STR("http");
    plan->host = escape_ampersands(w->arena, valid && host.p ? host : plan->server->name);
    plan->port = valid ? port : 0;
    if (plan->port == 0)
        plan->port = plan->server->port;
    if (plan->port == 0)
        plan->port = str_eq(plan->scheme, STR("https")) ? HTTPS_PORT : HTTP_PORT;
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
static size_t find_ifs(struct walk *w, const struct section *const *ifs, size_t if_count,
                       const struct section **held, size_t count)
{
    struct route_subject subject = {w->request, w->endpoints, w->plan, w->plan->path};
    bool taken = false;

    for (size_t i = 0; i < if_count; i++) {
        const struct section *section = ifs[i];

        if (section->otherwise && taken)
            continue;
        taken = !section->expr || expression_holds(w->arena, &subject, section->expr, w->vars, NULL);
        if (!taken)
            continue;
        held[count++] = section;
        count = find_ifs(w, section->config.ifs.items, section->config.ifs.count, held, count);
    }
    return count;
}

/* <If> sections come last. */
static void use_ifs(struct walk *w)
{
    const struct dir_config *config = &w->merged->config;
    const struct section **held;
    size_t count;

    if (config->ifs.count == 0)
        return;
    held = ARENA_ARRAY(w->arena, const struct section *, w->router->model->section_count);
    count = find_ifs(w, config->ifs.items, config->ifs.count, held, 0);
    if (count)
        use_config(w, sections_merge_over(&w->router->sections, w->arena, w->merged, held, count));
}

/* The <If> sections, SetEnvIf of all sections, then access. */
static bool enter(struct walk *w)
{
    struct route_subject subject = {w->request, w->endpoints, w->plan, w->plan->path};
    const char *reason = NULL;
    const struct merged *m;

    use_ifs(w);
    m = w->merged;
    if (m->config.setenvif.count > m->setenvif_start)
        setenvif_run(w->arena, &subject, m->config.setenvif.items + m->setenvif_start,
                     m->config.setenvif.count - m->setenvif_start, w->vars);
    return access_granted(w->arena, &m->config, &subject, w->vars, &reason) || refuse(w, 403, reason);
}

static void set_env(struct walk *w)
{
    for (size_t i = 0; i < w->merged->env_count; i++)
        vars_set(w->vars, w->merged->env[i].name, w->merged->env[i].value);
}

/* What Apache would find for the path info if it were a URL of ours. */
static struct str translate_as_apache(struct walk *w, struct str path_info)
{
    const struct server *server = w->plan->server;
    struct sections_subject subject = {.path = path_info};
    const struct merged *m = sections_merge(&w->router->sections, w->arena, server, &subject);
    struct mapping mapping;
    struct str name;

    if (mapping_find(server, &m->config, path_info, &mapping) && !mapping.pass->exclude) {
        name = mapping_script_filename(w->arena, server, &mapping, path_info);
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
        split = mapping_split_mount(mapping, plan->path);
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
    plan->script_filename = mapping_script_filename(w->arena, plan->server, mapping, plan->path);
    split_path(w, mapping);
    set_env(w);
    if (judge_max_forwards(w))
        plan->kind = PLAN_BACKEND;
}

static void plan_pass(struct walk *w, const struct mapping *mapping)
{
    if (w->plan->server->proxies.count)
        use_proxy_sections(
            w, ARENA_CONCAT(w->arena, mapping->pass->url, str_skip(w->plan->path, mapping->matched)));
    plan_backend(w, mapping);
}

/* The backend of a forwarded request: the one place where a client chooses an address (ProxySCGIForward). */
static void plan_forward(struct walk *w)
{
    struct backend *backend = ARENA_NEW(w->arena, struct backend);
    struct pass *pass = ARENA_NEW(w->arena, struct pass);
    struct mapping mapping = {.pass = pass};
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

static void plan_file(struct walk *w)
{
    struct plan *plan = w->plan;

    if (!files_map(w->arena, plan->server, plan->path, &plan->file_path)) {
        plan->file_path = STR_NONE;
        refuse(w, 403, "the path cannot be that of a file");
        return;
    }
    use_sections(
        w, &(struct sections_subject){.file_path = plan->file_path, .path = plan->path, .vars = w->vars});
    if (!enter(w))
        return;
    set_env(w);
    plan->kind = PLAN_FILE;
}

void route_request(struct router *router, struct arena *arena, const struct route_input *input,
                   struct plan *plan)
{
    struct walk w = {.router = router,
                     .arena = arena,
                     .request = input->request,
                     .endpoints = input->endpoints,
                     .vars = input->vars,
                     .plan = plan};
    struct mapping mapping;
    bool readable;

    *plan = (struct plan){.kind = PLAN_STATUS};
    if (!find_server(&w))
        return;
    readable = read_path(&w);
    if (!judge_method(&w) || !readable)
        return;
    use_sections(&w, &(struct sections_subject){.path = plan->path, .vars = w.vars});
    if (is_forward(&w))
        plan_forward(&w);
    else if (!vars_has(w.vars, STR("no-proxy")) &&
             mapping_find(plan->server, plan->config, plan->path, &mapping) && !mapping.pass->exclude)
        plan_pass(&w, &mapping);
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

    *config = &m->config;
    return normal && access_granted(arena, *config, &subject, input->vars, &reason);
}
