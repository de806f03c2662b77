#include "config/fault.h"

#include <stdarg.h>
#include <stdio.h>

struct diag *fault_add(struct diag_list *l, enum diag_level level, struct diag_place place,
                       const char *format, ...)
{
    unsigned *count = level == DIAG_ERROR ? &l->errors : &l->warnings;
    char text[1024];
    va_list args;

    if (*count >= FAULTS_MAX) {
        if (++*count == FAULTS_MAX + 1)
            diag_add(l, DIAG_NOTICE, place, "too many %s, the rest is not shown",
                     level == DIAG_ERROR ? "errors" : "warnings");
        return ARENA_NEW(l->arena, struct diag);
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return diag_add(l, level, place, "%s", text);
}

struct diag *fault_hint(struct diag_list *l, struct diag *d, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->hint = arena_copy(l->arena, str_from(text));
    return d;
}

struct str fault_where(struct arena *arena, struct diag_place place)
{
    struct str file = place.file.p ? place.file : STR("command line");

    return arena_printf(arena, "%.*s:%u", STR_ARG(file), place.line);
}

/* How many other files had a fault before this one's first. */
static unsigned file_number(const struct diag_list *l, struct str file)
{
    unsigned n = 0;

    for (const struct diag *d = l->first; d && !str_eq(d->place.file, file); d = d->next)
        n++;
    return n;
}

static bool stands_after(const struct diag_list *l, const struct diag *a, const struct diag *b)
{
    unsigned file_a = file_number(l, a->place.file), file_b = file_number(l, b->place.file);

    if (file_a != file_b)
        return file_a > file_b;
    if (!a->place.line || !b->place.line)
        return !a->place.line && b->place.line;
    return a->place.line > b->place.line;
}

/* Insertion into a new list: stable, and there are at most some hundred. */
void fault_sort(struct diag_list *l)
{
    struct diag *sorted = NULL, *next;

    for (struct diag *d = l->first; d; d = next) {
        struct diag **at = &sorted;

        next = d->next;
        while (*at && !stands_after(l, *at, d))
            at = &(*at)->next;
        d->next = *at;
        *at = d;
    }
    l->first = sorted;
    for (l->last = &l->first; *l->last;)
        l->last = &(*l->last)->next;
}
