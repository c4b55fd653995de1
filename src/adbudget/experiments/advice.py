"""Fit + decisions -> for every cell that is only watched: what knowing it is worth, and how to.

Pulses and on/off tests of several lengths are looked at, and plain waiting, which costs nothing.
What is told of a cell is about its own call: a test that pays because of other cells is not its
next test.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.decision.action import Action
from adbudget.decision.decisions import Decisions
from adbudget.display.stages import stage
from adbudget.experiments.designs import ON_OFF, PULSE
from adbudget.experiments.options import TestOptions
from adbudget.experiments.planning import WEEK_DAYS, looked_at, prepare
from adbudget.experiments.test_plan import TestPlan
from adbudget.options import options_of

if TYPE_CHECKING:
    from adbudget.model.fit import Fit

KINDS, CHANGES = (PULSE, ON_OFF), (0.5,)  # a glance; plan_tests looks at everything
LENGTHS_WEEKS = (4.0, 8.0, 13.0)
LEAST_FLIP = 0.2  # probability of another call from which a test is a cell's next test
TRIFLE = 1e-3  # of a cell's spend, money that nobody runs a test for
OPEN = 0.1  # the same, if the curve were known, below which there is nothing to decide


@stage("looking for tests")
def next_tests(fit: "Fit", decisions: Decisions) -> pd.DataFrame:
    """What to do about every cell that is monitored.

    Parameters
    ----------
    fit, decisions : the calls of this fit

    Returns
    -------
    pd.DataFrame by (account, channel): learn_value (margin money per period that knowing the cell's
    curve would be worth; NaN where nothing is asked: calls, cells without spend or whose data mean
    nothing, fits that cannot be trusted) and next_test (a sentence, "" where there is none)
    """
    cells = decisions.considered.plan.spend.index
    told = pd.DataFrame({"learn_value": np.nan, "next_test": ""}, index=cells)
    watched = np.array([call.action == Action.MONITOR for call in decisions.calls])
    if not fit.health.ok or not watched.any():
        return told
    plans = _plans(fit, decisions)
    sentence = _sentences(plans)
    known = plans[0].learn_value.notna().to_numpy() & watched
    told.loc[known, "learn_value"] = plans[0].learn_value[known]
    told["next_test"] = [sentence[i] if known[i] else "" for i in range(len(cells))]
    return told


def _plans(fit: "Fit", decisions: Decisions) -> list[TestPlan]:
    """Tests of every length the panel's periods allow, none of them chosen."""
    called = [
        (call.account, call.channel) for call in decisions.calls if call.action != Action.MONITOR
    ]
    defaults = {name: option.default for name, option in options_of(TestOptions).items()}
    options: TestOptions = defaults | {  # pyright: ignore[reportAssignmentType]
        "kinds": KINDS, "changes": CHANGES, "untested": called,
    }  # fmt: skip
    lengths = [one for one in LENGTHS_WEEKS if one * WEEK_DAYS >= 2 * fit.panel.period_days]
    prepared = prepare(fit, decisions, options)
    return [looked_at(prepared, {**options, "weeks": one}, choose=False) for one in lengths]


def _sentences(plans: list[TestPlan]) -> list[str]:
    """One per cell: its best test, or that none pays and how long waiting takes."""
    first = plans[0]
    best: dict[int, tuple[float, str]] = {}
    for plan in plans:
        for offer in plan.offers:
            net = offer.worth.net(offer.worth.gain, plan.horizon)
            for arm in offer.design.arms:
                pays = offer.worth.flips[arm.cell] >= LEAST_FLIP
                if pays and net > best.get(arm.cell, (0.0, ""))[0]:
                    best[arm.cell] = net, plan.in_words(offer, arm.cell)
    decides: Any = first.wait[first.wait["decides"]]
    waits = {
        (row.account, row.channel): (row.weeks, row.prob_flip)
        for row in decides[::-1].itertuples()  # the shortest wait of a cell comes last
    }
    value, sentences = first.learn_value.to_numpy(float), []
    for i, cell in enumerate(first.cells.tolist()):
        if i in best:
            sentences.append(best[i][1])
        elif first.learn_flip.iloc[i] >= OPEN and value[i] > TRIFLE * first.current[i]:
            longest = f"{plans[-1].weeks:g} weeks"
            sentences.append(f"No pulse or on/off test of up to {longest} is worth its cost.")
            if cell in waits:
                weeks, prob = waits[cell]
                sentences[-1] += (
                    f" {weeks} more weeks like those so far would change this call with {prob:.0%} "
                    "probability."
                )
        else:
            sentences.append("")
    return sentences
