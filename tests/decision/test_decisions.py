from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.decision.action import Action
from adbudget.decision.decisions import Decisions, decide
from adbudget.decision.moves import cell_money
from adbudget.decision.thresholds import Thresholds
from adbudget.draws import Health
from adbudget.errors import InfeasibleError, InputError
from adbudget.optimizer import optimize
from adbudget.plan import Group, Limits
from adbudget.risk import Risk
from tests.optimizer.hand_made import hand_made, random_world, spend_of

FIXED = Limits(total="fixed")
MEAN_ONLY = Risk(aversion=0.0)
ROUNDING = 1e-9

few = settings(max_examples=25)
seeds = st.integers(0, 10_000)
thresholds_of_all_kinds = st.builds(
    Thresholds,
    prob=st.sampled_from([0.5, 0.7, 0.8, 0.95]),
    max_wrong_share=st.sampled_from([0.0, 0.05, 0.1, 0.3, 1.0]),
    min_change=st.sampled_from([0.0, 0.05, 0.2]),
    min_step=st.sampled_from([0.0, 10.0, 60.0]),
)
limits_that_allow_today = st.builds(
    Limits,
    change=st.sampled_from([0.3, (0.1, 0.6)]),
    total=st.sampled_from(["fixed", "at_most", "free"]),
    pool=st.sampled_from([None, "currency"]),
    fixed=st.sampled_from([(), ("channel 1",)]),
    step=st.sampled_from([None, 5.0]),
)


def one_account(*draws):
    """One list of weights per draw; everything else as in the hand-made curves."""
    return hand_made(np.array(draws, dtype=float)[:, None, :])


def sure_pair():
    """At 100 each, the first channel's next unit brings 1.00 and the second's 0.05, for sure."""
    draws = one_account(*[[400, 20]] * 20)
    return draws, spend_of(draws, 100, 100)


def doubtful_pair():
    """Either channel may be the good one; the first is so a little more often."""
    draws = one_account(*[[400, 20]] * 11, *[[20, 400]] * 9)
    return draws, spend_of(draws, 100, 100)


def actions(decisions: Decisions):
    return [str(call.action) for call in decisions.calls]


def table(decisions: Decisions):
    names = ("current_spend", "recommended_spend", "prob_gain")
    return pd.DataFrame(
        {name: [getattr(call, name) for call in decisions.calls] for name in names},
        index=pd.MultiIndex.from_tuples(
            [(call.account, call.channel) for call in decisions.calls], names=["account", "channel"]
        ),
    )


def test_money_goes_from_the_certain_loser_to_the_certain_winner():
    draws, today = sure_pair()
    decisions = decide(optimize(draws, today, FIXED))
    assert actions(decisions) == ["increase", "reduce"]
    np.testing.assert_allclose(table(decisions).recommended_spend, [130, 70])
    assert [call.confidence for call in decisions.calls] == ["high", "high"]
    assert decisions.expected_wrong_share == 0
    assert decisions.proposal.plan.spend.sum() == pytest.approx(200)


def test_where_either_may_be_right_nothing_moves():
    draws, today = doubtful_pair()
    proposal = optimize(draws, today, FIXED, MEAN_ONLY)
    assert not proposal.holds, "the average favours a move, only the odds do not"
    decisions = decide(proposal)
    assert actions(decisions) == ["monitor", "monitor"]
    pd.testing.assert_series_equal(decisions.proposal.plan.spend, today)
    assert decisions.proposal.holds
    assert decisions.considered is proposal
    assert table(decisions).prob_gain.tolist() == pytest.approx([11 / 20, 11 / 20])


def test_calls_are_made_again_when_odds_of_a_coin_flip_are_enough():
    draws, today = doubtful_pair()
    lax = Thresholds(prob=0.5, max_wrong_share=0.5)
    decisions = decide(optimize(draws, today, FIXED, MEAN_ONLY), lax)
    assert actions(decisions) == ["increase", "reduce"]
    assert decisions.expected_wrong_share == pytest.approx(9 / 20)
    assert [call.confidence for call in decisions.calls] == ["low", "low"]


@pytest.mark.parametrize(
    ("n_right", "confidence"), [(100, "high"), (95, "high"), (94, "medium"), (85, "medium")]
)
def test_confidence_says_how_likely_a_call_is_right(n_right, confidence):
    draws = one_account(*[[400, 20]] * n_right, *[[350, 400]] * (100 - n_right))
    lax = Thresholds(max_wrong_share=1.0)
    decisions = decide(optimize(draws, spend_of(draws, 100, 100), FIXED, MEAN_ONLY), lax)
    assert actions(decisions) == ["increase", "reduce"]
    assert decisions.calls[0].prob_gain == pytest.approx(n_right / 100)
    assert decisions.calls[0].confidence == confidence


