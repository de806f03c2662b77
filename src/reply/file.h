/* file: how a static file answers a request: conditionals, ranges, fields (RFC 9110 sections 8.8, 13, 14). A
 * decision, no action. */
#ifndef REPLY_FILE_H
#define REPLY_FILE_H

#include "base/arena.h"
#include "http/request.h"

struct file_facts {
    int64_t size;     /* bytes */
    int64_t mtime_us; /* microseconds since 1970 */
};

struct file_options {
    int status;      /* of the whole answer: 200; another one (an application's 404 with X-Sendfile, an
                      * ErrorDocument) switches conditionals and ranges off */
    struct str type; /* Content-Type; absent: none */
    struct str etag; /* an application's own validators replace the file's; absent: the file's */
    struct str last_modified;
    int64_t now;       /* seconds since 1970: a later Last-Modified is not sent as such */
    uint64_t boundary; /* unpredictable number for multipart/byteranges */
};

/* A piece of the content: memory, then a range of the file (length 0: none). */
struct file_part {
    struct str text;
    int64_t offset, length;
};

struct file_answer {
    int status;           /* 200, 206, 304, 412, 416, or options.status; 304: no content; 412, 416: the caller
                           * makes the error page with the fields added */
    struct field *fields; /* Last-Modified, ETag, Accept-Ranges, Content-Range, Content-Type */
    size_t field_count;
    int64_t length; /* bytes of content, texts included */
    struct file_part *parts;
    size_t part_count;
};

enum { FILE_RANGES_MAX = 64 }; /* more are answered with the whole file */

/* ETag "size-mtime" in hex as Apache: "11-5543df729c000". Conditionals in the order of RFC 9110
 * section 13.2.2, on GET and HEAD only (others: If-Match and If-Unmodified-Since only). Ranges on GET only;
 * overlapping, malformed or more than FILE_RANGES_MAX ranges give the whole file, and so does any range of an
 * empty file; If-Range needs a strong validator. Nothing of the request is kept in the answer. */
void file_answer(struct arena *arena, const struct request *request, const struct file_facts *facts,
                 const struct file_options *options, struct file_answer *answer);

/* The value of an ETag for the facts. */
struct str file_etag(struct arena *arena, const struct file_facts *facts);

#endif
