"""HTTP/1.1 in front of scgate (RFC 9112): connections, heads and bodies, as a client sees them."""
import os
import re
import socket
import time

import pytest

from peer import Client, Incomplete, free_port, have_ipv6, wait_until

TEXT = b"Content-Type: text/plain\r\n\r\n"


def echo(x):
    """Answers with method, target and body."""
    x.read()
    body = f"{x.vars['REQUEST_METHOD']} {x.vars['REQUEST_URI']} ".encode() + x.body
    x.send(b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def never(x):
    raise AssertionError("the backend was asked")


@pytest.fixture
def echoing(gateway, backend):
    """echoing(TEXT) -> a Gateway with an echoing application at /app/."""
    def start(text="", script=echo, **kw):
        app = backend(script)
        gw = gateway(f'ProxyPass "/app/" "{app.url}"\n{text}', **kw)
        gw.app = app
        return gw
    return start


def dead_url():
    return f"scgi://127.0.0.1:{free_port()}/"


# ---- requests and bodies ----

def test_get_without_content(echoing):
    gw = echoing()
    answer = gw.get("/app/x?q=1")
    assert (answer.status, answer.reason, answer.version) == (200, "OK", "1.1")
    assert answer.body == b"GET /app/x?q=1 "
    assert answer["Content-Length"] == "15" and answer["Content-Type"] == "text/plain"
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT", answer["Date"])
    assert "Connection" not in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE", "PATCH", "get", "X-Odd.Method"])
def test_any_method_may_have_content(echoing, method):
    gw = echoing()
    answer = gw.request(method, "/app/", body=b"some\0bytes\xff")
    assert answer.body == f"{method} /app/ ".encode() + b"some\0bytes\xff"
    assert gw.app.vars["CONTENT_LENGTH"] == "11"


@pytest.mark.parametrize("length", ["0", "00", "005"])
def test_length_is_sent_in_its_plain_form(echoing, length):
    gw = echoing()
    answer = gw.post("/app/", b"x" * int(length), [("Content-Length", length)])
    assert answer.body == b"POST /app/ " + b"x" * int(length)
    assert gw.app.vars["CONTENT_LENGTH"] == str(int(length))


def test_content_behind_its_length_is_the_next_request(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send("POST /app/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /app/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response("POST").body == b"POST /app/1 abc"
        assert client.response().body == b"GET /app/2 "


CHUNKED = ("POST /app/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n00A;x=y\r\n0123456789\r\n0\r\nX-Trailer: no\r\n\r\n")


def test_chunked_request(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send(CHUNKED + "GET /app/next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response("POST").body == b"POST /app/ abc0123456789"
        assert client.response().body == b"GET /app/next "
    seen = gw.app.request().vars
    assert seen["CONTENT_LENGTH"] == "13" and "HTTP_TRANSFER_ENCODING" not in seen and "HTTP_X_TRAILER" not in seen


def test_chunked_request_without_buffering(echoing):
    gw = echoing("ProxySCGIRequestBuffering Off")
    with gw.connect() as client:
        client.send(CHUNKED + "GET /app/next HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response("POST").status == 411
        assert client.response().body == b"GET /app/next "  # content is never taken for a request
    gw.wait_log("without Content-Length.*ProxySCGIRequestBuffering")
    assert gw.app.count == 1


def test_head_has_the_fields_of_get(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.request("GET", "/app/x")
        get = client.response()
        client.request("HEAD", "/app/x")  # the method's name is one longer
        head = client.response("HEAD")
        client.request("GET", "/app/x")  # the connection is in step
        assert client.response().body == b"GET /app/x "
    assert head.status == 200 and head.body == b""
    assert int(head["Content-Length"]) == int(get["Content-Length"]) + 1
    assert [n for n, _ in head.fields] == [n for n, _ in get.fields]


@pytest.mark.parametrize("method,target,host,uri,http_host", [
    ("GET", "http://Other.example:8080/app/a?b", "x", "http://Other.example:8080/app/a?b", "Other.example:8080"),
    ("GET", "/app/%41%2e?%zz", "A.b", "/app/%41%2e?%zz", "A.b"),
    ("GET", "//app///a/../b", "x", "//app///a/../b", "x"),
])
def test_forms_of_targets(echoing, method, target, host, uri, http_host):
    gw = echoing()
    assert gw.request(method, target, [("Host", host)]).status == 200
    assert gw.app.vars["REQUEST_URI"] == uri
    assert gw.app.vars["HTTP_HOST"] == http_host


def test_options_asterisk(echoing):
    gw = echoing(script=never)
    assert gw.request("OPTIONS", "*").status == 200
    assert gw.app.count == 0


# ---- what is no request ----

REFUSED = [
    ("no version", 400, "GET /app/\r\nHost: a\r\n\r\n"),
    ("version 0.9", 505, "GET /app/ HTTP/0.9\r\nHost: a\r\n\r\n"),
    ("bare LF", 400, "GET /app/ HTTP/1.1\nHost: a\n\n"),
    ("bare CR", 400, "GET /app/ HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
    ("NUL", 400, "GET /app/ HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
    ("two blanks", 400, "GET  /app/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("tab", 400, "GET\t/app/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("blank before the colon", 400, "GET /app/ HTTP/1.1\r\nHost : a\r\n\r\n"),
    ("no colon", 400, "GET /app/ HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    ("no Host", 400, "GET /app/ HTTP/1.1\r\n\r\n"),
    ("empty Host", 400, "GET /app/ HTTP/1.1\r\nHost:\r\n\r\n"),
    ("two Hosts", 400, "GET /app/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("odd Host", 400, "GET /app/ HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("two lengths", 400, "POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
    ("length +1", 400, "POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx"),
    ("length list", 400, "POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx"),
    ("length 2^64", 400, "POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\nx"),
    ("length and chunked", 400, "POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx"),
    ("coding gzip", 400, "POST /app/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nx"),
    ("coding gzip, chunked", 501, "POST /app/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\nx"),
    ("expectation", 417, "POST /app/ HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx"),
    ("eleven empty lines", 400, "\r\n" * 11 + "GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("dots above the root", 400, "GET /../app/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bad escape", 400, "GET /app/%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("encoded NUL", 404, "GET /app/%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("encoded slash", 404, "GET /app/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no slash in front", 400, "GET app/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CONNECT", 405, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("TRACE", 405, "TRACE /app/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("binary", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x80" * 40 + "\r\n\r\n"),
]


@pytest.mark.parametrize("status,text", [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_is_no_request_is_refused(echoing, status, text):
    gw = echoing(script=never)
    with gw.connect() as client:
        client.send(text)
        answer = client.response()
        assert answer.status == status and answer["Content-Type"].startswith("text/html")
        assert str(status).encode() in answer.body
        if status == 400 and "app/%" not in text and "/../" not in text or status in (417, 501, 505):
            assert answer["Connection"] == "close"
            assert client.wait_end() == "eof"
    assert gw.app.count == 0


def test_ten_empty_lines_are_skipped(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send("\r\n" * 10 + "GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().status == 200


def test_nothing_behind_a_refused_request_is_served(echoing):
    """The refused head's end is uncertain: what follows may be smuggled."""
    gw = echoing(script=never)
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "0\r\n\r\nGET /app/evil HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response("POST").status == 400
        assert client.wait_end() == "eof"
    assert gw.app.count == 0


# ---- connections ----

def test_connection_is_kept(echoing):
    gw = echoing()
    with gw.connect() as client:
        for i in range(20):
            client.request("POST" if i % 2 else "GET", f"/app/{i}", body=b"b" * i if i % 2 else None)
            assert f"/app/{i} ".encode() in client.response().body
        assert client.quiet(0.05)


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "x, close"])
def test_connection_close(echoing, value):
    gw = echoing()
    with gw.connect() as client:
        client.request("GET", "/app/", [("Connection", value)])
        assert client.response()["Connection"] == "close"
        assert client.wait_end() == "eof"


def test_keep_alive_off(echoing):
    gw = echoing("KeepAlive Off")
    with gw.connect() as client:
        client.request("GET", "/app/").request("GET", "/app/2")
        assert client.response()["Connection"] == "close"
        assert client.wait_end() in ("eof", "reset")
    assert gw.app.count == 1


def test_max_keep_alive_requests(echoing):
    gw = echoing("MaxKeepAliveRequests 3")
    with gw.connect() as client:
        for i in range(3):
            client.request("GET", "/app/")
            answer = client.response()
            assert answer.get("Connection") == ("close" if i == 2 else None)
        assert client.wait_end() == "eof"


def test_max_keep_alive_requests_0_is_no_limit(echoing):
    gw = echoing("MaxKeepAliveRequests 0")
    with gw.connect() as client:
        client.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n" * 120)
        for _ in range(120):
            assert client.response().status == 404


def test_keep_alive_timeout(echoing):
    gw = echoing("KeepAliveTimeout 300ms\nTimeout 20")
    with gw.connect() as client:
        client.request("GET", "/app/")
        client.response()
        begin = time.monotonic()
        assert client.wait_end() == "eof"
        assert 0.2 < time.monotonic() - begin < 2


def test_keep_alive_timeout_is_only_for_the_wait_between_requests(echoing):
    def slow(x):
        x.read()
        x.send(0.6, TEXT + b"done")
    gw = echoing("KeepAliveTimeout 200ms", slow)
    with gw.connect() as client:
        client.request("GET", "/app/")
        assert client.response().body == b"done"
        client.send("GET /app/ HT", 0.5, "TP/1.1\r\nHost: a\r\n\r\n")  # a head has Timeout
        assert client.response().body == b"done"


def test_half_closed_client_gets_its_answers(echoing):
    """The end of what a client sends is not the end of what it reads."""
    gw = echoing()
    with gw.connect() as client:
        client.request("GET", "/app/1").request("POST", "/app/2", body=b"b")
        client.shutdown()
        assert client.response().body == b"GET /app/1 "
        assert client.response("POST").body == b"POST /app/2 b"
        assert client.wait_end() == "eof"


def test_http_1_0_closes(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.request("GET", "/app/", version="1.0", host=None)
        answer = client.response()
        assert answer.version == "1.1" and answer.body == b"GET /app/ "
        assert answer["Connection"] == "close"
        assert client.wait_end() == "eof"
    assert gw.app.vars["SERVER_PROTOCOL"] == "HTTP/1.0" and "HTTP_HOST" not in gw.app.vars


def test_http_1_0_keep_alive(echoing):
    gw = echoing()
    with gw.connect() as client:
        for i in range(3):
            client.request("GET", f"/app/{i}", [("Connection", "Keep-Alive")], version="1.0")
            answer = client.response()
            assert answer.body == f"GET /app/{i} ".encode()
            assert answer["Connection"].lower() == "keep-alive"
        client.request("GET", "/app/", version="1.0")
        assert client.response()["Connection"] == "close"
        assert client.wait_end() == "eof"


def test_http_1_0_with_unknown_length_ends_by_closing(echoing):
    gw = echoing(script=TEXT + b"no length")
    with gw.connect() as client:
        client.request("GET", "/app/", [("Connection", "keep-alive")], version="1.0")
        answer = client.response()
        assert (answer.framing, answer.body, answer["Connection"]) == ("close", b"no length", "close")


@pytest.mark.parametrize("version", ["1.2", "2.0", "9.9"])
def test_later_versions_are_taken_as_1_1(echoing, version):
    gw = echoing()
    with gw.connect() as client:
        client.request("GET", "/app/", version=version)
        assert client.response().version == "1.1"
        assert client.quiet(0.05)  # kept
    assert gw.app.vars["SERVER_PROTOCOL"] == f"HTTP/{version}"


# ---- pipelining ----

def test_fifty_pipelined_requests_in_one_write(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send("".join(f"GET /app/{i} HTTP/1.1\r\nHost: a\r\nX-Fill: {'f' * (i * 17)}\r\n\r\n" for i in range(50)))
        for i in range(50):
            assert client.response().body == f"GET /app/{i} ".encode()
        assert client.quiet(0.05)


def test_pipelined_bodies_of_all_sizes(echoing):
    """Bodies that fit beside the head, that fill the buffer, and that are much longer."""
    gw = echoing("MaxKeepAliveRequests 0")
    sizes = [0, 1, 100, 13000, 14200, 14336, 14400, 20000, 131072, 131073, 200000, 5, 0, 300000, 1]
    with gw.connect() as client:
        text = b""
        for i, n in enumerate(sizes):
            text += f"POST /app/{i} HTTP/1.1\r\nHost: a\r\nContent-Length: {n}\r\n\r\n".encode() + bytes([65 + i]) * n
            text += f"GET /app/g{i} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        import threading
        sender = threading.Thread(target=client.sock.sendall, args=(text,), daemon=True)
        sender.start()
        for i, n in enumerate(sizes):
            assert client.response("POST").body == f"POST /app/{i} ".encode() + bytes([65 + i]) * n
            assert client.response().body == f"GET /app/g{i} ".encode()
        sender.join(5)


def test_pipelined_mixture_of_answers(echoing):
    """Files, errors, redirects and applications, one after the other."""
    gw = echoing()
    (gw.root / "htdocs/f.txt").write_text("file")
    (gw.root / "htdocs/dir").mkdir()
    want = [("GET", "/f.txt", 200), ("HEAD", "/f.txt", 200), ("GET", "/none", 404), ("GET", "/app/", 200),
            ("GET", "/dir", 301), ("HEAD", "/app/", 200), ("OPTIONS", "/f.txt", 200), ("GET", "/f.txt", 200)]
    with gw.connect() as client:
        client.send("".join(f"{m} {t} HTTP/1.1\r\nHost: a\r\n\r\n" for m, t, _ in want) * 3)
        for method, target, status in want * 3:
            assert client.response(method).status == status, target


def test_unread_body_is_dropped_and_the_connection_goes_on(echoing):
    gw = echoing()
    with gw.connect() as client:
        for size in (1, 5000, 20000, 200000):
            client.request("POST", "/none", body=b"x" * size)
            client.request("GET", "/app/next")
            assert client.response("POST").status == 405
            assert client.response().body == b"GET /app/next "


# ---- every cut ----

CUT_GET = b"GET /app/a%20b?c=d HTTP/1.1\r\nHost: a.example:80\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"
CUT_POST = b"POST /app/p HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello, world"


@pytest.mark.parametrize("request_text,answer", [(CUT_GET, b"GET /app/a%20b?c=d "), (CUT_POST, b"POST /app/p hello, world")],
                         ids=["get", "post"])
def test_every_cut(echoing, request_text, answer):
    gw = echoing("MaxKeepAliveRequests 0")
    with gw.connect() as client:
        for i in range(1, len(request_text)):
            client.send(request_text[:i], 0.002, request_text[i:])
            assert client.response().body == answer, i


@pytest.mark.parametrize("request_text,answer", [(CUT_GET, b"GET /app/a%20b?c=d "), (CUT_POST, b"POST /app/p hello, world")],
                         ids=["get", "post"])
def test_byte_by_byte(echoing, request_text, answer):
    gw = echoing()
    with gw.connect() as client:
        for i in range(len(request_text)):
            client.send(request_text[i:i + 1], 0.001)
        assert client.response().body == answer


def test_broken_off_requests_leave_nothing(echoing):
    """A client that leaves in the middle of its head, at each byte: no answer, no complaint, no descriptor kept."""
    gw = echoing()
    count = lambda: len(os.listdir(f"/proc/{gw.pid}/fd"))
    gw.get("/none")
    before = wait_until(count)
    for i in range(0, len(CUT_GET), 3):
        with gw.connect() as client:
            client.send(CUT_GET[:i])
            if i % 2:
                client.reset()
    wait_until(lambda: count() <= before, what="the end of the connections")
    assert gw.get("/app/").status == 200


# ---- Expect: 100-continue ----

def test_continue_comes_when_the_backend_accepted(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        interim = client.head()
        assert (interim.status, interim.fields) == (100, [])
        client.send("body")
        answer = client.response("POST")
        assert answer.body == b"POST /app/ body"
        client.request("GET", "/app/2")
        assert client.response().body == b"GET /app/2 "


def test_no_continue_when_the_backend_is_dead(gateway):
    gw = gateway(f'ProxyPass "/app/" "{dead_url()}"')
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        answer = client.response("POST")
        assert answer.status == 503 and answer.interim == []
        assert answer["Connection"] == "close"  # whether the body will come is unknown
        assert client.wait_end() == "eof"


@pytest.mark.parametrize("target,status", [("/none", 404), ("/denied/", 403), ("/big/", 413)])
def test_no_continue_when_the_answer_is_decided(echoing, target, status):
    gw = echoing("<Location /denied/>\nRequire all denied\n</Location>\n<Location /big/>\nLimitRequestBody 3\n</Location>\n"
                 'ProxyPass /big/ scgi://127.0.0.1:1/', script=never)
    with gw.connect() as client:
        client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        answer = client.response("POST")
        assert answer.status == (405 if status == 404 else status) and answer.interim == []
        assert client.wait_end() == "eof"


def test_no_continue_when_nothing_is_waited_for(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send("POST /app/1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
        assert client.response("POST").interim == []
        client.send("POST /app/2 HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", 0.2, "ab")
        answer = client.response("POST")
        assert answer.interim == [] and answer.body == b"POST /app/2 ab"


def test_body_that_does_not_wait_for_continue(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.request("POST", "/app/", [("Expect", "100-Continue")], b"at once")
        answer = client.response("POST")
        assert answer.body == b"POST /app/ at once" and len(answer.interim) <= 1
        client.request("GET", "/app/2")
        assert client.response().body == b"GET /app/2 "


def test_final_answer_instead_of_continue(echoing):
    """The application decides by the head alone; the client then sends no body, or does: either way in step."""
    def early(x):
        x.read_block()
        x.send(b"Status: 403 No\r\nContent-Length: 0\r\n\r\n")
    gw = echoing(script=early)
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        answer = client.response("POST")
        assert answer.status == 403
        if answer.interim and "Connection" not in answer:  # it was told to go on
            client.send("bodyGET /none HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.response().status == 404


def test_continue_for_a_chunked_body(echoing):
    """Its length must be known before the backend is asked."""
    gw = echoing()
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.head().status == 100
        client.send("4\r\nbody\r\n0\r\n\r\n")
        assert client.response("POST").body == b"POST /app/ body"


# ---- Listen ----

def test_several_listen(gateway, backend):
    app = backend(echo)
    other = free_port("tcp6" if have_ipv6() else "tcp4")
    six = f"Listen [::1]:{other}\n" if have_ipv6() else ""
    gw = gateway(f'Listen 127.0.0.1:@PORT@\n{six}Listen "unix:@ROOT@/x.sock"\nProxyPass "/app/" "{app.url}"', listen=None)
    places = [(("127.0.0.1", gw.port), "127.0.0.1"), (str(gw.root / "x.sock"), None)]
    if six:
        places.append((("::1", other), "::1"))
    for address, remote in places:
        with Client(address) as client:
            client.request("GET", "/app/")
            assert client.response().body == b"GET /app/ "
        seen = app.vars
        if remote:
            assert seen["REMOTE_ADDR"] == seen["SERVER_ADDR"] == remote
            assert 0 < int(seen["REMOTE_PORT"]) < 65536
    gw.stop()
    assert not (gw.root / "x.sock").exists()


def test_listen_port_alone_takes_both_families(gateway, backend):
    app = backend(echo)
    gw = gateway(f'Listen @PORT@\nProxyPass "/app/" "{app.url}"', listen=None)
    assert gw.get("/app/").status == 200
    assert app.vars["REMOTE_ADDR"] == "127.0.0.1"  # not ::ffff:127.0.0.1
    assert app.vars["SERVER_ADDR"] == "127.0.0.1"
    if have_ipv6():
        with Client(("::1", gw.port)) as client:
            client.request("GET", "/app/", host=f"[::1]:{gw.port}")
            assert client.response().status == 200
        assert app.vars["REMOTE_ADDR"] == "::1"
        assert (app.vars["SERVER_NAME"], app.vars["SERVER_PORT"]) == ("[::1]", str(gw.port))


@pytest.mark.skipif(not have_ipv6(), reason="no ::1 on this machine")
def test_listen_any_ipv6(gateway, backend):
    app = backend(echo)
    gw = gateway(f'Listen 127.0.0.1:@PORT@\nListen [::]:@PORT@\nProxyPass "/app/" "{app.url}"', listen=None)
    for host in ("127.0.0.1", "::1"):
        with Client((host, gw.port)) as client:
            client.request("GET", "/app/")
            assert client.response().status == 200
        assert app.vars["REMOTE_ADDR"] == host


def test_unix_listener_replaces_a_dead_socket(gateway, backend, tmp_path):
    path = tmp_path / "old.sock"
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(path))
    old.close()  # the file stays
    gateway(f'Listen 127.0.0.1:@PORT@\nListen "unix:{path}"', listen=None)
    with Client(str(path)) as client:
        client.request("GET", "/none")
        assert client.response().status == 404


def test_unix_listener_does_not_take_a_living_socket(run, tmp_path):
    path = tmp_path / "living.sock"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        conf = tmp_path / "x.conf"
        conf.write_text(f'ServerRoot "{tmp_path}"\nListen "unix:{path}"\n')
        result = run("-f", conf)
        assert result.returncode == 1 and "in use" in result.stderr.lower()
        assert path.exists()


# ---- limits ----

def test_limit_request_line(echoing):
    gw = echoing("LimitRequestLine 100")
    fits = "/app/" + "x" * (100 - len("GET /app/ HTTP/1.1"))
    assert gw.get(fits).status == 200
    with gw.connect() as client:
        client.request("GET", fits + "x")
        assert client.response().status == 414
        assert client.wait_end() == "eof"
    gw.wait_log("request line too long.*LimitRequestLine")


def test_limit_request_line_holds_before_the_line_ends(echoing):
    gw = echoing(script=never)
    with gw.connect() as client:
        client.send("GET /" + "x" * 8300)
        assert client.response().status == 414


def test_limit_request_field_size(echoing):
    gw = echoing("LimitRequestFieldSize 100")
    assert gw.get("/app/", [("X-A", "v" * 95)]).status == 200
    assert gw.get("/app/", [("X-A", "v" * 96)]).status == 400
    gw.wait_log("field too long.*LimitRequestFieldSize")
    with gw.connect() as client:
        client.send("GET /app/ HTTP/1.1\r\nHost: a\r\nX: " + "x" * 200)  # not ended
        assert client.response().status == 400
        assert client.wait_end() == "eof"


def test_limit_request_fields(echoing):
    gw = echoing("LimitRequestFields 5")
    assert gw.get("/app/", [(f"X-{i}", "v") for i in range(4)]).status == 200  # and Host
    assert gw.get("/app/", [(f"X-{i}", "v") for i in range(5)]).status == 400
    gw.wait_log("too many header fields.*LimitRequestFields")


def test_limit_request_body(echoing):
    gw = echoing("LimitRequestBody 10")
    assert gw.post("/app/", b"x" * 10).status == 200
    answer = gw.post("/app/", b"x" * 11)
    assert answer.status == 413
    gw.wait_log("11 bytes.*LimitRequestBody 10")
    assert gw.app.count == 1
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nabc")
        assert client.response("POST").status == 413
        assert client.wait_end() == "eof"
        assert gw.app.count == 1


def test_huge_head(echoing):
    gw = echoing("LimitRequestFields 0\nLimitRequestFieldSize 70000\nLimitRequestLine 300000")
    fields = [(f"X-{i}", "v" * 7000) for i in range(250)]
    with gw.connect() as client:
        for _ in range(2):
            client.request("GET", "/app/" + "u" * 250000, fields, b"and a body")
            assert client.response().body.endswith(b"uu and a body")
        client.request("GET", "/app/small")
        assert client.response().body == b"GET /app/small "
    assert gw.app.request(1).vars["HTTP_X_249"] == "v" * 7000
    assert len(gw.app.request(1).block) > 2_000_000


def test_default_limits_admit_a_head_of_100_long_fields(echoing):
    gw = echoing()
    fields = [(f"X-{i:02}", "v" * 8100) for i in range(99)]
    assert gw.get("/app/" + "u" * 8000, fields).status == 200
    assert gw.get("/app/", fields + [("X-99", "")]).status == 400
    assert gw.get("/app/" + "u" * 8190).status == 414


def test_one_field_of_each_length_around_the_buffers(echoing):
    gw = echoing("LimitRequestFieldSize 40000\nMaxKeepAliveRequests 0")
    with gw.connect() as client:
        for n in (*range(14200, 14340, 7), 28600, 28672, 28700):
            client.request("POST", "/app/", [("X-F", "f" * n)], b"body")
            assert client.response("POST").body == b"POST /app/ body"
            assert gw.app.vars["HTTP_X_F"] == "f" * n


# ---- time ----

def test_silent_client_is_left(echoing):
    gw = echoing("Timeout 1")
    with gw.connect() as client:
        begin = time.monotonic()
        assert client.wait_end() == "eof"
        assert 0.8 < time.monotonic() - begin < 3


@pytest.mark.parametrize("pieces", [["GET /app/ HTTP/1.1\r\nHo"], ["G", *([0.2, "E"] * 4)], ["\r\n"]],
                         ids=["stops", "drips", "empty line"])
def test_slow_head(echoing, pieces):
    """The time is for the whole head: a byte now and then does not prolong it."""
    gw = echoing("Timeout 1", script=never)
    with gw.connect() as client:
        begin = time.monotonic()
        client.send(*pieces)
        answer = client.response()
        assert answer.status == 408 and answer["Connection"] == "close"
        assert 0.8 < time.monotonic() - begin < 2.5
        assert client.wait_end() == "eof"
    gw.wait_log("did not arrive in time")


def test_slow_second_head(echoing):
    gw = echoing("Timeout 1")
    with gw.connect() as client:
        client.request("GET", "/app/").send("GET /ap")
        assert client.response().status == 200
        assert client.response().status == 408


@pytest.mark.parametrize("mode", ["Auto", "Off"])
def test_slow_body(echoing, mode):
    def app(x):
        x.may_fail = True
        x.read()
    gw = echoing(f"Timeout 1\nProxySCGIRequestBuffering {mode}", app)
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        begin = time.monotonic()
        answer = client.response("POST")
        assert answer.status == 408 and answer["Connection"] == "close"
        assert 0.8 < time.monotonic() - begin < 2.5
        assert client.wait_end() == "eof"
    gw.wait_log(r"\[info\].*request-body: .*at fault: client.*answered 408")
    assert gw.app.count == (mode == "Off")
    assert mode == "Auto" or gw.app.exchanges[0].done.wait(5)


@pytest.mark.parametrize("mode", ["Auto", "Off"])
def test_body_that_goes_on_is_waited_for(echoing, mode):
    gw = echoing(f"Timeout 1\nProxySCGIRequestBuffering {mode}")
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", *([0.4, "x"] * 5))
        assert client.response("POST").body == b"POST /app/ xxxxx"


@pytest.mark.parametrize("mode", ["Auto", "Off"])
def test_body_that_is_broken_off(echoing, mode):
    def app(x):
        x.may_fail = True
        x.read()
    gw = echoing(f"ProxySCGIRequestBuffering {mode}", app)
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        if mode == "Off":
            gw.app.request()
        client.shutdown()
        assert client.response("POST").status == 400
        assert client.wait_end() == "eof"
    gw.wait_log(r"\[info\].*request-body: .*closed after 3 of 10 bytes.*at fault: client")
    assert gw.app.count == (mode == "Off")
    assert mode == "Auto" or gw.app.exchanges[0].done.wait(5)


def test_client_that_does_not_read(echoing):
    """The connection ends after Timeout without progress, and the log says why."""
    def big(x):
        x.may_fail = True
        x.read()
        x.send(TEXT + b"x" * 30_000_000)
    gw = echoing("Timeout 1", big)
    with gw.connect() as client:
        client.request("GET", "/app/")
        gw.wait_log(r"\[info\].*send-response: .*did not read.*at fault: client")
        with pytest.raises(Incomplete):
            client.response()
    assert gw.app.exchanges[0].done.wait(5)


def test_client_that_reads_slowly_is_served(echoing):
    """It takes longer than Timeout, but never stops for so long."""
    gw = echoing("Timeout 1", TEXT + b"x" * 30_000_000)
    with gw.connect() as client:
        client.request("GET", "/app/")
        for _ in range(8):
            time.sleep(0.3)
            client.buffer += client.sock.recv(1_000_000, socket.MSG_WAITALL)
        assert len(client.response().body) == 30_000_000


# ---- closing ----

@pytest.mark.parametrize("pause", [0, 0.15], ids=["fast", "slow"])
@pytest.mark.parametrize("target", ["/limited/", "/early/"])
def test_answer_is_not_eaten_while_the_client_still_sends(gateway, backend, target, pause):
    """The client reads only when it has sent all: no reset may take the answer from it (RFC 9112 section 9.6)."""
    def early(x):
        x.read_block()
        x.send(b"Status: 403 No\r\nContent-Length: 2\r\n\r\nno")
    gw = gateway(f'ProxyPass /early/ {backend(early).url}\n<Location /limited/>\nLimitRequestBody 5\n</Location>\n'
                 f'ProxyPass /limited/ {dead_url()}')
    with gw.connect() as client:
        client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(20):
            client.send(b"x" * 1_000_000, pause)
        answer = client.response("POST")
        assert answer.status == (403 if target == "/early/" else 413)
        assert answer["Connection"] == "close"


def test_answer_is_not_eaten_by_pipelined_requests(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.send("GET /app/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + "GET /app/2 HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
        assert client.response().body == b"GET /app/1 "
        time.sleep(0.1)
        assert client.wait_end() == "eof"
    assert gw.app.count == 1


def test_client_that_never_closes_is_left(echoing):
    gw = echoing()
    with gw.connect() as client:
        client.request("GET", "/app/", [("Connection", "close")])
        assert client.response().status == 200
        assert client.wait_end() == "eof"
        time.sleep(0.1)
        fds = len(os.listdir(f"/proc/{gw.pid}/fd"))
        wait_until(lambda: len(os.listdir(f"/proc/{gw.pid}/fd")) < fds, 10, "the end of the connection")


def test_many_connections_at_once(echoing):
    gw = echoing()
    clients = [gw.connect() for _ in range(200)]
    for i, client in enumerate(clients):
        client.request("GET", f"/app/{i}")
    for i, client in enumerate(clients):
        assert client.response().body == f"GET /app/{i} ".encode()
        client.close()


def test_waiting_costs_nothing(gateway, backend):
    """Every kind of wait at once: the processor must rest."""
    def slow(x):
        x.may_fail = True
        x.read()
        x.send(TEXT + b"begin")
        x.wait_end()

    def silent(x):
        x.may_fail = True
        x.read_block()
        x.wait_end()

    def big(x):
        x.may_fail = True
        x.read()
        x.send(TEXT + b"x" * 30_000_000)
    apps = [backend(script) for script in (slow, silent, big)]
    gw = gateway("\n".join(f'ProxyPass "/{name}/" "{app.url}"' for name, app in zip(("slow", "silent", "big"), apps)) +
                 "\nProxySCGIRequestBuffering Off\nKeepAliveTimeout 60")
    head = " HTTP/1.1\r\nHost: a\r\n"
    clients = [gw.connect() for _ in range(10)]
    idle, part, slow1, slow2, silent1, silent2, upload, reader, linger, lost = clients
    idle.send(f"GET /none{head}\r\n")
    part.send("GET /no")
    slow1.send(f"GET /slow/{head}\r\nGET /none{head}\r\n")  # the next request waits
    slow2.send(f"GET /slow/{head}\r\n").shutdown()
    silent1.send(f"GET /silent/{head}\r\nGET /none{head}\r\n")
    silent2.send(f"GET /silent/{head}\r\n").shutdown()
    upload.send(f"POST /silent/{head}Content-Length: 1000\r\n\r\nabc")
    reader.send(f"GET /big/{head}\r\n")
    linger.send(f"GET /none{head}Connection: close\r\n\r\n")
    lost.send(f"POST /silent/{head}Content-Length: 10000000\r\n\r\n" + "x" * 200000)
    time.sleep(0.5)

    def cpu_s():
        fields = open(f"/proc/{gw.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before = cpu_s()
    time.sleep(1)
    assert cpu_s() - before < 0.15
    for client in clients:
        client.close()


def test_unix_client(echoing):
    """It has no address and no port to tell; the variables are there all the same."""
    gw = echoing(text='CustomLog "@ROOT@/access.log" "%h %r"', listen="unix")
    assert gw.post("/app/", b"body").body == b"POST /app/ body"
    seen = gw.app.vars
    assert "REMOTE_ADDR" in seen and "REMOTE_PORT" not in seen
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("localhost", "80")
    assert "127.0.0.1" not in (seen["REMOTE_ADDR"], seen["SERVER_ADDR"])
    gw.wait_log("^- POST /app/ HTTP/1.1$", "access.log")
