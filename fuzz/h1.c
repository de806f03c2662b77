/* The head of a request, at once and in pieces: the same result, under wide and narrow limits. */
#include "http/h1.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum h1_result result;
    struct request request;
    struct h1_fault fault;
    size_t size;
};

static struct outcome parse(struct str input, size_t step, const struct h1_limits *limits,
                            struct arena *arena)
{
    struct h1_parser parser = {0};
    struct outcome o = {.result = H1_PARTIAL};

    for (size_t n = step; o.result == H1_PARTIAL; n += step) {
        o.result =
            h1_parse_request(&parser, str_first(input, n), limits, arena, &o.request, &o.size, &o.fault);
        if (n >= input.n)
            break;
    }
    return o;
}

static void check_request(const struct request *q, struct str input, size_t size)
{
    must(size <= input.n && q->method.n && q->target.n && q->line.p >= input.p);
    must(q->line.p + q->line.n <= input.p + size && q->protocol.n == 8);
    must(q->body == REQUEST_BODY_LENGTH || q->content_length == 0);
    must(q->authority.p || q->minor_version == 0);
    for (size_t i = 0; i < q->field_count; i++) {
        const struct field *f = &q->fields[i];

        must(field_name_valid(f->name) && field_value_valid(f->value));
        must(f->id == field_id_of(f->name) && str_eq(f->value, str_trim(f->value)));
    }
}

static void compare(const struct outcome *a, const struct outcome *b)
{
    must(a->result == b->result);
    if (a->result == H1_BAD)
        must(a->fault.status == b->fault.status && a->fault.reason == b->fault.reason &&
             a->fault.offset == b->fault.offset && str_eq(a->request.line, b->request.line));
    if (a->result != H1_COMPLETE)
        return;
    must(a->size == b->size && a->request.field_count == b->request.field_count);
    must(a->request.body == b->request.body && a->request.content_length == b->request.content_length);
    must(str_eq(a->request.authority, b->request.authority) &&
         a->request.keep_alive == b->request.keep_alive);
    for (size_t i = 0; i < a->request.field_count; i++)
        must(str_eq(a->request.fields[i].value, b->request.fields[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct h1_limits limits[] = {{8190, 8190, 100}, {40, 20, 3}, {8190, 8190, 0}};
    struct str input = str_make((const char *)data, size);

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct arena arena;
        struct outcome whole, pieces;

        arena_init(&arena, NULL, 0);
        whole = parse(input, size + 1, &limits[i], &arena);
        if (whole.result == H1_COMPLETE)
            check_request(&whole.request, input, whole.size);
        for (size_t step = 1; step < 40 && size < 4096; step = step * 2 + 1) {
            pieces = parse(input, step, &limits[i], &arena);
            compare(&whole, &pieces);
        }
        arena_finish(&arena);
    }
    return 0;
}
