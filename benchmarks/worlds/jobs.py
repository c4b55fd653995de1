"""Job: one tool on one world, in one study; and the grid of them. Knows nothing of how tools work.

A study says how worlds are cut: "families" takes them as they are, "history" keeps the last weeks
of one long world, "accounts" lets one world of 16 accounts be fitted in groups. So both growth
studies judge every size on the same truth. "recovery" is of panels that others made
(``recovery.py``), which are no worlds of ours.

Worlds of a family are numbered from 0. The seed of a world is a hash of family and number, so no
two families share any chance, and families can be taken as independent of each other.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from adbudget.synthetic import World, WorldSpec

CHANGE = 0.3  # every plan keeps each account's total and moves no cell by more than this share
STUDIES = ("families", "history", "accounts")
FAMILY_ORDER = (  # from as the model assumes to everything it does not
    *("assumed", "misspecified", "ragged", "confounded", "duds", "noisy", "drifting", "tiny"),
    *("growing", "shrinking", "high_base", "heavy_tailed", "outliers", "flighted", "high_return"),
)
HISTORY_WEEKS = (26, 52, 104, 156)
GROUP_SIZES = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One tool on one world.

    Attributes
    ----------
    study : "families", "history", "accounts" or "recovery"
    family : name in ``adbudget.synthetic.families()``, or of a panel that others made
    world : its number in the family
    tool : name in ``benchmarks.worlds.tools.TOOLS``
    weeks : periods of history kept (history), else None
    group : accounts fitted together (accounts), else None
    """

    study: str
    family: str
    world: int
    tool: str
    weeks: int | None = None
    group: int | None = None

    @property
    def seed(self) -> int:
        """Of the world, and of the tool where it needs one."""
        return world_seed(self.family, self.world)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; ``Job(**...)`` reads it back."""
        return asdict(self)


def world_seed(family: str, world: int) -> int:
    """Seed of a family's world: 31 bits of the SHA-256 of "family world"."""
    return int.from_bytes(hashlib.sha256(f"{family} {world}".encode()).digest()[:4]) >> 1


def make_grid(
    studies: Sequence[str],
    families: Sequence[str],
    worlds: Sequence[int] | None,
    tools: Sequence[str],
) -> list[Job]:
    """Every job of the studies; the accounts study runs only adbudget, in groups of each size.

    ``worlds`` None takes the usual number of each study, family and tool.
    """
    jobs = []
    for study, family, tool in product(studies, families, tools):
        numbers = range(usual_count(study, family, tool)) if worlds is None else worlds
        for weeks, group in _variants(study, tool):
            jobs += [
                Job(study=study, family=family, world=world, tool=tool, weeks=weeks, group=group)
                for world in numbers
            ]
    return jobs


def usual_count(study: str, family: str, tool: str) -> int:
    """How many worlds: adbudget alone takes seconds for each, all tools together minutes."""
    if study != "families":
        return 10
    if family == "tiny":  # 200 accounts each
        return 5
    return 40 if tool == "adbudget" else 20


def _variants(study: str, tool: str) -> Iterator[tuple[int | None, int | None]]:
    if study == "families":
        yield None, None
    elif study == "history":
        yield from ((weeks, None) for weeks in HISTORY_WEEKS)
    elif tool == "adbudget":
        yield from ((None, group) for group in GROUP_SIZES)


def spec_of(job: Job) -> "WorldSpec":
    """Settings of the job's world."""
    from adbudget.synthetic import families

    spec = families()[job.family]
    if job.study == "history":
        return replace(spec, n_periods=max(HISTORY_WEEKS))
    if job.study == "accounts":
        return replace(spec, n_accounts=max(GROUP_SIZES))
    return spec


def make_world(job: Job) -> "World":
    """The job's world, cut to its weeks.

    Raises
    ------
    ValueError : a cell has no spend left in the weeks kept, so its truth could not be judged
    """
    from adbudget.synthetic import synthesize

    world = synthesize(spec_of(job), job.seed)
    if job.weeks is None:
        return world
    first = sorted(world.outcome["date"].unique())[-job.weeks]
    cut = replace(
        world,
        spend=world.spend[world.spend["date"] >= first].reset_index(drop=True),
        outcome=world.outcome[world.outcome["date"] >= first].reset_index(drop=True),
    )
    spent = pd.DataFrame(cut.spend[cut.spend["spend"] > 0])
    n_left = len(spent[["account", "channel"]].drop_duplicates())
    if n_left < len(world.truth.cells):
        raise ValueError(
            f"{job.family}: {len(world.truth.cells) - n_left} cells have no spend in the last "
            f"{job.weeks} weeks. Choose a family without stopped channels."
        )
    return cut


def family_place(name: str) -> int:
    """Place of a family in every table; names not in the order come last."""
    return FAMILY_ORDER.index(name) if name in FAMILY_ORDER else len(FAMILY_ORDER)


def control_names(world: "World") -> list[str]:
    """Columns of the outcome's table that are neither its key nor the outcome."""
    return [c for c in world.outcome.columns if c not in ("account", "date", world.spec.kpi)]