@few
@given(seeds, thresholds_of_all_kinds, limits_that_allow_today)
def test_every_list_of_calls_keeps_its_promises(seed, thresholds, limits):
    draws, today = random_world(seed)
    decisions = decide(optimize(draws, today, limits), thresholds)
    calls, plan = table(decisions), decisions.proposal.plan.spend
    move = calls.recommended_spend - today
    called = np.array(actions(decisions)) != "monitor"

    assert decisions.expected_wrong_share <= thresholds.max_wrong_share + ROUNDING
    wrong = (1 - calls.prob_gain[called]).mean() if called.any() else 0.0
    assert decisions.expected_wrong_share == pytest.approx(wrong, abs=ROUNDING)
    assert (calls.prob_gain[called] >= thresholds.prob).all()

    signs = {"increase": 1, "monitor": 0, "reduce": -1}
    assert np.sign(move).tolist() == [signs[action] for action in actions(decisions)]
    pd.testing.assert_series_equal(plan, calls.recommended_spend, check_names=False)
    assert (move[called].abs() >= thresholds.min_step).all()
    assert (move[called].abs() >= thresholds.min_change * today[called] * (1 - ROUNDING)).all()


@few
@given(seeds, thresholds_of_all_kinds, limits_that_allow_today)
def test_totals_hold_after_uncertain_moves_are_taken_back(seed, thresholds, limits):
    draws, today = random_world(seed)
    plan = decide(optimize(draws, today, limits), thresholds).proposal.plan.spend
    added = plan - today
    by_pool = added.groupby("account").sum() if limits.pool is None else added.sum()
    trifle = 1e-8 * today.sum()
    if limits.total == "fixed":
        assert np.max(np.abs(by_pool)) <= trifle
    elif limits.total == "at_most":
        assert np.max(by_pool) <= trifle


@few
@given(seeds)
def test_two_lone_moves_at_a_fixed_total_are_one_bet(seed):
    draws, today = random_world(seed, n_accounts=1, n_channels=2)
    decisions = decide(optimize(draws, today, FIXED), Thresholds(prob=0.5, max_wrong_share=1.0))
    increase, reduce = table(decisions).prob_gain
    assert increase == reduce
    assert sorted(actions(decisions)) in (["increase", "reduce"], ["monitor", "monitor"])


@pytest.mark.parametrize("seed", range(4))
def test_accounts_are_judged_apart_when_every_call_may_be_wrong(seed):
    draws, today = random_world(seed)
    lax = Thresholds(max_wrong_share=1.0)
    together = table(decide(optimize(draws, today), lax))
    for a, account in enumerate(draws.accounts):
        alone = replace(
            draws,
            accounts=(account,),
            weights=draws.weights[:, [a]],
            scale=draws.scale[[a]],
            carry_in=draws.carry_in[[a]],
            unit_value=draws.unit_value[[a]],
            margin=draws.margin[[a]],
            currency=draws.currency[a : a + 1],
        )
        decisions = decide(optimize(alone, today[[account]]), lax)
        np.testing.assert_allclose(
            table(decisions).recommended_spend, together.loc[account].recommended_spend, rtol=1e-4
        )


def test_a_move_below_the_smallest_share_is_no_call():
    draws, today = sure_pair()
    proposal = optimize(draws, today, Limits(total="fixed", change=0.04))
    assert actions(decide(proposal)) == ["monitor", "monitor"]
    assert actions(decide(proposal, Thresholds(min_change=0.04))) == ["increase", "reduce"]


def test_a_move_below_the_smallest_step_is_no_call():
    draws, today = sure_pair()
    proposal = optimize(draws, today, FIXED)
    assert actions(decide(proposal, Thresholds(min_step=29))) == ["increase", "reduce"]
    assert actions(decide(proposal, Thresholds(min_step=31))) == ["monitor", "monitor"]


def test_a_cut_without_a_use_for_the_money_saves_it_where_the_total_may_fall():
    draws, today = sure_pair()
    only_cuts = Limits(fixed=(("account 0", "channel 0"),))
    decisions = decide(optimize(draws, today, only_cuts))
    assert actions(decisions) == ["monitor", "reduce"]
    assert decisions.proposal.plan.spend.sum() == pytest.approx(170)


