"""Rates, amounts, currencies, columns and whole scenarios as people write them."""

from pathlib import Path

import pandas as pd
import pytest

from adbudget import InputError, PolicyError, apply_policy, load_policy, open_ledger
from adbudget.policy.apply import rerun
from adbudget.policy.language import parse_trigger
from tests.policy.tables import read

AT = "2026-03-10T08:00"
RULES = """\
target_cpl: 50
rules:
  - {name: scale, trigger: "cpl < target * 0.8", action: increase_budget_15%}
  - {name: cut, trigger: "cpl > target * 1.3", action: decrease_budget_20%}
"""
FOUR = pd.DataFrame(
    {
        "campaign_id": ["A", "B", "C", "D"],
        "budget": [2000, 2500, 3000, 2500],
        "cpl": [35, 45, 75, 52],
    }
)
SCENARIO = """\
rules:
  - name: "scale_winners"
    trigger: "cpl < target * 0.8"
    action: "increase_budget_15%"
    cap: "40% of total"
  - name: "reduce_losers"
    trigger: "cpl > target * 1.3"
    action: "decrease_budget_20%"
    floor: "$100 minimum"
total_budget: $10,000
target_cpl: $50
campaigns:
  - {id: camp_a, budget: 2000, cpl: 35}
  - {id: camp_b, budget: 2500, cpl: 45}
  - {id: camp_c, budget: 3000, cpl: 75}
  - {id: camp_d, budget: 2500, cpl: 52}
"""


def next_budgets(plan) -> list[float]:
    return [float(call.recommended_budget) for call in plan.calls]


# Rates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("ctr < 2", "for 2 percent write 2%"),
        ("ctr < 1", "for 1 percent write 1%"),
        ("cvr >= 1", "for 1 percent write 1%"),
        ("cpl_change > 50 in 24h", "50 is 5,000%; for 50 percent write 50%"),
        ("spend_pace > 150", "for 150 percent write 150%"),
    ],
)
def test_a_percent_without_its_sign_is_an_error_that_says_what_to_write(text, write):
    with pytest.raises(PolicyError, match=write):
        parse_trigger(text, where="rules[0]")


@pytest.mark.parametrize("text", ["ctr < 2%", "ctr == 100%", "cpl_change > 2 in 24h", "roas > 12"])
def test_shares_and_ratios_as_they_should_be_are_read(text):
    assert parse_trigger(text, where="rules[0]").text == text


@pytest.mark.parametrize(
    ("value", "write"), [("2.5%", "for 2.5% write 0.025"), (2.5, "for 2.5% write 0.025")]
)
def test_a_rate_in_percent_is_an_error_that_says_what_to_write(value, write):
    with pytest.raises(InputError, match=rf"ctr .* row 1 .*{write}"):
        read(2, ctr=[0.01, value])


# Amounts ----------------------------------------------------------------------------------------


def test_amounts_and_counts_with_signs_and_separators_are_read():
    readings = read(
        2, budget=["$1,000.00", "2,500"], spend=["$950", " 1,200.50 "], clicks=["1,234", 5]
    )
    assert readings.budget_minor.tolist() == [100_000, 250_000]
    assert readings.metric("spend").tolist() == [950, 1200.5]
    assert readings.metric("clicks").tolist() == [1234, 5]
    assert read(1, revenue=["-$20"], spend=["10"]).metric("roas").tolist() == [-2]


def test_what_is_no_amount_is_refused_with_its_row():
    with pytest.raises(InputError, match=r"'spend' has text .* row 0"):
        read(1, spend=["1.000,00"])
    with pytest.raises(InputError, match=r"written in € and the table is in USD"):
        read(1, spend=["€10"], currency="USD")


# Currencies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "approval", "step"),
    [("JPY", 50_000, 5_000), ("KWD", 100, 10), ("EUR", 500, 50), ("INR", 50_000, 5_000)],
)
def test_amounts_that_a_policy_leaves_out_fit_its_currency(code, approval, step):
    limits = load_policy(f"currency: {code}\n" + RULES).constraints
    assert (limits.approval_limit.amount, limits.step.amount) == (approval, step)


