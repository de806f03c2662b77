/* span: how many bytes at the front of a text may stand in a line, eight at a time.
 *
 * Field values, reason phrases and request targets are mostly long runs of printable bytes; looking at
 * words instead of bytes makes checking them nearly free.
 */
#ifndef HTTP_SPAN_H
#define HTTP_SPAN_H

#include "base/str.h"

#include <endian.h>

/* The number of bytes before the first one that is less than low (at most 0x80) or DEL; s.n when there is
 * none. */
static inline size_t span_from(struct str s, unsigned char low)
{
    const uint64_t ones = 0x0101010101010101u, highs = ones << 7;
    size_t at = 0;

    for (; s.n - at >= 8; at += 8) {
        uint64_t word, del, hits;

        memcpy(&word, s.p + at, sizeof word);
        word = le64toh(word);
        del = word ^ (ones * 0x7f);
        /* Only the lowest hit is exact: a borrow may make false ones above it. */
        hits = (((word - ones * low) & ~word) | ((del - ones) & ~del)) & highs;
        if (hits)
            return at + (size_t)__builtin_ctzll(hits) / 8;
    }
    while (at < s.n && (unsigned char)s.p[at] >= low && s.p[at] != 0x7f)
        at++;
    return at;
}

#endif
