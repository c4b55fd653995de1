"""A platform that is a folder: others put budgets and reports there and carry the orders out.

``budgets.csv`` has a row for every campaign: account, channel, campaign, currency, daily_budget
and, if there are, minimum, paused (true or false) and changed_at; other columns are kept.
``performance.csv`` or ``.parquet`` holds the columns of a performance report, by day or by hour; a
file ``complete_until.txt`` says with one instant how far its spend is complete, or else its last
day is not taken for complete. ``orders.jsonl`` grows by a line for every order that is answered.

An order is on the disk before the budget is; an order whose budget is not there after a crash is
completed by whoever comes next.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from adbudget.errors import AdbudgetError, InputError, PlatformError
from adbudget.money import LARGEST_EXACT, digits_of, exact
from adbudget.platforms.deciding import Answered, answer_in, by_unit, changes, check_days, decide
from adbudget.platforms.platform import (
    UNIT,
    BudgetOrder,
    OrderAnswer,
    Performance,
    StandingBudget,
)
from adbudget.platforms.wire import (
    answer_from_json,
    answer_to_json,
    between,
    by_day as summed_by_day,
    order_from_json,
    order_to_json,
    performance_frame,
)
from adbudget.tables.files import read_table
from adbudget.tables.instants import as_moment
from adbudget.tables.whole_files import replace_file

BUDGETS, ORDERS, LOCK, COMPLETE = "budgets.csv", "orders.jsonl", ".lock", "complete_until.txt"
PERFORMANCE = ("performance.parquet", "performance.csv")
NEEDED = (*UNIT, "currency", "daily_budget")
YES, NO = ("true", "yes", "1"), ("", "false", "no", "0")


@dataclass(slots=True, eq=False)
class _Orders:
    """What ``orders.jsonl`` said when it was last read, as far as the end of it."""

    read_to: int = 0
    answers: dict[str, Answered] = field(default_factory=dict)
    unapplied: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilePlatform:
    """See :class:`Platform`.

    Attributes
    ----------
    folder : where the files are

    Examples
    --------
    >>> from pathlib import Path
    >>> from adbudget.platforms import FilePlatform
    >>> Path("budgets").mkdir()
    >>> FilePlatform(folder=Path("budgets")).folder.name
    'budgets'
    """

    folder: Path
    _orders: _Orders = field(default_factory=_Orders, repr=False)

    @property
    def name(self) -> str:
        """See :class:`Platform`."""
        return f"folder {self.folder}"

    def budgets(self) -> tuple[StandingBudget, ...]:
        """See :class:`Platform`."""
        with self._locked():
            return tuple(self._standing(self._rows()[1]).values())

    def performance(self, since: date, until: date, *, by_hour: bool = False) -> Performance:
        """See :class:`Platform`."""
        check_days(since, until)
        path = self._performance_path()
        frame = performance_frame(_told(read_table, path, UNIT), path.name)
        if frame.empty:
            raise PlatformError(f"{path} has no rows.")
        reported = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        complete = self._complete_until(frame)
        if "hour" in frame.columns and not by_hour:
            frame = summed_by_day(frame)
        return Performance(
            frame=between(frame, since, until), complete_until=complete, reported_at=reported
        )

    def set_budget(self, order: BudgetOrder, *, validate_only: bool = False) -> OrderAnswer:
        """See :class:`Platform`."""
        with self._locked():
            header, rows = self._rows()
            standing = self._standing(rows).get(order.unit)
            earlier = self._orders.answers.get(order.key)
            answer = decide(order, standing, earlier, at=order.at, validate_only=validate_only)
            if earlier is None and not validate_only:
                line = {"order": order_to_json(order), "answer": answer_to_json(answer)}
                self._append(line)
                if changes(order, answer):
                    self._apply(order, header, rows)
            return answer

    def answer_of(self, key: str) -> OrderAnswer | None:
        """See :class:`Platform`."""
        with self._locked():
            return answer_in(self._orders.answers, key)

    # Files ---------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among processes and threads, with every order of the past done."""
        try:
            with _lock_on(self.folder / LOCK):
                self._read_orders()
                yield
        except OSError as cause:
            raise PlatformError(
                f"{self.name} cannot be used: {cause.strerror or cause} ({cause.filename}).",
                retryable=True,
            ) from cause

    def _rows(self) -> tuple[list[str], list[dict[str, str]]]:
        """Columns and rows of the budgets, as text."""
        path = self.folder / BUDGETS
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (FileNotFoundError, UnicodeDecodeError) as cause:
            raise PlatformError(f"{path} cannot be read as UTF-8 text: {cause}.") from cause
        reader = csv.DictReader(io.StringIO(text, newline=""))
        header = list(reader.fieldnames or ())
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise PlatformError(f"{path} has no column {missing}; needed are {NEEDED}.")
        rows = list(reader)
        if any(None in row or None in row.values() for row in rows):
            raise PlatformError(f"{path}: every row needs as many values as the header.")
        return header, rows

    def _standing(self, rows: list[dict[str, str]]) -> dict[tuple[str, str, str], StandingBudget]:
        place = str(self.folder / BUDGETS)
        made: dict[tuple[str, str, str], int] = {}
        for order, answer in self._orders.answers.values():
            made[order.unit] = made.get(order.unit, 0) + changes(order, answer)
        budgets = (_budget(row, f"{place}, row {i}", made) for i, row in enumerate(rows, start=2))
        return by_unit(budgets, place)

    def _apply(self, order: BudgetOrder, header: list[str], rows: list[dict[str, str]]) -> None:
        """Write the budget, and then that it is written."""
        for row in rows:
            if tuple(row[name].strip() for name in UNIT) == order.unit:
                digits = digits_of(order.currency)
                row["daily_budget"] = str(exact(order.daily_minor, digits))
                if "changed_at" in header:
                    row["changed_at"] = order.at.isoformat()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        replace_file(self.folder / BUDGETS, text.getvalue().encode(), durable=True)
        self._append({"applied": order.key})

    def _append(self, line: dict[str, Any]) -> None:
        """Add a line that is on the disk when this returns, and believe it."""
        path = self.folder / ORDERS
        with path.open("ab") as file:
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
            self._orders.read_to = file.tell()
        self._take(line)

    def _read_orders(self) -> None:
        """Read what others have added, and complete what a crash left undone."""
        path, known = self.folder / ORDERS, self._orders
        size = path.stat().st_size if path.exists() else 0
        if size < known.read_to:  # another file has taken its place
            known.read_to = 0
            known.answers.clear()
            known.unapplied.clear()
        if size > known.read_to:
            with path.open("rb") as file:
                file.seek(known.read_to)
                content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            for number, line in enumerate(whole.splitlines(), start=1):
                try:
                    self._take(json.loads(line))
                except ValueError as cause:
                    raise PlatformError(
                        f"{path}: line {number} after byte {known.read_to} is not JSON."
                    ) from cause
            if len(whole) < len(content):  # a line that broke off was never answered
                os.truncate(path, known.read_to + len(whole))
            known.read_to += len(whole)
        for key in list(known.unapplied):
            self._complete(key)

    def _complete(self, key: str) -> None:
        """Set the budget of an order that was written down, if it is still what it was based on."""
        order, _ = self._orders.answers[key]
        header, rows = self._rows()
        standing = self._standing(rows).get(order.unit)
        if standing is not None and standing.daily_minor == order.based_on_minor:
            self._apply(order, header, rows)
        else:  # it was set before the crash, or somebody has set another since
            self._append({"applied": key})

    def _take(self, line: Any) -> None:
        known = self._orders
        if isinstance(line, dict) and "applied" in line:
            with suppress(ValueError):
                known.unapplied.remove(line["applied"])
            return
        place = str(self.folder / ORDERS)
        document = line if isinstance(line, dict) else {}
        order = order_from_json(document.get("order"), place)
        answer = answer_from_json(document.get("answer"), place)
        known.answers[order.key] = (order, answer)
        if changes(order, answer):
            known.unapplied.append(order.key)

    def _performance_path(self) -> Path:
        found = [self.folder / name for name in PERFORMANCE if (self.folder / name).exists()]
        if len(found) != 1:
            what = "both" if found else "neither"
            raise PlatformError(f"{self.folder} holds {what} of {PERFORMANCE}; one is needed.")
        return found[0]

    def _complete_until(self, frame: pd.DataFrame) -> datetime:
        """What the file says, or else the beginning of the last day that is reported."""
        path = self.folder / COMPLETE
        if path.exists():
            text = path.read_text(encoding="utf-8").strip()
            instant = _told(as_moment, text, str(path))
            if instant.tzinfo is None:
                raise PlatformError(f"{path} holds {text!r}; the instant needs a time zone.")
            return instant
        return frame["date"].max().to_pydatetime().replace(tzinfo=UTC)


