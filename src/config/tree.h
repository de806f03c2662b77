/* tree: from files to nested sections and directives, with everything done that httpd does while reading.
 *
 * That is: Include and IncludeOptional, Define and UnDefine, ${VAR}, macros, ServerRoot (as far as paths
 * depend on it), and the sections that decide at once (<IfModule> and the like, condition.c). What they
 * enclose stands in the tree as if they were not there; a body whose test is false is skipped as text. A file
 * opens and closes whole sections only.
 *
 * Whether a directive exists, may stand where it stands, and what it means is not known here.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "config/lex.h"
#include "config/load.h"

struct directive;

struct node {
    struct node *next;          /* behind it in the same section */
    struct node *first, **last; /* of a section: what it holds */
    struct str name;            /* as written, of a section without '<' */
    bool section;
    bool no_bracket; /* of a section: the closing '>' is missing */
    struct lex_line line;
    size_t name_at; /* offset of the name (of '<') in the line */
    struct lex_word *words;
    size_t count; /* arguments */
};

struct define {
    struct str name, value; /* value absent: Define NAME */
};

struct macro;
struct open_section;

struct tree {
    const struct config_source *source;
    struct arena *arena;
    struct diag_list *diags;
    struct str server_root; /* absolute: what relative paths lie below */
    bool root_fixed;        /* by the command line: ServerRoot does not change it */
    struct node root;
    LIST_OF(struct define) defines;
    LIST_OF(struct macro *) macros;

    struct node *current;      /* the section that is being filled */
    struct open_section *open; /* innermost open section of any file */
    size_t budget;             /* bytes of text that may still be read */
    unsigned depth;            /* of Include */
    bool stopped;              /* reading cannot go on: a limit was hit */
};

void tree_init(struct tree *t, const struct config_source *source, struct arena *arena,
               struct diag_list *diags);
void tree_define(struct tree *t, struct str name, struct str value);
/* Reads a text as if it were a file; file absent: the command line. */
void tree_read_text(struct tree *t, struct str file, struct str text);
/* Reads a file; a fault to open it is reported without a place. */
void tree_read_file(struct tree *t, struct str path, struct str shown);

/* Where the name or argument i stands. */
struct diag_place node_place(const struct node *n);
struct diag_place node_word_place(const struct node *n, size_t i);
/* Argument i, or an absent slice. */
struct str node_word(const struct node *n, size_t i);

/* Conditions, for the sections that decide at once (condition.c). */
bool condition_is(struct str section_name);
/* False when it is not met or wrong; what is wrong is reported. */
bool condition_met(struct tree *t, const struct node *n);
const struct define *tree_find_define(const struct tree *t, struct str name);

#endif
