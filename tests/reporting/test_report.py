"""The page: all in one file, nothing obeyed, every figure told once and the same everywhere."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget import plot
from adbudget.decision.attributes import frontier_of
from adbudget.decision.decisions import decide
from adbudget.loop import CycleReport
from adbudget.loop.promises import WIDE
from adbudget.money import amount
from adbudget.optimizer import optimize
from adbudget.reporting.html.brought import brought_by
from adbudget.reporting.html.charts import ticks
from adbudget.reporting.html.decisions import grid
from adbudget.reporting.html.report import report, report_html
from adbudget.reporting.html.trust import checks_of, worst
from tests.display.test_public_records import walk
from tests.made_fits import unsampled
from tests.plot.test_plot_pictures import cycle_report, judged, pacing_report, policy_plan
from tests.reporting.conftest import ACCOUNTS, SCRIPT, decided, world


class Tags(HTMLParser):
    """Tags of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def named(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


def text_of(page: str) -> str:
    return " ".join(" ".join(Tags(page).text).split())


# One file, and nothing in it is obeyed ------------------------------------------------------------


def test_names_that_look_like_code_are_text(page):
    tags = Tags(page)
    assert len(tags.named("script")) == 1
    assert tags.named("img") == []
    assert SCRIPT in "".join(tags.text)
    assert any(ACCOUNTS[1] in text for text in tags.text)
    assert [name for _, attrs in tags.tags for name in attrs if name.startswith("on")] == []


def test_the_page_asks_for_nothing_from_anywhere(page):
    tags = Tags(page)
    loading = {"src", "srcset", "data", "poster", "action", "background", "xlink:href"}
    assert [attrs for _, attrs in tags.tags if loading & set(attrs)] == []
    assert {attrs["href"][0] for attrs in tags.named("a")} == {"#"}
    assert tags.named("link") == tags.named("iframe") == tags.named("object") == []
    assert "url(" not in page
    assert "@import" not in page


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else(page):
    (policy,) = [
        one["content"] for one in Tags(page).named("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    ]  # fmt: skip
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert [attrs for _, attrs in Tags(page).tags if "style" in attrs] == []


def test_links_of_the_page_lead_somewhere(page):
    tags = Tags(page)
    places = {attrs["id"] for _, attrs in tags.tags if "id" in attrs}
    assert {attrs["href"][1:] for attrs in tags.named("a")} <= places


def test_twenty_accounts_of_six_channels_are_less_than_three_megabytes():
    accounts = [f"account {i:02}" for i in range(20)]
    fitted = unsampled(world(accounts, tuple(f"channel {c}" for c in "abcdef"), weeks=104))
    page = report_html(decided(fitted), fit=fitted)
    assert len(page.encode()) < 3e6
    assert page.count("<svg") > 300


# What it says ------------------------------------------------------------------------------------


def test_every_decision_has_a_row_that_opens_to_its_curve_and_its_reason(page, frame):
    assert page.count('class="one" data-decision=') == len(frame)
    text = text_of(page)
    for reason in frame["reason"]:
        assert " ".join(reason.split()) in text
    assert page.count("at a constant spend</title>") == 0  # titles are labels of the pictures
    assert len(re.findall(r'aria-label="[^"]*: what it brings at a constant spend"', page)) == len(
        frame
    )


def test_thirty_channels_stand_in_tables_that_fit_on_paper(frame):
    many = pd.concat([frame.assign(channel=f"channel {i:02}").head(1) for i in range(30)])
    tables = grid(many)
    assert [len(one["channels"]) for one in tables] == [12, 12, 6]
    assert grid(frame)[0]["lines"][0]["account"] == frame["account"].iloc[0]


def test_figures_that_are_told_twice_are_the_same(page, frame):
    (total,) = frame.attrs["totals"]
    worth = amount(total["expected_value"], signed=True)
    text = text_of(page)
    assert f"to be worth {worth} a week" in text  # the sentence
    assert page.count(f"<b>{worth}</b>") == 1  # the tile
    moves = frame.attrs["n_increase"] + frame.attrs["n_reduce"]
    assert f"Raise {frame.attrs['n_increase']} and cut {frame.attrs['n_reduce']}" in text
    assert f"of {moves} moves; " in text


def test_the_health_banner_stands_above_the_first_number(fitted, page):
    sick = replace(fitted, health=replace(fitted.health, problems=("r-hat is 2.",)))
    text = text_of(report_html(decided(sick), fit=sick))
    assert "FAIL The fit cannot be trusted, so nothing moves: r-hat is 2." in text
    assert text.index("cannot be trusted") < text.index("In one minute")
    assert "Move nothing: all 6 account-channels keep what they spend." in text


def test_one_move_is_spoken_of_as_one(frame, fitted):
    lone = frame.assign(decision=["reduce", *["monitor"] * (len(frame) - 1)])
    lone.attrs = frame.attrs | {"n_increase": 0, "n_reduce": 1, "n_monitor": len(frame) - 1}
    text = text_of(report_html(lone))
    assert "the one move is wrong with" in text
    assert "The move worth most: plain" in text
    assert "1 moves" not in text


def test_without_a_fit_curves_are_left_out_and_it_says_so(frame):
    page = report_html(frame)
    assert "Curves are left out, as the fit was not given." in page
    assert "What brought the" not in page


def test_what_changed_is_told_when_there_was_a_run_before(frame):
    told = frame.copy()
    told.attrs["changes"] = [
        {"account": "plain", "channel": "search", "before": "reduce", "after": "monitor",
         "why": "new data"}
    ]  # fmt: skip
    text = text_of(report_html(told))
    assert "1 decision changed since the previous run." in text
    assert "What changed since the previous run" not in text_of(report_html(frame))


def test_money_of_two_currencies_is_never_added_up(frame):
    mixed = frame.copy()
    mixed["currency"] = np.where(mixed["account"] == "plain", "EUR", "USD")
    (total,) = frame.attrs["totals"]
    mixed.attrs["totals"] = [total | {"currency": code} for code in ("EUR", "USD")]
    text = text_of(report_html(mixed))
    assert text.count("portfolio ROI today") == 2


# How far to trust it -----------------------------------------------------------------------------


def words(frame, **beside):
    return {one.name: one.word for one in checks_of(frame, frame.attrs, **beside)}


def test_checks_follow_their_figures(frame):
    good = frame.copy()
    good.attrs["health"] |= {"warnings": [], "divergences": 0}
    good.attrs |= {"n_fragile": 0, "n_borderline": 0, "findings": [], "margin_assumed": []}
    good = good.assign(prior_share=0.2)
    said = words(good)
    assert set(said.values()) == {"PASS", "REVIEW"}
    assert [name for name, word in said.items() if word == "REVIEW"] == ["Forecasts of the past"]
    assert words(good.assign(prior_share=0.95))["Returns against the prior"] == "REVIEW"
    for name, fact, check in (
        ("n_fragile", 2, "What would turn a call"),
        ("margin_assumed", ["plain"], "Margin"),
        ("n_borderline", 1, "Chance of being wrong"),
    ):
        odd = good.copy()
        odd.attrs[name] = fact
        assert words(odd)[check] == "REVIEW"
    sick = good.copy()
    sick.attrs["health"] = good.attrs["health"] | {"ok": False, "problems": ["bad"]}
    assert words(sick)["Convergence"] == "FAIL"
    assert worst(checks_of(sick, sick.attrs)) == "FAIL"


def test_a_backtest_that_covers_too_little_fails(frame):
    said = walk()
    assert words(frame, backtest=said)["Forecasts of the past"] == "REVIEW"  # 100% of 90 inside
    said.accounts["inside"] = [i % 2 == 0 for i in range(len(said.accounts))]
    assert words(frame, backtest=said)["Forecasts of the past"] == "FAIL"


def test_a_base_below_nothing_fails(frame):
    shares = pd.DataFrame({"account": ["a", "b"], "kind": "baseline", "share": [-0.1, 0.5]})
    assert words(frame, shares=shares)["Base share"] == "FAIL"
    assert words(frame, shares=shares.assign(share=0.5))["Base share"] == "PASS"
    assert words(frame, shares=shares.assign(share=0.99))["Base share"] == "REVIEW"


# Pacing, policy, the loop ------------------------------------------------------------------------


def test_deals_their_alerts_and_projections_are_on_the_page():
    made = pacing_report()
    text = text_of(report_html(made))
    assert "Pacing of 2 deals" in text
    for alert in made.alerts["message"]:
        assert " ".join(alert.split()) in text
    assert report_html(made).count("spend against plan") >= 2


def test_a_policy_shows_verdicts_rules_and_its_figures():
    made = policy_plan()
    text = text_of(report_html(made))
    for call in made.calls:
        assert call.campaign_id in text
        assert " ".join(call.rationale.split()) in text
    assert f"{sum(call.verdict == 'auto' for call in made.calls)} may be set" in text


def test_a_cycle_shows_promises_risk_and_what_was_not_made():
    made = CycleReport(
        key="2026-03-02T08:00", at=datetime(2026, 3, 2, tzinfo=UTC), dry=True, resumed=False,
        plans=(policy_plan(),), applied=None, learned="updated with 5 rows", judged=tuple(judged()),
    )  # fmt: skip
    page = report_html(made, refresh_seconds=60)
    text = text_of(page)
    assert "Cycle 2026-03-02T08:00" in text
    assert "was promised and" in text
    assert '<meta http-equiv="refresh" content="60">' in page


def test_the_page_of_a_loop_holds_forecasts_against_outcomes_and_what_is_left_on_the_table():
    made = replace(cycle_report(), regret={"EUR": 1_234.0})
    page = report_html(made, promises=judged())
    text = text_of(page)
    assert "EUR 1,234 a period, for want of knowledge" in text
    assert "3 promises held against what came in: 1 kept, 1 unclear, 1 broken." in text
    one = judged()[0]
    low, high = one.promised - WIDE * one.promised_sd, one.promised + WIDE * one.promised_sd
    assert f"{amount(one.promised, signed=True)} ({amount(low)} to {amount(high)})" in text
    assert text.index("account broken") < text.index("account kept")  # the newest first
    assert "Forecast against outcome" not in text_of(report_html(made, promises=[]))


def test_base_sales_are_what_came_without_advertising(fitted):
    drawn = fitted.contributions(seed=0, draws=40)
    base = drawn["baseline"].sum(("account", "part", "date")).mean()
    (told,) = brought_by(fitted).bases
    assert told.startswith(f"Without advertising: EUR {amount(float(base))} of ")


def test_a_campaign_of_a_cycle_stands_on_the_page_once_with_its_verdict():
    made = cycle_report()
    page = report_html(replace(made, plans=(policy_plan(),)))
    text = text_of(page)
    assert "PASS The fit can be trusted." in text
    assert "EUR 2,290 → 2,440" in text  # all budgets a day, before and after
    assert "1 wait for approval, 0 blocked" in text
    assert "In figures" in text
    assert policy_plan().calls[0].rationale not in text  # the cycle tells why, not the policy again
    assert page.count("<table") == 1


def test_what_a_channel_brought_over_all_accounts_is_the_sum_of_what_it_brought_in_each(fitted):
    made = brought_by(fitted)
    media = fitted.contributions(seed=0, draws=40)["media"].sum("date")
    for row in made.channels:
        total = media.sel(channel=row["channel"]).sum("account")
        assert row["total"] == amount(float(total.mean()))
        low, high = np.quantile(total, (0.05, 0.95))
        assert row["range"] == f"{amount(low)} to {amount(high)}"
    spent = fitted.panel.spend.sum(axis=(0, 2))
    assert [row["spend"] for row in made.channels] == [amount(one) for one in sorted(spent)[::-1]]


def test_how_far_the_model_is_off_is_the_mean_error_over_the_mean_outcome(fitted):
    past = plot.history_data(fitted, "plain")
    off = past["residual"].abs().mean() / past["outcome"].mean()
    told = next(one["told"] for one in brought_by(fitted).accounts if one["account"] == "plain")
    assert f"it is off by {off:.1%} of the outcome on average" in told


def test_gain_against_risk_stands_beside_the_decisions_it_is_of(frame, fitted):
    decisions = decide(optimize(fitted), ab.Thresholds(prob=0.6, max_wrong_share=0.4))
    text = text_of(report_html([frame, decisions]))
    assert "Gain against risk" in text
    for row in decisions.frontier([0.6]).itertuples():
        assert f"60% (asked) {row.calls}" in text


def test_a_frame_that_holds_the_frontier_shows_it_as_its_decisions_would(frame, fitted):
    decisions = decide(optimize(fitted), ab.Thresholds(prob=0.6, max_wrong_share=0.4))
    holding = frame.copy()
    holding.attrs = {**frame.attrs, "frontier": frontier_of(decisions)}
    assert report_html(holding) == report_html([frame, decisions])
    assert "Gain against risk" not in text_of(report_html(frame))


def test_decisions_of_another_spend_than_the_frame_are_refused(frame, fitted):
    now = frame.set_index(["account", "channel"])["current_spend"]
    decisions = decide(optimize(fitted, 1.1 * now), ab.Thresholds(prob=0.6, max_wrong_share=0.4))
    with pytest.raises(ab.InputError, match="the decisions are not those of the frame"):
        report_html([frame, decisions])


def test_several_results_share_one_page(frame):
    text = text_of(report_html([frame, pacing_report(), policy_plan()]))
    assert "In one minute" in text
    assert "Pacing at" in text
    assert "Policy at" in text


# The file ----------------------------------------------------------------------------------------


def test_a_report_is_written_whole_and_dated_only_when_told(frame, tmp_path):
    at = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    path = ab.report(frame, tmp_path / "r.html", at=at, title="Spring & Sons")
    text = path.read_text("utf-8")
    assert "2026-03-02 08:30 UTC" in text
    assert "<title>Spring &amp; Sons</title>" in text
    assert ab.report(frame, tmp_path / "s.html").read_text("utf-8").count("2026-03-02 08:30") == 0


@pytest.mark.parametrize(
    ("result", "name", "why"),
    [
        (pd.DataFrame({"a": [1]}), "r.html", "decisions must be what recommend returned"),
        (42, "r.html", "not iterable|report shows what"),
        ([], "r.html", "there is nothing to report"),
        (["text"], "r.html", "report shows what recommend, pace"),
        ([], "r.pdf", "a report is an HTML file"),
    ],
)
def test_what_cannot_be_shown_is_refused(result, name, why, tmp_path):
    with pytest.raises((ab.InputError, TypeError), match=why):
        report(result, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 7), (-3, 12), (0, 1e9), (20_000, 20_400)])
def test_labels_of_a_scale_are_round_and_inside(low, high):
    made = ticks(low, high)
    assert 2 <= len(made) <= 8
    assert all(low - 1e-6 <= one <= high + 1e-6 for one in made)


def test_a_cut_that_only_pays_for_a_raise_is_not_among_the_moves_worth_most(frame):
    n = len(frame)
    worth = [120.0, -30.0, *[0.0] * (n - 2)]
    two = frame.assign(
        decision=["increase", "reduce", *["monitor"] * (n - 2)], expected_value=worth
    )
    two.attrs = frame.attrs | {"n_increase": 1, "n_reduce": 1, "n_monitor": n - 2}
    text = text_of(report_html(two))
    assert "The move worth most: " in text
    assert "-30.00 a week)" not in text
    one_left = frame.assign(decision=[*["increase"] * (n - 1), "monitor"])
    one_left.attrs = frame.attrs | {"n_increase": n - 1, "n_reduce": 0, "n_monitor": 1}
    assert "; 1 keeps what it spends." in text_of(report_html(one_left))
