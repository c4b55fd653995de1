"""Panel + Design -> Evidence: the whole history in one small matrix per account.

Evidence is the Gram matrix of [baseline, basis, outcome] rows. It adds up over time and machines,
so a new week never needs the old ones. Knows nothing of priors on returns or of sampling.
"""

from dataclasses import dataclass, replace

import numpy as np

from adbudget.errors import InputError
from adbudget.model.design import Design, carried_spend, first_state
from adbudget.model.lift_tests import LiftTests
from adbudget.model.regressors import regression_rows
from adbudget.model.row_noise import RowNoise
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiftRows:
    """What each test expects to measure, per weight of its cell's basis curves.

    The weights are those of the regression (mean outcome owed to a basis curve, in units of the
    account's mean outcome), so ``rows @ weights`` is in the unit of the test's own measure, to be
    compared with ``tests.measured``, whose noise is known: ``tests.standard_error``.

    Attributes
    ----------
    tests : what was measured
    cell : (test,) position of the cell in the order of the existing cells
    rows : (test, basis)
    """

    tests: LiftTests
    cell: np.ndarray
    rows: np.ndarray

    def joined(self, later: "LiftRows") -> "LiftRows":
        """These tests, then those."""
        return LiftRows(
            tests=self.tests.joined(later.tests),
            cell=np.concatenate([self.cell, later.cell]),
            rows=np.concatenate([self.rows, later.rows]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """Gaussian prior of the baseline coefficients, account by account.

    Attributes
    ----------
    mean : (account, shared) expected season, weekday, control and demand coefficients, in units of
        the account's mean outcome; an account's own rows had no part in it
    precision : (account, shared, shared) of the same, in units of 1 / noise variance
    trend_precision : (account,) of each step of the trend, in the same units
    noise_sd : (account,) residual sd as a share of the mean outcome, as found on the way
    anchor : (account, longest) mean of each column over the account's record; the level of a record
        is what the baseline comes to there, wherever it starts and ends
    outcome_mean : (account,) mean outcome that base sales are a share of, in the same units
    level_share, level_sd : base sales as a share of that: what is expected before any data, and how
        far they may be from that. For regressions in which the curves are linear; a fit samples it
    scales : name -> how far accounts differ (or, for "trend", how far the level moves from one
        knot to the next), as a share of the mean outcome
    """

    mean: np.ndarray
    precision: np.ndarray
    trend_precision: np.ndarray
    noise_sd: np.ndarray
    anchor: np.ndarray
    outcome_mean: np.ndarray
    level_share: float
    level_sd: float
    scales: dict[str, float]

    def moving(self, account: int, n_baseline: int) -> tuple[np.ndarray, np.ndarray]:
        """(p - 1,) mean and (p - 1, p - 1) relative precision of all coefficients but the level."""
        n_shared = self.mean.shape[1]
        mean, precision = np.zeros(n_baseline - 1), np.zeros((n_baseline - 1, n_baseline - 1))
        shared = slice(0, n_shared)
        mean[shared] = self.mean[account]
        precision[shared, shared] = self.precision[account]
        ramps = np.arange(n_shared, n_baseline - 1)
        precision[ramps, ramps] = self.trend_precision[account]
        return mean, precision

    def prior(self, account: int, n_baseline: int) -> tuple[np.ndarray, np.ndarray]:
        """(p,) mean and (p, p) relative precision of all p coefficients, the level first."""
        mean, precision = np.zeros(n_baseline), np.zeros((n_baseline, n_baseline))
        mean[1:], precision[1:, 1:] = self.moving(account, n_baseline)
        # The level of the record, not of its start, has a prior of its own.
        known = self.anchor[account, :n_baseline]
        anchor = np.append(known, np.zeros(n_baseline - known.size))
        level, level_precision = self.level(account)
        mean[0] = level - anchor[1:] @ mean[1:]
        return mean, precision + level_precision * np.outer(anchor, anchor)

    def level(self, account: int) -> tuple[float, float]:
        """Mean and relative precision of what the baseline comes to over the record."""
        scale = self.outcome_mean[account]
        return scale * self.level_share, (self.noise_sd[account] / (scale * self.level_sd)) ** 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Sums over rows, one entry per account.

    Attributes
    ----------
    design : what the columns are
    gram : per account (p + q + 1, p + q + 1): p baseline columns, q basis columns, the outcome
        in units of the account's mean outcome
    n_baseline : (account,) p, the number of baseline columns
    n_rows : (account,) rows added up so far; a row that was discounted, or whose noise has heavy
        tails, counts as the part of its information that is left
    carry_out : (account, channel, retention) adstock after the last record, for the next rows
    tests : what lift tests add, with noise of their own; None without tests
    baseline : what is expected of the baseline; None: what the priors say
    """

    design: Design
    gram: tuple[np.ndarray, ...]
    n_baseline: np.ndarray
    n_rows: np.ndarray
    carry_out: np.ndarray
    tests: LiftRows | None = None
    baseline: Baseline | None = None

    def __add__(self, later: "Evidence") -> "Evidence":
        """Evidence of two disjoint sets of rows; ``later`` holds the more recent carry-out.

        Raises
        ------
        InputError : the two were built on different designs
        """
        if not isinstance(later, Evidence):
            return NotImplemented
        if self.design is not later.design:
            raise InputError(
                "Evidence adds up only on one design: build the second with "
                "gather(panel, design=first.design)."
            )
        pairs = zip(self.gram, later.gram, self.n_baseline, later.n_baseline, strict=True)
        return Evidence(
            design=self.design,
            gram=tuple(_add_grams(*pair) for pair in pairs),
            n_baseline=np.maximum(self.n_baseline, later.n_baseline),
            n_rows=self.n_rows + later.n_rows,
            carry_out=later.carry_out,
            tests=_add_tests(self.tests, later.tests),
            baseline=self.baseline,
        )

    def discounted(self, factor: np.ndarray) -> "Evidence":
        """The same rows, each worth only ``factor`` (account,) of a row: sums and counts shrink."""
        return replace(
            self,
            gram=tuple(gram * share for gram, share in zip(self.gram, factor, strict=True)),
            n_rows=self.n_rows * factor,
        )


def gather(
    panel: Panel,
    design: Design,
    *,
    rows: np.ndarray | None = None,
    noise: RowNoise | None = None,
    half_life_days: float | None = None,
) -> Evidence:
    """Add up the rows of a panel.

    Parameters
    ----------
    panel : what was spent and earned
    design : fixed scales and reference points
    rows : (period,) or (account, period) bool, which rows to count; all by default. Spend outside
        them still carries over into them.
    noise : weights, information and autocorrelation of the rows; Gaussian, even and independent
        by default
    half_life_days : days before the account's last record at which a row counts half; None counts
        every row in full

    Returns
    -------
    Evidence ; a missing outcome is a missing row, never a zero
    """
    stock = carried_spend(panel, design, first_state(panel, design))
    counted = np.isfinite(panel.outcome)
    if rows is not None:
        counted = counted & rows
    worth = 1.0 if noise is None else noise.information
    counts = worth * row_discount(panel, half_life_days) * counted
    gram, n_baseline = [], []
    for account in range(len(panel.accounts)):
        columns, n_nuisance = regression_rows(panel, design, stock, account)
        if noise is not None:
            columns = evened(columns, noise, account, np.isfinite(panel.outcome[account]))
        chosen = columns[counted[account]]
        gram.append((chosen * counts[account, counted[account], None]).T @ chosen)
        n_baseline.append(n_nuisance)
    return Evidence(
        design=design,
        gram=tuple(gram),
        n_baseline=np.array(n_baseline),
        n_rows=counts.sum(axis=1),
        carry_out=stock[np.arange(len(panel.accounts)), :, :, panel.last],
    )


def row_discount(panel: Panel, half_life_days: float | None) -> np.ndarray:
    """(account, period) what a row is still worth at the end of its account's record, in (0, 1]."""
    if half_life_days is None:
        return np.ones(panel.outcome.shape)
    age_days = (panel.dates[panel.last][:, None] - panel.dates) / np.timedelta64(1, "D")
    return 0.5 ** (np.maximum(age_days, 0.0) / half_life_days)


def evened(columns: np.ndarray, noise: RowNoise, account: int, observed: np.ndarray) -> np.ndarray:
    """Rows of one account, whitened and weighted, so that their noise is even and independent.

    A row is whitened by the one before it, if that was observed. Its weight is then the smaller of
    the two: half of an outlier is still an outlier.
    """
    rho, weight = noise.autocorrelation[account], noise.weights[account]
    if rho > 0:
        follows = np.append(False, observed[1:] & observed[:-1])
        before = np.roll(np.where(observed[:, None], columns, 0.0), 1, axis=0)
        whitened = (columns - rho * before) / np.sqrt(1 - rho**2)
        columns = np.where(follows[:, None], whitened, columns)
        weight = np.where(follows, np.minimum(weight, np.roll(weight, 1)), weight)
    return columns * np.sqrt(weight)[:, None]


def _add_tests(first: LiftRows | None, second: LiftRows | None) -> LiftRows | None:
    if first is None or second is None:
        return first or second
    return first.joined(second)


def _add_grams(first, second, n_first: int, n_second: int) -> np.ndarray:
    """Sum of two Gram matrices; the shorter baseline lacks only the latest trend ramps."""
    if n_first > n_second:
        return _add_grams(second, first, n_second, n_first)
    lacking = [n_first] * (n_second - n_first)
    return np.insert(np.insert(first, lacking, 0.0, axis=0), lacking, 0.0, axis=1) + second
