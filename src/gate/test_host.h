/* test_host: a host in memory for the tests of gate/.
 *
 * It plays one exchange from a script: backends that answer with given bytes in given pieces, a client that
 * sends and reads, files that are only facts. It does what exchange_wants() asks, one thing at a time, and
 * writes down what a client and a log would see: the transcript. How the bytes were cut must never show in
 * it.
 *
 * It checks all the while what exchange.h promises: no want that contradicts another, none missing before the
 * end, no bytes after a drop, CONTENT_LENGTH as many as body bytes are offered. What it lends lies in memory
 * of its exact size and moves or goes as early as the interface allows, so that a sanitizer sees any use
 * after.
 *
 * While a body is collected the transcript is silent but for "spool", when its first bytes leave memory.
 *
 * Where a request goes is decided by its path: /files/ is a file below /srv, /status/NNN is answered by the
 * route, "*" is OPTIONS *, all else goes to the backend.
 */
#ifndef GATE_TEST_HOST_H
#define GATE_TEST_HOST_H

#include "gate/exchange.h"
#include "gate/test_cuts.h"

enum fake_end { ENDS_CLEANLY, ENDS_WITH_RESET, STAYS_OPEN };
enum fake_connect { CONNECTS, REFUSES, HANGS };

struct fake_backend {
    struct str answer;
    enum fake_end end;
    enum fake_connect connect;
    bool early;       /* answers before the body has come */
    bool breaks;      /* takes no more than: */
    bool blocks;      /* the same, but it only takes no more */
    size_t takes;     /* bytes of the request, netstring included, before writing to it fails */
    bool end_unasked; /* the end is reported with the last bytes, asked for or not */
};

enum { FAKE_DIRECTORY = -1 };

struct fake_file {
    const char *path;
    int64_t size; /* bytes; FAKE_DIRECTORY; or below that -status */
};

enum { SCRIPT_BACKENDS = 4, SCRIPT_FILES = 4, SCRIPT_FIELDS = 4 };

/* The spool has no room, cannot be written, cannot be read. */
enum fake_spool { SPOOL_WORKS, SPOOL_FULL, SPOOL_WRITE_FAILS, SPOOL_READ_FAILS };

enum fake_client { CLIENT_SENDS_ALL, CLIENT_STALLS, CLIENT_GOES, CLIENT_SENDS_BAD };

struct test_script {
    const char *name;
    const char *method; /* NULL: GET */
    const char *target; /* NULL: "/app/" */
    struct str body;    /* absent: none */
    bool chunked;
    bool expects;  /* 100 (Continue) */
    unsigned port; /* of the server; 0: 80 */
    bool https;
    enum fake_client client; /* what comes after: */
    size_t gives;            /* bytes of the body (not CLIENT_SENDS_ALL) */
    enum request_buffering buffering;
    enum fake_spool spool; /* what it does once it holds: */
    size_t spool_holds;    /* bytes (not SPOOL_WORKS) */
    size_t spool_gives;    /* of SPOOL_READ_FAILS: bytes read before it does */
    bool reads_little;     /* the client fails after: */
    size_t reads;          /* bytes of content */
    bool stops_reading;    /* it stalls there instead */
    struct field fields[SCRIPT_FIELDS];
    void (*configure)(struct dir_config *config);
    /* The last one given serves all further connections. */
    struct fake_backend backends[SCRIPT_BACKENDS];
    unsigned backend_count; /* 0: 1 */
    struct fake_file files[SCRIPT_FILES];
    bool ordered;     /* the transcript depends on the order in which things are done */
    const char *want; /* the transcript */
};

/* HOST_WINDOW: bytes of a body that the host keeps in memory */
enum { HOST_LOG = 16384, HOST_CONTENT = 65536, HOST_BODY = 512 * 1024, HOST_WINDOW = 128 * 1024 };

struct test_host {
    const struct test_script *script;
    struct exchange x;
    struct arena arena;
    struct model model;
    struct server server;
    struct dir_config config;
    struct backend backend;
    struct pass pass;
    struct gate gate;
    struct endpoints endpoints;
    struct request request;
    unsigned field_count;
    struct test_cuts cuts; /* of the answers and of all acknowledgements */
    bool shuffle;          /* what is wanted is done in any order */
    uint64_t random;

    const struct fake_backend *peer;
    unsigned connects, drops;
    size_t answered; /* bytes of the peer's answer that were read */
    bool peer_ended, peer_broke;
    char *in;             /* received from the peer, of its exact size */
    size_t in_n, in_from; /* what stands before in_from was dropped */
    size_t up_n;          /* bytes that the peer received */
    uint64_t up_body;     /* of the body, on all connections */

    char *lent; /* bytes of the client's body, of their exact size */
    size_t lent_n;
    size_t body_at; /* bytes of the body that were acknowledged */
    bool body_failed, body_complete;
    size_t spool_n;      /* bytes in the spool */
    uint64_t spool_read; /* bytes read back */
    char *unspooled;     /* what was read last, of its exact size */

    size_t content_n;
    bool head_taken, page, ended, aborted;
    unsigned seen_steps;
    struct out log;
    char log_bytes[HOST_LOG];
    /* Not cleared: what was written stands in the counts above. */
    char content[HOST_CONTENT];
    char up[HOST_BODY];
    char spool[HOST_BODY];
};

void host_begin(struct test_host *h, const struct test_script *script);
/* Does one thing that is wanted; false when the exchange is done. */
bool host_step(struct test_host *h);
/* Until it is in the step; false when it never is. */
bool host_until(struct test_host *h, enum exchange_step step);
/* To the end; the transcript. */
struct str host_play(struct test_host *h);
void host_finish(struct test_host *h);
/* Plays each script uncut, in every single cut and byte by byte (a long body: in the cuts that matter), and
 * in random cuts and orders; fails unless the transcript is always the script's. */
void host_expect_any_cut(const struct test_script *scripts, size_t count);

/* The value of a variable in the netstring that the peer received last. */
struct str host_variable(const struct test_host *h, const char *name);

/* The transitions that were taken by all hosts so far. */
extern bool host_edges[EXCHANGE_STEP_COUNT][EXCHANGE_STEP_COUNT];

#endif
