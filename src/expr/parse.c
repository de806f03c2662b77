/* Conditions: recursive descent, one function for each level of binding. */
#include "expr/parse.h"
#include "expr/names.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- common ---- */

struct node *parse_new_node(struct parser *p, enum node_kind kind)
{
    struct node *n = ARENA_NEW(p->arena, struct node);

    n->kind = kind;
    return n;
}

void parse_next(struct parser *p)
{
    p->token = lex_token(p->text, p->token.end);
}

static bool is_symbol(const struct parser *p, struct str symbol)
{
    return p->token.kind == TOKEN_SYMBOL && str_eq(p->token.text, symbol);
}

static bool is_word(const struct parser *p, struct str word)
{
    return p->token.kind == TOKEN_NAME && str_eq(p->token.text, word);
}

bool parse_take(struct parser *p, struct str symbol)
{
    if (!is_symbol(p, symbol))
        return false;
    parse_next(p);
    return true;
}

bool parse_expect(struct parser *p, struct str symbol)
{
    char what[8];

    if (parse_take(p, symbol))
        return true;
    snprintf(what, sizeof what, "\"%.*s\"", STR_ARG(symbol));
    parse_fail_token(p, what);
    return false;
}

void *parse_fail(struct parser *p, size_t offset, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *p->fault = (struct expr_fault){offset, arena_copy(p->arena, str_from(text)), STR_NONE};
    return NULL;
}

void parse_hint(struct parser *p, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->fault->hint = arena_copy(p->arena, str_from(text));
}

void *parse_fail_token(struct parser *p, const char *what)
{
    const struct token *t = &p->token;

    if (t->kind == TOKEN_END)
        return parse_fail(p, t->at, "expected %s, not the end", what);
    return parse_fail(p, t->at, "expected %s, not \"%s%.*s\"", what, t->kind == TOKEN_DASH ? "-" : "",
                      STR_ARG(t->text));
}

bool parse_enter(struct parser *p, size_t offset)
{
    if (p->depth < EXPR_DEPTH_MAX) {
        p->depth++;
        return true;
    }
    parse_fail(p, offset, "more than %d levels within one another", EXPR_DEPTH_MAX);
    return false;
}

void parse_leave(struct parser *p)
{
    p->depth--;
}

/* ---- what stands between two values ---- */

static bool is_separator(char c)
{
    return c && strchr("/#$%^|?!'\",;:._-", c);
}

/* A separator behind a backslash is part of the pattern, where it means itself. */
static size_t pattern_end(struct str text, size_t at, char separator)
{
    while (at < text.n && text.p[at] != separator)
        at += text.p[at] == '\\' && at + 1 < text.n ? 2 : 1;
    return at;
}

static const struct regex *compile_pattern(struct parser *p, size_t at, struct str text, bool nocase)
{
    struct pattern *pattern;
    struct str error;
    size_t offset;
    struct regex *regex = regex_compile(p->arena, text, nocase, &error, &offset);

    if (!regex)
        return parse_fail(p, at + offset, "the pattern cannot be compiled: %.*s", STR_ARG(error));
    pattern = ARENA_NEW(p->arena, struct pattern);
    *pattern = (struct pattern){p->expr->patterns, regex};
    p->expr->patterns = pattern;
    return regex;
}

/* /re/ or m#re#, the separator being any of a set, and perhaps the flag i. */
static const struct regex *parse_regex(struct parser *p)
{
    size_t at = p->token.at, end;
    const struct regex *regex;
    char separator;
    bool nocase;

    at += at + 1 < p->text.n && p->text.p[at] == 'm' && is_separator(p->text.p[at + 1]);
    separator = at < p->text.n ? p->text.p[at] : '\0';
    if (separator != '/' && (at == p->token.at || !is_separator(separator))) {
        parse_fail_token(p, "a pattern");
        parse_hint(p, "patterns are written /.../ or m#...#");
        return NULL;
    }
    at++;
    end = pattern_end(p->text, at, separator);
    if (end >= p->text.n)
        return parse_fail(p, p->token.at, "the pattern has no \"%c\" at its end", separator);
    nocase = end + 1 < p->text.n && p->text.p[end + 1] == 'i';
    regex = compile_pattern(p, at, str_make(p->text.p + at, end - at), nocase);
    if (!regex)
        return NULL;
    p->token.end = end + 1 + nocase;
    parse_next(p);
    if (p->token.kind == TOKEN_NAME && p->token.at == end + 1 + nocase && !is_word(p, STR("and")) &&
        !is_word(p, STR("or")))
        return parse_fail(p, p->token.at, "a pattern has no flag \"%c\": only i", p->token.text.p[0]);
    return regex;
}

