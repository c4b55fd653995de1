from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st

from adbudget.curves import delayed
from adbudget.draws import CurveDraws
from adbudget.errors import InputError
from adbudget.plan import Plan
from adbudget.simulation import FADED, simulate
from tests.optimizer.hand_made import hand_made, random_world, spend_of

seeds = st.integers(0, 10_000)
few = settings(max_examples=20)


def with_adstock(seed, retention=(0.0, 0.4, 0.8), **sizes):
    """A random world whose weight is spread over several adstocks."""
    draws, spend = random_world(seed, **sizes)
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(len(retention)), draws.weights.shape[:3])
    carry_in = rng.uniform(0, 2, (*draws.scale.shape, len(retention)))
    draws = replace(
        draws,
        weights=draws.weights * share[..., None],
        retention=np.array(retention),
        mix=np.eye(len(retention)),
        carry_in=carry_in,
        unit_value=rng.uniform(1, 50, len(draws.accounts)),
        margin=rng.uniform(0.1, 1, len(draws.accounts)),
    )
    return draws, spend


def one_cell(retention, *, weight=100.0, half_saturation=1.0, carry_in=0.0, period_days=7.0):
    """One draw of one curve with one adstock, scale 100."""
    draws = hand_made([[[weight]]], half_saturation=(half_saturation,))
    return replace(
        draws,
        retention=np.array([retention]),
        carry_in=np.full((1, 1, 1), carry_in),
        period_days=period_days,
    )


def played(weights, retention, half_saturation, scale, spend, stock):
    """Total outcome period by period, by hand."""
    stock, path = list(stock), []
    for money in spend:
        outcome = 0.0
        for j, kept in enumerate(retention):
            stock[j] = kept * stock[j] + (1 - kept) * money / scale
            for m, half in enumerate(half_saturation):
                outcome += weights[j][m] * stock[j] / (stock[j] + half)
        path.append(outcome)
    return np.array(path)


@few
@given(seeds, st.integers(1, 8), st.booleans())
def test_todays_plan_gains_exactly_nothing(seed, horizon, carry_in):
    draws, now = with_adstock(seed, n_draws=4)
    outcome = simulate(draws, now, current=now, horizon=horizon, carry_in=carry_in)
    assert (outcome.lift == 0).all()
    assert (outcome.value == 0).all()
    assert (outcome.spend_change == 0).all()
    xr.testing.assert_identical(outcome.path, outcome.current_path)


@few
@given(seeds, st.lists(st.floats(0, 500), min_size=1, max_size=6), st.booleans())
def test_one_cell_follows_the_recursion(seed, money, carry_in):
    draws, now = with_adstock(seed, n_accounts=1, n_channels=1, n_draws=2)
    plan = pd.DataFrame([money], index=draws.cells)
    outcome = simulate(draws, plan, current=now, carry_in=carry_in)
    scale, today = draws.scale[0, 0], now.iloc[0]
    stock = draws.carry_in[0, 0] if carry_in else [today / scale] * 3
    n_after = outcome.path.sizes["period"] - len(money)
    for d in range(2):
        curve = (draws.weights[d, 0, 0], draws.retention, draws.half_saturation, scale)
        with_plan = played(*curve, [*money, *[today] * n_after], stock)
        without = played(*curve, [today] * (len(money) + n_after), stock)
        np.testing.assert_allclose(outcome.path[d, 0], with_plan, rtol=1e-12)
        np.testing.assert_allclose(outcome.current_path[d, 0], without, rtol=1e-12)
        np.testing.assert_allclose(
            outcome.lift[d, 0, 0], (with_plan - without).sum(), rtol=1e-9, atol=1e-9
        )


def test_two_periods_of_double_spend_on_paper():
    draws = one_cell(0.5, carry_in=1.0)
    outcome = simulate(draws, spend_of(draws, 200.0), current=spend_of(draws, 100.0), horizon=2)
    stock = np.array([1.5, 1.75])  # 0.5 * 1 + 0.5 * 2, then 0.5 * 1.5 + 0.5 * 2
    np.testing.assert_allclose(outcome.path[0, 0, :2], 100 * stock / (stock + 1))
    np.testing.assert_allclose(outcome.current_path[0, 0], 50.0)


