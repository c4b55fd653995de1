"""The last fit + what was gathered -> the fit of now: updated where it can be, made anew where not.

Rows of open periods are replaced by what they have become. Cells without a history are not learned.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.loop.gathering import CELL, Gathered
from adbudget.loop.settings import LoopSettings

if TYPE_CHECKING:
    from adbudget.model.fit import Fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """The fit of now.

    Attributes
    ----------
    fit : of everything gathered
    how : "fitted", "updated" or "unchanged"
    why : one sentence
    """

    fit: "Fit"
    how: str
    why: str


def fit_all(gathered: Gathered, settings: LoopSettings, *, seed: int, cores: int | None) -> Learned:
    """Fit everything that was gathered.

    Raises
    ------
    InputError : the tables cannot be used, or the settings do not say what an outcome is worth
    FitError : the sampler could not run
    """
    from adbudget.model.fit import fit
    from adbudget.panel.read import read_panel

    spend, outcome = _usable(gathered)
    panel = read_panel(
        spend,
        outcome,
        columns={"outcome": gathered.outcome_name},
        controls=list(gathered.controls) or None,
        currency={one.account: one.currency for one in gathered.budgets} or None,
        margin=settings.margin,
        value_per_unit=settings.value_per_unit,
        missing_spend="zero",
    )
    made = fit(panel, seed=seed, cores=cores, progress=False)
    return Learned(fit=made, how="fitted", why=f"{panel.n_periods} periods were fitted")


def update_fit(before: "Fit", gathered: Gathered, *, seed: int, cores: int | None) -> Learned:
    """Bring a fit to what is known now; what an update cannot take is said by its error.

    Raises
    ------
    InputError : an update cannot take the rows: new names, cells or controls
    """
    spend, outcome = _usable(gathered)
    spend = _ever_spent(spend, before)
    if not _is_news(before, spend, outcome, gathered.outcome_name):
        return Learned(fit=before, how="unchanged", why="no row is new or was restated")
    fit = before.update(
        spend,
        outcome,
        columns={"outcome": gathered.outcome_name},
        missing_spend="zero",
        restated="replace",
        seed=seed,
        cores=cores,
    )
    return Learned(fit=fit, how="updated", why=fit.panel.notes[-1].message)


def refit_due(fit: "Fit", settings: LoopSettings) -> bool:
    """Whether scales and noise are to be found anew, or an outcome is worth something else now."""
    updates = sum(note.kind == "updated" for note in fit.panel.notes)
    return updates >= settings.refit_cycles or _worth_differs(fit, settings)


def _worth_differs(fit: "Fit", settings: LoopSettings) -> bool:
    from adbudget.panel.unit_value import read_margin, read_unit_value

    panel = fit.panel
    try:
        margin = read_margin(settings.margin, panel.accounts, [])
        value = read_unit_value(settings.value_per_unit, panel.outcome_name, panel.accounts)
    except InputError:  # accounts come and go: a fit of all of them knows whether it is right
        return True
    return not (np.array_equal(margin, panel.margin) and np.array_equal(value, panel.unit_value))


def can_stand(learned: Learned) -> bool:
    """Whether an update can be gone on with. One that cannot be trusted is fitted anew.

    The draws of an update are carried over; a fit takes smaller steps and more chains until they
    can be trusted, where nothing would be moved for weeks.
    """
    return learned.how != "updated" or learned.fit.health.ok


def _usable(gathered: Gathered) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spend and outcome of the accounts that have both, over the same whole periods."""
    spend: Any = gathered.spend
    outcome: Any = gathered.outcome
    both = set(spend["account"]) & set(outcome["account"])
    if not both:
        raise InputError(
            "no account has both spend and an outcome: spend is of "
            f"{sorted(set(spend['account']))[:5]}, the outcome of "
            f"{sorted(set(outcome['account']))[:5]}. Call the accounts alike in both."
        )
    spend = spend[spend["account"].isin(sorted(both))]
    return spend.reset_index(drop=True), outcome[outcome["account"].isin(sorted(both))].reset_index(
        drop=True
    )


def _ever_spent(spend: Any, fit: "Fit") -> Any:
    """Rows but those of cells that the fit does not know and that never spent."""
    cells = pd.MultiIndex.from_frame(spend[CELL])
    known = cells.isin(fit.panel.cells)
    return spend[known | (spend.groupby(CELL)["spend"].transform("sum") > 0).to_numpy()]


def _is_news(fit: "Fit", spend: pd.DataFrame, outcome: pd.DataFrame, name: str) -> bool:
    """Whether any row says something the fit has not seen."""
    panel = fit.panel
    last: Any = outcome["date"].max()
    if last > pd.Timestamp(panel.dates[-1]):
        return True
    days = {day: i for i, day in enumerate(panel.dates.astype("datetime64[ns]").tolist())}
    a = [panel.accounts.index(one) if one in panel.accounts else -1 for one in outcome["account"]]
    t = [days.get(day.value, -1) for day in outcome["date"]]
    if min(a, default=0) < 0 or min(t, default=0) < 0:
        return True
    told, known = outcome[name].to_numpy(float), panel.outcome[a, t]
    if (np.isfinite(told) & (told != known)).any():
        return True
    table: Any = spend.set_index([*CELL, "date"])["spend"]
    old: Any = panel.to_frame().set_index([*CELL, "date"])["spend"]
    joined = old.reindex(table.index)
    return bool((joined.isna() & (table > 0)).any() or (np.abs(table - joined) > 1e-9).any())
