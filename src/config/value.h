/* value: the small grammars of directive arguments. None of these functions reports: they say whether it is
 * good. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/model.h"

/* A time: digits and an optional unit: ms, s, mi or min, h (any case). default_unit_ms is what bare digits
 * count. False when it is malformed or more than 1000 days. */
bool value_time(struct str s, int64_t default_unit_ms, int64_t *ms);
/* "on" or "off", any case. */
bool value_flag(struct str s, int *flag);
/* A decimal number, which may have a sign; false when malformed or outside of int64_t. */
bool value_integer(struct str s, int64_t *value);
/* 1 to 65535. */
bool value_port(struct str s, unsigned *port);
/* The path made absolute (relative ones lie below base) and free of "//", "." and ".."; a slash at the end
 * stays. */
struct str value_path(struct arena *arena, struct str base, struct str path);
struct str value_lower(struct arena *arena, struct str s);
/* Four decimal numbers; hex groups with "::". Zone ids are no part of an address. */
bool value_is_ipv4(struct str s);
bool value_is_ipv6(struct str s);
/* Letters, digits, '-', '.', '_'; not empty, at most 255 bytes. */
bool value_is_host_name(struct str s);
/* "host", "host:port", "[v6]", "[v6]:port"; host without brackets, *port_text absent when there is no colon.
 * False when the brackets are wrong or a second colon stands outside of them. */
bool value_split_host(struct str s, struct str *host, struct str *port_text, bool *bracketed);

#endif
