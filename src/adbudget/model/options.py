"""The options of fit, stated once. Imports nothing heavy, for the command line."""

from numbers import Integral
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from adbudget.errors import InputError
from adbudget.options import Option, Shell

if TYPE_CHECKING:
    from pathlib import Path

    from adbudget.model.forgetting import Forgetting
    from adbudget.model.population import Population
    from adbudget.model.priors import Priors
    from adbudget.tables.frames import FrameLike


MOST_CORES = 4096


def check_cores(cores: object) -> None:
    """Refuse a number of cores that nothing could run on.

    Raises
    ------
    InputError : neither None nor a whole number from 1 to 4,096
    """
    number = int(cores) if isinstance(cores, Integral) and not isinstance(cores, bool) else 0
    if cores is not None and not 1 <= number <= MOST_CORES:
        raise InputError(
            f"cores must be None (all of them) or an integer from 1 to {MOST_CORES:,}; "
            f"got {cores!r}."
        )


class FitOptions(TypedDict, total=False):
    """Options of :func:`adbudget.fit`, which says in full what each does."""

    population: Annotated[
        "Population | str | Path | None",
        Option(
            help="What other accounts have in common, as adbudget population saved it",
            shell=Shell(kind="file", metavar="FILE"),
        ),
    ]
    lift_tests: Annotated[
        "FrameLike | None",
        Option(
            help="Table of experiments, one a row, for the fit",
            shell=Shell(kind="file", metavar="FILE"),
        ),
    ]
    forgetting: Annotated[
        "Forgetting",
        Option(
            help="Days after which evidence counts half, or auto; nothing is forgotten if not "
            "given",
            shell=Shell(kind="text", metavar="DAYS"),
        ),
    ]
    engine: Annotated[
        Literal["compiled", "pymc"],
        Option(help="Sampler of the compiled density, or PyMC's own", default="compiled"),
    ]
    draws: Annotated[int, Option(help="Kept draws per chain", default=1000)]
    tune: Annotated[int, Option(help="Tuning draws per chain", default=500)]
    chains: Annotated[int, Option(help="Number of chains, at least 2", default=4)]
    target_accept: Annotated[
        float,
        Option(
            help="Nearer to 1, the sampler steps less far and diverges less",
            default=0.9,
            shell=Shell(kind="number", metavar="SHARE"),
        ),
    ]
    cores: Annotated[int | None, Option(help="Chains that run at once; all cores when None")]
    checkpoint: Annotated[
        "str | Path | None",
        Option(
            help="Keep finished chains in this folder until the fit is there, and go on from them",
            shell=Shell(kind="file", metavar="FOLDER"),
        ),
    ]
    progress: Annotated[
        bool | None, Option(help="Show a progress bar; None shows it where a person is watching")
    ]


class SeededFitOptions(FitOptions, total=False):
    """The same with what :func:`adbudget.fit` takes beside them, for whoever fits on the way."""

    priors: Annotated[
        "Priors | None", Option(help="What is believed before the data; Priors() when None")
    ]
    seed: Annotated[
        int,
        Option(help="Same seed, same decisions", default=0, shell=Shell(kind="whole number")),
    ]


class SavedFitOptions(SeededFitOptions, total=False):
    """The same, for whoever may also keep what was learned."""

    save_fit: Annotated[
        "str | Path | None",
        Option(
            help="Also save the fit to this file, to decide anew from it",
            shell=Shell(kind="file", metavar="FILE"),
        ),
    ]
