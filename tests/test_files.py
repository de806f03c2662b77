"""Files: static ones, those that an application names (X-Sendfile), and internal redirects; the examples of the
mod_proxy_scgi manual page, exactly as they stand there."""
import email.utils
import os
import re
import socket
import time

import pytest

from namespaces import in_namespaces
from peer import Backend

TEXT = b"0123456789abcdefghijklmnopqrstuvwxyz"
GRANTS = "<Directory />\nRequire all denied\n</Directory>\n<Directory @ROOT@/htdocs>\nRequire all granted\n</Directory>\n"


def put(gw, name, data=TEXT, mtime=1_600_000_000.25):
    path = gw.root / "htdocs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (mtime, mtime))
    return path


def etag_of(path):
    st = os.stat(path)
    return f'"{st.st_size:x}-{st.st_mtime_ns // 1000:x}"'


@pytest.fixture
def site(gateway):
    """A gateway with htdocs/f.txt, 36 bytes long."""
    def start(text="", **kw):
        gw = gateway(text, **kw)
        gw.file = put(gw, "f.txt")
        return gw
    return start


@pytest.fixture
def naming(gateway, backend):
    """naming(HEAD of the answer, TEXT) -> a gateway whose application at /app/ answers so; @HTDOCS@ is replaced."""
    def start(head, text="ProxySCGISendfile On", body=b"body of the application"):
        app = backend(lambda x: (x.read(), x.send(head.replace("@HTDOCS@", str(gw.root / "htdocs")).encode() + b"\r\n" + body)))
        gw = gateway(f'{text}\nProxyPass "/app/" "{app.url}"')
        gw.app = app
        gw.file = put(gw, "f.txt")
        return gw
    return start


# Every test of what a file answers runs three times: as itself, named by an application, and after an internal redirect.

@pytest.fixture(params=["static", "sendfile", "redirect"])
def any_file(request, site, naming):
    """(gateway, target) of a file of 36 bytes, in each way that files are served."""
    if request.param == "static":
        gw, target = site(), "/f.txt"
    elif request.param == "sendfile":
        gw, target = naming("X-Sendfile: @HTDOCS@/f.txt\r\n"), "/app/x"
    else:
        gw, target = naming("Location: /f.txt\r\n", ""), "/app/x"
    gw.how = request.param
    return gw, target


def test_whole_file(any_file):
    gw, target = any_file
    answer = gw.get(target)
    assert (answer.status, answer.body, answer.framing) == (200, TEXT, "length")
    assert answer["Content-Type"] == "text/plain" and answer["Content-Length"] == "36"
    assert answer["ETag"] == etag_of(gw.file)
    assert answer["Last-Modified"] == "Sun, 13 Sep 2020 12:26:40 GMT"
    assert answer["Accept-Ranges"] == "bytes"
    assert "X-Sendfile" not in answer and "Location" not in answer


def test_head(any_file):
    gw, target = any_file
    with gw.connect() as client:
        client.request("HEAD", target)
        answer = client.response("HEAD")
        assert answer.status == 200 and answer["Content-Length"] == "36" and "ETag" in answer
        client.request("GET", "/f.txt")
        assert client.response().body == TEXT


@pytest.mark.parametrize("spec,first,last", [("0-0", 0, 0), ("5-9", 5, 9), ("30-", 30, 35), ("30-99", 30, 35), ("-1", 35, 35),
                                             ("-99", 0, 35), ("0-35", 0, 35), ("5-9,", 5, 9), ("40-50,1-2", 1, 2)])
def test_one_range(any_file, spec, first, last):
    gw, target = any_file
    answer = gw.get(target, [("Range", f"bytes={spec}")])
    assert answer.status == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/36"
    assert answer.body == TEXT[first:last + 1] and answer.framing == "length"


