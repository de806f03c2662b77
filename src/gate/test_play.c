#include "gate/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* SHORT_MAX: bytes of a body that is cut anywhere */
enum { RANDOM_RUNS = 20, SHORT_MAX = 4096 };

/* Where a longer one is cut: around what memory holds, and around the host's window. */
static const size_t body_cuts[] = {65535, 65536, 65537, HOST_WINDOW - 1, HOST_WINDOW, HOST_WINDOW + 1};

/* From begin to finish; false, with both transcripts printed, unless the transcript is the script's. */
static bool play_cut(const struct test_script *script, struct test_cuts cuts, bool shuffle)
{
    static struct test_host h;
    struct str got;
    bool same;

    host_begin(&h, script);
    h.cuts = cuts;
    h.shuffle = shuffle;
    h.random = cuts.random;
    got = host_play(&h);
    same = str_eq(got, str_from(script->want));
    if (!same)
        print_error("%s (cut kind %d at %zu, random %llu):\n  got  %.*s\n  want %s\n", script->name,
                    (int)cuts.kind, cuts.at, (unsigned long long)cuts.random, STR_ARG(got), script->want);
    host_finish(&h);
    return same;
}

static bool play_all_cuts(const struct test_script *script)
{
    size_t longest = 0;

    for (unsigned i = 0; i < SCRIPT_BACKENDS; i++)
        if (script->backends[i].answer.n > longest)
            longest = script->backends[i].answer.n;
    for (size_t at = 1; at < longest; at++)
        if (!play_cut(script, (struct test_cuts){.kind = CUT_ONCE, .at = at}, false))
            return false;
    return play_cut(script, (struct test_cuts){.kind = CUT_BYTES}, false);
}

static bool play_body_cuts(const struct test_script *script)
{
    for (size_t i = 0; i < sizeof body_cuts / sizeof body_cuts[0]; i++)
        if (!play_cut(script, (struct test_cuts){.kind = CUT_ONCE, .at = body_cuts[i]}, false))
            return false;
    return true;
}

static bool play_any_cut(const struct test_script *script)
{
    uint64_t random = test_seed();

    if (!play_cut(script, (struct test_cuts){.kind = CUT_NONE}, false))
        return false;
    if (!(script->body.n > SHORT_MAX ? play_body_cuts(script) : play_all_cuts(script)))
        return false;
    for (int i = 0; i < RANDOM_RUNS; i++)
        if (!play_cut(script, (struct test_cuts){.kind = CUT_RANDOM, .random = test_random(&random)},
                      !script->ordered))
            return false;
    return true;
}

void host_expect_any_cut(const struct test_script *scripts, size_t count)
{
    bool good = true;

    for (size_t i = 0; i < count; i++)
        good &= play_any_cut(&scripts[i]);
    assert_true(good);
}