/* {a, b}: appended behind the value that is looked for. */
static struct node *parse_list(struct parser *p, struct node *condition)
{
    struct node **last = &condition->first->next;

    if (p->token.kind == TOKEN_NAME) {
        const struct function_row *row = names_function(p->token.text);

        return parse_fail(p, p->token.at, "the list function \"%.*s\" is not supported: %s",
                          STR_ARG(p->token.text), row && row->refused ? row->refused : "there is none");
    }
    if (!parse_expect(p, STR("{")))
        return NULL;
    do {
        *last = parse_value(p);
        if (!*last)
            return NULL;
        last = &(*last)->next;
    } while (parse_take(p, STR(",")));
    return parse_expect(p, STR("}")) ? condition : NULL;
}

/* The operand of -ipmatch and -R is a text that is known here. */
static const struct subnet *parse_subnet(struct parser *p)
{
    size_t at = p->token.at;
    const struct node *value = parse_value(p);
    struct subnet *subnet = ARENA_NEW(p->arena, struct subnet);

    if (!value)
        return NULL;
    if (value->kind != NODE_TEXT)
        return parse_fail(p, at, "the range of addresses must be a text without variables");
    if (!subnet_parse(value->text, subnet)) {
        parse_fail(p, at, "\"%.*s\" is not a range of addresses", STR_ARG(value->text));
        parse_hint(p, "for example '192.0.2.0/24' or '2001:db8::/32'");
        return NULL;
    }
    return subnet;
}

/* The second half of "value operator value", of the operators with names. */
static struct node *parse_operator(struct parser *p, struct node *value, const struct operator_row *row)
{
    struct node *n = parse_new_node(p, row->kind);

    parse_next(p);
    n->first = value;
    n->numeric = true;
    n->holds = row->holds;
    n->slashes = row->slashes;
    n->nocase = row->nocase;
    if (row->kind == NODE_IN)
        return parse_list(p, n);
    if (row->kind == NODE_SUBNET) {
        n->subnet = parse_subnet(p);
        return n->subnet ? n : NULL;
    }
    value->next = parse_value(p);
    return value->next ? n : NULL;
}

