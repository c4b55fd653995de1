"""A small world to draw, and pictures to hold what is drawn against.

Pictures are small and stand in ``pictures/``. After a change that is meant, look at the new ones:
``ADBUDGET_DRAW=1 pytest tests/plot`` writes them.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.decision.decisions import decide
from adbudget.optimizer import optimize
from adbudget.recommendation import to_frame
from tests.made_fits import unsampled

pytest.importorskip("matplotlib", reason="the extra adbudget[plot] is not installed")
PICTURES = Path(__file__).parent / "pictures"
DOTS_PER_INCH = 45
TOLERANCE = 9.0  # root mean square of grey values: fonts differ by 1 or 2 between releases
LONG = "display, prospecting and $remarketing$ <b>north</b>"
CHANNELS = ["search", "social", LONG]


@pytest.fixture(autouse=True)
def on_paper():
    """No window, the same look everywhere, and nothing left open."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with mpl.rc_context(mpl.rcParamsDefault):
        yield
    plt.close("all")


@pytest.fixture(scope="session")
def fitted() -> ab.Fit:
    """Two accounts, three channels, a year of weeks; one channel has a name of many letters."""
    rng, weeks = np.random.default_rng(3), 52
    dates = pd.date_range("2025-01-06", periods=weeks, freq="7D")
    parts = []
    for account, size in (("north", 1000.0), ("south", 300.0)):
        spend = {name: size * rng.gamma(6, 1 / 6, weeks) for name in CHANNELS}
        if account == "south":
            del spend["social"]
        outcome = size * (6 + np.sin(np.arange(weeks) / 8)) + 1.5 * spend["search"]
        outcome = outcome + rng.normal(0, 0.3 * size, weeks)
        parts.append(
            pd.DataFrame({"date": dates, "revenue": outcome, **spend}).assign(account=account)
        )
    table = pd.concat(parts)
    panel = ab.read_panel(table, channels=CHANNELS, currency="EUR", missing_spend="zero")
    return unsampled(panel)


@pytest.fixture(scope="session")
def decisions(fitted):
    return decide(optimize(fitted), ab.Thresholds(prob=0.6, max_wrong_share=0.4))


@pytest.fixture(scope="session")
def frame(decisions, fitted):
    return to_frame(decisions, fitted)


@pytest.fixture
def same_picture(tmp_path):
    """Hold axes against the picture of a name; refuse when they look otherwise."""
    from matplotlib.testing.compare import compare_images

    def check(axes, name: str, tolerance: float = TOLERANCE) -> str | None:
        figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
        expected = PICTURES / f"{name}.png"
        if os.environ.get("ADBUDGET_DRAW"):
            figure.savefig(expected, dpi=DOTS_PER_INCH, metadata={"Software": None})
            return None
        drawn = tmp_path / f"{name}.png"
        figure.savefig(drawn, dpi=DOTS_PER_INCH, metadata={"Software": None})
        return compare_images(str(expected), str(drawn), tolerance)

    return check
