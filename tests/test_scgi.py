"""SCGI behind scgate: the request block, bodies both ways, and everything that can go wrong with a backend."""
import hashlib
import os
import re
import select
import socket
import threading
import time

import pytest

from namespaces import in_namespaces
from peer import TIMEOUT, Exchange, Incomplete, free_port, have_ipv6, wait_until

TEXT = b"Content-Type: text/plain\r\n\r\n"
OK = TEXT + b"ok"
MIB = 1 << 20


@pytest.fixture
def served(gateway, backend):
    """served(SCRIPT..., text="", params="", family=) -> a Gateway; .app is the application, at /app/."""
    def start(*scripts, text="", params="", family="tcp4", **kw):
        app = backend(*scripts, family=family)
        gw = gateway(f'ProxyPass "/app/" "{app.url}" {params}\n{text}', **kw)
        gw.app = app
        return gw
    return start


def error_lines(gw):
    return [line for line in gw.log().splitlines() if "[error]" in line]


def only_error(gw, stage, url, rest=""):
    """The one line of the log that tells of the fault: it names the stage and the backend."""
    gw.wait_log(r"\[error\]")
    lines = error_lines(gw)
    assert len(lines) == 1, lines
    assert re.search(rf"\] (?:{stage}): backend \"{re.escape(url)}\": .*at fault: backend", lines[0]), lines[0]
    assert re.search(rest, lines[0]), lines[0]
    return lines[0]


def shown(app):
    """A backend's name as the log shows it."""
    return app.url.rstrip("/")


# ---- the request block ----

RFC_3875 = {"CONTENT_LENGTH", "SCGI", "SERVER_SOFTWARE", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR",
            "REQUEST_METHOD", "QUERY_STRING", "SCRIPT_NAME", "REQUEST_URI", "DOCUMENT_ROOT", "SERVER_ADDR", "REMOTE_PORT"}


@pytest.mark.parametrize("family", ["tcp4", "tcp6", "unix"])
def test_request_block(served, family):
    gw = served(OK, family=family)
    assert gw.post("/app/a%20b?c=%20d", b"12345", [("Host", "Gw.example:81"), ("Content-Type", "x/y; z"), ("X-One", "1")]).body == b"ok"
    x = gw.app.finished()
    assert x.pairs[0] == ("CONTENT_LENGTH", "5")
    assert x.pairs[1] == ("SCGI", "1")
    assert x.body == b"12345"
    assert not RFC_3875 - set(x.vars)
    want = {"REQUEST_METHOD": "POST", "QUERY_STRING": "c=%20d", "SCRIPT_NAME": "/app/a b", "REQUEST_URI": "/app/a%20b?c=%20d",
            "CONTENT_TYPE": "x/y; z", "HTTP_X_ONE": "1", "HTTP_HOST": "Gw.example:81", "SERVER_NAME": "gw.example",
            "SERVER_PORT": "81", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "SERVER_ADDR": "127.0.0.1",
            "REQUEST_SCHEME": "http", "DOCUMENT_ROOT": str(gw.root / "htdocs")}
    assert {k: x.vars.get(k) for k in want} == want
    for name in ("GATEWAY_INTERFACE", "PATH_INFO", "PATH_TRANSLATED", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "REMOTE_USER"):
        assert name not in x.vars


def test_gateway_interface_on_request(served):
    gw = served(OK, text="ProxySCGIGatewayInterface On")
    gw.get("/app/")
    assert gw.app.vars["GATEWAY_INTERFACE"] == "CGI/1.1"


def test_fields_that_must_not_become_variables(served):
    """httpoxy, credentials, and names that would meet others once '-' is '_'."""
    gw = served(OK)
    gw.get("/app/", [("Proxy", "http://evil/"), ("pROXY", "2"), ("Authorization", "Basic eDp5"), ("Proxy-Authorization", "x"),
                     ("X_Under", "1"), ("X.Dot", "1"), ("Content_Length", "7"), ("Remote-User", "me"), ("Scgi", "2"),
                     ("Proxy-Connection", "ok")])
    seen = gw.app.vars
    names = set(seen)
    assert not names & {"HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_X_UNDER", "HTTP_X.DOT",
                        "HTTP_CONTENT_LENGTH", "REMOTE_USER"}
    assert seen["HTTP_REMOTE_USER"] == "me" and seen["HTTP_SCGI"] == "2" and seen["SCGI"] == "1"
    assert seen["HTTP_PROXY_CONNECTION"] == "ok"


