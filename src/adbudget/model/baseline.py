"""Evidence + Priors -> Baseline: what the outcome of each account may do without advertising.

Accounts share a calendar: what the others show of the season is what one expects of the account
at hand, and how far accounts differ is found from all of them. The same holds for weekdays,
controls and demand; how fast the level may wander is shared too. Short histories gain most. Knows
nothing of sampling; the curves enter through a Gaussian working prior.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh

from adbudget.model.evidence import Baseline, Evidence
from adbudget.model.level import prior_share
from adbudget.model.priors import Priors
from adbudget.model.regressors import SharedColumns, shared_columns
from adbudget.model.working_prior import working_prior

MAX_PASSES = 50
SETTLED = 0.01  # largest relative change of a scale at which the search stops
LEAST_DIRECTION = 1e-6  # of the largest eigenvalue; smaller directions of the curves move nothing
LEAST_OUTCOME = 0.1  # mean outcome over mean size; below it a share of the outcome means nothing
LEAST_SPREAD = 1e-5  # in units of the mean outcome; keeps the algebra regular


def assumed_baseline(evidence: Evidence, priors: Priors) -> Baseline:
    """The baseline the priors state, before any outcome is looked at."""
    shared = shared_columns(evidence.design, priors)
    n_accounts, noise = len(evidence.gram), priors.noise_share
    scale = dict(zip(shared.groups, shared.apart, strict=True))
    apart = np.diag((shared.apart[shared.group] * shared.size) ** 2)
    return _baseline(
        np.tile(shared.centre, (n_accounts, 1)),
        np.tile(np.linalg.inv(shared.precision) + apart, (n_accounts, 1, 1)),
        np.full(n_accounts, noise),
        scale | {"trend": priors.trend_sd},
        evidence,
        priors,
    )


def _record_means(evidence: Evidence) -> np.ndarray:
    """(account, longest) mean of every baseline column over an account's rows, zero padded."""
    means = np.zeros((len(evidence.gram), int(evidence.n_baseline.max())))
    for mean, gram, p in zip(means, evidence.gram, evidence.n_baseline, strict=True):
        mean[:p] = gram[0, :p] / gram[0, 0]
    return means


def _outcome_means(evidence: Evidence) -> np.ndarray:
    """(account,) mean outcome over the rows, which discounts and updates move away from one."""
    means = np.array([gram[0, -1] / gram[0, 0] for gram in evidence.gram])
    return np.maximum(means, LEAST_OUTCOME)


def with_baseline(evidence: Evidence, priors: Priors) -> Evidence:
    """The same evidence, with what all accounts together say of each one's baseline."""
    return replace(evidence, baseline=find_baseline(evidence, priors))


def baseline_of(evidence: Evidence, priors: Priors) -> Baseline:
    """What is expected of the baseline: as found, or as the priors state where nobody looked."""
    return evidence.baseline or assumed_baseline(evidence, priors)


def find_baseline(evidence: Evidence, priors: Priors) -> Baseline:
    """Find how far accounts differ, and expect of each account what the others show.

    Expectation-maximisation over the scales; the common coefficients are integrated, and an
    account's own rows are left out of what is expected of it, so nothing is counted twice.

    Parameters
    ----------
    evidence : sums over rows
    priors : first guesses of the scales, and how many observations each guess is worth

    References
    ----------
    Dempster, Laird & Rubin (1977), Journal of the Royal Statistical Society B 39(1), 1-38.
    """
    found = search_baseline(evidence, priors)
    mean, cov = found.expected()
    scales = found.scales
    return _baseline(
        mean,
        cov,
        scales.noise,
        dict(zip(found.shared.groups, scales.spread, strict=True)) | {"trend": scales.trend},
        evidence,
        priors,
    )


