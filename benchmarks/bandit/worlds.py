"""Name + seed -> a world: response curves by round, noise, spend and delay, all drawn at once.

Every arm meets the same draws. Settings of the published worlds are in the table of docs/bandit.md,
with what had to be read into them. Knows nothing of arms.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from scipy.stats import truncnorm

from benchmarks.bandit.split import best_split, whole_levels

WARM_UP = 8  # rounds of chance that every arm has seen before its first decision
N_LEVELS = 50
EPISODE = 30  # days in a month of the monthly world
SPEND_SD = 0.3  # of a budget: how far spend falls from it
SPEND_NODES = 21  # of the quadrature over spend


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """What happens to any split. Rounds count from the first of the warm-up.

    Attributes
    ----------
    name, seed : of the world
    budget : (account,) money a round
    curve : spend (..., account, line) and epoch -> outcome a round
    epoch : (round,) which curves hold
    level : (round, account, line) what the curves are multiplied by
    noise : (round, account, line) added to a line's outcome
    noise_factor : (round, account, line) of mean one, that a line's outcome is multiplied by
    spend_factor : (round, account, line) spend over budget
    delay : (lag,) share of an outcome that comes in so many rounds after its spend
    floor : lowest outcome of a line; outcomes of lines without spend are then 0
    breaks : rounds in which curves were replaced
    changing : whether arms are told that curves may change
    first : (warm-up, account, line) levels of the warm-up
    """

    name: str
    seed: int
    budget: np.ndarray
    curve: Callable[[np.ndarray, int], np.ndarray]
    epoch: np.ndarray
    level: np.ndarray
    noise: np.ndarray
    noise_factor: np.ndarray
    spend_factor: np.ndarray
    first: np.ndarray
    delay: np.ndarray
    floor: float = -np.inf
    breaks: tuple[int, ...] = ()
    changing: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Accounts and lines."""
        return self.level.shape[1], self.level.shape[2]

    @property
    def late(self) -> bool:
        """Whether outcomes come in over several rounds."""
        return self.delay.size > 1

    @property
    def n_rounds(self) -> int:
        """Rounds that are decided, after the warm-up."""
        return len(self.level) - WARM_UP

    def money(self, levels: np.ndarray) -> np.ndarray:
        """Whole levels (..., account, line) -> budgets."""
        return levels * (self.budget[:, None] / N_LEVELS)

    def expected(self, t: int, levels: np.ndarray) -> np.ndarray:
        """(account, line) outcome in the end that levels bring on average, spend averaged over."""
        budgets = self.money(levels)
        factors = np.ones(1) if np.all(self.spend_factor == 1) else _factors()
        values = [self.curve(budgets * one, int(self.epoch[t])) for one in factors]
        return self.level[t] * np.mean(values, axis=0)

    def table(self, t: int) -> np.ndarray:
        """(account, line, level) :meth:`expected` of every level."""
        levels = np.arange(N_LEVELS + 1)
        each = [self.expected(t, np.full(self.shape, one)) for one in levels]
        return np.stack(each, axis=-1)

    def oracle(self, t: int) -> float:
        """The most that any split brings in a round."""
        worth = self.table(t)
        split = best_split(worth)
        return float(np.take_along_axis(worth, split[..., None], axis=2).sum())

    def changes(self, t: int) -> bool:
        """Whether curves are others than a round before, or the round is the first."""
        same = self.epoch[t] == self.epoch[t - 1] and np.all(self.level[t] == self.level[t - 1])
        return t == WARM_UP or not same

    def happen(self, t: int, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(account, line) spend, and the outcome it will have brought in the end."""
        spend = self.money(levels) * self.spend_factor[t]
        outcome = self.level[t] * self.curve(spend, int(self.epoch[t]))
        outcome = outcome * self.noise_factor[t] + self.noise[t]
        if np.isfinite(self.floor):
            outcome = np.where(spend > 0, np.maximum(outcome, self.floor), 0.0)
        return spend, outcome

    def arrived(self, outcomes: np.ndarray) -> np.ndarray:
        """(round, account, line) outcomes by the round in which they come in.

        Before its first round the first split is taken to have stood for long.
        """
        seen = np.zeros_like(outcomes)
        before = self.expected(0, self.first[0])
        for lag, share in enumerate(self.delay):
            seen[:lag] += share * before
            seen[lag:] += share * outcomes[: max(len(outcomes) - lag, 0)]
        return seen


def make_world(name: str, seed: int, n_rounds: int | None = None) -> World:
    """A world by name; ``n_rounds`` shortens it."""
    build, usual = WORLDS[name]
    rounds = n_rounds or usual
    return build(name, seed, rounds)


def _plain(name, seed, n_rounds, shape, noise_sd, curve, rng, **more) -> World:
    """A world whose curves hold all the time, and which spends what it is told to."""
    total = WARM_UP + n_rounds
    first = rng.dirichlet(np.full(shape[1], 2.0), (WARM_UP, shape[0]))
    usual = {
        "budget": rng.uniform(20, 30, shape[0]),
        "epoch": np.zeros(total, int),
        "level": np.ones((total, *shape)),
        "spend_factor": np.ones((total, *shape)),
        "noise_factor": np.ones((total, *shape)),
        "delay": np.ones(1),
    }
    return World(
        name=name,
        seed=seed,
        curve=curve,
        noise=rng.normal(0, noise_sd, (total, *shape)),
        first=np.stack([whole_levels(one, N_LEVELS) for one in first]),
        **(usual | more),
    )


def _rng(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, crc32(name.encode())])


# Ge et al. (2025) ---------------------------------------------------------------------------------


def _ge_power(name: str, seed: int, n_rounds: int) -> World:
    """Power laws: scale by features of campaign and ad line, exponent by ad line in .01 to .99.

    Features and effects N(0, I) of 3 dimensions, absolute features as in the published code, sd
    between campaigns .5, noise of sd 1 in the logarithm of the outcome.
    """
    rng, shape = _rng(name, seed), (5, 5)
    own, lines = np.abs(rng.normal(size=(shape[0], 3))), np.abs(rng.normal(size=(shape[1], 3)))
    log_scale = (own @ rng.normal(size=3))[:, None] + lines @ rng.normal(size=3)
    scale = np.exp(log_scale + rng.normal(0, 0.5, shape))
    exponent = rng.uniform(0.01, 0.99, shape[1])

    def curve(spend: np.ndarray, epoch: int) -> np.ndarray:
        return scale * ((1 + spend) ** exponent - 1)

    factor = np.exp(rng.normal(-0.5, 1.0, (WARM_UP + n_rounds, *shape)))
    return _plain(name, seed, n_rounds, shape, 0.0, curve, rng, noise_factor=factor)


def _ge_linear(name: str, seed: int, n_rounds: int) -> World:
    """Linear in features and budget, an effect of its own at every level, cut off at zero."""
    rng, shape = _rng(name, seed), (5, 5)
    budget = rng.uniform(20, 30, shape[0])
    own = rng.normal(size=(shape[0], 3)) @ rng.normal(size=3)
    lines = rng.normal(size=(shape[1], 3)) @ rng.normal(size=3)
    levels = np.arange(N_LEVELS + 1)
    money = levels * budget[:, None] / N_LEVELS
    mean = rng.normal() + own[:, None, None] + lines[:, None] + rng.normal() * money[:, None]
    worth = np.maximum(np.maximum(mean, 0) + rng.normal(0, 1.0, mean.shape), 0.0)
    worth[..., 0] = 0.0

    def curve(spend: np.ndarray, epoch: int) -> np.ndarray:
        at = np.rint(spend / (budget[:, None] / N_LEVELS)).astype(int)
        return np.take_along_axis(worth, at[..., None], axis=2)[..., 0]

    return _plain(name, seed, n_rounds, shape, 1.0, curve, rng, budget=budget, floor=0.0)


# Gangopadhyay et al. (2025) -----------------------------------------------------------------------


def _sony(name: str, seed: int, n_rounds: int) -> World:
    """One advertiser, days in monthly episodes, clicks a x^b, some curves replaced every month."""
    rng, shape = _rng(name, seed), (1, 5)
    total = WARM_UP + n_rounds
    epoch = np.maximum(np.arange(total) - WARM_UP, 0) // EPISODE
    scale, exponent = [rng.uniform(0.2, 2.0, shape)], [rng.uniform(0.1, 0.9, shape)]
    for _ in range(epoch[-1]):
        new = rng.random(shape) < 0.5
        scale.append(np.where(new, rng.uniform(0.2, 2.0, shape), scale[-1]))
        exponent.append(np.where(new, rng.uniform(0.1, 0.9, shape), exponent[-1]))
    edge = 1 / SPEND_SD
    factor = truncnorm.rvs(-edge, edge, 1.0, SPEND_SD, size=(total, *shape), random_state=rng)
    breaks = tuple(int(t) for t in np.flatnonzero(np.diff(epoch)) + 1)
    return _plain(
        name, seed, n_rounds, shape, 0.1, _power(np.stack(scale), np.stack(exponent)), rng,
        budget=np.full(1, 5.0), epoch=epoch, spend_factor=np.asarray(factor), breaks=breaks,
        changing=True,
    )  # fmt: skip


# Our own ------------------------------------------------------------------------------------------


def _pooled(name: str, seed: int, n_rounds: int) -> World:
    """Saturating lines that are much alike in all campaigns."""
    return _saturating(name, seed, n_rounds, line_sd=1.0, own_sd=0.2)


def _unrelated(name: str, seed: int, n_rounds: int) -> World:
    """Saturating lines with nothing in common."""
    return _saturating(name, seed, n_rounds, line_sd=0.0, own_sd=1.0)


def _saturating(name, seed, n_rounds, *, line_sd, own_sd, **more) -> World:
    rng, shape = _rng(name, seed), (6, 4)
    log_top = rng.normal(0, line_sd, shape[1]) + rng.normal(0, own_sd, shape)
    log_half = rng.normal(0, line_sd / 2, shape[1]) + rng.normal(0, own_sd / 2, shape)
    top, half = 15 * np.exp(log_top), 6 * np.exp(log_half)

    def curve(spend: np.ndarray, epoch: int) -> np.ndarray:
        return top * spend / (spend + half)

    return _plain(name, seed, n_rounds, shape, 3.0, curve, rng, **more)


def _drift(name: str, seed: int, n_rounds: int) -> World:
    """The pooled world, returns wandering by 3% a round; halfway two lines change places."""
    world = _saturating(name, seed, n_rounds, line_sd=1.0, own_sd=0.2)
    rng = _rng(name + " level", seed)
    steps = rng.normal(0, 0.03, world.level.shape)
    steps[:WARM_UP] = 0.0
    log_level = steps.cumsum(axis=0)
    halfway = WARM_UP + n_rounds // 2
    top = np.log(world.curve(np.full(world.shape, 1e9), 0))
    order = np.argsort(top.mean(axis=0))
    best, worst = order[-1], order[0]
    gap = top[:, best] - top[:, worst]
    log_level[halfway:, :, best] -= gap
    log_level[halfway:, :, worst] += gap
    return replace(world, level=np.exp(log_level), breaks=(halfway,), changing=True)


def _delayed(name: str, seed: int, n_rounds: int) -> World:
    """The pooled world; a half of what has not come in yet comes in every three rounds."""
    share = 0.5 ** (np.arange(20) / 3)
    delay = share / share.sum()
    return _saturating(name, seed, n_rounds, line_sd=1.0, own_sd=0.2, delay=delay)


def _power(scale: np.ndarray, exponent: np.ndarray) -> Callable[[np.ndarray, int], np.ndarray]:
    """Power laws by epoch."""

    def curve(spend: np.ndarray, epoch: int) -> np.ndarray:
        return np.where(spend > 0, scale[epoch] * np.maximum(spend, 1e-12) ** exponent[epoch], 0.0)

    return curve


def _factors() -> np.ndarray:
    """Equally likely spends over a budget."""
    edge = 1 / SPEND_SD
    return truncnorm.ppf((np.arange(SPEND_NODES) + 0.5) / SPEND_NODES, -edge, edge, 1.0, SPEND_SD)


WORLDS: dict[str, tuple[Callable[[str, int, int], World], int]] = {
    "ge power": (_ge_power, 50),
    "ge linear": (_ge_linear, 50),
    "sony": (_sony, 4 * EPISODE),
    "pooled": (_pooled, 50),
    "unrelated": (_unrelated, 50),
    "drift": (_drift, 60),
    "delayed": (_delayed, 50),
}
SHARED = ("ge power", "pooled", "drift", "delayed")  # campaigns have something in common
