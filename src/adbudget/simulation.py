"""CurveDraws + Plan -> Outcome: a plan's path against today's, with carry-in and carry-over.

Knows nothing of budgets, risk or policy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from adbudget.curves import mixed_adstock, saturation
from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.draws import CurveDraws, HasDraws, SpendLike
from adbudget.errors import InputError
from adbudget.plan import Plan

DEFAULT_HORIZON_DAYS = 28
FADED = 0.01  # carry-over is counted until less than this share of the longest adstock is left
MAX_TAIL_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Outcome(Shown):
    """What a plan would bring against the current one. Draws are joint over all arrays.

    After the horizon both plans spend the current amounts; periods up to the end of the carry-over
    are counted too, so nothing a plan has earned is lost.

    Attributes
    ----------
    path, current_path : (draw, account, period) outcome owed to the channels, outcome units
    lift : (draw, account, channel) outcome gained over all counted periods, outcome units
    spend_change : (account, channel) spend added over the horizon, account currency
    value : (draw, account) margin * money gained - spend added
    horizon : periods in which the plans differ; later periods are carry-over

    Examples
    --------
    >>> outcome = ab.simulate(fit, fit.current_spend * 1.1, horizon=4)
    >>> outcome.lift.dims, outcome.horizon
    (('draw', 'account', 'channel'), 4)
    >>> outcome.lift_path.dims
    ('draw', 'account', 'period')
    """

    path: xr.DataArray
    current_path: xr.DataArray
    lift: xr.DataArray
    spend_change: xr.DataArray
    value: xr.DataArray
    horizon: int

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        low, mid, high = np.quantile(self.value, [0.05, 0.5, 0.95], axis=0)
        table = {"value": self.value.mean("draw").to_numpy(), "5%": low, "median": mid, "95%": high}
        frame = pd.DataFrame({"account": self.value["account"].to_numpy(), **table})
        return Page(
            title=f"Outcome of a plan against today's: {counted(self.horizon, 'period')}, "
            f"{self.value.sizes['draw']:,} draws",
            facts=[("value", "margin of what is gained, less what is spent more")],
            next=(".value  .lift  .path  .lift_path  .spend_change",),
            **table_of(frame),
        )

    @property
    def lift_path(self) -> xr.DataArray:
        """(draw, account, period) outcome gained period by period."""
        return self.path - self.current_path


def simulate(
    fit: HasDraws | CurveDraws,
    plan: Plan | SpendLike | pd.DataFrame,
    *,
    current: SpendLike | None = None,
    horizon: int | None = None,
    carry_in: bool = True,
) -> Outcome:
    """Play a plan and the current spend forward, period by period, for every posterior draw.

    Parameters
    ----------
    fit : a Fit, or the CurveDraws of one (then ``current`` is needed)
    plan : constant spend per period (a Plan, Series, mapping or DataArray by account and channel),
        or a path: a DataFrame indexed by (account, channel) with one column per period
    current : the spend it is compared with; the fit's own recent mean when None
    horizon : periods to play; the plan's columns for a path, else 28 days
    carry_in : start from the adstock the history left (True), or as if the current spend had
        always run (False)

    Returns
    -------
    Outcome

    Raises
    ------
    InputError : a cell is missing or unknown, a spend negative, or the horizon out of range

    Examples
    --------
    >>> outcome = ab.simulate(fit, fit.current_spend * 1.1, horizon=4)
    >>> outcome.value.dims  # margin money gained, less the added spend
    ('draw', 'account')
    """
    draws = fit if isinstance(fit, CurveDraws) else fit.draws
    if current is None:
        if isinstance(fit, CurveDraws):
            raise InputError("current is needed with CurveDraws; give spend by (account, channel).")
        current = fit.current_spend
    now = np.nan_to_num(draws.aligned(current))
    planned = _planned_path(draws, plan, horizon)
    n_tail = tail_periods(draws)
    scale = np.where(draws.exists, draws.scale, 1.0)
    state = draws.carry_in if carry_in else np.repeat((now / scale)[..., None], _n(draws), axis=2)
    after = np.repeat(now[..., None], n_tail, axis=2)
    plan_path = np.concatenate([planned, after], axis=2)
    now_path = np.repeat(now[..., None], plan_path.shape[2], axis=2)
    shape = (draws.n_draws, len(draws.accounts), plan_path.shape[2])
    path, current_path = np.empty(shape), np.empty(shape)
    lift = np.zeros((draws.n_draws, *now.shape))
    pairs = zip(_play(draws, plan_path, state), _play(draws, now_path, state), strict=True)
    for t, (with_plan, without) in enumerate(pairs):
        path[..., t], current_path[..., t] = with_plan.sum(axis=2), without.sum(axis=2)
        lift += with_plan - without
    spend_change = (planned - now[..., None]).sum(axis=2)
    return _named(draws, path, current_path, lift, spend_change, planned.shape[2])


def _n(draws: CurveDraws) -> int:
    return draws.retention.size


def _play(draws: CurveDraws, spend: np.ndarray, state: np.ndarray) -> Iterator[np.ndarray]:
    """(draw, account, channel) outcome of each period in turn; all draws share the adstock."""
    scale = np.where(draws.exists, draws.scale, 1.0)
    for t in range(spend.shape[2]):
        fresh = (spend[..., t] / scale)[..., None]
        state = draws.retention * state + (1 - draws.retention) * fresh
        level = mixed_adstock(state[..., None], draws.mix)[..., 0]
        yield np.einsum("dacjm,acjm->dac", draws.weights, saturation(level, draws.half_saturation))


def tail_periods(draws: CurveDraws) -> int:
    """Periods until the longest adstock has faded."""
    if draws.retention.max() == 0:
        return 0
    periods = np.arange(1, int(np.ceil(MAX_TAIL_DAYS / draws.period_days)) + 1)
    # A delayed adstock fades later than either of the adstocks it is made of.
    left = (draws.mix @ draws.retention[:, None] ** periods).max(axis=0)
    return int(periods[np.argmax(left <= FADED)]) if left[-1] <= FADED else int(periods[-1])


def _planned_path(draws: CurveDraws, plan, horizon: int | None) -> np.ndarray:
    """(account, channel, period) spend of the plan; 0 where there is no cell."""
    if horizon is not None and (not isinstance(horizon, int | np.integer) or horizon < 1):
        raise InputError(f"horizon must be a whole number of periods >= 1; got {horizon!r}.")
    if isinstance(plan, pd.DataFrame):
        if horizon is not None and horizon != plan.shape[1]:
            raise InputError(
                f"the plan has {plan.shape[1]} periods (columns) but horizon is {horizon}; "
                "leave horizon out for a path."
            )
        if plan.shape[1] == 0:
            raise InputError("the plan has no periods: give one column per period.")
        paths = [draws.aligned(plan.iloc[:, t]) for t in range(plan.shape[1])]
        return np.nan_to_num(np.stack(paths, axis=2))
    spend = draws.aligned(plan.spend if isinstance(plan, Plan) else plan)
    n_periods = horizon or max(1, round(DEFAULT_HORIZON_DAYS / draws.period_days))
    return np.repeat(np.nan_to_num(spend)[..., None], n_periods, axis=2)


def _named(draws: CurveDraws, path, current_path, lift, spend_change, horizon: int) -> Outcome:
    """Every array with its axes by name."""
    account, channel = list(draws.accounts), list(draws.channels)
    over_time = {"account": account, "period": np.arange(1, path.shape[2] + 1)}
    cells = {"account": account, "channel": channel}
    money = (draws.margin * draws.unit_value) * lift.sum(axis=2) - spend_change.sum(axis=1)
    time_dims = ("draw", "account", "period")
    return Outcome(
        path=xr.DataArray(path, dims=time_dims, coords=over_time),
        current_path=xr.DataArray(current_path, dims=time_dims, coords=over_time),
        lift=xr.DataArray(
            np.where(draws.exists, lift, np.nan), dims=("draw", "account", "channel"), coords=cells
        ),
        spend_change=xr.DataArray(
            np.where(draws.exists, spend_change, np.nan), dims=("account", "channel"), coords=cells
        ),
        value=xr.DataArray(money, dims=("draw", "account"), coords={"account": account}),
        horizon=horizon,
    )
