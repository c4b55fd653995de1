"""One account of a Panel -> findings: controls that are the outcome in another dress."""

import numpy as np

from adbudget.panel.ends import channels_of
from adbudget.panel.findings import Alarms, Finding, make_finding
from adbudget.panel.panel import Panel

LEAST_DIFFERENT = 8  # values of a control and of the outcome: a flag is ordered like anything


def find_control_copies(panel: Panel, a: int, alarms: Alarms) -> list[Finding]:
    """Controls whose values rank as the outcome's do: nothing is left for advertising to explain.

    Parameters
    ----------
    a : position of the account
    """
    observed = np.isfinite(panel.outcome[a])
    outcome = panel.outcome[a, observed]
    findings = []
    for name, values in zip(panel.controls, panel.control_values[a], strict=True):
        control = values[observed]
        if min(np.unique(control).size, np.unique(outcome).size) < LEAST_DIFFERENT:
            continue
        alike = abs(float(np.corrcoef(_ranks(control), _ranks(outcome))[0, 1]))
        if alike < alarms.control_rank:
            continue
        told = (
            f"control {name} is the outcome {panel.outcome_name} or made of it (rank correlation "
            f"{alike:.3f}), so it explains what advertising did, too. Leave it out of controls"
        )
        account, statistic = panel.accounts[a], "control_rank"
        cells = channels_of(panel, a)
        findings.append(
            make_finding(
                *("control_is_outcome", account, cells, statistic, alike, alarms.control_rank),
                *(account, told),
                decides=True,
            )
        )
    return findings


def _ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank of each value; equal values share theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[group]
