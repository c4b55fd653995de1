"""One channel and thirty, long names, nothing spent; axes that are given; colours that stay."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

import adbudget as ab
from adbudget import plot
from adbudget.plot.axes import compact, short
from adbudget.plot.palette import HUES, colours, slots
from tests.plot.test_plot_data import by_hand

NAMES = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30, unique=True)


def many(n_channels: int, *, accounts: int = 1):
    """A frame of decisions with nothing but what plots need."""
    cells = [
        (f"account {a:03}", f"channel {c:02}") for a in range(accounts) for c in range(n_channels)
    ]
    spend = np.linspace(0.0, 100.0, len(cells))
    frame = pd.DataFrame(cells, columns=["account", "channel"]).assign(
        decision=np.resize(["increase", "monitor", "reduce"], len(cells)), current_spend=spend,
        recommended_spend=spend * 1.2, change_pct=20.0, prob_gain=0.9, reason_code="pays",
        roi=np.where(spend > 0, 1.0, np.nan), roi_low=0.5, roi_high=2.0, marginal_roi=0.8,
        marginal_roi_low=0.2, marginal_roi_high=1.6, hurdle=1.0, currency="EUR",
    )  # fmt: skip
    return frame


@pytest.mark.parametrize("n_channels", [1, 30])
@pytest.mark.parametrize("make", [plot.marginal, plot.roi, plot.portfolio, plot.allocation])
def test_one_channel_and_thirty_can_be_drawn(n_channels, make):
    axes = make(many(n_channels))
    axes.figure.canvas.draw()
    assert axes.get_xlim()[1] > axes.get_xlim()[0]


def test_five_hundred_cells_are_one_picture():
    axes = plot.portfolio(many(5, accounts=100))
    axes.figure.canvas.draw()
    assert "100 accounts, 500 cells" in axes.get_xlabel()
    assert len(axes.patches) == 500


def test_a_channel_without_spend_is_drawn_at_nothing(fitted):
    still = by_hand(today=0.0)
    axes = plot.curves(still, "a")
    today = next(line for line in axes.lines if line.get_label() == "today")
    assert (today.get_xdata()[0], today.get_ydata()[0]) == (0.0, 0.0)
    plot.carry_over(still, "a").figure.canvas.draw()


def test_a_dollar_in_a_name_begins_no_mathematics():
    odd = many(2).assign(channel=["a $ b $ c", "x_{y}^"])
    for make in (plot.marginal, plot.allocation, plot.portfolio, plot.roi):
        make(odd).figure.canvas.draw()


def test_curves_share_one_scale_unless_told_otherwise(fitted):
    alike = plot.curves(fitted, "north")
    assert len({axes.get_xlim() + axes.get_ylim() for axes in alike}) == 1
    apart = plot.curves(fitted, "north", same_scale=False)
    assert len({axes.get_ylim() for axes in apart}) == 3


def test_axes_that_are_given_are_drawn_on():
    import matplotlib.pyplot as plt

    _, axes = plt.subplots()
    assert plot.marginal(many(3), ax=axes) is axes
    assert plot.curves(by_hand(), "a", ax=axes) is axes


def test_another_number_of_axes_than_panels_is_refused(fitted):
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, 2)
    with pytest.raises(ab.InputError, match="ax must be 3 axes"):
        plot.curves(fitted, "north", ax=axes)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda fit, frame: plot.curves(fit, "east"), "there is no account 'east'"),
        (lambda fit, frame: plot.curves(fit, "south", channels=["social"]), "south has no channel"),
        (lambda fit, frame: plot.carry_over(fit, "south", ["social"]), "south has no channel"),
        (lambda fit, frame: plot.contribution(fit), "name one of the 2 accounts"),
        (lambda fit, frame: plot.marginal(frame, "east"), "there is no account 'east'"),
        (lambda fit, frame: plot.marginal(frame[["account"]]), "decisions must be what recommend"),
    ],
)
def test_what_is_not_there_is_refused_by_name(fitted, frame, make, why):
    with pytest.raises(ab.InputError, match=why):
        make(fitted, frame)


def test_without_matplotlib_the_data_are_there_and_the_plot_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    frame = many(2)
    assert len(plot.marginal_data(frame)) == 2
    with pytest.raises(ab.InputError, match=r"install adbudget\[plot\]"):
        plot.marginal(frame)


def test_nothing_to_show_is_said():
    assert "no previous run" in plot.changes(many(2)).texts[0].get_text()
    assert "No promise" in plot.promises([]).texts[0].get_text()


@given(NAMES)
def test_no_two_channels_share_a_place_and_order_does_not_matter(names):
    places = slots(names)
    assert len(set(places.values())) == len(names)
    assert slots(names[::-1]) == places
    assert set(colours(names).values()) <= {hue for hue, _ in HUES}


@given(NAMES)
def test_up_to_eight_channels_differ_in_colour(names):
    few = names[: len(HUES)]
    assert len(set(colours(few).values())) == len(few)


@given(st.text(max_size=80))
def test_a_short_name_keeps_both_ends(name):
    told = short(name, 20)
    assert len(told) <= 20
    assert told == name or (told[0] == name[0] and told[-1] == name[-1])


def test_amounts_on_a_scale_are_short():
    told = [compact(value) for value in (0.0, 0.25, 87.0, 9_999.0, 34_000.0, 1.2e6, 3e9)]
    assert told == ["0", "0.25", "87", "9,999", "34k", "1.2M", "3bn"]


def test_a_record_without_a_panel_is_enough_for_curves():
    fit = by_hand()
    assert isinstance(fit, SimpleNamespace)
    assert plot.curves_data(fit, "a")["observed"].any()


def test_names_beside_dots_cover_no_interval_and_no_other_name():
    from matplotlib.text import Text

    n = np.arange(6)
    roi, slope = 1.0 + 0.7 * n, 2.0 + 0.3 * (n % 3)
    crowd = many(6).assign(
        channel=[f"display, prospecting and remarketing {i}" for i in n], current_spend=10.0 + n,
        roi=roi, roi_low=0.7 * roi, roi_high=1.4 * roi, marginal_roi=slope,
        marginal_roi_low=0.8 * slope, marginal_roi_high=1.2 * slope,
    )  # fmt: skip
    axes = plot.roi(crowd)
    axes.figure.canvas.draw()
    words = [
        Text.get_window_extent(one) for one in axes.texts if one.get_text().startswith("display")
    ]
    intervals = [
        one.get_transform().transform_path(one.get_path()) for one in axes.lines if one.get_alpha()
    ]
    assert (len(words), len(intervals)) == (6, 12)
    assert not any(line.intersects_bbox(box) for line in intervals for box in words)
    assert not any(box.count_overlaps(words[:i]) for i, box in enumerate(words))
