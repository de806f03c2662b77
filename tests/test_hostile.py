"""What a hostile or unlucky peer can bring about, one case at a time; test_chaos.py mixes them."""
import os
import re
import resource
import socket
import time

import pytest

from peer import Incomplete, wait_until

OK = b"Content-Type: text/plain\r\n\r\nok"


def count_fds(gw):
    return len(os.listdir(f"/proc/{gw.pid}/fd"))


# ---- memory that is used twice ----

def test_body_never_overwrites_the_request_head(gateway, backend):
    """After an internal redirect the fields of the request are sent again: they must be what the client sent, and
    not the bytes of the body that came later."""
    app = backend(b"Location: /app/two\r\n\r\n", OK)
    gw = gateway(f'ProxyPass "/app/" "{app.url}"\nCustomLog "@ROOT@/access.log" "%r|%{{X-Mark}}i"')
    mark = "m" * 300
    evil = b"x\0REMOTE_USER\0root\0" * 60
    with gw.connect() as client:
        client.send(f"POST /app/one HTTP/1.1\r\nHost: a\r\nX-Mark: {mark}\r\nContent-Length: {len(evil)}\r\n\r\n", 0.2, evil)
        assert client.response("POST").body == b"ok"
    assert app.finished(1).body == evil
    second = app.finished(2)
    assert second.vars["HTTP_X_MARK"] == mark
    assert second.vars["REQUEST_URI"] == "/app/one"
    assert "REMOTE_USER" not in second.vars
    gw.wait_log(r"^POST /app/one HTTP/1.1\|" + mark + "$", "access.log")


def test_access_log_shows_the_response_fields_that_were_sent(gateway, backend):
    """Content that came later must not be in the place of the head when the line is written."""
    def app(x):
        x.read()
        x.send(b"X-Mark: " + b"m" * 64 + b"\r\nContent-Type: text/plain\r\n\r\nfirst", 0.1, b"B" * 5000, 0.1, b"C" * 5000)
    gw = gateway(f'ProxyPass "/app/" "{backend(app).url}"\nCustomLog "@ROOT@/access.log" "%{{X-Mark}}o|"')
    assert gw.get("/app/").body == b"first" + b"B" * 5000 + b"C" * 5000
    gw.wait_log(r"^m{64}\|$", "access.log")


# ---- interim responses ----

def test_many_interim_responses_fit_in_the_buffer(gateway, backend):
    interim = b"Status: 103\r\nLink: " + b"a" * 3000 + b"\r\n\r\n"

    def app(x):
        x.read()
        for _ in range(300):  # 900 KB
            x.send(interim)
        x.send(OK)
    gw = gateway(f'ProxyPass "/app/" "{backend(app).url}"')
    answer = gw.get("/app/")
    assert (answer.status, answer.body, len(answer.interim)) == (200, b"ok", 300)


def test_endless_interim_responses_end(gateway, backend):
    """Each takes memory until the request is done: there is a limit."""
    def app(x):
        x.may_fail = True
        x.read()
        while True:
            x.send(b"Status: 102\r\n\r\n" * 100)
    app = backend(app)
    gw = gateway(f'ProxyPass "/app/" "{app.url}"')
    answer = gw.get("/app/")
    assert answer.status == 502 and len(answer.interim) >= 100
    assert app.exchanges[0].done.wait(10)


def test_no_interim_response_to_http_1_0(gateway, backend):
    app = backend(b"Status: 103\r\nLink: </a>\r\n\r\n" + OK)
    gw = gateway(f'ProxyPass "/app/" "{app.url}"')
    with gw.connect() as client:
        client.request("GET", "/app/", version="1.0")
        answer = client.response()
    assert (answer.status, answer.body, answer.interim) == (200, b"ok", [])


def test_interim_responses_to_a_client_that_does_not_read_time_out(gateway, backend):
    def app(x):
        x.may_fail = True
        x.read()
        for _ in range(900):
            x.send(b"Status: 103\r\nLink: " + b"a" * 30000 + b"\r\n\r\n")
        x.send(OK)
    app = backend(app)
    gw = gateway(f'Timeout 1\nProxyTimeout 60\nProxyPass "/app/" "{app.url}"')
    with gw.connect() as client:
        client.request("GET", "/app/")
        assert app.wait(1).done.wait(10), "the gateway waits for the client without end"


