"""Golden records of Apache, replayed: golden/README.md says how they are compared, golden/notyet.txt what may fail yet."""
import subprocess

import pytest

from golden_run import GOLDEN, NO_IPV6, NOT_YET, PYTHON, judge, read_not_yet, replay

pytestmark = pytest.mark.golden


@pytest.mark.parametrize("check", ["--self-test", "--prove"])
def test_the_comparison_itself(check):
    done = subprocess.run([PYTHON, "-B", str(GOLDEN / "replay.py"), check, str(GOLDEN / "open")], capture_output=True, text=True,
                          timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_judge():
    results = [{"name": "good", "passed": True}, {"name": "bad", "passed": False, "differences": [["status", "200, not 500"]]},
               {"name": "later", "skipped": "later: x"}]
    assert judge(results, {"bad": ("B", "x")}) == ([], {"passed": 1, "failed": 0, "not yet": 1, "skipped": 1})
    assert judge(results, {})[0] == ["bad: status: 200, not 500"]
    assert len(judge(results, {"bad": ("B", "x"), "good": ("B", "x")})[0]) == 1
    assert len(judge(results, {"bad": ("B", "x"), "later": ("B", "x")})[0]) == 1
    results[2]["skipped"] = NO_IPV6
    assert judge(results, {"bad": ("B", "x"), "later": ("B", "x")})[0] == []
    assert len(judge(results, {"bad": ("B", "x"), "gone": ("B", "x")})[0]) == 1


@pytest.mark.parametrize("line", ["name", "name\tB", "name\tX\treason", "name B reason", "a\tB\tr\na\tC\tr", "a\tB\t"])
def test_the_list_is_read_strictly(line):
    with pytest.raises(ValueError):
        read_not_yet(line)


@pytest.mark.limit(600)
def test_replay(scgate, engine, golden_report):
    results, notes = replay(scgate, engine)
    faults, counts = judge(results, read_not_yet(NOT_YET.read_text(encoding="utf-8")))
    faults += [note for note in notes if "status" in note]  # the server died, or ended badly
    golden_report.append(f"golden records on {engine}: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults)
