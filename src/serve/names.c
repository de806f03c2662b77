#include "serve/names.h"
#include "base/must.h"

#include <stdlib.h>

enum { UNLISTED_MAX = 256 };

struct entry {
    struct names *names;
    const struct backend *backend;
    struct backend own; /* of an unlisted one, with its host's name in host[] */
    char host[RESOLVE_HOST_MAX + 1];
    struct entry *next; /* of an unlisted one, in names.unlisted */
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
    struct entry *unlisted; /* backends that clients named, oldest first: a bounded number is remembered */
    unsigned unlisted_count;
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

static void finish_entry(struct entry *e)
{
    must(list_empty(&e->waiters));
    resolve_cancel(e->names->io, e->query);
    free(e->addresses);
}

static void free_entry(struct entry *e)
{
    finish_entry(e);
    free(e);
}

/* Room for one more: the oldest that nobody waits for go. */
static void make_room(struct names *n)
{
    struct entry **at = &n->unlisted;

    while (*at && n->unlisted_count >= UNLISTED_MAX) {
        struct entry *e = *at;

        if (!list_empty(&e->waiters)) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        n->unlisted_count--;
        free_entry(e);
    }
}

static struct entry *add_unlisted(struct names *n, const struct backend *backend)
{
    struct entry *e = calloc(1, sizeof *e), **last = &n->unlisted;
    size_t size = backend->address.host.n < sizeof e->host ? backend->address.host.n : sizeof e->host - 1;

    must(e != NULL);
    make_room(n);
    memcpy(e->host, backend->address.host.p, size);
    e->own = *backend;
    e->own.address.host = str_make(e->host, size);
    init_entry(e, n, &e->own);
    while (*last)
        last = &(*last)->next;
    *last = e;
    n->unlisted_count++;
    return e;
}

static struct entry *find_entry(struct names *n, const struct backend *backend)
{
    if (backend->id != BACKEND_UNLISTED)
        return &n->entries[backend->id];
    for (struct entry *e = n->unlisted; e; e = e->next)
        if (e->own.address.port == backend->address.port &&
            str_eq(e->own.address.host, backend->address.host))
            return e;
    return add_unlisted(n, backend);
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
    for (size_t i = 0; i < n->count; i++)
        finish_entry(&n->entries[i]);
    while (n->unlisted) {
        struct entry *e = n->unlisted;

        n->unlisted = e->next;
        free_entry(e);
    }
    free(n->entries);
    free(n);
}

unsigned names_addresses(struct names *n, const struct backend *backend, const struct addr **addresses)
{
    struct entry *e = find_entry(n, backend);

    if (e->count && e->expires_ms <= io_now_ms(n->io))
        set_addresses(e, NULL, 0);
    *addresses = e->addresses;
    return e->count;
}

unsigned names_known(struct names *n, const struct backend *backend, const struct addr **addresses)
{
    struct entry *e = find_entry(n, backend);

    *addresses = e->addresses;
    return e->count;
}

static void found(void *context, const struct resolve_answer *answer)
{
    struct entry *e = context;
    struct list waiting, *link;

    list_init(&waiting);
    e->query = NULL;
    set_addresses(e, answer->addresses, answer->count);
    e->expires_ms = io_now_ms(e->names->io) + NAMES_TTL_MS;
    /* Who is told may wait anew, or name another backend, for which this entry makes room. */
    while ((link = list_take(&e->waiters)) != NULL)
        list_append(&waiting, link);
    while ((link = list_take(&waiting)) != NULL) {
        struct names_waiter *waiter = CONTAINER_OF(link, struct names_waiter, link);

        waiter->found(waiter, answer->count ? NULL : answer->fault);
    }
}

void names_wait(struct names *n, const struct backend *backend, struct names_waiter *waiter)
{
    struct entry *e = find_entry(n, backend);

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
    struct entry *e = find_entry(n, backend);

    if (e->expires_ms != INT64_MAX)
        e->expires_ms = 0;
}
