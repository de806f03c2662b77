#include "route/expression.h"

/* The values of all fields of the name, joined as RFC 9110 section 5.3 has it. Absent without any. */
static struct str joined_value(struct arena *arena, const struct field *fields, size_t count, struct str name)
{
    struct str value = STR_NONE;

    for (size_t i = 0; i < count; i++) {
        if (!str_eq_nocase(fields[i].name, name))
            continue;
        if (value.p)
            value = ARENA_CONCAT(arena, value, STR(", "), fields[i].value);
        else
            value = fields[i].value.p ? fields[i].value : STR("");
    }
    return value;
}

struct str request_field_value(struct arena *arena, const struct request *request, struct str name)
{
    return joined_value(arena, request->fields, request->field_count, name);
}

struct asker {
    const struct route_subject *subject;
    const struct vars *vars;
};

/* RFC 9112 section 3.2.2: the target's authority replaces Host; who is named before an '@' is no part of it.
 */
static struct str host_or_field(struct arena *arena, const struct request *request, struct str name)
{
    if (str_eq_nocase(name, STR("Host")) && request->authority.p)
        return str_skip(request->authority, (size_t)(str_find_last(request->authority, '@') + 1));
    return request_field_value(arena, request, name);
}

static struct str on_off(bool on)
{
    return on ? STR("on") : STR("off");
}

static struct str lookup(void *context, struct arena *arena, enum expr_name name, struct str argument)
{
    const struct asker *asker = context;
    const struct route_subject *s = asker->subject;

    switch (name) {
    case EXPR_DOCUMENT_ROOT:
        return s->plan->server->document_root;
    case EXPR_HTTPS:
        return on_off(s->endpoints->tls);
    case EXPR_IPV6:
        return on_off(str_find(s->endpoints->remote_addr, ':') >= 0);
    case EXPR_QUERY_STRING:
        return s->request->uri.query;
    case EXPR_REMOTE_ADDR:
        return s->endpoints->remote_addr;
    case EXPR_REMOTE_PORT:
        return arena_printf(arena, "%u", s->endpoints->remote_port);
    case EXPR_REQUEST_METHOD:
        return s->request->method;
    case EXPR_REQUEST_SCHEME:
        return s->plan->scheme;
    case EXPR_REQUEST_URI:
        return s->path;
    case EXPR_SERVER_ADDR:
        return s->endpoints->local_addr;
    case EXPR_SERVER_ADMIN:
        return s->plan->server->admin;
    case EXPR_SERVER_NAME:
        return s->plan->host;
    case EXPR_SERVER_PORT:
        return arena_printf(arena, "%u", s->plan->port);
    case EXPR_SERVER_PROTOCOL:
        return s->request->protocol;
    case EXPR_THE_REQUEST:
        return s->request->line;
    case EXPR_REQUEST_FIELD:
        return host_or_field(arena, s->request, argument);
    case EXPR_RESPONSE_FIELD:
        return joined_value(arena, s->response, s->response_count, argument);
    case EXPR_REQUEST_VARIABLE:
        return vars_get(asker->vars, argument);
    }
    return STR_NONE;
}

enum expr_result expression_test(struct arena *arena, const struct route_subject *subject,
                                 const struct expr *expr, const struct vars *vars, struct regex_match *match)
{
    struct asker asker = {subject, vars};
    struct expr_source source = {&asker, lookup};

    return expr_test(expr, arena, &source, match);
}

bool expression_holds(struct arena *arena, const struct route_subject *subject, const struct expr *expr,
                      const struct vars *vars, struct regex_match *match)
{
    return expression_test(arena, subject, expr, vars, match) == EXPR_TRUE;
}

struct str expression_text(struct arena *arena, const struct route_subject *subject, const struct expr *expr,
                           const struct vars *vars)
{
    struct asker asker = {subject, vars};
    struct expr_source source = {&asker, lookup};

    return expr_text(expr, arena, &source);
}
