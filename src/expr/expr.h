/* expr: the expression language of Apache 2.4 (ap_expr): from text to an immutable tree, and its value for
 * one request.
 *
 *     %{REQUEST_METHOD} in {'GET', 'HEAD'} && !(%{HTTP:X-Token} =~ /^([0-9a-f]+)$/i)
 *
 *     condition   true, false, (...), ! or not, && or and, || or or (in this order of binding, the tightest
 * first) text        == (or =) != < <= > >=, byte by byte numbers     -eq -ne -lt -le -gt -ge, also without
 * the dash; what is no number counts as 0 patterns    =~ !~ with /re/, m#re#, both with flag i; -strmatch
 * -strcmatch -fnmatch with a glob addresses   -ipmatch 'subnet', -R 'subnet' (of the client) sets        in
 * {a, b}, also -in one value   -n (not empty), -z (empty), -T (not empty, 0, off, false, no) values      123,
 * 'text' and "text" with %{...}, $0 to $9 and \n \r \t \b \f \101 inside, a . b,
 *                 %{VARIABLE}, %{function:text}, function(value)
 *
 * $0 to $9 are the groups of the last pattern with groups; one that did not match clears them.
 *
 * Names of variables and functions are compared without case, words like true and and are not. What Apache
 * knows and is not supported (files, clock, hashes) is a fault with the reason; so is an unknown name.
 *
 * This folder stands below config, which compiles expressions while it loads: it knows no request. Who
 * evaluates hands in a function that gives the values of variables and fields; the compiler knows only their
 * names. So one tree serves every directive that takes an expression, and every thread.
 *
 *     struct expr_fault fault;
 *     struct expr *e = expr_compile(arena, STR("-n %{QUERY_STRING}"), &fault);
 *     ...
 *     if (expr_test(e, arena, &source, NULL) == EXPR_TRUE) ...
 *     expr_free(e);
 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/regex.h"

enum {
    EXPR_LENGTH_MAX = 64 << 10,       /* bytes of an expression's text */
    EXPR_DEPTH_MAX = 100,             /* parentheses and arguments within one another */
    EXPR_VALUES_MAX_BYTES = 16 << 20, /* put together in one evaluation */
    EXPR_GLOB_MAX_STEPS = 16 << 20,   /* the product of the lengths of a text and its glob */
};

struct expr;

/* What an expression asks its source for. */
enum expr_name {
    /* Without an argument. */
    EXPR_DOCUMENT_ROOT,
    EXPR_HTTPS, /* "on", "off" */
    EXPR_IPV6,  /* the same */
    EXPR_QUERY_STRING,
    EXPR_REMOTE_ADDR,
    EXPR_REMOTE_PORT,
    EXPR_REQUEST_METHOD,
    EXPR_REQUEST_SCHEME,
    EXPR_REQUEST_URI, /* the decoded path */
    EXPR_SERVER_ADDR,
    EXPR_SERVER_ADMIN,
    EXPR_SERVER_NAME,
    EXPR_SERVER_PORT,
    EXPR_SERVER_PROTOCOL,
    EXPR_THE_REQUEST, /* the request line */
    /* The argument names it. */
    EXPR_REQUEST_FIELD,
    EXPR_RESPONSE_FIELD,
    EXPR_REQUEST_VARIABLE, /* of SetEnvIf, SetEnv */
};

struct expr_source {
    void *context;
    /* The value, from the arena or living as long; an absent one counts as empty. */
    struct str (*lookup)(void *context, struct arena *arena, enum expr_name name, struct str argument);
};

struct expr_fault {
    size_t offset;            /* in the text; its length when the text ended too early */
    struct str message, hint; /* from the arena; hint absent when there is none */
};

/* The tree and all its texts are of the arena. NULL on a fault. To be freed before the arena. */
struct expr *expr_compile(struct arena *arena, struct str text, struct expr_fault *fault);
/* The same of a text as it stands between quotes, with %{...}, $0 to $9 and backslashes in it: for
 * expr_text() instead of expr_test(). */
struct expr *expr_compile_text(struct arena *arena, struct str text, struct expr_fault *fault);
/* What the tree holds outside the arena: its patterns. NULL is allowed. */
void expr_free(struct expr *e);

enum expr_result {
    EXPR_FALSE,
    EXPR_TRUE,
    EXPR_FAULT, /* a limit was hit (one of the above, or a pattern's effort): neither true nor false */
};

/* Values are made in the arena. match may be NULL; else it becomes $0 to $9 as the last pattern with groups
 * left them, all absent when it did not match or there was none. */
enum expr_result expr_test(const struct expr *e, struct arena *arena, const struct expr_source *source,
                           struct regex_match *match);

/* The text, from the arena or living as long as the source's values; absent when a limit was hit. */
struct str expr_text(const struct expr *e, struct arena *arena, const struct expr_source *source);

#endif
