"""ShardedFit and ScaleDecisions: what was learned of many accounts, and decided of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.model.fit import Fit
from adbudget.model.population import Population

MOVED_LIMIT = 0.5  # sd by which what accounts share may still move in the last pass


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ShardedFit(Shown):
    """Accounts learned in shards: what all share, and one fit per shard.

    Attributes
    ----------
    folder : holds the fits, as ``fits/shard-00000.fit``
    accounts : account -> its shard
    population : of all accounts
    passes : by pass: ``moved``, largest change of what accounts share, in its sd; ``resized``,
        largest change of the logarithm of an sd
    shards : by shard: accounts, worst r-hat and smallest effective sample size of what accounts
        share in the last pass, divergences, draws, ``ok`` and ``problems`` of its fit
    refused : account -> why its rows could not be used

    Examples
    --------
    >>> sorted(sharded.accounts), sharded.refused
    (['account_01', 'account_02', 'account_03', 'account_04', 'account_05'], {})
    >>> sharded.settled in (True, False), sharded.fit_of("account_01").panel.n_accounts
    (True, 5)
    """

    folder: Path
    accounts: Mapping[str, int]
    population: Population
    passes: pd.DataFrame
    shards: pd.DataFrame
    refused: Mapping[str, str]

    @property
    def settled(self) -> bool:
        """Whether what accounts share hardly moved in the last pass; one shard has no passes."""
        return len(self.shards) == 1 or bool(self.passes["moved"].to_numpy()[-1] <= MOVED_LIMIT)

    def fit_of(self, account: str) -> Fit:
        """The fit of the shard an account is in; it can do all that any fit can."""
        return Fit.load(self.folder / "fits" / f"shard-{self.accounts[account]:05d}.fit")

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        unhealthy = len(self.shards) - int(self.shards["ok"].to_numpy().sum())
        moved = f"moved {self.passes['moved'].to_numpy()[-1]:.2f} sd in the last pass"
        return Page(
            title=f"ShardedFit of {counted(len(self.accounts), 'account')} in "
            f"{counted(len(self.shards), 'shard')}",
            facts=[
                ("what all share", "learned in one go" if len(self.shards) == 1 else moved),
                ("shards", f"{unhealthy} cannot be trusted" if unhealthy else "all can be trusted"),
                ("left out", counted(len(self.refused), "account")),
                ("kept in", str(self.folder)),
            ],
            next=(".population  .fit_of(account)  .shards  .passes",),
            **table_of(self.shards.reset_index()),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ScaleDecisions(Shown):
    """Where the decisions of many accounts are, and what they come to.

    Attributes
    ----------
    folder : of ``part-00000.parquet`` ..., one row per account and channel, as
        :mod:`adbudget.decision.schema` says
    fitted : what they were decided from
    calls : decision -> how many
    expected_wrong_share : of all calls together
    prob : probability that a call needed in the end; above the one that was asked for where the
        share of wrong calls asked for more

    Examples
    --------
    >>> from adbudget import scale
    >>> decided = scale.recommend(sharded, out="decisions", workers=1, progress=False)
    >>> list(decided.to_frame("account_01").columns[:3])
    ['account', 'channel', 'decision']
    """

    folder: Path
    fitted: ShardedFit
    calls: Mapping[str, int]
    expected_wrong_share: float
    prob: float

    def to_frame(self, account: str | None = None) -> pd.DataFrame:
        """The decisions of one account, or of all of them: then all of it is in memory."""
        shards = sorted(set(self.fitted.accounts.values()))
        if account is not None:
            shards = [self.fitted.accounts[account]]
        parts = [pd.read_parquet(self.folder / f"part-{k:05d}.parquet") for k in shards]
        frame = pd.concat(parts, ignore_index=True)
        frame.attrs = {}
        return frame if account is None else frame.loc[frame["account"] == account, :]

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        return Page(
            title=f"ScaleDecisions of {counted(len(self.fitted.accounts), 'account')}",
            facts=[
                ("calls", ", ".join(f"{n:,} {name}" for name, n in self.calls.items())),
                ("expected wrong", f"{self.expected_wrong_share:.1%} of the calls"),
                ("probability asked", f"{self.prob:.2f}"),
                ("written to", str(self.folder)),
            ],
            next=(".to_frame(account)  .fitted.population",),
        )
