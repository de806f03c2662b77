/* The table of media types: TypesConfig, else what the system has, else a few. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/lex.h"
#include "config/value.h"

#include <stdlib.h>

static const struct media_type usual[] = {
    {STR_INIT("css"), STR_INIT("text/css")},
    {STR_INIT("csv"), STR_INIT("text/csv")},
    {STR_INIT("gif"), STR_INIT("image/gif")},
    {STR_INIT("gz"), STR_INIT("application/gzip")},
    {STR_INIT("htm"), STR_INIT("text/html")},
    {STR_INIT("html"), STR_INIT("text/html")},
    {STR_INIT("ico"), STR_INIT("image/vnd.microsoft.icon")},
    {STR_INIT("jpeg"), STR_INIT("image/jpeg")},
    {STR_INIT("jpg"), STR_INIT("image/jpeg")},
    {STR_INIT("js"), STR_INIT("text/javascript")},
    {STR_INIT("json"), STR_INIT("application/json")},
    {STR_INIT("mp4"), STR_INIT("video/mp4")},
    {STR_INIT("pdf"), STR_INIT("application/pdf")},
    {STR_INIT("png"), STR_INIT("image/png")},
    {STR_INIT("svg"), STR_INIT("image/svg+xml")},
    {STR_INIT("txt"), STR_INIT("text/plain")},
    {STR_INIT("wasm"), STR_INIT("application/wasm")},
    {STR_INIT("webp"), STR_INIT("image/webp")},
    {STR_INIT("woff2"), STR_INIT("font/woff2")},
    {STR_INIT("xml"), STR_INIT("text/xml")},
    {STR_INIT("zip"), STR_INIT("application/zip")},
};

struct entry {
    struct media_type type;
    size_t number; /* of the line: the last one wins */
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t n = x->type.extension.n < y->type.extension.n ? x->type.extension.n : y->type.extension.n;
    int order = n ? memcmp(x->type.extension.p, y->type.extension.p, n) : 0;

    if (order == 0)
        order = (x->type.extension.n > y->type.extension.n) - (x->type.extension.n < y->type.extension.n);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* "type extension ..." line by line */
static void parse_types(struct arena *arena, struct str text, struct model *m)
{
    struct lex lex = lex_begin(arena, STR_NONE, text);
    LIST_OF(struct entry) entries = {0};
    struct lex_line line;

    while (lex_next_line(&lex, &line)) {
        struct lex_word type, extension;
        size_t at = 0;

        if (!lex_next_word(arena, &line, &at, line.text.n, &type))
            continue;
        while (lex_next_word(arena, &line, &at, line.text.n, &extension)) {
            size_t number = entries.count;

            *GROW(arena, entries) = (struct entry){{value_lower(arena, extension.text), type.text}, number};
        }
    }
    if (entries.count)
        qsort(entries.items, entries.count, sizeof *entries.items, compare);
    for (size_t i = 0; i < entries.count; i++)
        if (i + 1 == entries.count ||
            !str_eq(entries.items[i].type.extension, entries.items[i + 1].type.extension))
            *GROW(arena, m->types) = entries.items[i].type;
}

void rules_load_types(const struct scope *s)
{
    static const struct str system_file = STR_INIT("/etc/mime.types");
    struct load *load = s->load;
    const struct node *n = load->types_config;
    struct str path = n ? scope_path(s, n, 0) : system_file, text;
    const char *fault = load->source->read_file(load->source->context, load->arena, path, &text);

    if (!fault) {
        parse_types(load->arena, text, load->model);
        return;
    }
    if (n)
        scope_error(s, n, 0, "cannot read \"%.*s\": %s", STR_ARG(path), fault);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        *GROW(load->arena, load->model->types) = usual[i];
}
