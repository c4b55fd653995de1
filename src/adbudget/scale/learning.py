"""Folders of rows -> ShardedFit: what many accounts share, by expectation propagation over shards.

Reads the input into shards; what is learned of them: ``passes.py``.
"""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from adbudget.display.stages import told, watched
from adbudget.errors import InputError
from adbudget.model.priors import Priors
from adbudget.options import part_of, takes
from adbudget.panel.options import PanelOptions
from adbudget.panel.panel import Panel
from adbudget.scale import tasks
from adbudget.scale.engines import Engine, engine_of, run_all
from adbudget.scale.inputs import (
    InputFile,
    accounts_of,
    check_both,
    cut_file,
    input_files,
    into_shards,
)
from adbudget.scale.options import LearnOptions
from adbudget.scale.passes import MOST_LEARNED, Passes
from adbudget.scale.records import ShardedFit
from adbudget.scale.store import Store, fingerprint, open_store
from adbudget.scale.tasks import Asked, Read
from adbudget.tables.roles import as_frame


@takes(LearnOptions)
def learn(data: Any, outcome: Any = None, **options: Unpack[LearnOptions]) -> ShardedFit:
    """Learn what many accounts have in common, shard by shard, and fit each of them.

    Every shard is sampled with what all the others say as its prior, pass after pass, until what
    they say no longer changes; the last pass gives the draws of every account.

    Parameters
    ----------
    data : folder of Parquet files (or one), rows of spend as :func:`adbudget.read_panel` takes
        them, or of :func:`adbudget.scale.account_evidence`; a Dask frame of either; or a list of
        panels, each a shard. Folders named ``account=north`` are columns
    outcome : the same of the outcome, where it has a table of its own
    work : working folder, which all workers reach under this path; it keeps the fits, and a run
        that was stopped goes on from it. When None, a temporary one that stays until somebody
        removes it, as ``ShardedFit.fit_of`` reads the fits there
    columns, channels, controls, holidays, ... : as in :func:`adbudget.read_panel`, account by
        account
    priors, forgetting, lift_tests : as in :func:`adbudget.fit`; the half-life as a number
    seed : same seed, files and options: the same bits, wherever and in whatever order shards run
    shard_size : accounts of a shard, at most
    learn_shards : from how many shards what all accounts share is learned; the others take it as
        their prior. Evidence of more shards adds up, and so does what is wrong with each of them:
        passes over 40 shards ran away from the truth, so at most 8
    passes, pass_chains, pass_draws : over these shards, before the last, and how they are sampled
    draws, tune, chains : of the last pass
    unreadable : "error", or "leave_out" accounts whose rows cannot be used; ``refused`` names them
    client : a ``dask.distributed.Client``, or the address of a scheduler
    workers : processes of this machine otherwise; 1 runs everything in this one
    progress : as in :func:`adbudget.fit`

    Returns
    -------
    ShardedFit

    Raises
    ------
    InputError : the input or an argument cannot be used
    FitError : the sampler could not run, or workers were lost again and again

    Examples
    --------
    >>> from adbudget import scale
    >>> sharded = scale.learn(
    ...     [panel], seed=1, work="steps", workers=1, passes=1, pass_draws=100, pass_chains=2,
    ...     draws=150, tune=150, progress=False,
    ... )
    >>> sorted(sharded.accounts)
    ['account_01', 'account_02', 'account_03', 'account_04', 'account_05']
    """
    check_learning(options)
    with (
        watched(options["progress"]),
        working_folder(options["work"]) as folder,
        engine_of(options["client"], options["workers"]) as engine,
    ):
        return learned_in(folder, engine, data, outcome, options)


@contextmanager
def working_folder(work: Any):
    """The folder asked for; or a temporary one, which is removed when something goes wrong."""
    if work is not None:
        yield Path(work)
        return
    folder = Path(tempfile.mkdtemp(prefix="adbudget-scale-")) / "work"
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder.parent, ignore_errors=True)
        raise


def learned_in(
    folder: Path, engine: Engine, data: Any, outcome: Any, options: LearnOptions
) -> ShardedFit:
    """Arguments that are checked -> ShardedFit, kept in a working folder."""
    store, files, panels = _opened(folder, data, outcome, options)
    asked: Asked = store.take("asked")
    if panels is None:
        shards, reads = _cut_and_read(store, engine, files, asked, options)
    else:
        shards = [list(panel.accounts) for panel in panels]
        todo = [(store, k, panel) for k, panel in enumerate(panels)]
        reads = run_all(engine, "adding up the history", tasks.keep_panel, todo)
    refused = {name: why for read in reads for name, why in read.refused.items()}
    _check_refused(refused, options["unreadable"])
    return Passes(store, engine, asked, shards, reads, options).learned(refused)


def _opened(
    folder: Path, data: Any, outcome: Any, options: LearnOptions
) -> tuple[Store, list[InputFile], Sequence[Panel] | None]:
    """The working folder with all that was asked, and the input."""
    panels = _as_panels(data)
    files: list[InputFile] = []
    if panels is None:
        data, outcome = _on_disk(data, folder, "spend"), _on_disk(outcome, folder, "outcome")
        files = input_files(data, "spend")
        files += [] if outcome is None else input_files(outcome, "outcome")
    reading = dict(part_of(PanelOptions, options))
    tests = options["lift_tests"]
    asked = Asked(
        panel=reading,
        column=str((options["columns"] or {}).get("account", "account")),
        priors=options["priors"] or Priors(),
        forgetting=options["forgetting"],
        lift_tests=None if tests is None else as_frame(tests, "lift_tests"),
    )
    names = ("seed", "shard_size", "learn_shards", "passes", "pass_draws", "pass_chains")
    names += ("draws", "tune", "chains")
    own = {name: options[name] for name in names}
    whose = [file.state for file in files]
    if panels is not None:
        from adbudget.decision.attributes import data_hash

        whose = [data_hash(panel) for panel in panels]
    told = {
        "version": version("adbudget"),
        "input": fingerprint(whose),
        "reading": fingerprint(reading),
        "priors": fingerprint(repr(asked.priors)),
        "lift tests": fingerprint(asked.lift_tests),
        "forgetting": asked.forgetting,
        **own,
    }
    store = open_store(folder / "run", told)
    store.keep(asked, "asked")
    return store, files, panels