def test_the_currency_of_the_table_counts_when_the_policy_names_none():
    frame = FOUR.assign(budget=FOUR["budget"] * 100, cpl=FOUR["cpl"] * 100, currency="JPY")
    policy = load_policy(RULES.replace("50\n", "5000\n", 1))
    plan = apply_policy(policy, frame, as_of=AT)
    assert next_budgets(plan) == [230_000, 275_000, 240_000, 255_000]
    assert plan.of("A").verdict == "needs_approval"
    small = apply_policy(policy, frame.assign(budget=[20_000, 25_000, 30_000, 25_000]), as_of=AT)
    assert {call.verdict for call in small.calls} == {"auto"}


def test_amounts_that_are_given_stay_as_they_are():
    text = "currency: JPY\nconstraints: {approval_limit: 700, step: 70}\n" + RULES
    limits = load_policy(text).constraints
    assert (limits.approval_limit.amount, limits.step.amount) == (700, 70)


def test_a_currency_without_default_amounts_asks_for_them():
    with pytest.raises(PolicyError, match=r"give approval_limit and step: XTS has no default"):
        load_policy("currency: XTS\n" + RULES)
    given = "constraints: {approval_limit: 1, step: 1}\n"
    assert load_policy("currency: XTS\n" + given + RULES).currency == "XTS"


# Columns and files ------------------------------------------------------------------------------


def test_columns_may_have_other_names():
    frame = FOUR.rename(columns={"campaign_id": "Campaign", "budget": "Daily budget"})
    names = {"campaign_id": "Campaign", "budget": "Daily budget"}
    plan = apply_policy(load_policy(RULES), frame, columns=names, as_of=AT)
    assert next_budgets(plan) == [2300, 2750, 2400, 2550]
    with pytest.raises(InputError, match=r"no column 'Campain'.* Is it 'Campaign'"):
        apply_policy(
            load_policy(RULES), frame, columns=names | {"campaign_id": "Campain"}, as_of=AT
        )
    with pytest.raises(InputError, match="both 'Daily budget' and 'budget'"):
        apply_policy(load_policy(RULES), frame.assign(budget=1), columns=names, as_of=AT)


def test_a_scenario_in_one_file_runs_as_written(tmp_path):
    policy = load_policy(SCENARIO)
    plan = apply_policy(policy, as_of=AT)
    assert next_budgets(plan) == [2300, 2750, 2400, 2550]
    with open_ledger(tmp_path / "l.db") as ledger:
        logged = apply_policy(policy, ledger=ledger, as_of=AT)
        assert ledger.replay(logged.run_id, rerun).identical


def test_a_total_budget_is_what_the_budgets_add_up_to():
    plan = apply_policy(load_policy(SCENARIO.replace("$10,000", "$10,200")), as_of=AT)
    assert plan.summary["total_after"] == 10_200
    with pytest.raises(PolicyError, match=r"total_budget is .* keep one of them"):
        load_policy(SCENARIO + "constraints: {total_budget_change: 5%}")


def test_campaigns_are_given_once():
    with pytest.raises(InputError, match="lists its campaigns itself"):
        apply_policy(load_policy(SCENARIO), FOUR, as_of=AT)
    with pytest.raises(InputError, match="there is no campaign table"):
        apply_policy(load_policy(RULES), as_of=AT)


def test_the_command_line_runs_a_scenario_and_renames_columns(tmp_path, capsys):
    from adbudget.cli.policy import rules

    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    rules(str(tmp_path / "scenario.yaml"), as_of=AT)
    assert "2,300.00" in capsys.readouterr().out
    (tmp_path / "policy.yaml").write_text(RULES)
    FOUR.rename(columns={"campaign_id": "Campaign"}).to_csv(tmp_path / "c.csv", index=False)
    rules(
        str(tmp_path / "policy.yaml"),
        Path(tmp_path / "c.csv"),
        columns=["campaign_id=Campaign"],
        as_of=AT,
    )
    assert "2,300.00" in capsys.readouterr().out
