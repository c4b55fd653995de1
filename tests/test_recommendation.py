"""All of it in one call, on a small panel whose fit takes two seconds."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget import cli
from adbudget.decision.reason_code import ReasonCode
from adbudget.decision.schema import SCHEMA, SCHEMA_VERSION
from adbudget.recommendation import to_frame
from adbudget.synthetic import WorldSpec, synthesize

INTERVALS = (
    ("lift_low", "expected_lift", "lift_high"),
    ("roi_low", "roi", "roi_high"),
    ("marginal_roi_low", "marginal_roi", "marginal_roi_high"),
)
KINDS = {"text": "str", "number": "float64", "whole number": "int64"}
COLUMNS = {column.name: KINDS[column.kind] for column in SCHEMA}
MONEY = [
    *("current_spend", "recommended_spend", "considered_spend"),
    *("expected_lift", "lift_low", "lift_high", "risk_adjusted_lift", "expected_value"),
]
CURRENCY = {"account_01": "EUR", "account_02": "EUR", "account_03": "USD"}


SPEC = WorldSpec(n_accounts=3, n_channels=3, n_periods=(70, 100), weekly_spend=(2_000.0, 20_000.0))


@pytest.fixture(scope="module")
def world():
    return synthesize(SPEC, 11)


@pytest.fixture(scope="module")
def panel(world):
    return ab.read_panel(world.spend, world.outcome, currency=CURRENCY)


@pytest.fixture(scope="module")
def fitted(panel):
    return ab.fit(panel, seed=1, progress=False)


@pytest.fixture(scope="module")
def frame(world):
    return recommend(world.spend, world.outcome, currency=CURRENCY)


def recommend(data, outcome=None, **options):
    return ab.recommend(data, outcome, seed=1, progress=False, **options)


def as_frame(fitted, health=None, **options):
    """The steps after the fit."""
    proposal = ab.optimize(fitted, **options)
    return to_frame(ab.decide(proposal, health=health or fitted.health), fitted)


def assert_complete(frame):
    """A value everywhere, but where no return decides a hold, and what only monitors have."""
    assert frame.loc[frame["decision"] != "monitor", "learn_value"].isna().all()
    assert not frame.drop(columns=["flip_at", "learn_value"]).isna().to_numpy().any()
    assert (frame.decision[frame.flip_at.isna()] == "monitor").all()


def test_the_table_has_these_columns_in_this_order(frame):
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS
    assert list(frame.columns) == list(COLUMNS)
    assert frame.index.tolist() == list(range(9))
    assert_complete(frame)


def test_a_row_says_what_it_rests_on(frame, fitted, world):
    assert set(frame["schema_version"]) == {SCHEMA_VERSION} == {frame.attrs["schema_version"]}
    assert set(frame["reason_code"]) <= {str(code) for code in ReasonCode}
    called = frame["decision"] != "monitor"
    assert set(frame.loc[called, "reason_code"]) == {"pays"}
    np.testing.assert_array_equal(
        frame["prior_share"], fitted.health.prior_share.reindex(fitted.panel.cells)
    )
    assert (frame["margin"] == 1).all()
    assert frame.attrs["margin_assumed"] == list(fitted.panel.accounts)
    days = world.outcome.assign(date=world.outcome["date"].astype("datetime64[s]"))
    spans = days.groupby("account")["date"].agg(["min", "max"])
    for row in frame.itertuples():
        span = spans.loc[row.account]
        assert (row.data_from, row.data_through) == (f"{span['min']:%F}", f"{span['max']:%F}")
    data = frame.attrs["data"]
    assert data["from"] == f"{spans['min'].min():%F}"
    assert set(data["by_account"]) == set(spans.index[spans["min"] > spans["min"].min()])


def test_there_is_one_row_per_cell_sorted(frame, world):
    cells = pd.MultiIndex.from_frame(frame[["account", "channel"]])
    assert cells.tolist() == sorted(world.truth.cells)


def test_intervals_hold_their_means(frame):
    for low, mean, high in INTERVALS:
        assert (frame[low] <= frame[mean]).all()
        assert (frame[mean] <= frame[high]).all()
    assert (frame.roi_low >= 0).all()
    assert (frame.marginal_roi < frame.roi).all(), "curves bend, so the next unit brings less"


def test_the_numbers_of_a_row_agree(frame):
    added = frame.recommended_spend - frame.current_spend
    signs = frame.decision.map({"increase": 1, "monitor": 0, "reduce": -1})
    assert np.sign(added).tolist() == signs.tolist()
    assert set(frame.decision) > {"monitor"}, "a table without calls would test little"
    np.testing.assert_allclose(frame.change_pct, 100 * added / frame.current_spend, atol=1e-9)
    np.testing.assert_allclose(frame.expected_value, frame.expected_lift - added)
    assert (frame.risk_adjusted_lift <= frame.expected_lift + 1e-9).all()
    assert frame.prob_gain.between(0, 1).all()
    held = frame[frame.decision == "monitor"]
    assert (held[["expected_lift", "lift_low", "lift_high", "expected_value"]] == 0).all(axis=None)


def test_calls_are_as_sure_as_the_thresholds_ask(frame):
    called = frame[frame.decision != "monitor"]
    assert (called.prob_gain >= 0.8).all()
    wrong = (1 - called.prob_gain).mean()
    assert frame.attrs["expected_wrong_share"] == pytest.approx(wrong)
    assert wrong <= frame.attrs["max_wrong_share"] == 0.10


def test_no_account_spends_more_than_today(frame):
    by_account = frame.groupby("account")[["current_spend", "recommended_spend"]].sum()
    assert (by_account.recommended_spend <= by_account.current_spend * (1 + 1e-9)).all()


def test_current_spend_is_the_mean_of_the_last_four_weeks(frame, world):
    dates = world.spend.date.drop_duplicates().nlargest(4)
    recent = world.spend[world.spend.date.isin(dates)]
    mean = recent.groupby(["account", "channel"]).spend.mean().to_numpy()
    np.testing.assert_allclose(frame.current_spend, mean)
    assert frame.attrs["current_window"] == "mean of the last 28 days"


def test_the_returns_are_those_of_the_curves(frame, fitted):
    now = fitted.current_spend
    roi = fitted.draws.response(now).to_numpy().reshape(-1, 9) / now.to_numpy()
    slope = fitted.draws.marginal(now).to_numpy().reshape(-1, 9)
    np.testing.assert_allclose(frame.roi, roi.mean(axis=0))
    np.testing.assert_allclose(frame.roi_high, np.quantile(roi, 0.95, axis=0))
    np.testing.assert_allclose(frame.marginal_roi_low, np.quantile(slope, 0.05, axis=0))


def test_what_a_log_should_keep_is_there(frame):
    attrs = frame.attrs
    assert attrs["seed"] == 1
    assert attrs["engine"] == "compiled"
    assert attrs["period"] == "weekly"
    assert attrs["outcome_name"] == "revenue"
    assert attrs["currency"] == CURRENCY
    assert attrs["health"]["ok"]
    assert attrs["health"]["problems"] == []
    assert {"adbudget", "numpy", "nutpie", "pandas", "pymc"} <= set(attrs["versions"])
    counted = frame.decision.value_counts()
    for name in ("increase", "monitor", "reduce"):
        assert attrs[f"n_{name}"] == counted.get(name, 0)


def test_a_call_says_what_share_of_its_return_must_be_spurious(frame):
    called = frame[frame.decision != "monitor"]
    assert called.flip_at.between(0, np.inf).all()
    assert (called.flip_at[called.decision == "increase"] <= 1).all()
    small = called.flip_at < frame.attrs["fragile_below"]
    assert called.reason.str.contains("Fragile: ").tolist() == small.tolist()
    assert frame.attrs["n_fragile"] == small.sum()
    held = frame[frame.decision == "monitor"]
    assert (held.flip_at.dropna() <= 1).all()
    assert not held.reason.str.contains("Fragile").any()


def test_a_run_after_itself_changes_nothing_and_says_so(fitted, frame, panel):
    again = recommend(panel, previous=frame)
    assert again.attrs["changes"] == []
    called = frame.decision != "monitor"
    assert (again.decision[called] == frame.decision[called]).all()


def test_changed_limits_are_the_reason_of_what_they_change(frame, panel):
    held = recommend(panel, previous=frame, limits=ab.Limits(fixed=tuple(panel.channels)))
    told = held.attrs["changes"]
    assert {one["why"] for one in told} == {"new limits"}
    assert len(told) == (frame.decision != "monitor").sum()


def test_a_policy_whose_bounds_follow_the_spend_is_no_new_limit(panel, world):
    """Bounds in money differ every night; what was asked does not."""
    asked = {"policy": "constraints:\n  max_single_campaign: 60%\n"}
    first = recommend(panel, **asked)
    last = world.outcome.date.max()
    less = recommend(
        world.spend[world.spend.date < last],
        world.outcome[world.outcome.date < last],
        currency=CURRENCY,
        previous=first,
        **asked,
    )
    assert less.attrs["asked"] == first.attrs["asked"]
    assert less.attrs["data_hash"] != first.attrs["data_hash"]
    assert "new limits" not in {one["why"] for one in less.attrs["changes"]}


def test_a_previous_run_that_cannot_be_read_is_refused_before_the_fit(panel, monkeypatch):
    monkeypatch.setattr("adbudget.model.fit.fit", None)
    with pytest.raises(ab.InputError, match="columns account, channel, decision"):
        recommend(panel, previous=pd.DataFrame({"account": ["a"]}))


def test_a_call_flips_sooner_when_more_certainty_is_asked_for(fitted):
    proposal = ab.optimize(fitted, limits=ab.Limits(total="fixed"))
    lax, strict = (
        {(c.account, c.channel): c for c in ab.decide(proposal, ab.Thresholds(prob=p)).calls}
        for p in (0.6, 0.8)
    )
    moves = lambda call: (call.action, call.recommended_spend)  # noqa: E731
    same = [c for c in lax if lax[c].action != "monitor" and moves(lax[c]) == moves(strict[c])]
    assert same, "no call is the same under both bars"
    assert all(strict[cell].flip_at <= lax[cell].flip_at for cell in same)


def test_channels_that_move_together_are_in_the_log_and_in_the_reason(world):
    spend = world.spend.copy()
    of_one = spend.account == "account_02"
    search, social = (of_one & (spend.channel == name) for name in ("search", "social"))
    spend.loc[social, "spend"] = 0.5 * spend.loc[search, "spend"].to_numpy()
    frame = recommend(spend, world.outcome)
    (finding,) = frame.attrs["findings"]
    assert finding["kind"] == "move_together"
    assert finding["channels"] == ["search", "social"]
    assert finding["value"] == pytest.approx(1.0)
    json.dumps(frame.attrs, allow_nan=False)
    told = frame.reason.str.contains(
        "search and social move together (correlation 1.00)", regex=False
    )
    rows = (frame.account == "account_02") & frame.channel.isin(["search", "social"])
    assert told.tolist() == rows.tolist()


@pytest.fixture(scope="module")
def broken(world):
    """The feed of one channel ended two weeks early, and a row of another one is mistyped."""
    spend = world.spend.copy()
    ended = (spend.account == "account_01") & (spend.channel == "search")
    spend = spend[~(ended & (spend.date >= np.sort(spend.date.unique())[-2]))].copy()
    typo = spend.index[(spend.account == "account_02") & (spend.channel == "social")][40]
    spend.loc[typo, "spend"] *= 100
    return spend


BROKEN = [("account_01", "search"), ("account_02", "social")]


def test_cells_whose_data_cannot_be_true_are_monitored_and_say_why(broken, world):
    frame = recommend(broken, world.outcome).set_index(["account", "channel"])
    ended, typo = BROKEN
    assert frame.decision[BROKEN].tolist() == ["monitor", "monitor"]
    assert (frame.recommended_spend == frame.current_spend)[BROKEN].all()
    assert frame.reason[ended].startswith("Monitor, not judged. Its rows end on ")
    assert frame.reason[typo].startswith("Monitor, not judged. Its spend is ")
    assert frame.reason_code[BROKEN].tolist() == ["not_judged", "not_judged"]
    assert frame.data_findings[ended].split(";")[0] == "rows_end"
    assert frame.data_findings[typo].split(";")[0] == "value_out_of_line"
    found = [(one["kind"], one["account"], one["decides"]) for one in frame.attrs["findings"]]
    assert found[:2] == [
        ("rows_end", "account_01", True),
        ("value_out_of_line", "account_02", True),
    ]
    assert len(frame.attrs["findings"][0]["dates"]) == 2
    json.dumps(frame.attrs, allow_nan=False)


def test_findings_that_somebody_accepts_hold_no_cell(broken, world):
    kinds = ["rows_end", "value_out_of_line"]
    frame = recommend(broken, world.outcome, accept_findings=kinds)
    frame = frame.set_index(["account", "channel"])
    assert not frame.reason.str.contains("not judged").any()
    assert frame.reason[BROKEN[0]].endswith("Add the missing rows, with 0 where nothing was spent.")
    assert not any(one["decides"] for one in frame.attrs["findings"])


def test_no_cell_rises_above_its_history_unless_it_may(fitted):
    now = 0.9 * fitted.panel.highest_spend()
    wide = ab.Limits(change=1.0, total="fixed")  # all of it has to go somewhere
    lax = ab.Thresholds(prob=0.5, max_wrong_share=1.0)
    inside, outside = (
        to_frame(ab.decide(ab.optimize(fitted, now, limits), lax), fitted)
        for limits in (wide, replace(wide, beyond_observed=True))
    )
    highest = now.to_numpy() / 0.9
    assert (inside.considered_spend <= highest * (1 + 1e-9)).all()
    stopped = {
        (found["account"], *found["channels"])
        for found in inside.attrs["findings"]
        if found["kind"] == "stopped_at_observed"
    }
    above = outside[outside.considered_spend > highest * (1 + 1e-9)]
    assert stopped == set(zip(above.account, above.channel, strict=True)) != set()
    beyond = outside[outside.recommended_spend > highest * (1 + 1e-9)]
    assert beyond.reason.str.contains("has seen no spend this high").all()
    named = [f["channels"] for f in outside.attrs["findings"] if f["kind"] == "beyond_observed"]
    assert len(named) == len(beyond) > 0


def test_holidays_reach_the_model(world):
    frame = recommend(world.spend, world.outcome, holidays="DE", draws=200, tune=200)
    (note,) = frame.attrs["notes"]
    assert "public holidays of DE" in note


def test_the_log_is_strict_json(frame):
    assert json.loads(json.dumps(frame.attrs, allow_nan=False)) == frame.attrs


def test_money_of_two_currencies_is_not_added_up(frame):
    totals = {total["currency"]: total for total in frame.attrs["totals"]}
    assert list(totals) == ["EUR", "USD"]
    for code, total in totals.items():
        rows = frame[frame.currency == code]
        for name in ("current_spend", "recommended_spend", "expected_lift", "expected_value"):
            assert total[name] == pytest.approx(rows[name].sum())
        assert total["lift_low"] <= total["expected_lift"] <= total["lift_high"]


def test_two_runs_with_one_seed_are_identical(frame, world):
    again = recommend(world.spend, world.outcome, currency=CURRENCY)
    pd.testing.assert_frame_equal(again, frame, check_exact=True)
    assert again.attrs == frame.attrs


def test_a_panel_and_its_tables_give_one_answer(frame, panel):
    pd.testing.assert_frame_equal(recommend(panel), frame, check_exact=True)


def test_the_steps_by_hand_give_the_same_answer(frame, fitted):
    pd.testing.assert_frame_equal(as_frame(fitted), frame, check_exact=True)


def test_a_fit_is_not_fitted_again_and_gives_the_same_answer(frame, fitted, monkeypatch):
    monkeypatch.setattr("adbudget.model.fit.fit", None)
    again = ab.recommend(fitted)
    pd.testing.assert_frame_equal(again, frame)
    with pytest.raises(ab.InputError, match="data is a Fit already, so outcome and seed have no"):
        ab.recommend(fitted, seed=3)


def test_moves_are_measured_from_the_budgets_that_are_set(fitted):
    """A budget that was raised last week is no reason to cut it back to the mean of four weeks."""
    raised = fitted.current_spend * 1.5
    table = raised.rename("weekly_budget").reset_index()
    halves = pd.concat([table, table]).assign(weekly_budget=lambda t: t["weekly_budget"] / 2)
    frames = [
        ab.recommend(fitted, budgets=halves),
        ab.recommend(fitted, budgets=table.assign(budget=table.pop("weekly_budget"))),
        ab.recommend(fitted, budgets=raised.div(7).rename("daily_budget").reset_index()),
    ]
    for frame in frames:
        assert frame["current_spend"].to_numpy() == pytest.approx(raised.to_numpy())
        monitored = frame[frame["decision"] == "monitor"]
        assert (monitored["recommended_spend"] == monitored["current_spend"]).all()
        assert frame.attrs["current_window"] == "the budgets that are set"
        assert any("Budgets that are not what was spent" in note for note in frame.attrs["notes"])


def test_cells_without_a_budget_start_from_what_was_spent_and_are_named(fitted):
    now = fitted.current_spend
    table = now.iloc[1:].rename("budget").reset_index()
    frame = ab.recommend(fitted, budgets=table)
    assert frame.loc[0, "current_spend"] == pytest.approx(now.iloc[0])
    told = [note for note in frame.attrs["notes"] if note.startswith("No budget is given for")]
    assert told == [
        f"No budget is given for {' / '.join(now.index[0])}: they start from what was spent lately."
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"account": "nobody"}, "accounts that the history does not have: 'nobody'.*rows? "),
        ({"budget": -1.0}, "budget.*below zero|negative"),
        ({"budget": np.nan}, "column 'budget' of budgets is empty in"),
    ],
)
def test_rows_of_budgets_that_cannot_be_used_are_named(fitted, change, says):
    table = fitted.current_spend.rename("budget").reset_index()
    with pytest.raises(ab.InputError, match=says):
        ab.recommend(fitted, budgets=table.assign(**change))


def test_budgets_say_what_they_are_for_and_are_given_once(fitted):
    table = fitted.current_spend.rename("amount").reset_index()
    with pytest.raises(ab.InputError, match="one column of money, called daily_budget or"):
        ab.recommend(fitted, budgets=table)
    budgets = table.rename(columns={"amount": "budget"})
    with pytest.raises(ab.InputError, match="current and budgets both say"):
        ab.recommend(fitted, budgets=budgets, current=fitted.current_spend)


def test_the_callers_tables_are_left_alone(world):
    spend, outcome = world.spend.copy(), world.outcome.copy()
    ab.read_panel(spend, outcome)
    pd.testing.assert_frame_equal(spend, world.spend)
    pd.testing.assert_frame_equal(outcome, world.outcome)


@pytest.mark.parametrize(
    "options",
    [
        {"margin": 0.3},
        {"currency": "EUR"},
        {"freq": "weekly"},
        {"value_per_unit": 2.0},
        {"missing_spend": "zero"},
    ],
)
def test_options_for_a_panel_that_is_already_read_are_refused(panel, options):
    (name,) = options
    with pytest.raises(ab.InputError, match=f"Panel already.*{name}.*read_panel"):
        recommend(panel, **options)


@pytest.mark.parametrize("name", ["currency", "margin", "value_per_unit"])
def test_options_by_account_for_a_panel_that_is_already_read_are_refused(panel, name):
    by_account = pd.Series(1.0, index=list(panel.accounts))
    with pytest.raises(ab.InputError, match=f"Panel already.*{name}"):
        recommend(panel, **{name: by_account})


def test_an_outcome_table_for_a_panel_that_is_already_read_is_refused(panel, world):
    with pytest.raises(ab.InputError, match="Panel already"):
        recommend(panel, world.outcome)


def test_todays_spend_may_be_the_callers_own(panel):
    current = 1.2 * panel.current_spend(91)
    frame = recommend(panel, current=current.iloc[::-1])
    np.testing.assert_array_equal(frame.current_spend, current)
    assert frame.attrs["current_window"] == "given by the caller"
    assert (frame.recommended_spend <= 1.3 * current.to_numpy() * (1 + 1e-9)).all()


def test_a_channel_that_is_off_has_no_roi_and_is_left_off(fitted):
    current = fitted.current_spend.copy()
    current.iloc[0] = 0.0
    row = as_frame(fitted, current=current).iloc[0]
    assert row.decision == "monitor"
    assert row.recommended_spend == row.change_pct == 0
    assert np.isnan(row.roi)
    assert row.marginal_roi > 0


def test_leads_are_worth_what_the_caller_says(frame, world):
    # a power of two, so that not a bit of the revenue changes
    leads = world.outcome.rename(columns={"revenue": "leads"})
    leads["leads"] /= 64
    by_lead = recommend(world.spend, leads, value_per_unit=64, currency=CURRENCY)
    pd.testing.assert_frame_equal(by_lead, frame, rtol=1e-9, atol=1e-9)
    assert by_lead.attrs["outcome_name"] == "leads"
    assert by_lead.attrs["margin_assumed"] == [], "what a lead is worth is margin already"


def test_the_unit_of_money_does_not_matter(frame, world):
    cents = recommend(
        world.spend.assign(spend=world.spend.spend * 128),
        world.outcome.assign(revenue=world.outcome.revenue * 128),
        currency=CURRENCY,
    )
    without_words = frame.drop(columns="reason")
    scaled = without_words.assign(**{name: 128 * frame[name] for name in MONEY})
    pd.testing.assert_frame_equal(cents.drop(columns="reason"), scaled, rtol=1e-6, atol=1e-3)


def test_units_that_round_change_nothing_either(frame, world):
    thousandth = recommend(
        world.spend.assign(spend=world.spend.spend * 1000),
        world.outcome.assign(revenue=world.outcome.revenue * 1000),
        currency=CURRENCY,
    )
    assert thousandth.decision.tolist() == frame.decision.tolist()
    np.testing.assert_allclose(thousandth.prob_gain, frame.prob_gain, atol=1e-3)
    np.testing.assert_allclose(thousandth.roi, frame.roi, rtol=1e-6)


def test_a_margin_takes_its_share_of_the_value_and_leaves_the_curves_alone(frame, world):
    slim = recommend(world.spend, world.outcome, currency=CURRENCY, margin=0.4)
    pd.testing.assert_frame_equal(
        slim[["roi", "roi_low", "marginal_roi_high"]],
        frame[["roi", "roi_low", "marginal_roi_high"]],
    )
    added = slim.recommended_spend - slim.current_spend
    np.testing.assert_allclose(slim.expected_value, 0.4 * slim.expected_lift - added, atol=1e-9)
    assert slim.recommended_spend.sum() < frame.recommended_spend.sum()
    may_stay_unspent = slim.decision == "reduce"
    assert may_stay_unspent.any()
    np.testing.assert_allclose(slim.hurdle[may_stay_unspent].min(), 1 / 0.4, rtol=1e-3)
    assert (
        slim.reason[may_stay_unspent].str.contains("2.50 that pay for it at a margin of 40%").any()
    )
    assert slim.attrs["margin_assumed"] == []
    assert set(slim.attrs["margin"].values()) == set(slim["margin"]) == {0.4}


def test_limits_risk_and_thresholds_reach_the_decisions(panel):
    strict = recommend(
        panel,
        limits=ab.Limits(change=0.1, total="fixed"),
        risk=ab.Risk(aversion=1.0),
        thresholds=ab.Thresholds(prob=0.99, max_wrong_share=0.02),
    )
    assert strict.change_pct.abs().max() <= 10 + 1e-6
    assert strict.attrs["max_wrong_share"] == 0.02
    assert (strict.prob_gain[strict.decision != "monitor"] >= 0.99).all()
    totals = strict.groupby("account")[["current_spend", "recommended_spend"]].sum()
    np.testing.assert_allclose(totals.current_spend, totals.recommended_spend)


def test_an_unhealthy_fit_is_all_monitor_and_still_strict_json(fitted):
    health = replace(fitted.health, rhat_max=float("inf"), problems=("The chains disagree.",))
    frame = as_frame(replace(fitted, health=health), health=health)
    assert set(frame.decision) == {"monitor"}
    assert (frame.recommended_spend == frame.current_spend).all()
    assert frame.reason.str.contains("The chains disagree.", regex=False).all()
    assert frame.attrs["health"]["problems"] == ["The chains disagree."]
    json.dumps(frame.attrs, allow_nan=False)


def test_a_channel_that_never_changes_is_flagged_and_never_a_sure_call(world):
    spend = world.spend.copy()
    constant = (spend.account == "account_02") & (spend.channel == "search")
    spend.loc[constant, "spend"] = 1_000.0
    frame = recommend(spend, world.outcome)
    (note,) = frame.attrs["notes"]
    assert "'account_02', channel 'search': spend never changes" in note
    row = frame[(frame.account == "account_02") & (frame.channel == "search")].iloc[0]
    assert row.confidence != "high"
    assert row.roi_high > 3 * row.roi_low


def test_short_and_holey_histories_are_decided_too():
    spec = WorldSpec(
        n_accounts=4, n_channels=3, n_periods=(26, 80), unused_share=0.3, late_start_share=0.3
    )
    world = synthesize(spec, 2)
    used = pd.MultiIndex.from_frame(world.spend[["account", "channel"]]).unique()
    assert len(used) < 12, "some cells do not exist"
    frame = recommend(world.spend, world.outcome)
    assert pd.MultiIndex.from_frame(frame[["account", "channel"]]).tolist() == sorted(used)
    assert frame.attrs["health"]["ok"]
    assert_complete(frame)


# From a fit, and from one that was kept -----------------------------------------------------------


@pytest.fixture(scope="module")
def kept(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "shops.fit"
    fitted.save(path)
    return path


def without_order(attrs):
    return json.dumps(attrs, sort_keys=True)


def test_a_fit_recommends_exactly_what_the_one_call_does(frame, fitted):
    again = fitted.recommend()
    pd.testing.assert_frame_equal(again, frame)
    assert without_order(again.attrs) == without_order(frame.attrs)
    limits = ab.Limits(change=0.1)
    pd.testing.assert_frame_equal(
        fitted.recommend(limits=limits), ab.recommend(fitted, limits=limits)
    )


def test_what_the_one_call_learned_can_be_kept(world, fitted, tmp_path, monkeypatch):
    monkeypatch.setattr("adbudget.model.fit.fit", lambda *_, **__: fitted)
    frame = recommend(world.spend, world.outcome, currency=CURRENCY, save_fit=tmp_path / "a.fit")
    again = ab.Fit.load(tmp_path / "a.fit").recommend()
    pd.testing.assert_frame_equal(again, frame)


def test_a_place_for_the_fit_is_checked_before_the_fit(world, tmp_path, monkeypatch):
    monkeypatch.setattr("adbudget.model.fit.fit", None)  # never called
    with pytest.raises(ab.InputError, match=r"does not exist\. Make it first"):
        recommend(world.spend, world.outcome, save_fit=tmp_path / "no" / "a.fit")


def test_a_fit_that_is_made_is_not_saved_on_the_way(fitted, tmp_path):
    with pytest.raises(ab.InputError, match="save_fit have no effect"):
        fitted.recommend(save_fit=tmp_path / "a.fit")


def command(monkeypatch, capsys, *arguments):
    """Exit code, output and complaint of one call of the command line."""
    monkeypatch.setattr("sys.argv", ["adbudget", *map(str, arguments)])
    code = 0
    try:
        cli.main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, *capsys.readouterr()


def test_the_command_decides_anew_from_a_fit(kept, fitted, tmp_path, monkeypatch, capsys):
    (tmp_path / "c.yaml").write_text("limits: {change: 0.1}\ncurrency: EUR\ndraws: 500\n")
    given = ("--fit", kept, "--config", tmp_path / "c.yaml", "--out", tmp_path / "d.json")
    code, out, err = command(monkeypatch, capsys, "recommend", *given)
    assert code == 0
    assert "3 accounts, 9 account-channels" in " ".join(out.split())
    assert err == (
        "Note: --fit: currency, draws of the config file are about data and fit, and not used.\n"
    )
    written = pd.DataFrame(json.loads((tmp_path / "d.json").read_text())["decisions"])
    wanted = fitted.recommend(limits=ab.Limits(change=0.1))
    pd.testing.assert_frame_equal(written[list(MONEY)], wanted[MONEY])


def test_the_command_forecasts_from_a_fit(kept, monkeypatch, capsys):
    code, out, _ = command(monkeypatch, capsys, "forecast", "--fit", kept, "--weeks", "2")
    assert code == 0
    assert "account_01" in out


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["spend.csv"], "so FILE would have no effect"),
        (["--outcome", "o.csv"], "so --outcome would have no effect"),
        (["--currency", "EUR", "--seed", "2"], "so --currency, --seed would have no effect"),
        (["--save-fit", "a.fit"], "so --save-fit would have no effect"),
    ],
)
def test_what_a_kept_fit_cannot_take_is_refused(kept, given, why, monkeypatch, capsys):
    code, _, err = command(monkeypatch, capsys, "recommend", *given, "--fit", kept)
    assert (code, why in err) == (2, True)


def test_a_fit_that_is_not_there_is_named(tmp_path, monkeypatch, capsys):
    code, _, err = command(monkeypatch, capsys, "recommend", "--fit", tmp_path / "none.fit")
    assert code == 2
    assert "none.fit cannot be read: No such file" in err


# What is logged and shown on the way --------------------------------------------------------------


def test_every_stage_is_logged_with_its_time(panel, caplog):
    with caplog.at_level("INFO", logger="adbudget"):
        frame = ab.recommend(panel, seed=1, draws=100, tune=100, chains=2, progress=False)
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == (
        "data: 3 accounts, 3 channels, 100 weekly periods, "
        f"{panel.dates[0]} to {panel.dates[-1]}, outcome 'revenue'"
    )
    done = [line.partition(": done in ")[0] for line in told if ": done in " in line]
    stages = ["adding up the history", "compiling", "sampling", "checking the chains"]
    assert list(dict.fromkeys(done)) == [*stages, "checking the fit", "searching the best plan",
                                         "deciding"]  # fmt: skip
    assert any(line.startswith("health: ") for line in told)
    counts = "{n_increase} increase, {n_reduce} reduce, {n_monitor} monitor"
    assert told[-1] == "calls: " + counts.format(**frame.attrs)


def test_nothing_is_said_unless_it_is_asked_for(fitted, capfd):
    fitted.recommend()
    assert capfd.readouterr() == ("", "")
