"""Fit + a target -> the plan that reaches it with a given probability, judged on a forecast.

The best split of every total comes from the optimizer; the total is found by bisection, since the
outcome grows with it in every draw, and what one unit of it costs does too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from adbudget.display.page import Page, Shown, table_of
from adbudget.errors import InfeasibleError, InputError
from adbudget.forecasting.forecasts import DEFAULT_HORIZON, forecast_of, prepared
from adbudget.forecasting.record import METRICS, Forecast, metric_draws
from adbudget.model.ahead import Ahead, play
from adbudget.model.fit import Fit
from adbudget.money import amount
from adbudget.optimizer.totals import Splits
from adbudget.plan import Limits, Plan
from adbudget.risk import Risk
from adbudget.tables.frames import FrameLike

SPLIT_DRAWS = 400  # draws of the curves that a split is chosen on
PRECISION = 1e-3  # share of the range of totals at which the search stops


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TargetPlan(Shown):
    """A plan that reaches a target, and how surely.

    Attributes
    ----------
    metric, target : what was to be reached over the horizon: "outcome" or "roas" at least, "cpa" at
        most
    asked : probability that was asked for
    probability : share of the predictive draws in which the plan reaches the target
    plan, current : spend per period proposed, and today's
    accounts : whose outcome and spend the target is of
    spend, current_spend : money per period of these accounts
    forecast : of the plan
    reason : one sentence a buyer can read aloud

    Examples
    --------
    >>> ahead = ab.forecast(fit, "4w", draws=200, seed=0)
    >>> aim = 0.8 * float(ahead.draws["outcome"].sum(["account", "date"]).mean())
    >>> reached = ab.reach_target(fit, outcome=aim, horizon="4w", draws=200)
    >>> reached.metric, reached.spend > 0
    ('outcome', True)
    >>> list(reached.to_frame().columns[:4])
    ['account', 'channel', 'current_spend', 'spend']
    """

    metric: str
    target: float
    asked: float
    probability: float
    plan: Plan
    current: Plan
    accounts: tuple[str, ...]
    spend: float
    current_spend: float
    forecast: Forecast
    reason: str

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        return Page(
            title=f"Plan that reaches {self.metric} {amount(self.target)} with "
            f"{self.probability:.0%}",
            facts=[("reason", self.reason)],
            next=(".to_frame()  .plan  .forecast",),
            **table_of(self.to_frame()),
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per account and channel: account, channel, current_spend, spend, change_pct."""
        now, after = self.current.spend.to_numpy(float), self.plan.spend.to_numpy(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.where(now > 0, 100 * (after / now - 1), np.where(after > 0, np.inf, 0.0))
        table = {"current_spend": now, "spend": after, "change_pct": change}
        return pd.DataFrame(table, index=self.plan.spend.index).reset_index()


def reach_target(
    fit: Fit,
    *,
    outcome: float | None = None,
    roas: float | None = None,
    cpa: float | None = None,
    probability: float = 0.8,
    horizon: str | int = DEFAULT_HORIZON,
    limits: Limits | None = None,
    risk: Risk | None = None,
    account: str | None = None,
    spend: Literal["least", "most"] | None = None,
    controls: FrameLike | None = None,
    counts: bool | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> TargetPlan:
    """The cheapest plan that reaches an outcome, a ROAS or a CPA with a given probability.

    The plan is a constant spend over the horizon; target and probability are of the whole horizon,
    base sales included, as :meth:`Forecast.probability` counts them.

    Parameters
    ----------
    fit : from :func:`adbudget.fit`
    outcome : at least this much of it over the horizon, outcome units
    roas : outcome money over spend, at least
    cpa : spend per unit of the outcome, at most; needs an outcome that counts things
    probability : share of the predictive draws that reach it, in (0, 1)
    horizon, controls, counts, draws, seed : as in :func:`adbudget.forecast`
    limits : what the plan may be, +-30% of today's spend by cell when None; totals are what is
        searched for, so ``total`` does not count and ``budget`` and ``pool`` are refused
    risk : how the split of every total is chosen, as in :func:`adbudget.optimize`; by the mean
        outcome when None
    account : the target of one account, the others held; of all together when None, which need one
        currency
    spend : which of the plans that reach it: the one that spends "least" or "most". By default the
        least for an outcome, and the most for a ROAS or a CPA: efficiency falls with spend, so the
        cheapest plan of these is always the least that the limits allow, and the question behind
        them is how much may be spent

    Returns
    -------
    TargetPlan

    Raises
    ------
    InputError : not exactly one target, or an argument out of range
    InfeasibleError : no plan within the limits reaches it; the message names the best to be had

    Examples
    --------
    >>> ahead = ab.forecast(fit, "4w", draws=200, seed=0)
    >>> aim = 0.8 * float(ahead.draws["outcome"].sum(["account", "date"]).mean())
    >>> reached = ab.reach_target(fit, outcome=aim, horizon="4w", draws=200)
    >>> reached.probability >= 0.8
    True
    """
    metric, target = _asked(outcome, roas, cpa, probability, spend)
    ahead, notes = prepared(fit, horizon, controls=controls, counts=counts, draws=draws, seed=seed)
    search = _Search.of(
        fit, ahead, metric, target, account, limits or Limits(), risk or Risk(aversion=0.0)
    )
    splits = search.splits
    total = search_total(
        lambda money: search.share(splits.at(money)) >= probability,
        splits.total(splits.least),
        splits.total(splits.most),
        most_wanted=(metric != "outcome") if spend is None else spend == "most",
    )
    if total is None:
        raise search.out_of_reach(probability)
    plan = splits.at(total)
    share = search.share(plan)
    return TargetPlan(
        metric=metric,
        target=target,
        asked=probability,
        probability=share,
        plan=Plan(spend=plan),
        current=Plan(spend=splits.current),
        accounts=search.accounts,
        spend=splits.total(plan),
        current_spend=splits.total(splits.current),
        forecast=forecast_of(ahead, search.path(plan), tuple(notes), seed=seed, by_channel=True),
        reason=search.reason(plan, share),
    )


def search_total(
    reaches: Callable[[float], bool], least: float, most: float, *, most_wanted: bool
) -> float | None:
    """The least, or the most, total that reaches a target; None when neither end does.

    Parameters
    ----------
    reaches : whether a total does; true from some total on, or up to some total
    least, most : the range
    most_wanted : look for the most
    """
    wanted, other = (most, least) if most_wanted else (least, most)
    if reaches(wanted):
        return wanted
    if not reaches(other):
        return None
    fails, works = wanted, other
    while abs(works - fails) > PRECISION * most:
        middle = (fails + works) / 2
        if reaches(middle):
            works = middle
        else:
            fails = middle
    return works


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What every total of the search is judged on."""

    ahead: Ahead
    splits: Splits
    metric: str
    target: float
    accounts: tuple[str, ...]

    @classmethod
    def of(
        cls,
        fit: Fit,
        ahead: Ahead,
        metric: str,
        target: float,
        account: str | None,
        limits: Limits,
        risk: Risk,
    ) -> "_Search":
        panel = fit.panel
        if account is not None and account not in panel.accounts:
            raise InputError(
                f"there is no account {account!r}; the first are {panel.accounts[:5]}."
            )
        accounts = panel.accounts if account is None else (account,)
        codes = sorted({panel.currency[panel.accounts.index(name)] for name in accounts})
        if len(codes) > 1:
            raise InputError(
                f"the accounts have several currencies, {codes}: name one with account=."
            )
        draws = _thinned(fit).draws
        one = np.ones(panel.n_accounts)
        worth = panel.unit_value if metric == "roas" else one
        draws = replace(draws, margin=one, unit_value=worth)
        splits = Splits.of(draws, fit.current_spend, limits, risk, accounts)
        return cls(ahead=ahead, splits=splits, metric=metric, target=target, accounts=accounts)

    def path(self, plan: pd.Series) -> np.ndarray:
        """(account, channel, period) a constant plan."""
        constant = np.nan_to_num(self.splits.draws.aligned(plan))
        return np.repeat(constant[..., None], self.ahead.dates.size, axis=2)

    def values(self, plan: pd.Series) -> np.ndarray:
        """(draw,) the metric of a plan over the horizon."""
        panel = self.ahead.fit.panel
        rows = [panel.accounts.index(name) for name in self.accounts]
        drawn = play(self.ahead, self.path(plan), by_channel=False).outcome[:, rows].sum(axis=2)
        money = self.splits.total(plan) * self.ahead.dates.size
        return metric_draws(self.metric, drawn, panel.unit_value[rows], money, self.ahead.counts)

    def share(self, plan: pd.Series) -> float:
        """Share of the draws in which a plan reaches the target."""
        return self._met(self.values(plan))

    def _met(self, values: np.ndarray) -> float:
        return float(
            np.mean(values <= self.target if self.metric == "cpa" else values >= self.target)
        )

    def out_of_reach(self, probability: float) -> InfeasibleError:
        """What the best plan within the limits can do instead."""
        best = self.splits.most if self.metric == "outcome" else self.splits.least
        values = self.values(best)
        level = probability if self.metric == "cpa" else 1 - probability
        return InfeasibleError(
            f"No plan within the limits reaches {self._target()} with a probability of "
            f"{probability:.0%}: the best of them spends {self.splits.total(best):,.2f} per period "
            f"and reaches it with {self._met(values):.0%}; with {probability:.0%} it reaches "
            f"{_number(float(np.quantile(values, level)))}. Loosen limits, ask for less, or for a "
            "longer horizon.",
            conflict=(self.metric,),
        )

    def reason(self, plan: pd.Series, share: float) -> str:
        """One sentence."""
        now, money = (self.splits.total(one) for one in (self.splits.current, plan))
        doubt = "" if self.ahead.fit.health.ok else " But the fit cannot be trusted."
        over = f"{self.ahead.dates.size} {self.ahead.fit.panel.period} periods"
        return (
            f"A{self._target()[1:]} over {over} is reached with a probability of {share:.0%} by "
            f"spending {money:,.2f} per period (today {now:,.2f}).{doubt}"
        )

    def _target(self) -> str:
        name = {"outcome": self.ahead.fit.panel.outcome_name, "roas": "ROAS", "cpa": "CPA"}
        bound = "at most" if self.metric == "cpa" else "at least"
        return f"a {name[self.metric]} of {bound} {_number(self.target)}"


def _thinned(fit: Fit) -> Fit:
    """The same fit with few draws, so that nobody waits for the curves of all of them."""
    n_chains, n_draws = fit.positions.shape[:2]
    some = np.linspace(0, n_draws - 1, min(n_draws, -(-SPLIT_DRAWS // n_chains)))
    return replace(fit, positions=fit.positions[:, some.round().astype(int)])


def _number(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def _asked(
    outcome: float | None,
    roas: float | None,
    cpa: float | None,
    probability: float,
    spend: str | None,
) -> tuple[str, float]:
    """The one target that is given."""
    given = {
        name: value
        for name, value in zip(METRICS, (outcome, roas, cpa), strict=True)
        if value is not None
    }
    if len(given) != 1:
        raise InputError(
            f"give exactly one target, outcome=, roas= or cpa=; got {list(given) or 'none'}."
        )
    ((metric, value),) = given.items()
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or isinstance(value, bool) or not np.isfinite(value) or value <= 0:
        raise InputError(f"{metric} must be a number above 0; got {value!r}.")
    if not (isinstance(probability, int | float) and 0 < probability < 1):
        raise InputError(f"probability must be in (0, 1), 0.8 for 80%; got {probability!r}.")
    if spend not in (None, "least", "most"):
        raise InputError(f'spend must be "least", "most" or None; got {spend!r}.')
    return metric, float(value)
