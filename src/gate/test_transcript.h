/* test_transcript: what a client and a log would see of a played exchange, as one line of text (test_host.h).
 */
#ifndef GATE_TEST_TRANSCRIPT_H
#define GATE_TEST_TRANSCRIPT_H

#include "gate/test_host.h"

/* Appends an event, behind "; ". */
__attribute__((format(printf, 2, 3))) void note(struct test_host *h, const char *format, ...);
/* The response's head as it stands in the transcript: static memory. */
struct str head_text(struct test_host *h);
void note_head(struct test_host *h);
void note_interim(struct test_host *h);
/* All content that the client got: "page" when it is the gateway's own. */
void note_content(struct test_host *h);
void note_fault(struct test_host *h);

#endif