def test_equal_fields_become_one_variable(served):
    gw = served(OK)
    gw.get("/app/", [("X-A", "1"), ("x-a", "2"), ("X-A", ""), ("Cookie", "a=1"), ("Cookie", "b=2")])
    assert gw.app.vars["HTTP_X_A"] == "1, 2, "
    assert gw.app.vars["HTTP_COOKIE"] == "a=1; b=2"


def test_nothing_of_the_own_environment(served):
    poison = {name: "poison" for name in (
        "HTTP_PROXY", "http_proxy", "REMOTE_USER", "AUTH_TYPE", "HTTPS", "PATH_INFO", "SCRIPT_NAME", "GATEWAY_INTERFACE",
        "CONTENT_LENGTH", "CONTENT_TYPE", "SCGI", "SECRET", "LD_LIBRARY_PATH", "HTTP_X_FORWARDED_FOR", "DOCUMENT_ROOT",
        "SERVER_ADMIN", "REDIRECT_STATUS", "HOME", "proxy-scgi-pathinfo")}
    gw = served(OK, env=poison, text="PassEnv PASSED")
    gw.get("/app/")
    assert "poison" not in repr(gw.app.request().pairs)
    assert not set(gw.app.vars) & {"PATH", "HOME", "LD_LIBRARY_PATH", "LANG", "SECRET"}


def test_pass_env_hands_over_what_it_names(served):
    gw = served(OK, env={"ONE": "1", "TWO": "2"}, text="PassEnv ONE")
    gw.get("/app/")
    assert gw.app.vars["ONE"] == "1" and "TWO" not in gw.app.vars


def test_computed_variables_win(served):
    gw = served(OK, text="SetEnv REMOTE_ADDR 6.6.6.6\nSetEnv CONTENT_LENGTH 9\nSetEnv SCGI 7\nSetEnv REQUEST_METHOD X\n"
                         "SetEnv HTTP_HOST evil\nSetEnv FREE value\nSetEnv REMOTE.ADDR 6.6.6.6")
    gw.get("/app/")
    seen = gw.app.vars
    assert (seen["REMOTE_ADDR"], seen["CONTENT_LENGTH"], seen["SCGI"]) == ("127.0.0.1", "0", "1")
    assert (seen["REQUEST_METHOD"], seen["HTTP_HOST"], seen["FREE"]) == ("GET", "localhost", "value")
    assert "REMOTE.ADDR" not in seen


def test_long_block(served):
    gw = served(OK, text="LimitRequestFieldSize 100000")
    fields = [(f"X-{i}", chr(65 + i % 26) * 60000) for i in range(20)]
    gw.get("/app/?" + "q" * 8000, fields)
    for i in range(20):
        assert gw.app.vars[f"HTTP_X_{i}"] == fields[i][1]
    assert gw.app.vars["QUERY_STRING"] == "q" * 8000


# ---- finding the backend ----

def test_name_with_one_address(gateway, backend):
    app = backend(OK)
    gw = gateway(f'ProxyPass "/app/" "scgi://localhost:{app.port}/"')
    assert gw.get("/app/").status == 200
    assert app.vars["SCRIPT_FILENAME"] == f"proxy:scgi://localhost:{app.port}/"


HOSTS = "::1 localhost\n127.0.0.1 localhost\n::1 two.example\n127.0.0.2 two.example\n127.0.0.1 two.example\n"


@pytest.mark.skipif(not have_ipv6(), reason="no ::1 on this machine")
def test_name_with_several_addresses(gateway, backend):
    """Those that refuse are passed over, without a word in the log."""
    app = backend(OK)
    gw = in_namespaces(lambda: gateway(f'ProxyPass "/app/" "scgi://localhost:{app.port}/"\n'
                                       f'ProxyPass "/two/" "scgi://two.example:{app.port}/"'), hosts=HOSTS)
    for _ in range(3):
        assert gw.get("/app/").status == 200
        assert gw.post("/two/", b"body").status == 200
    assert app.finished(2).body == b"body"
    assert not error_lines(gw)


@pytest.mark.skipif(not have_ipv6(), reason="no ::1 on this machine")
def test_name_with_several_addresses_of_which_none_answers(gateway):
    port = free_port()
    gw = in_namespaces(lambda: gateway(f'ProxyPass "/two/" "scgi://two.example:{port}/"'), hosts=HOSTS)
    answer = gw.get("/two/")
    assert answer.status == 503
    only_error(gw, "connect", f"scgi://two.example:{port}", "refused")


