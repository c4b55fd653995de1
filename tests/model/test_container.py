"""A container whose home and package cannot be written to: it works, and says what it does instead.

The folders are spoiled in a way that holds for root, too: a file stands where a folder would be.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import adbudget
import adbudget.synthetic

ASK = """
import warnings
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    from adbudget.model.machine_code import keeps_machine_code
    print(keeps_machine_code())
print(*(str(one.message) for one in told if one.category is RuntimeWarning))
"""


@pytest.fixture
def locked(tmp_path) -> dict[str, str]:
    """Environment of a process that can write its temporary files and nothing else."""
    source = Path(adbudget.__file__).parent
    package = tmp_path / "package" / "adbudget"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "model" / "__pycache__").write_text("no folder")
    (tmp_path / "tmp").mkdir()
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), "/dev/null")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("NUMBA")}
    here = {"PYTHONPATH": str(package.parent), "TMPDIR": str(tmp_path / "tmp")}
    return {**kept, **nowhere, **here, "PYTHONDONTWRITEBYTECODE": "1"}


def run(locked: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        env=locked, cwd=locked["TMPDIR"], capture_output=True, text=True, timeout=600,
    )  # fmt: skip


def test_machine_code_is_kept_among_temporary_files_and_the_place_is_named(locked):
    done = run(locked, "-c", ASK)
    place = Path(locked["TMPDIR"]) / f"adbudget-{os.getuid()}"
    assert done.stdout.startswith("True\n"), done.stderr
    assert f"so the compiled model is kept in {place}. Set NUMBA_CACHE_DIR" in done.stdout
    assert place.stat().st_mode & 0o077 == 0, "what it holds is run: nobody else may write there"


def test_a_folder_that_others_can_write_to_is_not_used(locked):
    place = Path(locked["TMPDIR"]) / f"adbudget-{os.getuid()}"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    done = run(locked, "-c", ASK)
    assert done.stdout.startswith("False\n"), done.stderr
    assert "so the model is compiled anew in every process" in done.stdout
    assert list(place.iterdir()) == []


@pytest.mark.slow
def test_the_command_decides_in_a_container(locked, tmp_path):
    world = adbudget.synthetic.synthesize(
        adbudget.synthetic.WorldSpec(n_accounts=2, n_channels=2, n_periods=60), 1
    )
    world.save(tmp_path, "shops", tables="long")
    tables = [str(tmp_path / "shops_spend.csv"), "--outcome", str(tmp_path / "shops_outcome.csv")]
    done = run(locked, "-m", "adbudget", "recommend", *tables)
    assert done.returncode == 0, done.stderr
    assert "Note: Neither the folder of adbudget nor a cache folder can be written" in done.stderr
    assert "Traceback" not in done.stderr
