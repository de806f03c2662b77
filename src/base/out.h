/* out: a builder of text in memory of fixed size, with sticky overflow.
 *
 * A run of puts needs no check of its own: what does not fit is not written, overflow is set and stays
 * set, and the caller looks once at the end.
 *
 *     struct out o = OUT_INIT(buffer, sizeof buffer);
 *     out_str(&o, STR("Content-Length: "));
 *     out_u64(&o, length);
 *     if (o.overflow) ...
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/str.h"

struct out {
    char *p;
    size_t n, cap; /* bytes written, bytes of room */
    bool overflow;
};

#define OUT_INIT(memory, size)                                                                               \
    {                                                                                                        \
        .p = (memory), .cap = (size)                                                                         \
    }

static inline void out_bytes(struct out *o, const void *p, size_t n)
{
    if (o->overflow || n > o->cap - o->n) {
        o->overflow = true;
        return;
    }
    if (n)
        memcpy(o->p + o->n, p, n);
    o->n += n;
}

static inline void out_str(struct out *o, struct str s)
{
    out_bytes(o, s.p, s.n);
}

static inline void out_char(struct out *o, char c)
{
    out_bytes(o, &c, 1);
}

static inline struct str out_done(const struct out *o)
{
    return str_make(o->p, o->n);
}

void out_u64(struct out *o, uint64_t value);
void out_hex(struct out *o, uint64_t value);
__attribute__((format(printf, 2, 3))) void out_printf(struct out *o, const char *format, ...);

/* For logs and messages: printable ASCII as it is, else \xhh; '"' and '\' with a backslash; at most max
 * bytes of s, then "...". */
void out_escaped(struct out *o, struct str s, size_t max);

#endif
