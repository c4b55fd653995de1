"""World -> a lift test on one of its cells, as a careful experimenter would report it.

The true effect, plus an error of the stated size.
"""

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.synthetic.world import World

WARM_UP_YEARS = 2  # of spend as before the test, so that no earlier carry-over is left


def run_lift_test(
    world: World,
    cell: tuple[str, str],
    *,
    seed: int,
    change: float = 0.5,
    n_periods: int = 6,
    cool_down: int = 0,
    iroas_error: float = 0.2,
) -> pd.DataFrame:
    """Test one cell over the last periods of the world: more (or less) spend against a control.

    Parameters
    ----------
    world : with the truth that the test measures
    cell : (account, channel)
    seed : of the error
    change : of the spend, as a share of :meth:`World.current`; -1 switches the channel off
    n_periods : length of the test
    cool_down : periods after it, with spend as before, whose outcome is counted too
    iroas_error : standard error of the test in money gained per money added

    Returns
    -------
    pd.DataFrame of one row with the columns account, channel, start, end, counted_until,
    spend_before, spend_after, lift_total and standard_error, as ``fit(..., lift_tests=frame)``
    reads them

    Raises
    ------
    InputError : no such cell, no spend to change, or a setting out of range

    Examples
    --------
    >>> from adbudget.synthetic import run_lift_test
    >>> test = run_lift_test(world, ("account_01", "search"), seed=1)
    >>> test[["account", "channel"]].to_dict("records")
    [{'account': 'account_01', 'channel': 'search'}]
    """
    truth = world.truth
    if cell not in truth.cells:
        raise InputError(f"there is no cell {cell}; the first are {list(truth.cells)[:3]}.")
    if not (np.isfinite(change) and change >= -1 and change != 0):
        raise InputError(f"change must be a share of at least -1 and not 0; got {change!r}.")
    if n_periods < 1 or cool_down < 0 or not iroas_error > 0:
        raise InputError(
            "n_periods must be at least 1, cool_down at least 0 and iroas_error above 0; got "
            f"{n_periods!r}, {cool_down!r} and {iroas_error!r}."
        )
    before = float(world.current().to_numpy()[truth.cells.get_loc(cell)])
    if before <= 0:
        raise InputError(f"{cell} spends nothing any more, so there is nothing to change.")
    after = before * (1 + change)
    lift = _true_lift(world, cell, before, after, n_periods, cool_down)
    error = iroas_error * abs(after - before) * n_periods / truth.value
    dates = pd.DatetimeIndex(world.outcome["date"].unique()).sort_values()
    to_its_end = pd.Timedelta(days=int(truth.period_days) - 1)
    return pd.DataFrame(
        {
            "account": cell[0],
            "channel": cell[1],
            "start": [dates[-n_periods - cool_down]],
            "end": [dates[-1 - cool_down] + to_its_end],
            "counted_until": [dates[-1] + to_its_end],
            "spend_before": [before],
            "spend_after": [after],
            "lift_total": [lift + error * np.random.default_rng(seed).normal()],
            "standard_error": [error],
        }
    )


def _true_lift(world: World, cell, before, after, n_periods: int, cool_down: int) -> float:
    """Outcome units gained over the counted periods, carry-over within them included."""
    truth, place = world.truth, world.truth.cells.get_loc(cell)
    warm_up = round(WARM_UP_YEARS * 365.25 / truth.period_days)
    spend = np.zeros((2, len(truth.cells), warm_up + n_periods + cool_down))
    spend[:, place] = before
    spend[1, place, warm_up : warm_up + n_periods] = after
    without, with_test = (truth.path(path)[place, warm_up:].sum() for path in spend)
    return float(with_test - without)
