#include "gate/fault.h"

const char *fault_stage_id(enum fault_stage stage)
{
    static const char *const ids[] = {
        [STAGE_ROUTE] = "route",
        [STAGE_RESOLVE] = "resolve",
        [STAGE_CONNECT] = "connect",
        [STAGE_SEND] = "send-request",
        [STAGE_BODY] = "request-body",
        [STAGE_HEAD] = "response-head",
        [STAGE_CONTENT] = "response-body",
        [STAGE_CLIENT] = "send-response",
        [STAGE_FILE] = "file",
        [STAGE_REDIRECT] = "internal-redirect",
    };

    return ids[stage];
}

const char *fault_blame_id(enum blame blame)
{
    static const char *const ids[] = {
        [BLAME_NONE] = "nobody",
        [BLAME_CLIENT] = "client",
        [BLAME_BACKEND] = "backend",
        [BLAME_GATEWAY] = "gateway",
    };

    return ids[blame];
}
