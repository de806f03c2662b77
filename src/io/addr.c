#include "io/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

static bool host_copy(char *to, size_t size, struct str host)
{
    if (host.n == 0 || host.n >= size || memchr(host.p, '\0', host.n))
        return false;
    memcpy(to, host.p, host.n);
    to[host.n] = '\0';
    return true;
}

/* The zone of a link-local address: an interface's name or number (RFC 4007 section 11). */
static bool zone_parse(struct str zone, uint32_t *scope)
{
    char name[IF_NAMESIZE];
    uint64_t number;

    if (str_to_u64(zone, UINT32_MAX, &number)) {
        *scope = (uint32_t)number;
        return true;
    }
    if (!host_copy(name, sizeof name, zone))
        return false;
    *scope = if_nametoindex(name);
    return *scope != 0;
}

bool addr_from_host(struct addr *a, struct str host, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    struct str zone = host, bare = str_until(&zone, '%');

    *a = (struct addr){0};
    if (!host_copy(text, sizeof text, bare))
        return false;
    if (!zone.p && inet_pton(AF_INET, text, &a->u.in.sin_addr) == 1) {
        a->u.in.sin_family = AF_INET;
        a->u.in.sin_port = htons(port);
        a->length = sizeof a->u.in;
        return true;
    }
    if (inet_pton(AF_INET6, text, &a->u.in6.sin6_addr) != 1 ||
        (zone.p && !zone_parse(zone, &a->u.in6.sin6_scope_id)))
        return false;
    a->u.in6.sin6_family = AF_INET6;
    a->u.in6.sin6_port = htons(port);
    a->length = sizeof a->u.in6;
    return true;
}

bool addr_parse(struct addr *a, struct str text, uint16_t default_port)
{
    bool bracket = text.n && text.p[0] == '[', six;
    struct str rest = bracket ? str_skip(text, 1) : text, host = str_until(&rest, bracket ? ']' : ':');
    uint64_t port = default_port;

    if (bracket && !rest.p)
        return false;
    if (bracket && rest.n) {
        if (rest.p[0] != ':')
            return false;
        rest = str_skip(rest, 1);
        if (!str_to_u64(rest, 65535, &port))
            return false;
    } else if (!bracket && rest.p && !str_to_u64(rest, 65535, &port)) {
        return false;
    }
    if (!addr_from_host(a, host, (uint16_t)port))
        return false;
    six = a->u.any.sa_family == AF_INET6;
    return six == bracket;
}

size_t addr_path_max(void)
{
    return sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
}

bool addr_from_path(struct addr *a, struct str path)
{
    *a = (struct addr){0};
    if (!host_copy(a->u.un.sun_path, sizeof a->u.un.sun_path, path))
        return false;
    a->u.un.sun_family = AF_UNIX;
    a->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
    return true;
}

static struct str unix_text(const struct sockaddr *address, socklen_t length, char *memory)
{
    const struct sockaddr_un *un = (const void *)address;
    size_t room =
        length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
    int n = snprintf(memory, ADDR_TEXT_SIZE, "unix:%.*s", (int)strnlen(un->sun_path, room), un->sun_path);

    return str_make(memory, (size_t)n);
}

struct str addr_host_text(const struct sockaddr *address, socklen_t length, char *memory)
{
    const struct sockaddr_in *in = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;
    size_t n;

    memory[0] = '\0';
    if (address->sa_family == AF_INET && length >= sizeof *in) {
        inet_ntop(AF_INET, &in->sin_addr, memory, ADDR_TEXT_SIZE);
    } else if (address->sa_family == AF_INET6 && length >= sizeof *in6) {
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], memory, ADDR_TEXT_SIZE);
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, memory, ADDR_TEXT_SIZE);
        n = strlen(memory);
        if (in6->sin6_scope_id)
            snprintf(memory + n, ADDR_TEXT_SIZE - n, "%%%u", (unsigned)in6->sin6_scope_id);
    }
    return str_from(memory);
}

struct str addr_text(const struct sockaddr *address, socklen_t length, char *memory)
{
    char host[ADDR_TEXT_SIZE];
    bool six;
    int n;

    if (address->sa_family == AF_UNIX)
        return unix_text(address, length, memory);
    addr_host_text(address, length, host);
    six = strchr(host, ':') != NULL;
    n = snprintf(memory, ADDR_TEXT_SIZE, "%s%.100s%s:%u", six ? "[" : "", host, six ? "]" : "",
                 (unsigned)addr_port(address, length));
    return str_make(memory, (size_t)n);
}

uint16_t addr_port(const struct sockaddr *address, socklen_t length)
{
    const struct sockaddr_in *in = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;

    if (address->sa_family == AF_INET && length >= sizeof *in)
        return ntohs(in->sin_port);
    if (address->sa_family == AF_INET6 && length >= sizeof *in6)
        return ntohs(in6->sin6_port);
    return 0;
}

static bool name_taken(struct addr *a, int result)
{
    if (result == 0 && a->length <= sizeof a->u)
        return true;
    *a = (struct addr){.length = sizeof(sa_family_t), .u.any.sa_family = AF_UNIX};
    return false;
}

bool addr_of_peer(struct addr *a, int fd)
{
    *a = (struct addr){.length = sizeof a->u};
    return name_taken(a, getpeername(fd, &a->u.any, &a->length));
}

bool addr_of_socket(struct addr *a, int fd)
{
    *a = (struct addr){.length = sizeof a->u};
    return name_taken(a, getsockname(fd, &a->u.any, &a->length));
}
