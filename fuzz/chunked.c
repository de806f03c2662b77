/* A chunked body, at once and in pieces: the same content, the same end. */
#include "http/chunked.h"
#include "base/must.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum chunked_result result;
    size_t left; /* bytes of the input behind the end */
    size_t n;
    char *content;
};

static struct outcome decode(struct str input, size_t step)
{
    struct outcome o = {CHUNKED_MORE, input.n, 0, malloc(input.n + 1)};
    struct chunked c;
    const char *reason = NULL;

    chunked_init(&c);
    while (o.left && o.result == CHUNKED_MORE) {
        struct str rest = str_skip(input, input.n - o.left), piece = str_first(rest, step), data = {0};
        size_t given = piece.n;

        while ((o.result = chunked_decode(&c, &piece, &data, &reason)) == CHUNKED_DATA) {
            must(data.n && data.p >= rest.p && data.p + data.n <= rest.p + given);
            memcpy(o.content + o.n, data.p, data.n);
            o.n += data.n;
        }
        must(o.result != CHUNKED_MORE || piece.n == 0);
        must(o.result != CHUNKED_BAD || reason);
        o.left -= given - piece.n;
    }
    must(c.total == o.n);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    struct outcome whole = decode(input, size + 1);

    for (size_t step = 1; step < 40; step = step * 2 + 1) {
        struct outcome pieces = decode(input, step);

        must(pieces.result == whole.result && pieces.left == whole.left);
        must(str_eq(str_make(pieces.content, pieces.n), str_make(whole.content, whole.n)));
        free(pieces.content);
    }
    free(whole.content);
    return 0;
}