def search_baseline(
    evidence: Evidence, priors: Priors, start: "FoundScales | None" = None
) -> "FoundBaseline":
    """The search of :func:`find_baseline`, from ``start`` or from the guesses of the priors."""
    shared = shared_columns(evidence.design, priors)
    systems = [_system(evidence, priors, shared, a) for a in range(len(evidence.gram))]
    scales = start or FoundScales.first(shared, priors, len(systems))
    for _ in range(MAX_PASSES):
        common = _Common.of(systems, shared, scales)
        found = _improved(systems, shared, scales, common, priors)
        settled = found.distance(scales) < SETTLED
        scales = found
        if settled:
            break
    common = _Common.of(systems, shared, scales)
    return FoundBaseline(systems=systems, shared=shared, scales=scales, common=common)


def _baseline(mean, covariance, noise_sd, scales, evidence: Evidence, priors: Priors) -> Baseline:
    level_share, level_sd = prior_share(priors)
    return Baseline(
        mean=mean,
        precision=np.linalg.inv(covariance) * noise_sd[:, None, None] ** 2,
        trend_precision=(noise_sd / scales["trend"]) ** 2,
        noise_sd=noise_sd,
        anchor=_record_means(evidence),
        outcome_mean=_outcome_means(evidence),
        level_share=level_share,
        level_sd=level_sd,
        scales={name: float(value) for name, value in scales.items()},
    )


@dataclass(frozen=True, slots=True)
class FoundScales:
    """(group,) spread between accounts, step of the trend, and (account,) noise."""

    spread: np.ndarray
    trend: float
    noise: np.ndarray

    @classmethod
    def first(cls, shared: SharedColumns, priors: Priors, n_accounts: int) -> "FoundScales":
        """What the priors guess."""
        return cls(shared.apart, priors.trend_sd, np.full(n_accounts, priors.noise_share))

    def apart(self, shared: SharedColumns) -> np.ndarray:
        """(shared,) sd between accounts of every coefficient."""
        return np.maximum(self.spread[shared.group] * shared.size, LEAST_SPREAD)

    def log_prior(self, shared: SharedColumns, priors: Priors) -> float:
        """Log density of spreads and step, each a guess that is worth so many observations."""
        guess = np.append(shared.apart, priors.trend_sd)
        precision = (guess / np.append(self.spread, self.trend)) ** 2
        return float(priors.baseline_df / 2 * (np.log(precision) - precision).sum())

    def distance(self, other: "FoundScales") -> float:
        """Largest relative change of a scale."""
        pairs = zip(self._all(), other._all(), strict=True)
        return max(abs(np.log(new / old)) for new, old in pairs)

    def _all(self) -> np.ndarray:
        return np.concatenate([self.spread, [self.trend, np.sqrt(np.mean(self.noise**2))]])


@dataclass(frozen=True, slots=True)
class _System:
    """Gram matrix of [level, shared, ramps, directions of the curves, outcome] of one account.

    Columns other than the level are less their mean over the record. The level and the curves that
    are expected are taken off the outcome.
    """

    gram: np.ndarray
    n_ramps: int
    n_rows: float
    level_sd: float

    def normal(self, scales: FoundScales, account: int, n_shared: int):
        """Normal matrix and right side; the shared coefficients have no prior yet."""
        noise = max(scales.noise[account], LEAST_SPREAD)
        prior = np.zeros(self.gram.shape[0] - 1)
        prior[0] = self.level_sd**-2.0
        ramps = slice(1 + n_shared, 1 + n_shared + self.n_ramps)
        prior[ramps] = max(scales.trend, LEAST_SPREAD) ** -2.0
        prior[ramps.stop :] = 1.0
        return self.gram[:-1, :-1] / noise**2 + np.diag(prior), self.gram[:-1, -1] / noise**2

    def log_density(
        self, scales: FoundScales, account: int, mean: np.ndarray, cov: np.ndarray
    ) -> float:
        """Of the rows, the shared coefficients ~ N(mean, cov); see `FoundBaseline.log_density`."""
        noise, at = max(scales.noise[account], LEAST_SPREAD), slice(1, 1 + mean.size)
        normal, right = self.normal(scales, account, mean.size)
        prior = normal - self.gram[:-1, :-1] / noise**2
        prior[at, at] = np.linalg.inv(cov)
        normal[at, at] += prior[at, at]
        pull = prior[at, at] @ mean
        right[at] += pull
        square = self.gram[-1, -1] / noise**2 + mean @ pull - right @ np.linalg.solve(normal, right)
        gain = np.linalg.slogdet(prior)[1] - np.linalg.slogdet(normal)[1]
        return float(gain / 2 - square / 2 - self.n_rows * np.log(noise))


