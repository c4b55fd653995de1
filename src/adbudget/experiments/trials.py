"""Designs + readings + choices -> trials: a test, how it may be laid out, and what it is worth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from adbudget.experiments.designs import (
    FACTORIAL,
    HOLDOUT,
    PAIR,
    Arm,
    Design,
    factorial_design,
    pair_design,
    single_designs,
)
from adbudget.experiments.knowing import Knowing, Known
from adbudget.experiments.signals import Reader, Reading, power

GROUPS = (3,)  # accounts of a joint test, besides one and all
LEAST_CHANGES = 0.02  # calls that a test is expected to change, below which it is not offered
SPOILS = 0.3  # correlation of two paths of one account from which one would blur the other
ALIKE = -0.3  # correlation of two channels' returns from which data cannot tell them apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A test that may be run.

    Attributes
    ----------
    kind, change : of its designs
    layouts : the same test with its blocks in other orders, the most telling first
    """

    kind: str
    change: float
    layouts: tuple[Design, ...]

    @property
    def cells(self) -> tuple[int, ...]:
        """Positions of the cells whose spend it moves."""
        return tuple(arm.cell for arm in self.layouts[0].arms)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worth:
    """What a trial in one layout would bring.

    Attributes
    ----------
    gain : margin money per period gained by its result, on average
    flips : cell -> probability that its call is another one then
    cost, cost_high : margin money given up: mean, and the 95% quantile of the draws
    extra_spend : money spent more
    power : probability that its 95% interval excludes zero
    """

    gain: float
    flips: dict[int, float]
    cost: float
    cost_high: float
    extra_spend: float
    power: float

    def net(self, gain: float, periods: float) -> float:
        """What is left of a gain over some periods.

        A test that saves money saves what any cut would: that is no reason to run a test. One that
        changes no call is worth nothing.
        """
        changes = sum(self.flips.values())
        return gain * periods - max(self.cost, 0.0) if changes >= LEAST_CHANGES else -np.inf


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """One test that may be run.

    Attributes
    ----------
    design : as it would be laid out
    worth : by itself
    adds : margin money per period it adds to the tests chosen before it; its own gain when it is
        not chosen
    chosen : whether it is part of the best set
    """

    design: Design
    worth: Worth
    adds: float
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laboratory:
    """Everything trials are judged with.

    Attributes
    ----------
    reader : of what a design would say
    blocks : of cells that limits tie together
    account, channel : (cell,) their positions
    block : (cell,) position of its block
    currency : (cell,) code
    """

    reader: Reader
    blocks: list[Knowing]
    account: np.ndarray
    channel: np.ndarray
    block: np.ndarray
    currency: np.ndarray
    _read: dict[Arm, Reading] = field(default_factory=dict)

    def reading(self, arm: Arm) -> Reading:
        """What an arm would say."""
        if arm not in self._read:
            self._read[arm] = self.reader.read(arm)
        return self._read[arm]

    def signals(self, design: Design, block: int) -> np.ndarray:
        """(draw, result) what a design says to one block: its own results, and those of others.

        The others of one channel count as one result, their sum in units of its noise.
        """
        columns, others = [], {}
        for arm in design.arms:
            signal = self.reading(arm).signal
            if self.block[arm.cell] == block:
                columns.append(signal)
            else:
                others.setdefault(self.channel[arm.cell], []).append(signal)
        columns += [np.sum(every, axis=0) / np.sqrt(len(every)) for every in others.values()]
        return np.stack(columns, axis=1)

    def reached(self, design: Design) -> np.ndarray:
        """Blocks a design says something of: its own, and those it shares a currency with."""
        own = np.unique(self.block[[arm.cell for arm in design.arms]])
        if own.size == 1:
            return own
        code = self.currency[design.arms[0].cell]
        return np.unique(self.block[self.currency == code])

    def known(self, designs: Sequence[Design], block: int) -> Known:
        """One block once all of some designs have been run."""
        columns = [
            self.signals(one, block) for one in designs if block in set(self.reached(one).tolist())
        ]
        return self.blocks[block].after(np.hstack(columns))

    def worth(self, design: Design) -> Worth:
        """What a design would bring by itself."""
        return self.worths([design])[0]

    def worths(self, designs: Sequence[Design]) -> list[Worth]:
        """What each of some designs would bring by itself."""
        told: list[dict[int, Known]] = [{} for _ in designs]
        single: dict[int, list[tuple[int, np.ndarray]]] = {}
        for i, design in enumerate(designs):
            for block in self.reached(design).tolist():
                signals = self.signals(design, block)
                if signals.shape[1] == 1:
                    single.setdefault(block, []).append((i, signals[:, 0]))
                else:
                    told[i][block] = self.blocks[block].after(signals)
        for block, results in single.items():
            signals = np.stack([signal for _, signal in results], axis=1)
            each = self.blocks[block].after_each(signals)
            for (i, _), known in zip(results, each, strict=True):
                told[i][block] = known
        return [self._worth(*one) for one in zip(designs, told, strict=True)]

    def _worth(self, design: Design, told: dict[int, Known]) -> Worth:
        gain, flips = 0.0, {}
        for block in sorted(told):
            gain += told[block].value
            cells = self.blocks[block].choices.cells.tolist()
            flips |= dict(zip(cells, told[block].flips, strict=True))
        read = [self.reading(arm) for arm in design.arms]
        cost = np.sum([one.cost for one in read], axis=0)
        return Worth(
            gain=gain,
            flips={cell: float(prob) for cell, prob in flips.items()},
            cost=float(cost.mean()),
            cost_high=float(np.quantile(cost, 0.95)),
            extra_spend=float(sum(one.extra_spend for one in read)),
            power=power(float(np.sqrt(sum(one.signal.mean() ** 2 for one in read)))),
        )

    def spoils(self, one: Design, other: Design) -> bool:
        """Whether two designs cannot run at the same time without blurring each other."""
        for arm in one.arms:
            for own in other.arms:
                if self.account[arm.cell] != self.account[own.cell]:
                    continue
                if arm.cell == own.cell or HOLDOUT in (one.kind, other.kind):
                    return True
                if abs(self.reading(arm).path @ self.reading(own).path) > SPOILS:
                    return True
        return False


