"""The documents cannot rot: their Python runs, their links resolve, the README keeps its promise.

Blocks fenced as ``python`` and ``sh`` run in order, one namespace per page, in a folder of their
own that holds a cut-down copy of data/synthetic. Fits are short, and equal ones are made once.
A ``yaml`` block that begins with the name of a file is that file. Command lines that are only shown
(``text``, ``bash``) are parsed: no option of theirs is unknown.
"""

import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import typer

import adbudget
import adbudget.model.fit as home_of_fit
from adbudget import cli
from adbudget.cli.app import app as app_of_commands
from adbudget.loop import open_state
from benchmarks.structure import draw_tree, with_tree

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINKED = [
    *PAGES,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "data").rglob("*.md")),
]
MAIN_JOB = (
    "uv run adbudget recommend data/synthetic/agency_spend.csv "
    "--outcome data/synthetic/agency_outcome.csv"
)
TEST_JOB = "uv run pytest -q -n auto"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CALL = re.compile(r"^(?:[\d*/, -]+ )?(?:cd \S+ && )?(?:uv run )?adbudget [a-z]")
PLACEHOLDER = re.compile(r"\b[A-Z_]{2,}\b(?!-)|\.\.\.|\[|\||\bONE\b")
NOT_RUN = (
    TEST_JOB,  # this very suite
    "adbudget simulate-platform",  # has a test of its own below
    "export NUMBA",  # other machine code from here on
    "export NPY",
)
NEEDS = {
    **dict.fromkeys(("docs/tutorial.md", "docs/guide/fit.md", "docs/guide/plots.md"), "matplotlib"),
    **dict.fromkeys(("docs/how-to/excel.md", "docs/guide/report.md"), "openpyxl"),
}
KEPT_ACCOUNTS = ("account_02", "account_05", "account_08")
KEPT_PERIODS = 60


def blocks(text: str, *languages: str) -> list[str]:
    return [code.strip() for language, code in FENCE.findall(text) if language in languages]


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.fixture(scope="module")
def small_world(tmp_path_factory) -> Path:
    """A folder with data/synthetic as the documents know it, only smaller."""
    folder = tmp_path_factory.mktemp("docs")
    data = folder / "data" / "synthetic"
    data.mkdir(parents=True)
    for name in ("agency_spend", "agency_outcome", "agency_wide"):
        table = pd.read_csv(ROOT / "data" / "synthetic" / f"{name}.csv")
        recent = table["date"] >= sorted(table["date"].unique())[-KEPT_PERIODS]
        kept = table[recent & table["account"].isin(KEPT_ACCOUNTS)]
        kept.to_csv(data / f"{name}.csv", index=False)
    for name in ("policy.yaml", "campaigns.csv", "pacing_plan.csv", "pacing_delivery.csv"):
        shutil.copy(ROOT / "data" / "synthetic" / name, data / name)
    return folder


@pytest.fixture(scope="module")
def short_fits():
    """Make every fit short, and equal ones once."""
    made = {}
    original = home_of_fit.fit

    def fit(panel, priors=None, *, seed, **options):
        tests, population = options.get("lift_tests"), options.get("population")
        key = (panel.spend.tobytes(), panel.outcome.tobytes(), panel.margin.tobytes())
        key = (*key, panel.currency, priors, seed, id(population))
        key = (*key, None if tests is None else tests.to_csv())
        if key not in made:
            short = {"draws": 400, "tune": 300, "chains": 2, "population": population}
            made[key] = original(panel, priors, seed=seed, lift_tests=tests, **short)
        return made[key]

    patch = pytest.MonkeyPatch()
    patch.setattr(adbudget, "fit", fit)  # the package keeps a name once it was used
    patch.setattr(home_of_fit, "fit", fit)
    patch.setattr("adbudget.model.sampling.MAX_RUNS", 1)
    yield
    patch.undo()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_code_of_the_page_runs(page, small_world, short_fits, monkeypatch, capsys):
    if page_id(page) in NEEDS:
        pytest.importorskip(NEEDS[page_id(page)], reason="an extra that the page is about")
    monkeypatch.chdir(small_world)
    namespace = {"__name__": page.stem}
    for number, (language, code) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")), 1):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # As in pyproject.toml: PyMC and PyTensor deprecate each other's names.
            warnings.filterwarnings("ignore", "Importing .* from .pytensor", DeprecationWarning)
            if language == "python":
                exec(compile(code, f"{page_id(page)}, block {number}", "exec"), namespace)
            if language == "yaml" and code.startswith("# "):  # the name of a file
                Path(code.splitlines()[0].removeprefix("# ")).write_text(code, encoding="utf-8")
            if language == "sh":
                for line in shell_lines(code):
                    run_line(line, monkeypatch, capsys)


def shell_lines(code: str) -> list[str]:
    """The command lines of a block, without comments; continued lines are joined."""
    lines = code.replace("\\\n", " ").splitlines()
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]


