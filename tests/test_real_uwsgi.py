"""uWSGI with a Python application behind scgate: the CGI form of a response, and the one with a status line (nph)."""
import hashlib
import json
import signal

import pytest

from peer import free_port
from real import Program, program

pytestmark = pytest.mark.real

APPLICATION = '''
import hashlib, json

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/missing"):
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such thing"]
    if path.startswith("/cookies"):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])
        return [b"cookies"]
    if path.startswith("/stream"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"%d\\n" % i for i in range(2000))
    if path.startswith("/upload"):
        digest, length = hashlib.sha256(), 0
        while True:
            data = environ["wsgi.input"].read(65536)
            if not data:
                break
            digest.update(data)
            length += len(data)
        body = json.dumps({"length": length, "sha256": digest.hexdigest()}).encode()
    else:
        body = json.dumps({"env": {k: v for k, v in environ.items() if isinstance(v, str)},
                           "body": environ["wsgi.input"].read().decode("latin-1")}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
'''


@pytest.fixture(params=["scgi", "scgi-nph"])
def uwsgi(request, gateway, tmp_path):
    folder, port = tmp_path / "uwsgi", free_port()
    folder.mkdir()
    (folder / "app.py").write_text(APPLICATION)
    args = [program("uwsgi"), "--plugin", "python3", f"--{request.param}-socket", f"127.0.0.1:{port}", "--wsgi-file", "app.py",
            "--master", "--die-on-term"]
    with Program(args, folder, ("127.0.0.1", port), stop=signal.SIGINT):
        yield gateway(f'SetEnvIf Request_URI . proxy-scgi-pathinfo\nProxyPass "/" "scgi://127.0.0.1:{port}/"')


def test_environment_and_body(uwsgi):
    answer = uwsgi.post("/a/b%20c?x=1&y=%2F", b"the body", {"Host": "example.test:81", "Content-Type": "text/x-test", "X-Own": "1"})
    assert answer.status == 200 and answer.framing == "length"
    seen = json.loads(answer.body)
    env = seen["env"]
    assert seen["body"] == "the body"
    assert (env["REQUEST_METHOD"], env["QUERY_STRING"], env["CONTENT_LENGTH"]) == ("POST", "x=1&y=%2F", "8")
    assert (env["CONTENT_TYPE"], env["HTTP_X_OWN"], env["HTTP_HOST"]) == ("text/x-test", "1", "example.test:81")
    assert env["SCRIPT_NAME"] + env["PATH_INFO"] == "/a/b c"
    assert env["REQUEST_URI"] == "/a/b%20c?x=1&y=%2F"


def test_status_cookies_and_head(uwsgi):
    missing = uwsgi.get("/missing")
    assert (missing.status, missing.reason, missing.body) == (404, "Not Found", b"no such thing")
    assert uwsgi.get("/cookies").all("Set-Cookie") == ["a=1", "b=2; Path=/"]
    head = uwsgi.request("HEAD", "/a")
    assert head.status == 200 and int(head["Content-Length"]) > 100


def test_streamed_response_is_chunked(uwsgi):
    with uwsgi.connect() as client:
        for _ in range(2):
            client.request("GET", "/stream")
            answer = client.response()
            assert answer.framing == "chunked"
            assert answer.body == b"".join(b"%d\n" % i for i in range(2000))


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_upload(uwsgi, size):
    body = bytes(i % 251 for i in range(1000)) * (size // 1000) + b"x" * (size % 1000)
    seen = json.loads(uwsgi.request("PUT", "/upload", {}, body).body)
    assert seen == {"length": size, "sha256": hashlib.sha256(body).hexdigest()}


def test_many_connections(uwsgi):
    clients = [uwsgi.connect() for _ in range(30)]
    for n, client in enumerate(clients):
        client.request("GET", f"/n/{n}")
    for n, client in enumerate(clients):
        env = json.loads(client.response().body)["env"]
        assert env["SCRIPT_NAME"] + env["PATH_INFO"] == f"/n/{n}"
        client.close()
