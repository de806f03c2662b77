/* Who may have what a section covers: Require and the sections that group it (mod_authz_core,
 * mod_authz_host), Order, Allow and Deny (mod_access_compat). */
#include "base/suggest.h"
#include "config/directive.h"
#include "config/fault.h"

/* ---- Require ---- */

/* What stands behind Require, and what reads the arguments behind that. Like httpd's they are compared with
 * case. parse reports and returns false when they are wrong. */
struct requirement {
    struct str name;
    enum require_kind kind;
    bool (*parse)(const struct scope *s, const struct node *n, size_t at, struct require *r);
    const char *refused; /* why */
};

static bool parse_all(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    struct str what = node_word(n, at);
    bool granted = str_eq_nocase(what, STR("granted"));

    if (n->count != at + 1 || (!granted && !str_eq_nocase(what, STR("denied")))) {
        scope_error(s, n, n->count > at + 1 ? at + 1 : at, "Require all takes \"granted\" or \"denied\"");
        return false;
    }
    r->kind = granted ? REQUIRE_GRANTED : REQUIRE_DENIED;
    return true;
}

static bool add_subnet(const struct scope *s, const struct node *n, size_t i, struct require *r)
{
    struct subnet subnet;
    struct diag *d;

    if (subnet_parse(n->words[i].text, &subnet)) {
        *GROW(s->load->arena, r->subnets) = subnet;
        return true;
    }
    d = scope_error(s, n, i, "\"%.*s\" is neither an address nor a range of addresses",
                    STR_ARG(n->words[i].text));
    fault_hint(s->load->diags, d,
               "192.0.2.7, 192.0.2, 192.0.2.0/24, 192.0.2.0/255.255.255.0 and 2001:db8::/32 are");
    return false;
}

static bool parse_ip(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    bool good = n->count > at;

    if (!good)
        scope_error(s, n, at, "Require ip needs an address");
    for (; at < n->count; at++)
        good = add_subnet(s, n, at, r) && good;
    return good;
}

static bool parse_nothing(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    (void)r;
    if (n->count > at)
        scope_warning(s, n, at, "Require local takes no argument; what follows it has no effect");
    return true;
}

static void add_words(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    if (at >= n->count)
        scope_warning(s, n, at, "Require %.*s without arguments lets nobody in",
                      STR_ARG(n->words[at - 1].text));
    for (; at < n->count; at++)
        *GROW(s->load->arena, r->words) = arena_copy(s->load->arena, n->words[at].text);
}

static bool parse_env(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    add_words(s, n, at, r);
    return true;
}

/* Those that httpd knows. */
static bool is_method(struct str name)
{
    static const struct str methods[] = {
        STR_INIT("GET"),        STR_INIT("HEAD"),       STR_INIT("POST"),
        STR_INIT("PUT"),        STR_INIT("DELETE"),     STR_INIT("CONNECT"),
        STR_INIT("OPTIONS"),    STR_INIT("TRACE"),      STR_INIT("PATCH"),
        STR_INIT("PROPFIND"),   STR_INIT("PROPPATCH"),  STR_INIT("MKCOL"),
        STR_INIT("COPY"),       STR_INIT("MOVE"),       STR_INIT("LOCK"),
        STR_INIT("UNLOCK"),     STR_INIT("CHECKOUT"),   STR_INIT("VERSION-CONTROL"),
        STR_INIT("UNCHECKOUT"), STR_INIT("CHECKIN"),    STR_INIT("UPDATE"),
        STR_INIT("LABEL"),      STR_INIT("REPORT"),     STR_INIT("MKWORKSPACE"),
        STR_INIT("MERGE"),      STR_INIT("MKACTIVITY"), STR_INIT("BASELINE-CONTROL"),
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_eq(name, methods[i]))
            return true;
    return false;
}

static bool parse_method(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    for (size_t i = at; i < n->count; i++)
        if (!is_method(n->words[i].text)) {
            scope_error(s, n, i, "\"%.*s\" is not a method; they are written in capitals",
                        STR_ARG(n->words[i].text));
            return false;
        }
    add_words(s, n, at, r);
    return true;
}

