import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.draws import CurveDraws
from adbudget.errors import InfeasibleError, InputError
from adbudget.optimizer import optimize
from adbudget.plan import Group, Limits
from adbudget.risk import Risk, risk_adjusted
from tests.optimizer.hand_made import hand_made, random_world, spend_of

MEAN_ONLY = Risk(aversion=0.0)

limits_of_all_kinds = st.builds(
    Limits,
    change=st.sampled_from([0.3, (0.1, 0.5), 0.9, None]),
    total=st.sampled_from(["fixed", "at_most", "free"]),
    pool=st.sampled_from([None, "currency"]),
    max_share=st.sampled_from([None, 0.6]),
    groups=st.sampled_from(
        [
            (),
            (Group(name="first", channels=("channel 0",), maximum=250.0),),
            (Group(name="some", accounts=("account 1",), minimum=150.0, maximum=900.0),),
        ]
    ),
    fixed=st.sampled_from([(), ("channel 1",), (("account 0", "channel 2"),)]),
    step=st.sampled_from([None, 5.0]),
)
risks = st.builds(Risk, aversion=st.sampled_from([0.0, 0.2, 1.0]), tail=st.sampled_from([0.1, 1.0]))


def worth(draws, proposal, spend):
    """Objective by the definition: response curves, money, tail by a sort."""
    gained = draws.response(spend) - draws.response(proposal.current.spend)
    money = (gained * draws.margin[:, None]).sum("channel").to_numpy()
    moved = (spend - proposal.current.spend).groupby("account", sort=False).sum().to_numpy()
    values = money - moved
    if proposal.limits.pool == "currency":
        return risk_adjusted(values.sum(axis=1), proposal.risk)
    return sum(risk_adjusted(values[:, a], proposal.risk) for a in range(values.shape[1]))


def broken(proposal):
    """Largest money by which the plan breaks a limit, written out limit by limit."""
    limits, spend, today = proposal.limits, proposal.plan.spend, proposal.current.spend
    over = [0.0]
    if limits.change is not None:
        down, up = limits.change if isinstance(limits.change, tuple) else (limits.change,) * 2
        over += [(today * (1 - down) - spend).max(), (spend - today * (1 + up)).max()]
    if limits.total != "free":
        by = (lambda s: s.groupby("account").sum()) if limits.pool is None else (lambda s: s.sum())
        excess = by(spend) - by(today)
        over.append(np.max(np.abs(excess) if limits.total == "fixed" else excess))
    if limits.max_share is not None:
        account_total = spend.groupby("account").transform("sum")
        over.append((spend - limits.max_share * account_total).max())
    for group in limits.groups:
        inside = spend
        if group.accounts:
            inside = inside[inside.index.get_level_values(0).isin(group.accounts)]
        if group.channels:
            inside = inside[inside.index.get_level_values(1).isin(group.channels)]
        over.append(inside.sum() - (group.maximum if group.maximum is not None else np.inf))
        over.append((group.minimum or 0.0) - inside.sum())
    for cell in limits.fixed:
        held = spend.xs(cell, level=1) if isinstance(cell, str) else spend[[cell]]
        before = today.xs(cell, level=1) if isinstance(cell, str) else today[[cell]]
        over.append((held - before).abs().max())
    return max(over)


@settings(max_examples=80)
@given(st.integers(0, 10_000), limits_of_all_kinds, risks)
def test_every_plan_keeps_its_limits_and_never_loses_to_one_that_may_hold(seed, limits, risk):
    draws, today = random_world(seed)
    try:
        proposal = optimize(draws, today, limits, risk)
    except InfeasibleError as error:
        assert error.conflict  # noqa: PT017
        return
    assert broken(proposal) <= 1e-8 * today.sum()
    assert proposal.objective == pytest.approx(
        worth(draws, proposal, proposal.plan.spend), abs=1e-6 * today.sum()
    )
    assert proposal.objective >= 0 or "breaks" in proposal.reason
    assert proposal.gap >= 0
    if limits.step is None:
        assert proposal.gap <= 1e-5 * today.sum()
    else:
        steps = (proposal.plan.spend - today) / limits.step
        assert np.abs(steps - steps.round()).max() < 1e-6


def values_on(draws, today, spends):
    """(plan, draw) value of many plans of one account, written out."""
    weights, half = draws.steady_weights[:, 0], draws.half_saturation
    level = (spends / draws.scale[0])[..., None]
    now = (today.to_numpy() / draws.scale[0])[:, None]
    gained = level / (level + half) - now / (now + half)
    moved = (spends - today.to_numpy()).sum(axis=1)
    return np.einsum("dcm,pcm->pd", weights, gained) - moved[:, None]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 0.7, 1.0]), st.booleans())