def test_a_current_plan_that_always_ran_is_in_its_steady_state():
    draws, now = with_adstock(3)
    outcome = simulate(draws, now, current=now, horizon=5, carry_in=False)
    steady = draws.response(now).sum("channel")
    np.testing.assert_allclose(outcome.path, steady.expand_dims(period=outcome.path.period, axis=2))


@few
@given(seeds, st.floats(0.0, 3.0), st.booleans())
def test_a_long_constant_plan_ends_in_its_steady_state(seed, factor, carry_in):
    draws, now = with_adstock(seed, n_draws=3)
    plan = factor * now
    outcome = simulate(draws, plan, current=now, horizon=120, carry_in=carry_in)
    last = outcome.path.sel(period=120)
    np.testing.assert_allclose(last, draws.response(plan).sum("channel"), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("retention", [0.0, 0.3, 0.7, 0.9])
@pytest.mark.parametrize("carry_in", [0.0, 1.0, 3.0])
def test_on_a_straight_line_adstock_moves_the_lift_in_time_but_loses_none(retention, carry_in):
    straight = 1e9
    draws = one_cell(retention, weight=2.5 * 100 * straight, half_saturation=straight)
    draws = replace(draws, carry_in=np.full((1, 1, 1), carry_in))
    outcome = simulate(draws, spend_of(draws, 130.0), current=spend_of(draws, 100.0), horizon=4)
    everything = 2.5 * 30 * 4
    lift = outcome.lift.item()
    assert (1 - FADED) * everything <= lift <= everything * (1 + 1e-6)
    assert outcome.lift_path[0, 0, 0].item() == pytest.approx((1 - retention) * 75, rel=1e-6)


def delayed_cell(first, second, *, weight=100.0, half_saturation=1.0, plain=False):
    """One draw of one curve whose adstock is one decay fed into the other, or the longer alone."""
    draws = one_cell(0.0, weight=weight, half_saturation=half_saturation)
    return replace(
        draws,
        retention=np.array([first, second]),
        mix=np.array([(0.0, 1.0) if plain else delayed(first, second)]),
        carry_in=np.zeros((1, 1, 2)),
    )


def lift_of_a_pulse(draws):
    """(period,) outcome gained by one period of double spend."""
    now = spend_of(draws, 100.0)
    outcome = simulate(draws, 2 * now, current=now, horizon=1, carry_in=False)
    return outcome.lift_path[0, 0].to_numpy()


def test_a_delayed_effect_peaks_after_the_spend_and_a_plain_one_with_it():
    late = lift_of_a_pulse(delayed_cell(0.5, 0.8))
    plain = lift_of_a_pulse(delayed_cell(0.5, 0.8, plain=True))
    assert np.argmax(plain) == 0
    assert np.argmax(late) == 1  # where 0.8^(t + 1) - 0.5^(t + 1) is largest
    assert late[0] < plain[0]
    assert (late >= 0).all()


@pytest.mark.parametrize("pair", [(0.5, 0.8), (0.0, 0.9), (0.84, 0.85)])
def test_a_delay_moves_the_lift_in_time_but_loses_none(pair):
    straight = 1e9
    draws = delayed_cell(*pair, weight=2.5 * 100 * straight, half_saturation=straight)
    everything = 2.5 * 100
    assert (1 - FADED) * everything <= lift_of_a_pulse(draws).sum() <= everything * (1 + 1e-6)


def test_a_delayed_effect_carries_in_what_was_spent_before():
    draws = delayed_cell(0.5, 0.8)
    now = spend_of(draws, 100.0)
    full = replace(draws, carry_in=np.ones((1, 1, 2)))
    always = simulate(draws, now, current=now, carry_in=False).path
    np.testing.assert_allclose(simulate(full, now, current=now).path, always)
    empty = simulate(draws, now, current=now).path[0, 0].to_numpy()
    assert (np.diff(empty) > 0).all(), "the first weeks build up"
    level = 0.2 * 0.5  # both decays at their first step
    assert empty[0] == pytest.approx(100 * level / (level + 1))


def test_an_empty_start_earns_less_and_its_next_unit_more():
    draws = one_cell(0.8, carry_in=0.0)
    now, plan = spend_of(draws, 100.0), spend_of(draws, 130.0)
    empty, full = (simulate(draws, plan, current=now, carry_in=start) for start in (True, False))
    assert (empty.path < full.path).all()
    assert empty.lift.item() > full.lift.item() > 0


def test_a_history_at_todays_level_starts_where_today_always_ran():
    draws, now = with_adstock(2)
    level = now.to_numpy().reshape(draws.scale.shape) / draws.scale
    draws = replace(draws, carry_in=np.repeat(level[..., None], 3, axis=2))
    with_history, without = (
        simulate(draws, 1.2 * now, current=now, carry_in=start) for start in (True, False)
    )
    xr.testing.assert_allclose(with_history.lift, without.lift)


@few
@given(seeds, st.integers(1, 6))
def test_a_constant_path_is_a_constant_plan(seed, horizon):
    draws, now = with_adstock(seed, n_draws=2)
    plan = 1.3 * now
    path = pd.concat([plan] * horizon, axis=1).sample(frac=1, random_state=0)
    by_path = simulate(draws, path, current=now)
    constant = simulate(draws, plan, current=now, horizon=horizon)
    assert by_path.horizon == horizon
    xr.testing.assert_identical(by_path.path, constant.path)
    xr.testing.assert_identical(by_path.lift, constant.lift)
    xr.testing.assert_allclose(by_path.value, constant.value)


def test_spend_later_in_a_path_earns_later():
    draws = one_cell(0.5, carry_in=1.0)
    now = spend_of(draws, 100.0)
    early = simulate(draws, pd.DataFrame([[200.0, 100.0]], index=draws.cells), current=now)
    late = simulate(draws, pd.DataFrame([[100.0, 200.0]], index=draws.cells), current=now)
    assert early.lift_path[0, 0, 0] > 0
    assert late.lift_path[0, 0, 0] == 0
    # the same pulse, one period later
    np.testing.assert_allclose(early.lift_path[0, 0, :-1], late.lift_path[0, 0, 1:])


@few
@given(seeds, st.floats(0, 2))
def test_value_is_margin_money_gained_less_the_spend_added(seed, factor):
    draws, now = with_adstock(seed, n_draws=3)
    plan = now * np.linspace(factor, 1.0, now.size)
    outcome = simulate(draws, plan, current=now, horizon=3)
    added = 3 * (plan - now)
    np.testing.assert_allclose(outcome.spend_change.to_numpy().ravel(), added, atol=1e-9)
    by_account = added.groupby("account", sort=False).sum().to_numpy()
    gained = outcome.lift.sum("channel").to_numpy() * draws.unit_value * draws.margin
    np.testing.assert_allclose(outcome.value, gained - by_account, rtol=1e-9, atol=1e-6)


@few
@given(seeds)
def test_the_path_and_the_cells_tell_of_one_lift(seed):
    draws, now = with_adstock(seed, n_draws=3)
    outcome = simulate(draws, 1.4 * now, current=now)
    np.testing.assert_allclose(
        outcome.lift_path.sum("period"), outcome.lift.sum("channel"), rtol=1e-9, atol=1e-9
    )


def test_every_draw_is_played_by_itself():
    draws, now = with_adstock(5, n_draws=6)
    together = simulate(draws, 1.2 * now, current=now)
    for d in (0, 3, 5):
        alone = simulate(draws.isel(draw=[d]), 1.2 * now, current=now)
        for name in ("path", "lift", "value"):
            np.testing.assert_allclose(getattr(alone, name)[0], getattr(together, name)[d])


@pytest.mark.parametrize(("period_days", "periods"), [(1.0, 28), (7.0, 4), (365.25 / 12, 1)])
def test_a_plan_runs_for_four_weeks_unless_told(period_days, periods):
    draws = one_cell(0.0, period_days=period_days)
    outcome = simulate(draws, spend_of(draws, 50.0), current=spend_of(draws, 100.0))
    assert outcome.horizon == periods
    assert outcome.path.sizes["period"] == periods, "nothing is carried over without adstock"
    assert outcome.spend_change.item() == -50.0 * periods


@pytest.mark.parametrize(("period_days", "n_after"), [(7.0, 44), (14.0, 29)])
def test_carry_over_is_counted_until_it_has_faded_or_400_days_have_passed(period_days, n_after):
    draws = one_cell(0.9, period_days=period_days)  # 0.9^44 < 0.01 < 0.9^43
    outcome = simulate(draws, spend_of(draws, 50.0), current=spend_of(draws, 100.0), horizon=1)
    assert outcome.path.sizes["period"] == 1 + n_after


def test_a_cell_that_does_not_exist_has_no_lift_and_spoils_no_sum():
    scale = np.array([[100.0, 100.0], [np.nan, 100.0]])
    weights = np.ones((2, 2, 2)) * np.array([[1.0, 1.0], [0.0, 1.0]])
    draws = hand_made(weights, scale=scale)
    now = spend_of(draws, 100.0, 100.0, 100.0)
    outcome = simulate(draws, 2 * now, current=now)
    assert np.isnan(outcome.lift.to_numpy()[:, 1, 0]).all()
    assert np.isnan(outcome.spend_change.to_numpy()[1, 0])
    assert np.isfinite(outcome.path).all()
    assert np.isfinite(outcome.value).all()


def test_every_form_of_a_plan_is_played_alike():
    draws, now = with_adstock(8)
    plan = 0.7 * now
    wanted = simulate(draws, plan, current=now).value
    array = xr.DataArray.from_series(plan)
    for form in (Plan(spend=plan), plan.to_dict(), array, plan.iloc[::-1]):
        xr.testing.assert_identical(simulate(draws, form, current=now).value, wanted)


@dataclass
class FitOfOneCurve:
    draws: CurveDraws
    current_spend: pd.Series


def test_a_fit_knows_todays_spend_and_draws_alone_do_not():
    draws = one_cell(0.5)
    now, plan = spend_of(draws, 100.0), spend_of(draws, 150.0)
    fit = FitOfOneCurve(draws, now)
    assert simulate(fit, plan).value.equals(simulate(draws, plan, current=now).value)
    assert (simulate(fit, plan, current=plan).lift == 0).all()
    with pytest.raises(InputError, match="current is needed"):
        simulate(draws, plan)


@pytest.mark.parametrize("horizon", [0, -1, 2.0, "4", np.nan])
def test_a_horizon_that_is_no_number_of_periods_is_refused(horizon):
    draws = one_cell(0.5)
    spend = spend_of(draws, 100.0)
    with pytest.raises(InputError, match=r"horizon must be a whole number.*got"):
        simulate(draws, spend, current=spend, horizon=horizon)


def test_a_path_of_another_length_than_the_horizon_is_refused():
    draws = one_cell(0.5)
    path = pd.DataFrame([[1.0, 2.0]], index=draws.cells)
    with pytest.raises(InputError, match=r"2 periods .* horizon is 3"):
        simulate(draws, path, current=spend_of(draws, 1.0), horizon=3)
    assert simulate(draws, path, current=spend_of(draws, 1.0), horizon=2).horizon == 2


def test_a_path_without_periods_is_refused():
    draws = one_cell(0.5)
    with pytest.raises(InputError, match="no periods"):
        simulate(draws, pd.DataFrame(index=draws.cells), current=spend_of(draws, 1.0))


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({("account 0", "x"): 1.0}, "no value for 1 cell"),
        ({("account 0", "channel 0"): 1.0, ("account 0", "x"): 1.0}, "does not know"),
        ({("account 0", "channel 0"): -1.0}, ">= 0"),
    ],
)
def test_a_plan_for_other_cells_or_below_zero_is_refused(plan, words):
    draws = one_cell(0.5)
    with pytest.raises(InputError, match=words):
        simulate(draws, plan, current=spend_of(draws, 1.0))
    with pytest.raises(InputError, match=words):
        simulate(draws, spend_of(draws, 1.0), current=plan)


def test_a_path_with_a_bad_period_is_refused():
    draws = one_cell(0.5)
    path = pd.DataFrame([[1.0, np.nan]], index=draws.cells)
    with pytest.raises(InputError, match="finite"):
        simulate(draws, path, current=spend_of(draws, 1.0))
