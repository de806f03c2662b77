/* logs: the error log and the access logs of a model. */
#ifndef SERVE_LOGS_H
#define SERVE_LOGS_H

#include "base/log.h"
#include "gate/exchange.h"
#include "listen/stream.h"

struct logs;

/* Opens all log files of the model. NULL on a failure: the text of it (static memory) is in *error. */
struct logs *logs_create(const struct model *model, const char **error);
void logs_destroy(struct logs *l);

/* One line in the error log of the server (NULL: the main one), if its LogLevel lets it through. wall_ms:
 * milliseconds since 1970. */
__attribute__((format(printf, 5, 6))) void logs_write(struct logs *l, const struct server *server,
                                                      enum log_level level, int64_t wall_ms,
                                                      const char *format, ...);
/* The one line that tells of a fault: stage, blame, backend, message, client, request, status. */
void logs_fault(struct logs *l, const struct exchange *x, const struct stream *s, const struct fault *fault,
                int64_t wall_ms);
/* The lines of the server's access logs. */
void logs_access(struct logs *l, const struct exchange *x, const struct stream *s, int64_t wall_ms,
                 int64_t now_ms);
/* Access lines are written in batches: what is gathered goes out. Called at the end of each turn. */
void logs_flush(struct logs *l);

#endif
