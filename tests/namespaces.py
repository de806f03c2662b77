"""Namespaces of the kernel for tests that need a certain port or host name. Needs root; skips without.

    def work():
        app = backend(port=4000)
        return gateway(text, listen="unix")
    gw = in_namespaces(work, net=True)

What work() binds and starts lives in a network of its own (net=True), where every port is free, or sees another
/etc/hosts (hosts=TEXT). Unix sockets reach across. Namespaces belong to a thread, and its children inherit them.
"""
import ctypes
import fcntl
import os
import socket
import struct
import tempfile
import threading

import pytest

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def _call(function, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*args) != 0:
        raise OSError(ctypes.get_errno(), f"{function} failed")


def _enter(net, hosts):
    _call("unshare", (CLONE_NEWNET if net else 0) | (CLONE_NEWNS if hosts else 0))
    if net:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    if hosts:
        _call("mount", None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(hosts)
            file.flush()
            os.chmod(file.name, 0o644)
            _call("mount", file.name.encode(), b"/etc/hosts", None, ctypes.c_ulong(MS_BIND), None)


def in_namespaces(work, net=False, hosts=None):
    """Returns what work() returns, called in a thread with namespaces of its own."""
    result = []

    def run():
        try:
            _enter(net, hosts)
        except OSError as e:
            result.append(("skip", f"no namespaces here: {e}"))
            return
        try:
            result.append(("value", work()))
        except BaseException as e:  # told to the caller
            result.append(("error", e))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    assert result, "what was to be done in a namespace did not end"
    kind, value = result[0]
    if kind == "skip":
        pytest.skip(value)
    if kind == "error":
        raise value
    return value