def test_no_point_of_a_fine_grid_beats_the_certificate(seed, aversion, fixed):
    draws, today = random_world(seed, n_accounts=1, n_channels=3, n_draws=15)
    limits = Limits(change=0.5, total="fixed" if fixed else "at_most")
    proposal = optimize(draws, today, limits, Risk(aversion=aversion))
    grid = np.stack(np.meshgrid(*[np.linspace(0.5, 1.5, 13)] * 3), axis=-1).reshape(-1, 3)
    spends = grid * today.to_numpy()
    if fixed:
        spends[:, 2] = today.sum() - spends[:, :2].sum(axis=1)
    share = spends / today.to_numpy()
    kept = (share > 0.5 - 1e-9).all(axis=1) & (share < 1.5 + 1e-9).all(axis=1)
    kept &= spends.sum(axis=1) <= today.sum() * (1 + 1e-12)
    best = max(
        risk_adjusted(values, proposal.risk) for values in values_on(draws, today, spends[kept])
    )
    assert best <= proposal.objective + proposal.gap + 1e-9 * today.sum()
    assert proposal.gap <= 1e-6 * today.sum()


def test_two_cells_with_one_shape_split_by_the_square_root_rule():
    # response w x / (x + 1): slopes are equal where (x_i + 1)^2 is in proportion to w_i
    draws = hand_made([[[400.0, 900.0]]])
    proposal = optimize(
        draws, spend_of(draws, 200, 200), Limits(change=None, total="fixed"), MEAN_ONLY
    )
    # x0 + x1 = 4 and (x1 + 1) / (x0 + 1) = 3 / 2
    np.testing.assert_allclose(proposal.plan.spend, [140.0, 260.0], rtol=1e-5)
    # value of the last unit of spend: 400 * 1 / (1.4 + 1)^2 / 100
    np.testing.assert_allclose(proposal.hurdle, 4 / 2.4**2, rtol=1e-5)
    assert set(proposal.at_limit) == {"total"}


def test_money_stays_unspent_once_its_margin_no_longer_pays_for_it():
    # slope of 0.5 * 800 x / (x + 1) per unit of spend is 4 / (x + 1)^2: one at x = 1
    draws = hand_made([[[800.0]]], margin=0.5)
    proposal = optimize(draws, spend_of(draws, 120), risk=MEAN_ONLY)
    assert proposal.plan.spend.item() == pytest.approx(100.0, rel=1e-5)
    assert proposal.hurdle.item() == 1.0
    assert proposal.at_limit.item() == ""


def test_a_fixed_total_is_spent_to_the_cent():
    draws, today = random_world(3, n_accounts=5, n_channels=4)
    spend = optimize(draws, today, Limits(total="fixed")).plan.spend
    np.testing.assert_allclose(
        spend.groupby("account").sum(), today.groupby("account").sum(), rtol=1e-12
    )


def test_when_nothing_beats_today_holding_is_best_and_exact():
    draws = hand_made([[[400.0, 400.0]]])
    today = spend_of(draws, 123.4, 123.4)
    proposal = optimize(draws, today, Limits(total="fixed"), MEAN_ONLY)
    assert proposal.holds
    assert proposal.plan.spend.equals(today)
    assert proposal.objective == 0.0
    assert not proposal.value.any()
    assert "holding is best" in proposal.reason


def test_doubt_makes_the_careful_hold_where_the_bold_move():
    # in one world channel 0 is far better, in the other a little worse
    draws = hand_made([[[900.0, 400.0]], [[380.0, 400.0]]])
    today, limits = spend_of(draws, 100, 100), Limits(total="fixed")
    assert not optimize(draws, today, limits, MEAN_ONLY).holds
    assert optimize(draws, today, limits, Risk(aversion=1.0, tail=0.5)).holds


def test_a_plan_that_breaks_a_limit_today_may_not_hold():
    draws = hand_made([[[900.0, 100.0]]])
    today = spend_of(draws, 160, 40)
    limits = Limits(max_share=0.7, change=0.5, total="fixed")
    proposal = optimize(draws, today, limits, MEAN_ONLY)
    assert proposal.plan.spend.tolist() == pytest.approx([140.0, 60.0])
    assert proposal.objective < 0
    assert "breaks max_share in account 0" in proposal.reason


