/* access_log: one line of an access log, from a parsed LogFormat (Apache's letters). */
#ifndef SERVE_ACCESS_LOG_H
#define SERVE_ACCESS_LOG_H

#include "base/out.h"
#include "config/model.h"
#include "gate/exchange.h"
#include "listen/stream.h"

struct access_facts {
    const struct exchange *x;
    const struct stream *s;
    int64_t wall_ms; /* milliseconds since 1970, when the answer was done */
    int64_t took_ms;
};

/* Without a newline. Values of the request and the response are escaped; absent ones are "-". */
void access_log_line(struct out *o, const struct log_format *format, const struct access_facts *facts);

#endif
