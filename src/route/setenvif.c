#include "route/setenvif.h"

static struct str field_value_by_regex(struct arena *arena, const struct request *request,
                                       const struct regex *regex)
{
    for (size_t i = request->field_count; i-- > 0;)
        if (regex_search(regex, request->fields[i].name, NULL))
            return request_field_value(arena, request, request->fields[i].name);
    return STR_NONE;
}

static struct str attribute(struct arena *arena, const struct route_subject *s, const struct setenvif *rule,
                            const struct vars *vars)
{
    struct str value;

    switch (rule->attribute) {
    case SETENVIF_FIELD:
        value = request_field_value(arena, s->request, rule->field);
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

void setenvif_run(struct arena *arena, const struct route_subject *subject, const struct setenvif *rules,
                  size_t count, struct vars *vars)
{
    for (size_t i = 0; i < count; i++) {
        const struct setenvif *rule = &rules[i];
        struct regex_match match = {0}; /* a literal has no groups: $1 stays what it is */
        bool fits = rule->attribute == SETENVIF_EXPR
                        ? expression_holds(arena, subject, rule->expr, vars, &match)
                        : matches(rule, attribute(arena, subject, rule, vars), &match);

        if (fits)
            apply(arena, rule, &match, vars);
    }
}
