#include "serve/names.h"
#include "base/must.h"

#include <stdlib.h>

struct entry {
    struct names *names;
    const struct backend *backend;
    unsigned count;
    struct addr *addresses;
    int64_t expires_ms; /* INT64_MAX: an address that needs no look-up */
    struct resolve_query *query;
    struct list waiters;
};

struct names {
    struct io *io;
    struct entry *entries; /* by backend.id */
    size_t count;
};

static void set_addresses(struct entry *e, const struct addr *addresses, unsigned count)
{
    free(e->addresses);
    e->addresses = count ? calloc(count, sizeof *e->addresses) : NULL;
    must(count == 0 || e->addresses != NULL);
    if (count)
        memcpy(e->addresses, addresses, count * sizeof *addresses);
    e->count = count;
}

static void init_entry(struct entry *e, struct names *n, const struct backend *backend)
{
    const struct address *address = &backend->address;
    struct addr a;
    bool known = address->kind == ADDRESS_UNIX ? addr_from_path(&a, address->path)
                                               : addr_from_host(&a, address->host, (uint16_t)address->port);

    e->names = n;
    e->backend = backend;
    list_init(&e->waiters);
    if (known) {
        set_addresses(e, &a, 1);
        e->expires_ms = INT64_MAX;
    }
}

struct names *names_create(struct io *io, const struct model *model)
{
    struct names *n = calloc(1, sizeof *n);

    must(n != NULL);
    n->io = io;
    n->count = model->backends.count;
    n->entries = calloc(n->count ? n->count : 1, sizeof *n->entries);
    must(n->entries != NULL);
    for (size_t i = 0; i < n->count; i++)
        init_entry(&n->entries[i], n, model->backends.items[i]);
    return n;
}

void names_destroy(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        must(list_empty(&n->entries[i].waiters));
        resolve_cancel(n->io, n->entries[i].query);
        free(n->entries[i].addresses);
    }
    free(n->entries);
    free(n);
}

unsigned names_addresses(struct names *n, const struct backend *backend, const struct addr **addresses)
{
    struct entry *e = &n->entries[backend->id];

    if (e->count && e->expires_ms <= io_now_ms(n->io))
        set_addresses(e, NULL, 0);
    *addresses = e->addresses;
    return e->count;
}

static void found(void *context, const struct resolve_answer *answer)
{
    struct entry *e = context;
    struct list *link;

    e->query = NULL;
    set_addresses(e, answer->addresses, answer->count);
    e->expires_ms = io_now_ms(e->names->io) + NAMES_TTL_MS;
    while ((link = list_take(&e->waiters)) != NULL) {
        struct names_waiter *waiter = CONTAINER_OF(link, struct names_waiter, link);

        waiter->found(waiter, answer->count ? NULL : answer->fault);
    }
}

void names_wait(struct names *n, const struct backend *backend, struct names_waiter *waiter)
{
    struct entry *e = &n->entries[backend->id];

    list_append(&e->waiters, &waiter->link);
    if (!e->query)
        e->query = resolve_start(n->io, backend->address.host, (uint16_t)backend->address.port, found, e);
}

void names_leave(struct names_waiter *waiter)
{
    list_remove(&waiter->link);
}

void names_forget(struct names *n, const struct backend *backend)
{
    struct entry *e = &n->entries[backend->id];

    if (e->expires_ms != INT64_MAX)
        e->expires_ms = 0;
}
