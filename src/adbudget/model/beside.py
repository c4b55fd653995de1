"""What a population holds beside its draws: the typical history and money of its accounts.

Sums over accounts, so that shards add up. Knows nothing of draws or priors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbudget.model.evidence import Evidence
from adbudget.panel.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What a population holds of a shard's accounts beside its site, summed over accounts.

    Attributes
    ----------
    accounts, channels : names
    basis : (channel, adstock, saturation) sum of mean raw bases; ``users`` (channel,) of so many
    bursts : (channel,) sum of the spend that money is spent at over mean spend
    retention, mix : as in :class:`~adbudget.model.population.Population`
    unit_value, margin, currency : each value once
    period_days : days in one period
    """

    accounts: tuple[str, ...]
    channels: tuple[str, ...]
    basis: np.ndarray
    users: np.ndarray
    bursts: np.ndarray
    retention: np.ndarray
    mix: np.ndarray
    unit_value: tuple[float, ...]
    margin: tuple[float, ...]
    currency: tuple[str, ...]
    period_days: float


def beside(panel: Panel, evidence: Evidence) -> Beside:
    """What a population needs of a shard that its site does not hold."""
    design = evidence.design
    in_use = design.exists[..., None, None]
    concave = design.basis_mean[..., : design.half_saturation.size]
    return Beside(
        accounts=panel.accounts,
        channels=panel.channels,
        basis=(concave * in_use).sum(axis=0),
        users=design.exists.sum(axis=0),
        bursts=np.nan_to_num(design.unit / design.scale).sum(axis=0),
        retention=design.retention,
        mix=design.mix,
        unit_value=tuple(np.unique(panel.unit_value).tolist()),
        margin=tuple(np.unique(panel.margin).tolist()),
        currency=tuple(dict.fromkeys(panel.currency)),
        period_days=panel.period_days,
    )


def typical(parts: Sequence[Beside], channels: tuple[str, ...]) -> dict[str, Any]:
    """What a :class:`~adbudget.model.population.Population` has of some shards, field -> value.

    A return is an average over a history whose spend goes up and down, so an account nobody has
    seen is given the mean basis of the accounts that use the channel.
    """
    basis = np.zeros((len(channels), *parts[0].basis.shape[1:]))
    users, bursts = np.zeros(len(channels)), np.zeros(len(channels))
    for part in parts:
        at = [channels.index(name) for name in part.channels]
        basis[at] += part.basis
        users[at] += part.users
        bursts[at] += part.bursts
    n_users = np.maximum(users, 1)
    return {
        "basis_mean": basis / n_users[:, None, None],
        "bursts": bursts / n_users,
        "retention": parts[0].retention,
        "mix": parts[0].mix,
        "unit_value": tuple(sorted({value for part in parts for value in part.unit_value})),
        "margin": tuple(sorted({value for part in parts for value in part.margin})),
        "currency": tuple(dict.fromkeys(code for part in parts for code in part.currency)),
        "period_days": parts[0].period_days,
    }
