/* address: where an SCGI application listens, as the command line names it, and blocking sockets to go with
 * it.
 *
 *     scgi://HOST[:PORT][/]   HOST[:PORT]   unix:PATH
 *
 * An IPv6 literal stands in brackets; the port is 4000 when none is given. A HOST may have several addresses:
 * address_connect() tries one after the other, address_listen() listens on all of them.
 *
 *     struct address a;
 *     char why[ADDRESS_FAULT_SIZE];
 *
 *     if (!address_parse("unix:/run/app.sock", &a, why) || (fd = address_connect(&a, 5000, why)) < 0)
 *         fprintf(stderr, "%s\n", why);
 */
#ifndef TOOL_ADDRESS_H
#define TOOL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { ADDRESS_FAULT_SIZE = 512, ADDRESS_LISTENERS_MAX = 8 };

struct address {
    bool local; /* a Unix socket */
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    char host[256]; /* without brackets */
    char port[6];
};

struct listener {
    int fd;
    char name[300]; /* "scgi://127.0.0.1:4000" or "unix:/run/app.sock": what is listened on really */
    /* A Unix socket's file, to know at the end whether it is still ours: */
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* "" for TCP */
    dev_t device;
    ino_t inode;
};

/* All three return false or -1 with a message without newline in why. */
bool address_parse(const char *text, struct address *a, char why[ADDRESS_FAULT_SIZE]);

/* A connected blocking socket, or -1; errno is ETIMEDOUT when time ran out, which is for all attempts
 * together. */
int address_connect(const struct address *a, int timeout_ms, char why[ADDRESS_FAULT_SIZE]);

/* Listens; returns how many listeners there are. A Unix socket that is there already is removed when nobody
 * answers on it; mode is what its file gets, or -1 for what the umask leaves. */
int address_listen(const struct address *a, int backlog, int mode,
                   struct listener listeners[ADDRESS_LISTENERS_MAX], char why[ADDRESS_FAULT_SIZE]);
/* Closes it and removes its file if it is still the one that was made. */
void listener_close(struct listener *l);

/* A read or a write that takes longer fails with EAGAIN. */
void socket_set_timeout(int fd, int timeout_ms);
/* Writes everything; false with errno. No signal is raised. */
bool socket_send_all(int fd, const void *bytes, size_t size);

#endif