static unsigned text_comparison(const struct parser *p)
{
    static const struct {
        struct str symbol;
        unsigned holds;
    } rows[] = {
        {STR_INIT("=="), HOLDS_EQUAL},
        {STR_INIT("="), HOLDS_EQUAL},
        {STR_INIT("!="), HOLDS_LESS | HOLDS_MORE},
        {STR_INIT("<"), HOLDS_LESS},
        {STR_INIT("<="), HOLDS_LESS | HOLDS_EQUAL},
        {STR_INIT(">"), HOLDS_MORE},
        {STR_INIT(">="), HOLDS_MORE | HOLDS_EQUAL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is_symbol(p, rows[i].symbol))
            return rows[i].holds;
    return 0;
}

static struct node *parse_match(struct parser *p, struct node *value)
{
    struct node *n = parse_new_node(p, NODE_MATCH);

    n->negate = is_symbol(p, STR("!~"));
    n->first = value;
    parse_next(p);
    n->regex = parse_regex(p);
    return n->regex ? n : NULL;
}

static struct node *parse_comparison(struct parser *p)
{
    struct node *value = parse_value(p), *n;
    const struct operator_row *row = NULL;
    unsigned holds;

    if (!value)
        return NULL;
    if (is_symbol(p, STR("=~")) || is_symbol(p, STR("!~")))
        return parse_match(p, value);
    if (p->token.kind == TOKEN_NAME || p->token.kind == TOKEN_DASH)
        row = names_operator(p->token.text, p->token.kind == TOKEN_DASH);
    if (row)
        return parse_operator(p, value, row);
    holds = text_comparison(p);
    if (!holds) {
        struct str near = p->token.kind == TOKEN_DASH ? names_suggest_operator(p->token.text) : STR_NONE;

        parse_fail_token(p, "a comparison");
        if (near.p)
            parse_hint(p, "did you mean \"-%.*s\"?", STR_ARG(near));
        else if (p->token.kind == TOKEN_END)
            parse_hint(p, "-n tests whether a value is not empty");
        return NULL;
    }
    n = parse_new_node(p, NODE_COMPARE);
    n->holds = holds;
    n->first = value;
    parse_next(p);
    value->next = parse_value(p);
    return value->next ? n : NULL;
}

/* ---- conditions ---- */

static struct node *parse_any(struct parser *p);

/* -n, -z, -T, -R */
static struct node *parse_test(struct parser *p)
{
    struct node *n = parse_new_node(p, NODE_EMPTY);
    char letter = p->token.text.p[0];
    size_t at = p->token.at;

    parse_next(p);
    if (letter == 'R') {
        n->kind = NODE_SUBNET;
        n->first = parse_new_node(p, NODE_LOOKUP);
        n->first->name = EXPR_REMOTE_ADDR;
        n->subnet = parse_subnet(p);
        return n->subnet ? n : NULL;
    }
    if (!strchr("nzT", letter)) {
        const char *reason = names_refused_test(letter);

        if (reason)
            return parse_fail(p, at, "the operator \"-%c\" is not supported: %s", letter, reason);
        return parse_fail(p, at, "there is no operator \"-%c\"", letter);
    }
    if (letter == 'T')
        n->kind = NODE_ON;
    n->negate = letter == 'n';
    n->first = parse_value(p);
    return n->first ? n : NULL;
}

static struct node *parse_constant(struct parser *p)
{
    struct node *n = parse_new_node(p, NODE_CONSTANT);

    n->negate = is_word(p, STR("false"));
    parse_next(p);
    return n;
}

static struct node *parse_parentheses(struct parser *p)
{
    struct node *n;

    if (!parse_enter(p, p->token.at))
        return NULL;
    n = parse_any(p);
    parse_leave(p);
    return n && parse_expect(p, STR(")")) ? n : NULL;
}

static struct node *parse_condition(struct parser *p)
{
    bool negate = false;
    struct node *n;

    for (; is_symbol(p, STR("!")) || is_word(p, STR("not")); parse_next(p))
        negate = !negate;
    if (parse_take(p, STR("(")))
        n = parse_parentheses(p);
    else if (is_word(p, STR("true")) || is_word(p, STR("false")))
        n = parse_constant(p);
    else if (p->token.kind == TOKEN_DASH && p->token.text.n == 1)
        n = parse_test(p);
    else
        n = parse_comparison(p);
    if (n && negate)
        n->negate = !n->negate;
    return n;
}

/* A node with all that stand between the operators; the only one itself when there is none. */
static struct node *parse_chain(struct parser *p, enum node_kind kind, struct str symbol, struct str word,
                                struct node *(*parse_operand)(struct parser *p))
{
    struct node *first = parse_operand(p), *n, **last;

    if (!first || (!is_symbol(p, symbol) && !is_word(p, word)))
        return first;
    n = parse_new_node(p, kind);
    n->first = first;
    for (last = &first->next; is_symbol(p, symbol) || is_word(p, word); last = &(*last)->next) {
        parse_next(p);
        *last = parse_operand(p);
        if (!*last)
            return NULL;
    }
    return n;
}

static struct node *parse_all(struct parser *p)
{
    return parse_chain(p, NODE_ALL, STR("&&"), STR("and"), parse_condition);
}

static struct node *parse_any(struct parser *p)
{
    return parse_chain(p, NODE_ANY, STR("||"), STR("or"), parse_all);
}

static bool parse_begin(struct parser *p, struct arena *arena, struct str text, struct expr_fault *fault)
{
    *p = (struct parser){.arena = arena, .expr = ARENA_NEW(arena, struct expr), .fault = fault};
    if (text.n > EXPR_LENGTH_MAX) {
        parse_fail(p, EXPR_LENGTH_MAX, "the expression is longer than %d bytes", EXPR_LENGTH_MAX);
        return false;
    }
    p->text = arena_copy(arena, text);
    p->bytes = arena_alloc(arena, text.n);
    return true;
}

struct expr *expr_compile(struct arena *arena, struct str text, struct expr_fault *fault)
{
    struct parser p;

    if (!parse_begin(&p, arena, text, fault))
        return NULL;
    p.token = lex_token(p.text, 0);
    p.expr->root = parse_any(&p);
    if (p.expr->root && p.token.kind == TOKEN_END)
        return p.expr;
    if (p.expr->root)
        parse_fail_token(&p, "&&, || or the end");
    expr_free(p.expr);
    return NULL;
}

struct expr *expr_compile_text(struct arena *arena, struct str text, struct expr_fault *fault)
{
    struct parser p;

    if (!parse_begin(&p, arena, text, fault))
        return NULL;
    p.expr->root = parse_whole_text(&p);
    return p.expr->root ? p.expr : NULL;
}

void expr_free(struct expr *e)
{
    if (!e)
        return;
    for (struct pattern *pattern = e->patterns; pattern; pattern = pattern->next)
        regex_free(pattern->regex);
    e->patterns = NULL;
}
