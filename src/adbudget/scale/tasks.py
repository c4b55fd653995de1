"""What a worker does: one shard, one step. Reads the working folder, keeps its result there.

Every task is a function of its arguments and of what earlier steps kept, with a seed of its own:
it may run anywhere, in any order, twice. A result that is there already is not made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from adbudget.draws import Health
from adbudget.errors import InputError
from adbudget.model.beside import Beside, beside
from adbudget.model.fit import Fit
from adbudget.model.gathering import gather_all
from adbudget.model.lift_tests import read_lift_tests
from adbudget.model.pooled import Pooled, pooled_of
from adbudget.model.priors import Priors
from adbudget.model.sampler import SamplerSettings
from adbudget.model.shard import Site, fit_shard, sample_site, site_of_fit
from adbudget.panel.panel import Panel
from adbudget.panel.read import read_panel
from adbudget.panel.together import join_panels
from adbudget.scale.accounts import EVIDENCE, panel_of
from adbudget.scale.apart import for_accounts
from adbudget.scale.inputs import KINDS, InputFile, by_account, rows_of_shard
from adbudget.scale.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of reading and learning, the same for all shards.

    Attributes
    ----------
    panel : options of :func:`adbudget.read_panel`
    column : that says whose rows they are
    priors : beliefs before any account
    forgetting : days after which a row counts half; None: never
    lift_tests : of all accounts, or None
    """

    panel: dict[str, Any]
    column: str
    priors: Priors
    forgetting: float | None
    lift_tests: pd.DataFrame | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """What reading a shard tells.

    Attributes
    ----------
    channels : of its accounts
    period_days, outcome_name : of its panel
    found : what its accounts say of baseline and noise; None where none could be read
    refused : account -> why its rows cannot be used
    """

    channels: tuple[str, ...]
    period_days: float
    outcome_name: str
    found: Pooled | None
    refused: dict[str, str]


def read_shard(
    store: Store, files: Sequence[InputFile], shard: int, accounts: Sequence[str]
) -> Read:
    """Read the accounts of a shard, one by one, and find baseline and noise a first time."""
    kept = ("read", f"{shard:05d}.read")
    if store.has(*kept):
        return store.take(*kept)
    asked: Asked = store.take("asked")
    panels, refused = [], {}
    rows = {kind: rows_of_shard(store, files, shard, kind) for kind in KINDS}
    spend, earned = (by_account(rows[kind], asked.column) for kind in KINDS)
    for name in accounts:
        try:
            if name not in spend:
                raise InputError(f"the rows of account {name!r} were lost on the way.")
            panels.append(_read_account(spend[name], earned.get(name), name, asked))
        except InputError as problem:
            refused[name] = str(problem)
    if not panels:
        told = Read(channels=(), period_days=0.0, outcome_name="", found=None, refused=refused)
    else:
        panel = join_panels(panels)
        with threadpool_limits(limits=1):
            gathered = gather_all(panel, asked.priors, forgetting=asked.forgetting)
            found = pooled_of(panel, gathered, asked.priors)
        store.keep(panel, "panels", f"{shard:05d}.panel")
        told = Read(
            channels=panel.channels,
            period_days=panel.period_days,
            outcome_name=panel.outcome_name,
            found=found,
            refused=refused,
        )
    store.keep(told, *kept)
    return told


def _read_account(
    spend: pd.DataFrame, earned: pd.DataFrame | None, name: str, asked: Asked
) -> Panel:
    """A panel of one account, from its rows or from its row of evidence."""
    if set(EVIDENCE) <= set(spend.columns):
        if len(spend) != 1:
            raise InputError(f"account {name!r} has {len(spend)} rows of evidence; expected one.")
        return panel_of(spend["evidence"].iloc[0])
    return read_panel(spend, earned, **for_accounts(asked.panel, (name,)))


def keep_panel(store: Store, shard: int, panel: Panel) -> Read:
    """The same for a panel that was read already."""
    asked: Asked = store.take("asked")
    with threadpool_limits(limits=1):
        gathered = gather_all(panel, asked.priors, forgetting=asked.forgetting)
        found = pooled_of(panel, gathered, asked.priors)
    store.keep(panel, "panels", f"{shard:05d}.panel")
    return Read(
        channels=panel.channels,
        period_days=panel.period_days,
        outcome_name=panel.outcome_name,
        found=found,
        refused={},
    )


def gather_shard(store: Store, shard: int, priors: Priors) -> tuple[Pooled, Beside]:
    """Add up the rows of a shard, knowing what the others found of baseline and noise."""
    kept = ("gathered", f"{shard:05d}.told")
    if store.has(*kept):
        return store.take(*kept)
    asked: Asked = store.take("asked")
    panel: Panel = store.take("panels", f"{shard:05d}.panel")
    tests = asked.lift_tests
    if tests is not None:
        tests = tests[tests["account"].map(str).isin(panel.accounts)]
        tests = read_lift_tests(tests, panel) if len(tests) else None
    with threadpool_limits(limits=1):
        gathered = gather_all(panel, priors, forgetting=asked.forgetting, tests=tests)
        told = pooled_of(panel, gathered, priors), beside(panel, gathered.evidence)
    store.keep(gathered, "gathered", f"{shard:05d}.gathered")
    store.keep(told, *kept)
    return told


def find_site(
    store: Store, step: str, shard: int, priors: Priors, seed: int, settings: SamplerSettings
) -> Site:
    """Sample a shard under its cavity."""
    kept = (step, f"{shard:05d}.site")
    if store.has(*kept):
        return store.take(*kept)
    gathered = store.take("gathered", f"{shard:05d}.gathered")
    with threadpool_limits(limits=1):
        site = sample_site(gathered.evidence, priors, seed, settings)
    store.keep(site, *kept)
    return site


def fit_accounts(
    store: Store, step: str, shard: int, priors: Priors, seed: int, settings: SamplerSettings
) -> tuple[Site, Health]:
    """Fit the accounts of a shard for good; the fit is kept as a file of its own."""
    kept = (step, f"{shard:05d}.site")
    if store.has(*kept):
        return store.take(*kept)
    asked: Asked = store.take("asked")
    panel: Panel = store.take("panels", f"{shard:05d}.panel")
    gathered = store.take("gathered", f"{shard:05d}.gathered")
    with threadpool_limits(limits=1):
        fitted = fit_shard(panel, gathered, priors, asked.priors, seed, settings)
        fitted = replace(fitted, forgetting=asked.forgetting)
        site = site_of_fit(fitted)
    fitted.save(store.path(*fit_place(shard)))
    store.keep((site, fitted.health), *kept)
    return site, fitted.health


def fit_place(shard: int) -> tuple[str, str]:
    """Where the fit of a shard is."""
    return "fits", f"shard-{shard:05d}.fit"


def load_fit(store: Store, shard: int) -> Fit:
    """The fit of a shard."""
    with threadpool_limits(limits=1):
        return Fit.load(store.folder.joinpath(*fit_place(shard)))


def seed_of(seed: int, step: int, shard: int) -> int:
    """A seed for every task, all of them fixed by the caller's."""
    return int(np.random.SeedSequence([seed, step, shard]).generate_state(1)[0])
