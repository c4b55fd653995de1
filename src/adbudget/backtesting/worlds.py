"""WorldSpec + seed -> WorldBacktest: the loop beside frozen budgets, the ROAS rule, an oracle."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from adbudget.backtesting.loop_arm import run_loop
from adbudget.backtesting.market import Market, best_of_all, money_per_period, open_market
from adbudget.backtesting.world_record import WorldBacktest
from adbudget.errors import InputError
from adbudget.loop.limiting import QUARTER
from adbudget.loop.settings import LoopSettings
from adbudget.synthetic import WorldSpec, naive_roas_rule

CENT = 0.01  # money per period by which a limit may be missed through rounding


def backtest_world(
    spec: WorldSpec,
    *,
    seed: int,
    cycles: int = 20,
    settings: LoopSettings | None = None,
    late: int = 0,
    drift: float = 0.0,
    cores: int | None = None,
) -> WorldBacktest:
    """Run the loop on a world with known truth, one cycle a period, beside three other rules.

    Every rule begins with what was spent over the last 28 days, keeps the total of every account,
    moves a cell by at most ``settings.change`` a cycle, and lives in a copy of the world of its own
    with the same chance: "loop", by the steps of :func:`adbudget.loop.run_cycle`; "frozen", which
    moves nothing; "roas", the dashboard rule (:func:`adbudget.synthetic.naive_roas_rule`); and
    "oracle", which knows the true curves.

    Parameters
    ----------
    spec : of the world, weekly or daily
    seed : of the world, of sampling and of exploring
    cycles : how many, 1 to 520
    settings : what the loop may do; the defaults for the period of the world when None
    late : periods after which the outcome of one is in
    drift : sd, over a year, of the random walk that the log returns of every channel take from the
        end of the history on; 0 leaves them
    cores : of the sampler; all when None

    Returns
    -------
    WorldBacktest

    Raises
    ------
    InputError : an argument is out of range
    FitError : the sampler could not run

    Examples
    --------
    >>> spec = WorldSpec(n_accounts=1, n_channels=2, n_periods=40)
    >>> gained = ab.backtest_world(spec, seed=1, cycles=1)
    >>> sorted(gained.spend)
    ['frozen', 'loop', 'oracle', 'roas']
    """
    settings = LoopSettings(period=_period(spec)) if settings is None else settings
    _check(spec, seed, cycles, settings, late, drift)
    if settings.value_per_unit is None and spec.value != 1:  # a world says what its leads are worth
        settings = replace(settings, value_per_unit=spec.value)
    market, start = open_market(spec, seed, cycles, drift)
    plans, told = run_loop(
        market,
        start,
        cycles=cycles,
        settings=settings,
        late=late,
        seed=seed,
        cores=cores,
    )
    rules = {"frozen": _hold, "roas": _roas(settings, late), "oracle": _oracle(settings)}
    spent = {"loop": plans} | {
        name: _run_rule(rule, market, start, cycles) for name, rule in rules.items()
    }
    return WorldBacktest(
        spec=spec,
        seed=seed,
        settings=settings,
        start=start,
        spend=_array(spent),
        gains=_gains(market, start, spent),
        broken=_broken(start, spent, settings),
        told=tuple(told),
    )


Rule = Callable[[Market, pd.Series], pd.Series]


def _hold(_: Market, current: pd.Series) -> pd.Series:
    return current


def _roas(settings: LoopSettings, late: int) -> Rule:
    def rule(market: Market, current: pd.Series) -> pd.Series:
        spec, last = market.world.history.spec, market.outcome["date"].max()
        known = last - pd.Timedelta(days=late * settings.period_days)
        outcome = market.outcome.loc[market.outcome["date"] <= known, ["account", "date", spec.kpi]]
        return naive_roas_rule(market.spend, outcome, current, settings.change)

    return rule


def _oracle(settings: LoopSettings) -> Rule:
    return lambda market, current: market.truth.optimal(current, settings.change, "fixed")


def _run_rule(rule: Rule, market: Market, start: pd.Series, cycles: int) -> list[pd.Series]:
    """Spend by cell of every cycle."""
    stood = [start]
    for _ in range(cycles):
        stood.append(rule(market, stood[-1]).reindex(start.index))
        market = market.after(stood[-1])
    return stood[1:]


def _array(spent: dict[str, list[pd.Series]]) -> dict[str, np.ndarray]:
    """Arm -> (cycle, cell)."""
    return {arm: np.stack([one.to_numpy(float) for one in every]) for arm, every in spent.items()}


def _gains(market: Market, start: pd.Series, spent: dict[str, list[pd.Series]]) -> pd.DataFrame:
    """What budgets truly gain per period against those of the start: by cycle, and the best."""
    rows, best = [], start
    still = not np.ptp(market.returns, axis=1).any()
    for cycle in range(len(spent["loop"])):
        truth = market.truth
        if cycle == 0 or not still:
            best = best_of_all(truth, start)
        before = money_per_period(truth, start)
        row = {arm: money_per_period(truth, every[cycle]) - before for arm, every in spent.items()}
        rows.append(row | {"best": money_per_period(truth, best) - before})
        market = market.after(start)  # the truth of a period does not depend on what is spent
    return pd.DataFrame(rows)


def _broken(
    start: pd.Series, spent: dict[str, list[pd.Series]], settings: LoopSettings
) -> dict[str, int]:
    """Arm -> how often a total, a step or a quarter went beyond what was allowed."""
    back = round(QUARTER.days / settings.period_days)
    account = pd.factorize(start.index.get_level_values(0))[0]
    broken = {}
    for arm, every in _array(spent).items():
        stood, count = np.vstack([start.to_numpy(float), every]), 0
        total = np.bincount(account, stood[0])
        for i, now in enumerate(every, start=1):
            before, began = stood[i - 1], stood[max(i - 1 - back, 0)]
            count += int((np.abs(np.bincount(account, now) - total) > CENT).sum())
            count += int((np.abs(now - before) > settings.change * before + CENT).sum())
            count += int((now < 0).sum())
            if arm == "loop":
                far = np.abs(now - began)
                further = far > np.abs(before - began) + CENT
                count += int((further & (far > settings.quarter_change * began + CENT)).sum())
        broken[arm] = count
    return broken


def _period(spec: WorldSpec) -> Literal["daily", "weekly"]:
    if spec.period == "monthly":
        raise InputError(
            f"a loop learns from days or weeks; this world is {spec.period}. Make it weekly."
        )
    return spec.period


def _check(
    spec: WorldSpec, seed: int, cycles: int, settings: LoopSettings, late: int, drift: float
) -> None:
    if settings.period != _period(spec):
        raise InputError(
            f"settings are for a {settings.period} panel and the world is {spec.period}. Pass "
            f"LoopSettings(period={spec.period!r})."
        )
    for name, value, low, high in (
        ("seed", seed, 0, 2**31 - 1),
        ("cycles", cycles, 1, 520),
        ("late", late, 0, 26),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{name} must be a whole number from {low} to {high}; got {value!r}.")
    if not isinstance(drift, int | float) or not 0 <= drift <= 3:
        raise InputError(f"drift must be a number from 0 to 3; got {drift!r}.")
