"""Both ends of the gateway for tests: a strict HTTP/1.1 client and a scripted SCGI backend.

Both are strict on purpose: what a lenient peer would forgive is a failure here. Standard library only.
"""
import re
import select
import socket
import struct
import threading
import time

TIMEOUT = 15  # seconds that any single read, write or wait may take


class ProtocolError(AssertionError):
    """The other side broke the protocol."""


class Incomplete(ProtocolError):
    """The connection ended in the middle of a response; .response holds what came."""

    def __init__(self, message, response=None):
        super().__init__(message)
        self.response = response


# ---------------------------------------------------------------- addresses

def free_port(family="tcp4"):
    """A TCP port on loopback that nobody listens on at the moment."""
    inet, host = (socket.AF_INET6, "::1") if family == "tcp6" else (socket.AF_INET, "127.0.0.1")
    with socket.socket(inet) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def have_ipv6():
    """True where ::1 can be bound."""
    try:
        free_port("tcp6")
        return True
    except OSError:
        return False


def wait_until(condition, timeout=TIMEOUT, what="the condition"):
    """Calls condition() until it is true and returns its value; fails after timeout seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {timeout} s"
        time.sleep(0.01)


def connect_to(address):
    """A connected socket: address is (host, port), or the path of a Unix socket."""
    if isinstance(address, str):
        s = socket.socket(socket.AF_UNIX)
    else:
        s = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    s.settimeout(TIMEOUT)
    s.connect(address)
    if s.family != socket.AF_UNIX:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def as_bytes(data):
    return data.encode("latin-1") if isinstance(data, str) else bytes(data)


def send_pieces(sock, pieces):
    """Sends bytes and text; a number among the pieces is a pause in seconds."""
    for piece in pieces:
        if isinstance(piece, (int, float)):
            time.sleep(piece)
        else:
            sock.sendall(as_bytes(piece))


def reset(sock):
    """Closes with a TCP reset (on a Unix socket: closes)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# ---------------------------------------------------------------- the client

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) ([\t -~\x80-\xff]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})")


class Response:
    """One final response.

    version "1.1", status 200, reason "OK", fields [(name, value), ...] in order, body bytes,
    interim: the 1xx responses before it, trailers like fields,
    framing: "none" (no body by rule), "length", "chunked" or "close"; complete: the body came whole;
    chunks: sizes as they came.
    """

    def __init__(self, version, status, reason, fields):
        self.version, self.status, self.reason, self.fields = version, status, reason, fields
        self.body, self.trailers, self.interim, self.chunks = b"", [], [], []
        self.framing, self.complete = "none", False

    def all(self, name):
        """Values of every field of that name, in order."""
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        """The values joined by ", ", or default."""
        values = self.all(name)
        return ", ".join(values) if values else default

    def __getitem__(self, name):
        value = self.get(name)
        if value is None:
            raise KeyError(f"no field {name!r} in {self}")
        return value

    def __contains__(self, name):
        return bool(self.all(name))

    @property
    def text(self):
        return self.body.decode("utf-8")

    def __repr__(self):
        return f"<HTTP/{self.version} {self.status} {self.reason} {self.fields} {self.framing} {self.body[:200]!r}>"


