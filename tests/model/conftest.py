"""One small panel and its pieces, made once."""

import numpy as np
import pytest

from adbudget.model.evidence import gather
from adbudget.model.factor import make_likelihood
from adbudget.model.fit import fit
from adbudget.model.layout import Layout
from adbudget.model.priors import Priors
from adbudget.model.reference import make_design
from adbudget.panel.read import read_panel
from adbudget.synthetic import WorldSpec, synthesize


@pytest.fixture(scope="session")
def world():
    spec = WorldSpec(
        n_accounts=4, n_channels=3, n_periods=(60, 90), late_start_share=0.2, noise=0.05
    )
    return synthesize(spec, 11)


@pytest.fixture(scope="session")
def panel(world):
    return read_panel(world.spend, world.outcome)


@pytest.fixture(scope="session")
def priors():
    return Priors()


@pytest.fixture(scope="session")
def design(panel, priors):
    return make_design(panel, priors)


@pytest.fixture(scope="session")
def evidence(panel, design):
    return gather(panel, design)


@pytest.fixture(scope="session")
def likelihood(evidence, priors):
    return make_likelihood(evidence, priors)


@pytest.fixture(scope="session")
def layout(likelihood):
    n_accounts = likelihood.factor.shape[0]
    return Layout(likelihood.n_channels, n_accounts, likelihood.cell_channel.size)


@pytest.fixture(scope="session")
def fitted(panel):
    return fit(panel, seed=5, progress=False)


@pytest.fixture
def position(layout):
    return np.random.default_rng(0).normal(size=layout.size) * 0.7
