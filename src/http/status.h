/* status: status codes and their standard reason phrases (RFC 9110 section 15 and the IANA registry). */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

#include "base/str.h"

/* The standard phrase; the absent slice for a code that has none. */
struct str status_reason(int status);

/* True when a final response with this status has no content: 1xx, 204, 205, 304 (RFC 9110 section 6.4.1). */
bool status_has_no_content(int status);

#endif
