/* The variables of one request to an application, as a netstring. */
#include "gate/answer.h"
#include "reply/error_page.h"
#include "scgi/encode.h"

static struct str signature(struct exchange *x)
{
    const struct plan *plan = &x->plan;
    bool mail = plan->config->signature == SIGNATURE_EMAIL;

    if (plan->config->signature != SIGNATURE_ON && !mail)
        return STR_NONE;
    return error_page_signature(x->arena, x->gate->software, plan->host, plan->port,
                                mail ? plan->server->admin : STR_NONE);
}

struct str exchange_params_block(struct exchange *x)
{
    const struct plan *plan = &x->plan;
    const struct server *server = plan->server;
    struct scgi_facts facts = {
        .request = &x->request,
        .endpoints = x->endpoints,
        .method = x->request.method,
        .content_length = x->has_body ? x->request.content_length : 0,
        .has_body = x->has_body,
        .request_uri = plan->config->current_uri == 1 ? plan->path : x->first->target,
        .query_string = x->request.uri.query.p ? x->request.uri.query : STR(""),
        .script_name = plan->script_name,
        .path_info = plan->path_info,
        .path_translated = plan->path_translated,
        .script_filename = plan->script_filename,
        .server_name = plan->host,
        .server_software = x->gate->software,
        .server_admin = server->admin,
        .server_signature = signature(x),
        .document_root = server->document_root,
        .server_port = plan->port,
        .scheme = plan->scheme,
        .gateway_interface = plan->config->gateway_interface == 1,
        .pass_authorization = plan->config->pass_authorization == 1,
        .env = &x->vars,
    };

    vars_init(&x->params, x->arena);
    scgi_params(&facts, &x->params);
    return scgi_encode(x->arena, &x->params);
}
