"""Money is counted, printed and read in one way: ISO 4217 decides the digits."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import iso4217
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget import PolicyError, apply_policy, load_policy, money, open_ledger
from adbudget.money import (
    Money,
    amount,
    check_currency,
    digits_of,
    estimate_text,
    exact,
    in_digits,
    may_be_in,
    minor_text,
    money_text,
    parse_money,
)
from adbudget.policy.apply import rerun
from adbudget.policy.rollback import rollback_review

CODES = st.sampled_from(sorted(code.code for code in iso4217.Currency))
POLICY = """\
target_cpl: 5000
currency: RWF
rules:
  - {name: scale_winners, trigger: "cpl < target * 0.8", action: increase_budget_10%}
  - {name: reduce_losers, trigger: "cpl > target * 1.3", action: decrease_budget_10%}
constraints: {approval_limit: 1000000, max_single_campaign: 90%}
"""
TABLE = "campaign_id,budget,cpl,currency\nA,200000,3000,RWF\nB,200000,8000,RWF\n"
AT = "2026-03-02T08:00"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def campaigns(budget=200_000, code="RWF") -> pd.DataFrame:
    rows = {"campaign_id": ["A", "B"], "budget": budget, "cpl": [3000, 8000]}
    return pd.DataFrame(rows).assign(currency=code)


def policy_in(code="RWF"):
    return load_policy(POLICY.replace("RWF", code))


@pytest.fixture
def before_the_fix(monkeypatch):
    """The digits that runs of a policy used once: hundredths for nine currencies."""

    def decide(path, code="RWF", budget=200_000):
        with monkeypatch.context() as then, open_ledger(path) as ledger:
            then.delitem(money.DIGITS, code)
            return apply_policy(policy_in(code), campaigns(budget, code), ledger=ledger, as_of=AT)

    return decide


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "adbudget", *map(str, arguments)],
        **{"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 300},
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "140"},
    )


# Digits ------------------------------------------------------------------------------------------


def test_digits_are_those_of_the_published_table_for_every_currency():
    published = {each.code: each.exponent for each in iso4217.Currency}
    stated = {code: digits for code, digits in published.items() if digits is not None}
    assert {code: digits_of(code) for code in stated} == stated
    assert {code: digits for code, digits in stated.items() if digits != 2} == money.DIGITS


@pytest.mark.parametrize(
    ("code", "digits"), [("EUR", 2), ("RWF", 0), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("", 2)]
)
def test_a_currency_has_the_digits_of_its_smallest_unit(code, digits):
    assert digits_of(code) == digits


# Printing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [
        (230_000, "EUR", "2,300.00 EUR"),
        (200_000, "RWF", "200,000 RWF"),
        (1_500, "KWD", "1.500 KWD"),
        (12_345, "CLF", "1.2345 CLF"),
        (-5, "EUR", "-0.05 EUR"),
        (99_999, "", "999.99"),
        (0.5, "JPY", "0 JPY"),
    ],
)
def test_money_reads_with_all_digits_of_its_currency(minor, code, text):
    assert money_text(minor, code) == text


def test_amounts_counted_otherwise_read_as_what_they_were():
    assert minor_text(20_000_000, "RWF", 2) == "200,000.00"
    assert minor_text(20_000_000, "RWF") == "20,000,000"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1240.4, "EUR 1,240"), (87.5, "EUR 87.50"), (-0.001, "EUR 0"), (float("nan"), "EUR -")],
)
def test_estimates_read_rounded(value, text):
    assert estimate_text(value, "EUR") == text
    assert amount(value) == text.removeprefix("EUR ")


# Reading and the laws ----------------------------------------------------------------------------


@given(minor=st.integers(1 - 10**12, 10**12 - 1), code=CODES)  # a million millions is refused
def test_what_is_printed_reads_back_as_the_same_money(minor, code):
    read = parse_money(money_text(minor, code), "budget", signed=True)
    assert read.currency == code
    assert read.minor(digits_of(code), "budget") == minor


@given(value=st.decimals(0, 10**9, places=3), code=st.sampled_from(["", "$", "€", "EUR", "KWD"]))
def test_an_amount_as_written_reads_back_as_itself(value, code):
    written = Money(amount=value, currency=code)
    assert parse_money(str(written), "budget") == written


@given(minor=st.integers(-(2**53), 2**53), digits=st.integers(0, 4), more=st.integers(0, 4))
def test_counting_more_finely_and_back_changes_nothing(minor, digits, more):
    finer = in_digits(minor, digits, digits + more)
    assert exact(finer, digits + more) == exact(minor, digits)
    assert in_digits(finer, digits + more, digits) == minor


@pytest.mark.parametrize("text", ["1.2.3", "12 000", "€ 5 EUR", "EURO 5", "-5", "", True, None])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(PolicyError, match="budget must be an amount of money"):
        parse_money(text, "budget")


def test_an_amount_finer_than_its_currency_is_refused():
    with pytest.raises(PolicyError, match="finer than the currency's smallest unit"):
        Money(amount=Decimal("0.5"), currency="RWF").minor(digits_of("RWF"), "step")


def test_a_sign_may_be_of_several_currencies_and_contradicts_the_others():
    assert may_be_in("$", "CLP")
    assert may_be_in("", "EUR")
    assert not may_be_in("$", "EUR")
    check_currency("€", "EUR", "the plan")
    with pytest.raises(PolicyError, match="the plan is in USD"):
        check_currency("€", "USD", "the plan")


# A plan and the ledger say the same --------------------------------------------------------------


def test_a_plan_and_the_ledger_show_the_same_amounts_of_a_currency_without_cents(tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "campaigns.csv").write_text(TABLE)
    ledger = tmp_path / "ledger.db"
    planned = run(
        *("rules", tmp_path / "policy.yaml", tmp_path / "campaigns.csv"),
        *("--ledger", ledger, "--as-of", AT),
    )
    assert planned.returncode == 0, planned.stderr
    row = next(line.split() for line in planned.stdout.splitlines() if line.startswith("  A "))
    assert row[1:3] == ["200,000", "220,000"]
    shown = run("ledger", "show", "--ledger", ledger)
    assert shown.returncode == 0, shown.stderr
    assert "200,000 -> 220,000 RWF" in shown.stdout
    assert "20,000,000" not in shown.stdout


def test_an_older_ledger_reads_verifies_and_says_what_it_was(tmp_path, before_the_fix):
    path = tmp_path / "ledger.db"
    before_the_fix(path)
    with open_ledger(path) as ledger:
        changes = ledger.entries(kind="change")
        assert changes["new_minor"].tolist() == [22_000_000, 18_000_000]  # nobody rewrites it
        assert changes["digits"].tolist() == [2, 2]
        assert ledger.verify().ok
        assert ledger.current_budgets() == {"A": 220_000, "B": 180_000}
        assert ledger.opening_budgets(date(2026, 3, 2), "UTC") == {"A": 200_000, "B": 200_000}
    shown = run("ledger", "show", "--ledger", path)
    assert "200,000.00 -> 220,000.00 RWF" in shown.stdout


def test_an_older_run_comes_out_again_letter_by_letter(tmp_path, before_the_fix):
    run_id = before_the_fix(tmp_path / "ledger.db").run_id
    with open_ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.replay(run_id, rerun).identical


def test_the_daily_limit_counts_what_an_older_run_moved_that_day(tmp_path, before_the_fix):
    before_the_fix(tmp_path / "ledger.db")
    often = "90%, max_daily_change: 20%, rest: 0, cadence: 1 hour"
    bolder = load_policy(POLICY.replace("10%", "15%").replace("90%", often))
    with open_ledger(tmp_path / "ledger.db") as ledger:
        later = campaigns([220_000, 180_000])
        plan = apply_policy(bolder, later, ledger=ledger, as_of="2026-03-02T18:00")
    ends = [int(call.recommended_budget) for call in plan.calls]
    assert ends == [240_000, 160_000], "20% of the budgets of the morning, 15% of those of now"


@pytest.mark.parametrize(("code", "back"), [("RWF", 200_000), ("CLF", 2_000_000_000)])
def test_an_older_run_is_rolled_back_to_the_same_money(tmp_path, before_the_fix, code, back):
    run_id = before_the_fix(tmp_path / "ledger.db", code).run_id
    with open_ledger(tmp_path / "ledger.db") as ledger:
        review = rollback_review(policy_in(code), ledger, NOON)
        ledger.rollback(run_id, who="Ana", at=NOON, review=review)
        assert ledger.current_budgets() == {"A": back, "B": back}
        undone = ledger.entries(kind="change", last=2)
        assert undone["digits"].tolist() == [digits_of(code)] * 2
        assert undone["new_minor"].tolist() == [back] * 2
        assert ledger.verify().ok
