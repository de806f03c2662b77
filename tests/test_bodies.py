"""Request bodies of every kind: chunked, collected, spooled, streamed; and clients that go away."""
import hashlib
import os
import time

import pytest

OK = b"Content-Type: text/plain\r\n\r\nok"
MIB = 1 << 20


@pytest.fixture
def served(gateway, backend):
    def start(*scripts, text="", app_text="", **kw):
        app = backend(*scripts, family="unix")
        gw = gateway(f'ProxyPass "/app/" "{app.url}"\n<Location "/app/">\n{app_text}\n</Location>\n{text}', **kw)
        gw.app = app
        return gw
    return start


def chunked(body, size):
    pieces = [b"%x\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size)]
    return b"".join(pieces) + b"0\r\n\r\n"


def put(client, body, size, trailer=b""):
    coded = chunked(body, size)
    if trailer:
        coded = coded[:-2] + trailer + b"\r\n"
    client.send(b"PUT /app/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + coded)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 300_000, 5 * MIB])
def test_chunked_bodies_arrive_with_their_length(served, size):
    gw = served(OK)
    body = os.urandom(size)
    with gw.connect() as client:
        put(client, body, 7000)
        assert client.response("PUT").status == 200
        put(client, body, 70_000, b"X-Trailer: v\r\n")      # the connection goes on
        assert client.response("PUT").status == 200
    for n in (1, 2):
        x = gw.app.finished(n)
        assert x.pairs[0] == ("CONTENT_LENGTH", str(size))
        assert hashlib.sha256(x.body).digest() == hashlib.sha256(body).digest()
        assert "HTTP_TRANSFER_ENCODING" not in x.vars
        assert "HTTP_X_TRAILER" not in x.vars


def test_chunked_body_in_every_cut(served):
    gw = served(OK)
    message = b"POST /app/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=\"q\"\r\nabc\r\n1\r\nd\r\n0\r\nT: v\r\n\r\n"
    start = message.index(b"3;e")
    for n, cut in enumerate(range(start, len(message)), 1):
        with gw.connect() as client:
            client.send(message[:cut], 0.002, message[cut:])
            assert client.response("POST").status == 200
        assert gw.app.finished(n).body == b"abcd"


def test_pipelined_behind_a_chunked_body(served):
    gw = served(OK)
    body = os.urandom(200_000)
    with gw.connect() as client:
        client.send(b"PUT /app/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 9999)
                    + b"GET /app/2 HTTP/1.1\r\nHost: a\r\n\r\n" + b"GET /app/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        for method in ("PUT", "GET", "GET"):
            assert client.response(method).status == 200
    assert [gw.app.finished(n).vars["REQUEST_URI"] for n in (1, 2, 3)] == ["/app/1", "/app/2", "/app/3"]
    assert gw.app.finished(1).body == body


@pytest.mark.parametrize("coded", [b"x\r\n", b"3\r\nabcX", b"-1\r\n", b"ffffffffffffffffff\r\n", b"3 \r\nabc\r\n", b"0\r\nbad trailer\r\n\r\n",
                                   b"3\nabc\n0\n\n"])
def test_broken_coding_is_the_clients_fault(served, coded):
    gw = served(OK)
    with gw.connect() as client:
        client.send(b"POST /app/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + coded)
        assert client.response("POST").status == 400
        assert client.wait_end() == "eof"
    assert gw.app.count == 0
    assert "at fault: client" in gw.log()


def test_buffering_off_refuses_unknown_lengths(served):
    gw = served(OK, app_text="ProxySCGIRequestBuffering Off")
    with gw.connect() as client:
        put(client, b"abc", 3)
        assert client.response("PUT").status == 411
    gw.wait_log("ProxySCGIRequestBuffering Off")
    assert gw.app.count == 0


@pytest.mark.parametrize("mode, length, before", [("Off", 1000, True), ("Auto", 1000, False), ("Auto", 65536, False),
                                                  ("Auto", 65537, True), ("On", 300_000, False)])
def test_when_the_backend_is_asked(served, mode, length, before):
    """before: the backend has its request while the client still sends."""
    gw = served(OK, app_text="ProxySCGIRequestBuffering " + mode)
    body = os.urandom(length)
    with gw.connect() as client:
        client.send(b"PUT /app/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length, body[:length - 1])
        if before:
            gw.app.request()
        else:
            time.sleep(0.2)
            assert gw.app.count == 0
        client.send(body[length - 1:])
        assert client.response("PUT").status == 200
    assert gw.app.finished().body == body


def test_slow_upload_of_a_known_length(served):
    gw = served(OK)
    body = os.urandom(20_000)
    with gw.connect() as client:
        client.send(b"POST /app/x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + body[:5000], 0.3, body[5000:])
        assert client.response("POST").status == 200
    assert gw.app.finished().body == body


def test_limit_while_collecting(served):
    gw = served(OK, app_text="LimitRequestBody 100000")
    with gw.connect() as client:
        put(client, b"x" * 100_000, 4000)
        assert client.response("PUT").status == 200
        put(client, b"x" * 100_001, 4000)
        assert client.response("PUT").status == 413
    assert gw.app.count == 1
    gw.wait_log("LimitRequestBody 100000")


def test_quota_of_the_spool(served):
    gw = served(OK, text="ProxySCGISpoolQuota 150000")
    with gw.connect() as client:
        put(client, b"x" * 140_000, 4000)
        assert client.response("PUT").status == 200
        put(client, b"x" * 400_000, 4000)
        assert client.response("PUT").status == 507
    gw.wait_log("ProxySCGISpoolQuota is used up.*at fault: gateway")
    assert gw.app.count == 1
    with gw.connect() as client:                            # what was spooled is free again
        put(client, b"x" * 140_000, 4000)
        assert client.response("PUT").status == 200


def test_spool_directory_that_is_none(served):
    gw = served(OK, text='ProxySCGISpoolDirectory "@ROOT@/missing"')
    with gw.connect() as client:
        put(client, b"x" * 200_000, 4000)
        assert client.response("PUT").status == 500
    gw.wait_log("spooling the request body in .*missing.*no such file")
    assert gw.app.count == 0


def test_spool_has_no_name(served):
    gw = served(lambda x: (x.read_block(), time.sleep(0.3), x.read_body(), x.send(OK)), text='ProxySCGISpoolDirectory "@ROOT@/htdocs"')
    before = sorted(os.listdir(gw.root / "htdocs"))
    with gw.connect() as client:
        put(client, b"x" * 400_000, 4000)
        gw.app.request()
        assert sorted(os.listdir(gw.root / "htdocs")) == before
        links = [os.readlink(f"/proc/{gw.pid}/fd/{n}") for n in os.listdir(f"/proc/{gw.pid}/fd") if os.path.islink(f"/proc/{gw.pid}/fd/{n}")]
        assert any("(deleted)" in link for link in links)
        assert client.response("PUT").status == 200


# ---- who left? ----

def waits(seen):
    def script(x):
        x.read_block()
        start = time.monotonic()
        x.wait_end()
        seen.append(time.monotonic() - start)
    return script


def test_a_client_that_leaves_ends_the_applications_work(served):
    seen = []
    gw = served(waits(seen))
    with gw.connect() as client:
        client.send(b"GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n")
        gw.app.request()
    gw.app.finished()
    assert seen[0] < 1.5
    gw.wait_log("the client closed the connection.*at fault: client")


def test_ignore_client_abort(served):
    def slow(x):
        x.read_block()
        time.sleep(1.2)
        x.send(OK)
    gw = served(slow, app_text="ProxySCGIIgnoreClientAbort On")
    with gw.connect() as client:
        client.send(b"GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n")
        gw.app.request()
    gw.app.finished()                                       # the script fails if it could not send
    assert "the client closed" not in gw.log()


def test_a_half_closed_client_gets_its_answer(served):
    gw = served(lambda x: (x.read_block(), time.sleep(1), x.send(OK)))
    with gw.connect() as client:
        client.send(b"GET /app/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.shutdown()
        assert client.response("GET").body == b"ok"


def test_the_next_request_may_come_while_the_answer_is_waited_for(served):
    gw = served(lambda x: (x.read_block(), time.sleep(1), x.send("Content-Length: 1\r\n\r\n1")), b"Content-Length: 1\r\n\r\n2")
    with gw.connect() as client:
        client.send(b"GET /app/1 HTTP/1.1\r\nHost: a\r\n\r\n", 0.8, b"GET /app/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert [client.response("GET").body for _ in range(2)] == [b"1", b"2"]


# ---- conditionals ----

@pytest.mark.parametrize("head, fields, status", [
    (b'ETag: "v1"\r\n', [("If-None-Match", '"v1"')], 304),
    (b'ETag: "v1"\r\n', [("If-None-Match", '"v2"')], 200),
    (b'Status: 200 OK\r\nETag: "v1"\r\n', [("If-None-Match", '"v1"')], 200),     # the application has judged
    (b"Last-Modified: Fri, 14 Jul 2017 02:40:00 GMT\r\n", [("If-Modified-Since", "Fri, 14 Jul 2017 02:40:00 GMT")], 304),
    (b"", [("If-None-Match", "*")], 200),                                        # no validator, no condition
    (b'ETag: "v1"\r\n', [("If-Match", '"v2"')], 412),
])
def test_conditions_by_the_applications_validators(served, head, fields, status):
    gw = served(head + b"Content-Type: text/plain\r\nSet-Cookie: a=b\r\n\r\nbody")
    answer = gw.get("/app/x", fields)
    assert answer.status == status
    if status == 304:
        assert answer.body == b"" and answer["Set-Cookie"] == "a=b" and "Content-Type" not in answer


# ---- limits of an application's head ----

@pytest.mark.parametrize("limit, head, directive", [
    ("ProxySCGILimitResponseLine 100", "X: " + "y" * 98 + "\r\n", "ProxySCGILimitResponseLine"),
    ("ProxySCGILimitResponseFields 5", "X: y\r\n" * 6, "ProxySCGILimitResponseFields"),
    ("ProxySCGILimitResponseHead 300", ("X: " + "y" * 50 + "\r\n") * 6, "ProxySCGILimitResponseHead"),
])
def test_limits_of_the_response_head(served, limit, head, directive):
    gw = served((head + "Content-Type: text/plain\r\n\r\nok").encode(), b"Content-Type: text/plain\r\n\r\nok", app_text=limit)
    assert gw.get("/app/x").status == 502
    gw.wait_log(f"bad response head: .*{directive}.*at fault: backend")
    assert gw.get("/app/x").body == b"ok"


def test_a_head_larger_than_usual(served):
    head = "".join(f"X-{n}: {'y' * 4000}\r\n" for n in range(100))
    gw = served((head + "\r\nok").encode(), app_text="ProxySCGILimitResponseHead 450000")
    answer = gw.get("/app/x")
    assert (answer.status, answer.body, answer["X-99"]) == (200, b"ok", "y" * 4000)
