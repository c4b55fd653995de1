"""What recommend asks beside data and fit, stated once. Imports nothing heavy."""

from typing import TYPE_CHECKING, Annotated, TypedDict

from adbudget.options import Option, Shell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from adbudget.decision.thresholds import Thresholds
    from adbudget.draws import SpendLike
    from adbudget.plan import Limits
    from adbudget.policy.rulebook import Policy
    from adbudget.risk import Risk
    from adbudget.tables.frames import FrameLike


class DecisionOptions(TypedDict, total=False):
    """Where moves start, what they may be, and when one is called."""

    current: Annotated[
        "SpendLike | None",
        Option(help="Spend per period by (account, channel) that moves are measured from"),
    ]
    budgets: Annotated[
        "FrameLike | None",
        Option(
            help="Table of the budgets that are set today, from which moves are measured",
            shell=Shell(kind="file", metavar="FILE"),
        ),
    ]
    window_days: Annotated[
        float,
        Option(
            help="Days that today's spend is the mean of",
            default=28,
            shell=Shell(kind="number", metavar="DAYS", flag="--window"),
        ),
    ]
    limits: Annotated["Limits | None", Option(help="What a plan may be; Limits() when None")]
    risk: Annotated["Risk | None", Option(help="What its worst outcomes cost; Risk() when None")]
    thresholds: Annotated[
        "Thresholds | None", Option(help="When a move becomes a call; Thresholds() when None")
    ]
    accept_findings: Annotated[
        "Iterable[str]",
        Option(
            help="Kinds of findings about the data that hold no cell",
            default=(),
            shell=Shell(kind="names", metavar="KIND,KIND"),
        ),
    ]
    previous: Annotated[
        "pd.DataFrame | None",
        Option(
            help="Decisions of the run before, whose calls stand while they are nearly as likely",
            shell=Shell(kind="file", metavar="FILE"),
        ),
    ]
    policy: Annotated[
        "Policy | Mapping[str, object] | str | Path | None",
        Option(
            help="Policy whose constraints and rules guard the calls",
            shell=Shell(kind="file", metavar="FILE"),
        ),
    ]


class ToldOptions(TypedDict, total=False):
    """What a frame of decisions tells beside its decisions."""

    frontier: Annotated[
        bool,
        Option(
            help="Work out what other bars for a call would have brought; --report does",
            default=False,
            shell=Shell(kind="switch"),
        ),
    ]
