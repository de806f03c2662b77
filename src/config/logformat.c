/* Formats of access logs (LogFormat, CustomLog): text with %letters. */
#include "config/directive.h"
#include "config/fault.h"
#include "config/value.h"

struct format {
    struct arena *arena;
    struct log_format *out;
    char *text; /* literal text that is being collected */
    size_t n;
};

static void end_text(struct format *f)
{
    if (f->n)
        *GROW(f->arena, f->out->items) =
            (struct log_item){.argument = arena_copy(f->arena, str_make(f->text, f->n))};
    f->n = 0;
}

static char unescape(char c)
{
    return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : '\\';
}

/* Behind the '%' at s[at]; *at is then behind the letter. */
static const char *parse_item(struct format *f, struct str s, size_t *at)
{
    struct log_item item = {0};
    size_t i = *at + 1;

    for (; i < s.n; i++) {
        char c = s.p[i];

        if (c == '<' || c == '>') {
            item.original |= c == '<';
            item.final |= c == '>';
        } else if (c == '{') {
            struct str rest = str_skip(s, i + 1);
            ptrdiff_t end = str_find(rest, '}');

            if (end < 0)
                return "\"%{\" without \"}\"";
            item.argument = arena_copy(f->arena, str_first(rest, (size_t)end));
            i += (size_t)end + 1;
        } else if (c == '!' || c == ',' || ascii_digit(c)) {
            return "conditions on the status are not supported in this release";
        } else {
            break;
        }
    }
    if (i >= s.n)
        return "\"%\" at the end";
    if (!strchr("aAbBCDefhHiIklLmnoOpPqrRsStTuUvVX", s.p[i]))
        return "unknown format letter";
    if (strchr("Ceino", s.p[i]) && !item.argument.n)
        return "this letter needs a name: %{name}";
    item.letter = s.p[i];
    end_text(f);
    *GROW(f->arena, f->out->items) = item;
    *at = i + 1;
    return NULL;
}

const char *log_format_parse(struct arena *arena, struct str text, struct log_format *format, size_t *offset)
{
    struct format f = {arena, format, arena_alloc(arena, text.n + 1), 0};

    *format = (struct log_format){0};
    for (size_t i = 0; i < text.n;) {
        struct str rest = str_skip(text, i);
        const char *fault;

        if (rest.p[0] == '\\' && rest.n > 1 && strchr("ntr\\", rest.p[1])) {
            f.text[f.n++] = unescape(rest.p[1]);
            i += 2;
            continue;
        }
        if (rest.p[0] != '%' || str_starts(rest, STR("%%"))) {
            i += rest.p[0] == '%' ? 2 : 1;
            f.text[f.n++] = rest.p[0];
            continue;
        }
        *offset = i;
        fault = parse_item(&f, text, &i);
        if (fault)
            return fault;
    }
    end_text(&f);
    return NULL;
}
