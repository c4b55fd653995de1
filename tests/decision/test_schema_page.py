"""What programs may rely on: the page of the schema says what the code gives."""

import re
from pathlib import Path

from adbudget.decision.reason_code import ReasonCode
from adbudget.decision.schema import SCHEMA, SCHEMA_VERSION
from adbudget.reporting.cells import WHY_MONITORED

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "schema.md"
CALLS = ("pays", "stands", "forced")


def rows_of(title: str) -> list[list[str]]:
    """Cells of the table under a title of the page."""
    section = PAGE.read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_lists_every_column_in_order_with_its_type_and_unit():
    told = [tuple(row[:4]) for row in rows_of("Columns")]
    kept = [(c.name, c.kind, c.unit, "yes" if c.missing else "no") for c in SCHEMA]
    assert told == kept


def test_the_page_lists_every_reason_code():
    assert [row[0] for row in rows_of("Reason codes")] == [str(code) for code in ReasonCode]
    of_calls = [row[0] for row in rows_of("Reason codes") if row[1] == "a call"]
    assert tuple(of_calls) == CALLS


def test_the_page_is_of_this_version():
    text = PAGE.read_text("utf-8")
    assert re.search(rf"\bversion {SCHEMA_VERSION}\b", text)


def test_every_reason_to_monitor_has_words_for_the_page():
    assert set(WHY_MONITORED) == {str(code) for code in ReasonCode} - set(CALLS)
