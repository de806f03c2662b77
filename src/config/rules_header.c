/* Header and RequestHeader (mod_headers). */
#include "config/directive.h"
#include "config/fault.h"

struct action {
    struct str name;
    enum header_action action;
    size_t values; /* arguments behind the field's name: value; expression and replacement */
};

static const struct action actions[] = {
    {STR_INIT("set"), HEADER_SET, 1},        {STR_INIT("setifempty"), HEADER_SETIFEMPTY, 1},
    {STR_INIT("add"), HEADER_ADD, 1},        {STR_INIT("append"), HEADER_APPEND, 1},
    {STR_INIT("merge"), HEADER_MERGE, 1},    {STR_INIT("unset"), HEADER_UNSET, 0},
    {STR_INIT("echo"), HEADER_ECHO, 0},      {STR_INIT("edit"), HEADER_EDIT, 2},
    {STR_INIT("edit*"), HEADER_EDIT_ALL, 2},
};

/* One directive while it is read. */
struct reading {
    const struct scope *s;
    const struct node *n;
    bool request; /* RequestHeader */
    size_t at;    /* the argument that is read */
    size_t name;  /* the argument that is the field's name */
    struct header_rule rule;
};

static const struct action *find_action(struct reading *r)
{
    struct str name = node_word(r->n, r->at);
    const char *known = "the actions are set, setifempty, add, append, merge, unset, edit, edit*";

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (str_eq_nocase(name, actions[i].name) && !(r->request && actions[i].action == HEADER_ECHO))
            return &actions[i];
    if (str_eq_nocase(name, STR("echo")))
        scope_error(r->s, r->n, r->at, "only Header can echo a field of the request");
    else if (str_eq_nocase(name, STR("note")))
        scope_error(r->s, r->n, r->at,
                    "the action note is not supported in this release: there are no notes");
    else
        fault_hint(r->s->load->diags,
                   scope_error(r->s, r->n, r->at, "there is no action \"%.*s\"", STR_ARG(name)), "%s%s",
                   known, r->request ? "" : " and echo");
    return NULL;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);

        if (!ascii_digit(c) && (c < 'a' || c > 'z') && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

/* The name of the field; what stands behind a colon is left out, as in httpd. */
static bool read_name(struct reading *r)
{
    struct str text = node_word(r->n, r->at), name;

    if (!text.p || r->rule.action == HEADER_ECHO) {
        if (text.p)
            r->rule.regex = scope_regex(r->s, r->n, r->at, false);
        else
            scope_error(r->s, r->n, r->at, "%.*s needs the name of a field", STR_ARG(r->n->name));
        return r->rule.regex != NULL;
    }
    name = str_until(&text, ':');
    if (is_token(name)) {
        r->rule.name = arena_copy(r->s->load->arena, name);
        return true;
    }
    scope_error(r->s, r->n, r->at, "\"%.*s\" is no name of a field", STR_ARG(name));
    return false;
}

/* ---- values ---- */

static void add_part(struct reading *r, enum header_part_kind kind, struct str text)
{
    *GROW(r->s->load->arena, r->rule.value) = (struct header_part){kind, text};
}

/* \t is a tab; other backslashes stay, since an edit may need them. False when the text cannot be sent. */
static bool add_text(struct reading *r, size_t i, struct str text)
{
    char *p = arena_alloc(r->s->load->arena, text.n);
    size_t n = 0;

    for (size_t k = 0; k < text.n; k++) {
        char next = k + 1 < text.n ? text.p[k + 1] : '\0';
        unsigned char c = (unsigned char)text.p[k];

        if ((c == '\\' && (next == 'n' || next == 'r')) || (c < ' ' && c != '\t') || c == 0x7f) {
            scope_error(r->s, r->n, i,
                        "a field's value cannot hold a line break or another control character");
            return false;
        }
        k += c == '\\' && next == 't';
        p[n++] = c == '\\' && next == 't' ? '\t' : (char)c;
    }
    if (n)
        add_part(r, HEADER_PART_TEXT, str_make(p, n));
    return true;
}

/* The letter behind '%' or "%{argument}". */
static bool add_format(struct reading *r, size_t i, char letter, struct str argument)
{
    switch (letter) {
    case 'e':
        add_part(r, HEADER_PART_VARIABLE, arena_copy(r->s->load->arena, argument.p ? argument : STR("")));
        return true;
    case 't':
        add_part(r, HEADER_PART_TIME, STR_NONE);
        return true;
    case 'D':
        add_part(r, HEADER_PART_DURATION, STR_NONE);
        return true;
    case 's':
        scope_error(r->s, r->n, i, "%%{...}s is not supported in this release: TLS is not part of it");
        return false;
    case 'l':
    case 'i':
    case 'b':
        scope_error(r->s, r->n, i, "%%%c is not supported: the load of the host is nobody's business",
                    letter);
        return false;
    }
    fault_hint(r->s->load->diags,
               scope_error(r->s, r->n, i, "there is no format %%%.*s", letter != '\0', &letter),
               "%%{VARIABLE}e, %%t, %%D and %%%% are known");
    return false;
}

static bool read_format(struct reading *r, size_t i, struct str text)
{
    while (text.n) {
        ptrdiff_t percent = str_find(text, '%');
        struct str argument = STR_NONE;

        if (!add_text(r, i, percent < 0 ? text : str_first(text, (size_t)percent)))
            return false;
        if (percent < 0)
            return true;
        text = str_skip(text, (size_t)percent + 1);
        if (text.n == 0 || text.p[0] == '%') {
            add_part(r, HEADER_PART_TEXT, STR("%"));
            text = str_skip(text, 1);
            continue;
        }
        if (text.p[0] == '{') {
            text = str_skip(text, 1);
            argument = str_until(&text, '}');
        }
        if (!add_format(r, i, text.n ? text.p[0] : '\0', argument))
            return false;
        text = str_skip(text, 1);
    }
    return true;
}

static bool read_value(struct reading *r)
{
    struct str text = node_word(r->n, r->at);

    if (!str_starts(text, STR("expr=")))
        return read_format(r, r->at, text);
    r->rule.value_expr = scope_expr_part(r->s, r->n, r->at, sizeof "expr=" - 1, true);
    return r->rule.value_expr != NULL;
}

/* [value] or [expression replacement]. */
static bool read_values(struct reading *r, const struct action *action)
{
    if (r->n->count < r->at + action->values) {
        scope_error(r->s, r->n, r->n->count, "%.*s %.*s needs %s", STR_ARG(r->n->name), STR_ARG(action->name),
                    action->values == 2 ? "an expression and a replacement" : "a value");
        return false;
    }
    if (action->values == 2) {
        r->rule.regex = scope_regex(r->s, r->n, r->at++, false);
        if (!r->rule.regex)
            return false;
    }
    if (action->values) {
        if (!read_value(r))
            return false;
        r->at++;
    }
    return true;
}

/* ---- conditions ---- */

static void set_early(struct reading *r)
{
    if (!r->request)
        scope_warning(r->s, r->n, r->at,
                      "early is for RequestHeader; the field is changed when the response is complete");
    else if (r->s->section)
        scope_warning(r->s, r->n, r->at, "early acts before sections are chosen: here it has no effect");
    r->rule.early = r->request;
}

/* early, env=[!]VARIABLE or expr=EXPRESSION; nothing behind it. */
static bool read_condition(struct reading *r)
{
    struct str text = node_word(r->n, r->at);

    if (!text.p)
        return true;
    if (r->n->count > r->at + 1) {
        scope_error(r->s, r->n, r->at + 1, "%.*s has too many arguments", STR_ARG(r->n->name));
        return false;
    }
    if (str_eq_nocase(text, STR("early"))) {
        set_early(r);
        return true;
    }
    if (str_starts_nocase(text, STR("expr="))) {
        r->rule.expr = scope_expr_part(r->s, r->n, r->at, sizeof "expr=" - 1, false);
        return r->rule.expr != NULL;
    }
    if (!str_starts_nocase(text, STR("env="))) {
        fault_hint(r->s->load->diags,
                   scope_error(r->s, r->n, r->at, "unknown condition \"%.*s\"", STR_ARG(text)),
                   "env=VARIABLE, env=!VARIABLE and expr=EXPRESSION are conditions%s",
                   r->request ? ", so is early" : "");
        return false;
    }
    text = str_skip(text, sizeof "env=" - 1);
    r->rule.env_not = str_starts(text, STR("!"));
    r->rule.env = arena_copy(r->s->load->arena, str_skip(text, r->rule.env_not));
    if (r->rule.env.n == 0)
        scope_error(r->s, r->n, r->at, "the variable's name is missing behind \"env=\"");
    return r->rule.env.n > 0;
}

/* ---- the directives ---- */

/* Fields by which messages are told apart on a connection are written by the one who sends them. Applications
 * may be told otherwise about the client's connection, not about the body. */
static bool is_framing(struct str name, bool request)
{
    static const struct str names[] = {
        STR_INIT("Content-Length"), STR_INIT("Transfer-Encoding"), STR_INIT("Connection"),
        STR_INIT("Keep-Alive"),     STR_INIT("Proxy-Connection"),  STR_INIT("TE"),
        STR_INIT("Trailer"),        STR_INIT("Upgrade"),
    };

    for (size_t i = 0; i < (request ? 2 : sizeof names / sizeof *names); i++)
        if (str_eq_nocase(name, names[i]))
            return true;
    return false;
}

static bool read_rule(struct reading *r)
{
    struct str first = node_word(r->n, 0);
    const struct action *action;

    r->rule.always = !r->request && str_eq_nocase(first, STR("always"));
    r->at = r->rule.always || (!r->request && str_eq_nocase(first, STR("onsuccess")));
    action = find_action(r);
    if (!action)
        return false;
    r->rule.action = action->action;
    r->name = ++r->at;
    if (!read_name(r))
        return false;
    r->at++;
    return read_values(r, action) && read_condition(r);
}

/* row->low: RequestHeader */
static void set_header(const struct scope *s, const struct directive *row, const struct node *n)
{
    struct reading r = {.s = s, .n = n, .request = row->low != 0, .rule = {.place = node_place(n)}};

    if (!read_rule(&r))
        return;
    if (is_framing(r.rule.name, r.request))
        scope_warning(s, n, r.name, "the field %.*s is scgate's own; the line has no effect",
                      STR_ARG(r.rule.name));
    else if (r.request)
        *GROW(s->load->arena, s->dir->request_headers) = r.rule;
    else
        *GROW(s->load->arena, s->dir->headers) = r.rule;
}

/* clang-format off */
static const struct directive rows[] = {
    {STR_INIT("Header"), ANYWHERE, 1, ANY_NUMBER, set_header, "Header [always|onsuccess] action field [value [replacement]] [env=[!]variable|expr=expression]",
     "Changes a field of responses, or with always of error pages too: set, setifempty, add, append, merge, unset, echo, edit, edit*"},
    {STR_INIT("RequestHeader"), ANYWHERE, 1, ANY_NUMBER, set_header, "RequestHeader action field [value [replacement]] [early|env=[!]variable|expr=expression]",
     "Changes a field of the request before applications see it: set, setifempty, add, append, merge, unset, edit, edit*", .low = 1},
};
/* clang-format on */

const struct rule_group rules_header = RULE_GROUP(rows);
