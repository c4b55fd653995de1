"""What a buyer reads: one sentence per cell, true to the numbers beside it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.decision.decisions import decide
from adbudget.decision.thresholds import Thresholds
from adbudget.draws import Health
from adbudget.optimizer import optimize
from adbudget.plan import Group, Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, random_world, spend_of

FIXED = Limits(total="fixed")
MEAN_ONLY = Risk(aversion=0.0)
MONITOR_KINDS = (
    "too uncertain",
    "not funded",
    "not needed",
    "blocked",
    "already balanced",
    "no better plan",
    "not informed",
    "held by today's total",
)


def sure_pair(**changes):
    """At 100 each, the first channel's next unit brings 1.00 and the second's 0.05, for sure."""
    draws = hand_made(np.full((20, 1, 2), [400.0, 20.0]))
    return replace(draws, **changes), spend_of(draws, 100, 100)


def reasons(draws, today, limits=FIXED, risk=MEAN_ONLY, health=None):
    decisions = decide(optimize(draws, today, limits, risk), health=health)
    return [call.reason for call in decisions.calls]


def health_with(prior_share, problems=()):
    return Health(
        rhat_max=1.0,
        ess_bulk_min=1e3,
        ess_tail_min=1e3,
        divergences=0,
        n_draws=4000,
        prior_share=prior_share,
        fit_r2=pd.Series(dtype=float),
        problems=problems,
    )


def test_a_raise_names_its_money_its_return_and_what_the_money_would_do_elsewhere():
    increase, _ = reasons(*sure_pair())
    assert increase == (
        "Increase by EUR 30.00 a week (+30%): one more EUR brings 1.00 (1.00 to 1.00), more than "
        "the 0.06 it can earn elsewhere; over 99% likely to pay."
    )


def test_a_cut_names_what_the_last_unit_brings():
    _, reduce = reasons(*sure_pair())
    # 30 more on the first channel bring 400 * (1.3 / 2.3 - 0.5) = 26.09, 0.87 each
    assert reduce == (
        "Reduce by EUR 30.00 a week (-30%): the last EUR brings only 0.05 (0.05 to 0.05), less "
        "than the 0.87 it can earn elsewhere; over 99% likely to pay."
    )


def test_money_that_may_stay_unspent_is_compared_with_itself():
    _, reduce = reasons(*sure_pair(), limits=Limits(fixed=("channel 0",)))
    assert "less than the 1.00 it costs" in reduce


@pytest.mark.parametrize(
    ("period_days", "words"), [(1.0, " a day "), (7.0, " a week "), (365.25 / 12, " a month ")]
)
def test_the_period_is_said_in_words(period_days, words):
    draws, today = sure_pair(period_days=period_days)
    assert all(words in reason for reason in reasons(draws, today))


def test_without_a_currency_money_is_a_unit_of_spend():
    draws, today = sure_pair(currency=("",))
    increase, reduce = reasons(draws, today)
    assert increase.startswith("Increase by 30.00 a week (+30%): one more unit of spend brings")
    assert "the last unit of spend brings" in reduce


def test_large_amounts_have_thousands_and_no_cents():
    draws = hand_made(np.full((20, 1, 2), [400e3, 20e3]), scale=100e3)
    increase, _ = reasons(draws, spend_of(draws, 100e3, 100e3))
    assert increase.startswith("Increase by EUR 30,000 a week (+30%)")


def test_returns_are_the_money_of_the_columns_and_compared_with_what_pays_for_a_unit():
    draws, today = sure_pair(margin=np.array([0.4]))
    _, reduce = reasons(draws, today, Limits(fixed=("channel 0",)))
    assert (
        "the last EUR brings only 0.05 (0.05 to 0.05), less than the 2.50 that pay for it at a "
        "margin of 40%" in reduce
    )
    increase, _ = reasons(draws, today)
    # elsewhere: 30 on the second bring 20 * (0.5 - 70 / 170) = 1.76, and 1.76 / 30 = 0.06
    assert "one more EUR brings 1.00 (1.00 to 1.00), more than the 0.06 it can" in increase


def test_a_doubtful_move_is_too_uncertain_and_is_named():
    draws = hand_made(np.array([[[400.0, 20.0]]] * 13 + [[[20.0, 400.0]]] * 7))
    first, second = reasons(draws, spend_of(draws, 100, 100))
    found = r"Monitor, too uncertain: the best move found was \{}\d\d%, 65% likely to pay; "
    assert re.match(found.format("+"), first)
    assert re.match(found.format("-"), second)


def test_a_good_use_without_safe_money_is_not_funded():
    # the first channel is surely better than the second or the third, which one is unclear
    draws = hand_made(np.array([[[400.0, 20.0, 390.0]], [[380.0, 400.0, 390.0]]] * 10))
    reason = reasons(draws, spend_of(draws, 100, 100, 100))[0]
    assert reason.startswith("Monitor, not funded: no channel can safely give up the money;")


def test_a_safe_cut_without_a_use_for_the_money_is_not_needed():
    # the first channel is surely worse than the others, which of them is good is unclear
    draws = hand_made(np.array([[[200.0, 600.0, 150.0]], [[200.0, 150.0, 600.0]]] * 10))
    reason = reasons(draws, spend_of(draws, 100, 100, 100))[0]
    assert reason.startswith("Monitor, not needed: no other channel can safely use the money;")


def test_equal_channels_are_already_balanced():
    draws = hand_made(np.full((20, 1, 2), 400.0))
    for reason in reasons(draws, spend_of(draws, 100, 100)):
        assert reason == (
            "Monitor, already balanced: one more EUR brings 1.00 (1.00 to 1.00), about the 1.00 "
            "it costs."
        )


def test_a_fixed_cell_is_blocked():
    draws, today = sure_pair()
    reason, _ = reasons(draws, today, Limits(total="fixed", fixed=("channel 0",)))
    assert reason == "Monitor, blocked: this cell is fixed."


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(total="fixed", max_share=0.5), "max_share"),
        (
            Limits(
                total="fixed",
                groups=(Group(name="brand", channels=("channel 0",), maximum=100.0),),
            ),
            "brand",
        ),
    ],
)
def test_a_cell_at_a_shared_limit_is_blocked_by_its_name(limits, name):
    reason, _ = reasons(*sure_pair(), limits)
    assert reason.startswith("Monitor, blocked: the limit ")
    assert name in reason


@pytest.mark.parametrize("change", [0.0, 0.03])
def test_a_cell_that_its_own_bound_holds_is_not_called_balanced(change):
    for reason in reasons(*sure_pair(), Limits(total="fixed", change=change)):
        assert "balanced" not in reason


def test_a_channel_without_spend_has_nothing_to_compare():
    draws, _ = sure_pair()
    first, _ = reasons(draws, spend_of(draws, 0, 100))
    assert first == "Monitor: nothing is spent here now, so there is nothing to compare."


def test_a_channel_switched_on_has_no_percentage():
    draws, _ = sure_pair()
    limits = Limits(total="fixed", upper={("account 0", "channel 0"): 50.0})
    reason, _ = reasons(draws, spend_of(draws, 0, 100), limits)
    assert reason.startswith("Increase by EUR 30.00 a week")
    assert "inf" not in reason


def test_a_move_of_next_to_nothing_makes_no_nonsense_of_elsewhere():
    # the first channel stands exactly at its best, so the search moves it by rounding error
    draws = hand_made(np.full((10, 1, 2), [400.0, 20.0]))
    limits = Limits(total="free", change=1.0)
    for reason in reasons(draws, spend_of(draws, 100, 100), limits, Risk()):
        numbers = [float(found) for found in re.findall(r"-?\d+\.\d\d", reason)]
        assert all(0 <= number <= 100 for number in numbers), reason


def test_a_forced_move_says_that_the_limits_forbid_today():
    for reason in reasons(*sure_pair(), Limits(budget=160.0)):
        assert "the limits do not allow today's plan" in reason


def test_an_unhealthy_fit_is_the_only_thing_said():
    draws, today = sure_pair()
    health = health_with(pd.Series(1.0, index=draws.cells), ("Too few effective draws.",))
    for reason in reasons(draws, today, health=health):
        assert reason == (
            "Monitor: the fit is not healthy, so no move is trusted. Too few effective draws."
        )


def test_a_cell_that_is_mostly_prior_says_so_and_the_others_do_not():
    draws, today = sure_pair()
    prior_share = pd.Series([1.0, 0.3], index=draws.cells)
    first, second = reasons(draws, today, health=health_with(prior_share.iloc[::-1]))
    assert first.endswith("mostly what is assumed of any channel.")
    assert first.startswith("Monitor, not informed")
    assert not second.endswith("mostly what is assumed of any channel.")


def test_a_sure_move_on_little_evidence_of_its_own_is_made_and_says_so():
    draws, today = sure_pair()
    prior_share = pd.Series([0.97, 0.3], index=draws.cells)
    first = reasons(draws, today, health=health_with(prior_share))[0]
    assert first.startswith("Increase by")
    assert first.endswith("mostly what is assumed of any channel.")


def test_a_call_that_stands_says_what_a_new_one_would_need():
    draws = hand_made(np.array([[[400.0, 20.0]]] * 77 + [[[350.0, 400.0]]] * 23))
    before = pd.DataFrame(
        {
            "account": "account 0",
            "channel": ["channel 0", "channel 1"],
            "decision": ["increase", "reduce"],
        }
    )
    proposal = optimize(draws, spend_of(draws, 100, 100), Limits(total="fixed"), MEAN_ONLY)
    calls = decide(proposal, Thresholds(max_wrong_share=1.0), previous=before).calls
    for call in calls:
        assert "77% likely to pay, which keeps the call of the previous run" in call.reason
        assert "(a new one needs 80%)" in call.reason


def barely_worth_it():
    """The next unit of the first channel brings 1.04, of the second 0.90; 5% may move."""
    draws = hand_made(np.full((20, 1, 2), [416.0, 360.0]))
    return draws, spend_of(draws, 100, 100), Limits(total="fixed", change=0.05)


def test_a_fragile_call_says_how_little_overturns_it():
    draws, today, limits = barely_worth_it()
    calls = decide(optimize(draws, today, limits, MEAN_ONLY)).calls
    assert [f"{call.flip_at:.0%}" for call in calls] == ["9%", "10%"]
    assert calls[0].reason.endswith(
        "; over 99% likely to pay. Fragile: if 9% of its return would have come anyway, this is no "
        "call."
    )
    assert calls[1].reason.endswith(
        " Fragile: if its return is really 10% higher, this is no call."
    )


def test_how_little_is_fragile_can_be_set():
    draws, today, limits = barely_worth_it()
    proposal = optimize(draws, today, limits, MEAN_ONLY)
    for bar, fragile in ((0.0, False), (0.05, False), (0.2, True)):
        calls = decide(proposal, Thresholds(fragile_below=bar)).calls
        assert ["Fragile" in call.reason for call in calls] == [fragile] * 2


def test_a_caveat_stands_at_the_end_of_its_cells_reason_only():
    draws, today = sure_pair()
    said = {("account 0", "channel 1"): "It moves with the other."}
    first, second = decide(optimize(draws, today, FIXED, MEAN_ONLY), caveats=said).calls
    assert second.reason.endswith("likely to pay. It moves with the other.")
    assert "moves with" not in first.reason


def test_spend_above_all_that_history_has_seen_says_so():
    draws, today = sure_pair(highest_spend=np.array([[115.0, 150.0]]))
    allowed = Limits(total="fixed", beyond_observed=True)
    above, below = reasons(draws, today, allowed)
    assert above.endswith("Its history has seen no spend this high, so the curve there is assumed.")
    assert "history" not in below
    assert "history" not in reasons(draws, today)[0], "it stops at 115"


def test_a_cell_that_stands_at_the_end_of_its_history_is_blocked_by_it():
    draws, today = sure_pair(highest_spend=np.array([[102.0, 150.0]]))
    reason, _ = reasons(draws, today)
    assert reason.startswith(
        "Monitor, blocked: the limit (highest observed spend of 102.00) leaves less room"
    )


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["fixed", "at_most", "free"]))
def test_every_sentence_agrees_with_its_call(seed, total):
    draws, today = random_world(seed)
    decisions = decide(optimize(draws, today, Limits(total=total)))
    for call in decisions.calls:
        reason = call.reason
        assert reason.startswith(str(call.action).capitalize())
        assert reason.endswith(".")
        assert "100% likely" not in reason
        assert not re.search(r"\bnan\b|\binf\b", reason)
        move = call.recommended_spend - call.current_spend
        if call.action == "monitor":
            assert any(kind in reason for kind in MONITOR_KINDS)
            continue
        amount = re.search(r"by EUR ([\d,.]+) a week \(([+-]\d+)%\)", reason)
        assert amount, reason
        said = float(amount[1].replace(",", ""))
        assert said == pytest.approx(abs(move), abs=0.5 if abs(move) >= 100 else 0.005)
        assert int(amount[2]) == pytest.approx(100 * move / call.current_spend, abs=0.51)
        side = "more than" if move > 0 else "less than"
        assert f", {side} the " in reason
