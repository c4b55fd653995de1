"""LiftRows + cell draws -> what the fit expects of every test, and which tests contradict it.

A test is judged by what everything else says of it (``lift_left_out.py``). Knows nothing of
sampling.
"""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from adbudget.model.evidence import Evidence, LiftRows
from adbudget.model.lift_left_out import UNKNOWN, LeftOut, expected_lifts, left_out
from adbudget.model.transform import CellDraws

CONTRADICTION_SIGMAS = 2.5  # one clean test in eighty is that far off by chance
OTHER_UNIT = 20.0  # times as likely in another unit as in the stated one
# Spend before a test, and during it, in units of the mean spend: beyond it is rather a total.
MOST_BEFORE, MOST_SPEND = 3.0, 5.0


def lift_report(
    cells: CellDraws, evidence: Evidence, history: np.ndarray | None = None
) -> pd.DataFrame:
    """Every test beside what the fit expects it to measure.

    Parameters
    ----------
    cells : (..., cell) posterior draws of returns and shapes
    evidence : with its tests
    history : (draw, test) what the tests would measure by a fit without any; see
        :func:`adbudget.model.lift_left_out.left_out`

    Returns
    -------
    pd.DataFrame, one row per test: account, channel, start, end, measure, measured,
    standard_error; expected, expected_low, expected_high (posterior mean and 90% interval of what
    the test measures, the test included); without_it, without_it_sd (the same without this test);
    z, how many standard errors the test is from that: the normal quantile of the probability, by
    everything else, of a measure below it; source, what that is. NaN where the draws cannot say
    """
    rows = evidence.tests
    if rows is None:
        return pd.DataFrame(columns=_COLUMNS)
    tests, expected = rows.tests, expected_lifts(cells, evidence)
    without = left_out(rows, expected, history)
    low, high = np.quantile(expected, (0.05, 0.95), axis=0)
    stated = list(zip(without, tests.measured, tests.standard_error, strict=True))
    values = (
        *(tests.account, tests.channel, tests.start, tests.end, tests.measure),
        *(tests.measured, tests.standard_error, expected.mean(axis=0), low, high),
        *([one.mean for one in without], [one.sd for one in without]),
        *([one.z(measured, error) for one, measured, error in stated],),
        [one.source for one in without],
    )
    return pd.DataFrame(dict(zip(_COLUMNS, values, strict=True)))


_COLUMNS = (
    *("account", "channel", "start", "end", "measure", "measured", "standard_error"),
    *("expected", "expected_low", "expected_high", "without_it", "without_it_sd", "z", "source"),
)


def lift_warnings(
    cells: CellDraws, evidence: Evidence, history: np.ndarray | None = None
) -> tuple[str, ...]:
    """One sentence for each test that contradicts the rest, or another test of its cell.

    Parameters as :func:`lift_report`.
    """
    rows = evidence.tests
    if rows is None:
        return ()
    report = lift_report(cells, evidence, history).to_dict("records")
    expected = expected_lifts(cells, evidence)
    against_rest = [
        _rest_sentence(rows.tests.describe(i), row)
        for i, row in enumerate(report)
        if abs(row["z"]) > CONTRADICTION_SIGMAS
    ]
    units = _other_units(rows, left_out(rows, expected, history), evidence)
    return (*_far_outside(rows, evidence), *units, *against_rest, *_pairs(expected, rows))


def _other_units(rows: LiftRows, without: list[LeftOut], evidence: Evidence) -> list[str]:
    """Sentences on tests whose lift fits what else is known far better over another time."""
    tests, found = rows.tests, []
    for i, rest in enumerate(without):
        measure = tests.measure[i]
        days = (tests.counted_until[i] - tests.start[i]) / np.timedelta64(1, "D") + 1
        periods = days / evidence.design.period_days
        if measure == "iroas" or periods < 2 or rest.source == UNKNOWN:
            continue
        is_total = measure == "lift_total"
        stated = tests.measured[i], tests.standard_error[i]
        times = 1 / periods if is_total else periods
        gain = rest.log_density(*stated, times) - rest.log_density(*stated)
        if gain > np.log(OTHER_UNIT):
            found.append(
                f"The lift test of {tests.describe(i)} states {measure} "
                f"{_figure(tests.measured[i])}, but {rest.source} say{_s(rest)} "
                f"{_figure(rest.mean)}, and it counts {periods:.1f} periods: as a figure "
                f"{'per period' if is_total else 'over the whole test'} it would fit far better. "
                f"If it is one, call its column "
                f"{'lift_per_period' if is_total else 'lift_total'}."
            )
    return found


def _s(rest: LeftOut) -> str:
    """Ending of the verb: one source says, several say."""
    return "" if " and " in rest.source else "s"


def _pairs(expected: np.ndarray, rows: LiftRows) -> list[str]:
    """Sentences on tests of one cell that cannot both be right, whatever the return.

    The fit's own ratio of the two lifts says what one test means for the other.
    """
    tests, found = rows.tests, []
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
        f"The lift test of {test} contradicts {row['source']}: it measured {row['measure']} "
        f"{_figure(row['measured'])} (standard error {_figure(row['standard_error'])}), where "
        f"{_figure(row['without_it'])} (standard error {_figure(row['without_it_sd'])}) was to be "
        f"expected, {abs(row['z']):.1f} standard errors apart. Spend that follows demand makes a "
        "history look too good; a test with the wrong dates or spend misleads too."
    )


def _figure(number: float) -> str:
    """Whole numbers for amounts, two digits for returns."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2f}"


def _far_outside(rows: LiftRows, evidence: Evidence) -> list[str]:
    """Sentences on tests whose spend is nowhere near the history's."""
    tests, design = rows.tests, evidence.design
    scale = design.scale[design.exists][rows.cell]
    before, during = tests.spend_before / scale, tests.spend_after / scale
    outside = (before > MOST_BEFORE) | (during > MOST_SPEND)
    return [
        f"The lift test of {tests.describe(i)} spends {max(before[i], during[i]):.0f} times the "
        "mean of its history per period. Were its spends totals over the test? They are per period."
        for i in np.flatnonzero(outside).tolist()
    ]
