/* subnet: a range of IP addresses, as configurations write it.
 *
 *     192.0.2.7   192.0.2.0/24   192.0.2.0/255.255.255.0   192.0.2 (the three octets)   2001:db8::/32
 *
 * An IPv6 address that stands for an IPv4 one (::ffff:192.0.2.7) is that one.
 */
#ifndef BASE_SUBNET_H
#define BASE_SUBNET_H

#include "base/str.h"

struct subnet {
    size_t size; /* 4 or 16 bytes */
    unsigned char address[16], mask[16];
};

/* False when the text is none of the forms above. */
bool subnet_parse(struct str text, struct subnet *subnet);
/* True if the address, a numeric one without brackets, lies in the range. */
bool subnet_has(const struct subnet *subnet, struct str address);

#endif
