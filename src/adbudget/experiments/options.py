"""What plan_tests asks, stated once. Imports nothing heavy."""

from typing import TYPE_CHECKING, Annotated, TypedDict

from adbudget.options import Option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TestOptions(TypedDict, total=False):
    """What a test may be, how long it is used afterwards, and what all of them may cost."""

    weeks: Annotated[
        float,
        Option(
            help="Length of a test",
            default=4,
        ),
    ]
    budget: Annotated[
        "float | Mapping[str, float] | None",
        Option(
            help="Margin that all tests together may be expected to cost",
        ),
    ]
    horizon_weeks: Annotated[
        float,
        Option(
            help="Time after the tests whose gain counts",
            default=52,
        ),
    ]
    kinds: Annotated[
        "Sequence[str]",
        Option(
            help="Kinds of tests: pulse, on/off, on/off pair, factorial, holdout",
            default=("pulse", "on/off", "on/off pair", "factorial"),
        ),
    ]
    changes: Annotated[
        "Sequence[float]",
        Option(help="Changes of spend that a pulse may make, as shares", default=(0.3, 0.5)),
    ]
    holdout_share: Annotated[
        float,
        Option(
            help="Share of an account's regions that a holdout switches off",
            default=0.5,
        ),
    ]
    holdout_error: Annotated[
        float | None,
        Option(
            help="Standard error of a holdout's lift, as a share of the account's outcome",
        ),
    ]
    untested: Annotated[
        "Sequence[str | tuple[str, str]]",
        Option(help="Channels, or (account, channel) pairs, that no test may touch", default=()),
    ]
