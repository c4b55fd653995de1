"""Open changes of the ledger + a platform -> each made there once, cuts before what they pay for.

The ledger says what is to be made and what was made; this module keeps nothing of its own, so that
a process that is killed anywhere is simply run again. Every write is announced in the ledger before
it is sent, carries a key that the platform honours once, and never overwrites a budget that is not
the one the change was based on. Knows nothing of how a change was decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from adbudget.errors import LedgerError, PlatformError
from adbudget.money import digits_of, exact, exact_text
from adbudget.platforms.platform import BudgetOrder, OrderAnswer, Platform, StandingBudget
from adbudget.tables.units import key_part, scope_of, unit_of

if TYPE_CHECKING:
    from adbudget.ledger.store import Ledger

WHO = "adbudget loop"
PAID_BY = "paid_by"  # in the payload of what was proposed: unit -> money of the cuts that pay
State = Literal[
    "made", "made before", "valid", "refused", "conflict", "unfunded", "unknown", "waits",
    "stopped", "not here",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of one change.

    Attributes
    ----------
    change : its key in the ledger
    unit, currency : whose budget
    old_minor, new_minor : minor units a day: before, and as ordered
    stands_minor : what stands at the platform now; None when nobody knows
    state : what became of it

        - "made", or "made before" by an earlier try; "valid": not sent, it would be made
        - "refused" by the platform
        - "conflict": the budget is no longer what the change was based on
        - "unfunded": the cuts that pay for it were not made
        - "unknown": the platform did not answer, and is asked again next time
        - "waits" for a cut of which that is true
        - "stopped" by the kill switch
        - "not here": nothing this platform knows or can do
    reason : one sentence, "" when made

    Examples
    --------
    >>> [made.state for made in cycle.applied.changes] != []
    True
    """

    change: str
    unit: str
    currency: str
    old_minor: int
    new_minor: int
    stands_minor: int | None
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of all open changes.

    Attributes
    ----------
    changes : one for each, in the order they were tried
    differs : unit -> (ordered, standing) of budgets that do not read back as they were set

    Examples
    --------
    >>> cycle.applied.differs  # budgets that are not what the ledger says
    {}
    >>> cycle.applied.joined(cycle.applied).count("made") == cycle.applied.count("made")
    True
    """

    changes: tuple[Made, ...]
    differs: Mapping[str, tuple[int, int]]

    def joined(self, later: "Applied") -> "Applied":
        """Both passes; of a change that was tried in both, the later word stands."""
        again = {one.change for one in later.changes}
        kept = (one for one in self.changes if one.change not in again)
        return Applied(changes=(*kept, *later.changes), differs={**self.differs, **later.differs})

    def count(self, *states: State) -> int:
        """How many changes are in one of these states."""
        return sum(one.state in states for one in self.changes)


def unit_of_budget(budget: StandingBudget | BudgetOrder) -> str:
    """Name of a platform's campaign in ledger and policy: "account::campaign"."""
    return unit_of(budget.campaign, scope_of(budget.account))


def apply_changes(
    ledger: "Ledger", platform: Platform, *, now: datetime, apply: bool = True, who: str = WHO
) -> Applied:
    """Make every open change of the ledger that is the platform's.

    Parameters
    ----------
    ledger : its open changes are tried, and what became of them is written to it
    platform : where the budgets stand
    now : the instant, with a time zone
    apply : False asks the platform whether it would make them, and writes nothing anywhere
    who : stands in the ledger

    Returns
    -------
    Applied. Cuts come first. A raise follows as far as the cuts that pay for it are confirmed: in
    full, in part, or not at all

    Raises
    ------
    PlatformError : the budgets cannot be read, before anything was sent
    LedgerError : the ledger cannot be read or written

    Examples
    --------
    >>> from adbudget.loop import apply_changes
    >>> with ab.open_ledger(":memory:") as ledger:
    ...     applied = apply_changes(ledger, platform, now=platform.now)
    >>> applied.changes  # nothing was ordered
    ()
    """
    standing = {unit_of_budget(one): one for one in platform.budgets()}
    rows = [dict(row) for row in ledger.open_changes().to_dict("records")]
    work = _Work(ledger, platform, standing, now, who, rows, apply=apply)
    for row in sorted(rows, key=lambda row: (_is_raise(row), row["sequence"])):
        work.make(row)
    return Applied(changes=tuple(work.done), differs=work.read_back())


def _is_raise(row: Mapping[str, Any]) -> bool:
    return _minor(row["new_minor"]) > _minor(row["old_minor"])


def _earlier(row: Mapping[str, Any], budget: StandingBudget) -> bool:
    """Whether the budget is that from before an earlier change, which was not made."""
    return budget.daily_minor in row["starts"]


