"""LiftTests + Design -> LiftRows: each test as one row of evidence on the weights.

The path of the carry-over is followed through the test: two weeks of more spend do not reach the
steady state, and are not taken for it. Knows nothing of priors or of sampling.
"""

from dataclasses import replace

import numpy as np

from adbudget.curves import adstock, mixed_adstock, saturation
from adbudget.model.design import Design
from adbudget.model.evidence import Evidence, LiftRows
from adbudget.model.lift_tests import LiftTests

HAIR = 1e-9  # of a period; a duration in months is not a whole number to the last bit


def with_tests(evidence: Evidence, tests: LiftTests | None, unit_value: np.ndarray) -> Evidence:
    """The evidence and what the tests add to it.

    Parameters
    ----------
    evidence : of the history
    tests : read against the same panel; None adds nothing
    unit_value : (account,) money per outcome unit
    """
    if tests is None:
        return evidence
    added = lift_rows(tests, evidence.design, unit_value)
    known = evidence.tests
    return replace(evidence, tests=added if known is None else known.joined(added))


def lift_rows(tests: LiftTests, design: Design, unit_value: np.ndarray) -> LiftRows:
    """One row of evidence per test.

    Parameters
    ----------
    tests : what was measured
    design : scales, grids and basis means of the fit
    unit_value : (account,) money per outcome unit
    """
    cells = {tuple(cell): i for i, cell in enumerate(np.argwhere(design.exists).tolist())}
    rows, cell = [], []
    for i in range(len(tests)):
        a = design.accounts.index(tests.account[i])
        c = design.channels.index(tests.channel[i])
        gained, periods, added_spend = _basis_gain(tests, i, design, a, c)
        # Gains are in units of the account's mean outcome; the test has units of its own.
        per_unit = {
            "lift_total": design.outcome_scale[a] / unit_value[a],
            "lift_per_period": design.outcome_scale[a] / unit_value[a] / periods,
            "iroas": design.outcome_scale[a] / added_spend,
        }
        rows.append(per_unit[tests.measure[i]] * gained)
        cell.append(cells[a, c])
    return LiftRows(tests=tests, cell=np.array(cell), rows=np.array(rows))


def _basis_gain(
    tests: LiftTests, i: int, design: Design, account: int, channel: int
) -> tuple[np.ndarray, float, float]:
    """(basis,) gain of each basis curve summed over the counted periods, their number, the money.

    Before the test, spend has long been ``spend_before``. A part of a period counts as that part.
    """
    one_day = np.timedelta64(1, "D")
    test_days = (tests.end[i] - tests.start[i]) / one_day + 1
    counted_days = (tests.counted_until[i] - tests.start[i]) / one_day + 1
    n_test, n_counted = test_days / design.period_days, counted_days / design.period_days
    period = np.arange(max(1, int(np.ceil(n_counted - HAIR))))
    counted = np.clip(n_counted - period, 0.0, 1.0)
    # In the counted part of a period, the share of it that the test's spend fills.
    in_test = np.minimum(np.clip(n_test - period, 0.0, 1.0) / counted, 1.0)
    unit = design.unit[account, channel]
    before, after = tests.spend_before[i] / unit, tests.spend_after[i] / unit
    state = np.full(design.retention.size, before)
    stock = adstock(before + in_test * (after - before), design.retention, state)
    level = mixed_adstock(stock, design.mix)
    gain = saturation(level, design.half_saturation) - saturation(before, design.half_saturation)
    n_concave = design.half_saturation.size
    mean = design.basis_mean[account, channel, :, :n_concave]
    gained = (gain * counted[:, None]).sum(axis=1) / mean
    # As in the curves that decisions read, the straightest curve stands in for S-shaped ones.
    straightest = np.repeat(gained[:, -1:], design.s_shaped.size, axis=1)
    gained = np.concatenate([gained, straightest], axis=1)
    return gained.ravel(), n_counted, n_test * (after - before) * unit
