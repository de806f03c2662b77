#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"
#include "base/must.h"

#include <pcre2.h>
#include <stdlib.h>

/* What one match may cost; far above what a sane expression needs on 8 KiB of subject. */
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 100000, HEAP_LIMIT_KIB = 16384, SCRATCH_SIZE = 2048 };

struct regex {
    pcre2_code *code;
    pcre2_match_context *limits;
};

static struct str error_text(struct arena *arena, int code)
{
    PCRE2_UCHAR text[160];
    int n = pcre2_get_error_message(code, text, sizeof text);

    return arena_copy(arena, str_make((const char *)text, n > 0 ? (size_t)n : 0));
}

struct regex *regex_compile(struct arena *arena, struct str pattern, bool nocase, struct str *error,
                            size_t *offset)
{
    /* DOTALL and DOLLAR_ENDONLY are what httpd 2.4 sets (RegexDefaultOptions). */
    uint32_t options = PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | (nocase ? PCRE2_CASELESS : 0);
    const char *text = pattern.n ? pattern.p : "";
    PCRE2_SIZE at = 0;
    int fault = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, pattern.n, options, &fault, &at, NULL);
    struct regex *r;

    if (!code) {
        *error = error_text(arena, fault);
        *offset = at;
        return NULL;
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it the interpreter is used */
    r = malloc(sizeof *r);
    must(r != NULL);
    r->code = code;
    r->limits = pcre2_match_context_create(NULL);
    must(r->limits != NULL);
    pcre2_set_match_limit(r->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
    return r;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_match_context_free(r->limits);
    pcre2_code_free(r->code);
    free(r);
}

bool regex_has_groups(const struct regex *r)
{
    uint32_t count = 0;

    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &count);
    return count > 0;
}

/* PCRE2's table: entries of one size, each two bytes of number and the name with its NUL. */
bool regex_named_group(const struct regex *r, size_t index, struct str *name, unsigned *group)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;

    pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &count);
    if (index >= count)
        return false;
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
    table += index * size;
    *group = (unsigned)(table[0] << 8 | table[1]);
    *name = str_from((const char *)table + 2);
    return true;
}

/* Memory of one match: the stack as far as it goes, so that compiled code matches without malloc. */
struct scratch {
    size_t used;
    _Alignas(max_align_t) char bytes[SCRATCH_SIZE];
};

static void *scratch_alloc(size_t size, void *context)
{
    struct scratch *s = context;
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    void *p;

    if (rounded < size || rounded > SCRATCH_SIZE - s->used)
        return malloc(size);
    p = s->bytes + s->used;
    s->used += rounded;
    return p;
}

static void scratch_free(void *p, void *context)
{
    struct scratch *s = context;

    if ((uintptr_t)p - (uintptr_t)s->bytes >= SCRATCH_SIZE)
        free(p);
}

static struct str group_text(struct str subject, const PCRE2_SIZE *vector, int i)
{
    size_t from = vector[2 * i], to = vector[2 * i + 1];

    if (from == PCRE2_UNSET || to < from)
        return STR_NONE;
    return str_make(subject.p + from, to - from);
}

bool regex_search(const struct regex *r, struct str subject, struct regex_match *match)
{
    struct scratch scratch;
    struct str s = subject.n ? subject : STR("");
    pcre2_general_context *memory;
    pcre2_match_data *data;
    int count;

    scratch.used = 0;
    memory = pcre2_general_context_create(scratch_alloc, scratch_free, &scratch);
    must(memory != NULL);
    data = pcre2_match_data_create(REGEX_GROUPS_MAX, memory);
    must(data != NULL);
    count = pcre2_match(r->code, (PCRE2_SPTR)s.p, s.n, 0, 0, data, r->limits);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT)
        count = pcre2_match(r->code, (PCRE2_SPTR)s.p, s.n, 0, PCRE2_NO_JIT, data, r->limits);
    if (match) {
        /* 0: more groups than asked for, all of ours are set. */
        int groups = count == 0 ? REGEX_GROUPS_MAX : count;

        for (int i = 0; i < REGEX_GROUPS_MAX; i++)
            match->groups[i] = i < groups ? group_text(s, pcre2_get_ovector_pointer(data), i) : STR_NONE;
        match->exhausted = count < 0 && count != PCRE2_ERROR_NOMATCH;
    }
    pcre2_match_data_free(data);
    pcre2_general_context_free(memory);
    return count >= 0;
}

/* One piece of the text to substitute in, cut off its front: a group, an escaped character, or plain text. */
static struct str next_piece(struct str *text, const struct regex_match *match)
{
    struct str t = *text;
    size_t n = 1;

    if (t.n > 1 && t.p[0] == '$' && ascii_digit(t.p[1])) {
        *text = str_skip(t, 2);
        return match->groups[t.p[1] - '0'];
    }
    if (t.n > 1 && t.p[0] == '\\' && (t.p[1] == '$' || t.p[1] == '\\')) {
        *text = str_skip(t, 2);
        return str_make(t.p + 1, 1);
    }
    while (n < t.n && t.p[n] != '$' && t.p[n] != '\\')
        n++;
    *text = str_skip(t, n);
    return str_first(t, n);
}

struct str regex_substitute(struct arena *arena, struct str text, const struct regex_match *match)
{
    struct str rest;
    size_t n = 0, at = 0;
    char *p;

    for (rest = text; rest.n;)
        n += next_piece(&rest, match).n;
    p = arena_alloc(arena, n + 1);
    for (rest = text; rest.n;) {
        struct str piece = next_piece(&rest, match);

        if (piece.n)
            memcpy(p + at, piece.p, piece.n);
        at += piece.n;
    }
    p[n] = '\0';
    return str_make(p, n);
}
