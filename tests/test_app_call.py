"""`scgate app` and `scgate call` against each other, and each against raw sockets; `scgate demo`, which has a gateway too."""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import pytest

TIMEOUT = 15
PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"


def block(*pairs):
    data = b"".join(p.encode("latin-1") + b"\0" for pair in pairs for p in pair)
    return b"%d:%s," % (len(data), data)


def request_block(path="/env.json", length=0, *more):
    return block(("CONTENT_LENGTH", str(length)), ("SCGI", "1"), ("REQUEST_METHOD", "GET"), ("PATH_INFO", path), *more)


class App:
    """A running sample application. url: its address as `scgate call` takes it."""

    def __init__(self, scgate, address, *options):
        self.process = subprocess.Popen([scgate, "app", address, *options], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        assert line.startswith("scgate app: listening on "), line + (self.process.stderr.read() if not line else "")
        self.url = line.split()[-1]

    def connect(self):
        if self.url.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(TIMEOUT)
            s.connect(self.url[5:])
            return s
        host, port = self.url[len("scgi://"):].rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT)

    def raw(self, *pieces, shut=False):
        """Sends the pieces with short pauses between; returns all that comes back."""
        with self.connect() as s:
            for i, piece in enumerate(pieces):
                if i:
                    time.sleep(0.02)
                s.sendall(piece)
            if shut:
                s.shutdown(socket.SHUT_WR)
            data = b""
            while True:
                got = s.recv(65536)
                if not got:
                    return data
                data += got

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0, err
        assert "Sanitizer" not in err and "runtime error:" not in err, err
        return err


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    (root / "one.txt").write_text("one\n")
    return root


@pytest.fixture(scope="module", params=["unix", "tcp4"])
def app(request, scgate, files, tmp_path_factory):
    address = f"unix:{tmp_path_factory.mktemp('a')}/s" if request.param == "unix" else "127.0.0.1:0"
    running = App(scgate, address, "--files", str(files))
    yield running
    running.stop()


@pytest.fixture
def start(scgate):
    """start(ADDRESS, OPTION...) -> App of its own, ended with the test."""
    running = []

    def start(*args):
        running.append(App(scgate, *args))
        return running[-1]

    yield start
    for a in running:
        a.stop()


def run_call(scgate, *args, input=None):
    result = subprocess.run([scgate, "call", *map(str, args)], input=input, capture_output=True, timeout=TIMEOUT)
    assert b"Sanitizer" not in result.stderr and b"runtime error:" not in result.stderr, result.stderr
    return result


@pytest.fixture
def call(scgate, app):
    """call(PATH, OPTION..., status=0) -> standard output of `scgate call` to the application."""
    def call(*args, status=0, input=None):
        result = run_call(scgate, app.url, *args, input=input)
        assert result.returncode == status, (result.returncode, result.stderr)
        call.stderr = result.stderr.decode()
        return result.stdout
    return call


def head_of(answer):
    head, body = re.split(rb"\r?\n\r?\n", answer, maxsplit=1)
    return head.decode("latin-1").replace("\r\n", "\n").split("\n"), body


# ---------------------------------------------------------------- routes

def test_env_is_what_was_sent(call):
    env = json.loads(call("/env.json?a=%20b&c", "-H", "X-Cafe: x", "-e", "ODD name=\u00e9=\"\\\x01"))
    assert list(env)[:2] == ["CONTENT_LENGTH", "SCGI"]
    assert env["QUERY_STRING"] == "a=%20b&c" and env["REQUEST_URI"] == "/env.json?a=%20b&c"
    assert (env["REQUEST_METHOD"], env["PATH_INFO"], env["SCRIPT_NAME"]) == ("GET", "/env.json", "")
    assert env["HTTP_X_CAFE"] == "x"
    assert env["ODD name"].encode("latin-1") == "\u00e9=\"\\\x01".encode()  # byte for byte
    assert "CONTENT_TYPE" not in env and "GATEWAY_INTERFACE" not in env