def _minor(value: Any) -> int:
    return 0 if value is None or value != value else int(value)  # a pause has no amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payer:
    """A cut that pays for a raise: the change that makes it ("" is new money), and how much."""

    change: str
    unit: str
    minor: int


class _Work:
    """One pass over the open changes: what was done so far, and the doors it goes through."""

    def __init__(
        self,
        ledger: "Ledger",
        platform: Platform,
        standing: dict[str, StandingBudget],
        now: datetime,
        who: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        apply: bool,
    ) -> None:
        self.ledger, self.platform, self.standing = ledger, platform, standing
        self.now, self.who, self.apply = now, who, apply
        self.done: list[Made] = []
        self.open = {row["change"] for row in rows}
        changes = ledger.payloads(self.open)
        self.item_of = {name: str(one.get("item", "")) for name, one in changes.items()}
        self.items = ledger.payloads(set(self.item_of.values()))

    def make(self, row: Mapping[str, Any]) -> None:
        """Try one change and note what became of it."""
        budget = self.standing.get(row["unit"])
        if budget is None or row["action"] == "pause" or row["currency"] != budget.currency:
            self._note(row, "not here", None, self._why_not_here(row, budget))
            return
        if self.apply and self.ledger.kill_state().on:
            self._note(row, "stopped", budget.daily_minor, "The kill switch is on.")
            return
        wanted, state, why = self._funded(row)
        if state is not None:
            self._note(row, state, budget.daily_minor, why)
            if state == "unfunded":
                self._settle(row, "withdrawn", why)
            return
        self._send(row, budget, wanted - self._not_made_before(row, budget))

    def _not_made_before(self, row: Mapping[str, Any], budget: StandingBudget) -> int:
        """What of a raise was to be made by the change before it, whose money is not here."""
        old, new = _minor(row["old_minor"]), _minor(row["new_minor"])
        return max(0, old - budget.daily_minor) if new > old and _earlier(row, budget) else 0

    def _send(self, row: Mapping[str, Any], budget: StandingBudget, wanted: int) -> None:
        order = BudgetOrder(
            key=f"{row['change']}:{wanted}",
            account=budget.account,
            channel=budget.channel,
            campaign=budget.campaign,
            currency=budget.currency,
            based_on_minor=budget.daily_minor
            if _earlier(row, budget)
            else _minor(row["old_minor"]),
            daily_minor=wanted,
            at=self.now,
        )
        if not self.apply:
            answer = self.platform.set_budget(order, validate_only=True)
            self._note(row, answer.status, answer.daily_minor, answer.reason)
            return
        tried = row["sent_at"] is not None and row["sent_at"] == row["sent_at"]
        try:
            answer = self.platform.answer_of(order.key) if tried else None
            again = answer is not None
            if answer is None:
                self.ledger.confirm(row["change"], who=self.who, at=self._at(row), step="sent")
                answer = self.platform.set_budget(order)
        except PlatformError as error:
            again, answer = False, self._asked_again(order)
            if answer is None:
                why = f"{error} What became of it is asked next time."
                self._note(row, "unknown", None, why)
                return
        self._heard(row, answer, wanted, again=again)

    def _asked_again(self, order: BudgetOrder) -> OrderAnswer | None:
        """What became of an order whose answer was not heard; None when that is silent, too."""
        try:
            return self.platform.answer_of(order.key)
        except PlatformError:
            return None

    def _heard(
        self, row: Mapping[str, Any], answer: OrderAnswer, wanted: int, *, again: bool
    ) -> None:
        if answer.status == "made":
            in_part = wanted if wanted != _minor(row["new_minor"]) else None
            self._settle(row, "confirmed", "", budget_minor=in_part)
            self._note(row, "made before" if again else "made", wanted, "")
            return
        state: State = "conflict" if answer.status == "conflict" else "refused"
        self._settle(row, "withdrawn", answer.reason or state)
        self._note(row, state, answer.daily_minor, answer.reason)

    def _at(self, row: Mapping[str, Any]) -> datetime:
        """Now, or the change's own instant where a clock went back: nothing precedes its order."""
        return max(self.now, row["at"].to_pydatetime())

    def _settle(
        self,
        row: Mapping[str, Any],
        step: Literal["confirmed", "withdrawn"],
        why: str,
        budget_minor: int | None = None,
    ) -> None:
        """Write what became of a change, unless a later change has taken its place meanwhile."""
        if not self.apply:
            return
        try:
            self.ledger.confirm(
                row["change"],
                who=self.who,
                at=self._at(row),
                step=step,
                reason=why,
                budget_minor=budget_minor,
            )
        except LedgerError:
            if row["change"] in set(self.ledger.open_changes()["change"]):
                raise

    def _funded(self, row: Mapping[str, Any]) -> tuple[int, State | None, str]:
        """How far a raise is paid for: the budget, or why nothing is sent."""
        old, new = _minor(row["old_minor"]), _minor(row["new_minor"])
        if new <= old or not self.apply:
            return new, None, ""
        paid, missing, waits = 0, [], False
        for payer in self._payers(row):
            became = self._became(payer.change)
            if became == "made":
                paid += payer.minor
            else:
                missing.append(payer.unit)
                waits |= became == "open"
        if not missing or paid >= new - old:
            return new, None, ""
        names = ", ".join(missing)
        if waits:
            return old, "waits", f"It is paid by {names}, which is not known to be cut yet."
        if paid <= 0:
            return old, "unfunded", f"It was to be paid by {names}, which was not cut."
        return old + paid, None, ""

    def _payers(self, row: Mapping[str, Any]) -> list["_Payer"]:
        """The cuts that pay for a raise, each by the change that makes it; and new money."""
        item = self.items.get(self.item_of.get(row["change"], ""), {})
        if PAID_BY not in item:  # a rollback, or a person's own amounts: all cuts of the run pay
            return self._cuts_of_run(row)
        money = {
            unit: int(Decimal(amount).scaleb(digits_of(row["currency"])))
            for unit, amount in item[PAID_BY].items()
            if unit
        }
        new_money = int(Decimal(item[PAID_BY].get("", "0")).scaleb(digits_of(row["currency"])))
        keys = {f"change:{key}": key for key in item.get("funded_by", ())}
        if keys:
            units = {key: one.entry.unit for key, one in self.ledger.kept(keys.values()).items()}
            payers = [
                _Payer(change=change, unit=units[key], minor=money.get(units[key], 0))
                for change, key in keys.items()
                if key in units
            ]
        else:
            run = row["run_id"]
            payers = [
                _Payer(change=f"apply:rec:{run}:{key_part(unit)}", unit=unit, minor=minor)
                for unit, minor in money.items()
            ]
        return [*payers, *([_Payer(change="", unit="", minor=new_money)] if new_money else [])]

    def _cuts_of_run(self, row: Mapping[str, Any]) -> list["_Payer"]:
        every = self.ledger.entries(kind="change", run_id=row["run_id"]).to_dict("records")
        return [
            _Payer(
                change=one["key"],
                unit=one["unit"],
                minor=_minor(one["old_minor"]) - _minor(one["new_minor"]),
            )
            for one in every
            if _minor(one["new_minor"]) < _minor(one["old_minor"])
        ]

    def _became(self, change: str) -> Literal["made", "open", "not made"]:
        """What the ledger says of a change that pays for another."""
        if not change or self.ledger.kept([f"confirm:{change}"]):
            return "made"
        if change in self.open and not self.ledger.kept([f"withdraw:{change}"]):
            return "open"
        return "not made"

    def read_back(self) -> dict[str, tuple[int, int]]:
        """Budgets that do not stand as they were set."""
        made = [one for one in self.done if one.state in ("made", "made before")]
        if not made:
            return {}
        try:
            now = {unit_of_budget(one): one.daily_minor for one in self.platform.budgets()}
        except PlatformError:
            return {}  # the answers were heard; what stands is read again by the next cycle
        return {
            one.unit: (one.stands_minor or 0, now[one.unit])
            for one in made
            if one.unit in now and now[one.unit] != one.stands_minor
        }

    def _note(self, row: Mapping[str, Any], state: State, stands: int | None, reason: str) -> None:
        self.done.append(
            Made(
                change=row["change"],
                unit=row["unit"],
                currency=row["currency"],
                old_minor=_minor(row["old_minor"]),
                new_minor=_minor(row["new_minor"]),
                stands_minor=stands,
                state=state,
                reason=reason,
            )
        )

    def _why_not_here(self, row: Mapping[str, Any], budget: StandingBudget | None) -> str:
        if budget is None:
            return f"{self.platform.name} has no campaign {row['unit']!r}."
        if row["action"] == "pause":
            return "A platform is asked for budgets only; a person pauses it."
        return f"The change is in {row['currency'] or 'no currency'}, it is in {budget.currency}."


def told(one: Made) -> str:
    """'acme::brand 100.00 -> 110.00 made', for a line of a report."""
    digits = digits_of(one.currency)
    ends = (exact_text(exact(minor, digits)) for minor in (one.old_minor, one.new_minor))
    return f"{one.unit} {' -> '.join(ends)} {one.state}"
