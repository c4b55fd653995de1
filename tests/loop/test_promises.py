"""What was promised of moves, held against what was seen."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from adbudget import open_ledger
from adbudget.ledger.entry import Entry
from adbudget.loop.promises import PROMISE, caution_of, judge_promises, missed_by, told

AT = datetime(2026, 3, 2, tzinfo=UTC)
DATES = [f"2026-03-{day:02d}" for day in (2, 9, 16, 23)]


def fit_of(outcome):
    """As much of a fit as judging reads: the outcomes of its panel."""
    panel = SimpleNamespace(
        accounts=("acme",),
        dates=np.array(DATES, dtype="datetime64[D]"),
        outcome=np.array([outcome], dtype=float),
    )
    return SimpleNamespace(panel=panel)


def promised(lift=10.0, lift_sd=5.0, without=100.0, without_sd=8.0):
    """A promise of ``lift`` a week on top of ``without``; sums grow, and their sd as its root."""
    weeks = np.arange(1, 5)
    return Entry(
        kind=PROMISE,
        at=AT,
        who="loop",
        run_id="cycle",
        payload={
            "cycle": "cycle",
            "account": "acme",
            "dates": DATES,
            "lift": (lift * weeks).tolist(),
            "lift_sd": (lift_sd * weeks**0.5).tolist(),
            "without": (without * weeks).tolist(),
            "without_sd": (without_sd * weeks**0.5).tolist(),
            "moves": {"search": [100.0, 120.0]},
        },
    )


def judged_as(outcome, judge_after=4, **options):
    with open_ledger(":memory:") as ledger:
        ledger.append(promised(**options), key="promise:cycle:acme")
        found, pairs = judge_promises(
            ledger, fit_of(outcome), at=AT + timedelta(days=30), judge_after=judge_after
        )
        ledger.append_many(pairs)
        again, _ = judge_promises(ledger, fit_of(outcome), at=AT, judge_after=judge_after)
        assert again == []
        return found


def test_what_was_seen_is_what_came_less_what_was_expected_without_the_moves():
    (one,) = judged_as([120, 130, 110, 120])
    assert (one.promised, one.seen, one.periods) == (40.0, 80.0, 4)
    assert one.promised_sd == pytest.approx(10)
    assert one.seen_sd == pytest.approx(16)
    assert one.verdict == "kept"
    assert told(one) == ("acme: over 4 periods +40 ± 10 was promised and +80 ± 16 was seen: kept.")


@pytest.mark.parametrize(
    ("weekly", "verdict"),
    [(110, "kept"), (105, "unclear"), (100, "broken"), (90, "broken"), (103, "unclear")],
)
def test_a_promise_is_broken_where_less_was_seen_than_chance_explains(weekly, verdict):
    """Promised 40 +- 19 in all (chance of lift and noise together): the edge is 40 - 31 = 9."""
    (one,) = judged_as([weekly] * 4)
    assert one.verdict == verdict


def test_a_promise_is_judged_when_its_periods_are_in_and_not_before():
    assert judged_as([110, 110, np.nan, np.nan]) == []
    (one,) = judged_as([110, 110, np.nan, np.nan], judge_after=2)
    assert one.periods == 2


def as_judged(account, promised, seen, *, sd=16.0, belief=10.0, periods=4):
    return {
        "account": account,
        "periods": periods,
        "promised": promised,
        "promised_sd": belief,
        "seen": seen,
        "seen_sd": sd,
    }


def test_all_promises_of_an_account_together_decide_how_far_it_moves():
    """Missed by 40: one by 40 / sqrt(16**2 + 10**2) = 2.1 sd, two of 20 by 40 / 37.7 = 1.06 sd."""
    said = [
        as_judged("missed once", 40, 0),
        *[as_judged("missed a little, twice", 40, 20)] * 2,
        *[as_judged("kept", 40, 45)] * 3,
        as_judged("missed and made up for", 40, 0),
        as_judged("missed and made up for", 40, 80),
    ]
    assert missed_by(said[:1]) == pytest.approx(40 / np.hypot(16, 10))
    assert missed_by(said[1:3]) == pytest.approx(40 / np.hypot(2 * 16, 20))
    assert caution_of(said) == {
        "missed once": 0.5,
        "missed a little, twice": 1.0,
        "kept": 1.0,
        "missed and made up for": 1.0,
    }


@pytest.mark.parametrize(("true_share", "least", "most"), [(1.0, 0.0, 0.06), (-1.0, 0.6, 1.0)])
def test_caution_is_for_beliefs_that_are_wrong_and_not_for_chance(true_share, least, most):
    """A year of weekly promises over four weeks each: +40 a week, noise of 100 a week."""
    rng = np.random.default_rng(5)
    cautious = []
    for _ in range(400):
        belief = rng.normal(40 * true_share, 20)  # what the lift of a week really is
        weeks = belief + rng.normal(0, 100, 55)
        said = [
            as_judged("a", 4 * 40, weeks[i : i + 4].sum(), sd=200, belief=80) for i in range(52)
        ]
        cautious.append(caution_of(said)["a"] < 1)
    assert least <= np.mean(cautious) <= most