@settings(max_examples=15)
@given(st.integers(0, 10_000), risks, st.randoms(use_true_random=False))
def test_the_order_of_accounts_and_channels_does_not_matter(seed, risk, random):
    draws, today = random_world(seed)
    a, c = random.sample(range(2), 2), random.sample(range(3), 3)
    shuffled = CurveDraws(
        accounts=tuple(draws.accounts[i] for i in a),
        channels=tuple(draws.channels[i] for i in c),
        weights=draws.weights[:, a][:, :, c],
        scale=draws.scale[np.ix_(a, c)],
        carry_in=draws.carry_in[np.ix_(a, c)],
        retention=draws.retention,
        half_saturation=draws.half_saturation,
        unit_value=draws.unit_value[a],
        margin=draws.margin[a],
        currency=tuple(draws.currency[i] for i in a),
        period_days=draws.period_days,
    )
    one = optimize(draws, today, Limits(total="fixed"), risk)
    other = optimize(shuffled, today, Limits(total="fixed"), risk)
    np.testing.assert_allclose(
        other.plan.spend[today.index], one.plan.spend, atol=1e-4 * today.sum()
    )
    assert other.objective == pytest.approx(one.objective, abs=1e-6 * today.sum())


@pytest.mark.parametrize("aversion", [0.0, 0.3])
def test_an_account_is_planned_as_if_it_were_alone(aversion):
    draws, today = random_world(11, n_accounts=4)
    risk = Risk(aversion=aversion)
    together = optimize(draws, today, risk=risk)
    name = draws.accounts[2]
    alone = CurveDraws(
        accounts=(name,), channels=draws.channels, weights=draws.weights[:, [2]],
        scale=draws.scale[[2]], carry_in=draws.carry_in[[2]], retention=draws.retention,
        half_saturation=draws.half_saturation, unit_value=draws.unit_value[[2]],
        margin=draws.margin[[2]], currency=("EUR",), period_days=7.0,
    )  # fmt: skip
    mine = optimize(alone, today[[name]], risk=risk).plan.spend
    np.testing.assert_allclose(together.plan.spend[[name]], mine, rtol=1e-5)


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=20)
def test_the_objective_is_concave_between_any_two_plans(seed, share):
    draws, today = random_world(seed)
    proposal = optimize(draws, today, Limits(change=0.0))
    rng = np.random.default_rng(seed)
    one, two = (today * rng.uniform(0, 3, today.size) for _ in range(2))
    between = worth(draws, proposal, share * one + (1 - share) * two)
    chord = share * worth(draws, proposal, one) + (1 - share) * worth(draws, proposal, two)
    assert between >= chord - 1e-7 * today.sum()


def test_currencies_are_never_added_up():
    draws, today = random_world(5, n_accounts=3)
    mixed = hand_made(
        draws.weights[:, :, :, 0], scale=draws.scale,
        half_saturation=draws.half_saturation, currency=("EUR", "USD", "EUR"),
    )  # fmt: skip
    proposal = optimize(mixed, today, Limits(pool="currency"))
    assert proposal.value.dims == ("draw", "currency")
    assert list(proposal.objective.index) == ["EUR", "USD"]
    assert list(proposal.gap_by_pool.index) == ["EUR", "USD"]
    by_account = proposal.value_by_account
    np.testing.assert_allclose(
        proposal.value.sel(currency="EUR"),
        by_account.sel(account="account 0") + by_account.sel(account="account 2"),
    )


def test_a_channel_that_is_off_stays_off_unless_told_how_far_it_may_go():
    draws = hand_made([[[400.0, 4000.0]]])
    today = spend_of(draws, 100, 0)
    held = optimize(draws, today, risk=MEAN_ONLY)
    assert held.plan.spend.iloc[1] == 0.0
    assert held.at_limit.iloc[1] == "no spend today"
    opened = optimize(
        draws, today, Limits(upper={("account 0", "channel 1"): 20.0}), risk=MEAN_ONLY
    )
    assert opened.plan.spend.tolist() == pytest.approx([80.0, 20.0])
    assert opened.at_limit.iloc[1] == "upper bound of 20.00"


def test_a_sliver_of_money_goes_where_it_earns_most():
    draws = hand_made([[[900.0, 5000.0]]])
    limits = Limits(change=1e-6, upper=530.0)  # frees 0.0005 for a channel that may take 530
    proposal = optimize(draws, spend_of(draws, 500, 0), limits, MEAN_ONLY)
    assert proposal.plan.spend.iloc[1] == pytest.approx(0.0005, rel=1e-5)
    assert proposal.gap < 1e-6


def test_an_account_without_money_keeps_none():
    draws = hand_made([[[900.0, 900.0], [900.0, 900.0]]])
    today = spend_of(draws, 0, 0, 100, 100)
    plan = optimize(draws, today, Limits(upper=120.0)).plan.spend
    assert plan.iloc[:2].tolist() == [0.0, 0.0]


