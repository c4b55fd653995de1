"""A world + an arm -> what every round brought, against the best split. Plain figures come out."""

import time
from typing import Any

import numpy as np

from benchmarks.bandit.arms import Arm, Seen, make_arm
from benchmarks.bandit.worlds import N_LEVELS, WARM_UP, World


def run_arm(world: World, name: str, arm: Arm | None = None) -> dict[str, Any]:
    """Let an arm decide every round of a world.

    Returns
    -------
    Figures by round: ``reward`` and ``oracle`` (what the split, and the best one, bring on
    average), ``churn`` (share of the budgets that changed lines); and ``violations``, ``seconds``
    """
    arm = arm or make_arm(name, world)
    levels, spend, outcome = list(world.first), [], []
    for t in range(WARM_UP):
        happened = world.happen(t, world.first[t])
        spend.append(happened[0])
        outcome.append(happened[1])
    reward, oracle, violations, spent = [], [], 0, 0.0
    for t in range(WARM_UP, WARM_UP + world.n_rounds):
        seen = Seen(
            budget=world.budget,
            changing=world.changing,
            late=world.late,
            levels=np.array(levels),
            spend=np.array(spend),
            outcome=world.arrived(np.array(outcome)),
        )
        before = time.process_time()
        split = np.asarray(arm.decide(seen))
        spent += time.process_time() - before
        violations += breaks(split)
        levels.append(split)
        happened = world.happen(t, split)
        spend.append(happened[0])
        outcome.append(happened[1])
        reward.append(float(world.expected(t, split).sum()))
        oracle.append(world.oracle(t) if world.changes(t) else oracle[-1])
    moved = np.abs(np.diff(np.array(levels[WARM_UP - 1 :]), axis=0)).sum(axis=(1, 2)) / 2
    return {
        "world": world.name,
        "seed": world.seed,
        "arm": name,
        "reward": np.round(reward, 3).tolist(),
        "oracle": np.round(oracle, 3).tolist(),
        "churn": np.round(moved / N_LEVELS / len(world.budget), 3).tolist(),
        "breaks": [t - WARM_UP for t in world.breaks],
        "violations": violations,
        "seconds": round(spent / world.n_rounds, 3),
        **getattr(arm, "notes", {}),
    }


def breaks(split: np.ndarray) -> int:
    """How many accounts get more than their budget, less than nothing, or part of a level."""
    whole = np.asarray(split) == np.rint(split)
    wrong = (~whole).any(axis=1) | (split < 0).any(axis=1) | (split.sum(axis=1) > N_LEVELS)
    return int(wrong.sum())
