#include "expr/lex.h"

bool lex_is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static size_t name_length(struct str s)
{
    size_t n = 0;

    while (n < s.n && (lex_is_letter(s.p[n]) || ascii_digit(s.p[n]) || s.p[n] == '_'))
        n++;
    return n;
}

static size_t digits_length(struct str s)
{
    size_t n = 0;

    while (n < s.n && ascii_digit(s.p[n]))
        n++;
    return n;
}

static size_t symbol_length(struct str s)
{
    static const struct str symbols[] = {
        /* the longer ones first */
        STR_INIT("&&"), STR_INIT("||"), STR_INIT("=="), STR_INIT("=~"), STR_INIT("!="), STR_INIT("!~"),
        STR_INIT("<="), STR_INIT(">="), STR_INIT("="),  STR_INIT("!"),  STR_INIT("<"),  STR_INIT(">"),
        STR_INIT("("),  STR_INIT(")"),  STR_INIT("{"),  STR_INIT("}"),  STR_INIT(","),  STR_INIT(".")};

    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (str_starts(s, symbols[i]))
            return symbols[i].n;
    return 0;
}

/* The length of the token at the start of s, which is not empty, and its kind. */
static size_t measure(struct str s, enum token_kind *kind)
{
    char c = s.p[0], second = s.n > 1 ? s.p[1] : '\0';
    size_t n;

    if (lex_is_letter(c)) {
        *kind = TOKEN_NAME;
        return name_length(s);
    }
    if (c == '-' && (lex_is_letter(second) || second == '_')) {
        *kind = TOKEN_DASH;
        return 1 + name_length(str_skip(s, 1));
    }
    if (ascii_digit(c) || (c == '-' && ascii_digit(second))) {
        *kind = TOKEN_NUMBER;
        return 1 + digits_length(str_skip(s, 1));
    }
    if ((n = symbol_length(s)) > 0) {
        *kind = TOKEN_SYMBOL;
        return n;
    }
    if (c == '\'' || c == '"')
        *kind = TOKEN_QUOTE;
    else if (c == '%' && second == '{')
        *kind = TOKEN_VARIABLE;
    else if (c == '$' && ascii_digit(second))
        *kind = TOKEN_GROUP;
    else
        *kind = TOKEN_BAD;
    return *kind == TOKEN_VARIABLE || *kind == TOKEN_GROUP ? 2 : 1;
}

struct token lex_token(struct str text, size_t at)
{
    struct token t = {.kind = TOKEN_END};
    size_t n = 0;

    while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\n'))
        at++;
    if (at < text.n)
        n = measure(str_skip(text, at), &t.kind);
    t.text = str_first(str_skip(text, at), n);
    if (t.kind == TOKEN_DASH)
        t.text = str_skip(t.text, 1);
    t.at = at;
    t.end = at + n;
    return t;
}