@pytest.mark.parametrize("dud", [0, 1])
@pytest.mark.parametrize("total", ["at_most", "free"])
@pytest.mark.parametrize("aversion", [0.0, 0.2])
def test_a_channel_that_surely_earns_nothing_is_cut_whatever_is_doubtful_beside_it(
    dud, total, aversion
):
    # a small dud beside a large gamble: 1.83 for the next unit in 12 draws of 20, else nothing
    weights = np.zeros((20, 1, 2))
    weights[:12, 0, 1 - dud] = 1.83 * 4_000
    scale = np.full((1, 2), 1_000.0)
    scale[0, dud] = 20.0
    draws = hand_made(weights, scale=scale)
    decisions = decide(
        optimize(draws, spend_of(draws, *scale[0]), Limits(total=total), Risk(aversion=aversion))
    )
    assert decisions.calls[dud].action == "reduce"
    assert decisions.calls[1 - dud].action == "monitor"


def unhealthy(cells):
    return Health(
        rhat_max=1.2,
        ess_bulk_min=20.0,
        ess_tail_min=20.0,
        divergences=0,
        n_draws=4000,
        prior_share=pd.Series(0.5, index=cells),
        fit_r2=pd.Series(dtype=float),
        problems=("The chains disagree (r-hat 1.200, at most 1.03 is needed).",),
    )


@pytest.mark.parametrize("limits", [FIXED, Limits(budget=160.0)], ids=["allowed", "forbidden"])
def test_an_unhealthy_fit_moves_nothing_and_says_why(limits):
    draws, today = sure_pair()
    decisions = decide(optimize(draws, today, limits), health=unhealthy(draws.cells))
    assert actions(decisions) == ["monitor", "monitor"]
    assert table(decisions).recommended_spend.tolist() == today.tolist()
    pd.testing.assert_series_equal(decisions.proposal.plan.spend, today)
    assert (decisions.proposal.value == 0).all()
    assert decisions.expected_wrong_share == 0
    for call in decisions.calls:
        assert "not healthy" in call.reason
        assert "The chains disagree" in call.reason
        assert call.confidence == "low"


def test_a_healthy_fit_changes_no_call():
    draws, today = sure_pair()
    healthy = replace(unhealthy(draws.cells), problems=())
    proposal = optimize(draws, today, FIXED)
    assert decide(proposal, health=healthy).calls == decide(proposal).calls


@pytest.mark.parametrize(
    "limits",
    [
        Limits(budget=160.0),
        Limits(budget=160.0, total="fixed"),
        Limits(lower={("account 0", "channel 1"): 120.0}),
        Limits(groups=(Group(name="both", channels=("channel 0", "channel 1"), maximum=150.0),)),
    ],
    ids=["less in all", "exactly less", "a cell needs more", "a group may have less"],
)
def test_limits_that_forbid_todays_plan_force_moves_and_say_so(limits):
    draws, today = doubtful_pair()
    decisions = decide(optimize(draws, today, limits))
    plan = decisions.proposal.plan.spend
    assert (plan != today).any()
    pd.testing.assert_series_equal(
        plan, table(decisions).recommended_spend.rename("spend"), check_names=False
    )
    for call, moved in zip(decisions.calls, plan - today, strict=True):
        assert call.action == {1: "increase", 0: "monitor", -1: "reduce"}[int(np.sign(moved))]
        if moved:
            assert "the limits do not allow today's plan" in call.reason


def test_a_budget_cut_in_one_account_forces_nothing_in_another():
    draws = hand_made(np.array([[[400, 20], [410, 400]], [[400, 20], [400, 405]]] * 10))
    today = spend_of(draws, 100, 100, 100, 100)
    limits = Limits(total="fixed", budget={"account 0": 160.0})
    decisions = decide(optimize(draws, today, limits, MEAN_ONLY))
    assert actions(decisions) == ["reduce", "reduce", "monitor", "monitor"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prob": 0.49},
        {"prob": 1.01},
        {"prob": float("nan")},
        {"prob": "0.8"},
        {"max_wrong_share": -0.01},
        {"max_wrong_share": 1.5},
        {"min_change": -0.1},
        {"min_change": 2.0},
        {"min_step": -1.0},
        {"min_step": None},
        {"fragile_below": -0.1},
    ],
)
def test_thresholds_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(InputError, match=rf"Thresholds\.{name} must be between .*got"):
        Thresholds(**wrong)


