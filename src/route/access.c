#include "route/access.h"

enum verdict {
    VERDICT_NEUTRAL, /* it says nothing */
    VERDICT_GRANTED,
    VERDICT_DENIED,
    VERDICT_FAULT, /* nobody can say: denied at once */
};

struct judge {
    struct arena *arena;
    const struct route_subject *subject;
    const struct vars *vars;
    const struct require *denier; /* what a refusal names */
};

static bool has_address(const struct require *r, struct str address)
{
    for (size_t i = 0; i < r->subnets.count; i++)
        if (subnet_has(&r->subnets.items[i], address))
            return true;
    return false;
}

/* A loopback address, or one end of a connection from this host to itself (a Unix socket's two ends are both
 * without an address). */
static bool is_local(const struct endpoints *e)
{
    static const struct subnet v4 = {4, {127}, {255}};
    static const struct subnet v6 = {
        16, {[15] = 1}, {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

    return subnet_has(&v4, e->remote_addr) || subnet_has(&v6, e->remote_addr) ||
           str_eq(e->remote_addr, e->local_addr);
}

static bool has_variable(const struct require *r, const struct vars *vars)
{
    for (size_t i = 0; i < r->words.count; i++)
        if (vars_has(vars, r->words.items[i]))
            return true;
    return false;
}

static struct str as_get(struct str method)
{
    return str_eq(method, STR("HEAD")) ? STR("GET") : method;
}

static bool has_method(const struct require *r, const struct request *request)
{
    for (size_t i = 0; i < r->words.count; i++)
        if (str_eq(as_get(request->method), as_get(r->words.items[i])))
            return true;
    return false;
}

static enum verdict judge_expression(const struct judge *j, const struct require *r)
{
    switch (expression_test(j->arena, j->subject, r->expr, j->vars, NULL)) {
    case EXPR_TRUE:
        return VERDICT_GRANTED;
    case EXPR_FALSE:
        return VERDICT_DENIED;
    case EXPR_FAULT:
        break;
    }
    return VERDICT_FAULT;
}

static enum verdict granted_if(bool yes)
{
    return yes ? VERDICT_GRANTED : VERDICT_DENIED;
}

static enum verdict judge_line(const struct judge *j, const struct require *r)
{
    switch (r->kind) {
    case REQUIRE_GRANTED:
        return VERDICT_GRANTED;
    case REQUIRE_IP:
        return granted_if(has_address(r, j->subject->endpoints->remote_addr));
    case REQUIRE_LOCAL:
        return granted_if(is_local(j->subject->endpoints));
    case REQUIRE_ENV:
        return granted_if(has_variable(r, j->vars));
    case REQUIRE_METHOD:
        return granted_if(has_method(r, j->subject->request));
    case REQUIRE_EXPR:
        return judge_expression(j, r);
    default:
        return VERDICT_DENIED;
    }
}

static enum verdict judge(struct judge *j, const struct require *r);

/* The first part that denies decides; else one must grant. */
static enum verdict judge_all(struct judge *j, const struct require *r)
{
    enum verdict all = VERDICT_NEUTRAL;

    for (size_t i = 0; i < r->parts.count; i++) {
        enum verdict v = judge(j, r->parts.items[i]);

        if (v == VERDICT_DENIED || v == VERDICT_FAULT)
            return v;
        if (v == VERDICT_GRANTED)
            all = v;
    }
    return all;
}

/* The first part that grants decides. */
static enum verdict judge_any(struct judge *j, const struct require *r)
{
    enum verdict any = VERDICT_NEUTRAL;

    for (size_t i = 0; i < r->parts.count; i++) {
        enum verdict v = judge(j, r->parts.items[i]);

        if (v == VERDICT_GRANTED || v == VERDICT_FAULT)
            return v;
        if (v == VERDICT_DENIED)
            any = v;
    }
    if (r->parts.count > 1)
        j->denier = r; /* not the last of them alone */
    return any;
}

/* What is negated can deny, never grant. */
static enum verdict negate(enum verdict v)
{
    return v == VERDICT_GRANTED ? VERDICT_DENIED : v == VERDICT_DENIED ? VERDICT_NEUTRAL : v;
}

static enum verdict judge(struct judge *j, const struct require *r)
{
    enum verdict v;

    j->denier = r;
    v = r->kind == REQUIRE_ALL   ? judge_all(j, r)
        : r->kind == REQUIRE_ANY ? judge_any(j, r)
                                 : judge_line(j, r);
    if (!r->negate)
        return v;
    j->denier = r;
    return negate(v);
}

/* "site.conf:12" */
static struct str place_text(struct arena *arena, struct diag_place place)
{
    if (!place.file.p)
        return STR("the command line");
    return arena_printf(arena, "%.*s:%u", STR_ARG(place.file), place.line);
}

static bool judge_require(struct judge *j, const struct require *r, const char **reason)
{
    enum verdict v = judge(j, r);
    bool group;
    struct str place;

    if (v == VERDICT_GRANTED)
        return true;
    if (v == VERDICT_NEUTRAL)
        j->denier = r;
    group = j->denier->parts.count && !j->denier->negate;
    place = place_text(j->arena, j->denier->place);
    *reason = arena_printf(j->arena,
                           v == VERDICT_FAULT ? "\"%.*s\" at %.*s is too much work"
                           : group            ? "not granted by any line from \"%.*s\" at %.*s on"
                                              : "denied by \"%.*s\" at %.*s",
                           STR_ARG(j->denier->text), STR_ARG(place))
                  .p;
    return false;
}

/* ---- Order, Allow, Deny ---- */

/* The first client that fits. */
static const struct require *find_client(struct judge *j, struct require *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((judge_line(j, items[i]) == VERDICT_GRANTED) != items[i]->negate)
            return items[i];
    return NULL;
}

static bool judge_list(struct judge *j, const struct access_list *list, const char **reason)
{
    const struct require *allowed = find_client(j, list->allow.items, list->allow.count);
    const struct require *denied = find_client(j, list->deny.items, list->deny.count);
    bool granted = list->order == ORDER_DENY_ALLOW ? allowed || !denied : allowed && !denied;
    struct diag_place place = denied ? denied->place : list->place;
    struct str where;

    if (granted)
        return true;
    where = place_text(j->arena, place);
    *reason =
        arena_printf(j->arena, denied ? "denied by \"%.*s\" at %.*s" : "not allowed behind \"%.*s\" at %.*s",
                     STR_ARG(denied ? denied->text : list->text), STR_ARG(where))
            .p;
    return false;
}

bool access_granted(struct arena *arena, const struct dir_config *config, const struct route_subject *subject,
                    const struct vars *vars, const char **reason)
{
    struct judge j = {arena, subject, vars, NULL};

    return (!config->access_list || judge_list(&j, config->access_list, reason)) &&
           (!config->require || judge_require(&j, config->require, reason));
}