/* The rest of the line as it is written, without the quotes around all of it: its own quotes and backslashes
 * are the expression's. */
static bool parse_expression(const struct scope *s, const struct node *n, size_t at, struct require *r)
{
    struct node raw = *n;
    struct lex_word word;

    if (at >= n->count) {
        scope_error(s, n, at, "Require expr needs an expression");
        return false;
    }
    word = (struct lex_word){str_skip(n->line.text, n->words[at].at), n->words[at].at, n->line.text.n};
    if (word.text.n > 1 && word.text.p[0] == '"' && word.text.p[word.text.n - 1] == '"')
        word.text = str_make(word.text.p + 1, word.text.n - 2);
    raw.words = &word;
    raw.count = 1;
    r->expr = scope_expr(s, &raw, 0);
    return r->expr != NULL;
}

static const char dns_why[] = "names are not looked up; \"Require ip\" takes addresses and ranges of them",
                  tls_why[] = "TLS is not part of it", user_why[] = "authentication is not part of it";

static const struct requirement requirements[] = {
    {STR_INIT("all"), REQUIRE_GRANTED, parse_all, NULL},
    {STR_INIT("ip"), REQUIRE_IP, parse_ip, NULL},
    {STR_INIT("local"), REQUIRE_LOCAL, parse_nothing, NULL},
    {STR_INIT("env"), REQUIRE_ENV, parse_env, NULL},
    {STR_INIT("method"), REQUIRE_METHOD, parse_method, NULL},
    {STR_INIT("expr"), REQUIRE_EXPR, parse_expression, NULL},
    {STR_INIT("host"), REQUIRE_DENIED, NULL, dns_why},
    {STR_INIT("forward-dns"), REQUIRE_DENIED, NULL, dns_why},
    {STR_INIT("ssl"), REQUIRE_DENIED, NULL, tls_why},
    {STR_INIT("ssl-verify-client"), REQUIRE_DENIED, NULL, tls_why},
    {STR_INIT("user"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("valid-user"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("group"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("file-owner"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("file-group"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("dbm-group"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("dbm-file-group"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("dbd-group"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("ldap-user"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("ldap-group"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("ldap-dn"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("ldap-attribute"), REQUIRE_DENIED, NULL, user_why},
    {STR_INIT("ldap-filter"), REQUIRE_DENIED, NULL, user_why},
};

enum { REQUIREMENTS = sizeof requirements / sizeof *requirements };

static void report_requirement(const struct scope *s, const struct node *n, size_t at)
{
    struct str name = node_word(n, at), meant = STR_NONE;
    unsigned best = suggest_tolerance(name.n) + 1;
    struct diag *d = scope_error(s, n, at, "there is no \"Require %.*s\"", STR_ARG(name));

    for (size_t i = 0; i < REQUIREMENTS; i++) {
        unsigned distance = suggest_distance(name, requirements[i].name, best);

        if (requirements[i].refused || distance >= best)
            continue;
        best = distance;
        meant = requirements[i].name;
    }
    if (meant.p)
        fault_hint(s->load->diags, d, "did you mean \"%.*s\"?", STR_ARG(meant));
    else
        fault_hint(s->load->diags, d, "all, ip, local, env, method and expr can be required");
}

/* NULL when there is none that works, which is reported. */
static const struct requirement *find_requirement(const struct scope *s, const struct node *n, size_t at)
{
    for (size_t i = 0; i < REQUIREMENTS; i++) {
        const struct requirement *k = &requirements[i];

        if (!str_eq(node_word(n, at), k->name))
            continue;
        if (!k->refused)
            return k;
        scope_error(s, n, at, "Require %.*s is not supported in this release: %s", STR_ARG(k->name),
                    k->refused);
        return NULL;
    }
    report_requirement(s, n, at);
    return NULL;
}

static struct require *new_require(const struct scope *s, const struct node *n)
{
    struct require *r = ARENA_NEW(s->load->arena, struct require);

    r->text = arena_copy(s->load->arena, n->line.text);
    r->place = node_place(n);
    return r;
}

/* The Require lines of a section stand in a <RequireAny> that is not written. */
static struct require *group_of(const struct scope *s, const struct node *n)
{
    if (s->require)
        return s->require;
    if (!s->dir->require)
        s->dir->require = new_require(s, n);
    return s->dir->require;
}

/* Where one is enough to be let in, one that can only keep out has no effect. */
static void add_part(const struct scope *s, const struct node *n, struct require *part)
{
    struct require *group = group_of(s, n);
    struct diag *d;

    if (!part->negate || group->kind == REQUIRE_ALL) {
        *GROW(s->load->arena, group->parts) = part;
        return;
    }
    d = scope_error(s, n, 0, "%s has no effect where any Require line is enough",
                    n->section ? "<RequireNone>" : "Require not");
    fault_hint(s->load->diags, d, "put it into a <RequireAll>");
}

static void set_require(const struct scope *s, const struct directive *row, const struct node *n)
{
    bool negate = str_eq_nocase(n->words[0].text, STR("not"));
    const struct requirement *k = find_requirement(s, n, negate);
    struct require *r;

    (void)row;
    if (!k)
        return;
    r = new_require(s, n);
    r->kind = k->kind;
    r->negate = negate;
    if (k->parse(s, n, (size_t)negate + 1, r))
        add_part(s, n, r);
}

static bool only_negative(const struct require *group)
{
    for (size_t i = 0; i < group->parts.count; i++)
        if (!group->parts.items[i]->negate)
            return false;
    return true;
}

/* row->low: the kind of group; row->high: it keeps out. */
static void set_require_group(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct require *group = new_require(s, n);
    struct scope inner = *s;
    unsigned errors = s->load->diags->errors;
    struct diag *d;

    group->kind = (enum require_kind)row->low;
    group->negate = row->high != 0;
    inner.context = IN_REQUIRE;
    inner.require = group;
    scope_run(&inner, n->first);
    if (s->load->diags->errors > errors)
        return;
    if (group->parts.count == 0) {
        scope_error(s, n, 0, "<%.*s> has no Require line", STR_ARG(row->name));
    } else if (only_negative(group)) {
        d = scope_error(s, n, 0, "nothing in <%.*s> lets anybody in", STR_ARG(row->name));
        fault_hint(s->load->diags, d, "\"Require all granted\" beside it lets in whom it does not keep out");
    } else {
        add_part(s, n, group);
    }
}

static const struct keyword auth_merging[] = {
    {"Off", AUTH_MERGING_OFF}, {"And", AUTH_MERGING_AND}, {"Or", AUTH_MERGING_OR}, {0}};

/* ---- Order, Allow, Deny ---- */

static struct access_list *access_list(const struct scope *s, const struct node *n)
{
    struct access_list *list = s->dir->access_list;

    if (list)
        return list;
    s->dir->access_list = list = ARENA_NEW(s->load->arena, struct access_list);
    list->text = arena_copy(s->load->arena, n->line.text);
    list->place = node_place(n);
    return list;
}

static const struct keyword orders[] = {{"deny,allow", ORDER_DENY_ALLOW},
                                        {"allow,deny", ORDER_ALLOW_DENY},
                                        {"mutual-failure", ORDER_MUTUAL_FAILURE},
                                        {0}};

static void set_order(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct access_list *list = access_list(s, n);
    const struct keyword *k = orders;

    (void)row;
    while (k->name && !str_eq_nocase(n->words[0].text, str_from(k->name)))
        k++;
    if (!k->name) {
        scope_error(s, n, 0, "Order must be \"allow,deny\", \"deny,allow\" or \"mutual-failure\"");
        return;
    }
    list->order = (enum access_order)k->value;
    list->text = arena_copy(s->load->arena, n->line.text);
    list->place = node_place(n);
}

/* all, env=NAME, env=!NAME, or addresses. False when it is wrong, which is reported. */
static bool parse_client(const struct scope *s, const struct node *n, size_t i, struct require *r)
{
    struct str text = n->words[i].text;
    struct diag *d;

    if (str_eq_nocase(text, STR("all"))) {
        r->kind = REQUIRE_GRANTED;
        return true;
    }
    if (str_starts_nocase(text, STR("env="))) {
        r->kind = REQUIRE_ENV;
        text = str_skip(text, 4);
        r->negate = str_starts(text, STR("!"));
        *GROW(s->load->arena, r->words) = arena_copy(s->load->arena, str_skip(text, r->negate));
        return true;
    }
    r->kind = REQUIRE_IP;
    if (str_find(text, '/') >= 0 || str_find(text, ':') >= 0 || (text.n && ascii_digit(text.p[0])))
        return add_subnet(s, n, i, r);
    d = scope_error(s, n, i,
                    "%.*s from a host name is not supported in this release: names are not looked up",
                    STR_ARG(n->name));
    fault_hint(s->load->diags, d, "write addresses or ranges of them");
    return false;
}

/* row->low: Deny */
static void set_clients(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct access_list *list = access_list(s, n);

    if (!str_eq_nocase(n->words[0].text, STR("from"))) {
        scope_error(s, n, 0, "%.*s must be followed by \"from\"", STR_ARG(row->name));
        return;
    }
    for (size_t i = 1; i < n->count; i++) {
        struct require *r = new_require(s, n);

        if (!parse_client(s, n, i, r))
            continue;
        if (row->low)
            *GROW(s->load->arena, list->deny) = r;
        else
            *GROW(s->load->arena, list->allow) = r;
    }
}

/* All is how it is; but a section with it has no Order, Allow and Deny from around it. */
static void set_satisfy(const struct scope *s, const struct directive *row, const struct node *n)
{
    (void)row;
    if (str_eq_nocase(n->words[0].text, STR("all")))
        access_list(s, n);
    else if (str_eq_nocase(n->words[0].text, STR("any")))
        scope_error(s, n, 0,
                    "Satisfy Any is not supported in this release: <RequireAny> says what is enough");
    else
        scope_error(s, n, 0, "Satisfy must be All or Any");
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("Allow"), IN_SECTION, 2, ANY_NUMBER, set_clients, "Allow from all|address|env=[!]variable ...",
     "Clients that Order lets in; Require is the newer way"},
    {STR_INIT("AuthMerging"), IN_SECTION, 1, 1, set_keyword, "AuthMerging Off|And|Or",
     "Whether the Require lines of a section replace those around it, or count with them", DIR_FIELD(auth_merging), .keywords = auth_merging},
    {STR_INIT("Deny"), IN_SECTION, 2, ANY_NUMBER, set_clients, "Deny from all|address|env=[!]variable ...",
     "Clients that Order keeps out; Require is the newer way", .low = 1},
    {STR_INIT("Order"), IN_SECTION, 1, 1, set_order, "Order allow,deny|deny,allow|mutual-failure",
     "Which of Allow and Deny comes first, and what becomes of those that neither names"},
    {STR_INIT("Require"), IN_SECTION | IN_REQUIRE, 1, ANY_NUMBER, set_require, "Require [not] all granted|all denied|ip address ...|local|env variable ...|method name ...|expr expression",
     "Who may have what the section covers; one of several lines is enough"},
    {STR_INIT("Satisfy"), IN_SECTION, 1, 1, set_satisfy, "Satisfy All",
     "Require and Order must both let a request pass"},
    {STR_INIT("RequireAll"), IN_SECTION | IN_REQUIRE, 0, 0, set_require_group, "<RequireAll>",
     "Lets in whom none of its lines keeps out and at least one lets in", .section = true, .low = REQUIRE_ALL},
    {STR_INIT("RequireAny"), IN_SECTION | IN_REQUIRE, 0, 0, set_require_group, "<RequireAny>",
     "Lets in whom one of its lines lets in", .section = true, .low = REQUIRE_ANY},
    {STR_INIT("RequireNone"), IN_SECTION | IN_REQUIRE, 0, 0, set_require_group, "<RequireNone>",
     "Keeps out whom one of its lines would let in; stands in <RequireAll>", .section = true, .low = REQUIRE_ANY, .high = 1},
};
/* clang-format on */

const struct rule_group rules_access = RULE_GROUP(rows);
