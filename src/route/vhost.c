#include "route/vhost.h"

#include "base/glob.h"

static struct vhost_set *find_equal(const struct vhosts *v, const struct host_address *a)
{
    for (size_t i = 0; i < v->count; i++) {
        struct vhost_set *set = &v->sets[i];

        if (set->port == a->port && !set->host.p == !a->host.p && str_eq_nocase(set->host, a->host))
            return set;
    }
    return NULL;
}

static void add(struct vhosts *v, struct arena *arena, const struct model *model, const struct server *server,
                const struct host_address *a)
{
    struct vhost_set *set = find_equal(v, a);

    if (!set) {
        set = &v->sets[v->count++];
        *set = (struct vhost_set){.host = a->host, .port = a->port};
        set->servers = ARENA_ARRAY(arena, const struct server *, model->virtual_hosts.count);
    }
    if (set->count == 0 || set->servers[set->count - 1] != server)
        set->servers[set->count++] = server;
}

void vhosts_init(struct vhosts *v, struct arena *arena, const struct model *model)
{
    size_t addresses = 0;

    *v = (struct vhosts){.main = model->main};
    for (size_t i = 0; i < model->virtual_hosts.count; i++)
        addresses += model->virtual_hosts.items[i]->addresses.count;
    v->sets = ARENA_ARRAY(arena, struct vhost_set, addresses);
    for (size_t i = 0; i < model->virtual_hosts.count; i++) {
        const struct server *server = model->virtual_hosts.items[i];

        for (size_t j = 0; j < server->addresses.count; j++)
            add(v, arena, model, server, &server->addresses.items[j]);
    }
}

/* How well a set fits a local end; 0: not at all. */
static unsigned rank(const struct vhost_set *set, const struct endpoints *endpoints)
{
    if (set->port && set->port != endpoints->local_port)
        return 0;
    if (set->host.p && !str_eq_nocase(set->host, endpoints->local_addr))
        return 0;
    return 1 + (set->port ? 1u : 0u) + (set->host.p ? 2u : 0u);
}

static const struct vhost_set *choose_set(const struct vhosts *v, const struct endpoints *endpoints)
{
    const struct vhost_set *best = NULL;
    unsigned best_rank = 0;

    for (size_t i = 0; i < v->count; i++) {
        unsigned r = rank(&v->sets[i], endpoints);

        if (r > best_rank) {
            best = &v->sets[i];
            best_rank = r;
        }
    }
    return best;
}

static bool answers_to(const struct server *server, struct str host)
{
    if (str_eq(server->name, host))
        return true;
    for (size_t i = 0; i < server->aliases.count; i++)
        if (glob_match(server->aliases.items[i], host, false, false))
            return true;
    return false;
}

const struct server *vhosts_find(const struct vhosts *v, const struct endpoints *endpoints, struct str host)
{
    const struct vhost_set *set = choose_set(v, endpoints);

    if (!set)
        return v->main;
    /* The only server of a set answers to every name. */
    if (set->count > 1 && host.p)
        for (size_t i = 0; i < set->count; i++)
            if (answers_to(set->servers[i], host))
                return set->servers[i];
    return set->servers[0];
}
