"""Entries of the ledger -> what a person reads of them: moves of budgets, instants, ages."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adbudget.cli.terminal import say

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.ledger import Ledger, Receipt


def move_text(row: Mapping[str, Any]) -> str:
    """2,000.00 -> 2,300.00 EUR."""
    from adbudget.ledger.ledger_frames import move_text as told

    return told(row)


def show_changes(opened: "Ledger", receipts: "Iterable[Receipt]") -> None:
    """Print the changes among what was written just now."""
    keys = [one.key for one in receipts if one.status == "written"]
    written = opened.kept(keys)
    for key in keys:
        entry = written[key].entry
        if entry.kind != "change":
            continue
        row = {name: getattr(entry, name) for name in ("currency", "old_minor", "new_minor")}
        told = (
            move_text(row | {"digits": None}) if entry.payload.get("action") != "pause" else "pause"
        )
        say(f"Changed: {entry.unit} {told}.")


def minute(at: Any) -> str:
    """2026-03-02 09:00, or nothing where there is no instant."""
    import pandas as pd

    return "" if pd.isna(at) else f"{at:%Y-%m-%d %H:%M}"


def age(span: Any) -> str:
    """45 min, 7 h or 3 days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def with_exact_instants(table: "pd.DataFrame") -> "pd.DataFrame":
    """Instants as the ledger holds them: text of fixed width, None where there is none."""
    import pandas as pd

    from adbudget.ledger.entry import at_text

    def exact(at: Any) -> str | None:
        return None if pd.isna(at) else at_text(at)

    names = [name for name in ("at", "written_at", "expires_at", "sent_at") if name in table]
    return table.assign(**{name: table[name].astype(object).map(exact) for name in names})
