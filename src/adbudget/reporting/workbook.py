"""Frame of decisions -> an Excel workbook to hand to a client, which reads back as decisions, too.

The sheets "decisions" and "about" are those that any table has, laid out for reading; beside them
stand totals, reasons and notes on the data, one sheet each.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.reporting.summary import FINDINGS, facts_of
from adbudget.tables.files import check_writable
from adbudget.tables.spreadsheets import neutral
from adbudget.tables.whole_files import write_whole
from adbudget.tables.workbooks import ABOUT, TABLE, workbook_bytes

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

TOTALS, REASONS, NOTES = "totals", "reasons", "data notes"
MONEY, SHARE, RATIO, PERCENT = "#,##0.00", "0%", "0.00", '+0.0"%";-0.0"%";0"%"'
FORMATS = {
    **dict.fromkeys(
        (
            *("current_spend", "recommended_spend", "considered_spend", "expected_lift"),
            *("lift_low", "lift_high", "risk_adjusted_lift", "expected_value", "value_low"),
            *("value_high", "worst_tenth"),
        ),
        MONEY,
    ),
    **dict.fromkeys(
        ("prob_gain", "prob_error", "prob_needed", "flip_at", "prior_share", "margin"), SHARE
    ),
    **dict.fromkeys(
        (
            *("roi", "roi_low", "roi_high", "marginal_roi", "marginal_roi_low"),
            *("marginal_roi_high", "hurdle"),
        ),
        RATIO,
    ),
    "change_pct": PERCENT,
}
FILLS = {"increase": "CFE6F5", "reduce": "F8DCC8", "monitor": "ECEEF0"}
WIDEST, LEAST = 70, 10  # letters of a column
HEAD = "1F3B57"


def write_workbook(frame: pd.DataFrame, path: Path) -> Path:
    """Write decisions as a formatted workbook, in one step.

    Parameters
    ----------
    frame : from :func:`adbudget.recommend`
    path : where to; ends in .xlsx

    Raises
    ------
    InputError : another ending, no such folder, openpyxl is missing, or the disk refuses
    """
    check_writable(path)
    write_whole(path, decision_workbook(frame))
    return path


def decision_workbook(frame: pd.DataFrame) -> bytes:
    """Bytes of the workbook of :func:`write_workbook`."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(workbook_bytes(frame)))
    table = book[TABLE]
    _lay_out(table)
    _colour_decisions(table)
    facts = facts_of(frame)
    _fill(book.create_sheet(TOTALS, 1), pd.DataFrame(facts.get("totals", [])))
    reasons: Any = frame[["account", "channel", "decision", "reason"]]
    _fill(book.create_sheet(REASONS, 2), reasons)
    _fill(book.create_sheet(NOTES, 3), _notes(facts))
    _lay_out(book[ABOUT], wrapped=False)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _notes(facts: dict[str, Any]) -> pd.DataFrame:
    """Findings, notes, and what the fit warns of, one a row."""
    rows = [
        (
            "finding",
            one["account"],
            ", ".join(one["channels"]),
            str(one.get("message", FINDINGS.get(one["kind"], one["kind"]))),
        )
        for one in facts.get("findings", [])
    ]
    rows += [("note", "", "", str(note)) for note in facts.get("notes", [])]
    health = facts.get("health", {})
    for kind in ("problems", "warnings"):
        rows += [(f"fit: {kind[:-1]}", "", "", str(one)) for one in health.get(kind, [])]
    return pd.DataFrame(rows, columns=["kind", "account", "channels", "what"])


def _fill(sheet: "Worksheet", frame: pd.DataFrame) -> None:
    """A table on an empty sheet."""
    sheet.append([str(name) for name in frame.columns])
    for row in frame.astype(object).itertuples(index=False):
        sheet.append([None if pd.isna(value) else neutral(value) for value in row])
    _lay_out(sheet)


def _lay_out(sheet: "Worksheet", *, wrapped: bool = True) -> None:
    """Head, widths, formats of numbers, and a filter."""
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    if not sheet.max_column or sheet.cell(1, 1).value is None:
        return
    for place in range(1, sheet.max_column + 1):
        head = sheet.cell(1, place)
        name = str(head.value)
        head.font = Font(bold=True, color="FFFFFF")
        head.fill = PatternFill("solid", fgColor=HEAD)
        cells = [sheet.cell(row, place) for row in range(2, sheet.max_row + 1)]
        numbers = FORMATS.get(name)
        longest = max([len(name) + 3, *(len(_shown(cell.value)) for cell in cells)])
        sheet.column_dimensions[get_column_letter(place)].width = min(max(longest, LEAST), WIDEST)
        for cell in cells:
            if numbers is not None:
                cell.number_format = numbers
            elif wrapped and isinstance(cell.value, str) and len(cell.value) > WIDEST:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "C2" if sheet.title == TABLE else "A2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    properties: Any = sheet.sheet_properties
    properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _shown(value: object) -> str:
    """About as many letters as a cell takes."""
    return f"{value:,.2f}" if isinstance(value, float) else "" if value is None else str(value)


def _colour_decisions(sheet: "Worksheet") -> None:
    """The decision of every row in its colour."""
    from openpyxl.styles import PatternFill

    names = [cell.value for cell in sheet[1]]
    place = names.index("decision") + 1
    for row in range(2, sheet.max_row + 1):
        cell = sheet.cell(row, place)
        fill = FILLS.get(str(cell.value))
        if fill is not None:
            cell.fill = PatternFill("solid", fgColor=fill)
