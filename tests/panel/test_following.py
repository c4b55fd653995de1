"""New rows behind old ones: the panel of reading all at once; what does not fit is named."""

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.panel.following import follow
from adbudget.synthetic import WorldSpec, synthesize

N_NEW = 3


@pytest.fixture(scope="module")
def world():
    return synthesize(WorldSpec(n_accounts=3, n_channels=3, n_periods=30, unused_share=0.2), 4)


@pytest.fixture(scope="module")
def cut(world):
    return sorted(world.outcome["date"].unique())[-N_NEW]


@pytest.fixture(scope="module")
def old(world, cut):
    before = (frame[frame["date"] < cut] for frame in (world.spend, world.outcome))
    return ab.read_panel(*before)


@pytest.fixture
def new(world, cut):
    return [frame[frame["date"] >= cut].copy() for frame in (world.spend, world.outcome)]


def same(one: ab.Panel, other: ab.Panel) -> bool:
    names = ("dates", "spend", "live", "outcome", "control_values", "first", "last")
    return one.accounts == other.accounts and all(
        np.array_equal(getattr(one, n), getattr(other, n), equal_nan=n[0] in "oc") for n in names
    )


def test_old_and_new_rows_make_the_panel_of_all_rows(world, old, new):
    assert same(follow(old, *new), ab.read_panel(world.spend, world.outcome))


def test_one_week_is_enough(world, old, new):
    longer = old
    for date in sorted(new[1]["date"].unique()):
        longer = follow(longer, *(frame[frame["date"] == date] for frame in new))
    assert same(longer, ab.read_panel(world.spend, world.outcome))


def test_one_table_and_a_wide_table_are_read_as_well(world, old, new):
    spend, outcome = new
    everything = ab.read_panel(world.spend, world.outcome)
    assert same(follow(old, spend.merge(outcome, on=["account", "date"])), everything)
    wide = spend.pivot_table(
        index=["account", "date"], columns="channel", values="spend"
    ).reset_index()
    wide = wide.merge(outcome, on=["account", "date"])
    channels = list(world.spend["channel"].unique())
    assert same(follow(old, wide, channels=channels), everything)


def test_a_panel_of_later_periods_follows_too(world):
    dates = sorted(world.outcome["date"].unique())
    parts = []
    for begin, end in ((0, 18), (18, 30)):
        chosen = dates[begin:end]
        frames = (frame[frame["date"].isin(chosen)] for frame in (world.spend, world.outcome))
        parts.append(ab.read_panel(*frames))
    assert same(follow(*parts), ab.read_panel(world.spend, world.outcome))


def test_months_are_continued_whatever_day_labels_them():
    days = pd.date_range("2023-01-31", periods=14, freq="ME")
    table = pd.DataFrame({"date": days, "search_spend": 5.0, "revenue": np.arange(14.0)})
    old = ab.read_panel(table[:12])
    assert same(follow(old, table[12:]), ab.read_panel(table))


def test_an_account_without_new_rows_stays_as_it_is(old, new):
    spend, outcome = (frame[frame["account"] != old.accounts[0]] for frame in new)
    longer = follow(old, spend, outcome)
    assert longer.last[0] == old.last[0]
    assert (longer.last[1:] == old.last[1:] + N_NEW).all()


def test_a_channel_without_new_rows_has_stopped_and_a_note_says_so(old, new):
    spend, outcome = new
    account, channel = old.cells[0]
    gone = (spend["account"] == account) & (spend["channel"] == channel)
    longer = follow(old, spend[~gone], outcome)
    assert longer.spend[0, old.channels.index(channel), -N_NEW:].sum() == 0
    assert [(n.account, n.channel) for n in longer.notes if n.kind == "stopped"] == [
        (account, channel)
    ]


def test_a_missing_outcome_is_masked(old, new):
    spend, outcome = new
    outcome.iloc[0, outcome.columns.get_loc("revenue")] = np.nan
    longer = follow(old, spend, outcome)
    assert np.isnan(longer.outcome[:, -N_NEW:]).sum() == 1


def test_old_rows_again_are_an_overlap(world, old):
    with pytest.raises(ab.InputError, match=r"overlap its history, which ends on 2025-03-10"):
        follow(old, world.spend, world.outcome)


def test_a_gap_names_the_missing_weeks(old, new, cut):
    with pytest.raises(ab.InputError, match=rf"1 period\(s\) are missing.*{cut:%Y-%m-%d}"):
        follow(old, *(frame[frame["date"] > cut] for frame in new))


def test_missing_spend_is_asked_about(old, new, cut):
    spend, outcome = new
    account, channel = old.cells[0]
    late = (spend["account"] == account) & (spend["channel"] == channel) & (spend["date"] == cut)
    with pytest.raises(ab.InputError, match=f"{account}.*{channel}.*missing_spend='zero'"):
        follow(old, spend[~late], outcome)
    longer = follow(old, spend[~late], outcome, missing_spend="zero")
    assert longer.spend[0, old.channels.index(channel), old.last[0] + 1] == 0


