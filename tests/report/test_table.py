"""What a terminal shows of decisions: aligned, in full, within its width."""

import math

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from adbudget.money import amount
from adbudget.report.table import report
from adbudget.report.text import change, change_between, percent

WHY = "the last EUR brings only 0.40 (0.10 to 0.90), less than the 1.00 it costs"


def decision(account, channel, now, after, **facts):
    moved = {True: "increase", False: "reduce"}[after > now] if after != now else "monitor"
    row = {
        "account": account,
        "channel": channel,
        "decision": moved,
        "current_spend": now,
        "recommended_spend": after,
        "change_pct": 100 * (after / now - 1) if now else (math.inf if after else 0.0),
        "expected_lift": 2.0 * (after - now),
        "lift_low": 1.0 * (after - now),
        "lift_high": 3.0 * (after - now),
        "prob_gain": 0.93,
        "flip_at": 0.31,
        "roi": 2.0,
        "roi_low": 1.0,
        "roi_high": 3.0,
        "marginal_roi": 1.5,
        "marginal_roi_low": 0.5,
        "marginal_roi_high": 12.5,
        "confidence": "medium",
        "reason": f"{moved.capitalize()}: {WHY}.",
    }
    return row | facts


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = [
        decision("north [EU]", "search", 12_400.0, 16_120.0, prob_gain=0.999),
        decision("north [EU]", "social", 900.0, 630.0),
        decision("north [EU]", "日本語 video", 80.0, 80.0),
        decision("south", "search", 92.884, 92.884),
        decision("south", "display", 0.0, 0.0, roi=math.nan, reason="Monitor: nothing is spent."),
    ]
    frame = pd.DataFrame(rows)
    frame.attrs = {
        "seed": 4,
        "period": "weekly",
        "outcome_name": "revenue",
        "currency": {"north [EU]": "EUR", "south": "GBP"},
        "current_window": "mean of the last 28 days",
        "health": {
            "ok": True,
            "rhat_max": 1.004,
            "ess_bulk_min": 812.0,
            "divergences": 0,
            "n_draws": 3000,
            "problems": [],
        },
        "totals": [
            {
                "currency": "EUR",
                "current_spend": 13_380.0,
                "recommended_spend": 16_830.0,
                "expected_lift": 6_900.0,
                "lift_low": 3_450.0,
                "lift_high": 10_350.0,
                "expected_value": 3_450.0,
            },
            {
                "currency": "GBP",
                "current_spend": 92.884,
                "recommended_spend": 92.884,
                "expected_lift": 0.0,
                "lift_low": 0.0,
                "lift_high": 0.0,
                "expected_value": 0.0,
            },
        ],
        "expected_wrong_share": 0.07,
        "max_wrong_share": 0.1,
        "gap": 0.0001,
        "notes": [f"note {i}" for i in range(10)],
    }
    return frame


def lines_of(frame, width, **options):
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(report(frame, width=width, **options))
    return [line.rstrip() for line in capture.get().splitlines()]


def find(lines, *words):
    return next(line for line in lines if all(word in line for word in words))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 200])
def test_no_line_is_wider_than_the_terminal(frame, width):
    assert max(map(cell_len, lines_of(frame, width))) <= width


def test_a_wide_terminal_shows_everything(frame):
    lines = lines_of(frame, 140)
    assert " ".join(find(lines, "decision").split()) == (
        "decision now next move lift [90%] P(gain) flips at ROI [90%] marginal ROI [90%]"
    )
    assert " ".join(find(lines, "search", "increase").split()) == (
        "search increase 12,400 16,120 +30% +7,440 [3,720; 11,160] >99% medium 31% "
        "2.00 [1.00; 3.00] 1.50 [0.50; 12.50]"
    )
    assert not any("Left out" in line for line in lines)


def test_amounts_end_at_the_same_place(frame):
    lines = lines_of(frame, 140)
    search, social = find(lines, "search", "increase"), find(lines, "social", "reduce")
    assert search.index("16,120") + 6 == social.index("630") + 3
    assert search.index("+7,440") + 6 == social.index("-540") + 4
    assert search.index("[3,720;") + 7 == social.index("[-270;") + 6
    header = find(lines, "decision")
    assert header.index("next") + 4 == search.index("16,120") + 6


def test_a_narrow_terminal_says_what_it_leaves_out(frame):
    left_out = find(lines_of(frame, 80), "Left out")
    assert left_out == (
        "Left out at 80 columns: ROI, marginal ROI, interval of the lift, flips at."
    )


def test_digits_follow_the_size_of_the_account(frame):
    lines = lines_of(frame, 140)
    assert " 80 " in find(lines, "日本語 video", "monitor")
    assert " 92.88 " in find(lines, "search", "monitor")


def test_an_account_is_headed_by_its_spend(frame):
    lines = lines_of(frame, 140)
    assert "north [EU]  EUR 13,380 -> 16,830 (+25.8%)" in lines
    assert "south  GBP 92.88" in lines


def test_reasons_of_moves_are_told_in_full(frame):
    text = " ".join(" ".join(lines_of(frame, 60)).split())
    assert f"Increase: {WHY}." in text
    assert f"Reduce: {WHY}." in text
    assert "nothing is spent" not in text


def test_reasons_can_be_told_for_all_or_none(frame):
    assert any("nothing is spent" in line for line in lines_of(frame, 140, reasons="all"))
    assert not any("brings only" in line for line in lines_of(frame, 140, reasons="none"))


