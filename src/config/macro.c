#include "config/macro.h"

#include "config/fault.h"
#include "config/grow.h"

struct macro *macro_find(const struct tree *t, struct str name)
{
    for (size_t i = 0; i < t->macros.count; i++)
        if (str_eq_nocase(t->macros.items[i]->name, name))
            return t->macros.items[i];
    return NULL;
}

void macro_undefine(struct tree *t, struct str name)
{
    for (size_t i = 0; i < t->macros.count; i++)
        if (str_eq_nocase(t->macros.items[i]->name, name)) {
            t->macros.items[i] = t->macros.items[--t->macros.count];
            return;
        }
}

static void check_parameters(struct tree *t, const struct node *n)
{
    for (size_t i = 1; i < n->count; i++) {
        struct str text = n->words[i].text;

        if (text.n == 0)
            fault_add(t->diags, DIAG_ERROR, node_word_place(n, i), "a parameter is empty");
        for (size_t k = 1; k < i; k++)
            if (str_eq(n->words[k].text, text))
                fault_add(t->diags, DIAG_ERROR, node_word_place(n, i), "the parameter \"%.*s\" stands twice",
                          STR_ARG(text));
    }
}

struct macro *macro_define(struct tree *t, const struct node *n)
{
    struct macro *m = ARENA_NEW(t->arena, struct macro);
    const struct macro *old;

    *m = (struct macro){.name = node_word(n, 0), .place = node_place(n)};
    if (n->count == 0) {
        fault_add(t->diags, DIAG_ERROR, node_place(n), "<Macro> needs a name");
        return m;
    }
    m->parameters = n->words + 1;
    m->parameter_count = n->count - 1;
    check_parameters(t, n);
    old = macro_find(t, m->name);
    if (old) {
        struct str where = fault_where(t->arena, old->place);

        fault_hint(t->diags,
                   fault_add(t->diags, DIAG_WARNING, node_word_place(n, 0),
                             "the macro \"%.*s\" is defined again", STR_ARG(m->name)),
                   "the first is at %.*s", STR_ARG(where));
        macro_undefine(t, m->name);
    }
    *GROW(t->arena, t->macros) = m;
    return m;
}

/* The longest parameter whose text begins there; parameter_count when none does. */
static size_t parameter_at(const struct macro *m, struct str text)
{
    size_t best = m->parameter_count;

    for (size_t i = 0; i < m->parameter_count; i++) {
        struct str parameter = m->parameters[i].text;

        if (parameter.n && str_starts(text, parameter) &&
            (best == m->parameter_count || parameter.n > m->parameters[best].text.n))
            best = i;
    }
    return best;
}

static struct lex_line expand_line(struct tree *t, const struct macro *m, const struct lex_line *line,
                                   const struct node *use)
{
    struct lex_builder b;
    size_t done = 0;

    lex_builder_init(&b, t->arena, line->file);
    for (size_t at = 0; at < line->text.n;) {
        size_t i = parameter_at(m, str_skip(line->text, at));

        if (i == m->parameter_count) {
            at++;
            continue;
        }
        lex_builder_copy(&b, line, done, at);
        lex_builder_insert(&b, line, at, use->words[i + 1].text);
        at += m->parameters[i].text.n;
        done = at;
    }
    if (!done)
        return *line;
    lex_builder_copy(&b, line, done, line->text.n);
    return lex_builder_done(&b);
}

struct lex_line *macro_expand(struct tree *t, const struct macro *m, const struct node *use)
{
    struct lex_line *lines = ARENA_ARRAY(t->arena, struct lex_line, m->lines.count);

    for (size_t i = 0; i < m->lines.count; i++)
        lines[i] = expand_line(t, m, &m->lines.items[i], use);
    return lines;
}
