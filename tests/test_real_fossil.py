"""Fossil behind scgate, mounted below a prefix: pages, redirects, clone and push of a repository over the gateway."""
import re
import subprocess

import pytest

from peer import free_port
from real import Program, program

pytestmark = pytest.mark.real


def fossil(folder, *args):
    """Runs fossil in the folder, with its settings kept there."""
    done = subprocess.run([program("fossil"), *map(str, args)], cwd=folder, capture_output=True, text=True, timeout=40, check=False,
                          env={"HOME": str(folder), "USER": "admin", "PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"fossil {args}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def code(gateway, tmp_path):
    """A repository with one file, served below /code of a gateway."""
    folder = tmp_path / "fossil"
    folder.mkdir()
    repository, port = folder / "code.fossil", free_port()
    fossil(folder, "new", repository, "--admin-user", "admin")
    fossil(folder, "user", "password", "admin", "secret", "-R", repository)
    (folder / "tree").mkdir()
    fossil(folder / "tree", "open", repository)
    (folder / "tree/hello.txt").write_text("hello from fossil\n" * 2000)
    fossil(folder / "tree", "add", "hello.txt")
    fossil(folder / "tree", "commit", "-m", "first file", "--no-warnings")
    server = [program("fossil"), "server", "--scgi", "--localhost", "-P", port, repository]
    with Program(server, folder, ("127.0.0.1", port), env={"USER": "admin"}):
        gw = gateway(f'SetEnvIf Request_URI . proxy-scgi-pathinfo\nProxyPass "/code" "scgi://127.0.0.1:{port}"')
        gw.folder = folder
        yield gw


def host(gw):
    return {"Host": f"127.0.0.1:{gw.port}"}


def test_pages(code):
    page = code.get("/code/timeline", host(code))
    assert page.status == 200 and page["Content-Type"].startswith("text/html")
    assert "first file" in page.text
    assert 'href="/code/' in page.text or f'href="{code.url}/code' in page.text, "links do not know the prefix"
    raw = code.get("/code/raw?ci=tip&filename=hello.txt", host(code))
    assert raw.body == b"hello from fossil\n" * 2000
    style = re.search(r'href="([^"]*style\.css[^"]*)"', page.text)
    assert style and code.get(style[1].replace("&amp;", "&").removeprefix(code.url), host(code)).status == 200
    assert code.get("/code/no-such-page", host(code)).status == 404


def test_head_and_keep_alive(code):
    with code.connect() as client:
        for _ in range(3):
            client.request("HEAD", "/code/timeline", host(code))
            assert client.response("HEAD").status == 200
            client.request("GET", "/code/index", host(code))
            assert client.response().status in (200, 302)


def test_redirect_names_the_right_host_and_port(code):
    answer = code.get("/code", host(code))
    assert answer.status in (301, 302)
    assert answer["Location"].startswith(f"{code.url}/code/")


def test_clone_and_push(code):
    fossil(code.folder, "clone", f"{code.url.replace('//', '//admin:secret@')}/code", "copy.fossil", "--once")
    copy = code.folder / "copy"
    copy.mkdir()
    fossil(copy, "open", "../copy.fossil")
    assert (copy / "hello.txt").read_text() == "hello from fossil\n" * 2000
    (copy / "answer.bin").write_bytes(bytes(i * i % 251 for i in range(300_000)))  # a body that takes many reads
    fossil(copy, "add", "answer.bin")
    fossil(copy, "commit", "-m", "second file", "--no-warnings")
    fossil(copy, "push", f"{code.url.replace('//', '//admin:secret@')}/code", "--once")
    raw = code.get("/code/raw?ci=tip&filename=answer.bin", host(code))
    assert raw.body == (copy / "answer.bin").read_bytes()
