/* field: one header field of a message, and the names that the gateway itself understands.
 *
 * Name and value are slices of the message they were read from; the value has no blanks at its ends. The
 * order of the fields is the order of arrival, equal names stay apart (RFC 9110 section 5.3).
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/str.h"

/* FIELD_OTHER must be 0. Keep in step with the table in field.c. */
enum field_id {
    FIELD_OTHER,
    FIELD_ACCEPT_RANGES,
    FIELD_AUTHORIZATION,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_CONTENT_RANGE,
    FIELD_CONTENT_TYPE,
    FIELD_COOKIE,
    FIELD_DATE,
    FIELD_ETAG,
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_IF_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_RANGE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELD_KEEP_ALIVE,
    FIELD_LAST_MODIFIED,
    FIELD_LOCATION,
    FIELD_MAX_FORWARDS,
    FIELD_PROXY,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_PROXY_CONNECTION,
    FIELD_RANGE,
    FIELD_REFERER,
    FIELD_SERVER,
    FIELD_SET_COOKIE,
    FIELD_STATUS, /* of CGI responses (RFC 3875 section 6.3.3) */
    FIELD_TE,
    FIELD_TRAILER,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
    FIELD_USER_AGENT,
    FIELD_VARY,
    FIELD_X_SENDFILE,
    FIELD_ID_COUNT
};

struct field {
    struct str name;  /* as sent */
    struct str value; /* as sent, without blanks at the ends */
    enum field_id id;
};

/* FIELD_OTHER when the name is none of the above; compared without case. */
enum field_id field_id_of(struct str name);

/* RFC 9110 section 5.6.2: at least one tchar, nothing else. */
bool field_name_valid(struct str name);
/* RFC 9110 section 5.5: HTAB, SP, VCHAR and bytes from 0x80 on; an empty value is valid. */
bool field_value_valid(struct str value);
/* The same set for a reason phrase (RFC 9112 section 4). */
bool field_reason_valid(struct str reason);
/* How many bytes at the front of the text belong to that set. */
size_t field_value_span(struct str text);

/* 1 for a byte that may stand in a token, else 0. */
extern const unsigned char field_tchars[256];
static inline bool field_is_tchar(unsigned char c)
{
    return field_tchars[c];
}

/* The first field with the id (not FIELD_OTHER) from index *at on; moves *at behind it. NULL at the end. */
const struct field *field_next(const struct field *fields, size_t count, enum field_id id, size_t *at);
/* The first one, or NULL. */
const struct field *field_first(const struct field *fields, size_t count, enum field_id id);

/* The value of a field that comes once; absent without it, and when it comes more often. */
struct str field_only(const struct field *fields, size_t count, enum field_id id);

/* Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade (RFC 9110 section 7.6.1).
 */
bool field_is_hop_by_hop(enum field_id id);

#endif
