#include "base/subnet.h"

#include <arpa/inet.h>

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The bytes of a numeric address; returns how many, 0 when it is none. */
static size_t parse_address(struct str s, unsigned char bytes[16])
{
    char text[INET6_ADDRSTRLEN];

    if (s.n >= sizeof text || str_find(s, '\0') >= 0)
        return 0;
    if (s.n)
        memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static size_t unmap(unsigned char bytes[16], size_t size)
{
    if (size != 16 || memcmp(bytes, mapped_prefix, sizeof mapped_prefix) != 0)
        return size;
    memmove(bytes, bytes + sizeof mapped_prefix, 4);
    return 4;
}

static void set_mask(struct subnet *s, size_t bits)
{
    for (size_t i = 0; i < s->size; i++) {
        size_t here = bits > 8 * i ? bits - 8 * i : 0;

        s->mask[i] = here >= 8 ? 0xff : (unsigned char)(0xff00u >> here);
    }
}

/* "192.0.2" or "192.0.2.": one to three octets. */
static bool parse_octets(struct str text, struct subnet *s)
{
    size_t count = 0;

    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    s->size = 4;
    while (text.p) {
        uint64_t octet;

        if (count == 3 || !str_to_u64(str_until(&text, '.'), 255, &octet))
            return false;
        s->address[count++] = (unsigned char)octet;
    }
    set_mask(s, 8 * count);
    return true;
}

/* A number of bits, or for IPv4 a mask. */
static bool parse_mask(struct str text, struct subnet *s)
{
    uint64_t bits;

    if (str_to_u64(text, 8 * s->size, &bits)) {
        set_mask(s, (size_t)bits);
        return true;
    }
    return s->size == 4 && parse_address(text, s->mask) == 4;
}

bool subnet_parse(struct str text, struct subnet *subnet)
{
    struct str mask = text, address = str_until(&mask, '/');

    *subnet = (struct subnet){0};
    subnet->size = parse_address(address, subnet->address);
    if (!subnet->size)
        return !mask.p && parse_octets(address, subnet);
    if (!mask.p)
        set_mask(subnet, 8 * subnet->size);
    else if (!parse_mask(mask, subnet))
        return false;
    if (unmap(subnet->address, subnet->size) != subnet->size) {
        /* The last four bytes of both; a mask that does not reach them takes every IPv4 address. */
        memmove(subnet->mask, subnet->mask + sizeof mapped_prefix, 4);
        subnet->size = 4;
    }
    return true;
}

bool subnet_has(const struct subnet *subnet, struct str address)
{
    unsigned char bytes[16];

    if (unmap(bytes, parse_address(address, bytes)) != subnet->size)
        return false;
    for (size_t i = 0; i < subnet->size; i++)
        if ((bytes[i] ^ subnet->address[i]) & subnet->mask[i])
            return false;
    return true;
}
