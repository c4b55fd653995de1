"""What accounts share, kept in a record of its own: the prior of accounts that come later."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import adbudget as ab
from adbudget.model.archive import read_archive
from adbudget.model.block import pack
from adbudget.model.definition import build
from adbudget.model.density import value_and_gradient
from adbudget.model.evidence import gather
from adbudget.model.factor import make_likelihood
from adbudget.model.layout import Layout
from adbudget.model.learned import Learned, rows_of
from adbudget.model.level import level_centre
from adbudget.model.noise import TAIL_GRID, best_option
from adbudget.model.predict import prior_positions
from adbudget.model.reference import make_design
from adbudget.model.regressors import shared_columns
from adbudget.model.reweighting import Weighted
from adbudget.synthetic import WorldSpec, synthesize

FAST = {"draws": 250, "tune": 300, "chains": 2, "progress": False}


def as_if_of(population: ab.Population, n_accounts: int) -> ab.Population:
    """The same population, learned from another number of accounts."""
    learned = replace(population.learned, n_accounts=n_accounts)
    return replace(population, priors=replace(population.priors, learned=learned))


def made_up(channels: tuple[str, ...], seed: int = 0) -> Learned:
    """A population nobody has seen."""
    rng = np.random.default_rng(seed)
    size = Layout(len(channels), 0, 0).size
    root = rng.normal(size=(size, size)) * 0.3
    return Learned(
        channels=channels,
        mean=tuple(rng.normal(size=size).tolist()),
        covariance=rows_of(root @ root.T + 0.1 * np.eye(size)),
        columns=(),
        coefficients=(),
        coefficient_covariance=(),
        spreads=(),
        tail_df=float("inf"),
        level_power=0.0,
        n_accounts=9,
        n_rows=900,
        salt="00" * 16,
        members=(),
    )


def scored(score: float) -> Weighted:
    """A regression of which only the score matters."""
    none = np.zeros(0)
    return Weighted(weights=none, spread=none, residual=none, level=none, score=score)


@pytest.fixture(scope="module")
def population(fitted):
    return fitted.population


@pytest.fixture(scope="module")
def newcomer():
    """Half a year of an account of the same kind."""
    spec = WorldSpec(n_accounts=2, n_channels=3, n_periods=(26, 27), noise=0.05)
    world = synthesize(spec, 12)
    tables = [t[t["account"] == "account_01"] for t in (world.spend, world.outcome)]
    renamed = [table.assign(account="newcomer") for table in tables]
    return ab.read_panel(*renamed)


@pytest.fixture(scope="module")
def with_others(newcomer, population):
    return ab.fit(newcomer, seed=3, population=population, **FAST)


def test_both_engines_know_the_same_population(panel):
    learned = made_up(panel.channels)
    slope = np.random.default_rng(5).normal(size=len(learned.mean)) / 2
    learned = replace(learned, odds_slope=tuple(slope.tolist()))  # odds that go along with returns
    priors = replace(ab.Priors(), learned=learned)
    evidence = gather(panel, make_design(panel, priors))
    likelihood = make_likelihood(evidence, priors)
    layout = Layout(panel.n_channels, panel.n_accounts, likelihood.cell_channel.size)
    model = build(evidence, priors, likelihood)
    density = model.logp_dlogp_function(ravel_inputs=True)
    density.set_extra_values({})
    assert [v.name for v in model.continuous_value_vars] == list(layout.sizes)
    rng, block, offsets = np.random.default_rng(4), pack(likelihood, priors), []
    for _ in range(5):
        position = rng.normal(size=layout.size)
        value, gradient = value_and_gradient(position, block)
        expected, slope = density(position)
        assert gradient == pytest.approx(slope, rel=1e-8, abs=1e-8)
        offsets.append(value - expected)
    assert np.ptp(offsets) < 1e-9 * max(1, np.abs(offsets).max())


def test_prior_draws_have_the_moments_of_what_was_learned():
    learned = made_up(("a", "b"))
    priors = replace(ab.Priors(), learned=learned)
    layout = Layout(2, 1, 2)
    part = layout.split(prior_positions(layout, priors, 40_000, seed=1))
    theirs = learned.layout.split(np.array(learned.mean))
    sd = learned.layout.split(np.sqrt(np.diag(np.array(learned.covariance))))
    for block, values in theirs.items():
        if values.size:
            error = 5 * sd[block] / np.sqrt(40_000)
            assert (np.abs(part[block].mean(axis=0) - values) < error).all()


@settings(max_examples=25)
@given(st.permutations(["search", "video", "social", "mail"]))
def test_the_order_of_channels_does_not_matter(order):
    learned = made_up(("search", "video", "social", "mail"))
    turned = learned.of_channels(tuple(order), ab.Priors().unseen_channel)
    back = turned.of_channels(learned.channels, ab.Priors().unseen_channel)
    assert back.mean == pytest.approx(learned.mean)
    assert np.array(back.covariance) == pytest.approx(np.array(learned.covariance))


def test_a_channel_nobody_has_seen_is_expected_to_be_like_the_others():
    learned, priors = made_up(("search", "video")), ab.Priors()
    wider = learned.of_channels(("search", "podcast"), priors.unseen_channel)
    part, cov = wider.layout.split(np.array(wider.mean)), np.array(wider.covariance)
    assert part["channel_return"][1] == pytest.approx(part["return_level"][0])
    assert cov[2, 2] == pytest.approx(cov[0, 0] + priors.between_channels**2)
    assert part["adstock_tilt"][1] == pytest.approx(priors.adstock_centre)
    assert np.linalg.eigvalsh(cov).min() > 0


def test_the_others_are_believed_of_a_newcomer(with_others, newcomer, population):
    """Its returns are surer than alone, and its population is that of all of them."""
    alone = ab.fit(newcomer, seed=3, **FAST)
    width = [np.log(f.cell_draws.roi + 0.1).std(axis=(0, 1)) for f in (with_others, alone)]
    assert (width[0] < width[1]).all()
    assert with_others.population.n_accounts == population.n_accounts + 1
    assert with_others.population.has("newcomer")
    assert with_others.population.has("account_01")


def test_what_was_learned_of_calendar_and_noise_is_where_the_search_begins(newcomer, population):
    priors = population.priors_for(newcomer.channels)
    shared = shared_columns(make_design(newcomer, priors), priors)
    assert shared.names == population.learned.columns
    assert shared.centre == pytest.approx(np.array(population.learned.coefficients))
    assert dict(zip(shared.groups, shared.apart, strict=True)) == pytest.approx(
        dict(population.learned.spreads)
    )
    assert level_centre(priors)[1] == pytest.approx(population.learned.mean[-1])


def test_a_tail_that_others_have_shown_stands_until_rows_say_otherwise():
    mild, clear = ([[scored(s) for s in (0.0, 1.0, top, 0.0)]] for top in (2.0, 60.0))
    heavy = TAIL_GRID.index(4.0)
    assert best_option(mild, 26) == 0
    assert best_option(mild, 26, heavy) == heavy
    assert best_option(clear, 26) == heavy


def test_accounts_it_was_learned_from_do_not_count_twice(panel, population):
    with pytest.raises(ab.InputError, match=r"account_01.*count twice"):
        ab.fit(panel, seed=1, population=population)


def test_priors_and_a_population_are_two_answers_to_one_question(newcomer, population):
    with pytest.raises(ab.InputError, match="not both"):
        ab.fit(newcomer, ab.Priors(), seed=1, population=population)
    with pytest.raises(ab.InputError, match=r"fit\.population"):
        ab.fit(newcomer, seed=1, population=3)  # pyright: ignore[reportArgumentType]


def test_a_file_keeps_it_and_tells_nobody_who_the_accounts_are(population, newcomer, tmp_path):
    path = tmp_path / "agency.population"
    as_if_of(population, 5).save(path)
    back = ab.Population.load(path)
    assert back.learned == as_if_of(population, 5).learned
    assert back.to_frame().columns.tolist() == population.to_frame().columns.tolist()
    assert back.has("account_01")
    assert not back.has("account_1")
    text, _ = read_archive(path, "adbudget-population", "population", "")
    assert "account_0" not in str(text)
    assert path.stat().st_size < 200_000
    again = ab.fit(newcomer, seed=3, population=path, draws=100, tune=100, chains=2, progress=False)
    assert again.priors == back.priors_for(newcomer.channels)
    with pytest.raises(ab.InputError, match="count twice"):
        back.check_new(["account_02"])


def test_a_value_that_only_some_accounts_have_stays_out_of_the_file(population, tmp_path):
    mixed = replace(as_if_of(population, 5), margin=(0.31, 0.4), currency=("EUR", "USD"))
    mixed.save(tmp_path / "mixed.population")
    back = ab.Population.load(tmp_path / "mixed.population")
    assert (back.margin, back.currency, back.unit_value) == ((), (), population.unit_value)
    with pytest.raises(ab.InputError, match="margin differs between the accounts of the fit, so"):
        back.new_account({population.channels[0]: 1.0}, seed=1)
    with pytest.raises(ab.InputError, match="no account of the fit has"):
        back.new_account({population.channels[0]: 1.0}, seed=1, name="account_01")


def test_few_accounts_are_not_written_down(population, tmp_path):
    with pytest.raises(ab.InputError, match="at least 5"):
        as_if_of(population, 4).save(tmp_path / "few.population")
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_no_population(fitted, tmp_path):
    fitted.save(tmp_path / "a.fit")
    with pytest.raises(ab.FileFormatError, match="not a saved population"):
        ab.Population.load(tmp_path / "a.fit")


def test_a_fit_with_a_population_is_saved_and_updated_like_any_other(with_others, tmp_path):
    with_others.save(tmp_path / "b.fit")
    back = ab.Fit.load(tmp_path / "b.fit")
    assert back.priors == with_others.priors
    assert back.population.learned == with_others.population.learned


def test_it_is_told_in_a_few_lines(population):
    lines = repr(population).splitlines()
    assert sum(any(line.split()[:1] == [c] for c in population.channels) for line in lines) == 3
    assert "of 4 accounts" in repr(population)
