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
