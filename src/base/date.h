/* date: times in HTTP's and the logs' forms. Time is always an argument. */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include "base/str.h"

enum { DATE_HTTP_LENGTH = 29, DATE_LOG_LENGTH = 23 };

/* IMF-fixdate (RFC 9110 section 5.6.7), e.g. "Sun, 06 Nov 1994 08:49:37 GMT": 29 bytes, no NUL. Years are
 * 0001 to 9999 here and below; what lies outside becomes the nearest time that can be shown. */
void date_http(int64_t seconds, char out[DATE_HTTP_LENGTH]);

/* All three forms of RFC 9110 section 5.6.7; false when it is none. Two-digit years are within 50 years of
 * now. */
bool date_http_parse(struct str text, int64_t now, int64_t *seconds);

/* "2026-11-22 20:15:00.123" in UTC: 23 bytes, no NUL. */
void date_log(int64_t milliseconds, char out[DATE_LOG_LENGTH]);

#endif
