"""rTorrent behind scgate: XML-RPC over its Unix socket."""
import xmlrpc.client

import pytest

from real import Program, program

pytestmark = pytest.mark.real


@pytest.fixture
def rtorrent(gateway, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rt")  # a Unix socket's path must be short
    socket = folder / "rpc.sock"
    (folder / "rc").write_text(f"network.scgi.open_local = {socket}\nsystem.daemon.set = true\nsession.path.set = {folder}\n"
                               "network.port_open.set = no\ndht.mode.set = disable\ntrackers.use_udp.set = no\n")
    with Program([program("rtorrent"), "-n", "-o", f"import={folder}/rc"], folder, str(socket)):
        gw = gateway(f'ProxyPass "/RPC2" "unix:{socket}|scgi://localhost"')
        gw.folder = folder
        yield gw


def test_calls(rtorrent):
    proxy = xmlrpc.client.ServerProxy(f"{rtorrent.url}/RPC2")
    version = proxy.system.client_version()
    assert version.count(".") == 2, version
    assert proxy.session.path() == f"{rtorrent.folder}/"
    with pytest.raises(xmlrpc.client.Fault):
        proxy.no.such.method()


def test_many_calls_on_one_connection(rtorrent):
    body = xmlrpc.client.dumps(("",), "system.pid")
    with rtorrent.connect() as client:
        for _ in range(20):
            client.request("POST", "/RPC2", {"Content-Type": "text/xml"}, body)
            answer = client.response("POST")
            assert answer.status == 200 and answer["Content-Type"].startswith("text/xml")
            assert xmlrpc.client.loads(answer.body)[0][0] > 0


def test_a_large_call(rtorrent):
    """Many calls in one body: several reads of the application's single thread."""
    calls = [{"methodName": "system.client_version", "params": [""]}] * 1500
    answer = rtorrent.post("/RPC2", xmlrpc.client.dumps((calls,), "system.multicall"), {"Content-Type": "text/xml"})
    assert answer.status == 200 and len(xmlrpc.client.loads(answer.body)[0][0]) == 1500
