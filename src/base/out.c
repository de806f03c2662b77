#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>

void out_u64(struct out *o, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    out_bytes(o, digits + at, sizeof digits - at);
}

void out_hex(struct out *o, uint64_t value)
{
    char digits[16];
    size_t at = sizeof digits;

    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    out_bytes(o, digits + at, sizeof digits - at);
}

void out_printf(struct out *o, const char *format, ...)
{
    va_list args;
    int n;

    if (o->overflow)
        return;
    va_start(args, format);
    n = vsnprintf(o->p + o->n, o->cap - o->n, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= o->cap - o->n)
        o->overflow = true;
    else
        o->n += (size_t)n;
}

void out_escaped(struct out *o, struct str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (i == max) {
            out_str(o, STR("..."));
            return;
        }
        if (c == '"' || c == '\\') {
            out_char(o, '\\');
            out_char(o, (char)c);
        } else if (c >= 0x20 && c < 0x7f) {
            out_char(o, (char)c);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            out_char(o, '\\');
            out_char(o, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        } else {
            char hex[4] = {'\\', 'x', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};

            out_bytes(o, hex, sizeof hex);
        }
    }
}
