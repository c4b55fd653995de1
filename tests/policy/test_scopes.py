"""Two accounts in one ledger share neither daily limits, nor a past, nor names."""

import pandas as pd
import pytest

from adbudget import InputError, load_policy, open_ledger
from adbudget.policy.apply import apply_policy
from adbudget.policy.run_figures import watch, watch_accounts
from tests.policy.test_standing import at, policy, table


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "l.db") as opened:
        yield opened


def budgets(plan) -> list[int]:
    return [int(call.recommended_budget) for call in plan.calls]


def test_the_daily_limit_of_one_account_is_none_of_the_other(ledger):
    rules = policy(limit=5000)
    for account, hour in (("acme", 9), ("globex", 10)):
        plan = apply_policy(rules, table(), ledger=ledger, as_of=at(2, hour), account=account)
        assert budgets(plan) == [11_500, 10_500, 8_000]
        assert "unconfirmed" not in plan.of(f"{account}::win").flags
    assert set(ledger.current_budgets()) == {
        f"{account}::{name}" for account in ("acme", "globex") for name in ("win", "ok", "lose")
    }


def test_the_same_table_of_two_accounts_is_two_runs(ledger):
    names = {
        apply_policy(policy(), table(), ledger=ledger, as_of=at(2), account=account).run_id
        for account in ("acme", "globex")
    }
    assert len(names) == 2


def test_columns_say_whose_a_campaign_is_and_the_same_name_may_come_twice(ledger):
    both = pd.concat([table().assign(account="acme"), table().assign(account="globex")])
    plan = apply_policy(policy(), both.assign(platform="google"), ledger=ledger, as_of=at(2))
    assert plan.of("google/acme::win").campaign_id != plan.of("google/globex::win").campaign_id
    assert plan.table()["account"].tolist() == ["google/acme"] * 3 + ["google/globex"] * 3
    assert plan.table()["campaign_id"].tolist() == ["win", "ok", "lose"] * 2


def test_without_accounts_the_same_name_twice_is_still_refused():
    twice = pd.concat([table(), table()], ignore_index=True)
    with pytest.raises(InputError, match="campaign_id must be different in every row"):
        apply_policy(policy(), twice, as_of=at(2))


def test_how_long_a_campaign_is_past_a_trigger_survives_a_run_of_another_account(ledger):
    rules = load_policy(
        "target_cpl: $50\nrules:\n  - {name: cut, trigger: 'cpl > 65', action: decrease_budget_20%}"
    )
    bad = pd.DataFrame({"campaign_id": ["bad", "ok"], "budget": 1000, "cpl": [75.0, 50.0]})
    for day in (2, 3, 4):
        plan = apply_policy(rules, bad, ledger=ledger, as_of=at(day), account="acme")
        apply_policy(rules, bad.head(1), ledger=ledger, as_of=at(day, 10), account="globex")
    assert "pause_recommended" in plan.of("acme::bad").flags


def test_a_history_that_does_not_say_whose_it_is_is_of_the_account_of_the_table():
    past = pd.DataFrame(
        {"campaign_id": ["win"], "date": "2026-03-01", "spend": 1, "conversions": 1}
    )
    plan = apply_policy(policy(), table().assign(account="acme"), history=past, as_of=at(2))
    assert not any("win" in note.message for note in plan.notes)


def test_a_call_is_found_by_its_own_name_where_no_other_is_called_so():
    one = table().assign(account="acme")
    plan = apply_policy(policy(), one, as_of=at(2))
    assert plan.of("win") is plan.of("acme::win")
    both = pd.concat([one, table().assign(account="globex")])
    with pytest.raises(KeyError):
        apply_policy(policy(), both, as_of=at(2)).of("win")


def test_a_history_belongs_to_its_account():
    frame = table().assign(account="acme")
    past = pd.DataFrame(
        {
            "account": ["acme", "globex"],
            "campaign_id": "win",
            "date": "2026-03-01",
            "spend": 1,
            "conversions": 1,
        }
    )
    plan = apply_policy(policy(), frame, history=past, as_of=at(2))
    assert any("'globex::win'" in note.message for note in plan.notes)


def test_the_figures_that_teams_watch_are_of_each_account(ledger):
    for account, hour in (("acme", 9), ("globex", 10), ("globex", 11)):
        frame = table() if hour < 11 else table().assign(conversions=[2000, 1500, 900])
        plan = apply_policy(policy(), frame, ledger=ledger, as_of=at(2, hour), account=account)
    every, by_account = watch(ledger, at(2, 12)), watch_accounts(ledger, at(2, 12))
    assert sorted(by_account) == ["acme", "globex"]
    for name in ("changes_per_week", "alerts_per_week"):
        assert sum(of[name] for of in by_account.values()) == every[name]
    assert by_account["acme"]["cpl_trend"] is None  # one run says nothing of a trend
    assert by_account["globex"]["cpl_trend"] is not None
    assert plan.metrics == watch(ledger, at(2, 11), ["globex"])
