/* An expression: compiled or a fault with its place, and evaluated over a source that answers with pieces of
 * the input. */
#include "expr/expr.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str answer(void *context, struct arena *arena, enum expr_name name, struct str argument)
{
    const struct str *input = context;

    must(name <= EXPR_REQUEST_VARIABLE && (argument.p || name < EXPR_REQUEST_FIELD));
    (void)arena;
    return name % 2 ? str_first(*input, 40) : STR_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    struct expr_source source = {&input, answer};
    struct expr_fault fault = {0};
    struct regex_match match;
    struct arena arena;
    struct expr *e;

    arena_init(&arena, NULL, 0);
    e = expr_compile(&arena, input, &fault);
    if (e) {
        enum expr_result result = expr_test(e, &arena, &source, &match);
        struct str inverse = ARENA_CONCAT(&arena, STR("!("), input, STR(")"));
        struct expr *other = expr_compile(&arena, inverse, &fault);

        /* Nothing but a limit makes an expression and its inverse the same. */
        must(other || inverse.n > EXPR_LENGTH_MAX || str_find_str(fault.message, STR("levels")) >= 0);
        must(!other || result == EXPR_FAULT || expr_test(other, &arena, &source, NULL) == !result);
        expr_free(other);
    } else {
        must(fault.offset <= size && fault.message.n);
    }
    expr_free(e);
    arena_finish(&arena);
    return 0;
}
