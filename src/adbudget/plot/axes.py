"""What is asked to be drawn on -> matplotlib axes that look alike; numbers -> their labels."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.errors import InputError
from adbudget.money import amount
from adbudget.plot.palette import FAINT, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_NAME = 28  # letters of a name on an axis
SMALL = 8  # size of labels, points
COLUMNS = 3  # panels side by side
BESIDE, ABOVE = (4, 18, 45, 80), tuple(range(3, 60, 11))  # of a point, points: where words may be
ROOM = 20.0  # points below a title for a legend


def one_axes(ax: "Axes | None", size: tuple[float, float] = (7.0, 4.0)) -> "Axes":
    """The axes given, or those of a new figure.

    Raises
    ------
    InputError : matplotlib is not installed
    """
    if ax is not None:
        return ax
    return _figure(size).subplots()


def panels(
    n_panels: int,
    ax: "Axes | Sequence[Axes] | np.ndarray | None",
    *,
    share: bool = True,
    size: tuple[float, float] = (3.6, 2.9),
) -> "list[Axes]":
    """Axes given, as a list, or as many new ones side by side as there are panels.

    Parameters
    ----------
    n_panels : how many
    ax : one, a sequence or an array of axes; None for new ones
    share : whether new ones share both scales
    size : of one panel, inches

    Raises
    ------
    InputError : another number of axes is given, or matplotlib is not installed
    """
    if ax is not None:
        given = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != n_panels:
            raise InputError(
                f"ax must be {n_panels} axes, one for each panel; got {len(given)}. Leave it out, "
                "or name one channel."
            )
        return given
    n_columns = 2 if n_panels == 4 else min(COLUMNS, n_panels)
    size = (6.0, 4.0) if n_panels == 1 else size
    n_rows = -(-n_panels // n_columns)
    figure = _figure((size[0] * n_columns, size[1] * n_rows + 0.5))
    made: Any = figure.subplots(n_rows, n_columns, squeeze=False, sharex=share, sharey=share)
    every = list(made.flat)
    for unused in every[n_panels:]:
        unused.remove()
    for axes in every[max(0, n_panels - n_columns) : n_panels]:
        axes.tick_params(labelbottom=True)  # the last of its column, where a row is not full
    return every[:n_panels]


def _figure(size: tuple[float, float]) -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise InputError("plots need matplotlib: install adbudget[plot].") from error
    return plt.figure(figsize=size, layout="constrained")


def dress(
    axes: "Axes",
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    x_text: Callable[[float], str] | None = None,
    y_text: Callable[[float], str] | None = None,
    below: float = 6.0,
) -> "Axes":
    """Titles, labels of the scales, and no more ink than needed.

    Parameters
    ----------
    axes : to be dressed
    title, x, y : words
    x_text, y_text : value -> text of a tick; None leaves them
    below : room between title and axes, points; ``ROOM`` where :func:`legend_above` has put a
        legend there
    """
    from matplotlib.ticker import FuncFormatter

    if title:
        axes.set_title(plain(title), loc="left", fontsize=10, pad=below)
    if x:
        axes.set_xlabel(plain(x), fontsize=9)
    if y:
        axes.set_ylabel(plain(y), fontsize=9)
    for scale, text in ((axes.xaxis, x_text), (axes.yaxis, y_text)):
        if text is not None:
            scale.set_major_formatter(FuncFormatter(lambda value, _, text=text: text(value)))
    axes.tick_params(labelsize=SMALL, color=FAINT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    return axes


def head(every: "Sequence[Axes]", title: str) -> None:
    """One title above panels, and one entry below for each thing drawn in any of them."""
    found: dict[str, Any] = {}
    for axes in every:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure: Any = every[0].figure
    width = figure.get_size_inches()[0]
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=11, wrap=True)
    figure.legend(
        list(found.values()),
        list(found),
        loc="outside lower left",
        ncols=max(2, int(width // 2)),
        frameon=False,
        fontsize=SMALL,
    )


def legend_above(axes: "Axes", columns: int = 4) -> None:
    """A legend in one row between title and axes, where it covers neither.

    Parameters
    ----------
    columns : entries side by side
    """
    axes.legend(
        frameon=False,
        fontsize=SMALL,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.0,
        borderpad=0.2,
        handlelength=1.2,
    )


def named_rows(axes: "Axes", names: Sequence[str]) -> None:
    """Names of rows on the left scale, the first at the top."""
    axes.set_yticks(range(len(names)), [plain(short(name)) for name in names], fontsize=SMALL)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def by_date(axes: "Axes") -> None:
    """Dates along the lower scale, no more than fit."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=7)
    axes.xaxis.set_major_locator(locator)
    # Only the year, at the end of the scale: the month there would be that of the last date alone.
    ends = ["", "%Y", "%Y", "%d %b %Y", "%d %b %Y", "%d %b %Y"]
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, offset_formats=ends))