@pytest.mark.skipif(not have_ipv6(), reason="no ::1 on this machine")
def test_address_that_does_not_answer_leaves_time_for_the_next(gateway, backend):
    with socket.socket(socket.AF_INET6) as deaf:
        deaf.bind(("::1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = fill_backlog(("::1", port), socket.AF_INET6)
        try:
            app = backend(OK, port=port)
        except OSError:
            pytest.skip("the port is taken on 127.0.0.1")
        gw = in_namespaces(lambda: gateway(f'ProxyPass "/app/" "scgi://localhost:{port}/" connectiontimeout=1'), hosts=HOSTS)
        begin = time.monotonic()
        assert gw.get("/app/").status == 200
        assert 0.2 < time.monotonic() - begin < 1
        assert app.count == 1
        for s in fillers:
            s.close()


def test_name_that_does_not_exist(gateway):
    gw = gateway('ProxyPass "/app/" "scgi://no-such-host.invalid:4000/"')
    assert gw.get("/app/").status == 502
    only_error(gw, "resolve", "scgi://no-such-host.invalid:4000", "no-such-host.invalid")


# ---- a backend that cannot be reached ----

def test_unix_socket_missing(gateway, tmp_path):
    gw = gateway(f'ProxyPass "/app/" "unix:{tmp_path}/none.sock|scgi://localhost/"')
    for method, body in (("GET", None), ("POST", b"x" * 100000)):
        answer = gw.request(method, "/app/", body=body)
        assert answer.status == 503 and answer["Content-Type"].startswith("text/html")
    wait_until(lambda: len(error_lines(gw)) == 2)
    for line in error_lines(gw):
        assert "] connect: backend" in line and f"{tmp_path}/none.sock" in line and "no such file" in line


def test_unix_socket_refuses(gateway, tmp_path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "dead.sock"))
    gw = gateway(f'ProxyPass "/app/" "unix:{tmp_path}/dead.sock|scgi://localhost/"')
    assert gw.get("/app/").status == 503
    only_error(gw, "connect", f"unix:{tmp_path}/dead.sock|scgi://localhost", "refused")


def test_tcp_refuses(gateway):
    port = free_port()
    gw = gateway(f'ProxyPass "/app/" "scgi://127.0.0.1:{port}/"')
    with gw.connect() as client:
        for method in ("GET", "POST", "HEAD"):
            client.request(method, "/app/", body=b"body" if method == "POST" else None)
            assert client.response(method).status == 503
    wait_until(lambda: len(error_lines(gw)) == 3)
    for line in error_lines(gw):
        assert re.search(rf'\] connect: backend "scgi://127.0.0.1:{port}": .*refused .*at fault: backend.*answered 503', line), line


def test_backend_that_comes_later(gateway, backend, tmp_path):
    """No state is kept of a failure: the next request tries again."""
    path = str(tmp_path / "late.sock")
    gw = gateway(f'ProxyPass "/app/" "unix:{path}|scgi://localhost/"')
    assert gw.get("/app/").status == 503
    app = backend(OK, family="unix", path=path)
    assert gw.get("/app/").status == 200
    app.stop()
    os.unlink(path)
    assert gw.get("/app/").status == 503


def fill_backlog(address, family):
    """Connects until the listener's queue takes no more; the sockets must be kept."""
    fillers = []
    for _ in range(6):
        s = socket.socket(family)
        s.setblocking(False)
        fillers.append(s)
        try:
            s.connect(address)
        except BlockingIOError:
            time.sleep(0.02)
            if family == socket.AF_UNIX:
                return fillers
    return fillers


def test_connect_time(gateway):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = fill_backlog(("127.0.0.1", port), socket.AF_INET)
        gw = gateway(f'ProxyPass "/app/" "scgi://127.0.0.1:{port}/" connectiontimeout=400ms timeout=30')
        begin = time.monotonic()
        assert gw.get("/app/").status == 503
        assert 0.3 < time.monotonic() - begin < 3
        only_error(gw, "connect", f"scgi://127.0.0.1:{port}", "no (connection|answer)")
        for s in fillers:
            s.close()


def test_full_unix_backlog_is_waited_for(gateway, tmp_path):
    path = str(tmp_path / "busy.sock")
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(path)
        busy.listen(0)
        fillers = fill_backlog(path, socket.AF_UNIX)
        gw = gateway(f'ProxyPass "/app/" "unix:{path}|scgi://localhost/"')
        with gw.connect() as client:
            client.request("POST", "/app/", body=b"body")
            assert client.quiet(0.4)
            for s in fillers:
                s.close()
            busy.settimeout(TIMEOUT)
            while True:  # what the fillers left, then scgate
                x = Exchange(busy.accept()[0])
                x.sock.settimeout(TIMEOUT)
                if x.sock.recv(1, socket.MSG_PEEK):
                    break
                x.sock.close()
            x.read()
            x.send(OK)
            x.sock.close()
            assert x.body == b"body"
            assert client.response("POST").status == 200
        assert not error_lines(gw)


def test_full_unix_backlog_and_no_time(gateway, tmp_path):
    path = str(tmp_path / "busy.sock")
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(path)
        busy.listen(0)
        fillers = fill_backlog(path, socket.AF_UNIX)
        gw = gateway(f'ProxyPass "/app/" "unix:{path}|scgi://localhost/" connectiontimeout=300ms')
        begin = time.monotonic()
        assert gw.get("/app/").status == 503
        assert 0.2 < time.monotonic() - begin < 3
        only_error(gw, "connect", f"unix:{path}|scgi://localhost")
        for s in fillers:
            s.close()


# ---- a backend that fails ----

def close_at_once(x):
    x.read_block()


def long_line(x):
    x.may_fail = True  # it is left before the end
    x.read()
    x.send(b"X: " + b"y" * 300000 + b"\r\n\r\n")


def reset_at_once(x):
    x.read()
    x.reset()


def silent(x):
    x.may_fail = True
    x.read()
    x.wait_end()


@pytest.mark.parametrize("family", ["tcp4", "unix"])
@pytest.mark.parametrize("script,stage,what", [
    (b"", "response-head", "closed before any answer"),
    (b"Status: 200", "response-head", "closed within the response head, after 11 bytes"),
    (b"Status: 200\r\n", "response-head", "closed within the response head, after 13 bytes"),
    (b"no colon\r\n\r\n", "response-head", "bad response head"),
    (b"X: a\0b\r\n\r\n", "response-head", "bad response head"),
    (b"X: a\rb\r\n\r\n", "response-head", "bad response head"),
    (b"Na me: x\r\n\r\n", "response-head", "bad response head"),
    (b": x\r\n\r\n", "response-head", "bad response head"),
    (b"A: b\r\n folded\r\n\r\n", "response-head", "bad response head"),
    (b"Status: abc\r\n\r\nx", "response-head", "bad response head"),
    (b"Status: 99\r\n\r\nx", "response-head", "bad response head"),
    (b"Status: 600\r\n\r\nx", "response-head", "bad response head"),
    (b"Status: 101\r\n\r\nx", "response-head", "bad response head"),
    (b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "response-head", "bad response head"),
    (b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "response-head", "bad response head"),
    (long_line, "response-head", "bad response head: line too long"),
    (b"X: y\r\n" * 2000 + b"\r\n", "response-head", "bad response head"),
    (close_at_once, "send-request|response-head", "closed|reset"),
    (reset_at_once, "response-head", "reset|closed"),
], ids=lambda v: v[:12].decode("latin-1").strip() or "empty" if isinstance(v, bytes) else getattr(v, "__name__", None))
def test_faulty_answer(served, family, script, stage, what):
    """502, one line, and the connection of the client goes on."""
    gw = served(script, family=family)
    with gw.connect() as client:
        client.request("GET", "/app/x")
        answer = client.response()
        assert answer.status == 502 and answer["Content-Type"].startswith("text/html")
        client.request("GET", "/none")
        assert client.response().status == 404
    line = only_error(gw, stage, shown(gw.app), what)
    assert "answered 502" in line and '"GET /app/x HTTP/1.1"' in line


def test_backend_that_closes_while_the_body_is_sent(served):
    def closes(x):
        x.read_block()
        x.read_body(100000)
    gw = served(closes)
    with gw.connect() as client:
        client.send(b"POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5000000)
        assert client.response("POST").status == 502
    line = only_error(gw, "send-request", shown(gw.app))
    assert re.search(r"after \d+ of 5000000 bytes of the request body, before any answer", line)


def test_response_time(served):
    gw = served(silent, params="timeout=1")
    with gw.connect() as client:
        begin = time.monotonic()
        client.request("GET", "/app/")
        assert client.response().status == 504
        assert 0.8 < time.monotonic() - begin < 3
        client.request("GET", "/none")
        assert client.response().status == 404
    line = only_error(gw, "response-head", shown(gw.app), "silent for 1.000 s")
    assert "answered 504" in line
    assert gw.app.finished().ended in ("eof", "reset")


@pytest.mark.parametrize("text", ["ProxyTimeout 1", "Timeout 1", "ProxyTimeout 1\nTimeout 30"])
def test_response_time_of_the_server(served, text):
    gw = served(silent, text=text)
    begin = time.monotonic()
    assert gw.get("/app/").status == 504
    assert 0.8 < time.monotonic() - begin < 3


def test_response_time_counts_silence_only(served):
    gw = served([TEXT, 0.6, b"a", 0.6, b"b", 0.6, b"c"], params="timeout=1")
    assert gw.get("/app/").body == b"abc"


def test_silence_within_the_content(served):
    def stalls(x):
        x.may_fail = True
        x.read()
        x.send(TEXT + b"part")
        x.wait_end()
    gw = served(stalls, params="timeout=1")
    answer = gw.get("/app/", partial=True)
    assert answer.status == 200 and answer.body == b"part" and not answer.complete
    only_error(gw, "response-body", shown(gw.app), "silent for 1.000 s.*cut off after 4 bytes")


def test_backend_that_does_not_take_the_body(served):
    def deaf(x):
        x.may_fail = True
        x.read_block()
        time.sleep(3)
    gw = served(deaf, params="timeout=1")
    with gw.connect() as client:
        client.sock.setblocking(False)
        begin = time.monotonic()
        data = b"POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 30_000_000
        try:
            while data:
                if select.select([], [client.sock], [], 0.3)[1]:
                    data = data[client.sock.send(data):]
                else:
                    break
        except OSError:
            pass
        client.sock.settimeout(TIMEOUT)
        assert client.response("POST").status == 504
        assert time.monotonic() - begin < 4
    only_error(gw, "send-request", shown(gw.app), "silent")


# ---- the body up ----

@pytest.mark.parametrize("text,rest", [("", 100000), ("ProxySCGIRequestBuffering Off", 5)])
def test_body_streams_to_the_backend(served, text, rest):
    seen = threading.Event()

    def app(x):
        x.read_block()
        x.read_body(5)
        seen.set()
        x.read_body()
        x.send(OK)
    gw = served(app, text=text)
    with gw.connect() as client:
        client.send(f"POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: {5 + rest}\r\n\r\nfirst")
        assert seen.wait(5), "the first bytes must reach the backend before the others are sent"
        client.send("x" * rest)
        assert client.response("POST").status == 200
    assert gw.app.finished().body == b"first" + b"x" * rest


def test_block_of_a_long_body_goes_out_before_the_body_comes(served):
    gw = served(OK)
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n")
        assert gw.app.request().vars["CONTENT_LENGTH"] == "65537"
        client.send("x" * 65537)
        assert client.response("POST").status == 200


@pytest.mark.parametrize("text", ["", "ProxySCGIRequestBuffering Auto", "ProxySCGIRequestBuffering On"])
def test_short_body_is_complete_before_the_backend_is_asked(served, text):
    gw = served(OK, text=text)
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\nx", 0.2)
        assert gw.app.count == 0
        client.send("x" * 65535)
        assert client.response("POST").status == 200
    assert gw.app.finished().body == b"x" * 65536


@pytest.mark.parametrize("family", ["tcp4", "unix"])
def test_bodies_of_many_sizes(served, family):
    def echo(x):
        x.read()
        x.send(TEXT, x.body)
    gw = served(echo, family=family)
    with gw.connect() as client:
        for n in (1, 2, 8191, 8192, 8193, 14336, 16384, 65535, 131071, 131072, 131073, 262144, 262145, 400000):
            body = bytes(range(256)) * (n // 256) + b"e" * (n % 256)
            sender = threading.Thread(target=client.request, args=("POST", "/app/", (), body), daemon=True)
            sender.start()
            assert client.response("POST").body == body, n
            sender.join(5)


# ---- the body down ----

def test_content_length_is_kept(served):
    gw = served(b"Content-Length: 5\r\n\r\nhello")
    answer = gw.get("/app/")
    assert answer.framing == "length" and answer.body == b"hello"


def test_unknown_length_is_chunked(served):
    gw = served([TEXT + b"one", 0.1, b"two"])
    answer = gw.get("/app/")
    assert answer.framing == "chunked" and answer.body == b"onetwo"
    assert "Content-Length" not in answer


def test_empty_content(served):
    gw = served(TEXT, b"Content-Length: 0\r\n\r\n", b"\r\n")
    with gw.connect() as client:
        for _ in range(3):
            client.request("GET", "/app/")
            answer = client.response()
            assert (answer.status, answer.body) == (200, b"")


def test_response_streams(served):
    """Each piece is there at once, as server-sent events need it."""
    go = [threading.Event() for _ in range(4)]

    def app(x):
        x.read()
        x.send(b"Content-Type: text/event-stream\r\n\r\n")
        for i, event in enumerate(go):
            event.wait(TIMEOUT)
            x.send(f"data: {i}\n\n")
    gw = served(app)
    with gw.connect() as client:
        client.request("GET", "/app/")
        answer = client.head()
        assert answer["Content-Type"] == "text/event-stream"
        for i, event in enumerate(go):
            assert client.quiet(0.05)
            event.set()
            assert int(client._line("chunk"), 16) == 9
            assert client._take(11, answer) == f"data: {i}\n\n\r\n".encode()
        assert client._line("chunk") == b"0"


def test_response_streams_to_http_1_0(served):
    gw = served([TEXT + b"one", 0.3, b"two"])
    with gw.connect() as client:
        client.request("GET", "/app/", version="1.0")
        client.head()
        begin = time.monotonic()
        while not client.buffer:
            client._more()
        assert client.buffer == b"one" and time.monotonic() - begin < 0.25
        assert client.rest() == b"onetwo"


def test_shorter_than_its_length(served):
    gw = served(b"Content-Length: 10\r\n\r\nshort")
    with gw.connect() as client:
        client.request("GET", "/app/")
        answer = client.response(partial=True)
        assert answer.body == b"short" and not answer.complete
    only_error(gw, "response-body", shown(gw.app), "closed after 5 of 10 bytes.*cut off after 5 bytes")


def test_longer_than_its_length(served):
    gw = served(b"Content-Length: 5\r\n\r\nhello and more", OK)
    with gw.connect() as client:
        client.request("GET", "/app/")
        assert client.response().body == b"hello"
        client.request("GET", "/app/")
        assert client.response().body == b"ok"
    assert not error_lines(gw)


def test_reset_within_the_content(served):
    def resets(x):
        x.read()
        x.send(TEXT + b"part")
        time.sleep(0.2)
        x.reset()
    gw = served(resets)
    answer = gw.get("/app/", partial=True)
    assert answer.framing == "chunked" and answer.body == b"part" and not answer.complete
    only_error(gw, "response-body", shown(gw.app), "reset.*cut off after 4 bytes")


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_content(served, status):
    gw = served(f"Status: {status}\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nETag: \"e\"\r\n\r\nbody", OK)
    with gw.connect() as client:
        client.request("GET", "/app/")
        answer = client.response()
        assert answer.status == status and "Transfer-Encoding" not in answer and answer["ETag"] == '"e"'
        client.request("GET", "/app/")
        assert client.response().body == b"ok"


def test_head(served):
    gw = served(b"Content-Length: 1234\r\n\r\n", b"Content-Length: 4\r\n\r\nbody", TEXT + b"body", OK)
    with gw.connect() as client:
        for length in ("1234", "4", None):
            client.request("HEAD", "/app/")
            answer = client.response("HEAD")
            assert answer.status == 200 and answer.get("Content-Length") == length
        client.request("GET", "/app/")
        assert client.response().body == b"ok"
    assert not error_lines(gw)


def test_hop_by_hop_fields_are_removed(served):
    gw = served(b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nUpgrade: h2c\r\nTrailer: T\r\n"
                b"Proxy-Connection: x\r\nTE: x\r\nX-Stays: 1\r\nContent-Length: 2\r\n\r\nok")
    with gw.connect() as client:
        client.request("GET", "/app/")
        answer = client.response()
        assert {n.lower() for n, _ in answer.fields} == {"date", "server", "x-stays", "content-length"}
        client.request("GET", "/app/")
        assert client.response().body == b"ok"


def test_set_cookie_stays_apart(served):
    gw = served(b"Set-Cookie: a=1; Path=/\r\nX-A: 1\r\nset-cookie: b=2, c\r\nX-A: 2\r\nSet-Cookie: a=1; Path=/\r\n\r\n")
    answer = gw.get("/app/")
    assert answer.all("Set-Cookie") == ["a=1; Path=/", "b=2, c", "a=1; Path=/"]
    assert answer["X-A"] == "1, 2"


@pytest.mark.parametrize("head,status,reason", [
    (b"Status: 404 Not Found\r\n", 404, "Not Found"),
    (b"Status: 201\r\n", 201, "Created"),
    (b"Status: 299 Very Odd\r\n", 299, "Very Odd"),
    (b"status:404\r\n", 404, "Not Found"),
    (b"HTTP/1.1 403 Nph\r\n", 403, "Nph"),
    (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n", 200, "OK"),
    (b"Location: http://other.example/\r\n", 302, "Found"),
    (b"Location: http://other.example/\r\nStatus: 200\r\n", 200, "OK"),
    (b"Status: 503 Busy\r\n", 503, "Busy"),
    (b"Status: 200 OK\nX-Lf: only\n", 200, "OK"),
])
def test_status(served, head, status, reason):
    gw = served(head + (b"\n" if b"Lf" in head else b"\r\n") + b"own page")
    answer = gw.get("/app/")
    assert (answer.status, answer.reason, answer.body) == (status, reason, b"own page")
    assert "Status" not in answer
    assert not error_lines(gw)


def test_long_head(served):
    gw = served(b"X-L: " + b"l" * 60000 + b"\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 1500) for i in range(100)) +
                b"\r\n" + b"c" * 300000)
    answer = gw.get("/app/")
    assert answer["X-L"] == "l" * 60000 and answer["X-99"] == "v" * 1500
    assert answer.body == b"c" * 300000


def test_answer_cut_at_every_byte(served):
    whole = b"Status: 201 Made\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody"
    scripts = [[whole[:i], 0.003, whole[i:]] for i in range(1, len(whole))]
    gw = served(*scripts, text="MaxKeepAliveRequests 0")
    with gw.connect() as client:
        for i in range(1, len(whole)):
            client.request("GET", "/app/")
            answer = client.response()
            assert (answer.status, answer.reason, answer["X-A"], answer.body) == (201, "Made", "b", b"body"), i


# ---- both ways at once ----

def test_answer_before_the_body_is_read(served):
    """Much to say and much to hear: neither waits for the other."""
    def early(x):
        x.read_block()
        x.send(b"Content-Length: 8000004\r\n\r\n" + b"r" * 8000000)
        x.read_body()
        x.send("done")
    gw = served(early)
    body = b"u" * 8000000
    with gw.connect() as client:
        sender = threading.Thread(target=client.request, args=("POST", "/app/", (), body), daemon=True)
        sender.start()
        assert client.response("POST").body == b"r" * 8000000 + b"done"
        sender.join(TIMEOUT)
    assert gw.app.finished().body == body


@pytest.mark.parametrize("family", ["tcp4", "unix"])
def test_early_answer_of_a_backend_that_leaves(served, family):
    """It closes with the body unread, which resets the connection: its answer counts all the same."""
    def early(x):
        x.read_block()
        x.send(b"Status: 413 Enough\r\nContent-Length: 6\r\n\r\nenough")
        time.sleep(0.1)
    gw = served(early, family=family)
    with gw.connect() as client:
        client.send(b"POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3000000)
        answer = client.response("POST")
        assert (answer.status, answer.body) == (413, b"enough")
    assert not error_lines(gw)


# ---- volume ----

def memory_mib(gw):
    """Peak resident memory; None under a sanitizer, which has its own."""
    text = open(f"/proc/{gw.pid}/status").read()
    if int(re.search(r"VmPeak:\s+(\d+) kB", text)[1]) > 1 << 30:
        return None
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) / 1024


def pattern(n):
    """n bytes in which every place looks different."""
    block = b"".join(i.to_bytes(4, "big") for i in range(MIB // 4))
    return bytearray(b"".join(block[i * 7:] + block[:i * 7] for i in range(n // MIB)))


def digest(client, answer, pause=0.0):
    """Reads a body in pieces: (bytes, sha256)."""
    sha, total = hashlib.sha256(), 0
    length = int(answer["Content-Length"]) if "Content-Length" in answer else None
    chunked = "Transfer-Encoding" in answer

    def take(n):
        nonlocal total
        while n:
            data = client.buffer[:n] or client.sock.recv(min(n, MIB))
            client.buffer = client.buffer[len(data):]
            assert data, "the body ended early"
            sha.update(data)
            total += len(data)
            n -= len(data)
            if pause:
                time.sleep(pause)

    if length is not None:
        take(length)
    elif chunked:
        while True:
            while b"\r\n" not in client.buffer:
                client.buffer += client.sock.recv(4096)
            line, client.buffer = client.buffer.split(b"\r\n", 1)
            size = int(line, 16)
            if size == 0:
                break
            take(size)
            while len(client.buffer) < 2:
                client.buffer += client.sock.recv(4096)
            assert client.buffer[:2] == b"\r\n"
            client.buffer = client.buffer[2:]
    return total, sha.hexdigest()


@pytest.mark.parametrize("family", ["tcp4", "unix"])
@pytest.mark.parametrize("with_length", [True, False], ids=["length", "chunked"])
def test_20_mib_down(served, with_length, family):
    data = pattern(20 * MIB)

    def app(x):
        x.read()
        x.send(b"Content-Length: %d\r\n\r\n" % len(data) if with_length else b"\r\n")
        x.sock.sendall(data)
    gw = served(app, family=family)
    with gw.connect() as client:
        client.request("GET", "/app/")
        answer = client.head()
        assert ("Content-Length" in answer) == with_length
        assert digest(client, answer) == (len(data), hashlib.sha256(data).hexdigest())
    memory = memory_mib(gw)
    assert memory is None or memory < 40


@pytest.mark.parametrize("family", ["tcp4", "unix"])
def test_20_mib_up(served, family):
    data = pattern(20 * MIB)

    def app(x):
        x.read_block()
        sha, left = hashlib.sha256(x.buffer), int(x.vars["CONTENT_LENGTH"]) - len(x.buffer)
        while left:
            piece = x.sock.recv(min(left, MIB))
            assert piece
            sha.update(piece)
            left -= len(piece)
        x.send(TEXT, sha.hexdigest())
    gw = served(app, family=family)
    with gw.connect() as client:
        client.send(f"PUT /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: {len(data)}\r\n\r\n")
        client.sock.sendall(data)
        assert client.response("PUT").text == hashlib.sha256(data).hexdigest()
    memory = memory_mib(gw)
    assert memory is None or memory < 40


@pytest.mark.parametrize("with_length", [True, False], ids=["length", "chunked"])
def test_slow_reader(served, with_length):
    """64 MiB wait at the backend, not in the gateway."""
    piece = bytes(range(256)) * 4096
    sent = [0]

    def app(x):
        x.read()
        x.send(b"Content-Length: %d\r\n\r\n" % (64 * MIB) if with_length else b"\r\n")
        for _ in range(64):
            x.sock.sendall(piece)
            sent[0] += len(piece)
    gw = served(app)
    with gw.connect() as client:
        client.request("GET", "/app/")
        answer = client.head()
        time.sleep(0.7)
        assert sent[0] < 40 * MIB, "the backend was not held back"
        memory = memory_mib(gw)
        assert memory is None or memory < 40
        sha = hashlib.sha256(piece * 64).hexdigest()
        assert digest(client, answer) == (64 * MIB, sha)
    memory = memory_mib(gw)
    assert memory is None or memory < 40


def test_slow_backend(served):
    """64 MiB wait at the client, not in the gateway."""
    piece = bytes(range(256)) * 4096
    go = threading.Event()

    def app(x):
        x.read_block()
        go.wait(TIMEOUT)
        sha, left = hashlib.sha256(x.buffer), 64 * MIB - len(x.buffer)
        while left:
            data = x.sock.recv(min(left, MIB))
            assert data
            sha.update(data)
            left -= len(data)
        x.send(TEXT, sha.hexdigest())
    gw = served(app)
    sent = [0]
    with gw.connect() as client:
        client.send(f"POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: {64 * MIB}\r\n\r\n")

        def send():
            for _ in range(64):
                client.sock.sendall(piece)
                sent[0] += len(piece)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        time.sleep(0.7)
        assert sent[0] < 40 * MIB, "the client was not held back"
        memory = memory_mib(gw)
        assert memory is None or memory < 40
        go.set()
        assert client.response("POST").text == hashlib.sha256(piece * 64).hexdigest()
    memory = memory_mib(gw)
    assert memory is None or memory < 40


def test_addresses_stay_while_they_are_tried(gateway):
    """Many requests at once for a name of which no address answers: each has tried all of them."""
    port = free_port()
    gw = gateway(f'ProxyPass "/app/" "scgi://localhost:{port}/"')
    clients = [gw.connect() for _ in range(30)]
    for client in clients:
        client.request("GET", "/app/")
    for client in clients:
        assert client.response().status == 503
        client.close()
    wait_until(lambda: len(error_lines(gw)) == 30)
    assert all("refused" in line for line in error_lines(gw))


def test_many_slow_requests_at_once(served):
    """A backend that takes its time holds up nobody."""
    def app(x):
        x.read()
        time.sleep(0.5)
        x.send(OK)
    gw = served(app)
    clients = [gw.connect() for _ in range(100)]
    begin = time.monotonic()
    for client in clients:
        client.request("GET", "/app/")
    for client in clients:
        assert client.response().body == b"ok"
        client.close()
    assert time.monotonic() - begin < 4
