"""Fits that nobody sampled: enough for whatever only looks at one."""

from dataclasses import replace

import numpy as np
import pandas as pd

import adbudget as ab
from adbudget.model.evidence import gather
from adbudget.model.reference import make_design
from adbudget.model.row_noise import RowNoise


def unsampled(panel: ab.Panel) -> ab.Fit:
    """A fit whose draws are of nobody: enough to be looked at."""
    priors = ab.Priors()
    design = make_design(panel, priors)
    accounts = len(panel.accounts)
    even = np.ones(panel.outcome.shape)
    health = ab.Health(
        rhat_max=1.004, ess_bulk_min=900.0, ess_tail_min=800.0, divergences=3, n_draws=40,
        prior_share=pd.Series(0.5, index=panel.cells), fit_r2=pd.Series(0.8, index=panel.accounts),
        warnings=tuple(f"Warning {i}: " + "something to know " * 12 for i in range(20)),
    )  # fmt: skip
    made = ab.Fit(
        panel=panel, priors=priors, evidence=gather(panel, design),
        positions=np.zeros((2, 20, 0), np.float32), sample_stats={}, health=health,
        noise=RowNoise(weights=even, tail_df=np.inf, level_power=0.0, spread=even,
                       autocorrelation=np.zeros(accounts)),
        seed=1, engine="compiled", versions={"adbudget": "0.1.0"},
    )  # fmt: skip
    rng = np.random.default_rng(0)
    return replace(made, positions=rng.normal(0, 0.3, (2, 20, made.layout.size)))
