"""adbudget with priors as the worlds are really drawn: how much of the limit learning can reach.

The limit of information is told what the channels of this one world return. Nobody can know that;
at best one knows how such worlds are drawn. What this tool misses of the limit is the price of
having to learn the population from the accounts at hand; what the defaults miss of this tool is the
price of priors that must fit other worlds too. World -> Answer.
"""

from time import perf_counter, process_time
from typing import TYPE_CHECKING

from benchmarks.worlds.answer import Answer
from benchmarks.worlds.jobs import Job
from benchmarks.worlds.library import CORES, answer_of, decide_part, read_group

if TYPE_CHECKING:
    from adbudget import Priors
    from adbudget.synthetic import World, WorldSpec

HALF_NORMAL_MEAN = 0.8  # in units of its scale
NOTHING_ALIKE = 0.01  # share of the returns' variance: next to none


def matched(world: "World", job: Job) -> Answer:
    """The default fit and decision, with other priors."""
    import adbudget as ab

    start, cpu = perf_counter(), process_time()
    panel = read_group(world, world.spec.account_names)
    priors = priors_of(world.spec)
    fit = ab.fit(panel, priors, seed=job.seed, cores=CORES, progress=False)
    seconds = {"fit": perf_counter() - start}
    part = decide_part(fit, world.current().reindex(panel.cells))
    seconds |= {"decide": perf_counter() - start - seconds["fit"], "cpu": process_time() - cpu}
    return answer_of([part], seconds)


def priors_of(spec: "WorldSpec") -> "Priors":
    """Returns as the specification draws them: no duds, no hidden demand, spreads as they are.

    Raises
    ------
    ValueError : the world has duds or hidden demand
    """
    import adbudget as ab

    if spec.dud_share or spec.dud_cell_share or spec.dud_channels or spec.hidden_demand_share:
        raise ValueError("priors are matched to worlds without duds and hidden demand only.")
    return ab.Priors(
        roi_median=spec.roi_median,
        roi_sd=spec.roi_spread / (1 - NOTHING_ALIKE) ** 0.5,
        channels_alike=NOTHING_ALIKE,
        returns_df=1e4,
        channel_spread=spec.cell_spread / HALF_NORMAL_MEAN,
        account_spread=spec.account_spread / HALF_NORMAL_MEAN,
        null_slope=0.0,
        demand_effect=0.0,
        demand_sd=1e-3,
    )
