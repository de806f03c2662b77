/* text: values of a request put into HTML, JSON and queries, each byte in the form that is safe there. */
#ifndef TOOL_TEXT_H
#define TOOL_TEXT_H

#include "base/arena.h"
#include "base/out.h"

/* For HTML text and attribute values in either kind of quotes: at most 6 bytes for each byte. */
void out_html(struct out *o, struct str s);

/* A JSON string with its quotes: at most 6 bytes for each byte, and 2. A byte above 0x7e becomes \u00XX, the
 * character of that number: values are bytes, not text, and so none is lost (in Python:
 * value.encode('latin-1')). */
void out_json(struct out *o, struct str s);

/* A line of text/plain: control bytes become \n, \t, \xHH, so that one value stays on one line. At most 4 for
 * each. */
void out_line(struct out *o, struct str s);

/* The value of the first field of that name in a query (application/x-www-form-urlencoded), decoded, from the
 * arena; absent when there is none. A '%' without two hexadecimal digits stays as it is. */
struct str query_find(struct arena *arena, struct str query, struct str name);

#endif
