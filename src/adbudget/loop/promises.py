"""Moves that were made -> what was promised of them, and later what was seen.

Only the outcome of an account is seen, so the moves of an account in one cycle are held against
each other together: what came in, less what was expected had the budgets stayed. Both stand in the
ledger. An account whose promises of a year, taken together, were missed by more than chance
explains moves half as far.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.ledger.entry import Entry
from adbudget.loop.campaigns import money_by_cell
from adbudget.tables.units import key_part

if TYPE_CHECKING:
    from adbudget.forecasting.spend_ahead import PlanLike
    from adbudget.ledger.store import Ledger
    from adbudget.model.fit import Fit
    from adbudget.panel.panel import Panel

LEAST_MOVE = 1e-6  # money per period
PROMISE, SEEN = "promise", "promise_seen"
WHO = "adbudget loop"
CAUTION = 0.5  # of the usual change, where promises were missed
REMEMBERED = timedelta(days=365)  # that promises are judged and held against an account
WIDE = 1.64  # standard deviations: the edge of a 90% interval
Pair = tuple[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A promise held against what was seen. Outcome units, over the periods that are in.

    Attributes
    ----------
    key : of the promise in the ledger
    account : whose
    periods : how many periods are in
    promised, promised_sd : lift of the moves, mean and standard deviation
    seen, seen_sd : outcome less what was expected without the moves, and how far chance moves it
    verdict : "kept": it is as promised and above nothing; "broken": it is less than promised,
        beyond the 90% interval; "unclear": the data could not tell
    """

    key: str
    account: str
    periods: int
    promised: float
    promised_sd: float
    seen: float
    seen_sd: float
    verdict: str


def promise_pairs(
    fit: "Fit",
    current: pd.Series,
    plan: pd.Series,
    *,
    cycle: str,
    at: datetime,
    horizon: int,
    seed: int,
    changes: Mapping[str, Mapping[str, int]],
) -> list[Pair]:
    """What a plan promises, account by account, as entries for the ledger.

    Parameters
    ----------
    fit : what is known
    current, plan : spend per period by cell: if nothing moved, and as it was made
    cycle : its key
    at : instant of the cycle
    horizon : periods to look ahead
    seed : of the draws; both plans meet the same chance
    changes : account -> the changes in the ledger that made the moves, and their places
    """
    if (plan - current).abs().max() <= LEAST_MOVE:
        return []
    pairs = []
    for promise in promises_of(fit, current, plan, horizon=horizon, seed=seed):
        account = str(promise["account"])
        entry = Entry(
            kind=PROMISE,
            at=at,
            who=WHO,
            run_id=cycle,
            rationale=f"{account}: {len(promise['moves'])} moves",
            payload={"cycle": cycle, **promise, "changes": sorted(changes[account])},
        )
        place = max(changes[account].values())  # a cycle may be finished in several goes
        pairs.append((f"promise:{cycle}:{key_part(account)}:{place}", entry))
    return pairs


def promises_of(
    fit: "Fit", current: pd.Series, plan: "PlanLike", *, horizon: int, seed: int
) -> list[dict[str, Any]]:
    """What a plan promises, one for each account that it moves, as plain values.

    Parameters
    ----------
    fit : what is known
    current : spend per period by cell if nothing moved
    plan : the same as it was made, or by date, as :func:`adbudget.forecast` takes it
    horizon, seed : as in :func:`promise_pairs`

    Returns
    -------
    account; dates; lift, lift_sd, without, without_sd: outcome units from the first date to each;
    moves: channel -> (before, mean over the horizon)
    """
    from adbudget.forecasting.forecasts import forecast_plan, prepared

    ahead, notes = prepared(fit, horizon, seed=seed)
    still, moving = (
        forecast_plan(ahead, spend, notes, seed=seed, by_channel=False).draws
        for spend in (current, plan)
    )
    after = moving["spend"].mean("date")
    moved: dict[str, dict[str, list[float]]] = {}
    for (account, channel), before in money_by_cell(current).items():
        then = float(after.sel(account=account, channel=channel))
        if abs(then - before) > LEAST_MOVE:
            moved.setdefault(account, {})[channel] = [before, then]
    lift = (moving["expected"] - still["expected"]).cumsum("date")
    expected = still["outcome"].cumsum("date")
    promises = []
    for account, moves in moved.items():
        of_lift, of_outcome = lift.sel(account=account), expected.sel(account=account)
        promises.append(
            {
                "account": account,
                "dates": [str(day)[:10] for day in lift["date"].to_numpy()],
                "lift": of_lift.mean("draw").to_numpy().round(6).tolist(),
                "lift_sd": of_lift.std("draw").to_numpy().round(6).tolist(),
                "without": of_outcome.mean("draw").to_numpy().round(6).tolist(),
                "without_sd": of_outcome.std("draw").to_numpy().round(6).tolist(),
                "moves": moves,
            }
        )
    return promises


