"""A run of pacing -> what was delivered against what was booked, and where deals are heading."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.pacing.report import PacingReport
from adbudget.plot.asked import money_of
from adbudget.plot.axes import by_date, compact, dress, head, panels, short
from adbudget.plot.palette import BAND, FAINT, INCREASE, INK, REDUCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 12


def pacing_data(report: PacingReport, deals: Sequence[str] | None = None) -> pd.DataFrame:
    """Spend of every deal by the end of every day of its flight, in units of its currency.

    Parameters
    ----------
    report : from :func:`adbudget.pace`
    deals : some of them; all when None

    Returns
    -------
    pd.DataFrame with deal, date (the day that has ended; the day before the flight for its start),
    planned (booked until then), spent (NaN after what is known), projected, low, high (NaN before;
    they end at the projection of the report and get there along the plan), budget, currency

    Raises
    ------
    InputError : there is no such deal

    Examples
    --------
    >>> list(ab.plot.pacing_data(ab.pace(booked, delivered, as_of="2026-03-11")).columns)
    ['deal', 'date', 'planned', 'spent', 'projected', 'low', 'high', 'budget', 'currency']
    """
    plan, measures, delivery = report.plan, report.measures, report.delivery
    wanted = list(plan.deals) if deals is None else list(deals)
    unknown = [name for name in wanted if name not in plan.place]
    if unknown:
        raise InputError(f"there is no deal {unknown[0]!r}; the first are {list(plan.deals[:5])}.")
    parts = []
    for name in wanted:
        i = plan.place[name]
        scale, elapsed = 10.0 ** plan.exponent[i], float(measures.elapsed_days[i])
        whole = np.arange(int(plan.n_days[i]) + 1, dtype=float)
        days = np.unique(np.concatenate([whole, [elapsed]]))
        every = np.broadcast_to(days, (len(plan), days.size))
        share = plan.planned_share(every)[i]
        budget = float(plan.budget_minor[i]) / scale
        rows = slice(int(delivery.first_row[i]), int(delivery.first_row[i + 1]))
        at = (delivery.day[rows] - plan.start[i]).astype(float) + 1
        spent = np.concatenate([[0.0], np.cumsum(delivery.spend_minor[rows]) / scale])
        known = spent[np.searchsorted(at, days, side="right")]
        track, now = measures.spend, float(measures.spent_minor[i]) / scale
        known = np.where(days >= elapsed, now, known)
        ahead = _ahead(days, share, elapsed)
        ends = [float(one[i]) / scale for one in (track.projected, track.low, track.high)]
        later = days >= elapsed
        paths = [np.where(later, now + (end - now) * ahead, np.nan) for end in ends]
        columns = {"planned": share * budget, "spent": np.where(days <= elapsed, known, np.nan)}
        columns |= dict(zip(("projected", "low", "high"), paths, strict=True))
        date = plan.start[i].astype("datetime64[s]") + ((days - 1) * 86400).astype("timedelta64[s]")
        part = pd.DataFrame({"deal": name, "date": date, **columns, "budget": budget})
        parts.append(part.assign(currency=str(plan.currency[i])))
    return pd.concat(parts, ignore_index=True)


def pacing(
    report: PacingReport,
    deals: Sequence[str] | None = None,
    *,
    ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
) -> "Axes | np.ndarray":
    """Spend of deals against their plan, and the cone of where they are heading.

    Parameters
    ----------
    report : from :func:`adbudget.pace`
    deals : their names; the twelve that are furthest from their plan when None
    ax : axes to draw on, one for each deal

    Returns
    -------
    Axes, or an array of them where there are several deals

    Raises
    ------
    InputError : there is no such deal, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.pacing(ab.pace(booked, delivered, as_of="2026-03-11"))
    """
    chosen = _furthest(report) if deals is None else list(deals)
    data: Any = pacing_data(report, chosen)
    every = panels(len(chosen), ax, share=False)
    for axes, name in zip(every, chosen, strict=True):
        own = data[data["deal"] == name]
        code, budget = money_of(own["currency"].iloc[0]), float(own["budget"].iloc[0])
        axes.axhline(budget, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), label="budget")
        axes.plot(own["date"], own["planned"], color=INK, linewidth=1.0, label="booked")
        axes.fill_between(
            own["date"], own["low"], own["high"], color=INCREASE, alpha=BAND, linewidth=0,
            label="likely range",
        )  # fmt: skip
        axes.plot(
            own["date"], own["projected"], color=INCREASE, linewidth=1.2, linestyle=(0, (4, 2)),
            label="projected",
        )  # fmt: skip
        axes.plot(own["date"], own["spent"], color=REDUCE, linewidth=2.0, label="spent")
        figures = own[["planned", "spent", "high"]].to_numpy(float)
        axes.set_ylim(0, 1.08 * max(float(np.nanmax(figures)), budget, 1e-9))
        by_date(axes)
        dress(axes, title=f"{short(name)}, {code}", y_text=compact)
    if ax is None:
        told = f"Spend against plan at {report.as_of:%Y-%m-%d %H:%M}"
        left = len(report.plan) - len(chosen) if deals is None else 0
        head(every, told + (f"; {left:,} deals nearer to plan are left out" if left else ""))
    return every[0] if len(every) == 1 else np.array(every, dtype=object)


def _ahead(days: np.ndarray, share: np.ndarray, elapsed: float) -> np.ndarray:
    """Part of what is still planned that falls until each day; by time where nothing is planned."""
    begin = float(np.interp(elapsed, days, share))
    left = float(share[-1]) - begin
    if left > 0:
        return np.clip((share - begin) / left, 0.0, 1.0)
    span = float(days[-1]) - elapsed
    return np.clip((days - elapsed) / span, 0.0, 1.0) if span > 0 else np.ones(days.size)


def _furthest(report: PacingReport) -> list[str]:
    """Names of the deals that are furthest from their plan."""
    off = np.nan_to_num(np.abs(report.measures.spend.deviation), nan=-1.0, posinf=9.9)
    return [report.plan.deals[i] for i in np.argsort(-off, kind="stable")[:MOST_PANELS]]
