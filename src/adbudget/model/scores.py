"""Panel -> how well partial, no and complete pooling forecast what they have not seen.

A model is compared by the future it did not know: the last weeks of every account, with the returns
learned from all accounts or only from the others. Knows nothing of plans or decisions.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from scipy.stats import norm, t as student_t

from adbudget.errors import InputError
from adbudget.model.fit import Fit, fit
from adbudget.model.gathering import gather_all
from adbudget.model.held_out import (
    HeldOutForecast,
    forecast_held_out,
    only_accounts,
    without_last,
)
from adbudget.model.layout import Layout
from adbudget.model.predict import prior_positions
from adbudget.model.priors import Priors
from adbudget.model.transform import CellDraws, cells_of_new_account
from adbudget.panel.calendar import periods_in
from adbudget.panel.panel import Panel

Pooling = Literal["partial", "none", "full"]
POOLINGS = ("partial", "none", "full")
NEXT_TO_NO_SPREAD = 1e-3  # of complete pooling: accounts that differ by a thousandth
INTERVAL = (0.05, 0.95)


def crps_of_draws(draws: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of forecasts given as draws; smaller is better.

    The fair estimate: unbiased for the forecast the draws come from, however few they are.

    Parameters
    ----------
    draws : (draw, ...) at least two
    observed : (...) what happened, same unit

    Returns
    -------
    (...) in the unit of the draws

    Raises
    ------
    InputError : fewer than two draws, or shapes that do not fit

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102, 359-378.
    Ferro (2014), Quarterly Journal of the Royal Meteorological Society 140, 1917-1923.
    """
    draws, observed = np.asarray(draws, dtype=float), np.asarray(observed, dtype=float)
    if draws.ndim == 0 or draws.shape[0] < 2 or draws.shape[1:] != observed.shape:
        raise InputError(
            f"draws must have shape (draw, ...) with at least two draws and observed the rest of "
            f"it; got {draws.shape} and {observed.shape}."
        )
    n_draws = draws.shape[0]
    distance = np.abs(draws - observed).mean(axis=0)
    # Sum over all pairs by rank: the i-th smallest is above i draws and below the others.
    rank = np.arange(n_draws).reshape(-1, *[1] * observed.ndim)
    spread = ((2 * rank - n_draws + 1) * np.sort(draws, axis=0)).sum(axis=0)
    return distance - spread / (n_draws * (n_draws - 1))


def log_scores(expected: HeldOutForecast) -> np.ndarray:
    """(row,) log density of every held-out outcome under the mixture of all draws.

    Outcomes are in units of the account's mean outcome, so densities of accounts of any size and
    currency are alike.
    """
    distance = (expected.observed - expected.mean) / expected.noise_sd
    gaussian = np.isinf(expected.tail_df)
    density = norm.logpdf(distance) if gaussian else student_t.logpdf(distance, expected.tail_df)
    density = density - np.log(expected.noise_sd)
    return logsumexp(density, axis=0) - np.log(density.shape[0])


