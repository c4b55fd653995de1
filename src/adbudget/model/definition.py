"""Evidence + Priors -> pm.Model: the definition people read and extend.

The compiled engine in ``density.py`` evaluates the same log density; a test holds the two to each
other. Everything linear with a Gaussian prior (level, trend, season, weekday, controls) and the
noise are integrated out in closed form before; what is left is a quadratic form in the weights.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from adbudget.model.evidence import Evidence, LiftRows
from adbudget.model.factor import Likelihood, make_likelihood
from adbudget.model.layout import POPULATION
from adbudget.model.learned import Learned
from adbudget.model.level import LEAST_BASE, LOG_SPREAD_SD, level_centre
from adbudget.model.priors import Priors
from adbudget.model.transform import BEND_WIDTH, known_spreads, tilt_grids, tilt_windows

if TYPE_CHECKING:
    import pymc as pm


def build(
    evidence: Evidence, priors: Priors | None = None, likelihood: Likelihood | None = None
) -> "pm.Model":
    """The model as PyMC people write it.

    Parameters
    ----------
    evidence : what the history says
    priors : what is believed before it; the defaults when None
    likelihood : the quadratic forms when already made; from ``evidence`` when None

    Returns
    -------
    pm.Model with dims account, channel, cell (one per account-channel in use)
    """
    import pymc as pm

    math: Any = pm.math  # symbolic, so its types are not numpy's

    priors = priors or Priors()
    likelihood = likelihood or make_likelihood(evidence, priors)
    design = evidence.design
    cell_account, cell_channel = np.argwhere(design.exists).T
    cell_names = [
        f"{design.accounts[a]} / {design.channels[c]}"
        for a, c in zip(cell_account, cell_channel, strict=True)
    ]
    coords = {
        "account": list(design.accounts),
        "channel": list(design.channels),
        "cell": cell_names,
        "adstock": list(priors.adstock_names),
        "saturation": list(priors.saturation_names),
    }
    if likelihood.tests is not None:
        tests = likelihood.tests.tests
        coords["lift_test"] = [tests.describe(i) for i in range(len(tests))]
    adstock_grid, shape_grid = tilt_grids(priors)
    adstock_window, shape_window = tilt_windows(priors)
    with pm.Model(coords=coords) as model:
        # Returns: a channel has one, accounts and cells differ from it. Channels share a level, and
        # their distances from it a scale: this Student-t is one of all of them together.
        n_channels, df = len(design.channels), priors.returns_df
        believed = (
            _believed(priors, n_channels) if priors.learned is None else _flat(priors.learned)
        )
        return_level, channel_return, channel_spread, account_spread, *tilts = believed
        saturation_tilt, adstock_tilt = tilts

        account_effect = pm.Normal("account_effect", 0, 1, dims="account")
        cell_effect = pm.StudentT("cell_effect", nu=df, mu=0, sigma=1, dims="cell")
        cell_saturation = pm.Normal("cell_saturation", 0, 1, dims="cell")
        cell_adstock = pm.Normal("cell_adstock", 0, 1, dims="cell")

        # A spread that one account cannot tell is taken as known.
        channel_known, account_known = known_spreads(
            len(design.accounts), n_channels, cell_channel, priors
        )
        apart: Any = math.where(channel_known > 0, channel_known, channel_spread)
        # How far accounts differ in base sales; what is typical of them is integrated out.
        odds: Any = level_centre(priors)[0]
        if priors.learned is None:
            log_spread = level_centre(priors)[1]
            level_log_spread: Any = pm.Normal("level_log_spread", log_spread, LOG_SPREAD_SD)
        else:
            level_log_spread = pm.Flat("level_log_spread", initval=priors.learned.mean[-1])
            odds = odds + _add_learned(priors.learned, [*believed, level_log_spread])

        raw_log_return = (
            channel_return[cell_channel]
            + (account_known or account_spread) * account_effect[cell_account]
            + apart[cell_channel] * cell_effect
        )
        bend_start = return_level - priors.null_start
        below = BEND_WIDTH * math.log1pexp((bend_start - raw_log_return) / BEND_WIDTH)
        roi: Any = pm.Deterministic(
            "roi", math.exp(raw_log_return - priors.null_slope * below), dims="cell"
        )
        shape: Any = pm.Deterministic(
            "saturation_share",
            math.softmax(
                (saturation_tilt[cell_channel] + priors.cell_saturation_sd * cell_saturation)[
                    :, None
                ]
                * shape_grid
                + shape_window,
                axis=1,
            ),
            dims=("cell", "saturation"),
        )
        adstock: Any = pm.Deterministic(
            "adstock_share",
            math.softmax(
                (adstock_tilt[cell_channel] + priors.cell_adstock_sd * cell_adstock)[:, None]
                * adstock_grid
                + adstock_window,
                axis=1,
            ),
            dims=("cell", "adstock"),
        )

        # Average outcome owed to each basis curve, in units of the account's mean outcome.
        level: Any = roi * likelihood.spend_share
        weights = (level[:, None, None] * adstock[:, :, None] * shape[:, None, :]).reshape((-1,))
        noise_scale = priors.noise_df * priors.noise_share**2
        terms, media = [], []
        n_basis = adstock_grid.size * shape_grid.size
        for a in range(len(design.accounts)):
            begin, end = likelihood.first_cell[a] * n_basis, likelihood.first_cell[a + 1] * n_basis
            rank = likelihood.rank[a]
            factor = likelihood.factor[a, : end - begin, :rank].T
            error = math.dot(factor, weights[begin:end]) - likelihood.target[a, :rank]
            misfit = likelihood.rest[a] + (error**2).sum()
            half_df = (priors.noise_df + likelihood.dof[a]) / 2
            terms.append(-half_df * math.log(noise_scale + misfit))
            media.append(math.dot(likelihood.media_row[a, : end - begin], weights[begin:end]))
        pm.Potential("outcome", math.sum(math.stack(terms)))
        _add_base_sales(math.stack(media), level_log_spread, odds, priors)
        if likelihood.tests is not None:
            _add_lift_tests(likelihood.tests, weights, n_basis)
    return model


def _believed(priors: Priors, n_channels: int) -> list[Any]:
    """What accounts share, before any account."""
    import pymc as pm

    df = priors.returns_df
    return_level = pm.StudentT(
        "return_level", nu=df, mu=np.log(priors.roi_median), sigma=priors.common_level
    )
    channel_return = pm.MvStudentT(
        "channel_return",
        nu=df,
        mu=return_level * np.ones(n_channels),
        scale=priors.between_channels**2 * np.eye(n_channels),
        dims="channel",
    )
    # Spreads are half-normal, unfolded: their sign means nothing (effects are symmetric), and
    # zero is an ordinary point, where a logarithm would send the sampler down an endless slope.
    channel_spread = pm.Normal("channel_spread", 0, priors.channel_spread, dims="channel")
    account_spread = pm.Normal("account_spread", 0, priors.account_spread)
    # Shapes: a channel saturates sooner or later, remembers longer or shorter.
    shape = priors.saturation_centre, priors.saturation_sd
    saturation_tilt = pm.Normal("saturation_tilt", *shape, dims="channel")
    memory = priors.adstock_centre, priors.adstock_sd
    adstock_tilt = pm.Normal("adstock_tilt", *memory, dims="channel")
    shared = return_level, channel_return, channel_spread, account_spread
    return [*shared, saturation_tilt, adstock_tilt]


def _flat(learned: Learned) -> list[Any]:
    """The same parameters, whose prior is a Gaussian of all of them: see ``_add_learned``."""
    import pymc as pm

    part = learned.layout.split(np.array(learned.mean))
    alone = ("return_level", "account_spread")
    return [
        pm.Flat(name, initval=part[name][0])
        if name in alone
        else pm.Flat(name, initval=part[name], dims="channel")
        for name in POPULATION[:-1]
    ]


def _add_learned(learned: Learned, shared: list[Any]) -> Any:
    """What accounts share is known as other accounts have shown it; how the odds go along."""
    import pymc as pm

    math: Any = pm.math
    parts = [part if part.ndim else part.reshape((1,)) for part in shared]
    off = math.concatenate(parts) - np.array(learned.mean)
    pm.Potential("learned", -0.5 * math.dot(off, math.dot(learned.precision(), off)))
    return math.dot(learned.slope(), off)


def _add_base_sales(media: Any, log_spread: Any, centre: Any, priors: Priors) -> None:
    """What media leave of each account's mean outcome is base sales; there is a typical one."""
    import pymc as pm

    math: Any = pm.math
    n_accounts = media.shape[0]
    pm.Deterministic("base_share", 1 - media, dims="account")
    reach = math.sqrt((1 - media) ** 2 + 4 * LEAST_BASE**2)
    log_base = math.arcsinh((1 - media) / 2 / LEAST_BASE) + np.log(LEAST_BASE)
    off = log_base - math.log(media) - centre
    variance = math.exp(2 * log_spread)
    pooled = variance + n_accounts * priors.level_odds_sd**2
    square = ((off - off.mean()) ** 2).sum() / variance + n_accounts * off.mean() ** 2 / pooled
    scale = (n_accounts - 1) * log_spread + math.log(pooled) / 2
    # How fast the odds move with the mean outcome, which is what was observed.
    pm.Potential("base_sales", -square / 2 - scale + math.log1p(media / reach).sum())


def _add_lift_tests(lift: LiftRows, weights: Any, n_basis: int) -> None:
    """Each test measured the gain of its cell's curves, with an error of its own."""
    import pymc as pm

    of_cell: Any = weights.reshape((-1, n_basis))[lift.cell]
    pm.Normal(
        "measured_lift",
        mu=(of_cell * lift.rows).sum(axis=1),
        sigma=lift.tests.standard_error,
        observed=lift.tests.measured,
        dims="lift_test",
    )
