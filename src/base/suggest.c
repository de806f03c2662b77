#include "base/suggest.h"

enum { NAME_MAX_BYTES = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned suggest_distance(struct str a, struct str b, unsigned max)
{
    /* Three rows of the table of optimal string alignment distances: i, i - 1, i - 2. */
    unsigned rows[3][NAME_MAX_BYTES + 1];

    if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
        return max + 1;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            char x = ascii_lower(a.p[i - 1]), y = ascii_lower(b.p[j - 1]);

            now[j] = least(least(above[j] + 1, now[j - 1] + 1), above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == ascii_lower(b.p[j - 2]) && ascii_lower(a.p[i - 2]) == y)
                now[j] = least(now[j], above2[j - 2] + 1);
        }
    }
    return least(rows[a.n % 3][b.n], max + 1);
}

unsigned suggest_tolerance(size_t length)
{
    return length < 4 ? 1 : length < 8 ? 2 : length < 16 ? 3 : 4;
}
