#include "route/vhost.h"

#include "route/fixture.h"

static const struct server *find(struct fixture *f, const char *address, unsigned port, const char *host)
{
    struct endpoints e = {STR("192.0.2.7"), str_from(address), 50000, port, false};
    struct vhosts v;

    vhosts_init(&v, &f->arena, &f->model);
    return vhosts_find(&v, &e, str_from(host));
}

static void no_hosts(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_ptr_equal(find(&f, "127.0.0.1", 80, "any"), &f.main);
    assert_ptr_equal(find(&f, "", 0, NULL), &f.main);
    fixture_finish(&f);
}

static void most_specific_set(void **state)
{
    struct fixture f;
    struct server *any, *any_port, *ip, *ip_port, *v6;

    (void)state;
    fixture_init(&f);
    any = fixture_add_host(&f, NULL, 0, "any");
    any_port = fixture_add_host(&f, NULL, 80, "any-port");
    ip = fixture_add_host(&f, "10.0.0.1", 0, "ip");
    ip_port = fixture_add_host(&f, "10.0.0.1", 80, "ip-port");
    v6 = fixture_add_host(&f, "::1", 80, "v6");
    assert_ptr_equal(find(&f, "10.0.0.1", 80, "any"), ip_port); /* the name counts within the set only */
    assert_ptr_equal(find(&f, "10.0.0.1", 81, NULL), ip);
    assert_ptr_equal(find(&f, "10.0.0.2", 80, NULL), any_port);
    assert_ptr_equal(find(&f, "10.0.0.2", 81, NULL), any);
    assert_ptr_equal(find(&f, "::1", 80, NULL), v6);
    assert_ptr_equal(find(&f, "::1", 81, NULL), any);
    assert_ptr_equal(find(&f, "", 0, NULL), any); /* a Unix socket */
    fixture_finish(&f);
}

static void no_set_is_main(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_add_host(&f, "127.0.0.1", 18003, "third");
    assert_ptr_equal(find(&f, "127.0.0.1", 18001, "third"), &f.main);
    assert_ptr_equal(find(&f, "127.0.0.2", 18003, "third"), &f.main);
    fixture_finish(&f);
}

static void names(void **state)
{
    struct fixture f;
    struct server *first, *second, *twin;

    (void)state;
    fixture_init(&f);
    first = fixture_add_host(&f, NULL, 80, "first.test");
    PUSH(&f, &first->aliases, STR("*.wild.test"));
    PUSH(&f, &first->aliases, STR("exact.test"));
    second = fixture_add_host(&f, NULL, 80, "second.test");
    PUSH(&f, &second->aliases, STR("x?.test"));
    PUSH(&f, &second->aliases, STR("b.wild.test"));
    twin = fixture_add_host(&f, NULL, 80, "second.test");
    PUSH(&f, &twin->aliases, STR("twin.test"));
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "first.test"), first);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "exact.test"), first);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "a.b.wild.test"), first);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "b.wild.test"), first); /* file order, not the best match */
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "second.test"), second);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "x1.test"), second);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "twin.test"), twin);
    /* The first of the set, even for the main server's own name. */
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "gw.example.test"), first);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, NULL), first);
    fixture_finish(&f);
}

static void several_addresses(void **state)
{
    struct fixture f;
    struct server *a, *b;
    struct vhosts v;

    (void)state;
    fixture_init(&f);
    a = fixture_add_host(&f, NULL, 80, "a");
    b = fixture_add_host(&f, NULL, 80, "b");
    PUSH(&f, &b->addresses, (struct host_address){STR_NONE, 443});
    PUSH(&f, &b->addresses, (struct host_address){STR_NONE, 80});
    vhosts_init(&v, &f.arena, &f.model);
    assert_int_equal(v.count, 2);
    assert_int_equal(v.sets[0].count, 2); /* each server once, however often it names the address */
    assert_ptr_equal(find(&f, "1.2.3.4", 443, "a"), b);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "a"), a);
    assert_ptr_equal(find(&f, "1.2.3.4", 80, "b"), b);
    fixture_finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_hosts), cmocka_unit_test(most_specific_set), cmocka_unit_test(no_set_is_main),
        cmocka_unit_test(names),    cmocka_unit_test(several_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