def test_several_ranges(any_file):
    gw, target = any_file
    with gw.connect() as client:
        client.request("GET", target, [("Range", "bytes=0-1,5-9,-2")])
        answer = client.response()
        assert answer.status == 206 and answer.framing == "length"
        boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", answer["Content-Type"])[1].encode()
        parts = answer.body.split(b"--" + boundary)
        assert parts[-1] == b"--\r\n" and len(parts) == 5
        got = []
        for part in parts[1:-1]:
            head, data = part.split(b"\r\n\r\n", 1)
            assert b"Content-Type: text/plain" in head
            got.append((re.search(rb"Content-Range: (.*)", head)[1].decode(), data[:-2]))
        assert got == [("bytes 0-1/36", b"01"), ("bytes 5-9/36", b"56789"), ("bytes 34-35/36", b"yz")]
        client.request("GET", "/f.txt")
        assert client.response().body == TEXT


@pytest.mark.parametrize("spec", ["36-", "99-100", "-0"])
def test_unsatisfiable_range(any_file, spec):
    gw, target = any_file
    answer = gw.get(target, [("Range", f"bytes={spec}")])
    assert answer.status == 416 and answer["Content-Range"] == "bytes */36"


@pytest.mark.parametrize("value", ["bytes=9-5", "bytes=a-b", "lines=0-1", "bytes=", "bytes=1-2;3-4", "bytes=0-9,5-14",
                                   "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 36)) * 40])
def test_ranges_that_are_ignored(any_file, value):
    gw, target = any_file
    answer = gw.get(target, [("Range", value)])
    assert answer.status == 200 and answer.body == TEXT


def test_if_none_match(any_file):
    gw, target = any_file
    etag = etag_of(gw.file)
    for value in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = gw.get(target, [("If-None-Match", value)])
        assert answer.status == 304 and answer["ETag"] == etag, value
        assert "Content-Type" not in answer
    answer = gw.get(target, [("If-None-Match", '"other"'), ("If-Modified-Since", answer["Last-Modified"])])
    assert answer.status == 200, "If-None-Match overrides If-Modified-Since"


def test_if_modified_since(any_file):
    gw, target = any_file
    for seconds, status in ((1_600_000_000, 304), (1_600_000_001, 304), (1_599_999_999, 200)):
        answer = gw.get(target, [("If-Modified-Since", email.utils.formatdate(seconds, usegmt=True))])
        assert answer.status == status
    assert gw.get(target, [("If-Modified-Since", "yesterday")]).status == 200


def test_if_match(any_file):
    gw, target = any_file
    assert gw.get(target, [("If-Match", '"other"')]).status == 412
    assert gw.get(target, [("If-Match", etag_of(gw.file))]).status == 200
    assert gw.get(target, [("If-Unmodified-Since", "Sun, 13 Sep 2020 12:26:39 GMT")]).status == 412


def test_if_range(any_file):
    gw, target = any_file
    fields = [("Range", "bytes=0-1")]
    for value, status in ((etag_of(gw.file), 206), ('"other"', 200), ("W/" + etag_of(gw.file), 200),
                          ("Sun, 13 Sep 2020 12:26:40 GMT", 206), ("Sun, 13 Sep 2020 12:26:41 GMT", 200)):
        assert gw.get(target, fields + [("If-Range", value)]).status == status, value


def test_empty_file(any_file):
    gw, target = any_file
    put(gw, "f.txt", b"")
    answer = gw.get(target)
    assert (answer.status, answer.body, answer["Content-Length"]) == (200, b"", "0")


def test_large_file(any_file):
    gw, target = any_file
    data = b"".join(i.to_bytes(4, "big") for i in range(1_500_000))
    put(gw, "f.txt", data)
    with gw.connect() as client:
        client.request("GET", target)
        assert client.response().body == data
        client.request("GET", target, [("Range", "bytes=4000000-4000003,5000000-")])
        answer = client.response()
        assert data[4000000:4000004] in answer.body and data[5000000:] in answer.body
        client.request("GET", "/none")
        assert client.response().status == 404


def test_file_that_shrinks_while_it_is_sent(site):
    """What was announced cannot be had: the connection ends visibly, and nothing else breaks."""
    gw = site()
    path = put(gw, "big.bin", b"b" * 30_000_000)
    with gw.connect() as client:
        client.request("GET", "/big.bin")
        assert client.head().status == 200
        os.truncate(path, 1_000_000)
        data = client.rest()
        assert len(data) < 30_000_000
    gw.wait_log("send-response")
    assert gw.get("/f.txt").body == TEXT


# ---- static files ----

def test_types(site, tmp_path):
    types = tmp_path / "mime.types"
    types.write_text("# comment\ntext/html\thtml htm\nimage/x-two  one two\n")
    gw = site(f'TypesConfig "{types}"\nAddType application/x-added .added two')
    for name, want in (("a.html", "text/html"), ("a.HTM", "text/html"), ("a.one", "image/x-two"), ("a.two", "application/x-added"),
                       ("a.b.added", "application/x-added"), ("plain", None), ("a.unknown", None), (".html", None)):
        put(gw, name)
        assert gw.get("/" + name).get("Content-Type") == want, name


def test_names(site):
    gw = site()
    for name, target in (("a b.txt", "/a%20b.txt"), ("a%41.txt", "/a%2541.txt"), ("\u00fc.txt", "/%C3%BC.txt"),
                         ("q?.txt", "/q%3F.txt"), ("d/e/f.txt", "//d/./x/../e//f.txt"), ("%2F.txt", "/%252F.txt")):
        put(gw, name)
        assert gw.get(target).body == TEXT, name
    assert gw.get("/f.txt?query").body == TEXT
    assert gw.get("/f.txt/").status == 404
    assert gw.get("/f.txt/x").status == 404
    assert gw.get("/F.TXT").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FOO"])
def test_other_methods(site, method):
    gw = site()
    answer = gw.request(method, "/f.txt", body=b"x")
    assert answer.status == 405 and "GET" in answer["Allow"]
    assert gw.file.read_bytes() == TEXT


def test_directory(site):
    gw = site()
    put(gw, "dir/index.html", b"index")
    (gw.root / "htdocs/empty").mkdir()
    answer = gw.get("/dir?a=b", [("Host", f"gw.example:{gw.port}")])
    assert answer.status == 301 and answer["Location"] == f"http://gw.example:{gw.port}/dir/?a=b"
    assert gw.get("/dir/").body == b"index"
    assert gw.get("/dir/")["Content-Type"] == "text/html"
    assert gw.get("/empty/").status == 404
    assert gw.get("/").status == 404


def test_directory_index(site):
    gw = site("DirectoryIndex a.txt b.txt\n<Location /off/>\nDirectoryIndex disabled\n</Location>")
    put(gw, "b.txt", b"second")
    put(gw, "off/a.txt")
    assert gw.get("/").body == b"second"
    put(gw, "a.txt", b"first")
    assert gw.get("/").body == b"first"
    assert gw.get("/off/").status == 404


def test_alias(site, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.txt").write_text("aliased")
    gw = site(f'Alias "/al/" "{tmp_path}/other/"\nAlias "/one.txt" "{tmp_path}/other/x.txt"\n'
              f'<Directory "{tmp_path}/other">\nRequire all granted\n</Directory>')
    assert gw.get("/al/x.txt").body == gw.get("/one.txt").body == b"aliased"
    assert gw.get("/alx.txt").status == 404
    assert gw.get("/al/../f.txt").body == TEXT


def test_denied_trees(site):
    gw = site('<Directory "@ROOT@/htdocs/secret">\nRequire all denied\n</Directory>\n<Location /hidden>\nRequire all denied\n</Location>')
    put(gw, "secret/s.txt")
    put(gw, "secretary.txt")
    put(gw, "hidden/h.txt")
    for target in ("/secret/s.txt", "/secret/none", "/secret/", "/secret", "/x/../secret/s.txt", "//secret//s.txt", "/%73ecret/s.txt",
                   "/hidden/h.txt", "/hidden"):
        assert gw.get(target).status == 403, target
    assert gw.get("/secretary.txt").status == 200


@pytest.mark.parametrize("target", ["/../f.txt", "/%2e%2e/f.txt", "/a/../../f.txt", "/.%2e/etc/passwd", "/..%2f..%2fetc/passwd",
                                    "/%2e%2e%2f", "/dir/..%5c..%5cf.txt", "/....//....//etc/passwd"])
def test_no_way_above_the_root(site, target):
    gw = site()
    put(gw, "dir/x")
    (gw.root / "f.txt").write_text("outside")
    answer = gw.get(target)
    assert answer.status in (400, 403, 404) and b"outside" not in answer.body and b"root:" not in answer.body


def test_symbolic_links(gateway):
    gw = gateway(GRANTS)
    put(gw, "inner/real.txt")
    (gw.root / "outer").mkdir()
    (gw.root / "outer/secret.txt").write_text("secret")
    docs = gw.root / "htdocs"
    (docs / "inside.txt").symlink_to(docs / "inner/real.txt")
    (docs / "relative.txt").symlink_to("inner/real.txt")
    (docs / "outside.txt").symlink_to(gw.root / "outer/secret.txt")
    (docs / "outside").symlink_to(gw.root / "outer")
    (docs / "dangling").symlink_to("nowhere")
    (docs / "loop").symlink_to("loop")
    assert gw.get("/inside.txt").body == gw.get("/relative.txt").body == TEXT
    for target in ("/outside.txt", "/outside/secret.txt"):
        assert gw.get(target).status == 403, target
    gw.wait_log("symbolic link leads out of the granted")
    assert gw.get("/outside/").status in (403, 404)
    assert gw.get("/dangling").status == 404
    assert gw.get("/loop").status in (403, 404)


def test_symbolic_links_when_they_are_allowed(gateway):
    gw = gateway(GRANTS + '<Directory "@ROOT@/htdocs">\nOptions FollowSymLinks\n</Directory>')
    (gw.root / "outer").mkdir()
    (gw.root / "outer/x.txt").write_text("outer")
    (gw.root / "htdocs/link").symlink_to(gw.root / "outer")
    assert gw.get("/link/x.txt").body == b"outer"


def test_symbolic_link_into_a_denied_tree(gateway):
    gw = gateway('<Directory "@ROOT@/htdocs/secret">\nRequire all denied\n</Directory>')
    put(gw, "secret/s.txt")
    (gw.root / "htdocs/way").symlink_to("secret")
    assert gw.get("/way/s.txt").status == 403


def test_links_on_the_way_to_the_document_root(gateway, tmp_path):
    (tmp_path / "real/inner").mkdir(parents=True)
    (tmp_path / "real/f.txt").write_bytes(TEXT)
    (tmp_path / "real/inner/f.txt").write_bytes(TEXT)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (tmp_path / "real/out.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "link").symlink_to("real")
    gw = gateway(f'DocumentRoot "{tmp_path}/link"')
    assert gw.get("/f.txt").body == gw.get("/inner/f.txt").body == TEXT
    assert gw.get("/out.txt").status == 403


def test_without_rules_an_application_names_only_what_is_served(gateway, backend):
    app = backend(lambda x: (x.read(), x.send("X-Sendfile: " + x.vars["QUERY_STRING"] + "\r\n\r\n")))
    gw = gateway(f'ProxySCGISendfile On\nAlias "/other/" "@ROOT@/other/"\nProxyPass "/app/" "{app.url}"')
    (gw.root / "other").mkdir()
    (gw.root / "other/o.txt").write_bytes(TEXT)
    (gw.root / "outside.txt").write_bytes(TEXT)
    put(gw, "f.txt")
    assert gw.get(f"/app/x?{gw.root}/htdocs/f.txt").body == TEXT
    assert gw.get(f"/app/x?{gw.root}/other/o.txt").body == TEXT
    for name in ("/etc/passwd", f"{gw.root}/outside.txt", f"{gw.root}/htdocs/../outside.txt", f"{gw.root}/htdocsx"):
        assert gw.get(f"/app/x?{name}").status == 403, name


def test_special_files_are_not_opened(site):
    gw = site()
    docs = gw.root / "htdocs"
    os.mkfifo(docs / "fifo")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(docs / "sock"))
    names = ["/fifo", "/sock"]
    if os.geteuid() == 0:
        try:
            os.mknod(docs / "null", 0o20666, os.makedev(1, 5))
            names.append("/null")
        except OSError:
            pass
    for name in names:
        begin = time.monotonic()
        assert gw.get(name).status == 403, name
        assert time.monotonic() - begin < 1
    writer = None
    try:  # nobody has the FIFO open for reading
        writer = os.open(docs / "fifo", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as e:
        assert e.errno == 6
    assert writer is None


def test_unreadable_file(gateway):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    gw = gateway()
    put(gw, "f.txt").chmod(0)
    assert gw.get("/f.txt").status == 403


def test_files_leave_no_descriptors(site):
    gw = site()
    with gw.connect() as client:
        for i in range(60):
            client.request("GET" if i % 2 else "HEAD", ("/f.txt", "/none", "/f.txt", "/")[i % 4], [("If-None-Match", "*")] if i % 3 else [])
            client.response("GET" if i % 2 else "HEAD")
        assert sum("f.txt" in os.readlink(f"/proc/{gw.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{gw.pid}/fd")) == 0


# ---- files that applications name ----

def test_sendfile_is_off_by_default(naming):
    gw = naming("X-Sendfile: @HTDOCS@/f.txt\r\n", "")
    answer = gw.get("/app/x")
    assert answer.body == b"body of the application" and answer["X-Sendfile"] == f"{gw.root}/htdocs/f.txt"


@pytest.mark.parametrize("setting,name", [("X-Send-Static", "X-Send-Static"), ("x-send-static", "X-SEND-static"), ("On", "x-sendfile")])
def test_sendfile_names(naming, setting, name):
    gw = naming(f"{name}: @HTDOCS@/f.txt\r\nSet-Cookie: a=b\r\nX-Other: 1\r\n", f"ProxySCGISendfile {setting}")
    answer = gw.request("POST", "/app/x", body=b"some")
    assert answer.status == 200 and answer.body == TEXT
    assert answer["Set-Cookie"] == "a=b" and answer["X-Other"] == "1" and name not in answer


def test_sendfile_takes_what_the_application_gives(naming):
    gw = naming('Content-Type: Application/X-Own; Q=1\r\nETag: "own"\r\nLast-Modified: Wed, 01 Jan 2020 00:00:00 GMT\r\n'
                'Content-Length: 5\r\nX-Sendfile: @HTDOCS@/f.txt\r\n')
    answer = gw.get("/app/x")
    assert answer.body == TEXT and answer["Content-Type"] == "application/x-own; Q=1"
    assert answer["ETag"] == '"own"' and answer["Last-Modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"
    assert gw.get("/app/x", [("If-None-Match", '"own"')]).status == 304
    assert gw.get("/app/x", [("If-None-Match", etag_of(gw.file))]).status == 200


def test_sendfile_keeps_a_status(naming):
    gw = naming("Status: 404 Nope\r\nX-Sendfile: @HTDOCS@/f.txt\r\n")
    answer = gw.get("/app/x", [("Range", "bytes=0-1"), ("If-None-Match", "*")])
    assert (answer.status, answer.body) == (404, TEXT)


@pytest.mark.parametrize("value,status", [("@HTDOCS@/none", 404), ("@HTDOCS@", 404), ("f.txt", 404), ("@HTDOCS@/../outside.txt", 403),
                                          ("/etc/passwd", 403), ("@HTDOCS@/../../../../../../../../../etc/passwd", 403),
                                          ("@HTDOCS@/link", 403), ("@HTDOCS@/f%2etxt", 404), ("@HTDOCS@/f.txt?x", 404)])
def test_sendfile_of_what_may_not_be_had(naming, value, status):
    gw = naming(f"X-Sendfile: {value}\r\nX-Keep: 1\r\n", GRANTS + "ProxySCGISendfile On")
    (gw.root / "outside.txt").write_text("outside")
    (gw.root / "htdocs/link").symlink_to(gw.root / "outside.txt")
    answer = gw.get("/app/x")
    assert answer.status == status, answer
    assert "X-Sendfile" not in answer and b"outside" not in answer.body and str(gw.root) not in answer.text
    gw.wait_log(r"\[error\].*\] file: .*at fault: backend")


def test_sendfile_path_is_made_plain(naming):
    gw = naming("X-Sendfile: @HTDOCS@/x/../f.txt\r\n")
    assert gw.get("/app/x").body == TEXT


def test_sendfile_from_a_granted_directory(gateway, backend, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("granted")
    app = backend(f"X-Sendfile: {files}/a.txt\r\n\r\n")
    text = f'{GRANTS}ProxyPass "/app/" "{app.url}"\nProxySCGISendfile On\n'
    assert gateway(text).get("/app/").status == 403
    assert gateway(text + "<Location /app/>\nRequire all granted\n</Location>").get("/app/").status == 403  # of the URL, not the file
    assert gateway(text + f'<Directory "{files}">\nRequire all granted\n</Directory>').get("/app/").body == b"granted"


def test_sendfile_beats_redirect(naming):
    gw = naming("Location: /none\r\nX-Sendfile: @HTDOCS@/f.txt\r\n")
    answer = gw.get("/app/x")
    assert answer.body == TEXT


# ---- internal redirects ----

def test_post_redirected_to_a_file(naming):
    gw = naming("Location: /f.txt\r\nSet-Cookie: a=b\r\nContent-Type: x/y\r\nETag: \"gone\"\r\n", "")
    with gw.connect() as client:
        client.request("POST", "/app/x", [("Content-Type", "x/y")], b"body of the request" * 10000)
        answer = client.response("POST")
        assert answer.body == TEXT and answer["Content-Type"] == "text/plain" and answer["Set-Cookie"] == "a=b"
        assert answer["ETag"] == etag_of(gw.file)
        client.request("POST", "/app/x", [("Range", "bytes=1-2")], b"b")
        assert client.response("POST").body == b"12"
        client.request("POST", "/app/x", [("If-None-Match", etag_of(gw.file))], b"b")
        assert client.response("POST").status == 304


def test_redirect_to_another_application(gateway, backend):
    def second(x):
        x.read()
        names = ("REQUEST_METHOD", "CONTENT_LENGTH", "QUERY_STRING", "REQUEST_URI", "SCRIPT_NAME", "REDIRECT_STATUS",
                 "REDIRECT_URL", "REDIRECT_QUERY_STRING", "REDIRECT_REQUEST_METHOD", "CONTENT_TYPE")
        x.send(b"Content-Type: text/plain\r\n\r\n" + "\n".join(f"{n}={x.vars.get(n)}" for n in names).encode())
    one = backend(b"Location: /two/a%20b/../c?new=1#frag\r\nX-First: 1\r\n\r\n")
    gw = gateway(f'ProxyPass "/one/" "{one.url}"\nProxyPass "/two/" "{backend(second).url}"')
    answer = gw.post("/one/x?old=1", b"body", [("Content-Type", "x/y")])
    assert answer["X-First"] == "1" and "Location" not in answer
    assert answer.text.split("\n") == [
        "REQUEST_METHOD=GET", "CONTENT_LENGTH=0", "QUERY_STRING=new=1", "REQUEST_URI=/one/x?old=1", "SCRIPT_NAME=/two/c",
        "REDIRECT_STATUS=200", "REDIRECT_URL=/one/x", "REDIRECT_QUERY_STRING=old=1", "REDIRECT_REQUEST_METHOD=POST", "CONTENT_TYPE=None"]


@pytest.mark.parametrize("head,text,redirected", [
    ("Location: /f.txt\r\n", "", True),
    ("Location: /f.txt\r\nStatus: 200 Fine\r\n", "", True),
    ("Location: /f.txt\r\nStatus: 201\r\n", "", False),
    ("Location: /f.txt\r\nStatus: 302\r\n", "", False),
    ("Location: f.txt\r\n", "", False),
    ("Location: http://localhost/f.txt\r\nStatus: 200\r\n", "", False),
    ("Location: /f.txt\r\n", "ProxySCGIInternalRedirect Off", False),
    ("Location: /f.txt\r\n", "ProxySCGIInternalRedirect X-Location", False),
    ("X-Location: /f.txt\r\n", "ProxySCGIInternalRedirect X-Location", True),
    ("x-location: /f.txt\r\nLocation: /none\r\n", "ProxySCGIInternalRedirect X-Location", True),
    ("X-Location: /f.txt\r\n", "", False),
    ("Location: //f.txt\r\n", "", True),
])
def test_when_a_redirect_is_internal(naming, head, text, redirected):
    gw = naming(head, text)
    answer = gw.get("/app/x")
    assert answer.body == (TEXT if redirected else b"body of the application")
    assert ("X-Location" in answer) == (not redirected and "X-Location" in head)


def test_redirect_loop_ends(gateway, backend):
    app = backend(b"Location: /app/again\r\n\r\n")
    gw = gateway(f'ProxyPass "/app/" "{app.url}"')
    assert gw.get("/app/").status == 500
    assert app.count == 11
    gw.wait_log(r"\[error\].*internal-redirect: .*more than 10")
    assert len(app.request(11).block) < 20 * len(app.request(1).block)


def test_redirect_to_a_missing_file_and_to_a_denied_one(naming):
    gw = naming("Location: /none\r\n", "")
    assert gw.get("/app/x").status == 404
    gw = naming("Location: /secret\r\n", "<Location /secret>\nRequire all denied\n</Location>")
    assert gw.get("/app/x").status == 403


# ---- the examples of the manual page ----

def at_port_4000(gateway, text, script):
    """The page says scgi://localhost:4000/: a network of our own has that port free; else it may be free here."""
    def start():
        app = Backend(script, port=4000)
        return app, gateway(text, listen="unix")
    try:
        return in_namespaces(start, net=True, hosts="127.0.0.1 localhost\n")
    except pytest.skip.Exception:
        try:
            return start()
        except OSError:
            pytest.skip("port 4000 is taken, and there are no namespaces")


EXAMPLE = r"""
ProxyPass /scgi-bin/ scgi://localhost:4000/
SetEnvIf Request_URI . proxy-scgi-pathinfo

ProxySCGIInternalRedirect Off
# Django and some other frameworks will fully qualify "local URLs"
# set by the application, so an alternate header must be used.
<Location /django-app/>
    ProxySCGIInternalRedirect X-Location
</Location>
"""


def test_example_simple_gateway(gateway):
    def app(x):
        x.read()
        x.send(f"Content-Type: text/plain\r\n\r\n{x.vars['SCRIPT_NAME']}|{x.vars.get('PATH_INFO')}|{x.vars['SCRIPT_FILENAME']}")
    app, gw = at_port_4000(gateway, "ProxyPass /scgi-bin/ scgi://localhost:4000/", app)
    assert gw.get("/scgi-bin/a/b").text == "/scgi-bin/a/b|None|proxy:scgi://localhost/a/b"
    assert gw.get("/scgi-bin").status == 404
    app.stop()


def test_example_pathinfo(gateway):
    def app(x):
        x.read()
        x.send(f"Content-Type: text/plain\r\n\r\n{x.vars['SCRIPT_NAME']}|{x.vars.get('PATH_INFO')}")
    app, gw = at_port_4000(gateway, EXAMPLE, app)
    assert gw.get("/scgi-bin/a%20b/c?q").text == "/scgi-bin|/a b/c"
    app.stop()


def test_example_redirect(gateway):
    """Off everywhere, but X-Location below /django-app/."""
    def app(x):
        x.read()
        name = "X-Location" if "x" in x.vars["QUERY_STRING"] else "Location"
        x.send(f"{name}: /f.txt\r\nContent-Type: text/plain\r\n\r\nown")
    app, gw = at_port_4000(gateway, EXAMPLE + "ProxyPass /django-app/ scgi://localhost:4000/", app)
    put(gw, "f.txt")
    assert gw.get("/scgi-bin/").body == b"own" and gw.get("/scgi-bin/")["Location"] == "/f.txt"
    assert gw.get("/scgi-bin/?x").body == b"own"
    assert gw.get("/django-app/").body == b"own"
    answer = gw.get("/django-app/?x")
    assert answer.body == TEXT and "X-Location" not in answer
    app.stop()


@pytest.mark.parametrize("line,name", [
    ("# Use the default header (X-Sendfile)\nProxySCGISendfile On", "X-Sendfile"),
    ("# Use a different header\nProxySCGISendfile X-Send-Static", "X-Send-Static")])
def test_example_sendfile(gateway, line, name):
    app, gw = at_port_4000(gateway, f"ProxyPass /scgi-bin/ scgi://localhost:4000/\n{line}",
                           lambda x: (x.read(), x.send(f"{name}: {gw.root}/htdocs/f.txt\r\n\r\n")))
    put(gw, "f.txt")
    answer = gw.get("/scgi-bin/x", [("Range", "bytes=0-3")])
    assert (answer.status, answer.body) == (206, b"0123") and name not in answer
    app.stop()
