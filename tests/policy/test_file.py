"""A policy file: every form loads, and everything wrong is told with its place."""

import json
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from adbudget import Policy, PolicyError, load_policy
from adbudget.policy.file import policy_schema
from adbudget.policy.values import (
    Bound,
    BudgetMove,
    Money,
    StatusAction,
    parse_action,
    parse_bound,
    parse_change,
    parse_duration,
    parse_money,
    parse_share,
)
from adbudget.tables.documents import parse_document
from tests.policy.worked import EXAMPLE


def test_the_example_loads_as_written():
    policy = load_policy(EXAMPLE)
    assert isinstance(policy, Policy)
    assert policy.targets == {"target_cpl": 50, "target_roas": Decimal("2.5")}
    assert policy.confidence_threshold == Decimal("0.95")
    assert policy.constraints.observation_period == timedelta(days=7)
    assert [rule.name for rule in policy.rules] == ["scale_winners", "reduce_losers", "boost_roas"]
    assert policy.rules[0].action == BudgetMove(direction="increase", share=Decimal("0.15"))
    assert policy.rules[0].cap == Bound(share=Decimal("0.4"))
    assert policy.rules[1].floor == Bound(money=Money(amount=Decimal(100), currency="$"))
    assert policy.constraints.pause_threshold == timedelta(hours=48)
    assert policy.constraints.new_campaign_test_budget == Money(amount=Decimal(500), currency="$")
    assert [alert.type for alert in policy.alerts] == ["anomaly", "opportunity", "risk"]
    assert policy.currency == "$"


def test_settings_left_out_come_from_the_preset_and_those_written_win():
    b2c, b2b = load_policy("preset: b2c").constraints, load_policy("preset: b2b").constraints
    assert (b2c.observation_period, b2b.observation_period) == (
        timedelta(hours=48),
        timedelta(days=7),
    )
    assert (b2c.approval_limit.amount, b2b.approval_limit.amount) == (500, 2000)
    assert (b2c.step.amount, b2b.step.amount) == (50, 500)
    own = load_policy("preset: b2b\nconstraints: {approval_limit: $750}").constraints
    assert own.approval_limit.amount == 750


def test_path_text_and_mapping_give_the_same_policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(EXAMPLE)
    as_json = tmp_path / "policy.json"
    as_json.write_text(json.dumps(parse_document(EXAMPLE, "x")))
    given_as = (EXAMPLE, path, str(path), parse_document(EXAMPLE, "x"), as_json)
    assert len({load_policy(source).hash for source in given_as}) == 1


def test_the_document_of_a_policy_loads_to_the_same_policy():
    policy = load_policy(EXAMPLE)
    assert load_policy(dict(policy.document)) == policy


