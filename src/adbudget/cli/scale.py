"""recommend FOLDER --cluster or --workers: arguments -> one call of adbudget.scale, printed."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adbudget.cli.terminal import complain, say, say_record
from adbudget.decision.options import DecisionOptions
from adbudget.errors import InputError
from adbudget.options import options_of
from adbudget.panel.options import PanelOptions

if TYPE_CHECKING:
    from adbudget.scale.records import ScaleDecisions

ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Learn in shards on the dask scheduler at tcp://HOST:PORT; FILE is a folder of "
        "Parquet files, and --out a folder.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Learn in shards with N processes of this machine; FILE and --out are folders.",
    ),
]
WorkFolder = Annotated[
    Path | None,
    typer.Option(
        "--work",
        metavar="FOLDER",
        help="With --cluster or --workers: keep fits and steps there, and go on from them.",
    ),
]
TAKEN = ("priors", "lift_tests", "forgetting", "seed", "draws", "tune", "chains")


def is_asked(cluster: str | None, workers: int | None, work: Path | None) -> bool:
    """Whether accounts are to be learned in shards.

    Raises
    ------
    InputError : there is a working folder for nothing
    """
    if work is not None and cluster is None and workers is None:
        raise InputError("--work keeps the steps of --cluster or --workers: give one of them.")
    return cluster is not None or workers is not None


def recommend_folder(
    files: list[str] | None,
    outcome: list[str] | None,
    out: Path | None,
    arguments: Mapping[str, Any],
    of_files: Collection[str] = (),
    *,
    cluster: str | None,
    workers: int | None,
    work: Path | None,
) -> int:
    """Decide the accounts of a folder; returns how many shards cannot be trusted.

    Parameters
    ----------
    files, outcome, out : folders
    arguments : of :func:`adbudget.scale.recommend`
    of_files : settings that were given and mean something for tables in one piece only
    cluster, workers, work : where it runs, and what it keeps

    Raises
    ------
    InputError : not one folder, no folder to write to, or an option that has no effect
    """
    from adbudget.scale.deciding import recommend

    for what, given in (("FILE", files), ("--outcome", outcome)):
        if len(given or ()) > 1:
            raise InputError(f"with --cluster or --workers, {what} is one folder; got {given}.")
    if not files:
        raise InputError("Missing argument 'FILE': the folder of Parquet files with the spend.")
    if out is None:
        raise InputError("Missing option '--out': the folder for the decisions.")
    known = (*options_of(PanelOptions), *options_of(DecisionOptions), *TAKEN)
    idle = [name for name in (*arguments, *of_files) if name not in known]
    if idle:
        raise InputError(
            f"{', '.join(idle)} would have no effect with --cluster or --workers. Leave it out."
        )
    result = recommend(
        files[0],
        outcome[0] if outcome else None,
        out=out,
        client=cluster,
        workers=workers,
        work=work,
        **arguments,
    )
    return _shown(result, out)


def _shown(result: "ScaleDecisions", out: Path) -> int:
    say_record(result)
    fitted = result.fitted
    for name, why in list(fitted.refused.items())[:5]:
        say(f"left out: {name}: {why}")
    if not fitted.settled:
        complain("what accounts share still moves: use more passes (see docs/guide/scale.md).")
    unhealthy = len(fitted.shards) - int(fitted.shards["ok"].to_numpy().sum())
    if unhealthy:
        complain(
            f"{unhealthy} of {len(fitted.shards)} shards cannot be trusted; their decisions are to "
            "monitor. Longer chains may help: draws and tune in a --config file."
        )
    say(f"\nWrote {out}: {sum(result.calls.values()):,} decisions.")
    return unhealthy
