"""The command line, faults of the configuration, signals, the PidFile, privileges and logs."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from peer import TIMEOUT, Incomplete, free_port, wait_until

TEXT = b"Content-Type: text/plain\r\n\r\n"
OK = TEXT + b"ok"


# ---- options ----

def test_version(run):
    for option in ("-v", "--version"):
        result = run(option)
        assert result.returncode == 0 and re.fullmatch(r"scgate \d+\.\d+\.\d+\n", result.stdout)
    result = run("-V")
    assert result.returncode == 0 and result.stdout.startswith(run("-v").stdout)
    assert re.search(r"^  engine epoll: yes$", result.stdout, re.M) and re.search(r"^  engine io_uring: ", result.stdout, re.M)


def test_help(run):
    result = run("-h")
    assert result.returncode == 0 and result.stdout.startswith("usage: scgate -f FILE") and result.stderr == ""
    for word in ("-t", "-S", "-D NAME", "-C ", "-c ", "-L", "app ADDRESS", "call ADDRESS PATH", "demo"):
        assert word in result.stdout


def test_list_of_directives(run):
    result = run("-L")
    assert result.returncode == 0
    for line in ("Listen [address:]port|unix:path", "ProxySCGISendfile On|Off|Headername", "Timeout seconds"):
        assert f"\n{line}\n    " in "\n" + result.stdout
    assert re.search(r"\nProxyPass .*\n    .*\n    context: server config, virtual host, <Location>\n", result.stdout)


@pytest.mark.parametrize("args,what", [
    (["-x"], "-- 'x'"), (["-f"], "requires an argument"), (["--nothing"], "--nothing"), ([], "no configuration"),
    (["-t"], "no configuration"), (["-t", "-f", "x", "y"], "a word too many"), (["nonsense"], "a word too many"),
])
def test_wrong_options(run, args, what):
    result = run(*args)
    assert result.returncode == 2 and what in result.stderr and "scgate -h" in result.stderr and result.stdout == ""


def test_configuration_that_cannot_be_read(run, tmp_path):
    for path in (tmp_path / "none.conf", tmp_path):
        result = run("-t", "-f", path)
        assert result.returncode == 1 and str(path) in result.stderr and "cannot read" in result.stderr


def test_check(check):
    result = check("Listen 127.0.0.1:8080\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "Syntax OK\n")


def test_check_opens_nothing(check, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        result = check(f'Listen 127.0.0.1:{s.getsockname()[1]}\nErrorLog "@ROOT@/e.log"\nPidFile "@ROOT@/p"\nListen "unix:@ROOT@/s"\n')
    assert result.returncode == 0, result.stderr
    assert not any((tmp_path / name).exists() for name in ("e.log", "p", "s"))


def test_defines(check):
    text = "<IfDefine ONE>\nListen 81\n</IfDefine>\n<IfDefine !ONE>\nNonsense\n</IfDefine>\n"
    assert check(text, "-D", "ONE").returncode == 0
    assert "Nonsense" in check(text).stderr
    assert check(text, "-D", "TWO").returncode == 1


def test_directives_on_the_command_line(check, run, tmp_path):
    """-C stands before the file, -c behind it."""
    assert check("Listen ${PORT}\n", "-C", "Define PORT 8081").returncode == 0
    assert check("Define PORT 8081\n", "-c", "Listen ${PORT}").returncode == 0
    assert check("Define PORT 8081\n", "-C", "Listen ${PORT}").returncode == 1
    result = check("Listen 80\n", "-c", "Lisen 81")
    assert result.returncode == 1 and 'unknown directive "Lisen"' in result.stderr and 'did you mean "Listen"?' in result.stderr
    assert "command line" in result.stderr


def test_root_option(run, tmp_path):
    (tmp_path / "in.conf").write_text("Listen 8080\n")
    (tmp_path / "x.conf").write_text("Include in.conf\n")
    assert run("-t", "-d", tmp_path, "-f", tmp_path / "x.conf").returncode == 0
    assert run("-t", "-d", "/", "-f", tmp_path / "x.conf").returncode == 1


def test_show(check, run, tmp_path):
    conf = tmp_path / "s.conf"
    conf.write_text(f'''ServerRoot "{tmp_path}"
Listen 8080
Listen [::1]:8081
Listen "unix:{tmp_path}/s.sock"
ServerName main.example
ProxyPass "/a/" "scgi://h:4001/base/"
ProxyPass "/a/not/" "!"
<VirtualHost *:8080>
    ServerName one.example
    ServerAlias www.one.example
    ProxyPass "/b/" "unix:{tmp_path}/b.sock|scgi://localhost/"
    Alias "/files/" "{tmp_path}/"
</VirtualHost>
''')
    result = run("-S", "-f", conf)
    assert result.returncode == 0, result.stderr
    for part in ("*:8080", "[::1]:8081", f"unix:{tmp_path}/s.sock", "main.example", "one.example", "www.one.example",
                 "/a/ -> scgi://h:4001 path /base/", "/a/not/ -> not proxied", f"/b/ -> unix:{tmp_path}/b.sock", f"{conf}:11"):
        assert part in result.stdout, (part, result.stdout)


# ---- faults of the configuration ----

def diagnostics(text):
    """[(file, line, column, level, message, source line, hint)]; each caret must stand below the fault."""
    found = []
    lines = text.splitlines()
    for i, line in enumerate(lines):
        match = re.match(r"(.*?):(\d+):(\d+): (error|warning): (.*)", line)
        if not match:
            continue
        file, row, column, level, message = match.groups()
        source, caret = lines[i + 1], lines[i + 2]
        assert source.startswith("  ") and re.fullmatch(r"\s*\^", caret), text
        assert len(caret) == 2 + int(column), (source, caret)
        hint = lines[i + 3].strip() if i + 3 < len(lines) and lines[i + 3].startswith("  hint: ") else None
        found.append((file, int(row), int(column), level, message, source[2:], hint))
    return found


FAULTS = [
    ("Listn 80", 1, "unknown directive", "Listen"),
    ("  KeepAlive Maybe", 13, "KeepAlive must be On or Off", None),
    ("Timeout", 1, "takes one argument", "syntax: Timeout"),
    ("Timeout 1 2", 11, "takes one argument", None),
    ("Listen 127.0.0.1:70000", 8, "not a port", None),
    ("Listen 127.0.0.1", 8, "port is missing", "Listen 127.0.0.1:8080"),
    ("ProxyPass /a /b", 14, "URL must be absolute", "scgi://host:port/path"),
    ('ProxyPass "/a" "scgi://h:1/" timout=3', 30, 'unknown parameter "timout"', None),
    ('ProxyPass "/a" "scgi://h:1/" timeout=x', 30, "timeout", None),
    ("<Location /x>", 1, "not closed", None),
    ("</Location>", 1, "without", None),
    ("<Location /x>\nListen 81\n</Location>", 1, "not allowed in <Location>", "server config"),
    ('DocumentRoot "/no/such/place"', 14, "is not a directory", None),
    ("LogLevel loud", 10, "loud", None),
    ('LogFormat "%Q" x', 12, "unknown format letter", None),
    ("SetEnvIf Request_URI ( x", 23, "cannot be compiled", None),
    ("IOEngine kqueue", 10, "IOEngine must be", None),
    ("ErrorDocument 200 x", 15, "", None),
    ("Require all granted", 1, "outside of a section", "directory"),
    ("Include nothing.conf", 9, "nothing.conf", None),
    ("User", 1, "takes one argument", None),
    ("ProxyRequests On", 15, "any SCGI server", "ProxySCGIForward On"),
    ("RewriteEngine On", 15, "not supported", None),
]


@pytest.mark.parametrize("text,column,message,hint", FAULTS, ids=[f[0][:30] for f in FAULTS])
def test_fault(check, tmp_path, text, column, message, hint):
    result = check("Listen 8080\n" + text + "\n")
    assert result.returncode == 1 and "Syntax OK" not in result.stderr
    errors = [d for d in diagnostics(result.stderr) if d[3] == "error"]
    assert errors, result.stderr
    file, line, at, _, said, source, given = errors[0]
    assert file == str(tmp_path / "check.conf") and message in said
    assert line == (3 if text.startswith("<Location /x>\nL") else 2)
    assert source == (text.split("\n")[1] if "\n" in text else text)
    assert at == column, result.stderr
    if hint:
        assert hint in given


@pytest.mark.parametrize("text,column", [("LimitRequestFields many", 20), ("Timeout abc", 9), ("Timeout 0", 9)])
def test_warning(check, text, column):
    """What httpd accepts, though it means nothing, does not keep scgate from starting."""
    result = check(f"Listen 8080\n{text}\n")
    assert result.returncode == 0 and result.stderr.endswith("Syntax OK\n")
    (warning,) = diagnostics(result.stderr)
    assert warning[1:4] == (2, column, "warning")


def test_many_faults_in_one_go(check):
    result = check("Listn 80\nTimeout\n\nKeepAlive Perhaps # no comment\n<Location /x>\nListen 80\n</Location>\nSetEnvIf\nListen 8080\n")
    assert result.returncode == 1
    assert [d[1] for d in diagnostics(result.stderr)] == [1, 2, 4, 6, 8]
    assert "5 faults" in result.stderr


def test_fault_in_an_included_file(check, tmp_path):
    (tmp_path / "in.conf").write_text("Listen 8080\n\n   Listn 80\n")
    result = check(f'# first\nInclude "{tmp_path}/in.conf"\n')
    (fault,) = diagnostics(result.stderr)
    assert fault[:3] == (str(tmp_path / "in.conf"), 3, 4)


def test_tabs_do_not_move_the_caret(check):
    result = check("Listen 8080\n\tKeepAlive\tMaybe\n")
    (fault,) = diagnostics(result.stderr)
    assert fault[1:3] == (2, 12)


def test_what_is_without_effect_is_named_once(gateway):
    gw = gateway("LoadModule proxy_module modules/mod_proxy.so\nLoadModule x_module y.so\nMaxRequestWorkers 150")
    assert gw.get("/none").status == 404
    (line,) = [line for line in gw.stderr().splitlines() if "without effect" in line]
    assert line.count("LoadModule") == 1 and "MaxRequestWorkers" in line


# ---- starting ----

def test_address_in_use(run, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        conf = tmp_path / "x.conf"
        conf.write_text(f'ServerRoot "{tmp_path}"\nListen 127.0.0.1:{s.getsockname()[1]}\nPidFile "{tmp_path}/pid"\n')
        result = run("-f", conf)
    assert result.returncode == 1 and f"{conf}:2" in result.stderr and "in use" in result.stderr
    assert not (tmp_path / "pid").exists()


@pytest.mark.parametrize("line", ['ErrorLog "@/none/e.log"', 'CustomLog "@/none/a.log" "%h"', 'PidFile "@/none/pid"',
                                  'User no-such-user-here', 'Group no-such-group-here', 'Listen "unix:@/none/x.sock"'])
def test_start_that_fails(run, tmp_path, line):
    if line.startswith(("User", "Group")) and os.geteuid() != 0:
        pytest.skip("only root changes the user")
    conf = tmp_path / "x.conf"
    conf.write_text(f'ServerRoot "{tmp_path}"\nListen 127.0.0.1:{free_port()}\n{line.replace("@", str(tmp_path))}\n')
    result = run("-f", conf)
    assert result.returncode == 1
    word = line.split()[1].strip('"').replace("unix:", "").replace("@", str(tmp_path))
    assert word in result.stderr or f"{conf}:3" in result.stderr, result.stderr


def test_errors_go_to_standard_error_without_an_error_log(scgate, tmp_path):
    port = free_port()
    conf = tmp_path / "x.conf"
    conf.write_text(f'ServerRoot "{tmp_path}"\nListen 127.0.0.1:{port}\nLogLevel info\n')
    with subprocess.Popen([scgate, "-f", str(conf)], stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) as process:
        assert re.search(r"\[notice\] \[pid \d+\] scgate .* serves", process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        assert "stopping" in process.stderr.read()
        assert process.wait(TIMEOUT) == 0


def test_pid_file(gateway):
    gw = gateway()
    assert (gw.root / "scgate.pid").read_text() == f"{gw.pid}\n"
    gw.stop()
    assert not (gw.root / "scgate.pid").exists()


def test_pid_file_does_not_follow_a_link(run, tmp_path):
    (tmp_path / "victim").write_text("keep")
    (tmp_path / "pid").symlink_to("victim")
    conf = tmp_path / "x.conf"
    conf.write_text(f'ServerRoot "{tmp_path}"\nListen 127.0.0.1:{free_port()}\nPidFile "{tmp_path}/pid"\n')
    assert run("-f", conf).returncode == 1
    assert (tmp_path / "victim").read_text() == "keep"


# ---- signals ----

def slow_start(gateway, backend, text=""):
    """A gateway with one request under way: (gateway, client, event that lets it end)."""
    go = threading.Event()

    def app(x):
        x.may_fail = True
        x.read()
        go.wait(TIMEOUT)
        x.send(OK)
    app = backend(app)
    gw = gateway(f'ProxyPass "/app/" "{app.url}"\n{text}')
    client = gw.connect()
    client.request("GET", "/app/")
    app.request()
    return gw, client, go


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop(gateway, backend, number):
    """At once, whatever is under way."""
    gw, client, go = slow_start(gateway, backend)
    idle = gw.connect()
    half = gw.connect().send("GET / HT")
    begin = time.monotonic()
    gw.stop(number)
    assert time.monotonic() - begin < 1
    for c in (client, idle, half):
        assert c.rest() == b""
    go.set()
    assert "stopping" in gw.log()


def test_stop_gracefully(gateway, backend):
    gw, client, go = slow_start(gateway, backend)
    idle = gw.connect()
    gw.kill(signal.SIGWINCH)
    assert idle.wait_end() == "eof"
    with pytest.raises(OSError):
        wait_until(lambda: gw.connect().close(), 3)  # None until it is refused
    assert gw.process.poll() is None
    go.set()
    answer = client.response()
    assert answer.body == b"ok" and answer["Connection"] == "close"
    client.close()
    assert gw.process.wait(TIMEOUT) == 0
    gw.stop()


def test_stop_gracefully_then_at_once(gateway, backend):
    gw, client, go = slow_start(gateway, backend)
    gw.kill(signal.SIGWINCH)
    time.sleep(0.1)
    begin = time.monotonic()
    gw.stop(signal.SIGTERM)
    assert time.monotonic() - begin < 1
    go.set()
    client.close()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_reload_signals_do_no_harm(gateway, number):
    gw = gateway()
    gw.kill(number)
    gw.wait_log("reload")
    assert gw.get("/none").status == 404


def test_broken_pipes_do_no_harm(gateway, backend):
    def app(x):
        x.may_fail = True
        x.read()
        x.send(TEXT)
        for _ in range(20):
            x.send(b"x" * 100000)
    gw = gateway(f'ProxyPass "/app/" "{backend(app).url}"')
    for _ in range(5):
        client = gw.connect()
        client.request("GET", "/app/")
        client.head()
        client.reset()
    assert gw.get("/none").status == 404


# ---- privileges ----

@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
@pytest.mark.parametrize("user,group", [("nobody", "nogroup"), ("#65534", "#65534"), ("nobody", "")])
def test_user_and_group(gateway, backend, user, group):
    app = backend(OK)
    gw = gateway(f'User {user}\n{"Group " + group if group else ""}\nProxyPass "/app/" "{app.url}"\nCustomLog "access.log" "%s"')
    assert gw.get("/app/").status == 200
    status = open(f"/proc/{gw.pid}/status").read()
    assert re.search(r"^Uid:(\t65534){4}$", status, re.M) and re.search(r"^Gid:(\t65534){4}$", status, re.M)
    assert not re.search(r"^Groups:.*\b0\b", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^CapEff:\t0+$", status, re.M)
    gw.wait_log("^200$", "access.log")  # opened before


# ---- logs ----

def logged(gateway, backend, formats, request=("GET", "/app/x?y=z"), fields=(), script=OK, text="", body=None, **kw):
    """The line that one request leaves, cut at '|', as a dict by format."""
    app = backend(script)
    gw = gateway(f'LogFormat "{"|".join(formats)}" all\nCustomLog "@ROOT@/access.log" all\nProxyPass "/app/" "{app.url}"\n{text}', **kw)
    with gw.connect() as client:
        client.request(*request, fields=fields, body=body)
        answer = client.response(request[0])
        gw.client_port = client.sock.getsockname()[1]
    gw.wait_log(".", "access.log")
    line = gw.log("access.log").rstrip("\n")
    assert "\n" not in line
    return gw, answer, dict(zip(formats, line.split("|"), strict=True))


LETTERS = ["%h", "%a", "%A", "%b", "%B", "%D", "%T", "%{ms}T", "%{us}T", "%{s}T", "%H", "%I", "%O", "%S", "%k", "%l", "%u", "%m", "%p",
           "%{local}p", "%{remote}p", "%P", "%q", "%r", "%s", "%>s", "%<s", "%U", "%v", "%V", "%X", "%%", "%{X-In}i", "%{X-None}i",
           "%{x-out}o", "%{SETVAR}e", "%{REQUEST_METHOD}e", "%{two}C", "%{none}C", "%f", "%{x}n", "%L", "%R"]


def test_every_letter(gateway, backend):
    body = b"content!"
    gw, answer, got = logged(gateway, backend, LETTERS, ("POST", "/app/a%20b?y=%22z"),
                             [("X-In", 'say "hi" \xe9\t.'), ("Cookie", "one=1; two=2; three=3"), ("Host", "Given.example:99")],
                             b"X-Out: out\r\nContent-Length: 5\r\n\r\nhello", "SetEnv SETVAR set", body)
    want = {"%h": "127.0.0.1", "%a": "127.0.0.1", "%A": "127.0.0.1", "%b": "5", "%B": "5", "%H": "HTTP/1.1", "%k": "0", "%l": "-",
            "%u": "-", "%m": "POST", "%p": str(gw.port), "%{local}p": str(gw.port), "%{remote}p": str(gw.client_port), "%P": str(gw.pid),
            "%q": "?y=%22z", "%r": "POST /app/a%20b?y=%22z HTTP/1.1", "%s": "200", "%>s": "200", "%<s": "200", "%U": "/app/a b",
            "%v": "localhost", "%V": "given.example", "%X": "+", "%%": "%", "%{X-In}i": 'say \\"hi\\" \\xe9\\t.', "%{X-None}i": "-",
            "%{x-out}o": "out", "%{SETVAR}e": "set", "%{REQUEST_METHOD}e": "POST", "%{two}C": "2", "%{none}C": "-", "%{x}n": "-",
            "%L": "-"}
    assert {k: got[k] for k in want} == want
    for name in ("%D", "%T", "%{ms}T", "%{us}T", "%{s}T", "%I", "%O", "%S"):
        assert got[name].isdigit(), name
    assert int(got["%D"]) < 15_000_000 and int(got["%I"]) + int(got["%O"]) == int(got["%S"])
    assert got["%f"].startswith("proxy:scgi://127.0.0.1")


def test_bytes_on_the_wire(gateway, backend):
    app = backend(b"Content-Length: 5\r\n\r\nhello")
    gw = gateway(f'CustomLog "@ROOT@/access.log" "%I %O"\nProxyPass "/app/" "{app.url}"')
    request = b"POST /app/ HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\nConnection: close\r\n\r\n" + b"x" * 30000
    with gw.connect() as client:
        client.send(request)
        answer = client.rest()
    assert gw.wait_log(r"^(\d+) (\d+)$", "access.log").groups() == (str(len(request)), str(len(answer)))


def test_common_and_combined(gateway, backend):
    app = backend(OK)
    gw = gateway(f'LogFormat "%h %l %u %t \\"%r\\" %>s %b" common\n'
                 f'LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined\n'
                 f'CustomLog "logs-common" common\nCustomLog logs-combined combined\nProxyPass "/app/" "{app.url}"')
    gw.get("/app/x", [("Referer", "http://r/"), ("User-Agent", 'Me "1"')])
    gw.request("HEAD", "/app/y")
    when = r"\[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"
    gw.wait_log("HEAD", "logs-common")
    lines = gw.log("logs-common").splitlines()
    assert re.fullmatch(rf'127\.0\.0\.1 - - {when} "GET /app/x HTTP/1\.1" 200 2', lines[0])
    assert re.fullmatch(rf'127\.0\.0\.1 - - {when} "HEAD /app/y HTTP/1\.1" 200 -', lines[1])
    lines = gw.log("logs-combined").splitlines()
    assert re.fullmatch(rf'127\.0\.0\.1 - - {when} "GET /app/x HTTP/1\.1" 200 2 "http://r/" "Me \\"1\\""', lines[0])
    assert re.fullmatch(rf'127\.0\.0\.1 - - {when} "HEAD /app/y HTTP/1\.1" 200 - "-" "-"', lines[1])


def test_times(gateway, backend):
    before = time.time()
    _, _, got = logged(gateway, backend, ["%{sec}t", "%{msec}t", "%{%Y-%m-%d}t", "%t"])
    assert int(before) <= int(got["%{sec}t"]) <= time.time()
    assert int(before * 1000) - 1 <= int(got["%{msec}t"]) <= time.time() * 1000
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", got["%{%Y-%m-%d}t"])


def test_duration(gateway, backend):
    _, _, got = logged(gateway, backend, ["%D", "%T", "%{ms}T"], script=[0.3, OK])
    assert 290_000 < int(got["%D"]) < 5_000_000 and 290 < int(got["%{ms}T"]) < 5000


def test_connection_status(gateway, backend):
    _, _, got = logged(gateway, backend, ["%X"], fields=[("Connection", "close")])
    assert got["%X"] == "-"
    app = backend(b"Content-Length: 10\r\n\r\nshort")
    gw = gateway(f'CustomLog "@ROOT@/access.log" "%X %>s %B"\nProxyPass "/app/" "{app.url}"')
    gw.get("/app/", partial=True)
    gw.wait_log("^X 200 5$", "access.log")


def test_first_and_final_status(gateway, backend):
    """An internal redirect has two."""
    gw, answer, got = logged(gateway, backend, ["%s", "%>s", "%U", "%>U", "%r"], script=b"Location: /none\r\n\r\n")
    assert answer.status == 404
    assert got == {"%s": "200", "%>s": "404", "%U": "/app/x", "%>U": "/none", "%r": "GET /app/x?y=z HTTP/1.1"}


def test_refused_requests_are_logged(gateway):
    gw = gateway('CustomLog "@ROOT@/access.log" "%r|%>s|%m|%U"')
    with gw.connect() as client:
        client.send("GET /x HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n")
        assert client.response().status == 400
    gw.wait_log(r"^GET /x HTTP/1\.1\|400\|GET\|", "access.log")
    with gw.connect() as client:
        client.send('\x16\x03"\n')
        assert client.response().status == 400
    gw.wait_log(r'^\\x16\\x03\\"\|400\|-\|-$', "access.log")


def test_number_of_requests_before(gateway):
    gw = gateway('CustomLog "@ROOT@/access.log" "%k %r"')
    with gw.connect() as client:
        for _ in range(3):
            client.request("GET", "/none")
            client.response()
    gw.wait_log("^2 GET", "access.log")
    assert [line[0] for line in gw.log("access.log").splitlines()] == ["0", "1", "2"]


def test_log_on_condition(gateway):
    gw = gateway('SetEnvIf Request_URI "^/quiet" quiet\nCustomLog "@ROOT@/a.log" "%U" env=!quiet\nCustomLog "@ROOT@/b.log" "%U" env=quiet')
    for path in ("/loud", "/quiet", "/loud2"):
        gw.get(path)
    gw.wait_log("/loud2", "a.log")
    assert gw.log("a.log") == "/loud\n/loud2\n" and gw.log("b.log") == "/quiet\n"


def test_logs_of_virtual_hosts(gateway):
    gw = gateway('CustomLog main.log "%v %U"\n<VirtualHost *>\nServerName one.example\nErrorLog one.err\nCustomLog one.log "%v %U"\n</VirtualHost>\n'
                 '<VirtualHost *>\nServerName two.example\n</VirtualHost>')
    gw.get("/first", [("Host", "one.example")])
    gw.get("/second", [("Host", "two.example")])
    gw.wait_log("^one.example /first$", "one.log")
    gw.wait_log("^two.example /second$", "main.log")
    gw.wait_log("GET /first", "one.err")
    assert "/first" not in gw.log() and "/first" not in gw.log("main.log")
    gw.wait_log("GET /second")


@pytest.mark.parametrize("level,client,backend_fault", [("error", False, True), ("crit", False, False), ("info", True, True)])
def test_log_level(gateway, level, client, backend_fault):
    gw = gateway(f'LogLevel {level}\nProxyPass "/dead/" "scgi://127.0.0.1:{free_port()}/"')
    gw.get("/none")
    gw.get("/dead/")
    gw.stop()
    assert ("GET /none" in gw.log()) == client
    assert ("GET /dead/" in gw.log()) == backend_fault
    assert ("[notice]" in gw.log()) == (level == "info")


def test_log_files_are_appended_to(gateway):
    gw = gateway('CustomLog "access.log" "%U"')
    gw.get("/1")
    gw.stop()
    assert gw.log("access.log") == "/1\n"
    assert (gw.root / "access.log").stat().st_mode & 0o7777 == 0o640


def test_more_worker_processes_than_this_release_has(gateway):
    gw = gateway("WorkerProcesses 4")
    gw.get("/")
    assert "WorkerProcesses 4: this release serves with one process" in gw.stderr()
