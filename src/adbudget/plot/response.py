"""Curve draws and decisions -> response curves: what a channel brings at every constant spend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.curves import saturation, saturation_slope
from adbudget.decision.decisions import Decisions
from adbudget.draws import CurveDraws, HasDraws
from adbudget.errors import InputError
from adbudget.plot.asked import decision_rows, known_account, money_of, period_noun
from adbudget.plot.axes import COLUMNS, compact, dress, head, panels, short
from adbudget.plot.palette import BAND, FAINT, INK, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTERVAL = (0.05, 0.95)
REACH = 1.25  # curves are drawn up to this multiple of the largest spend that is marked
TODAY, NEXT, EVEN = "today", "recommended", "break-even"


def curves_data(
    fit: HasDraws,
    account: str,
    decisions: "pd.DataFrame | Decisions | None" = None,
    *,
    channels: Sequence[str] | None = None,
    points: int = 61,
) -> pd.DataFrame:
    """What every channel of an account brings at a constant spend. Money per period.

    Parameters
    ----------
    fit : a Fit, or anything with ``draws`` and ``current_spend``
    account : its name
    decisions : what recommend returned, or from decide, whose spend the curves have to reach
    channels : some of the account's; all of them when None
    points : per curve

    Returns
    -------
    pd.DataFrame with account, channel, spend, outcome, low, high (mean and 90% interval of outcome
    money), marginal, marginal_low, marginal_high (of the next unit of spend, money per money),
    observed (whether the history has seen such a spend)

    Raises
    ------
    InputError : an account or channel is unknown

    Examples
    --------
    >>> list(ab.plot.curves_data(fit, "account_01", frame).columns)
    ['account', 'channel', 'spend', 'outcome', 'low', 'high', 'marginal', 'marginal_low',
     'marginal_high', 'observed']
    """
    draws, a = fit.draws, known_account(account, fit.draws.accounts)
    seen: Any = _seen(fit, a)
    top = _tops(fit, account, decisions)
    parts = []
    for c in _places(draws, a, channels):
        spend = np.linspace(0.0, top[c], points)
        level, curve = spend / draws.scale[a, c], draws.weights[:, a, c].sum(axis=1)
        money = curve @ saturation(level, draws.half_saturation).T * draws.unit_value[a]
        slope = curve @ saturation_slope(level, draws.half_saturation).T
        slope = slope * draws.unit_value[a] / draws.scale[a, c]
        (low, high), (flat, steep) = (np.quantile(one, INTERVAL, axis=0) for one in (money, slope))
        parts.append(
            pd.DataFrame(
                {
                    "account": account,
                    "channel": draws.channels[c],
                    "spend": spend,
                    "outcome": money.mean(axis=0),
                    "low": low,
                    "high": high,
                    "marginal": slope.mean(axis=0),
                    "marginal_low": flat,
                    "marginal_high": steep,
                    "observed": (spend >= seen[c][0]) & (spend <= seen[c][1]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def marks_data(
    fit: HasDraws,
    account: str,
    decisions: "pd.DataFrame | Decisions | None" = None,
    *,
    channels: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Where every channel of an account stands on its curve.

    The break-even is the one that decisions use: the spend at which one more unit brings just its
    hurdle, which is what its money brings elsewhere, or what it costs over the margin.

    Parameters
    ----------
    fit, account, decisions, channels : as in :func:`curves_data`; without decisions the hurdle is
        that of the cost, one over the margin

    Returns
    -------
    pd.DataFrame with account, channel, mark ("today", "recommended", "break-even"), spend, outcome
    (mean, money per period), marginal (mean), hurdle. A recommended spend that is today's has no
    row, nor has a break-even that lies at nothing or further than the curve is drawn

    Examples
    --------
    >>> list(ab.plot.marks_data(fit, "account_01", frame).columns)
    ['account', 'channel', 'mark', 'spend', 'outcome', 'marginal', 'hurdle']
    """
    draws, a = fit.draws, known_account(account, fit.draws.accounts)
    rows: Any = (
        None if decisions is None else decision_rows(decisions, account).set_index("channel")
    )
    now, tops = pd.Series(fit.current_spend), _tops(fit, account, decisions)
    found = []
    for c in _places(draws, a, channels):
        channel = draws.channels[c]
        today, hurdle = float(now.loc[(account, channel)]), 1 / float(draws.margin[a])
        places = {TODAY: today}
        if rows is not None and channel in rows.index:
            row = rows.loc[channel]
            hurdle = float(row.get("hurdle", hurdle))
            places[TODAY] = today = float(row["current_spend"])
            if float(row["recommended_spend"]) != today:
                places[NEXT] = float(row["recommended_spend"])
        curve = draws.weights[:, a, c].sum(axis=1).mean(axis=0)
        even = _break_even(draws, a, c, curve, hurdle, tops[c])
        if even is not None:
            places[EVEN] = even
        for mark, spend in places.items():
            money, slope = _mean_at(draws, a, c, curve, spend)
            found.append((account, channel, mark, spend, money, slope, hurdle))
    columns = ["account", "channel", "mark", "spend", "outcome", "marginal", "hurdle"]
    return pd.DataFrame(found, columns=columns)


