#include "route/setenvif.h"

/* The values of all fields of the name, joined as RFC 9110 section 5.3 has it. Absent without any. */
static struct str field_value(struct arena *arena, const struct request *request, struct str name)
{
    struct str value = STR_NONE;

    for (size_t i = 0; i < request->field_count; i++) {
        const struct field *field = &request->fields[i];

        if (!str_eq_nocase(field->name, name))
            continue;
        if (value.p)
            value = ARENA_CONCAT(arena, value, STR(", "), field->value);
        else
            value = field->value.p ? field->value : STR("");
    }
    return value;
}

static struct str field_value_by_regex(struct arena *arena, const struct request *request,
                                       const struct regex *regex)
{
    for (size_t i = request->field_count; i-- > 0;)
        if (regex_search(regex, request->fields[i].name, NULL))
            return field_value(arena, request, request->fields[i].name);
    return STR_NONE;
}

static struct str attribute(struct arena *arena, const struct setenvif_subject *s,
                            const struct setenvif *rule, const struct vars *vars)
{
    struct str value;

    switch (rule->attribute) {
    case SETENVIF_FIELD:
        value = field_value(arena, s->request, rule->field);
        return value.p ? value : vars_get(vars, rule->field);
    case SETENVIF_FIELD_REGEX:
        return field_value_by_regex(arena, s->request, rule->field_regex);
    case SETENVIF_REMOTE_ADDR:
    case SETENVIF_REMOTE_HOST: /* names are not looked up: the address stands for the missing name */
        return s->endpoints->remote_addr;
    case SETENVIF_SERVER_ADDR:
        return s->endpoints->local_addr;
    case SETENVIF_REQUEST_METHOD:
        return s->request->method;
    case SETENVIF_REQUEST_PROTOCOL:
        return s->request->protocol;
    case SETENVIF_REQUEST_URI:
        return s->path;
    case SETENVIF_EXPR:
        break;
    }
    return STR_NONE;
}

static bool find_nocase(struct str text, struct str what)
{
    for (size_t i = 0; i + what.n <= text.n; i++)
        if (str_eq_nocase(str_make(text.p + i, what.n), what))
            return true;
    return false;
}

/* ---- expressions ---- */

struct asker {
    const struct setenvif_subject *subject;
    const struct vars *vars;
};

/* RFC 9112 section 3.2.2: the target's authority replaces Host; who is named before an '@' is no part of it.
 */
static struct str request_field(struct arena *arena, const struct request *request, struct str name)
{
    if (str_eq_nocase(name, STR("Host")) && request->authority.p)
        return str_skip(request->authority, (size_t)(str_find_last(request->authority, '@') + 1));
    return field_value(arena, request, name);
}

static struct str on_off(bool on)
{
    return on ? STR("on") : STR("off");
}

static struct str lookup(void *context, struct arena *arena, enum expr_name name, struct str argument)
{
    const struct asker *asker = context;
    const struct setenvif_subject *s = asker->subject;

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
        return request_field(arena, s->request, argument);
    case EXPR_RESPONSE_FIELD: /* there is no response yet */
        return STR_NONE;
    case EXPR_REQUEST_VARIABLE:
        return vars_get(asker->vars, argument);
    }
    return STR_NONE;
}

static bool holds(struct arena *arena, const struct setenvif_subject *subject, const struct expr *expr,
                  const struct vars *vars, struct regex_match *match)
{
    struct asker asker = {subject, vars};
    struct expr_source source = {&asker, lookup};

    return expr_test(expr, arena, &source, match) == EXPR_TRUE;
}

/* ---- rules ---- */

static bool matches(const struct setenvif *rule, struct str value, struct regex_match *match)
{
    if (rule->regex)
        return regex_search(rule->regex, value, match);
    if (rule->nocase)
        return find_nocase(value, rule->literal);
    return str_find_str(value, rule->literal) >= 0;
}

static void apply(struct arena *arena, const struct setenvif *rule, const struct regex_match *match,
                  struct vars *vars)
{
    for (size_t i = 0; i < rule->actions.count; i++) {
        const struct setenvif_action *action = &rule->actions.items[i];

        if (!action->value.p)
            vars_unset(vars, action->name);
        else if (action->substitute && match->groups[0].p)
            vars_set(vars, action->name, regex_substitute(arena, action->value, match));
        else
            vars_set(vars, action->name, action->value);
    }
}

void setenvif_run(struct arena *arena, const struct setenvif_subject *subject, const struct setenvif *rules,
                  size_t count, struct vars *vars)
{
    for (size_t i = 0; i < count; i++) {
        const struct setenvif *rule = &rules[i];
        struct regex_match match = {0}; /* a literal has no groups: $1 stays what it is */
        bool fits = rule->attribute == SETENVIF_EXPR
                        ? holds(arena, subject, rule->expr, vars, &match)
                        : matches(rule, attribute(arena, subject, rule, vars), &match);

        if (fits)
            apply(arena, rule, &match, vars);
    }
}