def single_trials(
    lab: Laboratory,
    cells: Sequence[int],
    kinds: Sequence[str],
    changes: Sequence[float],
    share: float,
    *,
    every_layout: bool,
) -> list[Trial]:
    """Every test of one cell, or of two of one account that data hardly tell apart.

    Parameters
    ----------
    every_layout : whether tests may have to run beside each other, and so be laid out in other ways
    """
    n_blocks = len(lab.reader.lengths)
    trials = []
    for cell in cells:
        for kind in kinds:
            by_change: dict[float, list[Design]] = {}
            for design in single_designs(kind, cell, n_blocks, changes, share):
                by_change.setdefault(design.change, []).append(design)
            for change, layouts in by_change.items():
                if every_layout:
                    layouts.sort(key=lambda one: -float(lab.reading(one.arms[0]).signal.std()))
                else:
                    del layouts[1:]
                trials.append(Trial(kind=kind, change=change, layouts=tuple(layouts)))
    if PAIR in kinds:
        trials += _pair_trials(lab, cells, n_blocks)
    return trials


def _by_account(lab: Laboratory, cells: Sequence[int]) -> Iterator[np.ndarray]:
    """Cells of every account that has two or more of them."""
    chosen = np.array(cells, dtype=int)
    for account in np.unique(lab.account[chosen]):
        own = chosen[lab.account[chosen] == account]
        if own.size > 1:
            yield own


def _pair_trials(lab: Laboratory, cells: Sequence[int], n_blocks: int) -> list[Trial]:
    """On/off pairs of the two channels of an account that are most easily taken for each other."""
    trials = []
    for own in _by_account(lab, cells):
        draws = lab.reader.draws
        at = np.argwhere(draws.exists)[own]
        returns = draws.steady_weights[:, at[:, 0], at[:, 1]].sum(axis=2)
        alike = np.corrcoef(returns, rowvar=False) + 2 * np.eye(own.size)
        first, second = np.unravel_index(np.argmin(alike), alike.shape)
        design = pair_design(int(own[first]), int(own[second]), n_blocks)
        if design is not None and alike[first, second] <= ALIKE:
            trials.append(Trial(kind=PAIR, change=-1.0, layouts=(design,)))
    return trials


def factorial_trials(
    lab: Laboratory, cells: Sequence[int], changes: Sequence[float], learn_value: np.ndarray
) -> list[Trial]:
    """All channels of an account pulsed at once, those first whose curves are worth most to know.

    Many weak tests may decide together what none of them decides alone.
    """
    trials = []
    for own in _by_account(lab, cells):
        own = own[np.argsort(-learn_value[own], kind="stable")].tolist()
        for change in changes:
            design = factorial_design(own, len(lab.reader.lengths), change)
            trials.append(Trial(kind=FACTORIAL, change=change, layouts=(design,)))
    return trials


def group_trials(
    lab: Laboratory, found: Sequence[tuple[Trial, Worth]], periods: float
) -> list[Trial]:
    """Tests of one cell, or of whole accounts, run in several accounts: the best three, and all.

    Parameters
    ----------
    found : trials in one account, and what each would bring by itself
    periods : for which a gain is counted
    """
    groups: dict[tuple, list[tuple[float, Trial]]] = {}
    for trial, worth in found:
        if len(trial.cells) == 1 or trial.kind == FACTORIAL:
            cell = trial.cells[0]
            channel = -1 if trial.kind == FACTORIAL else lab.channel[cell]
            key = (trial.kind, trial.change, channel, lab.currency[cell])
            groups.setdefault(key, []).append((-worth.net(worth.gain, periods), trial))
    trials = []
    for members in groups.values():
        members.sort(key=lambda one: one[0])
        sizes = {*(size for size in GROUPS if size < len(members)), len(members)} - {1}
        trials += [_together([trial for _, trial in members[:size]]) for size in sorted(sizes)]
    return trials


def _together(trials: Sequence[Trial]) -> Trial:
    """One test in the cells of several, each laid out alike."""
    first = trials[0]
    if first.kind == FACTORIAL:
        arms = tuple(arm for trial in trials for arm in trial.layouts[0].arms)
        design = Design(kind=first.kind, change=first.change, arms=arms)
        return Trial(kind=first.kind, change=first.change, layouts=(design,))
    layouts = []
    for design in first.layouts:
        factors = design.arms[0].factors
        arms = tuple(
            arm
            for trial in trials
            for one in trial.layouts
            for arm in one.arms
            if arm.factors == factors
        )
        layouts.append(Design(kind=first.kind, change=first.change, arms=arms))
    return Trial(kind=first.kind, change=first.change, layouts=tuple(layouts))
