"""What a test is said to be worth, against decisions made anew on draws that its result weighs."""

import numpy as np
import pytest

import adbudget as ab
from adbudget.decision.moves import cell_money
from adbudget.experiments.noise import noise_of
from adbudget.experiments.signals import Reader

RESULTS = 150


@pytest.mark.slow
def test_a_test_is_worth_what_deciding_anew_after_its_results_gains(noisy_fit):
    plan = ab.plan_tests(noisy_fit, weeks=8, kinds=["holdout"], holdout_error=0.004)
    alone = [offer for offer in plan.offers if len(offer.design.arms) == 1]
    best = max(alone, key=lambda offer: offer.worth.gain)
    (arm,) = best.design.arms
    draws = noisy_fit.draws
    reader = Reader(
        draws=draws, noise=noise_of(noisy_fit), current=plan.current, lengths=plan.lengths,
        holdout_error=0.004,
    )  # fmt: skip
    signal = reader.read(arm).signal
    own = draws.cells.get_level_values(0) == plan.cells[arm.cell][0]
    before = calls(noisy_fit, draws)
    rng = np.random.default_rng(0)
    gained, changed = [], []
    for true in rng.choice(draws.n_draws, RESULTS, replace=False):
        result = signal[true] + rng.normal()
        weight = np.exp(-0.5 * (result - signal) ** 2)
        after = calls(
            noisy_fit, draws.isel(rng.choice(weight.size, weight.size, p=weight / weight.sum()))
        )
        gained.append(
            worth(draws, after, int(true))[own].sum() - worth(draws, before, int(true))[own].sum()
        )
        now = noisy_fit.current_spend
        changed.append(np.sign(after - now).iloc[arm.cell] != np.sign(before - now).iloc[arm.cell])
    error = np.std(gained) / np.sqrt(RESULTS)
    assert best.worth.gain > 0
    assert abs(np.mean(gained) - best.worth.gain) < 3 * error + 0.1 * best.worth.gain
    assert abs(np.mean(changed) - best.worth.flips[arm.cell]) < 0.2


def calls(fit, draws):
    """Spend by cell as it is called."""
    proposal = ab.optimize(draws, fit.current_spend)
    return ab.decide(proposal, health=fit.health).proposal.plan.spend


def worth(draws, spend, true: int) -> np.ndarray:
    """(cell,) what a plan earns where one draw is the truth."""
    return cell_money(draws.isel([true]), spend)[0] - spend.to_numpy(float)
