"""Clients and backends of every temper at once, for some seconds; then the gateway must be as it was before.

Each request has an id, and all bytes that belong to it repeat that id: a byte of one exchange in another shows. The
mixture is drawn from a seed that is printed: SCGATE_SEED=n replays it as far as threads allow. SCGATE_CHAOS_SECONDS
makes the run longer than the usual 8 seconds for each engine.
"""
import os
import random
import re
import signal
import threading
import time

import pytest

from peer import Client, Incomplete, ProtocolError, wait_until

SECONDS = float(os.environ.get("SCGATE_CHAOS_SECONDS", "8"))
SEED = int(os.environ.get("SCGATE_SEED") or random.SystemRandom().randrange(1 << 32))
CLIENTS = 12
FILES = {"0": 0, "1": 1, "2": 3000, "3": 400_000}  # name: size

CONF = """
Listen "unix:@ROOT@/second.sock"
Timeout 2
ProxyTimeout 1
KeepAliveTimeout 2
MaxKeepAliveRequests 50
ProxyPass "/tcp/" "{tcp}"
ProxyPass "/unix/" "{unix}"
ProxySCGISendfile On
ErrorDocument 400 /tcp/doc/400/0
ErrorDocument 404 /not-there-either
ErrorDocument 504 /unix/doc/504/0
CustomLog "@ROOT@/access.log" "%r|%{{X-Id}}i|%{{X-Id}}o|%s"
<Directory "@ROOT@/htdocs">
Require all granted
</Directory>
"""


