"""Tidy frames of plots -> small SVG pictures inside a page, whose colours the page decides.

Shapes carry classes and no colours, so that one picture serves light, dark and paper. Whatever
stands in a name is text.
"""

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from typing import Any

import numpy as np

from adbudget.plain_json import visible
from adbudget.plot.axes import compact, short
from adbudget.plot.palette import HUES

LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 8.0, 20.0
Point = tuple[float, float]


def safe(text: object) -> str:
    """Text that is shown and never obeyed, by a browser or a terminal."""
    return escape(visible(str(text)), quote=True)


def hue_class(slot: int) -> str:
    """Class of a channel's colour; dashes tell those of a second round."""
    return f"c{slot % len(HUES)}" + (" dash" if slot >= len(HUES) else "")


class Picture:
    """An SVG picture with a scale on each side; shapes are added in the order they are drawn.

    Parameters
    ----------
    size : width and height
    x, y : lowest and highest value of each scale
    title : what it shows, for those who do not see it
    """

    def __init__(self, size: Point, x: Point, y: Point, title: str) -> None:
        self.size, self.x, self.y, self.title = size, _wide(x), _wide(y), title
        self.parts: list[str] = []

    def at(self, x: float, y: float) -> Point:
        """Place of a value in the picture."""
        (width, height), (x0, x1), (y0, y1) = self.size, self.x, self.y
        across = LEFT + (x - x0) / (x1 - x0) * (width - LEFT - RIGHT)
        return across, height - BOTTOM - (y - y0) / (y1 - y0) * (height - TOP - BOTTOM)

    def line(self, x: Any, y: Any, name: str) -> None:
        """A line through points; where one is missing it is broken."""
        path = _path([self.at(*pair) for pair in zip(x, y, strict=True)])
        self.parts.append(f'<path class="line {name}" d="{path}"/>')

    def band(self, x: Any, low: Any, high: Any, name: str) -> None:
        """The area between two lines."""
        there = [self.at(*pair) for pair in zip(x, high, strict=True)]
        back = [self.at(*pair) for pair in zip(x, low, strict=True)][::-1]
        self.parts.append(f'<path class="band {name}" d="{_path(there + back)}Z"/>')

    def shade(self, x0: float, x1: float, name: str = "seen") -> None:
        """A stretch of the lower scale over the whole height."""
        left, right = self.at(x0, self.y[1]), self.at(x1, self.y[0])
        size = f'width="{right[0] - left[0]:.1f}" height="{right[1] - left[1]:.1f}"'
        self.parts.append(f'<rect class="{name}" x="{left[0]:.1f}" y="{left[1]:.1f}" {size}/>')

    def dot(self, x: float, y: float, name: str, radius: float = 4.0) -> None:
        """A mark."""
        across, up = self.at(x, y)
        self.parts.append(f'<circle class="{name}" cx="{across:.1f}" cy="{up:.1f}" r="{radius}"/>')

    def rule(self, x: float, name: str) -> None:
        """An upright line."""
        across, top = self.at(x, self.y[1])
        bottom = self.at(x, self.y[0])[1]
        self.parts.append(f'<path class="{name}" d="M{across:.1f} {top:.1f}V{bottom:.1f}"/>')

    def level(self, y: float, name: str) -> None:
        """A line across."""
        left, up = self.at(self.x[0], y)
        right = self.at(self.x[1], y)[0]
        self.parts.append(f'<path class="{name}" d="M{left:.1f} {up:.1f}H{right:.1f}"/>')

    def scales(self, x_labels: Sequence[tuple[float, str]] | None = None) -> None:
        """Labels at round numbers; ``x_labels`` in the place of those of the lower scale."""
        height = self.size[1]
        for value in ticks(*self.y):
            left, up = self.at(self.x[0], value)
            self.parts.append(
                f'<path class="grid" d="M{left:.1f} {up:.1f}H{self.size[0] - RIGHT}"/>'
            )
            self.parts.append(_text(left - 4, up + 3, compact(value), "end"))
        labels = [(one, compact(one)) for one in ticks(*self.x)] if x_labels is None else x_labels
        for value, told in labels:
            across = self.at(value, self.y[0])[0]
            self.parts.append(_text(across, height - 5, told, "middle"))

    def told(self) -> str:
        """The picture as SVG."""
        width, height = self.size
        return (
            f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{safe(self.title)}">'
            f"{''.join(self.parts)}</svg>"
        )


def curve_picture(curve: Any, marks: Any, slot: int, title: str) -> str:
    """Response curve of one cell: band, what was seen, today, recommended, break-even.

    Parameters
    ----------
    curve, marks : rows of one cell, from :func:`adbudget.plot.curves_data` and ``marks_data``
    slot : place of the channel's colour
    title : what it shows
    """
    spend = curve["spend"].to_numpy()
    top = 1.05 * max(float(curve["high"].max()), 1e-9)
    picture, name = Picture((360, 210), (0.0, float(spend[-1])), (0.0, top), title), hue_class(slot)
    seen = spend[curve["observed"].to_numpy()]
    if seen.size:
        picture.shade(seen[0], seen[-1])
    picture.scales()
    picture.band(spend, curve["low"], curve["high"], name)
    picture.line(spend, curve["outcome"], name)
    for row in _records(marks):
        if row["mark"] == "break-even":
            picture.rule(row["spend"], "even")
        elif row["mark"] == "today":
            picture.dot(row["spend"], row["outcome"], "today")
        else:
            picture.dot(row["spend"], row["outcome"], "next", 6.5)
    return picture.told()


