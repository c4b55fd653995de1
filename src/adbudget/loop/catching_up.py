"""Doors of a cycle -> what is known now, and the fit of it: updated, or made anew when due."""

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

from adbudget.errors import InputError
from adbudget.loop.doors import Doors
from adbudget.loop.gathering import Gathered, first_day, gather, readings_of
from adbudget.loop.learning import Learned, can_stand, fit_all, refit_due, update_fit
from adbudget.loop.limiting import QUARTER
from adbudget.loop.maturity import Maturity, learn_maturity

if TYPE_CHECKING:
    pass

COMPLETE_AT = 21  # days after which one is taken for complete


def catch_up(doors: Doors) -> tuple[Gathered, Learned]:
    """Gather what is new, bring the fit to it, and keep both for the next cycle.

    Raises
    ------
    InputError : a source or the tables cannot be used
    PlatformError : the platform cannot be asked
    FitError : the sampler could not run
    """
    state, days, today = doors.state, doors.settings.period_days, doors.today
    before = state.fit()
    maturity = _maturity(doors)
    done = None
    if before is not None and not refit_due(before, doors.settings):
        back = today - timedelta(days=doors.settings.restate_days)
        since = max(first_day(back, days), before.panel.dates[0].astype("datetime64[D]").item())
        recent = _gather(doors, since, maturity)
        with suppress(InputError):  # a new cell, account or control: all is fitted again
            done = recent, update_fit(before, recent, seed=doors.seed(), cores=doors.cores)
    if done is None or not can_stand(done[1]):
        back = today - timedelta(days=doors.settings.history_days)
        whole = _gather(doors, first_day(back, days) + timedelta(days=days), maturity)
        done = whole, fit_all(whole, doors.settings, seed=doors.seed(), cores=doors.cores)
    gathered, learned = done
    if learned.how != "unchanged":
        state.keep_fit(learned.fit, doors.now)
    state.keep_readings(readings_of(gathered, today))
    state.forget_readings(today - 4 * QUARTER)
    return gathered, learned


def _gather(doors: Doors, since: date, maturity: Maturity) -> Gathered:
    return gather(
        doors.platform,
        doors.sources,
        now=doors.now,
        since=since,
        period_days=doors.settings.period_days,
        maturity=maturity,
        zones=doors.settings.zones,
    )


def _maturity(doors: Doors) -> Maturity:
    readings = doors.state.readings(doors.today - QUARTER)
    return learn_maturity(readings, oldest=COMPLETE_AT, stated=doors.settings.outcome_days)
