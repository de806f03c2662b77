"""The harness itself: a strict reader that forgives nothing, a backend that records everything."""
import socket
import threading

import pytest

from conftest import Gateway
from peer import Backend, Client, Incomplete, ProtocolError, ScgiError, connect_to, parse_block
from real import program


def reader(data):
    """A Client that will read exactly these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        s, _ = listener.accept()
        s.sendall(data)
        s.close()
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return Client(listener.getsockname())


def test_reads_length_chunked_close_and_interim():
    c = reader(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\r\nx:  b \r\n\r\nhi"
               b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n"
               b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
               b"HTTP/1.1 200 \r\n\r\nto the end")
    r = c.response()
    assert (r.status, r.body, r.framing, [i.status for i in r.interim], r["X"]) == (200, b"hi", "length", [100], "a, b")
    r = c.response()
    assert (r.body, r.chunks, r.trailers, r.framing) == (b"abcd", [3, 1], [("T", "u")], "chunked")
    assert c.response().framing == "none"
    r = c.response()
    assert (r.reason, r.body, r.framing, r.complete) == ("", b"to the end", "close", True)
    assert c.wait_end() == "eof"


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
    b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n folded\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\nx\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\n",
    b"",
])
def test_forgives_nothing(data):
    with pytest.raises(ProtocolError):
        reader(data).response()


def test_bytes_after_the_response_are_an_error():
    c = reader(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy")
    c.response()
    with pytest.raises(ProtocolError):
        c.wait_end()


def test_partial_response():
    r = reader(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nxy").response(partial=True)
    assert (r.body, r.complete) == (b"abcxy", False)
    with pytest.raises(Incomplete):
        reader(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab").response()


@pytest.mark.parametrize("block", [
    b"",
    b"CONTENT_LENGTH\x000\x00SCGI\x001",
    b"CONTENT_LENGTH\x000\x00SCGI\x00",
    b"SCGI\x001\x00CONTENT_LENGTH\x000\x00",
    b"CONTENT_LENGTH\x00\x00SCGI\x001\x00",
    b"CONTENT_LENGTH\x0000\x00SCGI\x001\x00",
    b"CONTENT_LENGTH\x000\x00SCGI\x002\x00",
    b"CONTENT_LENGTH\x000\x00X\x001\x00",
    b"CONTENT_LENGTH\x000\x00SCGI\x001\x00\x00v\x00",
    b"CONTENT_LENGTH\x000\x00SCGI\x001\x00A\x001\x00A\x002\x00",
])
def test_block_rules(block):
    with pytest.raises(ScgiError):
        parse_block(block)


def block(**variables):
    text = "".join(f"{n}\0{v}\0" for n, v in variables.items()).encode()
    return b"%d:%s," % (len(text), text)


@pytest.mark.parametrize("family", ["tcp4", "tcp6", "unix"])
def test_backend_records_and_answers(backend, family):
    b = backend(["Status: 200 OK\r\n\r\n", 0.01, b"yes"], b"second", family=family)
    for n, answer in ((1, b"Status: 200 OK\r\n\r\nyes"), (2, b"second"), (3, b"second")):
        s = connect_to(b.address)
        s.sendall(block(CONTENT_LENGTH=4, SCGI=1, N=n) + b"body")
        got = b""
        while data := s.recv(100):
            got += data
        assert got == answer
        assert (b.finished(n).vars["N"], b.finished(n).body) == (str(n), b"body")
    assert b.count == 3 and b.vars["N"] == "3"


@pytest.mark.parametrize("data", [b"05:hello,", b"x", b"12", b"999999999:", b"30:CONTENT_LENGTH\x000\x00SCGI\x001\x00;"])
def test_backend_refuses_what_is_no_request(data):
    b = Backend(b"never")
    s = connect_to(b.address)
    s.sendall(data)
    s.close()
    b.wait().done.wait(5)
    with pytest.raises(ScgiError):
        b.stop()


def test_script_sees_how_the_gateway_ends():
    seen = []

    def script(x):
        x.read_block()
        seen.append(x.wait_end())

    b = Backend(script)
    s = connect_to(b.address)
    s.sendall(block(CONTENT_LENGTH=0, SCGI=1))
    s.close()
    b.finished()
    b.stop()
    assert seen == ["eof"]


FAKE = """#!/usr/bin/python3
import re, signal, socket, sys
port = int(re.search(r"Listen 127.0.0.1:(\\d+)", open(sys.argv[-1]).read())[1])
listener = socket.create_server(("127.0.0.1", port))
def stop(*_):
    print(%r, file=sys.stderr, flush=True)
    sys.exit(%d)
signal.signal(signal.SIGTERM, stop)
while True:
    listener.accept()[0].close()
"""


@pytest.mark.parametrize("text, status, good", [("", 0, True), ("", 1, False), ("", -1, False),
                                                ("ERROR: AddressSanitizer: heap-use-after-free", 0, False),
                                                ("x.c:1:2: runtime error: signed integer overflow", 0, False)])
def test_the_end_of_a_gateway_is_judged(tmp_path, text, status, good):
    program = tmp_path / "fake"
    program.write_text(FAKE % (text, status))
    program.chmod(0o755)
    (tmp_path / "gw").mkdir()
    gw = Gateway(str(program), tmp_path / "gw", "", "epoll", (), None, "tcp4")
    if good:
        gw.stop()
    else:
        with pytest.raises(AssertionError):
            gw.stop()


@pytest.mark.parametrize("required, outcome", [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_program(monkeypatch, required, outcome):
    monkeypatch.setenv("SCGATE_REQUIRE_REAL", required)
    with pytest.raises(outcome):
        program("no-such-program-anywhere")
