/* macro: <Macro name parameter ...> and Use (mod_macro): lines that are read again with other words in them.
 *
 * A parameter is replaced wherever its text stands in a line of the body, the longest first where several
 * begin at the same place; what was put in is not looked at again. ${VAR} is replaced afterwards, when the
 * line is read. Names are compared without case, parameters with it.
 */
#ifndef CONFIG_MACRO_H
#define CONFIG_MACRO_H

#include "config/tree.h"

struct macro {
    struct str name;
    const struct lex_word *parameters;
    size_t parameter_count;
    LIST_OF(struct lex_line) lines;
    struct diag_place place;
    bool busy; /* being used */
};

/* A new macro of that head (<Macro ...>), whose lines are still to come; what is wrong is reported. An older
 * one of the name is replaced, with a warning. */
struct macro *macro_define(struct tree *t, const struct node *n);
/* NULL when there is none. */
struct macro *macro_find(const struct tree *t, struct str name);
void macro_undefine(struct tree *t, struct str name);
/* The lines with the arguments of Use put in, in the arena. */
struct lex_line *macro_expand(struct tree *t, const struct macro *m, const struct node *use);

#endif
