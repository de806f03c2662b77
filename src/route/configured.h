/* configured: a router for a configuration that is written as text, for tests of what directives do. */
#ifndef ROUTE_CONFIGURED_H
#define ROUTE_CONFIGURED_H

#include "config/load.h"
#include "http/h1.h"
#include "route/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CONFIGURED_FILE "/etc/gate.conf"

struct configured {
    struct arena arena;
    struct model *model;
    struct router *router;
    struct endpoints endpoints;
    int64_t begun_us, taken_us;
    struct request request; /* of the last ask */
    struct vars vars;       /* the same */
};

static const char *configured_read(void *context, struct arena *arena, struct str path, struct str *text)
{
    (void)arena;
    if (!str_eq(path, STR(CONFIGURED_FILE)))
        return "No such file or directory";
    *text = str_from(context);
    return NULL;
}

static void configured_list(void *context, struct arena *arena, struct str pattern, struct str **paths,
                            size_t *count)
{
    (void)context;
    (void)arena;
    (void)pattern;
    *paths = NULL;
    *count = 0;
}

static enum path_kind configured_kind(void *context, struct str path)
{
    (void)context;
    (void)path;
    return PATH_DIRECTORY;
}

static struct str configured_getenv(void *context, struct arena *arena, struct str name)
{
    (void)context;
    (void)arena;
    (void)name;
    return STR_NONE;
}

/* Listen and a ProxyPass of /app/ stand before the text, which begins on line 3. */
static inline void configured_init(struct configured *c, const char *text)
{
    struct config_source source = {NULL, configured_read, configured_list, configured_kind,
                                   configured_getenv};
    struct config_options options = {.file = STR(CONFIGURED_FILE), .directory = STR("/")};
    struct diag_list diags;

    *c = (struct configured){.endpoints = {STR("192.0.2.7"), STR("192.0.2.1"), 50000, 80, false}};
    arena_init(&c->arena, NULL, 0);
    source.context =
        (void *)arena_printf(&c->arena, "Listen 80\nProxyPass /app/ scgi://backend/\n%s", text).p;
    diag_list_init(&diags, &c->arena);
    c->model = config_load(&source, &options, &c->arena, &diags);
    if (!c->model)
        fail_msg("%s", diag_text(&c->arena, diags.first).p);
    c->router = router_create(c->model);
}

/* fields: lines that end in "\r\n", behind Host. */
static inline struct plan configured_ask(struct configured *c, const char *line, const char *fields)
{
    struct h1_parser parser = {0};
    struct h1_limits limits = {8190, 8190, 100};
    struct h1_fault fault;
    struct route_input input = {&c->request, &c->endpoints, &c->vars, c->begun_us, c->taken_us};
    struct plan plan;
    size_t size;

    assert_int_equal(
        h1_parse_request(&parser,
                         arena_printf(&c->arena, "%s HTTP/1.1\r\nHost: h.test\r\n%s\r\n", line, fields),
                         &limits, &c->arena, &c->request, &size, &fault),
        H1_COMPLETE);
    vars_init(&c->vars, &c->arena);
    route_request(c->router, &c->arena, &input, &plan);
    return plan;
}

static inline void configured_finish(struct configured *c)
{
    router_destroy(c->router);
    model_finish(c->model);
    arena_finish(&c->arena);
}

#endif
