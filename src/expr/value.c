/* Values: numbers, texts, variables, functions, and what '.' joins. */
#include "expr/names.h"
#include "expr/parse.h"

static struct node *text_node(struct parser *p, struct str text)
{
    struct node *n = parse_new_node(p, NODE_TEXT);

    n->text = text;
    return n;
}

static struct node *lookup_node(struct parser *p, enum expr_name name)
{
    struct node *n = parse_new_node(p, NODE_LOOKUP);

    n->name = name;
    return n;
}

/* ---- names ---- */

/* HTTP_X_Y is no variable, %{HTTP:X-Y} is the field. */
static void hint_field(struct parser *p, struct str name)
{
    char field[64];

    if (name.n == 0 || name.n >= sizeof field)
        return;
    for (size_t i = 0; i < name.n; i++)
        field[i] = name.p[i] == '_' ? '-' : i && name.p[i - 1] != '_' ? ascii_lower(name.p[i]) : name.p[i];
    parse_hint(p, "the request field is %%{HTTP:%.*s}", (int)name.n, field);
}

static struct node *variable_node(struct parser *p, size_t at, struct str name)
{
    const struct variable_row *row = names_variable(name);
    struct str near;
    struct node *n;

    if (row && row->refused)
        return parse_fail(p, at, "the variable \"%.*s\" is not supported: %s", STR_ARG(name), row->refused);
    if (!row) {
        near = names_suggest_variable(name);
        parse_fail(p, at, "there is no variable \"%.*s\"", STR_ARG(name));
        if (near.p)
            parse_hint(p, "did you mean %%{%.*s}?", STR_ARG(near));
        else if (str_starts_nocase(name, STR("HTTP_")))
            hint_field(p, str_skip(name, 5));
        else
            parse_hint(p, "a variable of SetEnvIf is %%{reqenv:%.*s}", STR_ARG(name));
        return NULL;
    }
    n = lookup_node(p, row->value);
    if (row->field.p)
        n->first = text_node(p, row->field);
    return n;
}

static const struct function_row *find_function(struct parser *p, size_t at, struct str name)
{
    const struct function_row *row = names_function(name);
    struct str near;

    if (row && !row->refused)
        return row;
    if (row)
        return parse_fail(p, at, "the function \"%.*s\" is not supported: %s", STR_ARG(name), row->refused);
    near = names_suggest_function(name);
    parse_fail(p, at, "there is no function \"%.*s\"", STR_ARG(name));
    if (near.p)
        parse_hint(p, "did you mean \"%.*s\"?", STR_ARG(near));
    return NULL;
}

static struct node *function_node(struct parser *p, const struct function_row *row, struct node *argument)
{
    struct node *n = parse_new_node(p, row->lookup ? NODE_LOOKUP : NODE_CONVERT);

    n->name = row->value;
    n->convert = row->convert;
    n->first = argument;
    return n;
}

/* ---- texts ---- */

/* A text as it is put together: literal bytes gather in the parser, other parts end them. */
struct text {
    struct parser *p;
    size_t at;    /* offset of what is read next */
    size_t start; /* of the text, for faults */
    char stop;    /* the quote, or '}' */
    struct node *first, **last;
};

static struct node *parse_variable(struct parser *p, size_t at, size_t *end);

static void add_part(struct text *t, struct node *part)
{
    *t->last = part;
    t->last = &part->next;
}

static void end_literal(struct text *t)
{
    struct parser *p = t->p;

    if (p->n > p->taken)
        add_part(t, text_node(p, str_make(p->bytes + p->taken, p->n - p->taken)));
    p->taken = p->n;
}

/* Digits behind a backslash: one to three octal ones, of which 0 is no text. */
static bool read_octal(struct text *t)
{
    struct str s = str_skip(t->p->text, t->at);
    unsigned value = 0, n = 0;

    for (; n < s.n && ascii_digit(s.p[n]); n++)
        value = n < 3 && s.p[n] < '8' ? value * 8 + (unsigned)(s.p[n] - '0') : 256;
    if (value == 0 || value > 255) {
        parse_fail(t->p, t->at - 1, "\"\\%.*s\" is no character", (int)n, s.p);
        return false;
    }
    t->p->bytes[t->p->n++] = (char)value;
    t->at += n;
    return true;
}

/* At the character behind a backslash. */
static bool read_escape(struct text *t)
{
    static const char names[] = "nrtbf", values[] = "\n\r\t\b\f";
    char c = t->p->text.p[t->at];
    const char *known = c ? strchr(names, c) : NULL;

    if (ascii_digit(c))
        return read_octal(t);
    t->p->bytes[t->p->n++] = known ? values[known - names] : c;
    t->at++;
    return true;
}

/* Whether "%{" or "$1" is at the front. */
static bool is_reference(struct str s)
{
    return s.n > 1 && ((s.p[0] == '%' && s.p[1] == '{') || (s.p[0] == '$' && ascii_digit(s.p[1])));
}

static bool read_reference(struct text *t)
{
    struct str s = str_skip(t->p->text, t->at);
    struct node *n;

    end_literal(t);
    if (s.p[0] == '$') {
        n = parse_new_node(t->p, NODE_REFERENCE);
        n->number = (unsigned)(s.p[1] - '0');
        t->at += 2;
    } else {
        n = parse_variable(t->p, t->at, &t->at);
    }
    if (n)
        add_part(t, n);
    return n != NULL;
}

