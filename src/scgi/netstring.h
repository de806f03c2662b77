/* netstring: the decoder of SCGI's request block, as an application reads it.
 *
 * A request is  LENGTH ":" BLOCK "," BODY  where LENGTH counts the bytes of BLOCK, and BLOCK is any number of
 * NAME NUL VALUE NUL. The rules are those of the SCGI text ("SCGI: A Simple Common Gateway Interface
 * alternative", 2008-06-23) and all of them are checked:
 *
 *   - the length is decimal digits without a leading zero, and the comma stands where it says;
 *   - names are not empty and none comes twice; values may be empty; the last byte of the block is NUL;
 *   - the first name is CONTENT_LENGTH, its value the body's length in decimal; SCGI is there with value 1.
 *
 * The caller collects bytes in memory of its own and calls netstring_decode() with all that it has each time
 * more came. The result depends on the bytes only, not on how they were cut; slices point into the input.
 * Nothing is scanned twice but the few digits in front: the block is looked at when it is complete.
 *
 *     struct netstring n;
 *
 *     switch (netstring_decode(str_make(memory, used), sizeof memory, &n)) {
 *     case NETSTRING_PARTIAL:  read on, up to n.size bytes in all if n.size is known
 *     case NETSTRING_BAD:      n.fault says why; close the connection
 *     case NETSTRING_COMPLETE: n.block holds the variables; the body begins at offset n.size
 *     }
 *     for (struct str rest = n.block; netstring_next(&rest, &name, &value);) ...
 */
#ifndef SCGI_NETSTRING_H
#define SCGI_NETSTRING_H

#include "base/str.h"

/* More variables than this in one block are a fault: it bounds the search for names that come twice. */
enum { NETSTRING_MAX_VARIABLES = 1024 };

enum netstring_result { NETSTRING_PARTIAL, NETSTRING_BAD, NETSTRING_COMPLETE };

struct netstring {
    struct str block;        /* complete: the variables, without length, colon and comma */
    size_t size;             /* bytes from the first digit to the comma; 0 while the length is not read yet */
    uint64_t content_length; /* complete: bytes of body that follow, at most INT64_MAX */
    unsigned variables;      /* complete: how many */
    const char *fault;       /* bad: the reason, in a few words; a constant string */
};

/* Decodes the netstring at the start of input. max bounds the whole netstring in bytes (at most 1 GiB): what
 * says that it is longer is bad at once. */
enum netstring_result netstring_decode(struct str input, size_t max, struct netstring *n);

/* Takes the next variable off the front of a block that was decoded as complete; false at its end. */
bool netstring_next(struct str *rest, struct str *name, struct str *value);

/* The value of the variable in such a block; absent (p == NULL) when there is none of that name. */
struct str netstring_find(struct str block, struct str name);

#endif
