"""A fit nobody sampled of names that would like to be code, and what is decided with it."""

import numpy as np
import pandas as pd
import pytest

import adbudget as ab
from adbudget.decision.decisions import decide
from adbudget.optimizer import optimize
from adbudget.recommendation import to_frame
from tests.made_fits import unsampled

SCRIPT = "<script>alert(1)</script>"
ACCOUNTS = ("plain", 'shop"><img src=x onerror=alert(2)>')
CHANNELS = ["search", "social", SCRIPT]


def world(accounts=ACCOUNTS, channels=tuple(CHANNELS), weeks=30) -> ab.Panel:
    """Accounts that spend by chance, and sell a little more for it."""
    rng, parts = np.random.default_rng(5), []
    dates = pd.date_range("2025-01-06", periods=weeks, freq="7D")
    for account in accounts:
        spend = {name: 100 * rng.gamma(6, 1 / 6, weeks) for name in channels}
        revenue = 900 + 1.4 * spend[channels[0]] + rng.normal(0, 40, weeks)
        parts.append(
            pd.DataFrame({"date": dates, "revenue": revenue, **spend}).assign(account=account)
        )
    return ab.read_panel(pd.concat(parts), channels=list(channels), currency="EUR")


def decided(fitted: ab.Fit, **options):
    thresholds = ab.Thresholds(prob=0.6, max_wrong_share=0.4)
    return to_frame(decide(optimize(fitted), thresholds, health=fitted.health, **options), fitted)


@pytest.fixture(scope="session")
def fitted() -> ab.Fit:
    return unsampled(world())


@pytest.fixture(scope="session")
def frame(fitted):
    return decided(fitted)


@pytest.fixture(scope="session")
def page(frame, fitted) -> str:
    from adbudget.reporting.html.report import report_html

    return report_html(frame, fit=fitted)
