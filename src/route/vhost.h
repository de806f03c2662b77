/* vhost: which virtual host a connection and a host name belong to.
 *
 * The addresses of all <VirtualHost> lines make sets: one for each different address and port, its servers in
 * file order. A connection sees only the most specific set that fits its local end: IP:port, IP:*, *:port, *.
 * Within the set the first server whose name or alias equals the request's host is chosen, else the set's
 * first. The main server answers only where no set fits.
 */
#ifndef ROUTE_VHOST_H
#define ROUTE_VHOST_H

#include "config/model.h"
#include "http/endpoints.h"

struct vhost_set {
    struct str host; /* numeric, without brackets; absent: any */
    unsigned port;   /* 0: any */
    const struct server **servers;
    size_t count;
};

struct vhosts {
    const struct server *main;
    struct vhost_set *sets;
    size_t count;
};

/* Memory from the arena; the model must outlive it. */
void vhosts_init(struct vhosts *v, struct arena *arena, const struct model *model);

/* host: lower case, without port and without trailing dot; absent: the request names none. Never NULL. */
const struct server *vhosts_find(const struct vhosts *v, const struct endpoints *endpoints, struct str host);

#endif
