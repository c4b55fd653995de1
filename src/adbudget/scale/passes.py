"""Shards that were read -> ShardedFit: pass after pass of expectation propagation.

Some shards are sampled, each with what the others of them say as its prior, and answer with what
their own rows say (their site). All others are sampled once, with what these have found. The order
of the shards, and where each is sampled, changes nothing.

References
----------
Vehtari, Gelman, Sivula et al. (2020), Journal of Machine Learning Research 21(17), 1-53
(expectation propagation as a framework for partitioned data).
"""

# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np
import pandas as pd

from adbudget.display.stages import stage, told
from adbudget.draws import Health
from adbudget.errors import InputError
from adbudget.model.beside import Beside
from adbudget.model.pooled import Pooled, pooled
from adbudget.model.priors import Priors
from adbudget.model.sampler import SamplerSettings
from adbudget.model.shard import Site, priors_before, priors_given
from adbudget.model.shared_population import population_of_shards
from adbudget.model.sites import Natural, believed, nothing, places_of, total
from adbudget.scale import tasks
from adbudget.scale.engines import Engine, Task, run_all
from adbudget.scale.options import LearnOptions
from adbudget.scale.records import ShardedFit
from adbudget.scale.store import Store
from adbudget.scale.tasks import Asked, Read, seed_of

LAST = "last"
# Small steps while nobody has told of spreads; larger ones do from then on.
FIRST_ACCEPT, LATER_ACCEPT = 0.9, 0.85
MOST_LEARNED = 8  # shards; the noise of more sites adds up to more than they tell


class Passes:
    """The passes over the shards; what is known of each shard, in the order of the shards."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        asked: Asked,
        shards: Sequence[Sequence[str]],
        reads: Sequence[Read],
        options: LearnOptions,
    ) -> None:
        self.store, self.engine, self.asked, self.options = store, engine, asked, options
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
        self.learning = spread_out(self.own_channels, options["learn_shards"])
        self.sites = [nothing(self.size) for _ in self.places]
        self.prior = believed(asked.priors, len(self.channels), nothing(self.size))
        self.moments = self.prior.moments(self.prior.precision)
        self.passes: list[dict[str, float]] = []
        self.found: list[Pooled] = []
        self.beside: list[Beside] = []

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
        n_passes = self.options["passes"] if len(self.places) > 1 else 0  # one shard has no others
        for step in range(n_passes):
            name = f"pass {step + 1} of {n_passes}"
            todo = self._todo(step, others, f"pass-{step + 1}", self.learning)
            self._take(step, run_all(self.engine, name, tasks.find_site, todo))
        everyone = range(len(self.places))
        todo = self._todo(n_passes, others, LAST, everyone)
        last = run_all(self.engine, "fitting the accounts", tasks.fit_accounts, todo)
        self._take(n_passes, [last[i][0] for i in self.learning])
        return self._result(last, refused)

    def _todo(
        self, step: int, others: list[Pooled | None], name: str, which: Sequence[int]
    ) -> list[Task]:
        """Tasks of one pass: shards, each with its cavity."""
        final, own = name == LAST, self.options
        settings = SamplerSettings(
            draws=own["draws"] if final else own["pass_draws"],
            tune=own["tune"],
            chains=own["chains"] if final else own["pass_chains"],
            cores=1,
            target_accept=LATER_ACCEPT if step else FIRST_ACCEPT,
        )
        whole = self.prior + total(self.sites, self.size)
        todo = []
        for i in which:
            k = self.places[i]
            priors = self._cavity(whole - self.sites[i], i, others[i], first=step == 0)
            todo.append(
                (self.store, name, k, priors, seed_of(self.options["seed"], step, k), settings)
            )
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
        for i, new in zip(self.learning, found, strict=True):
            factor = new.factor.at(self.at[i], self.size)
            self.sites[i] = self.sites[i].times(1 - share) + factor.times(share)
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

    def _result(self, last: list[tuple[Site, Health]], refused: Mapping[str, str]) -> ShardedFit:
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
                name: k for k, own in zip(self.places, self.accounts, strict=True) for name in own
            },
            population=population,
            passes=pd.DataFrame(
                self.passes, index=pd.RangeIndex(1, len(self.passes) + 1, name="pass")
            ),
            shards=_table(self.places, self.accounts, last),
            refused=dict(refused),
        )


def spread_out(own_channels: Sequence[tuple[str, ...]], most: int) -> list[int]:
    """Positions of some shards, evenly among all; more where a channel would be without one."""
    n = len(own_channels)
    chosen = sorted({round(i) for i in np.linspace(0, n - 1, min(most, n))})
    known = {name for i in chosen for name in own_channels[i]}
    for i, own in enumerate(own_channels):
        if not known.issuperset(own):
            chosen.append(i)
            known.update(own)
    return sorted(chosen)


def _table(
    places: list[int], accounts: list[list[str]], last: list[tuple[Site, Health]]
) -> pd.DataFrame:
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


def _first_of(reads: Sequence[Read]) -> str:
    return next((why for read in reads for why in read.refused.values()), "there are no rows.")
