"""A sample of accounts, learned in shards and in one fit -> how far the two are apart."""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

import shutil
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.moves import marginal_money
from adbudget.errors import InputError
from adbudget.model.fit import Fit, fit
from adbudget.model.priors import Priors
from adbudget.panel.together import join_panels
from adbudget.recommendation import recommend as decided
from adbudget.scale.learning import learn
from adbudget.scale.records import ShardedFit

FLOOR = 0.1  # returns below a tenth of one are all next to nothing


def compare_with_joint(
    fitted: ShardedFit, n_accounts: int = 50, *, seed: int, shard_size: int = 25, **options: Any
) -> pd.DataFrame:
    """Learn a random sample of accounts again, in shards and all together, and compare.

    A joint fit of everybody is what shards stand in for; of a sample it can be had, and what the
    two differ by there is what shards cost. With more accounts the sites are more, and each
    matters less.

    Parameters
    ----------
    fitted : from :func:`adbudget.scale.learn`
    n_accounts : in the sample
    seed : of the sample and of both fits
    shard_size : of the sample's shards
    options : of :func:`adbudget.scale.learn` about sampling, for the sample's shards

    Returns
    -------
    DataFrame by account and channel: ``shift`` (of the mean log return, in the joint fit's sd),
    ``sd_ratio``, ``pays`` and ``pays_joint`` (probability that the next unit of money brings more
    than itself), ``decision`` and ``decision_joint``

    Raises
    ------
    InputError : fewer than four accounts

    Examples
    --------
    >>> from adbudget import scale
    >>> compared = scale.compare_with_joint(
    ...     sharded, 4, seed=1, shard_size=2, passes=1, pass_draws=100, pass_chains=2, draws=150,
    ...     tune=150,
    ... )
    >>> "shift" in compared.columns
    True
    """
    names = sorted(fitted.accounts)
    if min(n_accounts, len(names)) < 4:
        raise InputError("a comparison needs at least four accounts.")
    rng = np.random.default_rng(seed)
    chosen = sorted(rng.choice(names, size=min(n_accounts, len(names)), replace=False).tolist())
    panels = {name: _panel_of(fitted, name) for name in chosen}
    mixed = [str(name) for name in rng.permutation(chosen)]
    count = max(2, -(-len(mixed) // shard_size))
    shards = [join_panels([panels[name] for name in part]) for part in _parts(mixed, count)]
    first = fitted.fit_of(chosen[0])
    priors: Priors = options.pop("priors", None) or Priors()
    own = learn(
        shards, seed=seed, priors=priors, forgetting=first.forgetting, progress=False, **options
    )
    joint = fit(
        join_panels([panels[name] for name in chosen]),
        priors,
        seed=seed,
        forgetting=first.forgetting,
        progress=False,
    )
    compared = cells_apart([own.fit_of(part.accounts[0]) for part in shards], joint)
    shutil.rmtree(own.folder.parents[1])  # the sample's fits have told what they know
    return compared


def cells_apart(shards: Sequence[Fit], joint: Fit) -> pd.DataFrame:
    """Fits of shards beside one fit of all their accounts; see :func:`compare_with_joint`."""
    apart, together = pd.concat([_told(one) for one in shards]), _told(joint)
    apart = apart.loc[together.index]
    return pd.DataFrame(
        {
            "shift": (apart["mean"] - together["mean"]) / together["sd"],
            "sd_ratio": apart["sd"] / together["sd"],
            "pays": apart["pays"],
            "pays_joint": together["pays"],
            "decision": apart["decision"],
            "decision_joint": together["decision"],
        }
    )


def _parts(names: Sequence[str], count: int) -> list[list[str]]:
    bounds = [len(names) * k // count for k in range(count + 1)]
    return [list(names[a:b]) for a, b in pairwise(bounds)]


def _panel_of(fitted: ShardedFit, account: str):
    """The panel of one account, cut out of its shard's."""
    from adbudget.model.held_out import only_accounts

    panel = fitted.fit_of(account).panel
    return only_accounts(panel, [panel.accounts.index(account)])


def _told(fitted: Fit) -> pd.DataFrame:
    """By cell: what a fit says of returns, and what is decided."""
    roi = fitted.cell_draws.roi
    logs = np.log(FLOOR + roi.reshape(-1, roi.shape[-1]))
    frame = decided(fitted).set_index(["account", "channel"])
    money = marginal_money(fitted.draws, fitted.current_spend)
    return pd.DataFrame(
        {
            "mean": logs.mean(axis=0),
            "sd": logs.std(axis=0),
            "pays": (money > 1).mean(axis=0),
            "decision": frame["decision"].reindex(fitted.panel.cells).to_numpy(),
        },
        index=fitted.panel.cells,
    )