def curves(
    fit: HasDraws,
    account: str,
    decisions: "pd.DataFrame | Decisions | None" = None,
    *,
    channels: Sequence[str] | None = None,
    same_scale: bool = True,
    ax: "Axes | Sequence[Axes] | np.ndarray | None" = None,
) -> "Axes | np.ndarray":
    """Response of every channel of one account to a constant spend, and where it stands.

    One panel per channel: the mean curve and its 90% band, the spend that the history has seen
    (shaded), today's and the recommended spend, and the break-even: left of it one more unit earns
    more than its hurdle, right of it less, whatever the channel earns on average.

    Parameters
    ----------
    fit, account, decisions, channels : as in :func:`curves_data`
    same_scale : whether all panels share one scale, so that channels can be compared
    ax : axes to draw on, one for each panel

    Returns
    -------
    Axes, or an array of them where there are several channels

    Raises
    ------
    InputError : an account or channel is unknown, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.curves(fit, "account_01", frame)
    """
    data: Any = curves_data(fit, account, decisions, channels=channels)
    marks: Any = marks_data(fit, account, decisions, channels=channels)
    draws = fit.draws
    names, hues = list(dict.fromkeys(data["channel"])), colours(draws.channels)
    code = draws.currency[known_account(account, draws.accounts)]
    every = panels(len(names), ax, share=same_scale)
    noun = period_noun(draws)
    for i, (axes, name) in enumerate(zip(every, names, strict=True)):
        _one_channel(
            axes, data[data["channel"] == name], marks[marks["channel"] == name], hues[name]
        )
        dress(
            axes,
            title=short(name),
            x=f"spend per {noun}, {money_of(code)}" if i + COLUMNS >= len(names) else "",
            y=f"brings per {noun}" if i % COLUMNS == 0 else "",
            x_text=compact,
            y_text=compact,
        )
    if same_scale and ax is None:
        every[0].set_xlim(0, data["spend"].max())
        every[0].set_ylim(0, 1.02 * data["high"].max() or 1.0)
    if ax is None:
        told = "" if decisions is None else ", and where the plan goes"
        head(every, f"{short(account)}: what each channel brings at a constant spend{told}")
    return every[0] if len(every) == 1 else np.array(every, dtype=object)


def _one_channel(axes: "Axes", data: Any, marks: Any, hue: str) -> None:
    """Curve, band, what was observed, and marks of one cell."""
    spend = data["spend"].to_numpy()
    seen: Any = spend[data["observed"].to_numpy()]
    if seen.size:
        axes.axvspan(
            seen[0], seen[-1], color=FAINT, alpha=0.10, linewidth=0, label="spend seen so far"
        )
    axes.fill_between(
        spend, data["low"], data["high"], color=hue, alpha=BAND, linewidth=0, label="90% band"
    )
    axes.plot(spend, data["outcome"], color=hue, linewidth=1.8)
    for row in marks.itertuples():
        if row.mark == EVEN:
            _tangent(axes, row, float(spend[-1]))
        elif row.mark == TODAY:
            axes.plot([row.spend], [row.outcome], "o", color=INK, markersize=5, label=TODAY)
        else:
            axes.plot(
                [row.spend], [row.outcome], "o", color=INK, markersize=9, fillstyle="none",
                markeredgewidth=1.4, label=NEXT,
            )  # fmt: skip
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)