def predictive_scores(
    panel: Panel,
    priors: Priors | None = None,
    *,
    seed: int,
    hold_out: str | int = "8w",
    leave_out: Literal["weeks", "accounts"] = "weeks",
    pooling: tuple[Pooling, ...] = POOLINGS,
    by_account: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Score the forecasts of held-out outcomes, beside no pooling and complete pooling.

    With ``leave_out="weeks"`` a fit sees every account up to its last weeks and forecasts these.
    With "accounts" every account is left out in turn: its returns come from the population of the
    others (without pooling: from the prior) and only its baseline and noise from its own rows
    before the same weeks. Either way the forecast knows the spend of the weeks it forecasts.

    Parameters
    ----------
    panel : all rows
    priors : what is believed before the data; ``Priors()`` when None
    seed : of all fits and forecasts
    hold_out : length at the end of each account's record: "8w", "56d", "2m", or periods
    leave_out : what the returns may not be learned from
    pooling : versions to score, among "partial", "none" (accounts fitted one by one) and "full"
        (accounts that do not differ)
    by_account : one row per version and account instead of one per version
    options : ``forgetting``, ``draws``, ``tune``, ``chains``, ``cores``, ``progress`` of
        :func:`adbudget.fit`

    Returns
    -------
    pd.DataFrame by pooling (and account): ``rows`` held out; ``elpd`` (sum of log densities, higher
    is better, outcomes in units of the account's mean), ``elpd_difference`` from the best version
    and its ``standard_error``; ``crps`` (share of the account's mean outcome, lower is better);
    ``coverage`` of the 90% interval; ``healthy`` whether every fit was

    Raises
    ------
    InputError : an argument is out of range, or an account is too short for it
    FitError : a sampler could not run

    References
    ----------
    Vehtari, Gelman & Gabry (2017), Statistics and Computing 27, 1413-1432.

    Examples
    --------
    >>> scores = ab.predictive_scores(
    ...     panel, seed=0, pooling=("partial",), draws=150, tune=150, chains=2, progress=False
    ... )
    >>> "crps" in scores.columns
    True
    """
    _check(panel, leave_out, pooling, options)
    priors = priors or Priors()
    kept = without_last(panel, periods_in(hold_out, panel.period_days, "hold_out"))
    run = _leave_weeks if leave_out == "weeks" else _leave_accounts
    tables = [_scored(run(panel, kept, priors, version, seed, options)) for version in pooling]
    rows = pd.concat(tables, keys=pooling, names=["pooling"]).reset_index(level="pooling")
    return _summary(rows, by_account)


Forecasts = Iterator[tuple[str, HeldOutForecast, bool]]


def _leave_weeks(panel, kept, priors, pooling: str, seed: int, options) -> Forecasts:
    """Forecasts of the last weeks by fits of the weeks before."""
    rng = np.random.default_rng(seed)
    one_by_one = [[a] for a in range(panel.n_accounts)]
    groups = one_by_one if pooling == "none" else [list(range(panel.n_accounts))]
    for group in groups:
        seen = only_accounts(kept, group)
        fitted = fit(seen, _pooled(priors, pooling), seed=seed, **options)
        every, cells = only_accounts(panel, group), _joined(fitted.cell_draws)
        for i, name in enumerate(seen.accounts):
            expected = forecast_held_out(
                every,
                fitted.evidence,
                fitted.noise,
                fitted.priors,
                cells,
                i,
                int(seen.last[i]),
                rng,
            )
            yield name, expected, fitted.health.ok


def _leave_accounts(panel, kept, priors, pooling: str, seed: int, options) -> Forecasts:
    """Forecasts of the last weeks of each account with the returns of the others."""
    rng = np.random.default_rng(seed)
    for a, name in enumerate(panel.accounts):
        seen, every = only_accounts(kept, [a]), only_accounts(panel, [a])
        others = [b for b in range(panel.n_accounts) if b != a]
        used = _pooled(priors, pooling)
        gathered = gather_all(seen, used)
        evidence, noise = gathered.evidence, gathered.noise
        channels = np.flatnonzero(evidence.design.exists[0])
        if pooling == "none":
            layout = Layout(panel.n_channels, 1, channels.size)
            n_draws = 4 * options.get("draws", 1000)
            positions, healthy = prior_positions(layout, used, n_draws, seed), True
        else:
            fitted = fit(only_accounts(panel, others), used, seed=seed, **options)
            layout, healthy = fitted.layout, fitted.health.ok
            positions = _flat(fitted)
        cells = cells_of_new_account(positions, layout, used, channels, rng)
        yield (
            name,
            forecast_held_out(every, evidence, noise, used, cells, 0, int(seen.last[0]), rng),
            healthy,
        )


def _pooled(priors: Priors, pooling: str) -> Priors:
    """Priors under which accounts do not differ, for complete pooling."""
    if pooling != "full":
        return priors
    spreads = ("channel_spread", "account_spread", "cell_saturation_sd")
    return replace(priors, **dict.fromkeys(spreads, NEXT_TO_NO_SPREAD))


def _scored(forecasts: Forecasts) -> pd.DataFrame:
    """One row per held-out outcome."""
    parts = []
    for account, expected, healthy in forecasts:
        low, high = np.quantile(expected.replicated, INTERVAL, axis=0)
        parts.append(
            pd.DataFrame(
                {
                    "account": account,
                    "elpd": log_scores(expected),
                    "crps": crps_of_draws(expected.replicated, expected.observed),
                    "covered": (low <= expected.observed) & (expected.observed <= high),
                    "healthy": healthy,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _summary(rows: pd.DataFrame, by_account: bool) -> pd.DataFrame:
    """Sums and means per version, and how far each is behind the best."""
    elpd = rows.groupby("pooling", sort=False)["elpd"].agg(np.array)
    best = elpd[elpd.map(np.sum).idxmax()]
    rows = rows.assign(behind=np.concatenate([values - best for values in elpd]))
    keys = ["pooling", "account"] if by_account else ["pooling"]
    groups = rows.groupby(keys, sort=False)
    count = groups.size()
    return pd.DataFrame(
        {
            "rows": count,
            "elpd": groups["elpd"].sum(),
            "elpd_difference": groups["behind"].sum(),
            "standard_error": groups["behind"].std() * np.sqrt(count),
            "crps": groups["crps"].mean(),
            "coverage": groups["covered"].mean(),
            "healthy": groups["healthy"].all(),
        }
    )


def _check(panel: Panel, leave_out: str, pooling: tuple[str, ...], options: dict) -> None:
    if not isinstance(panel, Panel):
        raise InputError(f"panel must be a Panel from read_panel; got {type(panel).__name__}.")
    if leave_out not in ("weeks", "accounts"):
        raise InputError(f'leave_out must be "weeks" or "accounts"; got {leave_out!r}.')
    if leave_out == "accounts" and panel.n_accounts < 2:
        raise InputError("the panel has one account, so there are no others to learn from.")
    if isinstance(pooling, str) or not pooling or not set(pooling) <= set(POOLINGS):
        raise InputError(f"pooling must be a tuple of some of {POOLINGS}; got {pooling!r}.")
    known = {"forgetting", "draws", "tune", "chains", "cores", "progress"}
    if set(options) - known:
        raise InputError(f"unknown options {sorted(set(options) - known)}; known: {sorted(known)}.")


def _joined(cells: CellDraws) -> CellDraws:
    """Chains side by side as one axis of draws."""

    def join(values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, *values.shape[2:])

    return CellDraws(
        log_roi=join(cells.log_roi),
        roi=join(cells.roi),
        adstock=join(cells.adstock),
        shape=join(cells.shape),
    )


def _flat(fitted: Fit) -> np.ndarray:
    """(draw, size) positions in double precision."""
    return fitted.positions.reshape(-1, fitted.positions.shape[-1]).astype(float)
