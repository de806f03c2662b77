/* call: the driver of one exchange: carries out what it wants with the client's stream, a backend's socket,
 * files and a timer. It decides nothing; what may be done now is exchange_wants(). */
#ifndef SERVE_CALL_H
#define SERVE_CALL_H

#include "serve/worker.h"

size_t call_size(void);

/* The frontend's request function: begins a call for the stream. */
void call_begin(struct frontend *f, struct stream *s, const struct h1_fault *fault);
/* Breaks off all calls of the worker. */
void call_abort_all(struct worker *w);

#endif
