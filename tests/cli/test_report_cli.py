"""--report on the command line: a page beside what is printed, refused before the work begins."""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adbudget import cli
from adbudget.cli.pages import check_folder, write_loop_page
from adbudget.errors import InputError
from adbudget.loop import CycleReport, open_state
from tests.made_fits import unsampled
from tests.reporting.conftest import world

DATA = Path(__file__).parents[2] / "data" / "synthetic"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process; its exit code, and what it printed."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["adbudget", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


def test_decisions_of_a_saved_fit_become_a_page_and_a_workbook(command, tmp_path):
    unsampled(world()).save(tmp_path / "shop.fit")
    page, book = tmp_path / "r.html", tmp_path / "plan.xlsx"
    code, out, err = command(
        "recommend", "--fit", tmp_path / "shop.fit", "--report", page, "--out", book
    )
    assert (code, err) == (0, "")
    assert f"Wrote {page}: open it in a browser" in " ".join(out.split())
    text = page.read_text("utf-8")
    assert "In one minute" in text
    assert text.count("at a constant spend") >= 6
    assert book.stat().st_size > 5_000


class Gone(io.StringIO):
    """Standard output whose reader has left, as head does after its lines."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_files_are_written_though_nobody_reads_the_page_to_its_end(monkeypatch, tmp_path):
    unsampled(world()).save(tmp_path / "shop.fit")
    page, table = tmp_path / "r.html", tmp_path / "d.csv"
    words = ["--fit", tmp_path / "shop.fit", "--report", page, "--out", table]
    monkeypatch.setattr(sys, "argv", ["adbudget", "recommend", *map(str, words)])
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(SystemExit):
        cli.main()
    assert page.exists()
    assert table.exists()


def test_a_run_of_pacing_becomes_a_page(command, tmp_path):
    page = tmp_path / "pacing.html"
    files = (DATA / "pacing_plan.csv", DATA / "pacing_delivery.csv")
    code, _, _ = command("pace", *files, "--as-of", "2026-03-16", "--report", page)
    assert code == 0
    assert "ctv-prime" in page.read_text("utf-8")


@pytest.mark.parametrize("what", ["recommend", "pace"])
def test_another_ending_is_refused_before_anything_is_read(command, what):
    code, _, err = command(what, "none.csv", "none.csv", "--report", "r.pdf")
    assert code == 2
    assert "must end in .html" in " ".join(err.split())


def test_the_page_of_the_loop_is_written_anew_and_loads_itself_again(tmp_path):
    folder = tmp_path / "pages" / "loop"
    check_folder(folder)
    made = CycleReport(
        key="first", at=datetime(2026, 3, 2, tzinfo=UTC), dry=True, resumed=False, plans=(),
        applied=None,
    )  # fmt: skip
    with open_state(tmp_path / "loop.db") as state:
        write_loop_page(made, state, folder)
        fitted = unsampled(world())
        state.keep_fit(fitted, datetime(2026, 3, 2, tzinfo=UTC))
        write_loop_page(made, state, folder)
    text = (folder / "index.html").read_text("utf-8")
    assert "Cycle first" in text
    assert '<meta http-equiv="refresh" content="60">' in text
    assert "What to expect" in text
    assert "What brought the revenue" in text


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "pages").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        check_folder(tmp_path / "pages")