def name_ends(axes: "Axes", ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names beside the ends of lines, moved apart where they would cover each other.

    Parameters
    ----------
    ends : (x, y, name, colour) of every line
    """
    bottom, top = axes.get_ylim()
    figure: Any = axes.figure
    height = axes.get_position().height * figure.get_size_inches()[1] * 72  # points
    gap = (top - bottom) * (SMALL + 2.5) / max(height, 1.0)
    order: Any = sorted(range(len(ends)), key=lambda i: ends[i][1])
    places = [ends[i][1] for i in order]
    for k in range(1, len(places)):  # from below, each at least a line above the one before
        places[k] = max(places[k], places[k - 1] + gap)
    over = places[-1] - (top + gap) if places else 0.0
    if over > 0:
        places[-1] -= over
        for k in range(len(places) - 2, -1, -1):
            places[k] = min(places[k], places[k + 1] - gap)
    for i, place in zip(order, places, strict=True):
        x, _, name, colour = ends[i]
        axes.annotate(
            plain(short(name, LONGEST_NAME + 12)),
            (x, place),
            xytext=(4, 0),
            textcoords="offset points",
            color=colour,
            fontsize=SMALL,
            va="center",
            annotation_clip=False,
        )


def name_points(axes: "Axes", points: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names beside points, where they cover no line, no point and no other words.

    Parameters
    ----------
    axes : with all else on them, and dressed
    points : (x, y, name, colour); the first are placed first
    """
    from matplotlib.transforms import Bbox

    figure: Any = axes.figure
    figure.draw_without_rendering()  # sizes of words are known from here on
    pixel = figure.dpi / 72
    lines: list[Any] = [one.get_transform().transform_path(one.get_path()) for one in axes.lines]
    dots = [one.vertices[0] for one in lines if len(one.vertices) == 1]
    taken = [Bbox.from_extents(*(dot - 3 * pixel), *(dot + 3 * pixel)) for dot in dots]
    taken += [text.get_window_extent() for text in axes.texts]
    room = Bbox.from_extents(*axes.bbox.p0, figure.bbox.x1, axes.bbox.y1 + 4 * pixel)
    for x, y, name, colour in points:
        text = axes.annotate(
            plain(short(name)), (x, y), (0, 0), textcoords="offset points", color=colour,
            fontsize=SMALL, annotation_clip=False, in_layout=False,
        )  # fmt: skip
        size = np.array(text.get_window_extent().size)
        tried = []
        for right, up, to_right, to_top in product(BESIDE, ABOVE, (True, False), (True, False)):
            shift = np.array([right if to_right else -right, up if to_top else -up])
            corner = axes.transData.transform((x, y)) + shift * pixel
            corner = corner - size * [not to_right, not to_top]
            box = Bbox.from_extents(*corner, *(corner + size))
            crossed = sum(len(one.vertices) > 1 and one.intersects_bbox(box) for one in lines)
            beyond = not (room.contains(*box.p0) and room.contains(*box.p1))
            bad = 3 * crossed + 9 * box.count_overlaps(taken) + 40 * beyond
            tried.append((bad + np.hypot(right, up) / 12, *shift, box))
        _, right, up, box = min(tried, key=lambda one: one[0])
        taken.append(box)
        text.set_position((right, up))
        text.set(ha="left" if right > 0 else "right", va="bottom" if up > 0 else "top")
        if abs(up) > ABOVE[0] or abs(right) > BESIDE[0]:
            line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkB": 3}
            axes.annotate("", (x, y), (right, up), textcoords="offset points", arrowprops=line)


def note(axes: "Axes", text: str) -> "Axes":
    """Say that there is nothing to be seen, and why."""
    axes.set_axis_off()
    axes.text(0.0, 0.5, plain(text), transform=axes.transAxes, color=INK, fontsize=10, va="center")
    return axes


def short(name: str, most: int = LONGEST_NAME) -> str:
    """A name that fits: its middle is left out where it is long."""
    if len(name) <= most:
        return name
    end = most // 3
    return f"{name[: most - end - 1]}…{name[-end:]}"


def plain(text: str) -> str:
    """Text that matplotlib shows as it is: a dollar begins no mathematics."""
    return text.replace("$", r"\$")


def compact(value: float) -> str:
    """1.2M, 340k, 87: amounts on a scale."""
    size = abs(value)
    for step, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if size >= step * (1 if step > 1e3 else 10):
            return f"{value / step:.3g}{letter}"
    return amount(value, 0 if size >= 10 or float(value).is_integer() else 2)


def from_to(before: float, after: float) -> str:
    """340k → 350k; in full where the short forms are the same."""
    for told in (compact, amount, lambda value: amount(value, 2)):
        if told(before) != told(after):
            return f"{told(before)} → {told(after)}"
    return compact(before)


def share(value: float) -> str:
    """0.25 -> 25%."""
    return f"{100 * value:.3g}%"


def ratio(value: float) -> str:
    """1.5 -> 1.5x: money per money."""
    return f"{value:.3g}x"
