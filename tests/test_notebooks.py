"""The notebook runs from its first cell to its last, and is stored without results."""

import ast
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_SECONDS = 300  # a slow, busy machine; on an idle one it takes well under a minute


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@pytest.fixture
def quiet_kernel(monkeypatch):
    """A kernel is a process of its own: warnings of its libraries are not errors of ours."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.delenv("MPLBACKEND", raising=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("quiet_kernel")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path):
    pytest.importorskip("matplotlib", reason="the extra adbudget[plot] is not installed")
    notebook = read(path)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=MOST_SECONDS, resources=resources).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert not any(out.output_type == "error" for out in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_stored_without_results(path):
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_defines_nothing(path):
    for cell in code_cells(path):
        code = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
        assert not any(isinstance(node, kinds) for node in ast.walk(ast.parse(code)))


LONG_FIT = """
import logging, sys
import adbudget as ab
from adbudget.synthetic import WorldSpec, synthesize

world = synthesize(WorldSpec(n_accounts=3, n_channels=3, n_periods=60), 1)
panel = ab.read_panel(world.spend, world.outcome)
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("adbudget").setLevel(logging.INFO)
ab.fit(panel, seed=0, draws=20_000, tune=2_000)
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("quiet_kernel")
def test_the_stop_button_raises_keyboard_interrupt_once_and_the_kernel_goes_on():
    manager, client = start_new_kernel()
    try:
        seen, sent = [], []

        def follow(message):
            seen.append(message)
            text = message["content"].get("text", "")
            if "sampling: begins" in text and not sent:
                time.sleep(0.5)  # in the middle of it
                manager.interrupt_kernel()
                sent.append(time.monotonic())

        reply = client.execute_interactive(LONG_FIT, output_hook=follow, timeout=MOST_SECONDS)
        took = time.monotonic() - sent[0]
        assert reply["content"]["status"] == "error"
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert [m["msg_type"] for m in seen].count("error") == 1
        assert sum("sampling: begins" in m["content"].get("text", "") for m in seen) == 1
        assert took < 5
        again = client.execute_interactive("1 + 1", output_hook=seen.append, timeout=MOST_SECONDS)
        assert again["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
