"""A new account is a draw from the population: its median, its width, its units."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import adbudget as ab
from adbudget.model.population import population_of
from adbudget.model.predict import prior_positions
from adbudget.model.scores import crps_of_draws
from adbudget.model.transform import NEGLIGIBLE, bend
from adbudget.synthetic import families, synthesize

SHARES = {"search": 0.5, "shopping": 0.3, "social": 0.2}


def average_return(draws: ab.CurveDraws, basis_mean: np.ndarray, bursts: np.ndarray) -> np.ndarray:
    """(draw, account, channel) average return over a history with these means of the basis.

    ``bursts`` : spend that money is spent at over mean spend
    """
    money = (draws.weights * basis_mean).sum(axis=(3, 4)) * draws.unit_value[:, None]
    return money / (draws.scale / bursts)


@pytest.fixture(scope="module")
def population(fitted):
    return population_of(fitted)


@pytest.fixture(scope="module")
def new(fitted):
    return fitted.draws.new_account(SHARES, seed=1, total_spend=5_000.0)


def test_its_median_return_is_the_channels_in_every_draw(new, population):
    """Half of the draws lie above the return of an account and a cell without effects."""
    part = population.layout.split(population.positions)
    middle = bend(part["channel_return"], part["return_level"], ab.Priors())
    returns = average_return(new, population.basis_mean, population.bursts)[:, 0]
    above = (np.log(np.maximum(returns, 1e-9)) > middle).mean(axis=0)
    assert above == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(new.n_draws))


def test_where_accounts_do_not_differ_it_is_the_population(population):
    positions = np.array(population.positions, dtype=float)
    part = population.layout.split(positions)
    part["channel_spread"][:] = part["account_spread"][:] = 0.0
    same = replace(population, positions=positions)
    channel = np.exp(bend(part["channel_return"], part["return_level"], ab.Priors()))
    channel[channel < NEGLIGIBLE * np.exp(part["return_level"])] = 0.0
    for seed in (1, 2):
        returns = average_return(
            same.new_account(SHARES, seed=seed), population.basis_mean, population.bursts
        )[:, 0]
        assert returns == pytest.approx(channel)


def test_it_is_less_certain_than_every_account_with_a_history(new, fitted, population):
    design = fitted.evidence.design
    basis_mean = design.basis_mean[..., : design.half_saturation.size]
    known = average_return(fitted.draws, basis_mean, design.unit / design.scale)
    own = average_return(new, population.basis_mean, population.bursts)
    width_known, width_new = (np.std(np.log(0.1 + values), axis=0) for values in (known, own))
    assert (width_new[0] > np.nanmax(width_known, axis=0)).all()


def test_its_shapes_differ_from_draw_to_draw_even_where_the_channels_are_known(population):
    """Own tilts are drawn too, not only returns."""
    one = np.repeat(np.array(population.positions[:1], dtype=float), 2_000, axis=0)
    part = population.layout.split(one)
    for name in ("return_level", "channel_return", "channel_spread", "account_spread"):
        part[name][:] = 0.0
    priors = ab.Priors()
    weights = replace(population, positions=one).new_account(SHARES, seed=3).weights[:, 0]
    own = {
        3: priors.adstock_focus * priors.cell_adstock_sd,
        2: priors.saturation_focus * priors.cell_saturation_sd,
    }
    n_curves = {3: len(priors.adstocks), 2: len(priors.saturation_names)}
    for over_the_other_grid, sd in own.items():
        share = (weights * population.basis_mean).sum(axis=over_the_other_grid)
        # Both grids run from -1 to 1 in equal steps; S-shaped curves are the end of the second.
        step = 2 / (n_curves[over_the_other_grid] - 1)
        tilt = np.log(share[..., 1] / share[..., 0]) / step
        assert tilt.std(axis=0) == pytest.approx(sd, rel=0.07)


def test_same_seed_same_account_and_another_seed_another(fitted, new):
    again = fitted.draws.new_account(SHARES, seed=1, total_spend=5_000.0)
    other = fitted.draws.new_account(SHARES, seed=2, total_spend=5_000.0)
    assert (again.weights == new.weights).all()
    assert (other.weights != new.weights).any()


def test_a_generator_is_a_seed_too(fitted):
    rng = np.random.default_rng(1)
    first, second = (fitted.draws.new_account(SHARES, seed=rng) for _ in range(2))
    assert (first.weights == fitted.draws.new_account(SHARES, seed=1).weights).all()
    assert (first.weights != second.weights).any()


@given(times=st.floats(0.01, 1e4), level=st.floats(0.0, 3.0))
@settings(max_examples=20)
def test_money_has_no_unit_of_its_own(population, times, level):
    """More spend on the same shares brings as many times more: only shares shape the curves."""
    small = population.new_account(SHARES, seed=4).isel(slice(20))
    large = population.new_account(SHARES, seed=4, total_spend=times).isel(slice(20))
    plan = pd.Series({("new account", c): level * s for c, s in SHARES.items()})
    assert large.response(plan * times).to_numpy() == pytest.approx(
        times * small.response(plan).to_numpy()
    )


def test_it_uses_only_the_channels_it_names_and_starts_without_carry_over(fitted):
    lone = fitted.draws.new_account({"social": 1.0}, seed=1, name="shop")
    assert lone.cells.tolist() == [("shop", "social")]
    assert lone.channels == fitted.draws.channels
    assert (lone.carry_in == 0).all()


def test_later_steps_take_it_like_any_other_account(new):
    now = pd.Series({cell: 5_000.0 * SHARES[cell[1]] for cell in new.cells})
    proposal = ab.optimize(new, now, ab.Limits(change=0.3, total="fixed"))
    decisions = ab.decide(proposal)
    outcome = ab.simulate(new, proposal.plan, current=now)
    assert len(decisions.calls) == 3
    assert proposal.plan.spend.sum() == pytest.approx(5_000.0)
    assert np.isfinite(outcome.value).all()


def test_a_step_with_some_draws_still_knows_the_population(fitted, new):
    few = fitted.draws.isel(draw=[7, 3])
    picked = few.new_account(SHARES, seed=1, total_spend=5_000.0)
    assert picked.n_draws == 2
    assert few.population.positions == pytest.approx(fitted.draws.population.positions[[7, 3]])


def test_counts_and_money_are_one_account_in_two_units(world):
    leads = world.outcome.assign(leads=world.outcome["revenue"] / 50).drop(columns="revenue")
    priors, shares = ab.Priors(), {"search": 1.0}
    options = {"draws": 100, "tune": 200, "chains": 2, "progress": False}
    by_count = ab.fit(ab.read_panel(world.spend, leads, value_per_unit=50.0), seed=1, **options)
    draws = by_count.draws.new_account(shares, seed=1)
    as_money = replace(population_of(by_count), unit_value=(1.0,)).new_account(shares, seed=1)
    assert draws.unit_value.tolist() == [50.0]
    assert 50 * draws.weights == pytest.approx(as_money.weights)
    assert draws.half_saturation.tolist() == list(priors.half_saturation)


def test_values_the_accounts_do_not_share_have_to_be_given(population):
    apart = replace(
        population,
        unit_value=np.array([1.0, 1.0, 2.0, 1.0]),
        margin=np.array([0.3, 0.4, 0.3, 0.3]),
        currency=("EUR", "EUR", "USD", "EUR"),
    )
    given = {"unit_value": 2.0, "margin": 0.5, "currency": "USD"}
    for name in given:
        others = {key: value for key, value in given.items() if key != name}
        with pytest.raises(ab.InputError, match=name):
            apart.new_account(SHARES, seed=1, **others)
    made = apart.new_account(SHARES, seed=1, **given)
    assert (made.unit_value[0], made.margin[0], made.currency[0]) == (2.0, 0.5, "USD")


def test_curves_made_by_hand_know_no_population(fitted):
    with pytest.raises(ab.InputError, match="do not come from a fit"):
        replace(fitted.draws, population=None).new_account(SHARES, seed=1)


@pytest.mark.parametrize(
    ("share", "options", "words"),
    [
        ({}, {}, "must be a mapping"),
        ([0.5, 0.5], {}, "must be a mapping"),
        ({"radio": 1.0}, {}, "never seen: 'radio'"),
        ({"search": 0.5}, {}, "adds up to 0.5"),
        ({"search": 300.0, "social": 700.0}, {}, "total_spend=1000"),
        ({"search": 1.5, "social": -0.5}, {}, "positive number; it is -0.5"),
        ({"search": 1.0, "social": 0.0}, {}, "Leave out a channel"),
        ({"search": 1.0, "social": np.nan}, {}, "positive number"),
        (pd.Series([0.5, 0.5], index=["search", "search"]), {}, "more than once"),
        (SHARES, {"total_spend": 0.0}, "total_spend"),
        (SHARES, {"name": "account_01"}, "name must be text that no account"),
        (SHARES, {"name": " "}, "name must be text"),
        (SHARES, {"seed": -1}, "seed must be"),
        (SHARES, {"seed": True}, "seed must be"),
        (SHARES, {"margin": -0.1}, "margin must be a positive number"),
        (SHARES, {"unit_value": "5"}, "unit_value must be a positive number"),
    ],
)
def test_arguments_out_of_range_are_named(fitted, share, options, words):
    with pytest.raises(ab.InputError, match=words):
        fitted.draws.new_account(share, **({"seed": 1} | options))


def test_a_series_of_shares_is_read_like_a_mapping(fitted):
    shares = pd.Series(SHARES)
    made = fitted.draws.new_account(shares, seed=1, total_spend=5_000.0)
    same = fitted.draws.new_account(SHARES, seed=1, total_spend=5_000.0)
    assert (made.weights == same.weights).all()


def left_out_account(world, name: str) -> pd.DataFrame:
    """By cell of an account the fit has not seen: two forecasts of its return, against the truth.

    One forecast comes from the population the other accounts have taught, one from the prior's.
    """
    scale = pd.Series(world.truth.scale, index=world.truth.cells)
    others = [table[table["account"] != name] for table in (world.spend, world.outcome)]
    fitted = ab.fit(ab.read_panel(*others), seed=1, draws=400, chains=2, progress=False)
    taught = population_of(fitted)
    positions = prior_positions(taught.layout, taught.priors, 2_000, seed=3)
    spend, true = scale[name], world.truth.roi(scale)[name].to_numpy()
    columns = {}
    for source, population in (("taught", taught), ("prior", replace(taught, positions=positions))):
        draws = population.new_account(
            spend / spend.sum(), seed=2, total_spend=spend.sum(), name=name
        )
        returns = draws.response(scale[[name]]).to_numpy()[:, draws.exists] / spend.to_numpy()
        low, high = np.quantile(returns, (0.05, 0.95), axis=0)
        columns[f"{source}_holds"] = (low <= true) & (true <= high)
        columns[f"{source}_width"] = high - low
        columns[f"{source}_crps"] = crps_of_draws(returns, true)
    return pd.DataFrame(columns)


@pytest.mark.slow
def test_accounts_left_out_are_covered_and_better_foretold_than_by_the_prior():
    """Leave one account out, twice eight times: 64 cells nobody has seen."""
    worlds = [synthesize(families()["assumed"], seed) for seed in (1, 2)]
    cells = pd.concat([left_out_account(w, name) for w in worlds for name in w.spec.account_names])
    mean = cells.mean()
    print(mean.round(2).to_dict())
    assert mean["taught_holds"] >= 0.85
    assert mean["taught_crps"] < 0.7 * mean["prior_crps"]
    assert mean["taught_width"] < 0.7 * mean["prior_width"]