def _system(evidence: Evidence, priors: Priors, shared: SharedColumns, account: int) -> _System:
    """The curves enter through few principal directions, under a loose prior on the returns."""
    design, gram = evidence.design, evidence.gram[account]
    p = int(evidence.n_baseline[account])
    expected, loose = working_prior(design, priors, account)
    level, vectors = eigh(gram[p:-1, p:-1] * loose[:, None] * loose)
    kept = level > LEAST_DIRECTION * level[-1]
    turn = np.zeros((gram.shape[0], p + int(kept.sum()) + 1))
    turn[:p, :p] = np.eye(p)
    turn[0, 1:p] = -gram[0, 1:p] / gram[0, 0]
    turn[p:-1, p:-1] = loose[:, None] * vectors[:, kept]
    # As in `Baseline.level`: base sales over the record, a share of the mean outcome there.
    level_share, level_sd = (_outcome_means(evidence)[account] * x for x in prior_share(priors))
    turn[0, -1] = -level_share
    turn[p:-1, -1] = -expected
    turn[-1, -1] = 1.0
    n_ramps = p - 1 - shared.size.size
    return _System(turn.T @ gram @ turn, n_ramps, float(evidence.n_rows[account]), level_sd)


@dataclass(frozen=True, slots=True)
class _Common:
    """What every account says of the coefficients they share, and all of them together.

    Each account's information is (shared, shared) and (shared,), everything of its own integrated
    out; the prior is the last entry of neither.
    """

    own_precision: np.ndarray
    own_pull: np.ndarray
    precision: np.ndarray
    pull: np.ndarray

    @classmethod
    def of(cls, systems: list[_System], shared: SharedColumns, scales: FoundScales) -> "_Common":
        n, apart = shared.size.size, scales.apart(shared) ** 2
        own = [_information(system, scales, a, n) for a, system in enumerate(systems)]
        # Accounts differ from what they share, so what one says of it is blurred by that.
        precision, pull = (np.array(part) for part in zip(*own, strict=True))
        blur = np.linalg.inv(np.eye(n) + precision * apart)
        own_precision, own_pull = blur @ precision, np.einsum("aij,aj->ai", blur, pull)
        prior = shared.precision
        return cls(
            own_precision=own_precision,
            own_pull=own_pull,
            precision=prior + own_precision.sum(axis=0),
            pull=prior @ shared.centre + own_pull.sum(axis=0),
        )

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the common coefficients."""
        cov = np.linalg.inv(self.precision)
        return cov @ self.pull, cov

    def without(self, account: int) -> tuple[np.ndarray, np.ndarray]:
        """The same from all accounts but one."""
        cov = np.linalg.inv(self.precision - self.own_precision[account])
        return cov @ (self.pull - self.own_pull[account]), cov


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBaseline:
    """Where the search ended: every account's rows, the scales, and what accounts share."""

    systems: list[_System]
    shared: SharedColumns
    scales: FoundScales
    common: _Common

    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """(account, shared) mean and (account, shared, shared) covariance, each from the others."""
        apart = np.diag(self.scales.apart(self.shared) ** 2)
        every = range(len(self.systems))
        mean, cov = zip(*(self.common.without(a) for a in every), strict=True)
        return np.array(mean), np.array([own + apart for own in cov])

    def on(self, evidence: Evidence, priors: Priors) -> "FoundBaseline":
        """Other sums over the same rows: what accounts share stays, each finds its own noise."""
        shared, n_accounts = self.shared, len(self.systems)
        systems = [_system(evidence, priors, shared, a) for a in range(n_accounts)]
        noise = _improved(systems, shared, self.scales, self.common, priors).noise
        return replace(self, systems=systems, scales=replace(self.scales, noise=noise))

    def log_density(self) -> np.ndarray:
        """(account,) log density of an account's rows, given the scales and the other accounts.

        Baseline and curves are integrated out, under the working prior.
        """
        pairs = zip(self.systems, *self.expected(), strict=True)
        return np.array(
            [
                system.log_density(self.scales, a, mean, cov)
                for a, (system, mean, cov) in enumerate(pairs)
            ]
        )