class Client:
    """One client connection: sends any bytes, reads responses strictly."""

    def __init__(self, address):
        self.address = address
        self.sock = connect_to(address)
        self.buffer = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # sending

    def send(self, *pieces):
        """Bytes and text as they are; a number is a pause in seconds."""
        send_pieces(self.sock, pieces)
        return self

    def request(self, method, target, fields=(), body=None, version="1.1", host="localhost"):
        """Sends one request. Adds Host (unless host is None or given) and, when there is a body, Content-Length
        (unless it or Transfer-Encoding is given). fields: dict or list of pairs."""
        fields = list(fields.items() if isinstance(fields, dict) else fields)
        names = {n.lower() for n, _ in fields}
        if host is not None and "host" not in names:
            fields.insert(0, ("Host", host))
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            fields.append(("Content-Length", str(len(as_bytes(body)))))
        head = f"{method} {target} HTTP/{version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
        self.sock.sendall(head.encode("latin-1") + as_bytes(body or b""))
        return self

    def shutdown(self):
        """Ends the sending half."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        reset(self.sock)

    # reading

    def _more(self):
        if self.ended:
            return False
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            self.ended = True
            raise Incomplete("the gateway reset the connection") from None
        except TimeoutError:
            raise ProtocolError(f"nothing came for {TIMEOUT} s; unread so far: {self.buffer[:300]!r}") from None
        self.ended = not data
        self.buffer += data
        return bool(data)

    def _line(self, what):
        while b"\n" not in self.buffer:
            if not self._more():
                raise Incomplete(f"the connection ended in {what}: {self.buffer[:300]!r}")
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise ProtocolError(f"{what} does not end in CRLF: {line[:300]!r}")
        return line[:-1]

    def _take(self, n, response):
        while len(self.buffer) < n:
            if not self._more():
                response.body += self.buffer
                self.buffer = b""
                raise Incomplete(f"the body ended early, after {len(response.body)} bytes", response)
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def _fields(self, what):
        fields = []
        while True:
            line = self._line(what)
            if not line:
                return fields
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise ProtocolError(f"bad field line: {line[:300]!r}")
            fields.append((match[1].decode("latin-1"), match[2].decode("latin-1")))

    def head(self):
        """Reads one response head (interim or final), without its body."""
        line = self._line("the status line")
        match = STATUS_LINE.fullmatch(line)
        if not match:
            raise ProtocolError(f"bad status line: {line[:300]!r}")
        return Response(f"1.{match[1].decode()}", int(match[2]), match[3].decode("latin-1"), self._fields("the head"))

    def response(self, method="GET", partial=False):
        """Reads one final response and its body. A body that was cut off raises Incomplete; with partial=True the
        response is returned with complete == False instead."""
        try:
            return self._response(method)
        except Incomplete as e:
            if partial and e.response:
                return e.response
            raise

    def _response(self, method):
        interim = []
        while True:
            r = self.head()
            if r.status >= 200 or r.status == 101:
                break
            if "Content-Length" in r or "Transfer-Encoding" in r:
                raise ProtocolError(f"a {r.status} with a body: {r}")
            interim.append(r)
        r.interim = interim
        self._body(r, method)
        r.complete = True
        return r

    def _body(self, r, method):
        coding, lengths = r.get("Transfer-Encoding"), r.all("Content-Length")
        if coding is not None and lengths:
            raise ProtocolError(f"Transfer-Encoding and Content-Length together: {r}")
        if len(lengths) > 1 or lengths and not re.fullmatch(r"[0-9]+", lengths[0]):
            raise ProtocolError(f"bad Content-Length: {r}")
        if coding is not None and (r.version == "1.0" or r.status == 204):
            raise ProtocolError(f"Transfer-Encoding where none may be: {r}")
        if lengths and r.status == 204:
            raise ProtocolError(f"a 204 with Content-Length: {r}")
        if method == "HEAD" or r.status in (204, 304, 101):
            return
        if coding is not None:
            if coding.lower() != "chunked":
                raise ProtocolError(f"unknown transfer coding: {r}")
            r.framing = "chunked"
            self._chunks(r)
        elif lengths:
            r.framing = "length"
            r.body = self._take(int(lengths[0]), r)
        else:
            r.framing = "close"
            while self._more():
                pass
            r.body, self.buffer = self.buffer, b""

    def _chunks(self, r):
        while True:
            try:
                line = self._line("a chunk head")
            except Incomplete as e:
                raise Incomplete(str(e), r) from None
            match = CHUNK_LINE.fullmatch(line)
            if not match:
                raise ProtocolError(f"bad chunk head: {line[:300]!r}")
            size = int(match[1], 16)
            if not size:
                break
            r.chunks.append(size)
            r.body += self._take(size, r)
            if self._take(2, r) != b"\r\n":
                raise ProtocolError("a chunk does not end in CRLF")
        r.trailers = self._fields("the trailer")

    def quiet(self, seconds=0.2):
        """True if nothing comes (no byte, no end) for that long."""
        return not self.buffer and not select.select([self.sock], [], [], seconds)[0]

    def wait_end(self):
        """Waits until the gateway closes the connection. Returns "eof" or "reset"; bytes that come are an error."""
        try:
            while self._more():
                pass
            how = "eof"
        except Incomplete:
            how = "reset"
        if self.buffer:
            raise ProtocolError(f"bytes before the end of the connection: {self.buffer[:300]!r}")
        return how

    def rest(self):
        """Everything until the end of the connection, raw."""
        try:
            while self._more():
                pass
        except Incomplete:
            pass
        data, self.buffer = self.buffer, b""
        return data


# ---------------------------------------------------------------- the backend

class ScgiError(ProtocolError):
    """The gateway sent something that is not an SCGI request."""


def parse_block(block):
    """The pairs of a request block, by the rules of the SCGI specification. Raises ScgiError."""
    if not block.endswith(b"\0"):
        raise ScgiError(f"the block does not end in NUL: {block[-60:]!r}")
    items = block[:-1].split(b"\0")
    if len(items) % 2:
        raise ScgiError("a name without a value")
    pairs = [(items[i].decode("latin-1"), items[i + 1].decode("latin-1")) for i in range(0, len(items), 2)]
    names = [n for n, _ in pairs]
    if "" in names:
        raise ScgiError("an empty name")
    if len(set(names)) != len(names):
        raise ScgiError(f"names twice: {sorted(n for n in set(names) if names.count(n) > 1)}")
    if names[0] != "CONTENT_LENGTH" or not re.fullmatch(r"0|[1-9][0-9]*", pairs[0][1]):
        raise ScgiError(f"the block does not begin with CONTENT_LENGTH: {pairs[:2]}")
    if dict(pairs).get("SCGI") != "1":
        raise ScgiError("SCGI is not 1")
    return pairs


class Exchange:
    """One connection from the gateway, as the script sees it.

    pairs: the variables in order; vars: the same as a dict; block: the raw netstring's content;
    body: what was read of it; ended: how the gateway's side ended ("eof", "reset") once that was read;
    error: why the script failed, if it did.
    """

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""
        self.block, self.pairs, self.vars, self.body = b"", [], {}, b""
        self.ended = self.error = None
        self.got_request = threading.Event()
        self.done = threading.Event()

    def _more(self, what=None):
        try:
            data = self.sock.recv(65536)
            if not data:
                self.ended = "eof"
        except ConnectionResetError:
            data, self.ended = b"", "reset"
        if not data and what:
            raise ScgiError(f"the gateway's connection ended in {what} ({self.ended}): {self.buffer[:200]!r}")
        self.buffer += data
        return bool(data)

    # for scripts

    def read_block(self):
        """Reads the netstring strictly; sets block, pairs and vars. Returns vars."""
        while b":" not in self.buffer:
            if len(self.buffer) > 8:
                raise ScgiError(f"no netstring: {self.buffer[:60]!r}")
            self._more("the length of the netstring")
        head, rest = self.buffer.split(b":", 1)
        if not re.fullmatch(rb"[1-9][0-9]{0,7}", head):
            raise ScgiError(f"bad netstring length: {head!r}")
        self.buffer = rest
        while len(self.buffer) < int(head) + 1:
            self._more("the request block")
        self.block, end, self.buffer = self.buffer[:int(head)], self.buffer[int(head):int(head) + 1], self.buffer[int(head) + 1:]
        if end != b",":
            raise ScgiError(f"the netstring ends in {end!r}, not in a comma")
        self.pairs = parse_block(self.block)
        self.vars = dict(self.pairs)
        self.got_request.set()
        return self.vars

    def read_body(self, n=None):
        """Reads n more bytes of the body (None: all of CONTENT_LENGTH); adds to body and returns the new bytes."""
        if n is None:
            n = int(self.vars["CONTENT_LENGTH"]) - len(self.body)
        while len(self.buffer) < n:
            self._more("the body")
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        self.body += data
        return data

    def read(self):
        """The block and the whole body; returns vars."""
        self.read_block()
        self.read_body()
        return self.vars

    def send(self, *pieces):
        """Bytes and text as they are; a number is a pause in seconds."""
        send_pieces(self.sock, pieces)

    def shutdown(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with a TCP reset; the script's last act."""
        reset(self.sock)

    def wait_end(self):
        """Waits until the gateway closes; returns "eof" or "reset". Bytes after the request are an error."""
        while self._more():
            pass
        if self.buffer:
            raise ScgiError(f"bytes after the request: {self.buffer[:200]!r}")
        return self.ended


