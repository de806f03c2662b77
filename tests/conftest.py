"""Fixtures of the protocol tests; README.md beside this file shows how to write one."""
import ctypes
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from peer import Backend, Client, TIMEOUT, connect_to, free_port, have_ipv6, wait_until

TOP = Path(__file__).resolve().parent.parent
# Text on standard error or in the log that means a broken program, whatever the exit status says.
BROKEN = re.compile(r"Sanitizer|runtime error:|stack smashing|buffer overflow detected|Assertion|"
                    r"\bmust\b.*failed|\.[ch]:\d+: \w+: |dumped core|killed by signal|backtrace", re.I)


def scgate_path():
    return str(Path(os.environ.get("SCGATE") or TOP / "build/scgate").resolve())


def kernel_allows_io_uring():
    """io_uring_setup(2) with a bad argument: ENOSYS and EPERM mean no."""
    libc = ctypes.CDLL(None, use_errno=True)
    params = ctypes.create_string_buffer(256)
    fd = libc.syscall(425, 2, params)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def engines():
    """The engines that this build has and this kernel allows."""
    try:
        text = subprocess.run([scgate_path(), "-V"], capture_output=True, text=True, timeout=10).stdout
    except OSError:
        text = ""
    return ["epoll"] + (["io_uring"] if "engine io_uring: yes" in text and kernel_allows_io_uring() else [])


def pytest_addoption(parser):
    parser.addoption("--engine", action="append", help="only this I/O engine (epoll, io_uring); may be repeated")


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        names = metafunc.config.getoption("--engine") or engines()
        metafunc.parametrize("engine", names, scope="session")


def pytest_report_header(config):
    return f"scgate: {scgate_path()}, engines: {' '.join(config.getoption('--engine') or engines())}"


GOLDEN_REPORT = []  # lines for the end of the run


@pytest.fixture(scope="session")
def golden_report():
    return GOLDEN_REPORT