def test_the_limit_that_binds_is_named():
    draws = hand_made([[[9000.0, 50.0, 400.0]]])
    today = spend_of(draws, 100, 100, 100)
    proposal = optimize(draws, today, Limits(fixed=("channel 2",)), MEAN_ONLY)
    assert proposal.at_limit.tolist() == ["upper bound of +30%", "lower bound of -30%", "fixed"]
    assert proposal.plan.spend.tolist() == [130.0, 70.0, 100.0]


def test_a_new_budget_is_spent_and_a_pool_shares_it():
    draws, today = random_world(8, n_accounts=2)
    budget = 1.1 * today.sum()
    limits = Limits(pool="currency", budget=budget, total="fixed")
    assert optimize(draws, today, limits).plan.spend.sum() == pytest.approx(budget, rel=1e-12)


def test_a_budget_that_is_no_multiple_of_the_step_is_refused():
    draws = hand_made([[[400.0, 400.0]]])
    limits = Limits(total="fixed", budget=207.0, step=10.0)
    with pytest.raises(InfeasibleError, match=r"whole steps of 10\.00"):
        optimize(draws, spend_of(draws, 100, 100), limits)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(["fixed", "at_most"]))
def test_whole_steps_keep_totals_and_bounds(seed, total):
    draws, today = random_world(seed, n_accounts=6, n_channels=4)
    plan = optimize(draws, today, Limits(total=total, step=25.0), MEAN_ONLY).plan.spend
    moved = (plan - today) / 25.0
    assert np.abs(moved - moved.round()).max() < 1e-9
    extra = (plan - today).groupby("account").sum()
    assert extra.abs().max() < 1e-9 if total == "fixed" else extra.max() < 1e-9
    assert ((plan - today).abs() <= 0.3 * today + 1e-9).all()


def test_a_lone_channel_is_left_alone_by_the_cap_on_shares():
    draws = hand_made([[[400.0]]])
    proposal = optimize(draws, spend_of(draws, 100), Limits(max_share=0.5), MEAN_ONLY)
    assert "breaks" not in proposal.reason


def test_a_small_plan_needs_no_heavy_import():
    code = "import sys, adbudget.optimizer; print([m for m in sys.modules if 'scipy.' in m][:3])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("aversion", [0.0, 0.3])
def test_refit_is_optimize_with_more_cells_held(aversion):
    draws, today = random_world(21, n_accounts=3)
    risk, cells = Risk(aversion=aversion), (("account 0", "channel 1"), "channel 2")
    again = optimize(draws, today, risk=risk).refit(cells)
    fresh = optimize(draws, today, Limits(fixed=cells), risk)
    np.testing.assert_allclose(again.plan.spend, fresh.plan.spend, rtol=1e-6)
    assert again.limits.fixed == cells
    assert again.plan.spend[("account 0", "channel 1")] == today[("account 0", "channel 1")]


def test_refit_leaves_other_accounts_to_the_last_bit():
    draws, today = random_world(22, n_accounts=3)
    first = optimize(draws, today)
    again = first.refit((("account 0", "channel 1"),))
    assert again.plan.spend["account 1"].equals(first.plan.spend["account 1"])


def test_the_callers_spend_is_not_touched():
    draws, today = random_world(2)
    before = today.copy()
    optimize(draws, today)
    pd.testing.assert_series_equal(today, before)


def test_curve_draws_alone_do_not_say_what_is_spent_today():
    draws, _ = random_world(2)
    with pytest.raises(InputError, match="current is needed"):
        optimize(draws)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(fixed=("radio",)), "fixed names 1 unknown channel"),
        (Limits(lower={("x", "y"): 1.0}), "lower names 1 unknown cell"),
        (Limits(change={("x", "y"): 0.1}), "change names 1 unknown cell"),
        (Limits(budget={"x": 1.0}), "budget names 1 unknown"),
        (Limits(budget=5.0), "budget is one number"),
        (Limits(pool={"x": "p"}), "pool names 1 unknown account"),
        (Limits(pool={"account 0": "account 1"}), "is also an account"),
        (Limits(pool={"account 0": "p", "account 1": "p"}), "different currencies"),
        (Limits(groups=(Group(name="g", channels=("radio",), maximum=1.0),)), "unknown channel"),
        (
            Limits(groups=(Group(name="g", channels=("channel 0",), maximum=1.0),)),
            "mixes currencies",
        ),
    ],
)
def test_limits_on_what_does_not_exist_are_named(limits, says):
    draws = hand_made(np.full((2, 2, 2), 300.0), currency=("EUR", "USD"))
    with pytest.raises(InputError, match=says):
        optimize(draws, spend_of(draws, 100, 100, 100, 100), limits)