def open_file(address: str, token: str | None) -> FilePlatform:
    """Entry point of "file:".

    Raises
    ------
    InputError : no folder, or one without budgets
    """
    folder = Path(address.partition(":")[2].removeprefix("//"))
    if not address.partition(":")[2] or not (folder / BUDGETS).is_file():
        raise InputError(
            f"{address}: a file platform is a folder with {BUDGETS}, as file:FOLDER; there is none."
        )
    return FilePlatform(folder=folder)


def _budget(row: dict[str, str], place: str, made: dict[Any, int]) -> StandingBudget:
    """One row, checked."""
    text = {name: value.strip() for name, value in row.items()}
    unit = tuple(text[name] for name in UNIT)
    if not all(unit):
        raise PlatformError(f"{place} lacks an account, channel or campaign.")
    currency = text["currency"].upper()
    paused = text.get("paused", "").lower()
    if paused not in (*YES, *NO):
        raise PlatformError(f"{place}: paused is {paused!r}; write true or false.")
    changed_at = text.get("changed_at", "")
    daily = _minor(text["daily_budget"], currency, place)
    said = json.dumps([daily, paused in YES, changed_at, made.get(unit, 0)])
    return StandingBudget(
        account=unit[0],
        channel=unit[1],
        campaign=unit[2],
        currency=currency,
        daily_minor=daily,
        version=hashlib.sha256(said.encode()).hexdigest()[:16],
        paused=paused in YES,
        minimum_minor=_minor(text["minimum"], currency, place) if text.get("minimum") else None,
        changed_at=_instant(changed_at, place) if changed_at else None,
    )


def _minor(text: str, currency: str, place: str) -> int:
    try:
        minor = Decimal(text).scaleb(digits_of(currency))
        if minor == minor.to_integral_value() and 0 <= minor < LARGEST_EXACT:
            return int(minor)
    except ArithmeticError:
        pass
    raise PlatformError(
        f"{place}: {text!r} is no amount of {currency} such as 120.50, to the "
        f"{digits_of(currency)} digits it has."
    )


def _instant(text: str, place: str) -> datetime:
    instant = _told(as_moment, text, f"{place}: changed_at")
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _told(read: Any, *arguments: Any) -> Any:
    """What a reader of the caller's own input says, said of a platform."""
    try:
        return read(*arguments)
    except PlatformError:
        raise
    except AdbudgetError as cause:
        raise PlatformError(str(cause)) from cause


@contextmanager
def _lock_on(path: Path) -> Iterator[None]:
    """Alone among all who lock this file; the lock ends with the process that holds it."""
    with path.open("ab") as file:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # pyright: ignore
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # pyright: ignore
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file lets go
