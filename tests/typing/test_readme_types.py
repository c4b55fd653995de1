"""What the type checker is given is what the README shows; pyright itself runs as the lint task."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def lines(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip()]


def test_the_checked_code_is_that_of_the_readme():
    shown = "".join(BLOCK.findall((ROOT / "README.md").read_text("utf-8")))
    checked = (HERE / "readme.py").read_text("utf-8")
    assert lines(checked[checked.index("import pandas") :]) == lines(shown)


def test_pyright_checks_the_clients_in_strict_mode():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pyright"]
    assert "tests/typing" in settings["include"]
    for name in ("readme.py", "public.py"):
        assert "# pyright: strict" in (HERE / name).read_text("utf-8")


@pytest.mark.slow  # it runs with every lint, too
def test_pyright_accepts_the_code_of_the_readme():
    pytest.importorskip("pyright")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, str(HERE / "readme.py")], capture_output=True, text=True, cwd=ROOT
    )
    told = json.loads(done.stdout)
    assert told["summary"]["filesAnalyzed"] == 1
    assert [one["message"] for one in told["generalDiagnostics"]] == []