def _tangent(axes: "Axes", row: Any, top: float) -> None:
    """The break-even: where the curve is as steep as the hurdle, with a line of that slope."""
    label = "break-even: next unit = hurdle"
    axes.axvline(row.spend, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), label=label)
    half = 0.16 * top
    x = np.array([max(row.spend - half, 0.0), row.spend + half])
    axes.plot(x, row.outcome + row.hurdle * (x - row.spend), color=INK, linewidth=0.9)


def _places(draws: CurveDraws, a: int, channels: Sequence[str] | None) -> list[int]:
    """Positions of the channels asked for, of those that the account uses."""
    own: Any = [int(c) for c in np.flatnonzero(draws.exists[a])]
    if channels is None:
        return own
    names = [draws.channels[c] for c in own]
    unknown = [name for name in channels if name not in names]
    if unknown or not channels:
        raise InputError(
            f"{draws.accounts[a]} has no channel {list(unknown)}; there are {names[:10]}."
        )
    return [own[names.index(name)] for name in channels]


def _tops(fit: HasDraws, account: str, decisions: Any) -> dict[int, float]:
    """Channel -> how far its curve is drawn: past all that is marked and all that was seen."""
    draws, now = fit.draws, pd.Series(fit.current_spend)
    a = known_account(account, draws.accounts)
    rows: Any = (
        None if decisions is None else decision_rows(decisions, account).set_index("channel")
    )
    seen, tops = _seen(fit, a), {}
    for c in np.flatnonzero(draws.exists[a]):
        name = draws.channels[c]
        spends = [float(now.loc[(account, name)]), float(draws.scale[a, c]), seen[int(c)][1]]
        if rows is not None and name in rows.index:
            spends += [float(rows.loc[name, k]) for k in ("current_spend", "recommended_spend")]
        tops[int(c)] = REACH * max(spends)
    return tops


def _seen(fit: HasDraws, a: int) -> dict[int, tuple[float, float]]:
    """Channel -> lowest and highest spend per period of the history; (0, 0) where none is known."""
    draws, panel = fit.draws, getattr(fit, "panel", None)
    seen: Any = {}
    for c in np.flatnonzero(draws.exists[a]):
        high = 0.0
        if draws.highest_spend is not None and np.isfinite(draws.highest_spend[a, c]):
            high = float(draws.highest_spend[a, c])
        low = 0.0
        if panel is not None:
            spent = panel.spend[a, c][panel.live[a, c]]
            low = float(spent.min()) if spent.size else 0.0
        seen[int(c)] = (min(low, high), high)
    return seen


def _mean_at(
    draws: CurveDraws, a: int, c: int, curve: np.ndarray, spend: float
) -> tuple[float, float]:
    """Mean outcome money, and mean slope, at one spend."""
    level = np.array([spend / draws.scale[a, c]])
    value = float(draws.unit_value[a])
    money = float((saturation(level, draws.half_saturation) @ curve)[0]) * value
    slope = float((saturation_slope(level, draws.half_saturation) @ curve)[0])
    return money, slope * value / float(draws.scale[a, c])


def _break_even(
    draws: CurveDraws, a: int, c: int, curve: np.ndarray, hurdle: float, top: float
) -> float | None:
    """Spend at which the mean slope falls to the hurdle; None below it everywhere, or beyond."""
    if (
        _mean_at(draws, a, c, curve, 0.0)[1] <= hurdle
        or _mean_at(draws, a, c, curve, top)[1] >= hurdle
    ):
        return None
    low, high = 0.0, top
    for _ in range(60):  # slopes of concave curves only fall
        middle = (low + high) / 2
        above = _mean_at(draws, a, c, curve, middle)[1] > hurdle
        low, high = (middle, high) if above else (low, middle)
    return (low + high) / 2
