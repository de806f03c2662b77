"""Starting real programs for the tests, and ending them."""
import os
import shutil
import signal
import subprocess

import pytest

from peer import connect_to, wait_until


def program(name):
    """The path of a program; without it the test is skipped, or fails when SCGATE_REQUIRE_REAL=1."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin")
    if not path:
        reason = f"the program {name} is not installed (tools/deps test)"
        if os.environ.get("SCGATE_REQUIRE_REAL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def accepts(address):
    try:
        connect_to(address).close()
        return True
    except OSError:
        return False


class Program:
    """A running program, ready when something accepts connections at the address."""

    def __init__(self, args, folder, address, stop=signal.SIGTERM, env=None):
        self.log_path, self.stop_signal = folder / "program.log", stop
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([str(a) for a in args], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "HOME": str(folder), **(env or {})}, start_new_session=True)
        try:
            wait_until(lambda: self.process.poll() is not None or accepts(address), 20, f"{args[0]} at {address}")
            assert self.process.poll() is None, f"{args[0]} ended with {self.process.returncode}:\n{self.log()}"
        except AssertionError:
            self.stop()
            raise

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its own group: children that outlived it
        except ProcessLookupError:
            pass
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
