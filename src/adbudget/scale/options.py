"""The options of learning and deciding at scale, stated once."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from adbudget.decision.options import DecisionOptions
from adbudget.options import Option
from adbudget.panel.options import PanelOptions

if TYPE_CHECKING:
    from pathlib import Path

    from adbudget.model.priors import Priors
    from adbudget.tables.frames import FrameLike


class LearnOptions(PanelOptions, total=False):
    """Options of :func:`adbudget.scale.learn`, which says in full what each does."""

    priors: Annotated[
        "Priors | None", Option(help="What is believed before the data; Priors() when None")
    ]
    lift_tests: Annotated["FrameLike | None", Option(help="Table of experiments, one a row")]
    forgetting: Annotated[
        "float | None", Option(help="Days after which evidence counts half; never when None")
    ]
    seed: Annotated[int, Option(help="Same seed, same numbers", default=0)]
    shard_size: Annotated[int, Option(help="Accounts of a shard, at most", default=25)]
    learn_shards: Annotated[
        int,
        Option(help="Shards that what all share is learned from, 2 to 8", default=4),
    ]
    passes: Annotated[int, Option(help="Passes over these shards before the last", default=3)]
    pass_draws: Annotated[int, Option(help="Draws per chain of these passes", default=1000)]
    pass_chains: Annotated[int, Option(help="Chains of these passes", default=4)]
    draws: Annotated[int, Option(help="Kept draws per chain of the last pass", default=500)]
    tune: Annotated[int, Option(help="Tuning draws per chain", default=300)]
    chains: Annotated[int, Option(help="Chains of the last pass, at least 2", default=4)]
    unreadable: Annotated[
        Literal["error", "leave_out"],
        Option(help="Accounts whose rows cannot be used: refuse, or leave out", default="error"),
    ]
    work: Annotated["str | Path | None", Option(help="Working folder, kept to go on from")]
    client: Annotated[Any, Option(help="A dask client, or the address of a scheduler")]
    workers: Annotated[int | None, Option(help="Processes of this machine; all cores when None")]
    progress: Annotated[
        bool | None,
        Option(help="Show a line of progress; None shows it where a person is watching"),
    ]


class ScaleOptions(LearnOptions, DecisionOptions, total=False):
    """Options of :func:`adbudget.scale.recommend`."""
