"""Panel + RowNoise -> RowNoise: how far a shock lasts into the next period, found from the data.

Shocks that persist make a history look longer than it is. Residuals hide them: a trend that may
move takes the slow part up, and what is left looks independent. So trend and persistence are told
apart by how likely they make the rows, all coefficients integrated out. Knows nothing of sampling.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.model.baseline import FoundBaseline, search_baseline
from adbudget.model.design import Design
from adbudget.model.evidence import Evidence, gather
from adbudget.model.priors import Priors
from adbudget.model.row_noise import RowNoise
from adbudget.panel.panel import Panel

TRIED = np.arange(10) / 10  # autocorrelations, from none upwards
CLEAR_SIGMAS = 2.0  # by which rows that persist have to be the likelier
APART = 0.1  # sd of accounts around what they have in common
NODES = np.array([1e-9, 0.5, 0.9])  # at which rows are added up
OFFSETS = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])  # of one account, around that


def find_persistence(panel: Panel, design: Design, noise: RowNoise, priors: Priors) -> np.ndarray:
    """Find the autocorrelation of the noise: what accounts have in common, then each one's own.

    The scales of the baseline, the step of its trend among them, are found anew for every
    autocorrelation that is tried.

    Parameters
    ----------
    panel, design : rows without outliers
    noise : their weights
    priors : of baseline and returns

    Returns
    -------
    (account,) 0 for all of them where it is not clear that shocks persist

    References
    ----------
    Harville (1977), Journal of the American Statistical Association 72, 320-338 (likelihood in
    which the coefficients are integrated out).
    """
    rows = _Pairs.of(panel, design, noise)
    common, best = _common(rows, priors)
    if common == 0:
        return np.zeros(panel.n_accounts)
    off = OFFSETS[(common + OFFSETS >= 0) & (common + OFFSETS < 1)]
    scores = np.array(
        [rows.own_density(best, common + o, priors) - (o / APART) ** 2 / 2 for o in off]
    )
    chance = np.exp(scores - scores.max(axis=0))
    return np.round((common + off) @ chance / chance.sum(axis=0), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """Sums over rows as a function of the autocorrelation rho.

    Whitened rows are (row - rho * row before) / sqrt(1 - rho^2), so their Gram matrix times
    1 - rho^2 is a polynomial of degree two in rho: three of them tell all.

    Attributes
    ----------
    evidence : of rows whitened by next to nothing; counts and design are those of all others
    powers : per account (3, size, size) coefficients of the polynomial
    n_pairs : (account,) rows that follow an observed one, each by its worth
    """

    evidence: Evidence
    powers: tuple[np.ndarray, ...]
    n_pairs: np.ndarray

    @classmethod
    def of(cls, panel: Panel, design: Design, noise: RowNoise) -> "_Pairs":
        every = [gather(panel, design, noise=_with(noise, rho)) for rho in NODES]
        grams = zip(*(evidence.gram for evidence in every), strict=True)
        scale = 1 - NODES**2
        solve = np.linalg.inv(np.vander(NODES, increasing=True)) * scale
        powers = tuple(np.einsum("kn,nij->kij", solve, np.array(own)) for own in grams)
        observed = np.isfinite(panel.outcome)
        n_pairs = (observed[:, 1:] & observed[:, :-1]).sum(axis=1) * noise.information
        return cls(evidence=every[0], powers=powers, n_pairs=n_pairs)

    def at(self, rho: float) -> Evidence:
        """The rows whitened by rho."""
        powers = rho ** np.arange(3)
        grams = (np.einsum("k,kij->ij", powers, own) / (1 - rho**2) for own in self.powers)
        return replace(self.evidence, gram=tuple((gram + gram.T) / 2 for gram in grams))

    def log_density(self, found: FoundBaseline, rho: float) -> np.ndarray:
        """(account,) of the rows before they were whitened."""
        return found.log_density() - self.n_pairs * np.log1p(-(rho**2)) / 2

    def own_density(self, found: FoundBaseline, rho: float, priors: Priors) -> np.ndarray:
        """(account,) likewise, of each account by itself: what accounts share stays as found."""
        return self.log_density(found.on(self.at(rho), priors), rho)


def _with(noise: RowNoise, rho: float) -> RowNoise:
    return replace(noise, autocorrelation=np.full(noise.autocorrelation.shape, rho))


def _common(rows: _Pairs, priors: Priors) -> tuple[float, FoundBaseline]:
    """The autocorrelation of all accounts, 0 where it is not clear, and the baseline with it."""
    scores: list[float] = []
    found: list[FoundBaseline] = []
    for rho in TRIED:
        start = found[-1].scales if found else None
        found.append(search_baseline(rows.at(rho), priors, start))
        score = rows.log_density(found[-1], rho).sum()
        scores.append(float(score) + found[-1].scales.log_prior(found[-1].shared, priors))
        if scores[-1] < max(scores):  # the likelihood has one peak
            break
    best = int(np.argmax(scores))
    clear = scores[best] - scores[0] > CLEAR_SIGMAS**2 / 2
    return (float(TRIED[best]), found[best]) if clear else (0.0, found[0])