class Backend:
    """A scripted SCGI application on a thread.

    Scripts, one per connection in turn, the last one for all that follow: each is
      bytes or text        the request and its body are read, then this is sent, then the connection is closed
      a list               the same with several pieces; numbers are pauses in seconds
      a function           called with the Exchange; it does what it likes; the connection is closed when it returns
    A script that raises makes stop() fail, and with it the test.
    """

    def __init__(self, *scripts, family="tcp4", path=None, port=0, backlog=128):
        self.scripts = scripts or (b"Content-Type: text/plain\r\n\r\nok\n",)
        self.exchanges, self.threads = [], []
        self.lock = threading.Condition()
        if family == "unix":
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.address, self.url = path, f"unix:{path}|scgi://localhost/"
        else:
            inet, host = (socket.AF_INET6, "::1") if family == "tcp6" else (socket.AF_INET, "127.0.0.1")
            self.listener = socket.socket(inet)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
            self.port = self.listener.getsockname()[1]
            self.address = (host, self.port)
            self.url = f"scgi://[{host}]:{self.port}/" if inet == socket.AF_INET6 else f"scgi://{host}:{self.port}/"
        self.listener.listen(backlog)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(TIMEOUT)
            exchange = Exchange(sock)
            with self.lock:
                script = self.scripts[min(len(self.exchanges), len(self.scripts) - 1)]
                self.exchanges.append(exchange)
                self.lock.notify_all()
            thread = threading.Thread(target=self._play, args=(exchange, script), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _play(self, exchange, script):
        try:
            if callable(script):
                script(exchange)
            else:
                exchange.read()
                exchange.send(*(script if isinstance(script, (list, tuple)) else [script]))
        except Exception as e:  # judged by stop()
            exchange.error = e
        finally:
            exchange.sock.close()
            exchange.got_request.set()
            exchange.done.set()

    # for tests

    def wait(self, n=1, timeout=TIMEOUT):
        """Waits until n connections have come; returns the n-th Exchange."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.exchanges) >= n, timeout), \
                f"{len(self.exchanges)} connections came to the backend, {n} were expected"
            return self.exchanges[n - 1]

    def request(self, n=1):
        """The n-th Exchange, when its request block has been read."""
        exchange = self.wait(n)
        assert exchange.got_request.wait(TIMEOUT), "no request came"
        return exchange

    def finished(self, n=1):
        """The n-th Exchange, when its script has ended; raises what the script raised."""
        exchange = self.wait(n)
        assert exchange.done.wait(TIMEOUT), "the backend's script did not end"
        if exchange.error:
            raise exchange.error
        return exchange

    @property
    def vars(self):
        """Variables of the last request."""
        return self.request(max(1, len(self.exchanges))).vars

    @property
    def count(self):
        """Connections so far."""
        return len(self.exchanges)

    def stop(self):
        """Stops listening, ends what runs; raises the first error of a script."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for exchange in self.exchanges:
            if not exchange.done.wait(0.5):
                try:
                    exchange.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                exchange.done.wait(5)
        for exchange in self.exchanges:
            if exchange.error and not getattr(exchange, "may_fail", False):
                raise exchange.error
