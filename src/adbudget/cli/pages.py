"""Results -> the files of --report and --out: a page to read and send, a workbook for a client."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.cli.terminal import say
from adbudget.errors import InputError
from adbudget.tables.whole_files import check_place

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.loop import LoopState

LOOP_PAGE, REFRESH_SECONDS = "index.html", 60


def check_page(path: Path) -> None:
    """Refuse a page that could not be written, before minutes go into what it shows.

    Raises
    ------
    InputError : it does not end in .html, or there is no such folder
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--report: {path} must end in .html.")
    check_place(path, "report.html")


def write_page(result: Any, path: Path, *, quiet: bool = False, **beside: Any) -> None:
    """Write the page, dated now, and say so."""
    from adbudget.reporting.html.report import report

    report(result, path, at=datetime.now(UTC), **beside)
    if not quiet:
        say_where(path)


def say_where(path: Path) -> None:
    """Say that a page was written."""
    say(f"\nWrote {path}: open it in a browser, or send it.")


def write_decisions(frame: "pd.DataFrame", path: Path) -> tuple[Path, ...]:
    """Write decisions: a workbook laid out for reading, or a plain table of another kind."""
    if path.suffix.lower() == ".xlsx":
        from adbudget.reporting.workbook import write_workbook

        return (write_workbook(frame, path),)
    from adbudget.tables.files import write_table

    return write_table(frame, path)


def check_folder(folder: Path) -> None:
    """Refuse a folder for the page of the loop that is none; it is made when missing.

    Raises
    ------
    InputError : it is a file, or cannot be made
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise InputError(f"--report: {folder} is no folder: {cause.strerror or cause}.") from cause


def write_loop_page(report: Any, state: "LoopState", folder: Path) -> None:
    """Write the page of the loop anew: the cycle, what is expected, and what the fit knows."""
    fit = state.fit()
    beside: dict[str, Any] = {}
    if fit is not None:
        from adbudget.forecasting import forecast

        beside = {"fit": fit, "forecast": forecast(fit, seed=0, by_channel=False)}
    beside |= {"promises": state.ledger, "refresh_seconds": REFRESH_SECONDS}
    write_page(report, folder / LOOP_PAGE, quiet=True, **beside)
