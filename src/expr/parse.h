/* parse: what the two halves of the parser, values (value.c) and conditions (parse.c), have in common. */
#ifndef EXPR_PARSE_H
#define EXPR_PARSE_H

#include "expr/lex.h"
#include "expr/tree.h"

struct parser {
    struct arena *arena;
    struct str text;
    struct token token; /* the next one */
    unsigned depth;
    char *bytes;     /* of texts; as many as the expression has, since none is longer than it is written */
    size_t n, taken; /* how many are there, and how many belong to nodes */
    struct expr *expr;
    struct expr_fault *fault;
};

/* Parsers of a part return NULL when they have set the fault; nobody goes on then. */

/* A value: parts joined by '.'. */
struct node *parse_value(struct parser *p);

/* The whole expression as if it stood between quotes. */
struct node *parse_whole_text(struct parser *p);

struct node *parse_new_node(struct parser *p, enum node_kind kind);
void parse_next(struct parser *p);
/* The token, when it is this symbol, is taken. */
bool parse_take(struct parser *p, struct str symbol);
/* The same, a fault when it is another. */
bool parse_expect(struct parser *p, struct str symbol);
/* Sets the fault, without a hint. Returns NULL. */
__attribute__((format(printf, 3, 4))) void *parse_fail(struct parser *p, size_t offset, const char *format,
                                                       ...);
/* Of the fault that was set. */
__attribute__((format(printf, 2, 3))) void parse_hint(struct parser *p, const char *format, ...);
/* "expected WHAT, not ..." at the token. */
void *parse_fail_token(struct parser *p, const char *what);
/* One level deeper; false when that is too deep. To be followed by parse_leave(), unless it is false. */
bool parse_enter(struct parser *p, size_t offset);
void parse_leave(struct parser *p);

#endif
