"""Plays the golden records against scgate and judges the results by tests/golden/notyet.txt."""
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "golden"
NOT_YET = GOLDEN / "notyet.txt"
LETTERS = {"B": "bodies and faults", "C": "the configuration language and its behaviour", "D": "processes and reload", "E": "balancers"}
PYTHON = "/usr/bin/python3"
NO_IPV6 = "no IPv6 here"  # why replay.py skips what this machine cannot play, unlike what is out of scope


def read_not_yet(text):
    """{record: (letter, reason)}; raises ValueError at a line that is none."""
    listed = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 3 or parts[1] not in LETTERS or not parts[2].strip() or parts[0] in listed:
            raise ValueError(f"notyet.txt:{number}: not \"name<TAB>letter<TAB>reason\", or a name twice: {line!r}")
        listed[parts[0]] = (parts[1], parts[2])
    return listed


def replay(scgate, engine, only=()):
    """Plays all records of the core scope; returns the list of results of `replay.py --json`."""
    command = f"{shlex.quote(str(scgate))} -C {shlex.quote(f'IOEngine {engine}')} -f {{conf}}"
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "results.json")
        args = [PYTHON, str(GOLDEN / "replay.py"), "--server", command, "--scope", "core", "--json", out]
        for name in only:
            args += ["--only", name]
        done = subprocess.run([*args, str(GOLDEN / "open")], capture_output=True, text=True, timeout=540, cwd=folder, check=False,
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        if not os.path.exists(out):
            raise AssertionError(f"replay.py gave no results:\n{done.stdout}{done.stderr}")
        notes = [line for line in done.stdout.splitlines() if line.startswith("NOTE ")]
        with open(out, encoding="utf-8") as f:
            return json.load(f), notes


def judge(results, listed, names=None):
    """-> (faults, counts). names: all record names, to find listed ones that no record has."""
    faults, counts = [], {"passed": 0, "failed": 0, "not yet": 0, "skipped": 0}
    for r in results:
        name = r["name"]
        if "skipped" in r:
            counts["skipped"] += 1
            if name in listed and r["skipped"] != NO_IPV6:
                faults.append(f"{name}: listed in notyet.txt, but skipped ({r['skipped']})")
        elif r["passed"]:
            counts["passed"] += 1
            if name in listed:
                faults.append(f"{name}: passes now: take it off notyet.txt")
        elif name in listed:
            counts["not yet"] += 1
        else:
            counts["failed"] += 1
            part, text = r["differences"][0]
            faults.append(f"{name}: {part}: {text}")
    for name in set(listed) - {r["name"] for r in results} if names is None else set(listed) - set(names):
        faults.append(f"{name}: listed in notyet.txt, but there is no such record")
    return faults, counts
