"""A loop that has learned already, made once for all tests of the loop."""

from pathlib import Path

import numpy as np
import pytest

from adbudget.loop import CycleReport, LoopSettings, open_state, run_cycle
from tests.cli.conftest import call as call
from tests.loop.helpers import POLICY, simulated, standing

SETTINGS = LoopSettings(history_days=133, restate_days=28)


@pytest.fixture(scope="session")
def learned(tmp_path_factory) -> tuple[Path, CycleReport]:
    """A state whose fit is made, and the dry report that made it."""
    path = tmp_path_factory.mktemp("loop") / "learned.db"
    platform = simulated()
    platform.advance(hours=12)
    with open_state(path) as state:
        report = run_cycle(
            None,
            platform,
            POLICY,
            state,
            now=platform.now,
            rng=np.random.default_rng(1),
            settings=SETTINGS,
            cores=1,
        )
        assert state.ledger.head().sequence == 0
        assert state.cycles() == ()
    assert standing(platform) == standing(simulated())
    return path, report
