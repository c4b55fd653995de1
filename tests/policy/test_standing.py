"""An approval is of a plan that still stands: stories of a ledger with runs and people."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from adbudget import InputError, LedgerConflictError, load_policy, open_ledger
from adbudget.ledger.identity import login_name
from adbudget.policy.apply import apply_policy, rerun

POLICY = """
target_cpl: 50
four_eyes: {four_eyes}
rules:
  - {{name: scale_winners, trigger: "cpl < target * 0.8", action: increase_budget_15%}}
  - {{name: reduce_losers, trigger: "cpl > target * 1.3", action: decrease_budget_20%}}
constraints: {{approval_limit: {limit}, approval_expires: {expires}}}
"""


IDENTITY = "identity: login"


def policy(limit=500, expires="24 hours", four_eyes="false"):
    return load_policy(POLICY.format(limit=limit, expires=expires, four_eyes=four_eyes))


def table(win=10_000, ok=10_000, lose=10_000, lose_leads=900) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": ["win", "ok", "lose"],
            "budget": [win, ok, lose],
            "spend": 70_000,
            "conversions": [2500, 1400, lose_leads],
            "days": 7,
        }
    )


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def run(ledger, frame, when, rules=None, **more):
    return apply_policy(rules or policy(), frame, ledger=ledger, as_of=when, **more)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def test_an_old_plan_cannot_be_approved_after_a_person_raised_the_budget(ledger):
    group = run(ledger, table(), at(2)).of("win").group_id
    later = run(ledger, table(win=20_000, lose=9_000, lose_leads=1400), at(2, 11))
    with pytest.raises(LedgerConflictError, match=r"budget was seen at 20,000.00 on 2026-03-02"):
        ledger.approve(group, who="Ann", at=at(2, 12))
    assert ledger.entries(kind="change").empty
    assert group not in set(ledger.pending(at(2, 12))["group_id"])
    assert later.of("win").group_id != group


def test_a_later_run_takes_the_place_of_what_waited_about_the_same_campaigns(ledger):
    first = run(ledger, table(), at(2)).of("win").group_id
    second = run(ledger, table(lose=9_000), at(2, 10)).of("win").group_id
    assert first != second
    run(ledger, table(lose_leads=1400), at(2, 11))  # nothing to cut, so nothing to propose
    for group in {first, second}:
        with pytest.raises(LedgerConflictError, match="Approve what a later run proposes"):
            ledger.approve(group, who="Ann", at=at(2, 12))
    assert ledger.pending().empty


def test_an_approval_that_nobody_gave_in_time_is_refused_and_may_be_overridden(ledger):
    group = run(ledger, table(), at(2)).of("win").group_id
    assert set(ledger.pending(at(3, 8))["group_id"]) == {group}
    assert ledger.pending(at(3, 9)).empty
    with pytest.raises(
        LedgerConflictError, match=r"stood until 2026-03-03 09:00 .*--override TEXT"
    ):
        ledger.approve(group, who="Ann", at=at(3, 10))
    ledger.approve(group, who="Ann", at=at(3, 10), override="the budgets are still these")
    said = ledger.entries(kind="approval")
    assert set(said["rationale"]) == {"the budgets are still these"}
    assert all("nobody ruled" in payload["override"] for payload in said["payload"])
    assert ledger.current_budgets()["win"] == 11_500_00


def test_hourly_runs_ask_a_person_once(ledger):
    first = run(ledger, table(), at(2)).of("win").group_id
    for hour in range(10, 16):
        assert run(ledger, table(), at(2, hour)).of("win").group_id == first
    assert len(ledger.pending(at(2, 16))) == 3
    ledger.approve(first, who="Ann", at=at(2, 16))
    assert len(ledger.entries(kind="change")) == 3


def test_what_lapsed_is_written_by_the_next_run_and_stays_so(ledger):
    group = run(ledger, table(), at(2)).of("win").group_id
    run(ledger, table(), at(4))
    said = ledger.entries(kind="approval")
    assert said["verdict"].tolist() == ["cancelled"] * 3
    assert said["rationale"].str.contains("a later run, of 2026-03-04 09:00 UTC").all()
    with pytest.raises(
        LedgerConflictError, match=r"no longer stood .*Approve what a later run proposes"
    ):
        ledger.approve(group, who="Ann", at=at(4))
    assert (ledger.pending(at(4))["action"] != "pause").sum() == 3


def test_a_word_cannot_be_dated_before_the_proposal(ledger):
    group = run(ledger, table(), at(2)).of("win").group_id
    for word in (ledger.approve, lambda *a, **k: ledger.reject(*a, reason="no", **k)):
        with pytest.raises(InputError, match=r"is before .* was proposed, on 2026-03-02 09:00 UTC"):
            word(group, who="Ann", at=at(2, 8))


def test_with_four_eyes_nobody_approves_a_run_of_their_own(ledger):
    rules = policy(four_eyes="true")
    group = run(ledger, table(), at(2), rules, who="Ann").of("win").group_id
    with pytest.raises(
        LedgerConflictError, match=r"of a run that Ann made, .* cannot be overridden"
    ):
        ledger.approve(group, who="Ann", at=at(2, 10), override="really")
    assert len(ledger.approve(group, who="Bob", at=at(2, 10)).applied) == 3


def test_a_run_made_again_by_somebody_else_is_still_of_who_made_it(ledger):
    rules = policy(four_eyes="true")
    run(ledger, table(), at(2), rules, who="Ann")
    n_entries = ledger.head().sequence
    plan = run(ledger, table(), at(2), rules, who="Bob")
    assert ledger.head().sequence == n_entries
    assert ledger.replay(plan.run_id, rerun).identical
    with pytest.raises(LedgerConflictError, match="of a run that Ann made"):
        ledger.approve(plan.of("win").group_id, who="Ann", at=at(2, 10))


def test_names_bound_to_the_login_are_the_login(ledger):
    rules = load_policy(POLICY.format(limit=500, expires="1 day", four_eyes="false") + IDENTITY)
    group = run(ledger, table(), at(2), rules).of("win").group_id
    with pytest.raises(InputError, match="bound to the user of the operating system"):
        ledger.approve(group, who="somebody else", at=at(2, 10))
    assert ledger.approve(group, who=login_name(), at=at(2, 10)).applied


def test_what_waits_stands_for_a_cadence_unless_the_policy_says_otherwise(ledger):
    said = "target_cpl: 50\nrules: []\n"
    for words, days in (
        ("", 1),
        ("cadence: weekly", 7),
        ("preset: b2b", 7),
        ("cadence: weekly\nconstraints: {approval_expires: 2 days}", 2),
        ("constraints: {cadence: 0}", 1),
    ):
        assert load_policy(said + words).constraints.patience == timedelta(days=days)
    weekly = load_policy(
        POLICY.split("constraints")[0].format(four_eyes="false") + "cadence: weekly"
    )
    run(ledger, table(), at(2), weekly)
    assert set(ledger.pending()["expires_at"]) == {at(9)}


def test_who_confirms_and_rolls_back_is_bound_as_who_approves_is(ledger):
    rules = load_policy(POLICY.format(limit=5000, expires="1 day", four_eyes="false") + IDENTITY)
    plan = run(ledger, table(), at(2), rules)
    assert plan.of("win").verdict == "auto"
    with pytest.raises(InputError, match="bound to the user of the operating system"):
        ledger.confirm("win", who="somebody else", at=at(2, 10))
    with pytest.raises(InputError, match="bound to the user of the operating system"):
        ledger.rollback(plan.run_id, who="somebody else", at=at(2, 10), review=list)
    with pytest.raises(InputError, match="bound to the user of the operating system"):
        ledger.check_person("somebody else", unit="win")
    ledger.check_person("somebody else", unit="a campaign nobody has judged")
    assert ledger.confirm("win", who=login_name(), at=at(2, 10))
