"""Fit + what is asked -> Decisions: search the plan, find what the data say of themselves, call.

:func:`adbudget.recommend` and :func:`adbudget.plan_tests` both begin with the calls of a fit.
"""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

from typing import TYPE_CHECKING

from adbudget.decision.attributes import stops_of
from adbudget.decision.decisions import Decisions, decide
from adbudget.decision.options import DecisionOptions
from adbudget.optimizer import optimize
from adbudget.panel.findings import Finding, blocked, caveats

if TYPE_CHECKING:
    from adbudget.draws import SpendLike
    from adbudget.model.fit import Fit
    from adbudget.plan import Limits


def decide_fit(
    fitted: "Fit",
    now: "SpendLike",
    limits: "Limits | None",
    options: DecisionOptions,
    found: tuple[Finding, ...],
) -> Decisions:
    """The calls of a fit, each with what its data say.

    Parameters
    ----------
    fitted : what is known
    now : spend that moves are measured from
    limits : those that hold, a policy's among them
    options : risk, thresholds and previous, all of them there
    found : from :func:`adbudget.panel.integrity.check_data` and
        :func:`adbudget.panel.findings.check_identification`
    """
    proposal = optimize(fitted.draws, now, limits, options["risk"])
    found = (*found, *stops_of(proposal))
    return decide(
        proposal,
        options["thresholds"],
        health=fitted.health,
        caveats=_with_drift(caveats(found), fitted),
        blocked=blocked(found),
        previous=options["previous"],
    )


def _with_drift(said: dict[tuple[str, str], str], fitted: "Fit") -> dict[tuple[str, str], str]:
    """What is said about cells, and that old and recent evidence disagree where they do."""
    from adbudget.model.drift import drift_caveats

    drifted = drift_caveats(fitted.drift)
    added = {cell: drifted[cell[1]] for cell in fitted.panel.cells if cell[1] in drifted}
    return said | {
        cell: f"{said[cell]} {told}" if cell in said else told for cell, told in added.items()
    }