def test_any_change_of_the_file_changes_the_hash():
    other = EXAMPLE.replace("increase_budget_15%", "increase_budget_16%")
    assert load_policy(EXAMPLE).hash != load_policy(other).hash


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rulez: []", r"unknown key 'rulez' \(did you mean 'rules'\?\)"),
        ("constraints: {max_single: 40%}", "constraints: unknown key 'max_single'"),
        (
            'rules:\n- {name: a, trigger: "cpl < 5", action: hold, caps: 3}',
            r"rules\[0\] \"a\": unknown key 'caps' \(did you mean 'cap'",
        ),
        ("target_cpl: 50\ntarget_cpl: 40", "'target_cpl' is written twice, in lines 1 and 2"),
        ("target_cpl: fifty", "target_cpl must be an amount of money.* got 'fifty'"),
        ("target_cpl: 0", "target_cpl must be an amount above 0"),
        ("target_cpl: true", "got True"),
        ("target_cpl: yes", "got 'yes'"),
        ("preset: b2d", "preset: input should be 'b2c' or 'b2b'; got 'b2d'"),
        ("confidence_threshold: 20%", "at least 50% and below 100%"),
        ("constraints: {max_daily_change: 140%}", "above 0% and at most 100%; got 140%"),
        ("constraints: {max_single_campaign: 40}\ntarget_cpl: 40%", "target_cpl must be"),
        (
            "target_cpl: $50\nconstraints: {approval_limit: €5}",
            "written in € and target_cpl in \\$",
        ),
        ('rules:\n- {trigger: "cpl < 5", action: hold}', r"rules\[0\]: the key 'name' is missing"),
        (
            'rules:\n- {name: a, trigger: "cpl < target", action: hold}',
            r"rules\[0\] \"a\".*sets no target for cpl",
        ),
        (
            'target_cpl: 5\nrules:\n- {name: a, trigger: "cpll < 5", action: hold}',
            r"rules\[0\] \"a\".*column 1.*cpl",
        ),
        (
            'rules:\n- {name: a, trigger: "roas > 4", action: increase_budget}',
            "action must be one of the forms increase_budget_15%",
        ),
        (
            'rules:\n- {name: a, trigger: "roas > 4", action: decrease_budget_120%}',
            "at most 100%; got 120%",
        ),
        (
            'rules:\n- {name: a, trigger: "roas > 4", action: hold, cap: 40%}',
            r"rules\[0\] \"a\": cap has no effect on the action 'hold'",
        ),
        (
            'rules:\n- {name: a, trigger: "roas > 4", action: hold}\n'
            '- {name: a, trigger: "roas > 5", action: hold}',
            "the name 'a' is used twice",
        ),
        ("attribution: {curve: {1: 50%, 3: 20%}}", "shares that rise with the days"),
        ("timezone: Mars/Olympus", "'Mars/Olympus' is not known"),
        ("[1, 2]\n", "must be a mapping"),
        ("# nothing\n", "is empty"),
        ("rules: [\n", "cannot be read as YAML"),
        ("true: 3\n", "keys must be text; got True"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, told):
    with pytest.raises(PolicyError, match=told):
        load_policy(text)


def test_several_problems_are_told_at_once():
    with pytest.raises(PolicyError) as caught:
        load_policy("target_cpl: x\nrulez: 1\nconstraints: {step: y}")
    assert all(name in str(caught.value) for name in ("target_cpl", "rulez", "step"))


def test_a_missing_file_is_told():
    with pytest.raises(PolicyError, match=r"nowhere\.yaml does not exist"):
        load_policy("nowhere.yaml")
    with pytest.raises(PolicyError, match=r"ends in \.yaml, \.yml or \.json"):
        load_policy("policy.toml")


def test_the_schema_names_every_key_and_refuses_others():
    schema = policy_schema()
    assert schema["additionalProperties"] is False
    assert {"rules", "constraints", "alerts", "target_cpl", "preset"} <= set(schema["properties"])
    rule = schema["$defs"]["Rule"]
    assert rule["required"] == ["name", "trigger", "action"]
    assert schema["$defs"]["Constraints"]["properties"]["max_daily_change"]["default"] == "25%"
    json.dumps(schema)


# Values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("$50", "50", "$"),
        (50, "50", ""),
        (49.99, "49.99", ""),
        ("1,000", "1000", ""),
        ("€1,234.50", "1234.50", "€"),
        ("EUR 20", "20", "EUR"),
        ("20 EUR", "20", "EUR"),
        ("20€", "20", "€"),
    ],
)
def test_money_is_read_as_written(written, amount, currency):
    assert parse_money(written, "x") == Money(amount=Decimal(amount), currency=currency)


@pytest.mark.parametrize(
    "written", ["1,00", "$", "$5 EUR", "-5", "5%", "1e3", True, None, [], "5.", ""]
)
def test_what_is_no_money_is_refused(written):
    with pytest.raises(PolicyError, match="x must be an amount of money"):
        parse_money(written, "x")


