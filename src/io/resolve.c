#include "io/resolve.h"
#include "base/must.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

struct resolve_query {
    struct io_op op;
    resolve_found *found; /* NULL once cancelled */
    void *context;
    uint16_t port;
    char host[RESOLVE_HOST_MAX + 1]; /* empty: not a name */
    struct resolve_answer answer;
};

static void answer_take(struct resolve_query *q, const struct addrinfo *list)
{
    struct resolve_answer *answer = &q->answer;

    for (; list && answer->count < RESOLVE_ADDRESSES_MAX; list = list->ai_next) {
        struct addr *a = &answer->addresses[answer->count];

        if (list->ai_family != AF_INET && list->ai_family != AF_INET6)
            continue;
        *a = (struct addr){.length = list->ai_addrlen};
        memcpy(&a->u, list->ai_addr, list->ai_addrlen);
        if (list->ai_family == AF_INET)
            a->u.in.sin_port = htons(q->port);
        else
            a->u.in6.sin6_port = htons(q->port);
        answer->count++;
    }
}

/* On a thread. */
static void look_up(struct io_op *op)
{
    struct resolve_query *q = CONTAINER_OF(op, struct resolve_query, op);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int error = q->host[0] ? getaddrinfo(q->host, NULL, &hints, &list) : EAI_NONAME;

    if (error == 0) {
        answer_take(q, list);
        freeaddrinfo(list);
    }
    if (error == 0 && !q->answer.count)
        error = EAI_NONAME;
    if (error)
        q->answer.fault = gai_strerror(error);
    q->answer.temporary = error == EAI_AGAIN || error == EAI_SYSTEM || error == EAI_MEMORY;
    op->result = 0;
}

static void looked_up(struct io_op *op, int result)
{
    struct resolve_query *q = CONTAINER_OF(op, struct resolve_query, op);

    if (result < 0) { /* no thread was to be had */
        q->answer.fault = "no thread for the look-up";
        q->answer.temporary = true;
    }
    if (q->found)
        q->found(q->context, &q->answer);
    free(q);
}

struct resolve_query *resolve_start(struct io *io, struct str host, uint16_t port, resolve_found *found,
                                    void *context)
{
    struct resolve_query *q = calloc(1, sizeof *q);

    must(q && found);
    q->found = found;
    q->context = context;
    q->port = port;
    q->op.done = looked_up;
    if (host.n && host.n <= RESOLVE_HOST_MAX && !memchr(host.p, '\0', host.n))
        memcpy(q->host, host.p, host.n);
    io_work(io, &q->op, look_up);
    return q;
}

void resolve_cancel(struct io *io, struct resolve_query *query)
{
    if (!query)
        return;
    query->found = NULL;
    io_cancel(io, &query->op);
}
