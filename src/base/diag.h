/* diag: faults of the user's configuration, with place, line, caret and hint.
 *
 * Faults are collected, so that one run shows as many as there are; nothing is printed here. The text of
 * one fault reads like this:
 *
 *     site.conf:12:3: error: unknown directive "ProxyPas"
 *       ProxyPas "/app/" "scgi://localhost:4000/"
 *       ^
 *       hint: did you mean "ProxyPass"?
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/arena.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTICE };

struct diag_place {
    struct str file;   /* as the user named it; absent for the command line */
    unsigned line;     /* from 1; 0 when there is none */
    unsigned column;   /* from 1; 0 when there is none */
    struct str source; /* the text of that line, without its newline */
};

struct diag {
    struct diag *next;
    enum diag_level level;
    struct diag_place place;
    struct str message;
    struct str hint; /* absent when there is none */
};

struct diag_list {
    struct arena *arena; /* owns all texts */
    struct diag *first, **last;
    unsigned errors, warnings;
};

void diag_list_init(struct diag_list *l, struct arena *arena);

/* Adds a fault; the place's texts must live as long as the list's arena. Returns it, so that a hint can be
 * set. */
__attribute__((format(printf, 4, 5))) struct diag *diag_add(struct diag_list *l, enum diag_level level,
                                                            struct diag_place place, const char *format, ...);

/* The text of one fault as shown above, each line ended by a newline; from the arena. */
struct str diag_text(struct arena *arena, const struct diag *d);

#endif
