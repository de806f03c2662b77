/* error_page: the body of an answer that the gateway itself makes. No request data stands in it. */
#ifndef REPLY_ERROR_PAGE_H
#define REPLY_ERROR_PAGE_H

#include "base/arena.h"

#define ERROR_PAGE_TYPE STR("text/html; charset=iso-8859-1")

/* A small self-contained HTML page of ASCII (also readable in dark mode): title "CODE Reason", heading, one
 * or two sentences on what that means to a visitor. detail: a further sentence, static text of ours in HTML;
 * may be absent. The texts of usual statuses are shared static memory. */
struct str error_page(struct arena *arena, int status, struct str detail);

/* SERVER_SIGNATURE (ServerSignature): a line of HTML that tells which server it was, for applications to put
 * below their pages. host is HTML already; admin absent: nobody is named. */
struct str error_page_signature(struct arena *arena, struct str software, struct str host, unsigned port,
                                struct str admin);

#endif
