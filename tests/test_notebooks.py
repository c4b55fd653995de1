"""Notebooks run from their first cell to their last, and are stored with what they showed.

``ADBUDGET_DRAW=1 pytest tests/test_notebooks.py -m "slow or not slow"`` runs them and stores their
outputs anew: look at them before they are kept. All but the dear ones share one kernel, whose names
are forgotten between notebooks, so that libraries are loaded and compiled once.
"""

import ast
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_SECONDS = 300  # a slow, busy machine; on an idle one each takes well under a minute
CHEAP = ("first_decision", "pacing_a_flight", "rules_and_approvals")  # the others are slow
REAL = "real_data"  # of which a part of a public set is needed
CONJURA = "conjura_ecommerce_daily.csv.gz"
FOREIGN = re.compile(r"(?<![\w<./:])/\w[\w.-]*/\w|[A-Z]:\\\w|file://")  # a path of some machine
LARGEST = 400_000  # bytes of a notebook, pictures and all
ALL = [pytest.param(path, id=path.stem) for path in NOTEBOOKS]
RUN = [
    pytest.param(path, id=path.stem, marks=() if path.stem in CHEAP else pytest.mark.slow)
    for path in NOTEBOOKS
]


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def data_folder() -> Path:
    return Path(os.environ.get("ADBUDGET_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def quiet_kernel() -> Iterator[None]:
    """A kernel is a process of its own: warnings of its libraries are not errors of ours."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("PYTHONWARNINGS", "ignore")
        changed.setenv("JUPYTER_PLATFORM_DIRS", "1")
        changed.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        changed.setenv("ADBUDGET_DATA", str(data_folder()))
        changed.delenv("MPLBACKEND", raising=False)
        yield


@pytest.fixture(scope="module")
def kernel(quiet_kernel):
    """One kernel for all notebooks of a run."""
    manager, client = start_new_kernel(cwd=str(ROOT / "notebooks"))
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def executed(path: Path, kernel):
    """A notebook after its run, in a kernel that knows nothing of others."""
    manager, client = kernel
    client.execute_interactive("%reset -f\nimport pandas as pd\npd.reset_option('all')\ndel pd")
    notebook = read(path)
    runner = NotebookClient(notebook, timeout=MOST_SECONDS, record_timing=False, km=manager)
    runner.kc = client
    runner.execute()
    return notebook


def store(notebook, path: Path) -> None:
    """Keep outputs without what differs from run to run: progress, and what a kernel is called."""
    kept = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(kept)
    count = 0
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
        for out in cell.outputs:
            if "execution_count" in out:
                out["execution_count"] = count
    nbformat.write(notebook, path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", RUN)
def test_the_notebook_runs(path, kernel):
    pytest.importorskip("matplotlib", reason="the extra adbudget[plot] is not installed")
    if path.stem == REAL and not (data_folder() / CONJURA).exists():
        pytest.skip(f"{CONJURA} is not in {data_folder()}; ADBUDGET_DATA names another folder")
    notebook = executed(path, kernel)
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert not any(out.output_type == "error" for out in outputs)
    if os.environ.get("ADBUDGET_DRAW"):
        store(notebook, path)


@pytest.mark.filterwarnings("ignore")
def test_without_its_data_the_notebook_about_them_is_passed_over(tmp_path, quiet_kernel):
    notebook = read(ROOT / "notebooks" / f"{REAL}.ipynb")
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("ADBUDGET_DATA", str(tmp_path))
        NotebookClient(notebook, timeout=MOST_SECONDS).execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert [out.text for out in outputs] == ["The data are not here: nothing below runs.\n"]


@pytest.mark.parametrize("path", ALL)
def test_the_notebook_is_stored_with_its_results(path):
    cells = code_cells(path)
    outputs = [out for cell in cells for out in cell.outputs]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert {out.output_type for out in outputs} <= {"execute_result", "display_data", "stream"}
    assert path.stat().st_size < LARGEST


@pytest.mark.parametrize("path", ALL)
def test_what_is_stored_tells_nothing_of_the_machine_and_no_warning(path):
    for cell in read(path).cells:
        told = [cell.source, *map(str, cell.get("metadata", {}))]
        for out in cell.get("outputs", []):
            assert out.get("name") != "stderr"
            shown = out.get("data", {}) | {"stream": out.get("text", "")}
            told += [str(text) for kind, text in shown.items() if kind != "image/png"]
        for text in told:
            assert not FOREIGN.search(text), text[:300]
            assert "Warning:" not in text


@pytest.mark.parametrize("path", ALL)
def test_the_notebook_defines_nothing(path):
    for cell in code_cells(path):
        code = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
        assert not any(isinstance(node, kinds) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize("path", ALL)
def test_the_notebook_tells_what_to_distrust_and_its_links_lead_somewhere(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert "## What to distrust" in text
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (path.parent / target).exists(), target


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
