/* fault: what went wrong in one exchange, who was at fault and where: the source of one log line. */
#ifndef GATE_FAULT_H
#define GATE_FAULT_H

#include "base/arena.h"

enum blame { BLAME_NONE, BLAME_CLIENT, BLAME_BACKEND, BLAME_GATEWAY };

/* Where in the exchange; each has a stable id for logs (fault_stage_id()). */
enum fault_stage {
    STAGE_ROUTE,   /* the request itself: target, access, method, limits */
    STAGE_RESOLVE, /* the backend's name */
    STAGE_CONNECT,
    STAGE_SEND,     /* writing the request to the backend */
    STAGE_BODY,     /* reading the client's body */
    STAGE_HEAD,     /* the backend's response head */
    STAGE_CONTENT,  /* the response's content */
    STAGE_CLIENT,   /* writing to the client */
    STAGE_FILE,     /* a static file */
    STAGE_REDIRECT, /* an internal redirect */
};

struct fault {
    enum blame blame;
    enum fault_stage stage;
    int status;         /* answered to the client; 0 when an answer had begun or no one is left to hear it */
    struct str message; /* what failed first, subject quoted */
};

/* "connect", "response-head", ... */
const char *fault_stage_id(enum fault_stage stage);
/* "client", "backend", "gateway", or "nobody" */
const char *fault_blame_id(enum blame blame);

#endif
