/* expect: loads configurations of a text and compares the faults, for tests. */
#ifndef CONFIG_EXPECT_H
#define CONFIG_EXPECT_H

#include "config/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;

/* "line:column: error: message | hint" of each fault, each ended by a newline; of another file, with its
 * path. */
static inline struct str faults_of(const struct diag_list *l)
{
    static const char *const levels[] = {"error", "warning", "notice"};
    struct str out = STR("");

    for (const struct diag *d = l->first; d; d = d->next) {
        bool other = d->place.file.p && !str_eq(d->place.file, STR(BUNDLE_FILE));

        out = arena_printf(&arena, "%.*s%.*s%s%u:%u: %s: %.*s%s%.*s\n", STR_ARG(out),
                           STR_ARG(other ? d->place.file : STR("")), other ? ":" : "", d->place.line,
                           d->place.column, levels[d->level], STR_ARG(d->message), d->hint.p ? " | " : "",
                           STR_ARG(d->hint));
    }
    return out;
}

static inline struct model *load(const char *text, struct str *faults)
{
    struct bundle bundle = bundle_make(str_from(text));
    struct config_source source = bundle_source(&bundle);
    struct config_options options = {.file = STR(BUNDLE_FILE), .directory = STR("/")};
    struct str define = STR("GIVEN");
    struct diag_list diags;
    struct model *m;

    diag_list_init(&diags, &arena);
    options.defines.items = &define;
    options.defines.count = 1;
    m = config_load(&source, &options, &arena, &diags);
    assert_int_equal(m == NULL, diags.errors > 0);
    *faults = faults_of(&diags);
    return m;
}

/* Line 1 of each text listens, so that nothing else is amiss. */
static inline void expect(const char *text, const char *want)
{
    struct str faults;
    struct model *m = load(arena_printf(&arena, "Listen 8080\n%s", text).p, &faults);

    if (!str_eq(faults, str_from(want)))
        fail_msg("of:\n%s\nwanted:\n%s\ngot:\n%s", text, want, faults.p);
    if (m)
        model_finish(m);
}

#define GOOD(text)        expect(text, "")
#define FAULT(text, want) expect(text, want "\n")

#endif