@settings(max_examples=10)
@given(seeds)
def test_a_higher_bar_lets_no_more_of_two_moves_through(seed):
    draws, today = random_world(seed, n_accounts=1, n_channels=2)
    proposal = optimize(draws, today, FIXED)
    held = [actions(decide(proposal, Thresholds(prob=bar))).count("monitor") for bar in (0.5, 0.9)]
    assert held[0] <= held[1]


def test_an_action_is_its_own_word():
    assert [str(action) for action in Action] == ["increase", "monitor", "reduce"]


def test_a_cell_whose_answer_is_all_prior_is_not_moved():
    draws = hand_made(np.full((20, 1, 2), [400.0, 20.0]))
    proposal = optimize(draws, spend_of(draws, 100, 100), Limits(total="free"))
    cells = proposal.plan.spend.index
    health = Health(
        rhat_max=1.0,
        ess_bulk_min=1000.0,
        ess_tail_min=1000.0,
        divergences=0,
        n_draws=20,
        prior_share=pd.Series([0.5, 1.0], index=cells),
        fit_r2=pd.Series([0.9], index=["a"]),
    )
    informed, guessed = decide(proposal, health=health).calls
    assert guessed.action == "monitor"
    assert guessed.recommended_spend == guessed.current_spend
    assert "not informed" in guessed.reason
    without = decide(proposal).calls[1]
    assert without.action == "reduce", "it is the missing evidence that holds it"
    assert informed.action == decide(proposal).calls[0].action


# What would overturn a decision ------------------------------------------------------------------


def flips(decisions: Decisions):
    return [call.flip_at for call in decisions.calls]


def test_the_two_sides_of_one_bet_flip_at_their_own_shares():
    draws, today = sure_pair()
    decisions = decide(optimize(draws, today, FIXED))
    brought, lost = 400 * (130 / 230 - 0.5), 20 * (0.5 - 70 / 170)
    gain = brought - lost
    assert flips(decisions) == pytest.approx([gain / brought, gain / lost])


def test_a_held_cell_flips_where_a_small_cut_would_pay():
    draws = hand_made(
        np.full((20, 1, 2), 800.0)
    )  # the next unit brings 2.00, at most today's total
    decisions = decide(optimize(draws, spend_of(draws, 100, 100)))
    assert actions(decisions) == ["monitor", "monitor"]
    lost = 800 * (0.5 - 95 / 195)
    elsewhere = decisions.elsewhere[0]
    assert flips(decisions) == pytest.approx([1 - 5 * elsewhere / lost] * 2)


@few
@given(seeds, st.sampled_from(["fixed", "at_most", "free"]), st.sampled_from([0.6, 0.8, 0.95]))
def test_a_call_stands_just_below_its_flip_and_falls_just_above_it(seed, total, bar):
    draws, today = random_world(seed)
    lax = Thresholds(prob=bar, max_wrong_share=1.0)
    proposal = decide(optimize(draws, today, Limits(total=total)), lax).proposal
    decisions = decide(proposal, lax)
    compared = proposal.comparisons()
    now, after = (cell_money(draws, plan.spend) for plan in (proposal.current, proposal.plan))
    for i, (cell, call) in enumerate(zip(draws.cells, decisions.calls, strict=True)):
        if call.action == "monitor":
            continue

        def prob_if_wrong_by(error, i=i, cell=cell):
            """The cell's curve scaled in every draw: a raise brings less, a cut loses more."""
            own = after[:, i] - now[:, i]
            scale = 1 - error if own.mean() > 0 else 1 + error
            return np.mean(compared[cell].gain + (scale - 1) * own > 0)

        if call.flip_at > 1e-6:
            assert prob_if_wrong_by(call.flip_at - 1e-7) >= bar - 1e-9
        if (call.action == "reduce" and np.isfinite(call.flip_at)) or call.flip_at < 1:
            assert prob_if_wrong_by(call.flip_at + 1e-7) < bar


@few
@given(seeds)
def test_the_best_plan_without_a_move_does_not_depend_on_the_return_that_is_doubted(seed):
    draws, today = random_world(seed, n_accounts=1)
    proposal = optimize(draws, today, FIXED, MEAN_ONLY)
    for cell, found in proposal.comparisons().items():
        account, channel = (
            names.index(name)
            for names, name in zip((draws.accounts, draws.channels), cell, strict=True)
        )
        weights = draws.weights.copy()
        weights[:, account, channel] *= 0.7
        doubted = optimize(replace(draws, weights=weights), today, FIXED, MEAN_ONLY)
        held = doubted.refit(fixed=(cell,)).plan.spend
        same = proposal.refit(fixed=(cell,)).plan.spend
        np.testing.assert_allclose(held, same, rtol=1e-4, atol=1e-3)
        assert np.isfinite(found.gain).all()


