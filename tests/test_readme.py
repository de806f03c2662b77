"""The configurations of README.md are accepted as they stand, and the commands that it names exist."""
import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
BLOCKS = re.findall(r"^```apache\n(.*?)^```$", (TOP / "README.md").read_text(encoding="utf-8"), re.S | re.M)


def test_there_are_examples():
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize("block", BLOCKS, ids=lambda text: text.strip().splitlines()[-1].strip())
def test_configuration_is_accepted(check, tmp_path, block):
    for folder in ("site/htdocs", "site/one"):
        (tmp_path / folder).mkdir(parents=True)
    done = check(block.replace("/srv/site", f"{tmp_path}/site"))
    assert done.returncode == 0, done.stderr
    assert "Syntax OK" in done.stdout + done.stderr


def test_a_wrong_configuration_is_refused(check):
    done = check("Listen 8080\nProxyPas /a/ scgi://localhost:4000/\n")
    assert done.returncode != 0
    assert re.search(r"check\.conf:2:1: ", done.stderr) and "ProxyPass" in done.stderr


def test_make_targets_exist():
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md", "tests/README.md", "fuzz/README.md", "bench/README.md"):
        for target in re.findall(r"^ *(?:`|\| `)?make ([a-z]+)", (TOP / name).read_text(encoding="utf-8"), re.M):
            assert re.search(rf"^{target}:", makefile, re.M), f"{name}: make {target}"
