"""What a terminal shows of decisions: aligned, in full, within its width."""

import math

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from adbudget.errors import InputError
from adbudget.money import amount
from adbudget.reporting.table import report
from adbudget.reporting.text import change, change_between, percent

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
        "expected_value": 1.0 * (after - now),
        "confidence": "medium",
        "reason": f"{moved.capitalize()}: {WHY}.",
        "reason_code": "pays" if after != now else "too_uncertain",
    }
    return row | facts


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = [
        decision("north [EU]", "search", 12_400.0, 16_120.0, prob_gain=0.999),
        decision("north [EU]", "social", 900.0, 630.0),
        decision("north [EU]", "日本語 video", 80.0, 80.0),
        decision("south", "search", 92.884, 92.884),
        decision(
            *("south", "display", 0.0, 0.0),
            roi=math.nan,
            reason="Monitor: nothing is spent.",
            reason_code="nothing_spent",
        ),
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
        "decision now next move lift [90%] worth P(gain) flips at marginal ROI [90%] ROI [90%]"
    )
    assert " ".join(find(lines, "search", "increase").split()) == (
        "search increase 12,400 16,120 +30% +7,440 [3,720; 11,160] +3,720 >99% 31% "
        "1.50 [0.50; 12.50] 2.00 [1.00; 3.00]"
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
    told = " ".join(" ".join(lines_of(frame, 80)).split())
    assert (
        "Left out at 80 columns: ROI, intervals of lift and marginal ROI (mROI), flips at." in told
    )
    assert "worth: margin of the lift, less the added spend; P(gain): how likely" in told


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_cell_is_one_line_and_its_probability_has_no_word_beside_it(frame, width):
    frame.loc[2, "channel"] = "google_ads / performance_max / all products / brand terms"
    lines = lines_of(frame, width)
    table = lines[lines.index(find(lines, "decision", "now")) :]
    told = table[: table.index("")]
    assert len(told) == 1 + len(frame) + 2, "a title, a line for each cell, and two headings"
    assert not any(word in line for line in told for word in ("medium", "high", "low"))
    (cut,) = [line for line in told if line.startswith("  google_ads")]
    assert "monitor" in cut
    assert "terms" in cut


def test_a_monitored_cell_says_why_in_its_line(frame):
    lines = lines_of(frame, 80)
    assert " ".join(find(lines, "日本語 video").split()) == (
        "日本語 video monitor 80 too uncertain 1.50"
    )
    assert "nothing spent" in find(lines, "display")


def test_totals_stand_above_the_table_and_monitors_are_counted_by_reason(frame):
    lines = lines_of(frame, 140)
    order = [lines.index(find(lines, word)) for word in ("Total", "Calls", "decision", "Plan")]
    assert order == sorted(order)
    assert find(lines, "3 monitor").strip() == "3 monitor: 2 too uncertain, 1 nothing spent"


def test_an_assumed_margin_is_said_where_the_table_is_shown(frame):
    frame.attrs |= {"margin": {"north [EU]": 1.0, "south": 1.0}}
    assert lines_of(frame, 140)[0].startswith("Weekly revenue (margin 100%), 2 accounts")
    frame.attrs |= {"margin_assumed": ["north [EU]", "south"]}
    lines = lines_of(frame, 140)
    assert lines[0].startswith("Weekly revenue (margin 100% assumed), 2 accounts")
    assert "all revenue counts as earned" in find(lines, "Margin")
    frame.attrs |= {"margin_assumed": [], "margin": {"north [EU]": 0.4, "south": 0.5}}
    lines = lines_of(frame, 140)
    assert lines[0].startswith("Weekly revenue (margin 40% to 50%), 2 accounts")
    assert not any(line.startswith("Margin") for line in lines)


def test_the_periods_covered_are_said_and_where_an_account_ends_earlier(frame):
    whole = {"from": "2024-01-01", "through": "2025-03-31", "periods": 66}
    ended = {"from": "2024-01-01", "through": "2025-01-06", "periods": 54}
    frame.attrs |= {"data": {**whole, "by_account": {"south": ended}}}
    lines = lines_of(frame, 140)
    assert ", 2024-01-01 to 2025-03-31, 2 accounts" in lines[0]
    assert "south  GBP 92.88; data through 2025-01-06" in lines
    assert find(lines, "Data").endswith("2024-01-01 to 2025-03-31, 66 weeks")
    assert find(lines, "ends earlier").strip() == "ends earlier: south (2025-01-06)"


def test_totals_that_hold_say_what_more_would_earn(frame):
    held = {
        "pool": "south",
        "accounts": ["south"],
        "currency": "GBP",
        "total": 92.884,
        "next_spend": 9.2884,
        "next_value": 21.5,
        "next_value_low": 4.25,
        "next_value_high": 40.0,
        "one_more_brings": 3.32,
        "one_more_low": 2.1,
        "one_more_high": 4.6,
        "channels": ["search"],
    }
    frame.attrs |= {"held_by_total": [held], "asked": {"limits": {"total": "at_most"}}}
    lines = lines_of(frame, 160)
    assert find(lines, "Held").split(maxsplit=1)[1] == (
        "south by its total of GBP 92.88: 9.29 more (+10%) would earn +21.50 [4.25; 40.00] a week "
        "after its cost; one more GBP brings 3.32 [2.10; 4.60]"
    )
    assert (
        "No total is raised unless you say so: --total N, or --total free"
        in lines[lines.index(find(lines, "Held")) + 1]
    )


def test_of_very_many_cells_those_that_move_are_listed(frame):
    many = pd.concat(
        [frame.assign(account=[f"{name} {i}" for name in frame["account"]]) for i in range(60)],
        ignore_index=True,
    )
    lines = lines_of(many, 100)
    assert find(lines, "180 account-channels to monitor not listed: --all lists every one.")
    assert not any("video" in line for line in lines)
    assert any("video" in line for line in lines_of(many, 100, everything=True))


def test_digits_follow_the_size_of_the_account(frame):
    lines = lines_of(frame, 140)
    assert " 80 " in find(lines, "日本語 video", "monitor")
    assert " 92.88 " in find(lines, "search", "monitor")


def test_an_account_is_headed_by_its_spend(frame):
    lines = lines_of(frame, 140)
    assert "north [EU]  EUR 13,380 -> 16,830 (+25.8%)" in lines
    assert "south  GBP 92.88" in lines


def test_reasons_of_the_moves_worth_most_are_told_in_full(frame):
    text = " ".join(" ".join(lines_of(frame, 60)).split())
    assert f"Increase: {WHY}." in text
    assert f"Reduce: {WHY}." in text
    assert "nothing is spent" not in text


def test_all_explains_every_cell(frame):
    assert any("nothing is spent" in line for line in lines_of(frame, 140, everything=True))


def test_why_explains_a_cell_or_an_account_in_full_and_nothing_else(frame):
    frame = frame.assign(prob_needed=0.8, hurdle=1.0, prior_share=0.25)
    frame = frame.assign(considered_spend=frame["recommended_spend"])
    frame = frame.assign(data_from="2024-01-01", data_through="2025-03-31")
    lines = lines_of(frame, 140, why=["north [EU]/search"])
    told = [line.strip() for line in lines[lines.index("Why") :]]
    assert told[1:5] == [
        f"north [EU]/search  Increase: {WHY}.",
        "spend 12,400 -> 16,120 a week (+30%), lift +7,440 [3,720; 11,160], worth +3,720 after "
        "spend",
        "P(gain) >99% (a call needs 80%); flips at 31%",
        "marginal ROI 1.50 [0.50; 12.50], hurdle 1.00, ROI 2.00 [1.00; 3.00]",
    ]
    assert told[5] == "25% of the answer is prior, data 2024-01-01 to 2025-03-31"
    assert not any("Reduce" in line for line in told)
    south = lines_of(frame, 140, why=["south"])
    assert sum(line.strip().startswith("south/") for line in south) == 2


def test_a_cell_that_is_not_there_is_refused_with_the_nearest(frame):
    with pytest.raises(
        InputError, match=r"--why names 'south/serch' \(did you mean 'south/search'"
    ):
        lines_of(frame, 140, why=["south/serch"])


def test_the_summary_states_totals_calls_and_health(frame):
    lines = lines_of(frame, 160)
    assert find(lines, "Total", "EUR").split(maxsplit=1)[1] == (
        "spend EUR 13,380 -> 16,830 a week (+25.8%); expected revenue +6,900 [3,450; 10,350] "
        "a week, worth +3,450 after spend"
    )
    assert find(lines, "GBP 92.88 a week, unchanged")
    assert find(lines, "Calls").endswith(
        "1 increase, 1 reduce; 7.0% of the 2 moves expected wrong (at most 10% allowed)"
    )
    assert find(lines, "Fit").endswith(
        "healthy: r-hat 1.004, effective draws 812 of 3,000, 0 divergences, seed 4"
    )
    assert not any("Doubts" in line for line in lines)
    assert find(lines, "Plan").endswith("to the cent; then uncertain moves were held")
    assert find(lines, "Now").endswith("mean of the last 28 days")
    assert find(lines, "and 2 more: --all lists them.")
    assert not any("and 2 more" in line for line in lines_of(frame, 160, everything=True))


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
    assert lines[first + 1].strip() == "8 findings about cells that do not move: --all tells"
    for i in range(len(kinds)):
        frame.loc[len(frame)] = decision(f"shop {i}", "a", 10.0, 13.0)
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


def test_an_unhealthy_fit_says_why_once(frame):
    frame["decision"] = "monitor"
    frame["recommended_spend"] = frame["current_spend"]
    frame["reason"] = "Monitor: the fit is not healthy."
    frame.attrs["health"] |= {"ok": False, "problems": ["Chains disagree."]}
    lines = lines_of(frame, 140)
    assert "No call moves money. Monitor: the fit is not healthy." in lines
    assert "NOT HEALTHY: Chains disagree." in find(lines, "Fit")


def test_warnings_of_a_healthy_fit_are_told_above_the_table(frame):
    told = [f"Returns of channel c{i} have fallen." for i in range(5)]
    frame.attrs["health"] |= {"warnings": told[:2]}
    lines = lines_of(frame, 140)
    at = lines.index(find(lines, "Warnings"))
    assert at < lines.index(find(lines, "decision", "now"))
    assert [line.split("  ")[-1] for line in lines[at : at + 2]] == told[:2]
    frame.attrs["health"] |= {"warnings": told}
    lines = lines_of(frame, 140)
    shown = [line.split("  ")[-1] for line in lines[at : at + 4]]
    assert shown == [*told[:3], "and 2 more: --all lists them."]
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
