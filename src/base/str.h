/* str: a borrowed slice of bytes, passed by value.
 *
 * A slice never owns its bytes and is not NUL-terminated; the bytes may hold anything, NUL included.
 * p == NULL means "absent", which differs from "present and empty" (p != NULL, n == 0).
 *
 *     struct str name = str_trim(str_until(&line, ':'));
 *     if (str_eq_nocase(name, STR("host"))) ...
 *     printf("%.*s\n", STR_ARG(name));
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                                    \
    {                                                                                                        \
        "" literal, sizeof(literal) - 1                                                                      \
    }
#define STR_NONE   ((struct str){NULL, 0})
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}

/* A slice of a NUL-terminated string; NULL gives the absent slice. */
static inline struct str str_from(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The bytes from the offset on; an offset past the end gives an empty slice. */
static inline struct str str_skip(struct str s, size_t offset)
{
    return offset >= s.n ? (struct str){s.p ? s.p + s.n : NULL, 0} : (struct str){s.p + offset, s.n - offset};
}

static inline struct str str_first(struct str s, size_t n)
{
    return (struct str){s.p, n < s.n ? n : s.n};
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* ASCII only, independent of the locale. */
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

static inline bool ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends_nocase(struct str s, struct str suffix);

/* Offset of the first c, or -1. */
ptrdiff_t str_find(struct str s, char c);
/* Offset of the last c, or -1. */
ptrdiff_t str_find_last(struct str s, char c);
/* Offset of the first occurrence of the bytes of what, or -1; an empty what is found at 0. */
ptrdiff_t str_find_str(struct str s, struct str what);

/* Cuts *s at the first c: returns what stands before it and leaves in *s what follows it. Without a c,
 * returns all of *s and leaves *s absent (p == NULL). */
struct str str_until(struct str *s, char c);

/* Without the SP and HTAB at both ends (OWS, RFC 9110 section 5.6.3). */
struct str str_trim(struct str s);

/* Decimal digits only, at least one, no sign, no blanks; false when not so or above max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *value);

/* True if the comma-separated list holds the token, compared without case (RFC 9110 section 5.6.1). */
bool str_list_has(struct str list, struct str token);

#endif