def test_more_doubt_in_the_draws_makes_a_call_flip_earlier():
    rng = np.random.default_rng(0)
    shock = rng.normal(size=(400, 1, 1))
    at = []
    for spread in (0.05, 0.2):
        draws = hand_made(np.array([[[600.0, 100.0]]]) * np.exp(spread * shock * [1.0, 0.0]))
        at.append(flips(decide(optimize(draws, spend_of(draws, 100, 100), FIXED)))[0])
    assert at[0] > at[1] > 0


@pytest.mark.parametrize("limits", [FIXED, Limits(budget=160.0)], ids=["allowed", "forbidden"])
def test_nothing_flips_where_no_return_decides(limits):
    draws, today = sure_pair()
    ill = decide(optimize(draws, today, limits), health=unhealthy(draws.cells))
    assert np.isnan(flips(ill)).all()
    forced = decide(optimize(draws, today, Limits(budget=160.0)))
    assert np.isnan([call.flip_at for call in forced.calls if call.action != "monitor"]).all()
    fixed = decide(optimize(draws, today, Limits(fixed=("channel 0", "channel 1"))))
    assert np.isnan(flips(fixed)).all()
    off = decide(optimize(draws, spend_of(draws, 0, 100), FIXED))
    assert np.isnan(off.calls[0].flip_at)


def test_a_minimum_of_a_group_leaves_no_room_for_the_cut_that_would_flip():
    draws = hand_made(np.full((20, 1, 2), 800.0))
    group = Group(name="brand", channels=("channel 0",), minimum=98.0)
    decisions = decide(optimize(draws, spend_of(draws, 100, 100), Limits(groups=(group,))))
    assert np.isnan(decisions.calls[0].flip_at)
    assert 0 < decisions.calls[1].flip_at < 1


def test_an_uninformed_cell_has_no_return_to_doubt():
    draws = hand_made(np.full((20, 1, 2), 800.0))
    health = replace(unhealthy(draws.cells), problems=())
    guessed = replace(health, prior_share=pd.Series([0.5, 0.99], index=draws.cells))
    known, unknown = decide(optimize(draws, spend_of(draws, 100, 100)), health=guessed).calls
    assert known.flip_at > 0
    assert np.isnan(unknown.flip_at)


def test_caveats_about_a_cell_nobody_knows_are_refused():
    draws, today = sure_pair()
    with pytest.raises(InputError, match=r"caveats names 1 cell.*\('account 0', 'tv'\)"):
        decide(optimize(draws, today), caveats={("account 0", "tv"): "Beware."})


def test_a_blocked_cell_keeps_its_spend_and_pays_for_nobody():
    draws, today = sure_pair()
    proposal = optimize(draws, today, FIXED)
    decisions = decide(proposal, blocked={tuple(today.index[1]): "Its rows end on 2025-12-08."})
    assert actions(decisions) == ["monitor", "monitor"], "nobody else can give up the money"
    pd.testing.assert_series_equal(decisions.considered.plan.spend, today)
    reason = decisions.calls[1].reason
    assert reason.startswith("Monitor, not judged. Its rows end on 2025-12-08.")
    assert np.isnan(decisions.calls[1].flip_at)


def test_the_other_cells_are_decided_as_if_a_blocked_one_were_fixed():
    draws, today = random_world(5)
    cell = tuple(today.index[0])
    proposal = optimize(draws, today, Limits())
    blocked = decide(proposal, blocked={cell: "It is broken."})
    fixed = decide(optimize(draws, today, Limits(fixed=(cell,))))
    np.testing.assert_allclose(
        table(blocked).recommended_spend, table(fixed).recommended_spend, rtol=1e-5
    )
    assert actions(blocked) == actions(fixed)


def test_limits_that_a_blocked_cell_cannot_keep_say_so():
    draws, today = sure_pair()
    less = optimize(draws, today, Limits(total="fixed", budget=150.0))
    every = {tuple(cell): "It is broken." for cell in today.index}
    with pytest.raises(InfeasibleError, match=r"2 cell\(s\) are held at today's spend because"):
        decide(less, blocked=every)


def test_a_block_on_a_cell_nobody_has_is_refused():
    draws, today = sure_pair()
    with pytest.raises(InputError, match=r"blocked names 1 cell"):
        decide(optimize(draws, today), blocked={("nobody", "tv"): "It is broken."})