def _on_disk(data: Any, folder: Path, kind: str) -> Any:
    """A path as it is; a Dask frame as the folder of Parquet files it is written to."""
    if data is None or isinstance(data, str | Path):
        return data
    if hasattr(data, "npartitions") and hasattr(data, "to_parquet"):
        place = folder / "input" / kind
        if not place.exists():
            data.to_parquet(str(place), write_index=False)
        return place
    raise InputError(
        f"data must be a folder of Parquet files, a Dask frame or a list of panels; got "
        f"{type(data).__name__}. A table in memory belongs to adbudget.recommend."
    )


def _as_panels(data: Any) -> Sequence[Panel] | None:
    """Panels, each a shard; None for anything else."""
    if isinstance(data, Panel):
        return [data]
    if isinstance(data, list | tuple) and data and all(isinstance(p, Panel) for p in data):
        return data
    return None


def _cut_and_read(
    store: Store, engine: Engine, files: list[InputFile], asked: Asked, options: LearnOptions
) -> tuple[list[list[str]], list[Read]]:
    """Who is there, the rows of every shard, and what each shard's own rows say."""
    todo = [(file, asked.column) for file in files]
    names = run_all(engine, "looking for accounts", accounts_of, todo)
    seen = {kind: _names_of(files, names, kind) for kind in ("spend", "outcome")}
    if any(file.kind == "outcome" for file in files):
        check_both(seen["spend"], seen["outcome"])
    shards = into_shards(seen["spend"], options["shard_size"])
    _check_tests(asked, seen["spend"])
    told("%d accounts in %d shards", len(seen["spend"]), len(shards))
    shard_of = {name: k for k, accounts in enumerate(shards) for name in accounts}
    store.keep(shard_of, "shard_of")
    todo = [(store, number, file, asked.column) for number, file in enumerate(files)]
    run_all(engine, "cutting into shards", cut_file, todo)
    todo = [(store, files, k, accounts) for k, accounts in enumerate(shards)]
    reads = run_all(engine, "reading accounts", tasks.read_shard, todo)
    kept = [k for k, read in enumerate(reads) if read.found is not None]
    if len(kept) < len(reads) and options["unreadable"] == "leave_out" and kept:
        told("%d shards hold no account that can be read", len(reads) - len(kept))
    return shards, reads


def _names_of(files: Sequence[InputFile], names: Sequence[list[str]], kind: str) -> list[str]:
    found: dict[str, None] = {}
    for file, own in zip(files, names, strict=True):
        if file.kind == kind:
            found |= dict.fromkeys(own)
    return list(found)


def _check_refused(refused: Mapping[str, str], unreadable: str) -> None:
    if refused and unreadable == "error":
        name, why = next(iter(refused.items()))
        raise InputError(
            f"{len(refused):,} account(s) cannot be used. The first is {name!r}: {why} Correct "
            "them; or pass unreadable='leave_out' to go on without them."
        )


def _check_tests(asked: Asked, accounts: Sequence[str]) -> None:
    if asked.lift_tests is None:
        return
    if "account" not in asked.lift_tests:
        raise InputError("lift_tests needs a column account: there are many accounts here.")
    lone = sorted(set(asked.lift_tests["account"].map(str)) - set(accounts))
    if lone:
        raise InputError(f"lift_tests names accounts that have no rows: {lone[:5]}.")


def check_learning(options: Any) -> None:
    """Refuse numbers out of range, and what cannot be done shard by shard.

    Raises
    ------
    InputError : names the option, and what it may be
    """
    least = {"seed": 0, "shard_size": 2, "learn_shards": 2, "passes": 1}
    least |= {"pass_draws": 100, "pass_chains": 2, "draws": 100, "tune": 100, "chains": 2}
    for name, low in least.items():
        value = options[name]
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
            raise InputError(f"{name} must be an integer >= {low}; got {value!r}.")
    if options["learn_shards"] > MOST_LEARNED:
        raise InputError(
            f"learn_shards must be at most {MOST_LEARNED}; got {options['learn_shards']}. What is "
            "wrong with each shard adds up over more, and the rest changes decisions little."
        )
    days = options["forgetting"]
    number = isinstance(days, int | float) and not isinstance(days, bool) and days > 0
    if days is not None and not number:
        raise InputError(
            f'forgetting must be a number of days > 0 here, or None; got {days!r}. "auto" looks '
            "at all accounts at once: let adbudget.fit choose it for some of them, and pass that."
        )
    if options["unreadable"] not in ("error", "leave_out"):
        raise InputError(
            f"unreadable must be 'error' or 'leave_out'; got {options['unreadable']!r}."
        )
    if options["account_of"] is not None:
        raise InputError(
            "account_of would join the rows of accounts that may be in different shards. Rename "
            "them in the files first."
        )