def content(tag, size):
    """The bytes of one exchange: nothing but its tag."""
    piece = f"<{tag}>".encode()
    return (piece * (size // len(piece) + 1))[:size]


def chunked(rng, body, end=b"0\r\n\r\n"):
    """The same as chunks of any length."""
    out = []
    while body:
        n = rng.choice([1, 100, 5000, 100_000])
        out.append(b"%x%s\r\n%s\r\n" % (len(body[:n]), rng.choice([b"", b";a=b"]), body[:n]))
        body = body[n:]
    return b"".join(out) + end


# ---------------------------------------------------------------- the backend

class App:
    """What the backends do is part of the request's path: /tcp/KIND/ID/SIZE."""

    def __init__(self, seed, htdocs):
        self.rng, self.htdocs, self.faults = random.Random(seed), htdocs, []

    def __call__(self, x):
        x.may_fail = True
        rng = random.Random(self.rng.random())
        if rng.random() < 0.02:
            return rng.choice([lambda: None, x.reset, lambda: time.sleep(0.2)])()
        x.read_block()
        self.check(x.vars["REMOTE_ADDR"] in ("127.0.0.1", ""), "REMOTE_ADDR", x.vars)
        kind, tag, size = x.vars["PATH_INFO" if "PATH_INFO" in x.vars else "SCRIPT_NAME"].strip("/").split("/")[-3:]
        if kind != "doc":
            self.check(x.vars["HTTP_X_ID"] == tag and f"/{tag}/" in x.vars["REQUEST_URI"], "the id", x.vars)
        try:
            getattr(self, kind)(x, rng, tag, int(size))
        finally:
            want = content("up" + tag, int(x.vars["CONTENT_LENGTH"]))
            self.check(want.startswith(x.body + x.buffer), "the body", (x.vars, x.body[:100], x.buffer[:100]))

    def check(self, good, what, data):
        if not good:
            self.faults.append((what, data))

    @staticmethod
    def head(rng, tag, size):
        length = f"Content-Length: {size}\r\n" if rng.random() < 0.5 else ""
        return f"X-Id: {tag}\r\nContent-Type: text/plain\r\n{length}\r\n".encode()

    def normal(self, x, rng, tag, size):
        x.read_body()
        head = self.head(rng, tag, size)
        x.send(head + content(tag, size))
        if b"Content-Length" in head and rng.random() < 0.3:
            x.wait_end()

    def pieces(self, x, rng, tag, size):
        x.read_body()
        data = self.head(rng, tag, size) + content(tag, size)
        while data:
            n = rng.choice([1, 50, 5000, 100_000])
            x.send(data[:n], rng.choice([0, 0.001, 0.02]))
            data = data[n:]
            if len(data) > 200_000:
                x.send(data[:-200_000])
                data = data[-200_000:]

    def interim(self, x, rng, tag, size):
        for _ in range(rng.choice([1, 3, 40])):
            x.send(f"Status: 103\r\nX-Id: {tag}\r\nLink: <{'a' * rng.choice([1, 4000])}>\r\n\r\n")
        self.normal(x, rng, tag, size)

    def redirect(self, x, rng, tag, size):
        if rng.random() < 0.5:
            x.read_body()
        x.send(f"X-Id: {tag}\r\nLocation: /{rng.choice(['tcp', 'unix'])}/normal/{tag}/{size}\r\n\r\n")

    def sendfile(self, x, rng, tag, size):
        x.read_body()
        x.send(f"X-Id: {tag}\r\nX-Sendfile: {self.htdocs}/{size}\r\nContent-Type: text/plain\r\n\r\n")

    def early(self, x, rng, tag, size):
        if rng.random() < 0.5:
            time.sleep(rng.random() * 0.05)
        x.send(self.head(rng, tag, size) + content(tag, size))
        if rng.random() < 0.5:
            x.read_body()

    def cut(self, x, rng, tag, size):
        x.read_body()
        data = f"X-Id: {tag}\r\nContent-Length: {size + 1}\r\n\r\n".encode() + content(tag, size)
        x.send(data[:rng.randrange(len(data) + 1)])
        if rng.random() < 0.5:
            x.reset()

    def garbage(self, x, rng, tag, size):
        x.send(rng.choice([rng.randbytes(300), b"HTTP/9\r\n\r\n", b"a: b\r\n c: d\r\n\r\n", b"Status: 99\r\n\r\n",
                           b"X: " + b"y" * 300_000 + b"\r\n\r\n", b"\0" * 600_000, b"X: y\r\n" * 100_000]))

    def never(self, x, rng, tag, size):
        if rng.random() < 0.5:
            x.read_body()
        x.wait_end()

    def doc(self, x, rng, tag, size):
        x.read_body()
        x.send(f"Content-Type: text/plain\r\n\r\ndocument for {tag}")


# What a client that behaves may get from each kind: the application's own answer whole, others, and a cut one.
WHOLE = {"normal", "pieces", "interim", "redirect", "sendfile"}
OTHERS = {"early": {400, 502}, "cut": {502}, "garbage": {200, 400, 502}, "never": {504}, "file": {404}}


# ---------------------------------------------------------------- the clients

class Chaos:
    def __init__(self, gw, seed, seconds=SECONDS):
        self.gw, self.seed, self.seconds, self.end = gw, seed, seconds, time.monotonic() + seconds
        self.faults, self.counts, self.whole = [], {}, 0
        self.lock = threading.Lock()

    def run(self):
        threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(self.seconds + 60)
            assert not t.is_alive(), "a client hangs"

    def client(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        tempers = [self.well_behaved] * 4 + [self.pipelined] * 2 + [
            self.half_closing, self.resetting, self.aborting, self.not_reading, self.expecting, self.nonsense, self.slow]
        serial = 0
        while time.monotonic() < self.end and not self.faults:
            serial += 1
            temper, tag = rng.choice(tempers), f"{number}.{serial}"
            try:
                temper(rng, tag)
            except ProtocolError as e:
                self.faults.append((temper.__name__, tag, str(e)[:2000]))
            except OSError:
                pass  # reset: judged where it may not be
            with self.lock:
                self.counts[temper.__name__] = self.counts.get(temper.__name__, 0) + 1

    def connect(self, rng):
        return Client(rng.choice([self.gw.address, self.gw.address, str(self.gw.root / "second.sock")]))

    def make(self, rng, tag, kinds=None, body=True):
        """(kind, size, method, raw head, body)"""
        kind = rng.choice(kinds or ["normal"] * 4 + ["pieces", "interim", "redirect", "sendfile", "sendfile", "early",
                                                     "cut", "garbage", "file"] + ["never"] * (rng.random() < 0.1))
        size = rng.choice([0, 1, 100, 5000, 70_000, 300_000])
        if kind in ("sendfile", "file"):
            size = int(rng.choice(list(FILES)))
        method = rng.choice(["GET", "GET", "POST", "HEAD"])
        up = content("up" + tag, rng.choice([0, 10, 3000, 20_000, 400_000])) if method == "POST" and body else b""
        path = f"/nofile/{tag}/x" if kind == "file" else f"/{rng.choice(['tcp', 'unix'])}/{kind}/{tag}/{size}"
        length = f"Content-Length: {len(up)}\r\n" if method == "POST" else ""
        if up and rng.random() < 0.4:
            length, up = "Transfer-Encoding: chunked\r\n", chunked(rng, up)
        if kind == "file" and method == "POST":
            method, length, up = "GET", "", b""
        head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nX-Id: {tag}\r\nX-Pad: {'p' * rng.choice([1, 1000])}\r\n{length}\r\n"
        return kind, size, method, head.encode(), up

    def judge(self, request, tag, answer):
        kind, size, method, _, _ = request
        mine = answer.all("X-Id")  # twice after a redirect
        for r in answer.interim:
            assert r.get("X-Id", tag) == tag, f"another's interim response: {r}"
        assert set(mine) <= {tag}, f"another's answer for {tag}: {answer}"
        if not mine or answer.status != 200:
            allowed = OTHERS.get(kind, set()) | {502}  # backends break off at random
            assert answer.status in allowed, f"{kind} {tag}: {answer}"
            assert b"<" + tag.encode() not in answer.body
            return
        want = content(str(size), FILES[str(size)]) if kind == "sendfile" else content(tag, size)
        if method == "HEAD":
            want = b""
        if answer.complete:
            assert answer.body == want, f"{kind} {tag}: {len(answer.body)} bytes, {len(want)} were sent: {answer}"
            self.whole += 1
        else:
            assert kind in OTHERS, f"{kind} {tag} is cut off: {answer}"
            assert want.startswith(answer.body), f"{kind} {tag}: {answer}"

    def receive(self, client, request, tag):
        """True when the connection may be used again."""
        kind, method, up = request[0], request[2], request[4]
        try:
            answer = client.response(method, partial=True)
        except Incomplete as e:
            # A cut answer may come to nothing; one that came before all of the body was sent may be lost in a reset.
            assert kind in OTHERS or up, f"{kind} {tag}: no answer: {e}"
            return False
        self.judge(request, tag, answer)
        return answer.complete and "close" not in answer.get("Connection", "").lower() and answer.framing != "close"

    def guard(self, function, *args):
        try:
            return function(*args)
        except (ProtocolError, OSError):
            raise
        except AssertionError as e:
            raise ProtocolError(str(e)) from None

    # the tempers

    def well_behaved(self, rng, tag):
        with self.connect(rng) as client:
            for n in range(rng.choice([1, 2, 8])):
                one = f"{tag}.{n}"
                request = self.make(rng, one)
                try:
                    client.send(request[3], request[4])
                except OSError:
                    if not request[4]:  # else an early answer: read it all the same
                        raise
                if not self.guard(self.receive, client, request, one):
                    break

    def pipelined(self, rng, tag):
        with self.connect(rng) as client:
            requests = [self.make(rng, f"{tag}.{n}", body=rng.random() < 0.2) for n in range(rng.choice([2, 5, 30]))]
            data = b"".join(r[3] + r[4] for r in requests)
            sender = threading.Thread(target=self.pour, args=(client, data), daemon=True)
            sender.start()
            for n, request in enumerate(requests):
                try:
                    if not self.receive(client, request, f"{tag}.{n}"):
                        break
                except AssertionError as e:
                    if isinstance(e, Incomplete) or "no answer" in str(e):
                        break  # requests behind one that closed may be lost in a reset
                    raise ProtocolError(str(e)) from None
            try:
                client.sock.shutdown(2)
            except OSError:
                pass
            sender.join(20)

    @staticmethod
    def pour(client, data):
        try:
            client.sock.sendall(data)
        except OSError:
            pass

    def slow(self, rng, tag):
        request = self.make(rng, tag)
        with self.connect(rng) as client:
            data = request[3] + request[4][:3000]
            for _ in range(6):
                n = rng.randrange(1, len(data) + 1) if data else 0
                client.send(data[:n], rng.random() * 0.1)
                data = data[n:]
            client.send(data, request[4][3000:])
            time.sleep(rng.random() * 0.3)
            self.guard(self.receive, client, request, tag)

    def half_closing(self, rng, tag):
        request = self.make(rng, tag)
        with self.connect(rng) as client:
            client.send(request[3], request[4])
            client.shutdown()
            self.guard(self.receive, client, request, tag)

    def resetting(self, rng, tag):
        client = self.connect(rng)
        try:
            data = b"".join(b"".join(self.make(rng, f"{tag}.{n}")[3:]) for n in range(rng.choice([1, 3])))
            client.send(data[:rng.randrange(len(data) + 1)])
            if rng.random() < 0.5:
                time.sleep(rng.random() * 0.1)
            if rng.random() < 0.3:
                client.sock.recv(rng.choice([1, 100, 100_000]))
        finally:
            client.reset()

    def aborting(self, rng, tag):
        request = self.make(rng, tag, kinds=["normal", "early", "pieces", "redirect"], body=False)
        client = self.connect(rng)
        try:
            head = request[3].replace(b"GET ", b"POST ").replace(b"HEAD ", b"POST ")
            head = re.sub(rb"Content-Length: \d+\r\n", b"", head)[:-2]
            body = content("up" + tag, rng.choice([0, 10, 10_000, 200_000]))
            if rng.random() < 0.5:
                head, body = head + b"Transfer-Encoding: chunked\r\n\r\n", chunked(rng, body, rng.choice([b"", b"f", b"-1\r\n"]))
            else:
                head += b"Content-Length: 500000\r\n\r\n"
            client.send(head, body, rng.random() * 0.1)
        finally:
            client.close() if rng.random() < 0.5 else client.reset()

    def not_reading(self, rng, tag):
        client = self.connect(rng)
        try:
            client.sock.settimeout(1)
            for n in range(30):
                request = self.make(rng, f"{tag}.{n}")
                client.send(request[3], request[4])
            time.sleep(rng.random() * (3 if rng.random() < 0.1 else 0.3))
        finally:
            client.close() if rng.random() < 0.5 else client.reset()

    def expecting(self, rng, tag):
        kind, size, _, head, _ = self.make(rng, tag, body=False)
        if kind == "file":
            return
        body = content("up" + tag, rng.choice([5, 50_000]))
        head = re.sub(rb"^\w+ ", b"POST ", re.sub(rb"Content-Length: \d+\r\n", b"", head))[:-2]
        head += b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        request = (kind, size, "POST", head, body)
        with self.connect(rng) as client:
            client.send(head)
            if rng.random() < 0.7:
                try:
                    while client.quiet(0.05):
                        pass
                    client.sock.settimeout(2)
                except OSError:
                    return
            try:
                client.send(body)
            except OSError:
                pass
            self.guard(self.receive, client, request, tag)

    def nonsense(self, rng, tag):
        with self.connect(rng) as client:
            client.send(rng.choice([rng.randbytes(rng.choice([1, 100, 100_000])), b"GET / HTTP/1.1\r\n\r\n", b"\r\n" * 30,
                                    b"GET /tcp/normal/x/1 HTTP/1.0\r\nX-Id: x\r\n\r\n", b"GET " + b"a" * 20_000,
                                    b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200,
                                    b"POST /tcp/normal/x/1 HTTP/1.1\r\nHost: a\r\nX-Id: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                                    b"GET /tcp/normal/x/1 HTTP/1.1\r\nHost: a\r\nX-Id: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                                    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"]))
            if rng.random() < 0.5:
                client.sock.settimeout(0.2)
                client.sock.recv(1000)


# ---------------------------------------------------------------- the test

def fd_count(gw):
    return len(os.listdir(f"/proc/{gw.pid}/fd"))


def rss_kb(gw):
    with open(f"/proc/{gw.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def sanitized(gw):
    with open(f"/proc/{gw.pid}/maps", encoding="utf-8", errors="replace") as f:
        return "libasan" in f.read()


@pytest.mark.limit(int(SECONDS) + 150)
def test_chaos(gateway, backend, engine, tmp_path):
    print(f"SCGATE_SEED={SEED}")
    htdocs = tmp_path / "gw" / "htdocs"
    app = App(f"{SEED}/{engine}", htdocs)
    tcp, unix = backend(app), backend(app, family="unix")
    gw = gateway(CONF.format(tcp=tcp.url, unix=unix.url))
    for name, size in FILES.items():
        (htdocs / name).write_bytes(content(name, size))
    assert gw.get("/2").body == content("2", FILES["2"])  # the threads and their descriptor are there from now on
    with gw.connect():
        wait_until(lambda: fd_count(gw) > 0)
    time.sleep(0.2)
    fds, rss = fd_count(gw), rss_kb(gw)

    chaos = Chaos(gw, f"{SEED}/{engine}")
    chaos.run()
    print(f"{engine}: {sum(chaos.counts.values())} clients {chaos.counts}, {chaos.whole} whole answers, "
          f"{tcp.count + unix.count} backend connections")
    assert gw.process.poll() is None, "the gateway died"
    for fault in chaos.faults:
        print("FAULT", *fault)
    assert not chaos.faults
    assert not app.faults, app.faults[:3]
    assert chaos.whole > 20

    wait_until(lambda: fd_count(gw) <= fds, 20, f"an end of all connections ({fd_count(gw)} descriptors, {fds} at first)")
    for _ in range(20):  # a backend may break off at random
        answer = gw.get("/tcp/normal/last/100", {"X-Id": "last"})
        if answer.status == 200:
            break
    assert answer.body == content("last", 100)
    grown = rss_kb(gw) - rss
    assert grown < (600_000 if sanitized(gw) else 100_000), f"grown by {grown} KB"
    assert gw.stderr() == ""
    begin = time.monotonic()
    gw.stop()
    assert time.monotonic() - begin < 4
    for line in gw.log("access.log").splitlines():
        request, sent, answered, _ = line.rsplit("|", 3)
        if sent not in ("-", "x"):
            assert f"/{sent}/" in request, line
            assert answered in ("-", sent), line


@pytest.mark.limit(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGWINCH], ids=["at once", "gracefully"])
def test_stop_amid_chaos(gateway, backend, engine, tmp_path, number):
    """What is under way is broken off, or comes to its end: neither takes long, and nothing is left."""
    print(f"SCGATE_SEED={SEED}")
    app = App(f"{SEED}/{engine}", tmp_path / "gw" / "htdocs")
    gw = gateway(CONF.format(tcp=backend(app).url, unix=backend(app, family="unix").url))
    for name, size in FILES.items():
        (tmp_path / "gw" / "htdocs" / name).write_bytes(content(name, size))
    chaos = Chaos(gw, f"{SEED}/{engine}", 3)
    runner = threading.Thread(target=chaos.run, daemon=True)
    runner.start()
    time.sleep(1.5)
    assert not chaos.faults, chaos.faults
    begin = time.monotonic()
    gw.stop(number)
    assert time.monotonic() - begin < (6 if number == signal.SIGTERM else 12)
    assert gw.stderr() == ""
    runner.join(30)
    assert not app.faults, app.faults[:3]
