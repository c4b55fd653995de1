"""LiftRows + cell draws -> what the fit expects of every test, and which tests contradict it.

A test is judged by what everything else says: its own evidence is taken out of the posterior
again, as if both were Gaussian. Knows nothing of sampling.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from adbudget.model.evidence import Evidence, LiftRows
from adbudget.model.transform import CellDraws

CONTRADICTION_SIGMAS = 2.5  # one clean test in eighty is that far off by chance
MOST_OWN = 0.98  # of a posterior's precision is one test's own; draws cannot tell a larger share
FAR_OUTSIDE = 10.0  # times the mean spend; such a spend is rather a total than a rate


def lift_report(cells: CellDraws, evidence: Evidence) -> pd.DataFrame:
    """Every test beside what the fit expects it to measure.

    Parameters
    ----------
    cells : (..., cell) posterior draws of returns and shapes
    evidence : with its tests

    Returns
    -------
    pd.DataFrame, one row per test: account, channel, start, end, measure, measured,
    standard_error; expected, expected_low, expected_high (posterior mean and 90% interval of what
    the test measures, the test included); without_it, without_it_sd (the same without this test,
    by Gaussian arithmetic) and z, how many standard errors the test is from ``without_it``
    """
    rows = evidence.tests
    if rows is None:
        return pd.DataFrame(columns=_COLUMNS)
    tests, expected = rows.tests, _expected(cells, evidence, rows)
    without, without_sd = _without_own_test(expected, tests.measured, tests.standard_error)
    low, high = np.quantile(expected, (0.05, 0.95), axis=0)
    values = (
        *(tests.account, tests.channel, tests.start, tests.end, tests.measure),
        *(tests.measured, tests.standard_error, expected.mean(axis=0), low, high),
        *(without, without_sd),
        (tests.measured - without) / np.hypot(tests.standard_error, without_sd),
    )
    return pd.DataFrame(dict(zip(_COLUMNS, values, strict=True)))


_COLUMNS = (
    *("account", "channel", "start", "end", "measure", "measured", "standard_error"),
    *("expected", "expected_low", "expected_high", "without_it", "without_it_sd", "z"),
)


def lift_warnings(cells: CellDraws, evidence: Evidence) -> tuple[str, ...]:
    """One sentence for each test that contradicts the rest, or another test of its cell.

    Parameters as :func:`lift_report`.
    """
    rows = evidence.tests
    if rows is None:
        return ()
    report = lift_report(cells, evidence).to_dict("records")
    against_rest = [
        _rest_sentence(rows.tests.describe(i), row)
        for i, row in enumerate(report)
        if abs(row["z"]) > CONTRADICTION_SIGMAS
    ]
    return (*_far_outside(rows, evidence), *against_rest, *_pairs(cells, evidence, rows))


def _expected(cells: CellDraws, evidence: Evidence, rows: LiftRows) -> np.ndarray:
    """(draw, test) what each test would measure, in its own unit."""
    design = evidence.design
    share = (design.scale / design.outcome_scale[:, None])[design.exists]
    roi, memory, shape = (
        values[..., rows.cell, :].reshape(-1, rows.cell.size, values.shape[-1])
        for values in ((cells.roi * share)[..., None], cells.memory, cells.shape)
    )
    gain = rows.rows.reshape(rows.cell.size, memory.shape[-1], shape.shape[-1])
    return roi[..., 0] * np.einsum("dtj,dtm,tjm->dt", memory, shape, gain)


def _without_own_test(expected, measured, standard_error) -> tuple[np.ndarray, np.ndarray]:
    """(test,) mean and sd of what is expected, each test's own evidence taken out.

    Posterior precision is that of the rest plus that of the test, so the rest is the difference.
    """
    mean, variance = expected.mean(axis=0), expected.var(axis=0)
    alive = variance > 0  # a dead channel's draws may all be zero: then nothing can be taken out
    variance = np.where(alive, variance, 1.0)
    own = np.minimum(standard_error**-2.0, MOST_OWN / variance)
    precision = 1 / variance - own
    without = (mean / variance - measured * own) / precision
    return np.where(alive, without, mean), np.where(alive, precision**-0.5, 0.0)


def _pairs(cells: CellDraws, evidence: Evidence, rows: LiftRows) -> list[str]:
    """Sentences on tests of one cell that cannot both be right, whatever the return.

    The fit's own ratio of the two lifts says what one test means for the other.
    """
    tests, expected = rows.tests, _expected(cells, evidence, rows)
    found = []
    for i, j in combinations(range(len(tests)), 2):
        if rows.cell[i] != rows.cell[j] or not expected[:, j].any():
            continue
        ratio = expected[:, i].mean() / expected[:, j].mean()
        gap = tests.measured[i] - ratio * tests.measured[j]
        shape_sd = (expected[:, i] - ratio * expected[:, j]).std()
        noise = np.hypot(tests.standard_error[i], ratio * tests.standard_error[j])
        z = gap / np.hypot(noise, shape_sd)
        if abs(z) > CONTRADICTION_SIGMAS:
            found.append(
                f"Two lift tests contradict each other ({abs(z):.1f} standard errors apart): "
                f"{tests.describe(i)}, and {tests.describe(j)}. Find out which of them failed, "
                "or whether returns have changed between them."
            )
    return found


def _rest_sentence(test: str, row: dict[Any, Any]) -> str:
    return (
        f"The lift test of {test} contradicts the history and the other "
        f"evidence: it measured {row['measure']} {_figure(row['measured'])} (standard error "
        f"{_figure(row['standard_error'])}), they say {_figure(row['without_it'])} (standard error "
        f"{_figure(row['without_it_sd'])}), {abs(row['z']):.1f} standard errors apart. Spend that "
        "follows demand makes a history look too good; a test with the wrong dates or spend "
        "misleads too."
    )


def _figure(number: float) -> str:
    """Whole numbers for amounts, two digits for returns."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2f}"


def _far_outside(rows: LiftRows, evidence: Evidence) -> list[str]:
    """Sentences on tests whose spend is nowhere near the history's."""
    tests, design = rows.tests, evidence.design
    scale = design.scale[design.exists][rows.cell]
    times = np.maximum(tests.spend_before, tests.spend_after) / scale
    return [
        f"The lift test of {tests.describe(i)} spends {times[i]:.0f} times the mean of its "
        "history per period. Were its spends totals over the test? They are per period."
        for i in np.flatnonzero(times > FAR_OUTSIDE).tolist()
    ]