def test_the_summary_states_totals_calls_and_health(frame):
    lines = lines_of(frame, 160)
    assert find(lines, "Total", "EUR").split(maxsplit=1)[1] == (
        "spend EUR 13,380 -> 16,830 a week (+25.8%); expected revenue +6,900 [3,450; 10,350] "
        "a week, worth +3,450 after spend"
    )
    assert find(lines, "GBP 92.88 a week, unchanged")
    assert find(lines, "Calls").endswith(
        "1 increase, 1 reduce, 3 monitor; 7.0% of the 2 moves expected wrong (at most 10% allowed)"
    )
    assert find(lines, "Fit").endswith(
        "healthy: r-hat 1.004, effective draws 812 of 3,000, 0 divergences, seed 4"
    )
    assert not any("Doubts" in line for line in lines)
    assert find(lines, "Plan").endswith("to the cent; then uncertain moves were held")
    assert find(lines, "Now").endswith("mean of the last 28 days")
    assert find(lines, "and 2 more: adbudget check lists them all.")


def test_the_summary_counts_fragile_calls_and_names_what_cannot_be_told_apart(frame):
    kinds = ["move_together", "never_varied", *["follows_calendar"] * 6]
    frame.attrs |= {
        "n_increase": 1,
        "n_reduce": 1,
        "n_fragile": 1,
        "fragile_below": 0.25,
        "findings": [
            {"kind": kind, "account": f"shop {i}", "channels": ["a", "b"][: 2 - (i > 0)]}
            for i, kind in enumerate(kinds)
        ],
    }
    lines = lines_of(frame, 160)
    first = lines.index(find(lines, "Doubts"))
    assert [line[8:] for line in lines[first : first + 4]] == [
        "1 of the 2 moves flip if less than 25% of a return is wrong",
        "channels move together, so their effects blur: shop 0/a + b",
        "spend hardly ever varied, so the curve is assumed: shop 1/a",
        "trend, season or controls explain the spend, so its effect may be theirs: shop 2/a, "
        "shop 3/a, shop 4/a, shop 5/a and 2 more",
    ]


@pytest.mark.parametrize(
    ("flip_at", "text"),
    [(0.004, "<1%"), (0.25, "25%"), (1.0, ">99%"), (13.8, ">99%"), (math.inf, ">99%")],
)
def test_a_call_says_what_it_flips_at(frame, flip_at, text):
    frame["flip_at"] = flip_at
    assert find(lines_of(frame, 140), "search", "increase").split()[10] == text
    assert find(lines_of(frame, 140), "日本語 video", "monitor").split()[6:9] == ["-", "-", "-"]


def test_an_unhealthy_fit_says_why_once(frame):
    frame["decision"] = "monitor"
    frame["recommended_spend"] = frame["current_spend"]
    frame["reason"] = "Monitor: the fit is not healthy."
    frame.attrs["health"] |= {"ok": False, "problems": ["Chains disagree."]}
    lines = lines_of(frame, 140)
    assert "No call moves money. Monitor: the fit is not healthy." in lines
    assert "NOT HEALTHY: Chains disagree." in find(lines, "Fit")


def test_warnings_of_a_healthy_fit_are_told_after_its_health(frame):
    told = [f"Returns of channel c{i} have fallen." for i in range(5)]
    frame.attrs["health"] |= {"warnings": told[:2]}
    lines = lines_of(frame, 140)
    at = lines.index(find(lines, "Fit", "healthy"))
    assert lines[at + 1].split("  ")[0] == "Warnings"
    assert [line.split("  ")[-1] for line in lines[at + 1 : at + 3]] == told[:2]
    frame.attrs["health"] |= {"warnings": told}
    lines = lines_of(frame, 140)
    shown = [line.split("  ")[-1] for line in lines[at + 1 : at + 5]]
    assert shown == [*told[:3], "and 2 more, in the attributes of the frame."]
    frame.attrs["health"] |= {"warnings": []}
    assert not any("Warnings" in line for line in lines_of(frame, 140))


def test_a_frame_without_attrs_is_still_shown(frame):
    frame.attrs = {}
    assert find(lines_of(frame, 140), "north [EU]").startswith("north [EU]  13,380 -> 16,830")


def test_calls_are_coloured_and_the_rest_is_dim(frame):
    console = Console(width=140, color_system="standard", force_terminal=True, highlight=False)
    with console.capture() as capture:
        console.print(report(frame, width=140))
    lines = capture.get().splitlines()
    assert "\x1b[32m" in find(lines, "increase", "16,120")
    assert "\x1b[31m" in find(lines, "reduce", "630")
    assert "\x1b[2m" in find(lines, "monitor", "92.88")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1240.4, "1,240"), (-0.001, "0"), (87.5, "87.50"), (-12.346, "-12.35"), (math.nan, "-")],
)
def test_amounts_have_sensible_digits(value, text):
    assert amount(value) == text


def test_shares_that_are_not_quite_all_do_not_read_as_all():
    assert [percent(p) for p in (1.0, 0.9999, 0.934, 0.001, 0.0)] == [
        *(">99%", ">99%", "93%", "<1%", "0%")
    ]


def test_changes_are_signed():
    assert [change(c) for c in (30.0, -12.4, 0.3, 0.0, math.inf, math.nan)] == [
        *("+30%", "-12%", "+0.3%", "0%", "new", "-")
    ]
    assert [change_between(100, after) for after in (100, 101.3, 87)] == [
        *("unchanged", "+1.3%", "-13.0%")
    ]
