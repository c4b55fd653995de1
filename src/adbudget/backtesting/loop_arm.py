"""Market + settings -> the budgets that the loop sets, period by period, by the loop's own steps.

Learn, judge what was promised, limit, propose, rehearse: every function is that of ``loop/``. Only
what needs a platform and a ledger is left out: review, approvals, whole cents, lost answers.
"""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.backtesting.market import Market
from adbudget.loop.campaigns import money_by_cell
from adbudget.loop.gathering import Gathered
from adbudget.loop.leaning import lean_left
from adbudget.loop.learning import can_stand, fit_all, refit_due, update_fit
from adbudget.loop.limiting import QUARTER, limits_of_cells
from adbudget.loop.promises import Judged, caution_of, judge, promises_of
from adbudget.loop.proposing import propose
from adbudget.loop.rehearsing import rehearse
from adbudget.loop.settings import LoopSettings
from adbudget.panel.findings import blocked
from adbudget.panel.integrity import check_data

if TYPE_CHECKING:
    from adbudget.model.fit import Fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """What the loop said of a period before it came.

    Attributes
    ----------
    healthy : whether the fit could be trusted
    expected : what the plan was expected to gain against the budgets before it, money per period
    explored : what exploring was expected to cost, money per period
    judged : promises of earlier periods that were held against what was seen
    """

    healthy: bool
    expected: float
    explored: float
    judged: tuple[Judged, ...]


def run_loop(
    market: Market,
    start: pd.Series,
    *,
    cycles: int,
    settings: LoopSettings,
    late: int,
    seed: int,
    cores: int | None,
) -> tuple[list[pd.Series], list[Told]]:
    """Run the loop for so many cycles, one a period.

    Parameters
    ----------
    market : the world at the end of its history
    start : spend per period by cell that stands
    cycles : how many
    settings : as :func:`adbudget.loop.run_cycle` takes them
    late : periods after which the outcome of one is in
    seed : of sampling and exploring
    cores : of the sampler

    Returns
    -------
    Spend per period by cell, of every cycle; and what was said before it
    """
    rng = np.random.default_rng(seed)
    known: Fit | None = None
    memory = _Memory(start=start, settings=settings)
    stood, told = [start], []
    lean = pd.Series(0.0, index=start.index)
    for _ in range(cycles):
        known = _learned(known, market, settings, late, int(rng.integers(2**31)), cores)
        current = stood[-1].reindex(known.draws.cells)
        judged = memory.judge(known)
        held = blocked(check_data(known.panel))
        within = limits_of_cells(
            None,
            settings,
            current,
            change=settings.change,
            least={},
            opened=memory.opened(stood),
            caution=caution_of(memory.verdicts),
            fixed=held,
        )
        settled = (current - lean.reindex(current.index)).clip(lower=0.0)
        draft = propose(known, current, settled, within, settings, rng, held)
        rehearsal = rehearse(known.draws, current, draft.plan, settings)
        plan = rehearsal.plan
        lean = lean_left(draft, plan)
        memory.promise(known, current, plan)
        expected: Any = rehearsal.accounts["value_mean"]
        told.append(
            Told(
                healthy=known.health.ok,
                expected=float(expected.sum()) / settings.horizon,
                explored=draft.exploration_cost,
                judged=judged,
            )
        )
        stood.append(plan.reindex(start.index))
        market = market.after(stood[-1])
    return stood[1:], told


class _Memory:
    """What was promised and seen so far, and where budgets stood: the ledger's part."""

    def __init__(self, *, start: pd.Series, settings: LoopSettings) -> None:
        self.start, self.settings = start, settings
        self.open: list[tuple[str, dict[str, Any]]] = []
        self.verdicts: list[dict[str, Any]] = []
        self.made = 0

    def promise(self, fit: "Fit", current: pd.Series, plan: pd.Series) -> None:
        """Note what the moves of a cycle promise."""
        self.made += 1
        if (plan - current).abs().max() > 0:
            horizon = self.settings.judge_after
            said = promises_of(fit, current, plan, horizon=horizon, seed=fit.seed)
            self.open += [(f"{self.made}:{one['account']}", one) for one in said]

    def judge(self, fit: "Fit") -> tuple[Judged, ...]:
        """Hold what is due against what came in."""
        found, still = [], []
        for key, one in self.open:
            verdict = judge(key, one, fit.panel, self.settings.judge_after)
            (still if verdict is None else found).append((key, one) if verdict is None else verdict)
        self.open = still
        self.verdicts += [asdict(one) for one in found]
        return tuple(found)

    def opened(self, stood: list[pd.Series]) -> dict[tuple[str, str], float]:
        """Cell -> what it had a quarter ago."""
        periods = round(QUARTER.days / self.settings.period_days)
        before = stood[max(len(stood) - 1 - periods, 0)]
        return money_by_cell(before)


def _learned(
    known: "Fit | None",
    market: Market,
    settings: LoopSettings,
    late: int,
    seed: int,
    cores: int | None,
) -> "Fit":
    """The fit of what is known now, by the loop's rules of when to update and when to fit anew."""
    if known is not None and not refit_due(known, settings):
        recent = _gathered(market, settings, settings.restate_days, late)
        learned = update_fit(known, recent, seed=seed, cores=cores)
        if can_stand(learned):
            return learned.fit
    whole = _gathered(market, settings, settings.history_days, late)
    return fit_all(whole, settings, seed=seed, cores=cores).fit


def _gathered(market: Market, settings: LoopSettings, back: int, late: int) -> Gathered:
    """The records of the last days, as the loop gathers them; young outcomes are not in."""
    name = market.world.history.spec.kpi
    spend, outcome = market.spend, market.outcome.copy()
    last: Any = outcome["date"].max()
    since = last - pd.Timedelta(days=back) + pd.Timedelta(days=settings.period_days)
    young = outcome["date"] > last - pd.Timedelta(days=late * settings.period_days)
    outcome.loc[young, name] = np.nan
    end: date = last.date() + timedelta(days=settings.period_days)
    recent = pd.DataFrame(outcome[outcome["date"] >= since].reset_index(drop=True))
    return Gathered(
        budgets=(),
        spend=pd.DataFrame(spend[spend["date"] >= since].reset_index(drop=True)),
        outcome=recent,
        outcome_name=name,
        controls=tuple(c for c in recent.columns if c not in ("account", "date", name)),
        until=end,
        days=recent,
        notes=(),
    )
