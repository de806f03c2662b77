/* fixture: small models built by hand, and requests written as text, for the tests of route/. */
#ifndef ROUTE_FIXTURE_H
#define ROUTE_FIXTURE_H

#include "http/h1.h"
#include "route/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FIXTURE_ROOM = 32 };

struct fixture {
    struct arena arena;
    struct model model;
    struct server main;
    struct backend backend;
    struct endpoints endpoints;
    struct vars vars;
    struct router *router; /* made by the first fixture_ask() */
    struct regex *regexes[FIXTURE_ROOM];
    size_t regex_count;
};

/* A new last item of a list. */
#define PUSH(f, list, ...)                                                                                   \
    do {                                                                                                     \
        if (!(list)->items) {                                                                                \
            (list)->items = arena_zalloc(&(f)->arena, FIXTURE_ROOM, sizeof *(list)->items);                  \
            (list)->room = FIXTURE_ROOM;                                                                     \
        }                                                                                                    \
        assert_true((list)->count < (list)->room);                                                           \
        (list)->items[(list)->count++] = (__VA_ARGS__);                                                      \
    } while (0)

#define assert_str(got, want)                                                                                \
    do {                                                                                                     \
        struct str got_ = (got), want_ = str_from(want);                                                     \
        if (!str_eq(got_, want_) || !got_.p != !want_.p)                                                     \
            fail_msg("%s is \"%.*s\", not \"%.*s\"", #got, STR_ARG(got_), STR_ARG(want_));                   \
    } while (0)

static inline void fixture_init_server(struct server *s, const char *name)
{
    *s = (struct server){.name = str_from(name), .document_root = STR("/srv/www"), .merge_slashes = 1};
    dir_config_init(&s->dir);
}

static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.endpoints = {STR("192.0.2.7"), STR("127.0.0.1"), 50000, 18001, false}};
    arena_init(&f->arena, NULL, 0);
    fixture_init_server(&f->main, "gw.example.test");
    f->model.arena = &f->arena;
    f->model.main = &f->main;
}

static inline void fixture_finish(struct fixture *f)
{
    router_destroy(f->router);
    for (size_t i = 0; i < f->regex_count; i++)
        regex_free(f->regexes[i]);
    arena_finish(&f->arena);
}

static inline const struct regex *fixture_regex(struct fixture *f, const char *pattern, bool nocase)
{
    struct str error;
    size_t offset;
    struct regex *r = regex_compile(&f->arena, str_from(pattern), nocase, &error, &offset);

    assert_non_null(r);
    assert_true(f->regex_count < FIXTURE_ROOM);
    return f->regexes[f->regex_count++] = r;
}

static inline struct server *fixture_add_host(struct fixture *f, const char *address, unsigned port,
                                              const char *name)
{
    struct server *s = ARENA_NEW(&f->arena, struct server);

    fixture_init_server(s, name);
    s->is_virtual = true;
    PUSH(f, &s->addresses, (struct host_address){str_from(address), port});
    PUSH(f, &f->model.virtual_hosts, s);
    return s;
}

static inline struct pass fixture_pass(struct fixture *f, const char *path, const char *authority,
                                       const char *target)
{
    return (struct pass){.path = str_from(path),
                         .exclude = !authority,
                         .backend = authority ? &f->backend : NULL,
                         .authority = str_from(authority),
                         .target_path = str_from(target)};
}

/* Require all granted, Require all denied. */
static struct require fixture_granted = {.kind = REQUIRE_GRANTED, .text = STR_INIT("Require all granted")};
static struct require fixture_denied = {.kind = REQUIRE_DENIED, .text = STR_INIT("Require all denied")};

static inline void fixture_grant(struct dir_config *d, bool granted)
{
    d->require = granted ? &fixture_granted : &fixture_denied;
}

/* authority NULL: an exclusion. */
static inline void fixture_add_pass(struct fixture *f, struct server *s, const char *path,
                                    const char *authority, const char *target)
{
    PUSH(f, &s->passes, fixture_pass(f, path, authority, target));
}

static inline void fixture_add_alias(struct fixture *f, struct server *s, const char *path,
                                     const char *target)
{
    PUSH(f, &s->file_aliases, (struct alias){.path = str_from(path), .target = str_from(target)});
}

static inline struct section fixture_section(struct fixture *f, enum section_kind kind, const char *pattern)
{
    struct section section = {.kind = kind, .id = f->model.section_count++, .pattern = str_from(pattern)};

    if (kind == SECTION_REGEX)
        section.regex = fixture_regex(f, pattern, false);
    dir_config_init(&section.config);
    return section;
}

/* The configuration of the new section. */
static inline struct dir_config *fixture_add_location(struct fixture *f, struct server *s,
                                                      enum section_kind kind, const char *pattern)
{
    PUSH(f, &s->locations, fixture_section(f, kind, pattern));
    return &s->locations.items[s->locations.count - 1].config;
}

static inline struct dir_config *fixture_add_directory(struct fixture *f, struct server *s,
                                                       enum section_kind kind, const char *pattern)
{
    PUSH(f, &s->directories, fixture_section(f, kind, pattern));
    return &s->directories.items[s->directories.count - 1].config;
}

static inline void fixture_add_env(struct fixture *f, struct dir_config *d, const char *name,
                                   const char *value)
{
    PUSH(f, &d->env, (struct env_op){str_from(name), str_from(value)});
}

/* pattern NULL: a literal "", which always fits. value NULL: the variable is unset. */
static inline struct setenvif fixture_rule(struct fixture *f, enum setenvif_attribute attribute,
                                           const char *field, const char *pattern, const char *name,
                                           const char *value)
{
    struct setenvif rule = {.attribute = attribute, .field = str_from(field), .literal = STR("")};

    if (attribute == SETENVIF_FIELD_REGEX)
        rule.field_regex = fixture_regex(f, field, false);
    if (pattern)
        rule.regex = fixture_regex(f, pattern, false);
    PUSH(f, &rule.actions, (struct setenvif_action){str_from(name), str_from(value), true});
    return rule;
}

static inline struct request fixture_request(struct fixture *f, const char *head)
{
    struct h1_parser parser = {0};
    struct h1_limits limits = {8190, 8190, 100};
    struct h1_fault fault;
    struct request request;
    size_t size;

    assert_int_equal(h1_parse_request(&parser, str_from(head), &limits, &f->arena, &request, &size, &fault),
                     H1_COMPLETE);
    return request;
}

/* Routes a request; f->vars are new each time. */
static inline struct plan fixture_ask(struct fixture *f, const char *head)
{
    struct request request = fixture_request(f, head);
    struct route_input input = {.request = &request, .endpoints = &f->endpoints, .vars = &f->vars};
    struct plan plan;

    if (!f->router)
        f->router = router_create(&f->model);
    vars_init(&f->vars, &f->arena);
    route_request(f->router, &f->arena, &input, &plan);
    assert_non_null(plan.server);
    assert_non_null(plan.config);
    return plan;
}

/* To be called when the model was changed: a router takes it as immutable. */
static inline void fixture_renew(struct fixture *f)
{
    router_destroy(f->router);
    f->router = NULL;
}

/* GET with the usual Host. */
static inline struct plan fixture_get(struct fixture *f, const char *target)
{
    char head[4096];

    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: gw.example.test\r\n\r\n", target);
    return fixture_ask(f, arena_copy(&f->arena, str_from(head)).p);
}

#endif
