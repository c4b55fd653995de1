"""A no lasts: rejected and rolled-back moves rest, muted campaigns are left alone."""

from datetime import timedelta

import pytest

from adbudget import open_ledger
from adbudget.ledger import Entry
from adbudget.policy.rollback import rollback_review
from tests.policy.test_standing import at, policy, run, table


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def test_a_rejected_move_is_not_proposed_again_for_a_week(ledger):
    group = run(ledger, table(), at(2)).of("win").group_id
    ledger.reject(group, who="Ann", at=at(2, 10), reason="brand campaign")
    for day in range(3, 9):
        plan = run(ledger, table(), at(day))
        assert plan.summary["moved"] == 0
        assert "Ann said no to it on 2026-03-02 (brand campaign)" in plan.of("win").rationale
        assert plan.of("win").verdict == "blocked"
        assert "refused" in plan.of("win").flags
    assert run(ledger, table(), at(9, 10)).of("win").verdict == "needs_approval"


def test_it_is_proposed_again_once_its_evidence_has_changed_materially(ledger):
    run(ledger, table(), at(2))
    cut = next(key for key in ledger.pending()["item"] if key.endswith(":lose"))
    ledger.reject(cut, who="Ann", at=at(2, 10), reason="wait")
    assert run(ledger, table(lose_leads=800), at(3)).summary["moved"] == 0  # CPL 78 -> 88
    worse = run(ledger, table(lose_leads=600), at(4))  # CPL 117
    assert (worse.of("lose").action, worse.of("win").action) == ("decrease", "increase")


def test_what_chance_may_have_changed_is_no_new_evidence(ledger):
    """CPL 78 of 9 results, then 117 of 6: half as much again, and P(it rose) is about .78."""
    few = table().assign(spend=[500, 650, 700], conversions=[20, 13, 9])
    run(ledger, few, at(2))
    cut = next(key for key in ledger.pending()["item"] if key.endswith(":lose"))
    ledger.reject(cut, who="Ann", at=at(2, 10), reason="wait")
    fewer = few.assign(conversions=[20, 13, 6])  # CPL 78 -> 117, as likely as not by chance
    assert run(ledger, fewer, at(3)).summary["moved"] == 0


def test_the_opposite_move_is_free(ledger):
    group = run(ledger, table(), at(2)).of("win").group_id
    ledger.reject(group, who="Ann", at=at(2, 10), reason="no")
    turned = table().assign(conversions=[900, 1400, 2500])
    plan = run(ledger, turned, at(3))
    assert (plan.of("win").action, plan.of("lose").action) == ("decrease", "increase")


def test_a_rolled_back_move_rests_too(ledger):
    rules = policy(limit=5000)
    first = run(ledger, table(), at(2), rules)
    review = rollback_review(rules, ledger, at(2, 10))
    ledger.rollback(first.run_id, who="Ann", at=at(2, 10), review=review)
    ledger.confirm("win", "ok", "lose", who="Ann", at=at(2, 11))
    plan = run(ledger, table(), at(4), rules)
    assert plan.summary["moved"] == 0
    assert "Ann said no to it on 2026-03-02 (rolled back)" in plan.of("win").rationale


def mute(ledger, unit, until, when=None):
    payload = {"muted": True, "until": None if until is None else until.isoformat()}
    entry = Entry(kind="mute", at=when or at(2), who="Ann", unit=unit, payload=payload)
    ledger.append(entry, key=f"mute:{unit}:{until}")


def test_a_muted_campaign_neither_moves_nor_alerts_until_its_time(ledger):
    mute(ledger, "win", at(5))
    loud = table().assign(spend=[140_000, 70_000, 70_000])  # twice its budget: the usual alert
    loud["conversions"] = [5000, 1400, 900]
    plan = run(ledger, loud, at(4), policy(limit=5000))
    assert "muted" in plan.of("win").flags
    assert plan.of("win").action == "hold"
    assert "win" not in {alert.campaign_id for alert in plan.alerts}
    after = run(ledger, loud, at(5) + timedelta(minutes=1), policy(limit=5000))
    assert after.of("win").action == "increase"
    assert "win" in {alert.campaign_id for alert in after.alerts}