@pytest.mark.parametrize("column", ["account", "channel"])
def test_new_names_ask_for_a_refit(old, new, column):
    spend, outcome = new
    known = spend[column].iloc[0]
    spend, outcome = (
        frame.replace({column: {known: "brand new"}}) if column in frame else frame
        for frame in (spend, outcome)
    )
    with pytest.raises(ab.InputError, match=f"{column}.*'brand new'.*Fit the whole history again"):
        follow(old, spend, outcome)


def test_a_new_cell_asks_for_a_refit(old, new):
    account, channel = np.argwhere(~old.exists)[0]
    spend, outcome = new
    own = spend["account"] == old.accounts[account]
    added = spend[own].drop_duplicates("date").assign(channel=old.channels[channel], spend=9.0)
    other = spend[~(own & (spend["channel"] == old.channels[channel]))]
    with pytest.raises(ab.InputError, match=r"never used channel.*Fit the whole history again"):
        follow(old, pd.concat([other, added]), outcome)


def test_other_weeks_are_named(old, new):
    shifted = [frame.assign(date=frame["date"] + pd.Timedelta(days=1)) for frame in new]
    with pytest.raises(ab.InputError, match=r"every 7 days.*2025-03-18"):
        follow(old, *shifted)


def test_another_currency_is_refused(old, new):
    spend, outcome = new
    with pytest.raises(ab.InputError, match="another currency"):
        follow(old, spend.assign(currency="JPY"), outcome.drop(columns="currency", errors="ignore"))


def test_another_outcome_is_refused(old, new):
    spend, outcome = new
    with pytest.raises(ab.InputError, match="'sales', that of the fit 'revenue'"):
        follow(old, spend, outcome.rename(columns={"revenue": "sales"}))


def test_a_duplicate_row_is_named_as_in_read_panel(old, new):
    spend, outcome = new
    with pytest.raises(ab.InputError, match="duplicate rows"):
        follow(old, pd.concat([spend, spend[:1]]), outcome)


def test_nothing_is_not_an_update(old, new):
    empty = [frame.assign(**{frame.columns[-1]: np.nan}) for frame in new]
    with pytest.raises(ab.InputError):
        follow(old, *empty)


def corrected(world, dates, factor=1.5):
    """Spend and outcome of some weeks again, outcomes corrected."""
    spend, outcome = (f[f["date"].isin(dates)].copy() for f in (world.spend, world.outcome))
    outcome["revenue"] *= factor
    return spend, outcome


def test_corrected_rows_take_the_place_of_the_old_ones_when_asked_to(world, old, new):
    dates = sorted(world.outcome["date"].unique())
    changed = dates[-N_NEW - 2 : -N_NEW]
    spend, outcome = corrected(world, changed)
    rows = [pd.concat([one, other]) for one, other in zip((spend, outcome), new, strict=True)]
    rest = world.outcome[~world.outcome["date"].isin(changed)]
    truth = ab.read_panel(world.spend, pd.concat([rest, outcome]))
    longer = follow(old, *rows, restated="replace")
    assert same(longer, truth)
    told = [note for note in longer.notes if note.kind == "restated"]
    assert [note.account for note in told] == list(old.accounts)
    assert f"2 row(s) were restated ({changed[0]:%Y-%m-%d}" in told[0].message


def test_rows_given_again_as_they_were_change_nothing_and_are_not_told(world, old):
    again = follow(old, world.spend, world.outcome, restated="replace")
    assert same(again, ab.read_panel(world.spend, world.outcome))
    assert not [note for note in again.notes if note.kind == "restated"]


def test_an_outcome_may_arrive_after_its_spend(world, old, new):
    spend, outcome = new
    open_week = follow(old, spend, outcome.assign(revenue=np.nan))
    assert np.isnan(open_week.outcome[:, -N_NEW:]).all()
    closed = follow(open_week, spend, outcome, restated="replace")
    assert same(closed, ab.read_panel(world.spend, world.outcome))


def test_what_a_restated_row_does_not_give_stays(world, old):
    dates = sorted(world.outcome["date"].unique())
    last = dates[-N_NEW - 1]
    spend, outcome = corrected(world, [last])
    longer = follow(old, spend, outcome.assign(revenue=np.nan), restated="replace")
    assert same(longer, old)


def test_a_restated_row_before_the_record_asks_for_a_refit(world, cut):
    dates = sorted(world.outcome["date"].unique())
    account = sorted(world.outcome["account"].unique())[0]
    late = [
        frame[(frame["date"] < cut) & ((frame["account"] != account) | (frame["date"] > dates[4]))]
        for frame in (world.spend, world.outcome)
    ]
    short = ab.read_panel(*late)
    with pytest.raises(ab.InputError, match=f"{account}.*begins on.*cannot add rows before it"):
        follow(short, world.spend, world.outcome, restated="replace")


def test_restated_rows_must_leave_a_channel_some_spend(world, old):
    account, channel = old.cells[0]
    before = world.spend["date"] <= pd.Timestamp(old.dates[-1])
    own = (world.spend["account"] == account) & (world.spend["channel"] == channel)
    spend = world.spend[before].assign(spend=world.spend["spend"].where(~own, 0.0))
    outcome = world.outcome[world.outcome["date"] <= pd.Timestamp(old.dates[-1])]
    with pytest.raises(ab.InputError, match=f"{account}.*{channel}.*without any spend"):
        follow(old, spend, outcome, restated="replace")