def test_shares_bounds_changes_and_times_are_read_as_written():
    assert parse_share("2.5%", "x") == Decimal("0.025")
    assert parse_share(0.4, "x") == Decimal("0.4")
    assert parse_bound("40% of total", "x") == parse_bound("40%", "x")
    assert parse_bound("$5,000 maximum", "x").money.amount == 5000
    assert parse_change("-10%", "x").share == Decimal("-0.1")
    assert parse_change(0, "x").money.amount == 0
    assert parse_change("0%", "x").money.amount == 0
    assert parse_change("-$500", "x").money.amount == -500
    assert parse_duration(7, "x") == parse_duration("1 week", "x") == timedelta(days=7)
    assert parse_duration(48, "x", bare="hours") == parse_duration("48h", "x")
    assert parse_action("pause", "x") == StatusAction(name="pause")
    assert parse_action("decrease_budget_$50", "x").money.amount == 50


def test_a_bare_40_could_mean_two_things_and_is_refused():
    with pytest.raises(PolicyError, match=r"a share such as 40% or 0\.4; got 40"):
        parse_share(40, "x")


def test_amounts_finer_than_the_smallest_coin_are_refused():
    with pytest.raises(PolicyError, match="finer than the currency's smallest unit"):
        Money(amount=Decimal("0.005")).minor(2, "x")


@pytest.mark.parametrize(
    "text",
    [
        f'rules:\n- {{name: a, trigger: "roas > 4", action: increase_budget_{"9" * 400}%}}',
        f'rules:\n- {{name: a, trigger: "roas > 4", action: increase_budget_{"9" * 400}}}',
        f"target_roas: {'9' * 400}%",
        f"constraints: {{emergency_pause: {'9' * 400}x}}",
        f"constraints: {{approval_limit: ${'9' * 400}}}",
    ],
)
def test_numbers_beyond_any_budget_are_refused(text):
    with pytest.raises(PolicyError, match="more than any budget; check the number of zeros"):
        load_policy(text)


@given(st.integers(0, 10**9), st.decimals(0, 1, places=3))
def test_a_share_of_the_total_is_rounded_to_the_safe_side(total, share):
    bound = Bound(share=share)
    cap, floor = bound.minor(total, 2, "x", up=False), bound.minor(total, 2, "x", up=True)
    assert cap <= share * total <= floor
    assert floor - cap <= 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["rules", "constraints", "alerts", "target_cpl", "preset", "attribution"])


@settings(max_examples=200)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_only_policy_errors_escape_whatever_the_file_holds(document):
    with suppress(PolicyError):
        load_policy(document)


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_only_policy_errors_escape_whatever_the_text_is(text):
    with suppress(PolicyError):
        load_policy(text + "\n")


# Attribution ------------------------------------------------------------------------------------

LATE = "attribution: {curve: {0: 30%, 1: 60%, 3: 80%, 7: 100%}MORE}"


def test_an_attribution_that_is_stale_before_it_is_mature_is_refused_with_what_would_do():
    with pytest.raises(PolicyError) as refused:
        load_policy(LATE.replace("MORE", ""))
    message = str(refused.value)
    assert "figures of up to 7 days can never be mature: at the age of 2 days" in message
    assert "88.6% of their results are reported, and mature_at asks for 90%" in message
    for remedy in ("window: 8 days", "max_data_age: 3 days", "mature_at: 88%"):
        assert remedy in message


@pytest.mark.parametrize(
    "text",
    [
        LATE.replace("MORE", ", window: 8 days"),
        LATE.replace("MORE", "") + "\nconstraints: {max_data_age: 3 days}",
        LATE.replace("MORE", ", mature_at: 88%"),
        "attribution: {curve: {0: 90%}}",
    ],
)
def test_an_attribution_that_can_be_mature_is_read(text):
    assert load_policy(text).attribution is not None


def test_a_curve_that_never_reaches_maturity_names_the_share_that_would_do():
    with pytest.raises(PolicyError, match=r"asks for 90%\. Set mature_at: 50%\.$"):
        load_policy("attribution: {curve: {0: 50%}}")
