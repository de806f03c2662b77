/* tree: the nodes of a compiled expression. Conditions and values are both nodes; the parser sees to it that
 * each stands only where it may. Operands are a list, so that a long chain of && does not nest. */
#ifndef EXPR_TREE_H
#define EXPR_TREE_H

#include "base/subnet.h"
#include "expr/expr.h"

enum node_kind {
    /* conditions */
    NODE_CONSTANT, /* true; false when negated */
    NODE_ALL,      /* && of the operands */
    NODE_ANY,      /* || of the operands */
    NODE_COMPARE,  /* two values, as text or as numbers; holds */
    NODE_IN,       /* the first value equals one of the others */
    NODE_MATCH,    /* a value; regex */
    NODE_GLOB,     /* a value, a pattern; slashes, nocase */
    NODE_SUBNET,   /* a value; subnet */
    NODE_EMPTY,    /* a value: -z, negated -n */
    NODE_ON,       /* a value: -T */
    /* values */
    NODE_TEXT,      /* text */
    NODE_REFERENCE, /* $number */
    NODE_CONCAT,    /* the operands */
    NODE_LOOKUP,    /* name; its argument is the operand, if any */
    NODE_CONVERT,   /* convert of the operand */
};

/* What a comparison may come to for the condition to hold. */
enum { HOLDS_LESS = 1, HOLDS_EQUAL = 2, HOLDS_MORE = 4 };

enum convert { CONVERT_LOWER, CONVERT_UPPER, CONVERT_ESCAPE, CONVERT_UNESCAPE };

struct node {
    enum node_kind kind;
    bool negate;
    bool numeric;         /* NODE_COMPARE */
    bool slashes, nocase; /* NODE_GLOB */
    unsigned holds;       /* NODE_COMPARE */
    unsigned number;      /* NODE_REFERENCE */
    enum expr_name name;  /* NODE_LOOKUP */
    enum convert convert; /* NODE_CONVERT */
    struct str text;      /* NODE_TEXT */
    const struct regex *regex;
    const struct subnet *subnet;
    struct node *first; /* operands */
    struct node *next;  /* behind it in the same list */
};

struct pattern { /* to be freed */
    struct pattern *next;
    struct regex *regex;
};

struct expr {
    const struct node *root;
    struct pattern *patterns;
};

#endif
