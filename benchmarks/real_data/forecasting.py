"""Panel -> forecasts of its last weeks by the model and by simple rules.

Outcomes are in units of the account's mean outcome in the weeks seen, so accounts of any size and
currency count alike. Knows nothing of where the panel comes from.
"""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np

from adbudget import Panel, fit
from adbudget.model.fit import Fit
from adbudget.model.held_out import forecast_held_out, only_accounts, without_last
from adbudget.model.transform import CellDraws
from benchmarks.real_data.scoring import Forecast, held_out_rows, make_forecast
from benchmarks.real_data.settings import SAMPLING, SEED

RECENT_DAYS = 28
WEEK_DAYS = 7


def seasonal_rule(panel: Panel, n_periods: int, tool: str, n_back: int) -> list[Forecast]:
    """The mean outcome of the last weeks on the same weekday, with the rule's own past errors.

    The distribution is that of the errors the same rule made over the same distance anywhere in
    the periods seen, so the spread grows with the distance and growth enters as it was. In weekly
    and monthly panels the season is one period.

    Parameters
    ----------
    panel : all rows
    n_periods : held out at the end of each account's record
    tool : name of the rule
    n_back : how many weeks are averaged; 1 is the seasonal naive forecast

    Raises
    ------
    ValueError : an outcome the rule needs is missing
    """
    season = max(1, round(WEEK_DAYS / panel.period_days))
    made = []
    for a, seen, later in held_out_rows(panel, n_periods):
        outcome, last = panel.outcome[a], int(seen[-1])
        scale = np.abs(outcome[seen]).mean()
        level = trailing_mean(outcome[: last + 1], season, n_back)
        at = (np.arange(len(seen)) + 0.5) / len(seen)
        draws = np.empty((len(seen), later.size))
        for column, t in enumerate(later):
            lag = season * -(-(int(t) - last) // season)
            error = outcome[lag : last + 1] - level[: last + 1 - lag]
            # As many quantiles for every distance; the middle of each step keeps the law.
            draws[:, column] = level[t - lag] + np.quantile(error[np.isfinite(error)], at)
        if not np.isfinite(draws).all():
            raise ValueError(f"account {panel.accounts[a]!r}: the last weeks seen have gaps.")
        made.append(make_forecast(panel, tool, a, later, draws / scale, outcome[later] / scale))
    return made


def simple_rules(panel: Panel, n_periods: int) -> list[Forecast]:
    """The seasonal naive forecast, and the mean of four weeks."""
    made = seasonal_rule(panel, n_periods, "naive", 1)
    return made + seasonal_rule(panel, n_periods, "four weeks", 4)


def trailing_mean(outcome: np.ndarray, season: int, n_back: int) -> np.ndarray:
    """(period,) mean of a period and the ``n_back`` - 1 of the seasons before; NaN at the start."""
    level = np.full(outcome.size, np.nan)
    first = season * (n_back - 1)
    parts = [outcome[first - season * k : outcome.size - season * k] for k in range(n_back)]
    level[first:] = np.mean(parts, axis=0)
    return level


def model_forecasts(panel: Panel, n_periods: int) -> tuple[list[Forecast], Fit]:
    """One fit of the weeks before; forecasts at the spend that came, and at the spend as it was.

    Parameters
    ----------
    panel : all rows
    n_periods : held out at the end of each account's record

    Returns
    -------
    forecasts of the tools "adbudget" (knows the spend of the held-out weeks) and "adbudget, spend
    unknown" (takes the mean of the last 28 days seen for it), and the fit
    """
    kept = without_last(panel, n_periods)
    fitted = fit(kept, seed=SEED, **SAMPLING)
    rng = np.random.default_rng(SEED)
    made = []
    for tool, shown in (
        ("adbudget", panel),
        ("adbudget, spend unknown", with_recent_spend(panel, n_periods)),
    ):
        made += _forecasts_of(tool, shown, fitted, rng)
    return made, fitted


def one_by_one(panel: Panel, n_periods: int) -> tuple[list[Forecast], bool]:
    """The same model on every account alone, and whether every fit was healthy."""
    made, healthy = [], True
    rng = np.random.default_rng(SEED)
    for a in range(panel.n_accounts):
        alone = only_accounts(panel, [a])
        fitted = fit(without_last(alone, n_periods), seed=SEED, **SAMPLING)
        healthy &= fitted.health.ok
        made += _forecasts_of("adbudget, alone", alone, fitted, rng)
    return made, healthy


def with_recent_spend(panel: Panel, n_periods: int) -> Panel:
    """The panel with the spend of its last periods replaced by the mean of the 28 days before."""
    spend = panel.spend.copy()
    window = max(1, round(RECENT_DAYS / panel.period_days))
    for a, last in enumerate(panel.last):
        begin = int(last) - n_periods + 1
        recent = spend[a, :, begin - window : begin].mean(axis=1)
        spend[a, :, begin : int(last) + 1] = recent[:, None]
    positive = spend > 0
    begun = np.logical_or.accumulate(positive, axis=-1)
    to_come = np.logical_or.accumulate(positive[..., ::-1], axis=-1)[..., ::-1]
    return replace(panel, spend=spend, live=begun & to_come)


def _forecasts_of(
    tool: str, panel: Panel, fitted: Fit, rng: np.random.Generator
) -> Iterator[Forecast]:
    cells = joined(fitted.cell_draws)
    for a in range(panel.n_accounts):
        until = int(fitted.panel.last[a])
        expected = forecast_held_out(
            panel, fitted.evidence, fitted.noise, fitted.priors, cells, a, until, rng
        )
        (rows,) = np.isfinite(panel.outcome[a]).nonzero()
        later = rows[rows > until]
        yield make_forecast(panel, tool, a, later, expected.replicated, expected.observed)


def joined(cells: CellDraws) -> CellDraws:
    """Chains side by side as one axis of draws."""
    arrays = {part.name: getattr(cells, part.name) for part in fields(cells)}
    return CellDraws(**{name: v.reshape(-1, *v.shape[2:]) for name, v in arrays.items()})
