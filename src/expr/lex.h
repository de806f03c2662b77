/* lex: the tokens of an expression. Texts, variables and patterns have rules of their own: their first
 * character is a token, the parser reads on behind it. */
#ifndef EXPR_LEX_H
#define EXPR_LEX_H

#include "base/str.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,     /* a letter, then letters, digits and '_' */
    TOKEN_DASH,     /* -name; text is without the dash */
    TOKEN_NUMBER,   /* digits, perhaps with a '-' */
    TOKEN_QUOTE,    /* ' or " */
    TOKEN_VARIABLE, /* %{ */
    TOKEN_GROUP,    /* $ and a digit */
    TOKEN_SYMBOL,   /* ( ) { } , . && || ! == = != < <= > >= =~ !~ */
    TOKEN_BAD,      /* any other character */
};

struct token {
    enum token_kind kind;
    struct str text;
    size_t at;  /* offset of its first character */
    size_t end; /* offset behind it */
};

bool lex_is_letter(char c);
/* The token at or behind the offset; blanks before it are skipped. */
struct token lex_token(struct str text, size_t at);

#endif
