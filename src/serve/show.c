#include "serve/show.h"
#include "io/io.h"

#include <stdio.h>

static void show_engine(enum io_kind kind, const char *name)
{
    const char *why = NULL;
    struct io *io = io_create(kind, &why);

    printf("  engine %s: %s\n", name, io ? "yes" : why ? why : "no");
    if (io)
        io_destroy(io);
}

void show_version(bool with_facts)
{
    printf("scgate %s\n", SCGATE_VERSION);
    if (!with_facts)
        return;
    printf("  compiler: %s\n", __VERSION__);
    show_engine(IO_KIND_EPOLL, "epoll");
    show_engine(IO_KIND_URING, "io_uring");
}

void show_directives(void)
{
    for (size_t i = 0; i < config_directive_count(); i++) {
        struct directive_info d = config_directive(i);

        printf("%.*s\n    %.*s\n    context: %.*s\n", STR_ARG(d.syntax), STR_ARG(d.help),
               STR_ARG(d.contexts));
    }
}

static void show_listen(const struct listen *l)
{
    const struct address *a = &l->address;

    if (a->kind == ADDRESS_UNIX)
        printf("  unix:%.*s", STR_ARG(a->path));
    else if (!a->host.p)
        printf("  *:%u", a->port);
    else
        printf(str_find(a->host, ':') >= 0 ? "  [%.*s]:%u" : "  %.*s:%u", STR_ARG(a->host), a->port);
    printf("  (%.*s:%u)\n", STR_ARG(l->place.file), l->place.line);
}

static void show_server(const struct server *s)
{
    printf("%s %.*s", s->is_virtual ? "virtual host" : "main server", STR_ARG(s->name));
    if (s->port)
        printf(":%u", s->port);
    for (size_t i = 0; i < s->addresses.count; i++) {
        const struct host_address *a = &s->addresses.items[i];

        printf(" %.*s:", STR_ARG(a->host.p ? a->host : STR("*")));
        if (a->port)
            printf("%u", a->port);
        else
            putchar('*');
    }
    for (size_t i = 0; i < s->aliases.count; i++)
        printf(" alias %.*s", STR_ARG(s->aliases.items[i]));
    if (s->is_virtual)
        printf("  (%.*s:%u)", STR_ARG(s->place.file), s->place.line);
    putchar('\n');
    for (size_t i = 0; i < s->passes.count; i++) {
        const struct pass *p = &s->passes.items[i];

        printf("  %.*s -> ", STR_ARG(p->path));
        if (p->exclude)
            printf("not proxied");
        else
            printf("%.*s path %.*s", STR_ARG(p->backend->name),
                   STR_ARG(p->target_path.n ? p->target_path : STR("/")));
        printf("  (%.*s:%u)\n", STR_ARG(p->place.file), p->place.line);
    }
    for (size_t i = 0; i < s->file_aliases.count; i++)
        printf("  %.*s -> file %.*s\n", STR_ARG(s->file_aliases.items[i].path),
               STR_ARG(s->file_aliases.items[i].target));
}

void show_model(const struct model *model)
{
    puts("listens on:");
    for (size_t i = 0; i < model->listens.count; i++)
        show_listen(&model->listens.items[i]);
    show_server(model->main);
    for (size_t i = 0; i < model->virtual_hosts.count; i++)
        show_server(model->virtual_hosts.items[i]);
}
