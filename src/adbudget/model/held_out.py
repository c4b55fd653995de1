"""Panel -> the part a fit may see, and what that fit expects of the part it may not.

Knows nothing of how a forecast is scored.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.errors import InputError
from adbudget.model.design import carried_spend, first_state
from adbudget.model.evidence import Evidence, gather
from adbudget.model.predict import baseline_draws, unit_noise
from adbudget.model.priors import Priors
from adbudget.model.regressors import regression_rows
from adbudget.model.row_noise import RowNoise, spread_ahead
from adbudget.model.transform import CellDraws
from adbudget.panel.arrays import span
from adbudget.panel.panel import Panel

LEAST_KEPT = 8  # observed outcomes an account must keep, as read_panel asks for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutForecast:
    """What was expected of held-out outcomes, in units of the account's mean outcome.

    Attributes
    ----------
    observed : (row,)
    mean : (draw, row) expected outcome
    noise_sd : (draw, row)
    replicated : (draw, row) outcomes with noise
    tail_df : Student-t degrees of freedom of the noise; inf is Gaussian
    """

    observed: np.ndarray
    mean: np.ndarray
    noise_sd: np.ndarray
    replicated: np.ndarray
    tail_df: float


def without_last(panel: Panel, n_periods: int) -> Panel:
    """The panel without the last ``n_periods`` of each account's own record.

    Raises
    ------
    InputError : an account would keep fewer than eight observed outcomes, or no spend
    """
    last = panel.last - n_periods
    kept = np.arange(panel.n_periods) <= last[:, None]
    n_left = (np.isfinite(panel.outcome) & kept).sum(axis=1)
    spend = panel.spend * kept[:, None]
    short = (n_left < LEAST_KEPT) | ~spend.any(axis=(1, 2))
    if short.any():
        a = int(np.argmax(short))
        raise InputError(
            f"account {panel.accounts[a]!r} keeps {n_left[a]} outcome(s) when its last {n_periods} "
            f"period(s) are held out; at least {LEAST_KEPT}, and some spend, are needed. Hold out "
            "less, or leave the account out."
        )
    size = int(last.max()) + 1
    shown = slice(0, size)
    return replace(
        panel,
        dates=panel.dates[shown],
        spend=spend[..., shown],
        live=span(spend > 0)[..., shown],
        outcome=np.where(kept, panel.outcome, np.nan)[:, shown],
        control_values=np.where(kept[:, None], panel.control_values, np.nan)[..., shown],
        last=last,
        last_spend=np.minimum(panel.last_spend, last[:, None]),
    )


def only_accounts(panel: Panel, accounts: list[int]) -> Panel:
    """Some of the accounts, on the same calendar, with the same channels."""
    fields = (
        *("spend", "live", "outcome", "control_values", "unit_value", "margin", "first", "last"),
        "last_spend",
    )
    arrays = {name: getattr(panel, name)[accounts] for name in fields}
    return replace(
        panel,
        accounts=tuple(panel.accounts[a] for a in accounts),
        currency=tuple(panel.currency[a] for a in accounts),
        **arrays,
    )


def forecast_held_out(
    panel: Panel,
    evidence: Evidence,
    noise: RowNoise,
    priors: Priors,
    cells: CellDraws,
    account: int,
    seen_until: int,
    rng: np.random.Generator,
) -> HeldOutForecast:
    """Outcomes of the periods after the evidence of one account, at the spend it really had.

    Parameters
    ----------
    panel : accounts as in the evidence, with the periods to forecast
    evidence, noise, priors : of the rows before them
    cells : (draw, cell) returns and shapes of all cells of the evidence
    account : its position
    seen_until : position of the last period the evidence has of the account
    rng : of the baseline, the noise level and the noise
    """
    design = evidence.design
    weights = basis_weights(evidence, cells, account)
    # Trend ramps that begin after the evidence are known from their prior only.
    padded = evidence + gather(panel, design, rows=np.zeros(panel.n_periods, dtype=bool))
    baseline, noise_sd = baseline_draws(padded, noise, priors, weights, account, rng)
    stock = carried_spend(panel, design, first_state(panel, design))
    rows, p = regression_rows(panel, design, stock, account)
    later = np.arange(panel.n_periods) > seen_until
    observed = np.isfinite(panel.outcome[account])
    chosen = rows[later & observed]
    mean = baseline @ chosen[:, :p].T + weights @ chosen[:, p:-1].T
    expected = rows[:, :p] @ baseline.mean(axis=0) + rows[:, p:-1] @ weights.mean(axis=0)
    spread = spread_ahead(
        expected[later & observed], expected[~later & observed], noise.level_power
    )
    chance = unit_noise(noise, account, mean.shape, rng)
    return HeldOutForecast(
        observed=chosen[:, -1],
        mean=mean,
        noise_sd=noise_sd[:, None] * spread,
        replicated=mean + noise_sd[:, None] * spread * chance,
        tail_df=noise.tail_df,
    )


def basis_weights(evidence: Evidence, cells: CellDraws, account: int) -> np.ndarray:
    """(draw, cell in account * basis) weights of one account, in units of its mean outcome."""
    design = evidence.design
    own = np.argwhere(design.exists)[:, 0] == account
    share = design.spend_share[design.exists][own]
    level = cells.roi[:, own] * share
    shape = cells.adstock[:, own, :, None] * cells.shape[:, own, None, :]
    return (level[..., None, None] * shape).reshape(level.shape[0], -1)