# ---- a client whose socket is full at the worst moment ----

NOT_THERE = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n"


def fill(gw):
    """Finds how many answers a Unix socket takes that nobody reads: after that many the next byte does not fit."""
    with gw.connect() as client:
        client.sock.settimeout(1)
        client.send(NOT_THERE * 400)  # more requests than answers fit; these fit into the gateway's socket
        last, count = -1, 0
        while count != last or count == 0:
            time.sleep(0.3)
            last, count = count, len(re.findall("GET /none", gw.log()))
    assert 10 < count < 400, count
    return count


@pytest.mark.limit(120)
def test_final_answer_while_100_continue_is_stuck(gateway, backend):
    def app(x):
        x.read_block()
        x.send(b"Status: 403\r\nContent-Length: 2\r\n\r\nno")
    gw = gateway(f'ProxyPass "/app/" "{backend(app).url}"\nMaxKeepAliveRequests 0\nProxySCGIRequestBuffering Off', listen="unix")
    count = fill(gw)
    for n in (count - 1, count, count + 1):
        with gw.connect() as client:
            client.send(NOT_THERE * n + "POST /app/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 0.5)
            for _ in range(n):
                assert client.response().status == 404
            answer = client.response("POST")
            assert (answer.status, answer.body) == (403, b"no")


@pytest.mark.limit(120)
def test_empty_content_while_the_head_is_stuck(gateway, backend):
    """The end of the chunks is sent all the same."""
    def app(x):
        x.read_block()
        x.send(b"Content-Type: text/plain\r\n\r\n", 0.2)
    gw = gateway(f'ProxyPass "/app/" "{backend(app).url}"\nMaxKeepAliveRequests 0', listen="unix")
    count = fill(gw)
    for n in (count - 1, count, count + 1):
        with gw.connect() as client:
            client.send(NOT_THERE * n + "GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n" + NOT_THERE, 0.6)
            for _ in range(n):
                assert client.response().status == 404
            answer = client.response()
            assert (answer.status, answer.body, answer.framing) == (200, b"", "chunked")
            assert client.response().status == 404


@pytest.mark.limit(120)
def test_head_stuck_and_backend_broken_times_out(gateway, backend):
    def app(x):
        x.read_block()
        x.send(b"Content-Length: 5\r\n\r\n", 0.2)
    gw = gateway(f'Timeout 1\nProxyPass "/app/" "{backend(app).url}"\nMaxKeepAliveRequests 0', listen="unix")
    count = fill(gw)
    with gw.connect() as client:
        client.send(NOT_THERE * count + "GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n", 0.5)
        before = count_fds(gw)
        wait_until(lambda: count_fds(gw) < before, 8, "the end of the client's connection")


# ---- who is it ----

def test_client_that_reset_its_connection_is_not_served_as_nobody(gateway, backend):
    """Its address cannot be asked for any more: no request may come without it."""
    app = backend(OK)
    gw = gateway(f'ProxyPass "/app/" "{app.url}"')
    for _ in range(50):
        client = gw.connect()
        client.sock.sendall(b"GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n")
        client.reset()
    assert gw.get("/app/").status == 200
    for exchange in app.exchanges:
        exchange.done.wait(5)
        if exchange.vars:
            assert exchange.vars["REMOTE_ADDR"] == "127.0.0.1"


# ---- the log ----

@pytest.mark.parametrize("path", ["/a%0a[forged]", '/a"%20(at%20fault:%20nobody;', "/a%1b[2J", "/%80%9b"])
def test_path_cannot_forge_a_log_line(gateway, path):
    gw = gateway()
    assert gw.get(path).status in (400, 403, 404)
    gw.get("/last")
    gw.wait_log("GET /last")
    for line in gw.log().splitlines():
        assert re.match(r"\[\d{4}-\d\d-\d\d [\d:.]+\] \[[a-z]+\] \[pid \d+\] ", line), line
        assert line.isascii() and line.isprintable(), line
        assert not re.search(r'[^\\]" \(at fault: nobody', line), line


def test_long_names_do_not_spill_into_the_log(gateway):
    gw = gateway()
    gw.get("/" + "%01" * 1500)
    gw.get("/" + "%22" * 1500)
    gw.wait_log("%22%22")
    assert "\0" not in gw.log()
    assert all(line.startswith("[") for line in gw.log().splitlines())


# ---- ends ----

def test_stop_does_not_wait_for_a_body_that_is_thrown_away(gateway, backend):
    def early(x):
        x.read_block()
        x.send(b"Status: 413\r\nContent-Length: 0\r\n\r\n")
    gw = gateway(f'ProxyPass "/app/" "{backend(early).url}"\nProxySCGIRequestBuffering Off')
    with gw.connect() as client:
        client.send("POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        assert client.response("POST").status == 413
        time.sleep(0.1)
        begin = time.monotonic()
        gw.stop()
        assert time.monotonic() - begin < 4


@pytest.mark.limit(120)
def test_answer_stuck_when_the_server_stops(gateway, backend):
    """A send that was partly done when it was broken off must not go on."""
    def big(x):
        x.read()
        x.may_fail = True
        x.send(b"Content-Type: text/plain\r\n\r\n" + b"x" * 20_000_000)
    gw = gateway(f'ProxyPass "/app/" "{backend(big).url}"')
    clients = [gw.connect() for _ in range(8)]
    for client in clients:
        client.request("GET", "/app/")
    time.sleep(0.5)
    begin = time.monotonic()
    gw.stop()
    assert time.monotonic() - begin < 4
    for client in clients:
        with pytest.raises((Incomplete, ConnectionError)):
            client.response()


# ---- no descriptor is left ----

def cpu_seconds(gw):
    with open(f"/proc/{gw.pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("spare", [0, 1, 2, 3, 4, 5])
def test_running_out_of_descriptors(gateway, backend, spare):
    """Nobody hangs, the processor is idle, and all is well once the others have gone."""
    gw = gateway(f'ProxyPass "/app/" "{backend(OK).url}"')
    (gw.root / "htdocs/file").write_text("file")
    time.sleep(0.1)
    limit = count_fds(gw) + spare
    resource.prlimit(gw.pid, resource.RLIMIT_NOFILE, (limit, limit + 50))
    clients = [gw.connect() for _ in range(12)]
    for n, client in enumerate(clients):
        client.request("GET", "/app/" if n % 2 else "/file")
    time.sleep(0.3)
    before = cpu_seconds(gw)
    time.sleep(1)
    assert cpu_seconds(gw) - before < 0.5
    for client in clients[:spare]:
        if not client.quiet(0):
            assert client.response().status in (200, 500, 503)
    for client in clients:
        client.close()
    resource.prlimit(gw.pid, resource.RLIMIT_NOFILE, (limit + 50, limit + 50))
    wait_until(lambda: count_fds(gw) <= limit - spare + 1, what="an end of the connections")
    assert gw.get("/app/").body == b"ok"
    assert gw.get("/file").body == b"file"
    assert len(gw.log()) < 20_000


# ---- connecting ----

def test_error_document_after_a_connect_that_timed_out(gateway, backend, tmp_path):
    """The connect that was given up must not stand in the way of the next one."""
    path = str(tmp_path / "full")
    listener, fillers = socket.socket(socket.AF_UNIX), []
    listener.bind(path)
    listener.listen(0)
    while True:
        filler = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        fillers.append(filler)
        try:
            filler.connect(path)
        except BlockingIOError:
            break
    gw = gateway(f'ProxyPass "/full/" "unix:{path}|scgi://x/" connectiontimeout=1\n'
                 f'ProxyPass "/app/" "{backend(OK).url}"\nErrorDocument 503 /app/sorry')
    begin = time.monotonic()
    answer = gw.get("/full/")
    assert (answer.status, answer.body) == (503, b"ok")
    assert 0.9 < time.monotonic() - begin < 1.8