def judge_promises(
    ledger: "Ledger", fit: "Fit", *, at: datetime, judge_after: int
) -> tuple[list[Judged], list[Pair]]:
    """Hold promises that are due against what has come in since, as entries for the ledger.

    Parameters
    ----------
    ledger : for what was promised
    fit : whose panel holds the outcomes
    at : now
    judge_after : periods that have to be in
    """
    promises = ledger.entries(kind=PROMISE, since=at - REMEMBERED)
    done = set(ledger.entries(kind=SEEN, since=at - REMEMBERED)["key"])
    judged, pairs = [], []
    for row in promises.to_dict("records"):
        name = f"seen:{row['key']}"
        if name in done:
            continue
        one = judge(row["key"], row["payload"], fit.panel, judge_after)
        if one is None:
            continue
        judged.append(one)
        entry = Entry(
            kind=SEEN,
            at=max(at, row["at"].to_pydatetime()),
            who=WHO,
            run_id=row["run_id"],
            rationale=told(one),
            payload={
                "promise": one.key,
                "account": one.account,
                "periods": one.periods,
                "promised": one.promised,
                "promised_sd": one.promised_sd,
                "seen": one.seen,
                "seen_sd": one.seen_sd,
                "verdict": one.verdict,
            },
        )
        pairs.append((name, entry))
    return judged, pairs


def told(one: Judged) -> str:
    """One sentence on a promise that was judged."""
    return (
        f"{one.account}: over {one.periods} periods {one.promised:+,.0f} ± {one.promised_sd:,.0f} "
        f"was promised and {one.seen:+,.0f} ± {one.seen_sd:,.0f} was seen: {one.verdict}."
    )


def caution_of(judged: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Account -> factor on how far it may move, by all its promises that were judged.

    One promise in twenty is broken by chance alone, and one that is wrong is mostly unclear, so no
    single one decides: what was seen less what was promised is summed, and held against how far
    chance moves that sum.

    Parameters
    ----------
    judged : payloads of the ledger's entries of kind "promise_seen", or the same of other sources
    """
    own: dict[str, list[Mapping[str, Any]]] = {}
    for one in judged:
        own.setdefault(one["account"], []).append(one)
    return {
        account: CAUTION if missed_by(promises) > WIDE else 1.0 for account, promises in own.items()
    }


def missed_by(promises: Sequence[Mapping[str, Any]]) -> float:
    """By how many standard deviations the promises of one account were missed, taken together.

    Periods are counted by every promise that reaches over them, up to as many as a promise has, so
    chance counts that often; a belief in a lift that is wrong is wrong in every promise alike.
    """
    times = min(len(promises), max(one["periods"] for one in promises))
    short = sum(one["promised"] - one["seen"] for one in promises)
    chance = times * sum(one["seen_sd"] ** 2 for one in promises)
    belief = sum(one["promised_sd"] for one in promises) ** 2
    return short / max(float(np.sqrt(chance + belief)), LEAST_MOVE)


def judge(key: str, promise: Mapping[str, Any], panel: "Panel", judge_after: int) -> Judged | None:
    """Hold one promise against the outcomes of a panel; None where too few are in.

    Parameters
    ----------
    key : its name
    promise : as :func:`promises_of` makes it
    panel : outcomes so far
    judge_after : periods that have to be in
    """
    account = promise["account"]
    if account not in panel.accounts:
        return None
    place = {str(day)[:10]: i for i, day in enumerate(panel.dates.astype("datetime64[D]"))}
    outcome = panel.outcome[panel.accounts.index(account)]
    seen: list[float] = []
    for day in promise["dates"]:
        if day not in place or not np.isfinite(outcome[place[day]]):
            break
        seen.append(float(outcome[place[day]]))
    n = len(seen)
    if n < min(judge_after, len(promise["dates"])):
        return None
    k = min(n, judge_after) - 1
    came = sum(seen[: k + 1]) - promise["without"][k]
    sd, lift, lift_sd = promise["without_sd"][k], promise["lift"][k], promise["lift_sd"][k]
    wide = float(np.hypot(sd, lift_sd))
    verdict = "unclear"
    if came - lift < -WIDE * wide:
        verdict = "broken"
    elif came > WIDE * sd and lift > 0:
        verdict = "kept"
    return Judged(
        key=key,
        account=account,
        periods=k + 1,
        promised=lift,
        promised_sd=lift_sd,
        seen=came,
        seen_sd=sd,
        verdict=verdict,
    )