def pytest_terminal_summary(terminalreporter):
    for line in GOLDEN_REPORT:
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test runs longer than 60 seconds, or what its limit mark says."""
    mark = request.node.get_closest_marker("limit")
    seconds = mark.args[0] if mark else 60

    def ring(*_):
        pytest.fail(f"the test took longer than {seconds} s", pytrace=True)

    old = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


@pytest.fixture(scope="session")
def scgate():
    """Path of the program under test: $SCGATE or build/scgate."""
    path = scgate_path()
    assert os.access(path, os.X_OK), f"no program {path}: run make first"
    return path


@pytest.fixture
def run(scgate, tmp_path):
    """run(ARGUMENT..., input=, timeout=) -> CompletedProcess (text) of one run of scgate."""
    def run(*args, input=None, timeout=20, **kw):
        result = subprocess.run([scgate, *map(str, args)], input=input, capture_output=True, text=True,
                                timeout=timeout, cwd=kw.pop("cwd", tmp_path), **kw)
        assert result.returncode >= 0, f"scgate died of signal {-result.returncode}: {result.stderr}"
        assert "Sanitizer" not in result.stderr and "runtime error:" not in result.stderr, result.stderr
        return result
    return run


@pytest.fixture
def check(run, tmp_path):
    """check(TEXT) -> CompletedProcess of `scgate -t` on that configuration text."""
    def check(text, *args):
        conf = tmp_path / "check.conf"
        conf.write_text(text.replace("@ROOT@", str(tmp_path)), encoding="latin-1")
        return run("-d", tmp_path, *args, "-t", "-f", conf)
    return check


class Gateway:
    """A running scgate. root: its ServerRoot (htdocs/ is the DocumentRoot); address: where it listens."""

    def __init__(self, scgate, root, text, engine, args, env, listen):
        self.root, self.listen = Path(root), listen
        (self.root / "htdocs").mkdir(exist_ok=True)
        self.log_path = self.root / "error.log"
        self.stderr_path = self.root / "stderr.txt"
        self.conf = self.root / "scgate.conf"
        self.process = None
        self.stopped = False
        for _ in range(3):  # the free port may be gone when scgate binds it: then another
            self._start(scgate, text, engine, args, env)
            if self._wait_ready():
                return
            if "address already in use" not in self.stderr().lower() + self.log().lower():
                break
        raise AssertionError(f"scgate did not start (status {self.process.poll()}):\n{self.stderr()}{self.log()}")

    def _start(self, scgate, text, engine, args, env):
        self.port = free_port("tcp6" if self.listen == "tcp6" else "tcp4")
        listen = {"tcp4": f"127.0.0.1:{self.port}", "tcp6": f"[::1]:{self.port}", "unix": f"unix:{self.root}/front.sock",
                  None: None}[self.listen]
        self.address = {"tcp4": ("127.0.0.1", self.port), "tcp6": ("::1", self.port),
                        "unix": f"{self.root}/front.sock", None: ("127.0.0.1", self.port)}[self.listen]
        preamble = [f'ServerRoot "{self.root}"', f'PidFile "{self.root}/scgate.pid"', "WorkerProcesses 1",
                    f'DocumentRoot "{self.root}/htdocs"', f'ErrorLog "{self.log_path}"', "LogLevel info",
                    "ServerName localhost"]
        if listen:
            preamble.append(f"Listen {listen}")
        text = text.replace("@ROOT@", str(self.root)).replace("@PORT@", str(self.port))
        self.conf.write_text("\n".join(preamble) + "\n" + text + "\n", encoding="latin-1")
        self.log_path.write_text("")
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TZ") or k.endswith("SAN_OPTIONS")}
        environment.update(env or {})
        with open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen([scgate, "-C", f"IOEngine {engine}", *args, "-f", str(self.conf)],
                                            stdin=subprocess.DEVNULL, stdout=err, stderr=err, env=environment,
                                            cwd=self.root, start_new_session=True)

    def _wait_ready(self):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end and self.process.poll() is None:
            try:
                connect_to(self.address).close()
                return self.process.poll() is None
            except OSError:
                time.sleep(0.02)
        return False

    # talking to it

    def connect(self):
        """A Client: one connection for raw bytes and strict reading."""
        return Client(self.address)

    def request(self, method, target, fields=(), body=None, partial=False, **kw):
        """One request on a connection of its own; returns the Response."""
        with self.connect() as client:
            client.request(method, target, fields, body, **kw)
            return client.response(method, partial)

    def get(self, target, fields=(), **kw):
        return self.request("GET", target, fields, **kw)

    def post(self, target, body=b"", fields=(), **kw):
        return self.request("POST", target, fields, body, **kw)

    @property
    def url(self):
        """http://127.0.0.1:PORT, for programs like curl."""
        host = "[::1]" if self.listen == "tcp6" else "127.0.0.1"
        return f"http://{host}:{self.port}"

    # looking at it

    @property
    def pid(self):
        return self.process.pid

    def stderr(self):
        return self.stderr_path.read_text(encoding="utf-8", errors="replace") if self.stderr_path.exists() else ""

    def log(self, path=None):
        """The error log, or the file of that name below root."""
        file = self.root / path if path else self.log_path
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def wait_log(self, pattern, path=None):
        """Waits for a line that the pattern is found in; returns the match."""
        return wait_until(lambda: re.search(pattern, self.log(path), re.M), what=f"a log line {pattern!r}")

    # ending it

    def kill(self, number):
        os.kill(self.process.pid, number)

    def stop(self, number=signal.SIGTERM, status=0):
        """Ends it and judges: the exit status, and no sign of a crash. Called by the fixture if not by the test."""
        if self.stopped:
            return
        self.stopped = True
        if self.process.poll() is None:
            self.kill(number)
        try:
            code = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._kill_all()
            raise AssertionError(f"scgate did not stop within {TIMEOUT} s of signal {number}:\n{self.log()}") from None
        text = self.stderr() + self.log()
        assert not BROKEN.search(text), f"signs of a crash:\n{text}"
        assert code == status, f"scgate ended with {code}, not {status}:\n{text}"

    def _kill_all(self):
        """The last resort: the whole process group, which is ours alone (start_new_session)."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


@pytest.fixture
def gateway(scgate, engine, tmp_path):
    """gateway(TEXT, args=(), env=None, listen="tcp4") -> Gateway, ready to answer; ended and judged after the test.

    TEXT is configuration; @ROOT@ and @PORT@ in it are replaced. listen: "tcp4", "tcp6", "unix", or None when TEXT
    itself says where (then on port @PORT@ of 127.0.0.1 too, which is where the fixture waits for it).
    """
    running = []

    def start(text="", args=(), env=None, listen="tcp4"):
        if listen == "tcp6" and not have_ipv6():
            pytest.skip("no ::1 on this machine")
        root = tmp_path / f"gw{len(running)}" if running else tmp_path / "gw"
        root.mkdir()
        gw = Gateway(scgate, root, text, engine, args, env, listen)
        running.append(gw)
        return gw

    yield start
    errors = []
    for gw in running:
        try:
            gw.stop()
        except AssertionError as e:
            errors.append(str(e))
        print(f"--- error log of {gw.root.name}\n{gw.log()}--- standard error\n{gw.stderr()}")
    assert not errors, "\n".join(errors)


@pytest.fixture
def backend(tmp_path_factory):
    """backend(SCRIPT..., family="tcp4"|"tcp6"|"unix") -> Backend; see peer.py for what a script can be."""
    running = []

    def start(*scripts, family="tcp4", **kw):
        if family == "tcp6" and not have_ipv6():
            pytest.skip("no ::1 on this machine")
        if family == "unix" and "path" not in kw:
            kw["path"] = str(tmp_path_factory.mktemp("b", numbered=True) / "s")
        b = Backend(*scripts, family=family, **kw)
        running.append(b)
        return b

    yield start
    for b in running:
        b.stop()
