/* addr: socket addresses as text.
 *
 * Nothing here looks a name up (resolve.h does). A port is a number in the host's byte order, 0 where there
 * is none.
 *
 *     struct addr a;
 *     addr_parse(&a, STR("[::1]:4000"), 0);
 *     connect(fd, &a.u.any, a.length);
 */
#ifndef IO_ADDR_H
#define IO_ADDR_H

#include "base/str.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct addr {
    socklen_t length; /* bytes in use of u */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } u;
};

/* Room for any text made here, the NUL included. */
enum { ADDR_TEXT_SIZE = 160 };

/* "192.0.2.1:80", "192.0.2.1", "[2001:db8::1]:80", "[::1]", "[fe80::1%eth0]:80". A missing port is
 * default_port; one that is given is 0 to 65535 in decimal. False when the text is anything else, a name
 * above all. */
bool addr_parse(struct addr *a, struct str text, uint16_t default_port);
/* A numeric IPv4 or IPv6 address (this without brackets). */
bool addr_from_host(struct addr *a, struct str host, uint16_t port);
/* A Unix socket. False when the path is empty, holds a NUL or is longer than addr_path_max() (unix(7)). */
bool addr_from_path(struct addr *a, struct str path);
size_t addr_path_max(void);

/* The address as addr_parse() takes it, with its port; a Unix one as its path behind "unix:". Uses the
 * memory, whose size is at least ADDR_TEXT_SIZE, NUL-terminated. */
struct str addr_text(const struct sockaddr *address, socklen_t length, char *memory);
/* The text for REMOTE_ADDR (RFC 3875 section 4.1.8): the host alone, no brackets, an IPv4-mapped IPv6 address
 * as plain IPv4. Empty for a Unix socket. */
struct str addr_host_text(const struct sockaddr *address, socklen_t length, char *memory);
uint16_t addr_port(const struct sockaddr *address, socklen_t length);

/* Of a connected descriptor: the other end, and this one. False (and an empty Unix address) when the kernel
 * does not tell, as when the peer is gone. */
bool addr_of_peer(struct addr *a, int fd);
bool addr_of_socket(struct addr *a, int fd);

#endif
