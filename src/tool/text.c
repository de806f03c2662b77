#include "tool/text.h"

void out_html(struct out *o, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            out_str(o, STR("&amp;"));
            break;
        case '<':
            out_str(o, STR("&lt;"));
            break;
        case '>':
            out_str(o, STR("&gt;"));
            break;
        case '"':
            out_str(o, STR("&quot;"));
            break;
        case '\'':
            out_str(o, STR("&#39;"));
            break;
        default:
            out_char(o, s.p[i]);
        }
    }
}

void out_json(struct out *o, struct str s)
{
    out_char(o, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            out_printf(o, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            out_printf(o, "\\u%04x", c);
        else
            out_char(o, (char)c);
    }
    out_char(o, '"');
}

void out_line(struct out *o, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '\n')
            out_str(o, STR("\\n"));
        else if (c == '\t')
            out_str(o, STR("\\t"));
        else if (c < 0x20 || c == 0x7f)
            out_printf(o, "\\x%02x", c);
        else
            out_char(o, (char)c);
    }
}

static int hex_digit(char c)
{
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str query_decode(struct arena *arena, struct str s)
{
    char *p = arena_alloc(arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1, low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;

        if (s.p[i] == '%' && low >= 0) {
            p[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            p[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    p[n] = '\0';
    return str_make(p, n);
}

struct str query_find(struct arena *arena, struct str query, struct str name)
{
    while (query.p) {
        struct str value = str_until(&query, '&'), key = str_until(&value, '=');

        if (str_eq(query_decode(arena, key), name))
            return value.p ? query_decode(arena, value) : STR("");
    }
    return STR_NONE;
}
