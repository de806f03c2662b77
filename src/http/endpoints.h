/* endpoints: the two ends of a client's connection, as text. */
#ifndef HTTP_ENDPOINTS_H
#define HTTP_ENDPOINTS_H

#include "base/str.h"

struct endpoints {
    struct str remote_addr; /* without brackets; "" for a Unix socket's client */
    struct str local_addr;  /* without brackets; "" for a Unix socket */
    unsigned remote_port;   /* 0 for a Unix socket */
    unsigned local_port;    /* 0 for a Unix socket */
    bool tls;
};

#endif