def history_picture(history: Any, title: str) -> str:
    """Recorded and expected outcome of one account; rows of :func:`adbudget.plot.history_data`."""
    days = _days(history["date"])
    figures = history[["outcome", "low", "high", "baseline"]].to_numpy(float)
    y = (min(0.0, float(np.nanmin(figures))), 1.05 * max(float(np.nanmax(figures)), 1e-9))
    picture = Picture((720, 200), (days[0], days[-1]), y, title)
    picture.scales(date_labels(days))
    picture.band(days, history["low"], history["high"], "expected")
    picture.line(days, history["baseline"], "base")
    picture.line(days, history["expected"], "expected")
    picture.line(days, history["outcome"], "recorded")
    return picture.told()


def stack_picture(layers: Any, history: Any, hues: Mapping[str, int], title: str) -> str:
    """What brought the outcome, in layers from the baseline up, and what was recorded.

    Parameters
    ----------
    layers : of :func:`adbudget.plot.contributions.layers_of`
    history : rows of one account, of :func:`adbudget.plot.history_data`
    hues : channel -> place of its colour
    title : what it shows
    """
    days, tops = _days(layers.index), layers.cumsum(axis=1)
    figures = (float(np.nanmin(tops.to_numpy())), float(np.nanmax(tops.to_numpy())))
    top = max(figures[1], float(history["outcome"].max()), 1e-9)
    picture = Picture((720, 200), (days[0], days[-1]), (min(0.0, figures[0]), 1.05 * top), title)
    picture.scales(date_labels(days))
    below = np.zeros(len(days))
    for name in layers.columns:
        hue = f"c{hues[name] % len(HUES)}" if name in hues else "cx"
        picture.band(days, below, tops[name], f"full {hue}")
        below = tops[name].to_numpy()
    picture.line(_days(history["date"]), history["outcome"], "recorded")
    return picture.told()


def forecast_picture(data: Any, title: str) -> str:
    """The record and what is expected; rows of :func:`adbudget.plot.forecast_data`."""
    days = _days(data["date"])
    figures = data[["outcome", "low_90", "high_90"]].to_numpy(float)
    y = (min(0.0, float(np.nanmin(figures))), 1.05 * max(float(np.nanmax(figures)), 1e-9))
    picture = Picture((360, 190), (days[0], days[-1]), y, title)
    picture.scales(date_labels(days, most=4))
    later = data["expected"].notna().to_numpy()
    for ends in (("low_90", "high_90"), ("low_50", "high_50")):
        low, high = (data.loc[later, end].to_numpy() for end in ends)
        picture.band(days[later], low, high, "expected")
    picture.line(days[later], data.loc[later, "expected"], "expected")
    picture.line(days[~later], data.loc[~later, "outcome"], "recorded")
    return picture.told()


def frontier_picture(data: Any, title: str) -> str:
    """Gain of every bar for a call against its worst tenth, with today's plan at zero.

    Parameters
    ----------
    data : rows of one currency, of :func:`adbudget.plot.frontier_data`
    title : what it shows
    """
    risk, gain = (data[name].to_numpy(float) for name in ("worst_tenth", "expected_gain"))
    spread = 0.08 * max(float(np.ptp(risk)), 1e-9)
    x = (float(risk.min()) - spread, float(risk.max()) + spread)
    y = (min(0.0, float(gain.min())), 1.08 * max(float(gain.max()), 1e-9))
    picture = Picture((360, 210), x, y, title)
    picture.scales()
    made = data[data["prob"].notna()].sort_values("prob")
    picture.rule(0.0, "even")
    picture.line(made["worst_tenth"], made["expected_gain"], "expected")
    for row in _records(data):
        picture.dot(row["worst_tenth"], row["expected_gain"], "today", 3.0)
        if row["asked"]:
            picture.dot(row["worst_tenth"], row["expected_gain"], "next", 6.5)
    return picture.told()


def pacing_picture(data: Any, title: str) -> str:
    """Spend of a deal against its plan; rows of one deal, of :func:`adbudget.plot.pacing_data`."""
    days = _days(data["date"])
    figures = data[["planned", "spent", "high"]].to_numpy(float)
    budget = float(data["budget"].iloc[0])
    top = 1.08 * max(float(np.nanmax(figures)), budget, 1e-9)
    picture = Picture((360, 190), (days[0], days[-1]), (0.0, top), title)
    picture.scales(date_labels(days, most=4))
    picture.level(budget, "even")
    picture.line(days, data["planned"], "base")
    known = data["low"].notna().to_numpy()
    if known.any():
        rows = data[known]
        picture.band(days[known], rows["low"], rows["high"], "expected")
        picture.line(days[known], rows["projected"], "expected")
    picture.line(days, data["spent"], "spent")
    return picture.told()