def test_env_as_text_keeps_one_line_for_each(call):
    lines = call("/env", "-e", "TWO=a\nb\tc\x7f").decode().splitlines()
    assert lines[0] == "CONTENT_LENGTH=0" and "TWO=a\\nb\\tc\\x7f" in lines


@pytest.mark.parametrize("size", [0, 1, 64, 65535, 65536, 65537, 3000000])
def test_bytes_and_stream(call, size):
    want = (PATTERN * (size // 64 + 1))[:size]
    head, body = head_of(call(f"/bytes/{size}", "-i"))
    assert body == want and f"Content-Length: {size}" in head
    head, body = head_of(call(f"/stream/{size}", "-i"))
    assert body == want and not any(line.startswith("Content-Length") for line in head)


def test_bytes_come_slowly_when_asked(call):
    began = time.monotonic()
    assert len(call("/stream/100?ms=150&piece=64")) == 100
    assert 0.14 < time.monotonic() - began < 5


def test_delay(call):
    began = time.monotonic()
    assert call("/delay/300") == b"answered after 300 milliseconds\n"
    assert 0.29 < time.monotonic() - began < 5
    assert b"at most" in call("/delay/600001")


@pytest.mark.parametrize("code,line", [(200, "Status: 200 OK"), (404, "Status: 404 Not Found"), (204, "Status: 204 No Content"),
                                       (304, "Status: 304 Not Modified"), (599, "Status: 599 Without a Name")])
def test_status(call, code, line):
    head, body = head_of(call(f"/status/{code}", "-i"))
    assert head[0] == line
    assert body == (b"" if code in (204, 304) else b"status %d, as asked\n" % code)


def test_status_must_have_three_digits(call):
    for bad in ("/status/99", "/status/1000"):
        head, _ = head_of(call(bad, "-i"))
        assert head[0] == "Status: 400 Bad Request"
    assert b"404" in call("/status/x", "-i")  # no such route


def test_events_come_one_by_one(app):
    with app.connect() as s:
        s.sendall(request_block("/events", 0, ("QUERY_STRING", "n=3&ms=200")))
        times, data = [], b""
        while got := s.recv(65536):
            data += got
            times.append(time.monotonic())
    head, body = head_of(data)
    assert "Content-Type: text/event-stream" in head
    assert re.findall(rb"^id: (\d)$", body, re.M) == [b"1", b"2", b"3"]
    assert body.endswith(b"event: end\ndata: no more\n\n")
    assert times[-1] - times[0] > 0.35


@pytest.mark.parametrize("size", [0, 1, 5000, 2000000])
def test_upload(call, size):
    body = os.urandom(size)
    answer = json.loads(call("/upload", "-d", "@-", "-H", "Content-Type: a/b", input=body))
    assert answer == {"length": size, "sha256": hashlib.sha256(body).hexdigest(), "content_type": "a/b"}


def test_upload_wants_a_post(call):
    head, _ = head_of(call("/upload", "-i"))
    assert head[0] == "Status: 405 Method Not Allowed" and "Allow: POST, PUT" in head
    assert json.loads(call("/upload", "-X", "PUT", "-d", "x"))["length"] == 1


def test_echo_is_full_duplex(call):
    body = os.urandom(5000000)  # more than both sockets hold
    assert call("/echo", "-d", "@-", input=body) == body


def test_early_answer_is_delivered_although_the_body_is_not_read(call):
    head, body = head_of(call("/early", "-i", "-d", "@-", input=bytes(5000000)))
    assert head[0] == "Status: 413 Content Too Large" and body == b"refused before the body was read\n"


def test_body_that_no_route_wants_is_dropped(call):
    assert json.loads(call("/env.json", "-d", "x" * 100000))["CONTENT_LENGTH"] == "100000"


def test_cookies_stay_apart(call):
    head, body = head_of(call("/cookies", "-i", "-H", "Cookie: a=b"))
    assert sum(line.startswith("Set-Cookie: ") for line in head) == 2
    assert body.endswith(b"a=b\n")


def test_headers_are_odd_but_legal(call):
    head, _ = head_of(call("/headers", "-i"))  # call parses strictly: it would fail if one were not legal
    assert "X-Empty:" in head and "X!#$%&'*+.^_`|~9: every character of a token" in head


def test_redirects(call):
    head, _ = head_of(call("/redirect?to=/a%3fb=c", "-i"))
    assert head[0] == "Status: 200 OK" and "Location: /a?b=c" in head
    head, _ = head_of(call("/x-location", "-i", "-e", "SCRIPT_NAME=/mount"))
    assert "X-Location: /mount/env" in head
    head, body = head_of(call("/redirect-external", "-i", "-H", "Host: h.test:81", "-e", "SCRIPT_NAME=/m a"))
    assert head == ["Location: http://h.test:81/m%20a/env"] and body == b""
    head, _ = head_of(call("/redirect-external?status=307", "-i"))
    assert head[0] == "Status: 307 Temporary Redirect"


@pytest.mark.parametrize("to", ["x", "", "/a%0d%0aX-Evil:1", "/a%0ab", "/a%20b", "http://x/", "/%ff"])
def test_redirect_takes_no_line_from_the_request(call, to):
    head, _ = head_of(call(f"/redirect?to={to}", "-i"))
    assert head[0] == "Status: 400 Bad Request"


def test_sendfile_names_files_of_its_directory_only(call, files):
    head, body = head_of(call("/sendfile?name=one.txt", "-i"))
    assert f"X-Sendfile: {files}/one.txt" in head and body == b""
    head, _ = head_of(call("/sendfile?name=sub/one.txt&field=X-Send-Static", "-i"))
    assert f"X-Send-Static: {files}/sub/one.txt" in head
    for name in ("", "/etc/passwd", "../one.txt", "a/../../b", "a/%2e%2e/b", ".hidden", "a//b", "a/", "a%0ab", "a%00b", "a%20b"):
        assert head_of(call(f"/sendfile?name={name}", "-i"))[0][0] == "Status: 400 Bad Request", name
    for field in ("Location", "X-Send%0a", "X-Send:", "Set-Cookie"):
        assert head_of(call(f"/sendfile?name=one.txt&field={field}", "-i"))[0][0] == "Status: 400 Bad Request", field


def test_head_has_no_body(call):
    for path in ("/bytes/1000", "/stream/1000", "/env", "/"):
        head, body = head_of(call(path, "-i", "-X", "HEAD"))
        assert head[0] == "Status: 200 OK" and body == b"", path


def test_not_found_says_where_home_is_and_escapes(call):
    head, body = head_of(call("/%3Cscript%3E\"'", "-i", "-e", "SCRIPT_NAME=/m"))
    assert head[0] == "Status: 404 Not Found"
    assert b"<script>" not in body and b"&lt;script&gt;&quot;&#39;" in body and b'href="/m/"' in body


@pytest.mark.parametrize("pairs,base", [
    ([("PATH_INFO", "/bytes/7"), ("SCRIPT_NAME", "/x/y")], "/x/y"),
    ([("SCRIPT_NAME", "/bytes/7")], ""),
    ([("SCRIPT_NAME", "/deep/er/bytes/7")], "/deep/er"),
    ([("SCRIPT_NAME", "/env/bytes/7")], "/env"),
    ([("REQUEST_URI", "/deep/bytes/7?x=/env")], "/deep"),
])
def test_routes_are_found_with_and_without_path_info(app, pairs, base):
    common = [("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("REQUEST_METHOD", "GET")]
    assert app.raw(block(*common, *pairs)).endswith(b"\r\n\r\n" + PATTERN[:7])
    pairs = [(name, value.replace("bytes/7", "redirect")) for name, value in pairs]
    assert f"\r\nLocation: {base}/env\r\n".encode() in app.raw(block(*common, *pairs))


@pytest.mark.parametrize("pairs,base", [
    ([("PATH_INFO", "/"), ("SCRIPT_NAME", "/m")], "/m"), ([("PATH_INFO", ""), ("SCRIPT_NAME", "/m")], "/m"),
    ([("SCRIPT_NAME", "/m/n/")], "/m/n"), ([("SCRIPT_NAME", "//evil.test/")], "/evil.test"), ([("SCRIPT_NAME", "/")], ""),
])
def test_home_page_links_below_its_mount(app, pairs, base):
    page = app.raw(block(("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("REQUEST_METHOD", "GET"), *pairs)).decode()
    links = set(re.findall(r'(?:href|action)="([^"]*)"', page)) - {"data:,"}
    assert len(links) > 20 and all(link.startswith((base + "/", "#")) and not link.startswith("//") for link in links), links


def test_every_link_of_the_home_page_leads_somewhere(call, scgate, app):
    page = call("/", "-e", "SCRIPT_NAME=").decode()
    paths = {link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"]+)"', page)}
    assert len(paths) > 20
    faults = {p for p in paths if p.startswith(("/close-early", "/truncate", "/bad-head"))}
    for path in sorted(paths - faults):
        path = re.sub(r"/delay/\d+", "/delay/1", path).replace("ms=500", "ms=1").replace("ms=100", "ms=1")
        head, _ = head_of(call(path, "-i", "-d", ""))
        assert not head[0].startswith("Status: 404") or "404" in path, path
    for path in sorted(faults):
        call(path, status=56)


def test_home_page_escapes_all_that_it_shows(call):
    evil = "<script>alert('\"&')</script>"
    head, body = head_of(call("/", "-i", "-H", f"User-Agent: {evil}", "-H", f"Host: {evil}", "-e", f"SCRIPT_NAME=/{evil}",
                              "-e", f"{evil}={evil}", "-e", f"REQUEST_URI={evil}", "-e", f"SERVER_SOFTWARE={evil}",
                              "-e", f"REMOTE_ADDR={evil}", "-e", f"SERVER_NAME={evil}", "-e", f"SERVER_PROTOCOL={evil}",
                              "-X", evil))
    page = body.decode()
    assert "<script>" not in page and page.count("<script nonce=") == 1 and "alert('" not in page
    assert "{{" not in page
    policy = next(line for line in head if line.startswith("Content-Security-Policy: "))
    nonce = re.search(r"script-src 'nonce-([0-9a-f]{32})'", policy).group(1)
    assert page.count(f'nonce="{nonce}"') == 2
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_home_page_lists_the_files(call):
    assert b'href="/sendfile?name=one.txt"' in call("/")


# ---------------------------------------------------------------- faults on purpose

def test_fault_routes(call):
    assert call("/close-early", status=56) == b"" and "without an answer" in call.stderr
    assert len(call("/truncate", status=56)) == 500 and "500 of 1000 bytes" in call.stderr
    for kind in ("colon", "name", "cr", "fold", "nul", "status", "lengths", "coding"):
        call(f"/bad-head?kind={kind}", status=56)
        assert "the answer is broken: " in call.stderr, kind
    call("/bad-head?kind=unfinished", status=56)
    assert "cut off" in call.stderr


# ---------------------------------------------------------------- the application's own strictness

L0, S1 = ("CONTENT_LENGTH", "0"), ("SCGI", "1")


@pytest.mark.parametrize("data,reason", [
    (b"GET / HTTP/1.1\r\n\r\n", "not a netstring"),
    (b":,", "not a netstring"),
    (b"024:" + block(L0, S1)[3:], "leading zero"),
    (b"99999999999:", "longer than allowed"),
    (block(L0, S1)[:-1] + b";", "no comma"),
    (block(S1, L0), "first variable is not CONTENT_LENGTH"),
    (block(L0), "no variable SCGI"),
    (block(L0, ("SCGI", "2")), "SCGI is not 1"),
    (block(L0, S1, ("A", "1"), ("A", "1")), "comes twice"),
    (block(L0, S1, ("", "1")), "without a name"),
    (block(("CONTENT_LENGTH", ""), S1), "not a decimal number"),
    (block(("CONTENT_LENGTH", "-1"), S1), "not a decimal number"),
    (block(("CONTENT_LENGTH", "01"), S1), "not a decimal number"),
    (block(("CONTENT_LENGTH", "99999999999999999999"), S1), "not a decimal number"),
    (b"0:,", "first variable"),
    (b"1:A,", "does not end with NUL"),
])
def test_bad_requests_are_refused_with_the_reason(app, data, reason):
    answer = app.raw(data).decode()
    assert answer.startswith("Status: 400 Bad Request\r\n") and reason in answer


def test_request_cut_in_pieces(app):
    data = request_block("/upload", 6, ("X", "y" * 40000)).replace(b"GET\0", b"PUT\0")
    for cuts in ([1, 2, 3, 4], [5, 6, 7], [100, 20000, 40000], [len(data) - 1], [len(data)], [len(data) + 3]):
        whole, pieces, last = data + b"abcdef", [], 0
        for cut in cuts + [len(whole)]:
            pieces.append(whole[last:cut])
            last = cut
        answer = app.raw(*pieces)
        assert hashlib.sha256(b"abcdef").hexdigest().encode() in answer, cuts


def test_ended_early(app):
    whole = request_block()
    assert b"ended within the netstring" in app.raw(whole[:-1], shut=True)
    assert app.raw(b"", shut=True) == b""                            # somebody only looked whether we are here
    assert app.raw(request_block("/upload", 5).replace(b"GET\0", b"PUT\0") + b"abc", shut=True) == b""  # no answer to half a body
    assert app.raw(request_block("/env", 5) + b"abc", shut=True) == b""


def test_timeout(start):
    app = start("127.0.0.1:0", "--timeout", "1")
    began = time.monotonic()
    assert b"within the time limit" in app.raw(b"10:abc")
    assert 0.9 < time.monotonic() - began < 10


def test_many_at_once_and_the_bound(start):
    app = start("127.0.0.1:0", "--max", "4")
    began, answers = time.monotonic(), []
    threads = [threading.Thread(target=lambda: answers.append(app.raw(request_block("/delay/300")))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(TIMEOUT)
    assert len(answers) == 8 and all(b"answered after 300" in a for a in answers)
    assert 0.59 < time.monotonic() - began < 10  # four, then four


def test_log(start):
    app = start("127.0.0.1:0", "--log")
    app.raw(request_block("/bytes/5", 0, ("REQUEST_URI", "/x\x1b\n")))
    assert re.search(r'^GET /x\\x1b\\n 200 5 bytes \d+\.\d ms$', app.stop(), re.M)


# ---------------------------------------------------------------- sockets and signals

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_socket_file_comes_and_goes(scgate, tmp_path, number):
    path = tmp_path / "s"
    app = App(scgate, f"unix:{path}", "--mode", "0600")
    assert app.url == f"unix:{path}" and stat.S_IMODE(path.stat().st_mode) == 0o600
    app.stop(number)
    assert not path.exists()


def test_stale_socket_is_replaced_a_live_one_is_not(scgate, start, tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
    app = start(f"unix:{path}")
    second = subprocess.run([scgate, "app", app.url], capture_output=True, text=True, timeout=TIMEOUT)
    assert second.returncode == 1 and "another program listens there" in second.stderr
    assert b"CONTENT_LENGTH" in app.raw(request_block())
    path.unlink()
    path.write_text("not ours")
    app.stop()
    assert path.read_text() == "not ours"


def test_file_that_is_no_socket_is_kept(scgate, tmp_path):
    (tmp_path / "s").write_text("data")
    result = subprocess.run([scgate, "app", f"unix:{tmp_path}/s"], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 1 and (tmp_path / "s").read_text() == "data"


def test_name_with_several_addresses(start):
    app = start("localhost:0")
    assert re.match(r"scgi://(127\.0\.0\.1|\[::1\]):\d+$", app.url)
    assert b"CONTENT_LENGTH" in app.raw(request_block())


def test_ends_while_a_request_waits(start):
    app = start("127.0.0.1:0")
    with app.connect() as s:
        s.sendall(request_block("/delay/60000"))
        time.sleep(0.1)
        began = time.monotonic()
        app.stop()
        assert time.monotonic() - began < 5


# ---------------------------------------------------------------- command lines

@pytest.mark.parametrize("args,message", [
    (["app"], "an ADDRESS is needed"),
    (["app", "/run/x"], 'write "unix:/run/x"'),
    (["app", "host:99999"], "is not understood"),
    (["app", "unix:"], "a path must follow"),
    (["app", "unix:" + "x" * 200], "too long"),
    (["app", "a", "b"], "one ADDRESS only"),
    (["app", "a", "--bogus"], 'unknown option "--bogus"'),
    (["app", "a", "--max", "0"], "--max"),
    (["app", "a", "--mode", "9"], "--mode"),
    (["app", "a", "--files", "/nonexistent"], '"/nonexistent" not found'),
    (["app", "a", "--timeout"], "needs a value"),
    (["call", "a"], "an ADDRESS and a PATH are needed"),
    (["call", "a", "x"], "must begin with '/'"),
    (["call", "a", "/%4"], "path"),
    (["call", "a", "/", "-H", "novalue"], "-H"),
    (["call", "a", "/", "-H", "Content-Length: 3"], "-H"),
    (["call", "a", "/", "-e", "=x"], "-e"),
    (["call", "a", "/", "--timeout", "x"], "--timeout"),
    (["call", "[::1", "/"], "is not understood"),
])
def test_wrong_usage(scgate, args, message):
    result = subprocess.run([scgate, *args], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 2 and message in result.stderr and result.stdout == ""


@pytest.mark.parametrize("name", ["app", "call"])
def test_help(scgate, name):
    result = subprocess.run([scgate, name, "--help"], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 0 and result.stdout.startswith(f"usage: scgate {name} ADDRESS") and result.stderr == ""


# ---------------------------------------------------------------- call against raw answers

class Once:
    """Accepts one connection on loopback and hands it to a function, in a thread."""

    def __init__(self, function):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(TIMEOUT)
        self.url = "scgi://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, args=(function,))
        self.thread.start()

    def _run(self, function):
        with self.listener, self.listener.accept()[0] as s:
            s.settimeout(TIMEOUT)
            function(s)

    def join(self):
        self.thread.join(TIMEOUT)
        assert not self.thread.is_alive()


def read_request(s):
    data = b""
    while b":" not in data:
        data += s.recv(1)
    length = int(data[:-1])
    while len(data) < len(str(length)) + 1 + length + 1:
        data += s.recv(65536)
    return data


def answering(data):
    def answer(s):
        read_request(s)
        s.sendall(data)
    return answer


def test_call_sends_strict_scgi(scgate):
    seen = []

    def answer(s):
        data = read_request(s)
        while not data.endswith(b"body"):
            data += s.recv(100)
        seen.append(data)
        s.sendall(b"\n")
    once = Once(answer)
    result = run_call(scgate, once.url, "/a%20b/c?d=%20", "-d", "body", "-H", "X-One:  1 ", "-e", "SERVER_PORT=99", "-e", "EMPTY=",
                      "-e", "REMOTE_PORT")
    once.join()
    assert result.returncode == 0 and result.stdout == b""
    digits, rest = seen[0].split(b":", 1)
    payload = rest[:int(digits)]
    assert rest[int(digits):] == b",body" and payload.endswith(b"\0")
    words = payload[:-1].split(b"\0")
    names, values = words[::2], words[1::2]
    assert len(names) == len(set(names)) and names[:2] == [b"CONTENT_LENGTH", b"SCGI"] and values[:2] == [b"4", b"1"]
    env = dict(zip(names, values))
    assert env[b"PATH_INFO"] == b"/a b/c" and env[b"REQUEST_URI"] == b"/a%20b/c?d=%20" and env[b"QUERY_STRING"] == b"d=%20"
    assert env[b"REQUEST_METHOD"] == b"POST" and env[b"HTTP_X_ONE"] == b"1" and env[b"SERVER_PORT"] == b"99"
    assert env[b"EMPTY"] == b"" and b"REMOTE_PORT" not in env


@pytest.mark.parametrize("answer,options,status,out,message", [
    (b"Status: 200 OK\n\nhello", [], 0, b"hello", ""),
    (b"Status: 200 OK\r\n\r\nhello", ["-i"], 0, b"Status: 200 OK\r\n\r\nhello", ""),
    (b"HTTP/1.1 404 Nope\r\n\r\nhello", [], 0, b"hello", ""),
    (b"Status: 404 Nope\r\n\r\nhello", ["-f"], 22, b"", "answered with status 404"),
    (b"Content-Length: 5\n\nhello", ["-f"], 0, b"hello", ""),
    (b"Content-Length: 6\n\nhello", [], 56, b"hello", "cut off: 5 of 6 bytes"),
    (b"Content-Length: 4\n\nhello", [], 56, b"hell", "more bytes than"),
    (b"Content-Length: 9\n\n", ["-X", "HEAD"], 0, b"", ""),
    (b"", [], 56, b"", "without an answer"),
    (b"Status: 200", [], 56, b"", "cut off"),
    (b"no colon\n\n", [], 56, b"", "broken"),
])
def test_call_judges_the_answer(scgate, answer, options, status, out, message):
    once = Once(answering(answer))
    result = run_call(scgate, once.url, "/", *options)
    once.join()
    assert (result.returncode, result.stdout) == (status, out)
    assert message in result.stderr.decode() and (message or result.stderr == b"")


def test_call_reads_an_answer_in_pieces(scgate):
    def answer(s):
        read_request(s)
        for byte in b"Status: 200 OK\r\nX: y\r\n\r\nhello":
            s.sendall(bytes([byte]))
            time.sleep(0.002)
    once = Once(answer)
    result = run_call(scgate, once.url, "/", "-i")
    once.join()
    assert result.stdout == b"Status: 200 OK\r\nX: y\r\n\r\nhello" and result.returncode == 0


def test_call_shows_what_it_does(scgate):
    once = Once(answering(b"Status: 200 OK\r\nX: \x1b[1m\r\n\r\nhi"))
    result = run_call(scgate, once.url, "/p", "-v")
    once.join()
    assert result.returncode == 56  # a control byte in the head
    once = Once(answering(b"Status: 200 OK\r\nX: y\r\n\r\nhi"))
    result = run_call(scgate, once.url, "/p", "-v")
    once.join()
    err = result.stderr.decode()
    assert result.stdout == b"hi" and "> PATH_INFO=/p\n" in err and "< Status: 200 OK\n" in err
    assert re.search(r"^\* connected [\d.]+ ms, first byte [\d.]+ ms, total [\d.]+ ms, body of 2 bytes$", err, re.M)
    assert re.search(r"^\* sent: netstring of \d+ bytes, body of 0 bytes$", err, re.M)


def test_call_gives_up_in_time(scgate):
    once = Once(lambda s: s.recv(100000) and time.sleep(1.5))
    began = time.monotonic()
    result = run_call(scgate, once.url, "/", "--timeout", "1")
    assert result.returncode == 28 and b"no answer within 1 s" in result.stderr and time.monotonic() - began < 5
    once.join()


def test_call_without_an_application(scgate, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    result = run_call(scgate, f"127.0.0.1:{port}", "/")
    assert result.returncode == 7 and result.stdout == b""
    want = f'connect to "127.0.0.1:{port}" failed: connection refused: is the application running?'
    assert result.stderr.decode().strip() == f"scgate call: {want}"
    result = run_call(scgate, f"unix:{tmp_path}/none", "/")
    assert result.returncode == 7 and b"no such socket" in result.stderr
    result = run_call(scgate, "name.invalid:1", "/")
    assert result.returncode == 7 and b'address of "name.invalid" not found' in result.stderr


def test_call_body_from_a_file(scgate, call, tmp_path):
    (tmp_path / "f").write_bytes(b"\0\xff@")
    assert json.loads(call("/upload", "-d", f"@{tmp_path}/f"))["length"] == 3
    call("/upload", "-d", f"@{tmp_path}/none", status=26)
    assert "cannot be read" in call.stderr


def test_call_tells_when_its_output_fails(scgate, app):
    with open("/dev/full", "w") as full:
        result = subprocess.run([scgate, "call", app.url, "/bytes/100000"], stdout=full, stderr=subprocess.PIPE, timeout=TIMEOUT)
    assert result.returncode == 23 and b"output failed" in result.stderr


# ---------------------------------------------------------------- demo

class Demo:
    """A running `scgate demo` below a runtime directory of its own."""

    def __init__(self, scgate, runtime, port):
        self.process = subprocess.Popen([scgate, "demo", "-p", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)}, start_new_session=True)
        self.lines = []
        while not self.lines or "Ctrl-C" not in self.lines[-1]:
            self.lines.append(self.process.stdout.readline())
            assert self.lines[-1], self.process.stderr.read()
        self.url = re.search(r"open (http://127\.0\.0\.1:\d+)/ in a browser", "".join(self.lines)).group(1)
        assert f"    curl -i {self.url}/env\n" in self.lines

    def get(self, path, data=None):
        try:
            with urllib.request.urlopen(self.url + path, data, timeout=TIMEOUT) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read()

    def end(self, number):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0 and "Sanitizer" not in err and "runtime error:" not in err, err
        return err


@pytest.fixture
def runtime():
    """An empty directory with a short name: a Unix socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="scgate-") as directory:
        yield pathlib.Path(directory)


def some_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_starts_answers_and_leaves_nothing(scgate, runtime, number):
    demo = Demo(scgate, runtime, some_port())
    try:
        directory, = runtime.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        status, fields, body = demo.get("/")
        assert status == 200 and b"you have reached an SCGI application" in body
        assert json.loads(demo.get("/env.json")[2])["PATH_INFO"] == "/env.json"
        status, fields, body = demo.get("/sendfile?name=hello.txt")
        assert (status, fields["Content-Type"], body) == (200, "text/plain", (directory / "files/hello.txt").read_bytes())
        assert "X-Sendfile" not in fields and fields["ETag"]
        assert b"REDIRECT_URL=/redirect\n" in demo.get("/redirect")[2]
        assert b"REDIRECT_URL=/x-location\n" in demo.get("/x-location")[2]
        assert json.loads(demo.get("/upload", b"x" * 100000)[2])["length"] == 100000
        assert demo.get("/close-early")[0] == 502
    finally:
        demo.end(number)
    assert list(runtime.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(demo.url.rsplit(":", 1)[1])), timeout=TIMEOUT).close()


def test_demo_takes_the_next_port_and_says_so(scgate, runtime):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        demo = Demo(scgate, runtime, port)
        try:
            assert demo.lines[0].startswith(f"scgate demo: port {port} is in use, taking ")
            assert not demo.url.endswith(f":{port}") and demo.get("/env")[0] == 200
        finally:
            demo.end(signal.SIGTERM)


def test_demo_ends_when_a_part_of_it_ends(scgate, runtime):
    demo = Demo(scgate, runtime, some_port())
    children = open(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read().split()
    assert len(children) == 2
    os.kill(int(children[1]), signal.SIGKILL)
    out, err = demo.process.communicate(timeout=TIMEOUT)
    assert demo.process.returncode == 1 and "was ended by signal 9" in err
    assert list(runtime.iterdir()) == [] and not os.path.exists(f"/proc/{children[0]}")


@pytest.mark.parametrize("args", [["-p", "0"], ["-p", "x"], ["-p"], ["--bogus"], ["word"]])
def test_demo_wrong_usage(scgate, args):
    result = subprocess.run([scgate, "demo", *args], capture_output=True, text=True, timeout=TIMEOUT)
    assert result.returncode == 2 and "try: scgate demo --help" in result.stderr
