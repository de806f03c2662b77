/* names: the variables, functions and operators that Apache's expressions know, which of them are supported,
 * and why the others are not. */
#ifndef EXPR_NAMES_H
#define EXPR_NAMES_H

#include "expr/tree.h"

struct variable_row {
    struct str name; /* of what is refused: a glob */
    enum expr_name value;
    struct str field;    /* the argument of EXPR_REQUEST_FIELD; absent for others */
    const char *refused; /* the reason, or NULL */
};

struct function_row {
    struct str name;
    bool lookup; /* asks for value, else converts */
    enum expr_name value;
    enum convert convert;
    const char *refused;
};

struct operator_row { /* between two values; with a dash */
    struct str name;
    bool bare; /* also without the dash */
    enum node_kind kind;
    unsigned holds;
    bool slashes, nocase;
};

/* NULL when there is none. */
const struct variable_row *names_variable(struct str name);
const struct function_row *names_function(struct str name);
const struct operator_row *names_operator(struct str name, bool dash);
/* The reason why the operator with one operand is refused; NULL when it is not known at all. */
const char *names_refused_test(char letter);

/* The supported name that was probably meant; absent when none is near. */
struct str names_suggest_variable(struct str name);
struct str names_suggest_function(struct str name);
struct str names_suggest_operator(struct str name);

#endif
