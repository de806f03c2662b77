/* answer: what the answer to the client shall be: an application's response, a file, an error page, or
 * another hop. The deciding half of exchange.c; private to gate/. */
#ifndef GATE_ANSWER_H
#define GATE_ANSWER_H

#include "gate/exchange.h"

/* The head of the backend's response is complete: redirect, file, or the response itself. */
void answer_backend(struct exchange *x);
/* The head was written: what a log may still want of it moves out of the backend's buffer. */
void answer_own_head(struct exchange *x);
/* An interim head is complete: leaves the fields that are for the client. */
void answer_interim(struct exchange *x);
/* The gateway's own answer: ErrorDocument, or a page. */
void answer_error(struct exchange *x, int status);
/* "OPTIONS *". */
void answer_options(struct exchange *x);
/* The plan sends the client elsewhere (Redirect). */
void answer_redirect(struct exchange *x);
/* A file of the server is asked for: checks the method, then wants the file. */
void answer_file_begin(struct exchange *x);

/* In exchange_params.c: fills x->params; the block that is sent. */
struct str exchange_params_block(struct exchange *x);

/* In exchange.c: a checked transition; the first fault of an exchange stays. */
bool exchange_may_go(enum exchange_step from, enum exchange_step to);
void exchange_go(struct exchange *x, enum exchange_step to);
void exchange_blame(struct exchange *x, enum blame blame, enum fault_stage stage, int status,
                    struct str message);

#endif