def run_line(line: str, monkeypatch, capsys) -> None:
    """Run one line as a shell would, in this process; a fit as short as here may end with 1."""
    if line.startswith(NOT_RUN):
        return
    words = shlex.split(line.removeprefix("uv run "), comments=True)
    if words[0] == "mv":
        shutil.move(words[1], words[2])
        return
    assert words[0] == "adbudget", f"nothing here can run {line!r}"
    monkeypatch.setattr(sys, "argv", words)
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    told = capsys.readouterr().err
    assert code in (0, 1), f"{line!r} ends with {code}: {told}"


def shown_commands(page: Path) -> list[str]:
    """Command lines of a page that are shown but not run, apart from those with placeholders."""
    shown = blocks(page.read_text(encoding="utf-8"), "text", "bash")
    lines = [line for code in shown for line in shell_lines(code)]
    found = [line[line.index("adbudget ") :] for line in lines if CALL.search(line)]
    return [line for line in found if not PLACEHOLDER.search(line)]


def misread(words: list[str]) -> str:
    """What the command line would refuse of these words, "" for nothing; runs nothing."""
    command, name, rest, context = (
        typer.main.get_command(app_of_commands),
        words[0],
        words[1:],
        None,
    )
    try:
        while True:
            context = command.make_context(name, list(rest), parent=context)
            if not hasattr(command, "resolve_command"):
                return ""
            left = [*context._protected_args, *context.args]
            name, command, rest = command.resolve_command(context, left)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer brings its own copy of click's errors
            raise
        return error.format_message()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_command_lines_of_the_page_are_understood(page):
    read = {line: shlex.split(line.split(" > ")[0], comments=True) for line in shown_commands(page)}
    assert {line: wrong for line, words in read.items() if (wrong := misread(words))} == {}


def test_an_unknown_option_of_a_page_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```text\nadbudget check a.csv --colour\nadbudget kill on|off\n```\n")
    assert shown_commands(page) == ["adbudget check a.csv --colour"]
    assert "--colour" in misread(["adbudget", "check", "a.csv", "--colour"])
    assert misread(["adbudget", "check", "a.csv", "--no-color"]) == ""


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_that_is_only_shown_can_be_read(page):
    for code in blocks(page.read_text(encoding="utf-8"), "py"):
        compile(code, page_id(page), "exec")


@pytest.mark.parametrize("page", LINKED, ids=page_id)
def test_links_of_the_page_resolve(page):
    assert broken_links(page) == []


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](missing.md) [b](#one) [c](#two) [d](https://example.org)\n")
    assert broken_links(page) == ["missing.md", "#two"]


def test_readme_opens_with_the_main_job_and_then_the_tests():
    shell = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh", "bash", "shell")
    assert shell[:2] == [MAIN_JOB, TEST_JOB]


def test_the_first_cycle_of_the_page_on_the_loop_runs(short_fits, tmp_path, monkeypatch, capsys):
    shell = blocks((ROOT / "docs" / "guide" / "loop.md").read_text(encoding="utf-8"), "sh")
    command = next(one for one in shell if "--loop" in one).split()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (None, 0, 1)  # 1: a fit as short as here may not be trusted
    assert "applied." in capsys.readouterr().out
    with open_state("loop.db") as state:
        assert [one.step for one in state.cycles()] == ["done"]


def test_ci_finds_the_test_command_in_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    program = re.search(r"awk '(.+?)' README\.md", script)
    assert program is not None
    command = ["awk", program[1], "README.md"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == TEST_JOB


def test_readme_tells_what_it_is_for_in_three_sentences():
    opening = (ROOT / "README.md").read_text(encoding="utf-8").split("\n\n")[1]
    assert len(re.findall(r"[.?](?:\*|\s|$)", opening)) == 3


def test_the_architecture_page_shows_the_tree_as_it_is():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert with_tree(page, draw_tree()) == page, "write it anew: uv run poe tree"


def test_the_tree_names_every_file_and_folder():
    source = ROOT / "src" / "adbudget"
    tree = draw_tree()
    files = {path.name for path in source.rglob("*.py")} - {"__init__.py"}
    folders = {f"{path.parent.name}/" for path in source.rglob("__init__.py")}
    assert {name for name in files | folders if f"{name} " not in tree.replace("\n", " ")} == set()


def test_another_tree_is_seen():
    page = "# Page\n<!-- tree -->\n\n```text\nold\n```\n\n```text\nkept\n```\n"
    assert with_tree(page, "new") == page.replace("old", "new")


def test_every_part_has_its_page():
    pages = {page.stem for page in (ROOT / "docs" / "guide").glob("*.md")}
    assert pages == {
        *("panel", "fit", "simulate", "optimize", "decide", "recommend", "cli", "synthetic"),
        *("ledger", "policy", "policy-language", "alerts", "lift-tests", "identification"),
        *("scores", "forecast", "loop", "population", "scale", "schema", "backtest", "install"),
        *("plots", "report", "tests"),
        "seller-requests",
        *("pacing", "reallocation", "pacing-control", "data-faults", "platforms"),
    }
