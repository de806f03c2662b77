#include "base/diag.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>

void diag_list_init(struct diag_list *l, struct arena *arena)
{
    *l = (struct diag_list){.arena = arena};
    l->last = &l->first;
}

struct diag *diag_add(struct diag_list *l, enum diag_level level, struct diag_place place, const char *format,
                      ...)
{
    struct diag *d = ARENA_NEW(l->arena, struct diag);
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->level = level;
    d->place = place;
    d->message = arena_copy(l->arena, str_from(text));
    *l->last = d;
    l->last = &d->next;
    l->errors += level == DIAG_ERROR;
    l->warnings += level == DIAG_WARNING;
    return d;
}

static struct str place_text(struct arena *arena, const struct diag_place *place)
{
    struct str file = place->file.p ? place->file : STR("command line");

    if (!place->line)
        return file;
    if (!place->column)
        return arena_printf(arena, "%.*s:%u", STR_ARG(file), place->line);
    return arena_printf(arena, "%.*s:%u:%u", STR_ARG(file), place->line, place->column);
}

/* The blanks before the caret; tabs are kept, so that it stands right in any terminal. */
static struct str caret_indent(struct arena *arena, const struct diag_place *place)
{
    size_t n = place->column - 1 < place->source.n ? place->column - 1 : place->source.n;
    char *p = arena_alloc(arena, n + 1);

    for (size_t i = 0; i < n; i++)
        p[i] = place->source.p[i] == '\t' ? '\t' : ' ';
    p[n] = '\0';
    return str_make(p, n);
}

struct str diag_text(struct arena *arena, const struct diag *d)
{
    static const char *const levels[] = {"error", "warning", "notice"};
    struct str where = place_text(arena, &d->place);
    struct str head =
        arena_printf(arena, "%.*s: %s: %.*s\n", STR_ARG(where), levels[d->level], STR_ARG(d->message));
    struct str line = STR(""), caret = STR(""), hint = STR("");

    if (d->place.source.p) {
        struct str shown = str_first(d->place.source, 200);

        line = arena_printf(arena, "  %.*s\n", STR_ARG(shown));
        if (d->place.column && d->place.column <= 200)
            caret = arena_printf(arena, "  %.*s^\n", STR_ARG(caret_indent(arena, &d->place)));
    }
    if (d->hint.p)
        hint = arena_printf(arena, "  hint: %.*s\n", STR_ARG(d->hint));
    return ARENA_CONCAT(arena, head, line, caret, hint);
}
