"""Folders of rows -> ShardedFit: what many accounts share, by expectation propagation over shards.

References
----------
Vehtari, Gelman, Sivula et al. (2020), Journal of Machine Learning Research 21(17), 1-53
(expectation propagation as a way of life: a framework for partitioned data).
Dehaene & Barthelme (2018), Journal of the Royal Statistical Society B 80(1), 199-217.
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
import pandas as pd

from adbudget.display.stages import stage, told, watched
from adbudget.errors import InputError
from adbudget.model.pooled import Pooled, pooled
from adbudget.model.priors import Priors
from adbudget.model.sampler import SamplerSettings
from adbudget.model.shard import Site, priors_before, priors_given
from adbudget.model.shared_population import population_of_shards
from adbudget.model.sites import Natural, believed, nothing, places_of, total
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
from adbudget.scale.records import ShardedFit
from adbudget.scale.store import Store, fingerprint, open_store
from adbudget.scale.tasks import Asked, Read, seed_of
from adbudget.tables.roles import as_frame

POPULATION = "population.adbudget"
LAST = "last"


@takes(LearnOptions)
def learn(
    data: Any, outcome: Any = None, **options: Unpack[LearnOptions]
) -> ShardedFit:
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
        that was stopped goes on from it. A temporary one when None
    columns, channels, controls, holidays, ... : as in :func:`adbudget.read_panel`, account by
        account
    priors, forgetting, lift_tests : as in :func:`adbudget.fit`; the half-life as a number
    seed : same seed, files and options: the same bits, wherever and in whatever order shards run
    shard_size : accounts of a shard, at most
    passes, pass_chains, pass_draws : over all shards, before the last, and how they are sampled
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
    run = _Run(store, engine, asked, shards, reads, options)
    return run.learned(refused)


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
    names = ("seed", "shard_size", "passes", "pass_draws", "pass_chains", "draws", "tune", "chains")
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


class _Run:
    """The passes over the shards; what is known of each shard, in the order of the shards."""

    def __init__(self, store, engine, asked: Asked, shards, reads: list[Read], options) -> None:
        self.store, self.engine, self.asked = store, engine, asked
        self.options: LearnOptions = options
        self.places = [k for k, read in enumerate(reads) if read.found is not None]
        if not self.places:
            raise InputError("no account can be read; the first says why: " + _first_of(reads))
        refused = {name for read in reads for name in read.refused}
        self.accounts = [[n for n in shards[k] if n not in refused] for k in self.places]
        self.reads = [reads[k] for k in self.places]
        _check_alike(self.reads, self.accounts)
        self.own_channels = [read.channels for read in self.reads]
        self.channels = tuple(sorted({name for own in self.own_channels for name in own}))
        self.at = [places_of(own, self.channels) for own in self.own_channels]
        self.size = 4 * len(self.channels) + 4
        self.sites = [nothing(self.size) for _ in self.places]
        self.prior = believed(asked.priors, len(self.channels), nothing(self.size))
        self.moments = self.prior.moments(self.prior.precision)
        self.passes: list[dict[str, float]] = []

    def learned(self, refused: Mapping[str, str]) -> ShardedFit:
        """All passes, one after the other."""
        found = _others([read.found for read in self.reads])
        todo = [
            (self.store, k, priors_before(self.asked.priors, own, other))
            for k, own, other in zip(self.places, self.own_channels, found, strict=True)
        ]
        again = run_all(self.engine, "adding up the history", tasks.gather_shard, todo)
        self.found = [one for one, _ in again]
        self.beside = [one for _, one in again]
        others = _others(self.found)
        for step in range(self.options["passes"]):
            name = f"pass {step + 1} of {self.options['passes']}"
            found = run_all(
                self.engine, name, tasks.find_site, self._todo(step, others, f"pass-{step + 1}")
            )
            self._take(step, found)
        last = run_all(
            self.engine,
            "fitting the accounts",
            tasks.fit_accounts,
            self._todo(self.options["passes"], others, LAST),
        )
        self._take(self.options["passes"], [site for site, _ in last])
        return self._result(last, refused)

    def _todo(self, step: int, others: list[Pooled | None], name: str) -> list[tuple]:
        """Tasks of one pass: every shard with its cavity."""
        final = name == LAST
        settings = SamplerSettings(
            draws=self.options["draws" if final else "pass_draws"],
            tune=self.options["tune"],
            chains=self.options["chains" if final else "pass_chains"],
            cores=1,
        )
        whole = self.prior + total(self.sites, self.size)
        todo = []
        for i, k in enumerate(self.places):
            priors = self._cavity(whole - self.sites[i], i, others[i], first=step == 0)
            todo.append((self.store, name, k, priors, seed_of(self.options["seed"], step, k), settings))
        return todo

    def _cavity(self, rest: Natural, i: int, other: Pooled | None, *, first: bool) -> Priors:
        """Priors of one shard: what all the others say, of its own channels."""
        if first:
            return priors_before(self.asked.priors, self.own_channels[i], other)
        mean, cov = rest.moments(self.prior.precision)
        own = self.at[i]
        return priors_given(
            self.asked.priors, self.own_channels[i], mean[own], cov[np.ix_(own, own)], other
        )

    def _take(self, step: int, found: list[Site]) -> None:
        """New sites in the place of the old: all of the first two, later ones as a mean."""
        share = 1.0 if step < 2 else 1 / step
        self.sites = [
            old.times(1 - share) + new.factor.at(at, self.size).times(share)
            for old, new, at in zip(self.sites, found, self.at, strict=True)
        ]
        rest = total(self.sites, self.size)
        self.prior = believed(self.asked.priors, len(self.channels), rest)
        before, self.moments = self.moments, (self.prior + rest).moments(self.prior.precision)
        (old_mean, old_cov), (mean, cov) = before, self.moments
        sd, old_sd = np.sqrt(np.diag(cov)), np.sqrt(np.diag(old_cov))
        told_of = {
            "moved": float(np.abs((mean - old_mean) / sd).max()),
            "resized": float(np.abs(np.log(sd / old_sd)).max()),
            "rhat": max(site.rhat for site in found),
            "ess": min(site.ess for site in found),
        }
        self.passes.append(told_of)
        told(
            "what accounts share moved by %.2f sd; worst r-hat %.3f, effective draws %.0f",
            told_of["moved"],
            told_of["rhat"],
            told_of["ess"],
        )

    def _result(self, last: list, refused: Mapping[str, str]) -> ShardedFit:
        """Everything as a record; the population in a file of its own."""
        mean, cov = self.moments
        with stage("what accounts share"):
            population = population_of_shards(
                self.asked.priors,
                self.channels,
                mean,
                cov,
                self.beside,
                pooled(self.found),
                {name: version(name) for name in ("adbudget", "nutpie", "numpy", "pymc")},
            )
        self.store.keep(population, "population")
        return ShardedFit(
            folder=self.store.folder,
            accounts={
                name: k
                for k, own in zip(self.places, self.accounts, strict=True)
                for name in own
            },
            population=population,
            passes=pd.DataFrame(
                self.passes, index=pd.RangeIndex(1, len(self.passes) + 1, name="pass")
            ),
            shards=_table(self.places, self.accounts, last),
            refused=dict(refused),
        )


def _table(places: list[int], accounts: list[list[str]], last: list) -> pd.DataFrame:
    """Health of the fit of every shard."""
    rows = [
        {
            "accounts": len(own),
            "rhat": health.rhat_max,
            "ess": min(health.ess_bulk_min, health.ess_tail_min),
            "divergences": health.divergences,
            "draws": health.n_draws,
            "ok": health.ok,
            "problems": " ".join(health.problems),
        }
        for own, (_, health) in zip(accounts, last, strict=True)
    ]
    return pd.DataFrame(rows, index=pd.Index(places, name="shard"))


def _others(found: Sequence[Pooled | None]) -> list[Pooled | None]:
    """For every shard, the sums over the others; None where there is no other."""
    known = [one for one in found if one is not None]
    if len(known) < 2:
        return [None] * len(known)
    return [pooled(known[:k] + known[k + 1 :]) for k in range(len(known))]


def _first_of(reads: Sequence[Read]) -> str:
    return next((why for read in reads for why in read.refused.values()), "there are no rows.")


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


def _check_alike(reads: Sequence[Read], accounts: Sequence[Sequence[str]]) -> None:
    """One period and one outcome for all."""
    for what in ("period_days", "outcome_name"):
        first = getattr(reads[0], what)
        for read, own in zip(reads, accounts, strict=True):
            if getattr(read, what) != first:
                raise InputError(
                    f"{what.replace('_', ' ')} differs between accounts: {first!r} for "
                    f"{accounts[0][0]!r} and {getattr(read, what)!r} for {own[0]!r}. Bring them to "
                    "one form, or learn them apart."
                )


def check_learning(options: Any) -> None:
    """Refuse numbers out of range, and what cannot be done shard by shard.

    Raises
    ------
    InputError : names the option, and what it may be
    """
    least = {"seed": 0, "shard_size": 2, "passes": 1, "pass_draws": 100, "pass_chains": 2}
    for name, low in (least | {"draws": 100, "tune": 100, "chains": 2}).items():
        value = options[name]
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
            raise InputError(f"{name} must be an integer >= {low}; got {value!r}.")
    days = options["forgetting"]
    number = isinstance(days, int | float) and not isinstance(days, bool) and days > 0
    if days is not None and not number:
        raise InputError(
            f"forgetting must be a number of days > 0 here, or None; got {days!r}. \"auto\" looks "
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