def interval_picture(
    low: float, mean: float, high: float, mark: float, top: float, title: str
) -> str:
    """A return with its interval and the hurdle as a stroke, as small as a word.

    Parameters
    ----------
    low, mean, high : of the return
    mark : the hurdle
    top : end of the scale, the same for all rows
    title : the same in words
    """
    width, height = 110.0, 16.0
    places = [
        4 + min(max(v, 0.0) / max(top, 1e-9), 1.0) * (width - 8) for v in (low, mean, high, mark)
    ]
    a, b, c, d = places
    above = "over" if mean > mark else "under"
    return (
        f'<svg class="spark" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{safe(title)}"><path class="range {above}" d="M{a:.1f} 8H{c:.1f}"/>'
        f'<circle class="{above}" cx="{b:.1f}" cy="8" r="3.2"/>'
        f'<path class="mark" d="M{d:.1f} 1V15"/></svg>'
    )


def bar_picture(value: float, low: float, high: float, top: float, name: str, title: str) -> str:
    """A bar with its interval; ``top`` is the end of the scale."""
    width, height = 200.0, 16.0
    a, b, c = (min(max(v, 0.0) / max(top, 1e-9), 1.0) * (width - 4) for v in (value, low, high))
    return (
        f'<svg class="spark wide" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{safe(title)}"><rect class="bar {name}" x="0" y="3" width="{a:.1f}" '
        f'height="10"/><path class="mark" d="M{b:.1f} 8H{c:.1f}"/></svg>'
    )


def promise_picture(
    promised: tuple[float, float, float], seen: tuple[float, float, float], title: str
) -> str:
    """What was promised (ring) above what was seen (dot), each with its interval; a stroke at 0.

    Parameters
    ----------
    promised, seen : mean, low, high
    title : the same in words
    """
    width, height = 200.0, 22.0
    low, high = min(0.0, *promised, *seen), max(0.0, *promised, *seen)
    size = max(high - low, 1e-9)
    a, b, c, d, e, f, zero = (
        6 + (one - low) / size * (width - 12) for one in (*promised, *seen, 0.0)
    )
    way = "over" if seen[0] >= promised[0] else "under"
    return (
        f'<svg class="spark wide" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{safe(title)}"><path class="mark" d="M{zero:.1f} 1V21"/>'
        f'<path class="range" d="M{b:.1f} 6H{c:.1f}"/>'
        f'<circle class="next" cx="{a:.1f}" cy="6" r="3.2"/>'
        f'<path class="range {way}" d="M{e:.1f} 16H{f:.1f}"/>'
        f'<circle class="{way}" cx="{d:.1f}" cy="16" r="3.2"/></svg>'
    )


def move_picture(before: float, after: float, top: float, title: str) -> str:
    """Spend today (dot) and as recommended (arrow)."""
    width, height = 200.0, 16.0
    a, b = (4 + min(max(v, 0.0) / max(top, 1e-9), 1.0) * (width - 12) for v in (before, after))
    way = "stay" if a == b else "up" if b > a else "down"
    head = 0.0 if a == b else 5.0 if b > a else -5.0
    arrow = f'<path class="arrow {way}" d="M{b:.1f} 8l{-head:.1f} -4v8Z"/>' if head else ""
    return (
        f'<svg class="spark wide" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{safe(title)}"><path class="grid" d="M4 8H{width - 8:g}"/>'
        f'<path class="range {way}" d="M{a:.1f} 8H{b:.1f}"/>{arrow}'
        f'<circle class="today" cx="{a:.1f}" cy="8" r="3"/></svg>'
    )


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers between two values: 1, 2 or 5 times a power of ten apart."""
    raw = (high - low) / most
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= raw * (1 - 1e-9))
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [float(k * step) for k in range(first, last + 1)]


def date_labels(days: np.ndarray, most: int = 7) -> list[tuple[float, str]]:
    """Dates below a picture, spread over the days since 1970 that it shows."""
    places = np.linspace(days[0], days[-1], most + 2)[1:-1]
    form = "%Y-%m" if days[-1] - days[0] > 200 else "%d %b"
    whole = [np.datetime64(int(one), "D").astype(object) for one in places]
    return [(float(one), day.strftime(form)) for one, day in zip(places, whole, strict=True)]


def _days(dates: Any) -> np.ndarray:
    """Days since 1970, with fractions."""
    return dates.to_numpy().astype("datetime64[s]").astype(float) / 86_400


def _records(rows: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _wide(scale: Point) -> Point:
    """A scale that is not empty."""
    return scale if scale[1] > scale[0] else (scale[0], scale[0] + 1.0)


def _path(points: Sequence[Point]) -> str:
    """Points as the path of an SVG; a missing one lifts the pen."""
    told, pen = [], "M"
    for x, y in points:
        if not (isfinite(x) and isfinite(y)):
            pen = "M"
            continue
        told.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return "".join(told)


def _text(x: float, y: float, told: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{safe(short(told))}</text>'