/* One step; false at a fault. */
static bool read_text(struct text *t)
{
    struct parser *p = t->p;
    char c = p->text.p[t->at];

    if (is_reference(str_skip(p->text, t->at)))
        return read_reference(t);
    if (c == '\\' && t->at + 1 < p->text.n) {
        t->at++;
        return read_escape(t);
    }
    if (c == '\n' || (t->stop == '}' && (c == '\'' || c == '"'))) {
        parse_fail(p, t->start, "the text is not ended before %s", c == '\n' ? "the line ends" : "a quote");
        return false;
    }
    t->p->bytes[t->p->n++] = c;
    t->at++;
    return true;
}

/* The text from the offset `at` up to the unescaped stop; *end is behind that. A NUL as the stop stands for
 * the end of the expression. */
static struct node *parse_text(struct parser *p, size_t at, char stop, size_t start, size_t *end)
{
    struct text t = {.p = p, .at = at, .start = start, .stop = stop};
    struct node *n;

    t.last = &t.first;
    while (t.at < p->text.n && p->text.p[t.at] != stop)
        if (!read_text(&t))
            return NULL;
    if (t.at >= p->text.n && stop)
        return parse_fail(p, start, "the text has no \"%c\" at its end", stop);
    end_literal(&t);
    *end = t.at + 1;
    if (!t.first)
        return text_node(p, STR(""));
    if (!t.first->next)
        return t.first;
    n = parse_new_node(p, NODE_CONCAT);
    n->first = t.first;
    return n;
}

struct node *parse_whole_text(struct parser *p)
{
    size_t end;
    struct node *n = parse_text(p, 0, '\0', 0, &end);

    return n && end <= p->text.n ? parse_fail(p, end - 1, "the text holds a NUL") : n;
}

/* %{NAME} or %{function:text} at the offset; *end is behind it. */
static struct node *parse_variable(struct parser *p, size_t at, size_t *end)
{
    struct token name = lex_token(p->text, at + 2);
    const struct function_row *row;
    struct node *argument;
    char after;

    if (name.kind != TOKEN_NAME || name.at != at + 2)
        return parse_fail(p, at + 2, "expected the name of a variable behind \"%%{\"");
    after = name.end < p->text.n ? p->text.p[name.end] : '\0';
    if (after == '}') {
        *end = name.end + 1;
        return variable_node(p, name.at, name.text);
    }
    if (after != ':')
        return parse_fail(p, at, "the variable has no \"}\" behind its name");
    row = find_function(p, name.at, name.text);
    if (!row || !parse_enter(p, at))
        return NULL;
    argument = parse_text(p, name.end + 1, '}', at, end);
    parse_leave(p);
    if (argument && argument->kind == NODE_TEXT && argument->text.n == 0)
        return parse_fail(p, name.at, "the function \"%.*s\" needs a text behind the \":\"",
                          STR_ARG(name.text));
    return argument ? function_node(p, row, argument) : NULL;
}

/* ---- parts ---- */

/* function(value); the name is the token. */
static struct node *parse_call(struct parser *p)
{
    struct token name = p->token;
    const struct function_row *row;
    struct node *argument;

    parse_next(p);
    if (p->token.kind != TOKEN_SYMBOL || !str_eq(p->token.text, STR("("))) {
        parse_fail(p, name.at, "\"%.*s\" is neither quoted nor a function", STR_ARG(name.text));
        if (names_variable(name.text))
            parse_hint(p, "the variable is %%{%.*s}", STR_ARG(name.text));
        else if (str_eq_nocase(name.text, STR("true")) || str_eq_nocase(name.text, STR("false")))
            parse_hint(p, "true and false are written in small letters");
        else
            parse_hint(p, "texts stand in quotes: '%.*s'", STR_ARG(name.text));
        return NULL;
    }
    row = find_function(p, name.at, name.text);
    if (!row || !parse_enter(p, name.at))
        return NULL;
    parse_next(p);
    argument = parse_value(p);
    parse_leave(p);
    return argument && parse_expect(p, STR(")")) ? function_node(p, row, argument) : NULL;
}

static struct node *parse_part(struct parser *p)
{
    struct token t = p->token;
    struct node *n;

    switch (t.kind) {
    case TOKEN_NUMBER:
        n = text_node(p, t.text);
        break;
    case TOKEN_GROUP:
        n = parse_new_node(p, NODE_REFERENCE);
        n->number = (unsigned)(t.text.p[1] - '0');
        break;
    case TOKEN_QUOTE:
        n = parse_text(p, t.end, t.text.p[0], t.at, &p->token.end);
        break;
    case TOKEN_VARIABLE:
        n = parse_variable(p, t.at, &p->token.end);
        break;
    case TOKEN_NAME:
        return parse_call(p);
    default:
        return parse_fail_token(p, "a value");
    }
    if (n)
        parse_next(p);
    return n;
}

struct node *parse_value(struct parser *p)
{
    struct node *first = parse_part(p), *n, **last;

    if (!first || p->token.kind != TOKEN_SYMBOL || !str_eq(p->token.text, STR(".")))
        return first;
    n = parse_new_node(p, NODE_CONCAT);
    n->first = first;
    for (last = &first->next; parse_take(p, STR(".")); last = &(*last)->next) {
        *last = parse_part(p);
        if (!*last)
            return NULL;
    }
    return n;
}
