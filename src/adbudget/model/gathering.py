"""Panel + Priors -> everything that is found before sampling, in the one order that works.

The baseline is found twice: roughly, to tell what noise is, and again from the weighted rows.
"""

from dataclasses import dataclass

from adbudget.model.baseline import find_baseline, with_baseline
from adbudget.model.evidence import Evidence, gather
from adbudget.model.forgetting import Forgetting, choose_half_life
from adbudget.model.lift_rows import with_tests
from adbudget.model.lift_tests import LiftTests
from adbudget.model.noise import find_noise
from adbudget.model.priors import Priors
from adbudget.model.reference import make_design
from adbudget.model.row_noise import RowNoise
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """What a fit samples on.

    Attributes
    ----------
    evidence : rows and lift tests, with what is expected of the baseline
    noise : how far each row can be trusted
    half_life_days : after which a row counts half; None: never
    """

    evidence: Evidence
    noise: RowNoise
    half_life_days: float | None


def gather_all(
    panel: Panel,
    priors: Priors,
    *,
    forgetting: Forgetting = None,
    tests: LiftTests | None = None,
) -> Gathered:
    """Fix the design, find noise, forgetting and baseline, and add up the rows.

    Parameters
    ----------
    panel, priors : the data and the beliefs
    forgetting : as in :func:`adbudget.fit`
    tests : lift tests that count beside the history

    Raises
    ------
    InputError : ``forgetting`` makes no sense
    """
    design = make_design(panel, priors)
    rough = find_baseline(gather(panel, design), priors)
    noise = find_noise(panel, design, rough, priors)
    half_life = choose_half_life(forgetting, panel, design, rough, priors, noise)
    rows = gather(panel, design, noise=noise, half_life_days=half_life)
    evidence = with_baseline(with_tests(rows, tests, panel.unit_value), priors)
    return Gathered(evidence=evidence, noise=noise, half_life_days=half_life)
