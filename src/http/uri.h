/* uri: request targets and paths (RFC 3986, RFC 9112 section 3.2).
 *
 * A path is decoded once, normalised, and from then on handled decoded; what goes into a backend URL is
 * encoded again. The query never mixes with the path.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/arena.h"

enum uri_form { URI_ORIGIN, URI_ABSOLUTE, URI_AUTHORITY, URI_ASTERISK };

struct uri_target {
    enum uri_form form;
    struct str scheme;    /* absolute form; as sent */
    struct str authority; /* absolute form: what stands between "//" and the path, user info included;
                             authority form: all */
    struct str path;      /* undecoded; "/" for an absolute form without one; "*" for asterisk */
    struct str query;     /* after the first '?', raw; absent when there is none */
};

/* Splits a request target (RFC 9112 section 3.2). False when it is none of the four forms or holds a control
 * byte, SP or DEL; bytes from 0x80 on pass, and a fragment ('#') stays where it is: part of path or query. */
bool uri_parse_target(struct str target, struct uri_target *out);

/* The host and port of an authority (Host field, absolute form, ServerName): host in lower case (from the
 * arena, or the input itself when nothing changes) without port and without one trailing dot, an IPv6 literal
 * with its brackets; port 0 when none is given. User info is skipped. False when it is no valid host[:port]:
 * letters, digits, '-', '.',
 * '_', '~', sub-delims and %XX (reg-name of RFC 3986 section 3.2.2), or a bracketed IPv6 literal without
 * zone; at most 255 bytes; empty is invalid; port digits only, 1 to 65535. */
bool uri_parse_authority(struct arena *arena, struct str authority, struct str *host, unsigned *port);

enum uri_slashes {
    URI_SLASH_REFUSE,
    URI_SLASH_DECODE,
    URI_SLASH_KEEP
}; /* AllowEncodedSlashes Off, On, NoDecode */

/* Decodes %XX once, resolves "." and ".." segments (also written %2e), merges runs of '/' when merge_slashes.
 * Returns 0 and the path (from the arena, or the input itself when nothing changes), or the status to answer:
 * 400 bad escape, or ".." above the root, or a path that does not begin with '/', or a raw NUL; 404 %00, or
 * an encoded slash with URI_SLASH_REFUSE. With URI_SLASH_KEEP, "%2F" stays as it was written. */
int uri_decode_path(struct arena *arena, struct str raw, enum uri_slashes slashes, bool merge_slashes,
                    struct str *path);

/* Only the "." / ".." / "//" part, for a path that is decoded already. False when it climbs above the root or
 * does not begin with '/'. */
bool uri_normalise_path(struct arena *arena, struct str path, bool merge_slashes, struct str *out);

/* Apache's canonical form of a path (the behaviour of its proxies): letters, digits and ~$-_.+!*'(),;:@&= and
 * '/' stay, all else becomes %XX in upper case. keep_slash_escapes: an existing %2F or %2f stays as it is
 * (AllowEncodedSlashes NoDecode). Returns the input when nothing changes. */
struct str uri_encode_path(struct arena *arena, struct str path, bool keep_slash_escapes);

#endif
