"""Fit -> how noisy a period of each account is, and how sure the returns are."""

import numpy as np

from adbudget.experiments.signals import Noise
from adbudget.model.held_out import basis_weights
from adbudget.model.posterior import Posterior
from adbudget.model.predict import baseline_draws
from adbudget.model.transform import CellDraws

ENOUGH = 100  # draws that the mean of a noise sd is taken over


def noise_of(fit: Posterior) -> Noise:
    """Noise as the fit found it, posterior means."""
    cells = _few(fit.cell_draws)
    rng = np.random.default_rng(fit.seed)
    unit = fit.evidence.design.outcome_scale / fit.panel.unit_value
    sd = np.empty(fit.panel.n_accounts)
    for a in range(sd.size):
        weights = basis_weights(fit.evidence, cells, a)
        _, drawn = baseline_draws(fit.evidence, fit.noise, fit.priors, weights, a, rng)
        sd[a] = drawn.mean() * unit[a]
    return Noise(
        sd=sd,
        autocorrelation=fit.noise.autocorrelation,
        information=fit.noise.information,
        outcome=unit,
    )


def _few(cells: CellDraws) -> CellDraws:
    """Some draws, chains one after the other."""
    n_draws = cells.roi.shape[0] * cells.roi.shape[1]
    some = np.unique(np.linspace(0, n_draws - 1, min(n_draws, ENOUGH)).round().astype(int))
    flat = {
        name: getattr(cells, name).reshape(n_draws, *getattr(cells, name).shape[2:])[some]
        for name in ("log_roi", "roi", "adstock", "shape")
    }
    return CellDraws(**flat)
