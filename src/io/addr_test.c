#include "io/addr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void test_parse_and_text(void **state)
{
    static const struct {
        const char *text, *again, *host;
        int port;
    } good[] = {
        {"192.0.2.1:80", "192.0.2.1:80", "192.0.2.1", 80},
        {"192.0.2.1", "192.0.2.1:4000", "192.0.2.1", 4000},
        {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", 0},
        {"255.255.255.255:65535", "255.255.255.255:65535", "255.255.255.255", 65535},
        {"[::1]:4001", "[::1]:4001", "::1", 4001},
        {"[::]", "[::]:4000", "::", 4000},
        {"[2001:DB8:0:0::1]:080", "[2001:db8::1]:80", "2001:db8::1", 80},
        {"[::ffff:192.0.2.7]:9", "192.0.2.7:9", "192.0.2.7", 9},
        {"[fe80::1%1]:80", "[fe80::1%1]:80", "fe80::1%1", 80},
        {"[fe80::1%lo]:80", "[fe80::1%1]:80", "fe80::1%1", 80},
    };
    char memory[ADDR_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct addr a;

        if (!addr_parse(&a, str_from(good[i].text), 4000))
            fail_msg("%s is refused", good[i].text);
        assert_string_equal(addr_text(&a.u.any, a.length, memory).p, good[i].again);
        assert_string_equal(addr_host_text(&a.u.any, a.length, memory).p, good[i].host);
        assert_int_equal(addr_port(&a.u.any, a.length), good[i].port);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "localhost",
        "localhost:80",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2",
        "192.0.2.01",
        "1.2.3.4:+1",
        "1.2.3.4: 80",
        "1.2.3.4:80:80",
        "::1",
        "::1:80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[::1]:65536",
        "[1.2.3.4]:80",
        "[]:80",
        "[::1]x",
        "[::1%]:80",
        "1.2.3.4%1",
        "[::g]:80",
        "256.1.1.1",
        "[::1%nosuchif]",
        " 1.2.3.4",
        "1.2.3.4 ",
        "0x7f.0.0.1",
        "1.2.3.4:-1",
        "[[::1]]:80",
        "[::1]]:80",
        "1.2.3.4:99999999999999999999",
    };
    struct addr a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (addr_parse(&a, str_from(bad[i]), 4000))
            fail_msg("\"%s\" is taken", bad[i]);
    assert_false(addr_parse(&a, str_make("1.2.3.4\0", 8), 4000));
    assert_false(addr_parse(&a, STR_NONE, 4000));
}

static void test_unix_paths(void **state)
{
    char path[200], memory[ADDR_TEXT_SIZE];
    struct addr a;

    (void)state;
    memset(path, 'x', sizeof path);
    assert_int_equal(addr_path_max(), 107);
    assert_true(addr_from_path(&a, str_make(path, 107)));
    assert_int_equal(addr_text(&a.u.any, a.length, memory).n, 5 + 107);
    assert_int_equal(strlen(memory), 5 + 107);
    assert_false(addr_from_path(&a, str_make(path, 108)));
    assert_false(addr_from_path(&a, STR("")));
    assert_false(addr_from_path(&a, STR("/run/a\0b")));
    assert_true(addr_from_path(&a, STR("/run/a.sock")));
    assert_string_equal(addr_text(&a.u.any, a.length, memory).p, "unix:/run/a.sock");
    assert_string_equal(addr_host_text(&a.u.any, a.length, memory).p, "");
    assert_int_equal(addr_port(&a.u.any, a.length), 0);
}

/* What the kernel says of real sockets, an unnamed Unix one included. */
static void test_of_descriptors(void **state)
{
    char memory[ADDR_TEXT_SIZE];
    struct addr bound, local, peer;
    int listener, client, server, pair[2];

    (void)state;
    assert_true(addr_parse(&bound, STR("127.0.0.1:0"), 0));
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, &bound.u.any, bound.length), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_true(addr_of_socket(&bound, listener));
    assert_true(addr_port(&bound.u.any, bound.length) > 0);
    assert_false(addr_of_peer(&peer, listener));
    assert_string_equal(addr_host_text(&peer.u.any, peer.length, memory).p, "");
    client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, &bound.u.any, bound.length), 0);
    server = accept(listener, NULL, NULL);
    assert_true(addr_of_socket(&local, client));
    assert_true(addr_of_peer(&peer, server));
    assert_int_equal(addr_port(&local.u.any, local.length), addr_port(&peer.u.any, peer.length));
    assert_string_equal(addr_host_text(&peer.u.any, peer.length, memory).p, "127.0.0.1");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_true(addr_of_peer(&peer, pair[0]));
    assert_string_equal(addr_text(&peer.u.any, peer.length, memory).p, "unix:");
    close(listener);
    close(client);
    close(server);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_text),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_unix_paths),
        cmocka_unit_test(test_of_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