def _information(system: _System, scales: FoundScales, account: int, n_shared: int):
    """(shared, shared) precision and (shared,) pull, all other coefficients integrated out."""
    normal, right = system.normal(scales, account, n_shared)
    shared = np.arange(1, 1 + n_shared)
    other = np.delete(np.arange(right.size), shared)
    solved = cho_solve(cho_factor(normal[np.ix_(other, other)]), normal[np.ix_(other, shared)])
    precision = normal[np.ix_(shared, shared)] - normal[np.ix_(shared, other)] @ solved
    return (precision + precision.T) / 2, right[shared] - solved.T @ right[other]


def _improved(
    systems: list[_System],
    shared: SharedColumns,
    scales: FoundScales,
    common: _Common,
    priors: Priors,
) -> FoundScales:
    """One step of expectation-maximisation."""
    n, worth = shared.size.size, priors.baseline_df
    mean, cov = common.all()
    first = FoundScales.first(shared, priors, len(systems))
    square = worth * first.spread**2
    ramp_square, ramp_count = worth * first.trend**2, worth
    precision = scales.apart(shared) ** -2.0
    noise = np.empty(len(systems))
    for a, system in enumerate(systems):
        normal, right = system.normal(scales, a, n)
        at = np.arange(1, 1 + n)
        normal[at, at] += precision
        right[at] += precision * mean
        own_cov = np.linalg.inv(normal)
        own = own_cov @ right
        # The common coefficients are uncertain too, and an account's distance from them with them.
        back = np.eye(n) - own_cov[1 : 1 + n, 1 : 1 + n] * precision
        variance = np.diag(own_cov)[at] + np.einsum("ij,jk,ik->i", back, cov, back)
        distance = ((own[at] - mean) ** 2 + variance) / shared.size**2
        square = square + np.bincount(shared.group, distance, minlength=square.size)
        ramps = slice(1 + n, 1 + n + system.n_ramps)
        ramp_square += (own[ramps] ** 2 + np.diag(own_cov)[ramps]).sum()
        ramp_count += system.n_ramps
        noise[a] = _noise(system, own, own_cov, priors)
    count = np.bincount(shared.group, minlength=square.size) * len(systems)
    return FoundScales(
        np.sqrt(square / (worth + count)), float(np.sqrt(ramp_square / ramp_count)), noise
    )


def _noise(system: _System, coefficients: np.ndarray, cov: np.ndarray, priors: Priors) -> float:
    """Residual sd, with the prior's guess counted as so many rows."""
    gram, aim = system.gram[:-1, :-1], system.gram[:-1, -1]
    rest = system.gram[-1, -1] - 2 * coefficients @ aim + coefficients @ gram @ coefficients
    rest = max(rest, 0.0) + (gram * cov).sum()
    guess = priors.noise_df * priors.noise_share**2
    return float(np.sqrt((rest + guess) / (system.n_rows + priors.noise_df)))
