"""The trigger language: what it accepts, what it refuses and how, what it means."""

import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from adbudget.errors import PolicyError
from adbudget.policy.language import (
    check_confidence,
    check_targets,
    evaluate,
    parse_trigger,
)
from tests.policy.tables import AS_OF, WHERE, fires, firing, past, read

TARGETS = {"target_cpl": Decimal("50"), "target_roas": 2.5}


def parsed(text):
    return parse_trigger(text, where=WHERE)


# What a trigger says of itself ------------------------------------------------------------------


def test_a_trigger_names_its_metrics_targets_and_need_of_history():
    trigger = parsed("cpl < target * 0.8 and (roas > target_roas or cpl_change < 0% in 24h)")
    assert trigger.metrics == ("cpl", "roas")
    assert trigger.targets == ("target_cpl", "target_roas")
    assert trigger.needs_history


def test_for_needs_history_and_a_plain_comparison_does_not():
    assert parsed("roas > 6 for 3 days").needs_history
    assert not parsed("cpl < 40").needs_history


def test_words_may_be_in_capitals():
    assert fires("CPL < 40 AND NOT ROAS > 4", read(cpl=35, roas=3)) == [True]


# What is refused, and how -----------------------------------------------------------------------

REFUSED = [
    ("cpll < 40", 1, "unknown word 'cpll'; did you mean 'cpl'"),
    ("cpl < taget", 7, "did you mean 'target'"),
    ("roas > 4 and conversion > 3", 14, "did you mean 'conversions'"),
    ("zzzz > 4", 1, "known are budget, spend"),
    ("cpl > 50%", 5, "money per count cannot be compared with a share or ratio"),
    ("roas > $4", 6, "a share or ratio cannot be compared with money"),
    ("conversions > 50%", 13, "count cannot be compared with a share or ratio"),
    ("age_days > $5", 10, "days cannot be compared with money"),
    ("roas > 3 days", 6, "cannot be compared with days"),
    ("cpl + 50% > 40", 5, "For a part of it, multiply: cpl * 150%"),
    ("cpl", 1, "compare it with something"),
    ("cpl < 40 and roas", 14, "compare it with something"),
    ("not cpl", 5, "compare it with something"),
    ("(cpl < 40) + 1 > 0", 6, "true or false; it cannot be computed"),
    ("cpl < (roas > 4)", 13, "true or false; it cannot be computed"),
    ("", 1, "it is empty"),
    ("  ", 1, "it is empty"),
    ("cpl <", 6, "found the end"),
    ("cpl < 40)", 9, "found ')'"),
    ("(cpl < 40", 10, "expected ')' for the '(' in column 1"),
    ("cpl = 40", 5, "write '=='"),
    ("cpl <> 40", 5, "write '!='"),
    ("cpl < 40 && roas > 4", 10, "write 'and'"),
    ("cpl ≤ 40", 5, "write '<='"),
    ("cpl ** 2 < 40", 5, "the product in full"),
    ("10 < cpl < 40", 10, "cannot be chained"),
    ("cpl < 1,00", 7, "commas separate thousands"),
    ("cpl < 40,5", 7, "commas separate thousands"),
    ("cpl < $", 7, "must stand before a number"),
    ("cpl < $50%", 7, "money or a percent, not both"),
    ("cpl < 1234567890123456", 7, "too many digits"),
    ("cpl < 4 0", 9, "found '0'"),
    ("cpl < 40 for 3", 15, "expected hours, days or weeks after 'for 3'; found the end"),
    ("cpl < 40 for 3 dys", 16, "Did you mean 'days'"),
    ("cpl < 40 for days", 14, "expected a duration after 'for'"),
    ("cpl < 40 for 36h", 14, "a whole number of days"),
    ("cpl < 40 for 0 days", 14, "a whole number of days"),
    ("cpl < 40 for 93 days", 14, "a whole number of days"),
    ("cpl < 40 fro 3 days", 10, "Did you mean 'for'"),
    ("cpl_change > 50%", 1, "say since when cpl changed"),
    ("cpl > 50 in 24h", 5, "did you mean 'cpl_change'"),
    ("cpl in 24h > 50", 5, "'in' must follow a comparison"),
    ("cpl_change > 50% in 53 weeks", 21, "1 to 366"),
    ("cpl_change > 50% in 6h", 21, "a whole number of days"),
    ("cpl / (3 - 3) > 1", 5, "division by zero"),
    ("1 < 2", 3, "name a metric"),
    ("target > 40", 8, "name a metric"),
    ("cpl + cpa < target", 13, "compared with cpa, cpl. Name the target"),
    ("cpl_change > target in 24h", 14, "Name the target"),
    ("spend > target", 9, "Name the target"),
    ("cpl < ٣", 7, "is not part of the language"),
    ("cpl < 'a'", 7, "is not part of the language"),
    ("__import__(os) < 1", 11, "expected 'and', 'or'"),
    ("cpl < 40 " + "and cpl < 40 " * 60, 501, "at most 500 characters"),
    ("(" * 30 + "cpl < 40" + ")" * 30, 21, "nested more than 20 deep"),
    ("cpl > " + "-" * 30 + "1", 27, "nested more than 20 deep"),
    ("cpl>" + "1+" * 100 + "1", 153, "at most 150 words"),
]


@pytest.mark.parametrize(("text", "column", "message"), REFUSED)
def test_a_bad_trigger_names_the_rule_the_column_and_the_remedy(text, column, message):
    with pytest.raises(PolicyError) as caught:
        parsed(text)
    said = str(caught.value)
    assert said.startswith('rules[0] "scale_winners": trigger ')
    assert f"column {column}: " in said
    assert message in said


@pytest.mark.parametrize("value", [None, 5, 1.5, True, ["cpl < 40"], {"cpl": 40}])
def test_a_trigger_that_is_no_text_is_refused(value):
    with pytest.raises(PolicyError, match="a trigger is a text"):
        parse_trigger(value, where=WHERE)


def test_a_missing_target_is_refused_when_targets_are_checked():
    trigger = parsed("roas > 1 and cpl < target")
    with pytest.raises(PolicyError, match=r"column 20: the policy sets no target for cpl; add 't"):
        check_targets(trigger, {"target_roas": 2})
    check_targets(trigger, TARGETS)


def test_a_missing_target_is_refused_when_evaluated_too():
    with pytest.raises(PolicyError, match="no target for cpl"):
        firing("cpl < target", read(cpl=35))


def test_a_target_that_is_no_number_is_refused():
    with pytest.raises(PolicyError, match="target_cpl must be a number; got nan"):
        firing("cpl < target", read(cpl=35), {"target_cpl": float("nan")})


def test_money_of_another_currency_is_refused_and_of_the_same_is_not():
    euros = read(cpl=35, currency="EUR")
    assert fires("cpl < €40", euros) == [True]
    with pytest.raises(PolicyError, match=r"column 7: '\$' is not the sign of EUR"):
        firing("cpl < $40", euros)


# Strict as written, exact at ties ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cpl", "expected"),
    [
        ("cpl < target * 0.8", 40, False),
        ("cpl < target * 0.8", 39.99, True),
        ("cpl < target * 80%", 40, False),
        ("cpl > target * 1.3", 65, False),
        ("cpl > target * 1.3", 65.01, True),
        ("cpl > 3 * target", 150.00, False),
        ("cpl > 3 * target", 150.01, True),
        ("cpl <= 40", 40, True),
        ("cpl >= 40", 40, True),
        ("cpl == 40", 40, True),
        ("cpl != 40", 40, False),
        ("cpl != 40", 41, True),
        ("cpl < $1,000.50", 1000.5, False),
        ("cpl == 0.1 + 0.2", 0.3, True),  # floats alone would say 0.30000000000000004
        ("cpl > 0.1 + 0.2", 0.3, False),
        ("cpl * 3 == 0.3", 0.1, True),
        ("cpl / target == 0.7 + 0.1", 40, True),
        ("-cpl < -39", 40, True),
        ("cpl - -1 == 41", 40, True),
        ("2 + 3 * cpl == 122", 40, True),
        ("(2 + 3) * cpl == 200", 40, True),
        ("240 / cpl / 2 == 3", 40, True),
        ("50 - cpl - 5 == 5", 40, True),
    ],
)
def test_comparisons_are_strict_and_exact(text, cpl, expected):
    assert fires(text, read(cpl=cpl), TARGETS) == [expected]


def test_a_derived_cost_is_compared_exactly():
    readings = read(3, spend=[120.3, 120.31, 120.29], conversions=3)
    assert fires("cpl > 40.10", readings) == [False, True, False]
    assert fires("cpl == 40.10", readings) == [True, False, False]
    assert fires("cpl < 40.10", readings) == [False, False, True]


def test_a_cost_that_is_no_decimal_number_is_compared_exactly():
    assert fires("cpl * 3 == 100", read(spend=100, conversions=3)) == [True]
    assert fires("cpl * 3 > 100", read(spend=100, conversions=3)) == [False]


def test_a_float32_column_means_the_number_it_was_written_as():
    assert fires("cpl > 0.1", read(cpl=np.array([0.1], dtype=np.float32))) == [False]


@pytest.mark.parametrize(("hour", "at_least", "above"), [(1, False, False), (0, True, False)])
def test_an_age_is_compared_to_the_second(hour, at_least, above):
    started = datetime(2026, 3, 8, hour, 0, 1 if hour else 0)
    readings = read(as_of=AS_OF.replace(day=9, hour=23), started_at=started)
    assert fires("age_days >= 47h", readings) == [at_least]
    assert fires("age_days > 47h", readings) == [above]


def test_products_too_small_for_floats_are_still_above_zero():
    assert fires("spend * spend > 0", read(2, spend=[1e-300, 0])) == [True, False]


def test_sums_too_close_for_floats_are_still_different():
    readings = read(3, spend=[1e16, 1e16, 0], cpl=[1, 0, 0])
    assert fires("spend + cpl > spend", readings) == [True, False, False]


def test_metrics_are_compared_with_metrics():
    readings = read(2, spend=[200, 100], cpl=[50, 50], conversions=0)
    assert fires("spend > 3 * cpl and conversions == 0", readings) == [True, False]


def test_time_and_percent_and_money_are_understood():
    readings = read(started_at="2026-03-03", spend=160, budget=100)
    assert fires("age_days == 7 days", readings) == [True]
    assert fires("age_days >= 1 week and age_days < 169h", readings) == [True]
    assert fires("age_days > 7", readings) == [False]
    assert fires("spend_pace > 150%", readings) == [True]
    assert fires("spend > $159.99 and spend < 160.01", readings) == [True]


FIGURES = st.fixed_dictionaries(
    {
        name: st.decimals(0, 200, places=2).map(str)
        for name in ("cpl", "cpa", "cpc", "spend", "revenue", "budget")
    }
)
NUMBERS = st.one_of(
    st.decimals("0.01", 100, places=2).map(str), st.integers(1, 200).map(str), st.just("0.1")
)


def amounts(depth=2):
    """Texts of figures, all of them money or plain."""
    leaf = st.one_of(st.sampled_from(("cpl", "cpa", "cpc", "spend", "revenue", "budget")))
    if depth == 0:
        return leaf
    inner = amounts(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from("+-"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from("*/"), NUMBERS).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        inner.map(lambda t: f"-{t}"),
    )


def sentences(depth=2):
    signs = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
    right = st.one_of(amounts(), NUMBERS)
    leaf = st.tuples(amounts(), signs, right).map(lambda t: f"{t[0]} {t[1]} {t[2]}")
    if depth == 0:
        return leaf
    inner = sentences(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(" ".join),
        inner.map(lambda t: f"not ({t})"),
        inner.map(lambda t: f"({t})"),
    )


def by_fractions(text, figures):
    """What Python itself says of the same sentence in exact fractions."""
    words = text.replace("(", " ( ").replace(")", " ) ").replace("-", " - ").split()
    exact = [
        f"F('{word}')"
        if word[0].isdigit()
        else f"F('{figures[word]}')"
        if word in figures
        else word
        for word in words
    ]
    return bool(eval(" ".join(exact), {"F": Fraction}))


@settings(max_examples=400)
@given(sentences(), FIGURES)
def test_a_sentence_means_what_exact_fractions_say(text, figures):
    readings = read(**{name: float(value) for name, value in figures.items()})
    assert fires(text, readings) == [by_fractions(text, figures)]


@given(st.lists(st.decimals(0, 100, places=2), min_size=1, max_size=8))
def test_many_campaigns_are_judged_as_each_alone(costs):
    values = [float(cost) for cost in costs]
    together = fires("cpl * 1.1 <= 44 or cpl > 70.07", read(len(values), cpl=values))
    assert together == [c * 11 <= 440 or c > Decimal("70.07") for c in costs]


# What is missing --------------------------------------------------------------------------------


def test_a_metric_that_is_missing_keeps_the_trigger_from_firing_and_says_so():
    found = firing("cpl < 40", read(3, cpl=[35, np.nan, 45]))
    assert found.fired.tolist() == [True, False, False]
    assert found.reason.tolist() == [None, "cpl is not given", None]


@pytest.mark.parametrize("text", ["not cpl < 40", "cpl < 40 or roas > 4", "cpl != 40"])
def test_no_detour_makes_a_missing_metric_fire(text):
    found = firing(text, read(roas=5))
    assert found.fired.tolist() == [False]
    assert found.reason.tolist() == ["cpl is not given"]


def test_a_cost_without_a_conversion_says_why_it_is_undefined():
    found = firing("cpl > 65", read(spend=500, conversions=0))
    assert found.reason.tolist() == ["cpl is undefined, because conversions is 0"]


def test_zero_under_a_line_is_unknown_not_an_error():
    found = firing("1 / (cpl - 40.1) > 3", read(2, cpl=[40.1, 40.2]))
    assert found.fired.tolist() == [False, True]
    assert found.reason.tolist() == ["zero stands under a line", None]


# History ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "expected"), [(61, True), (60, False), (60.01, True)])
def test_a_change_in_24h_compares_with_the_day_before(now, expected):
    readings = read(cpl=now, history=past(cpl=[100, 40]))
    assert fires("cpl_change > 50% in 24h", readings) == [expected]


def test_a_change_in_two_days_compares_with_two_days_before():
    readings = read(cpl=60, history=past(cpl=[40, 100]))
    assert fires("cpl_change >= 50% in 2 days", readings) == [True]
    assert fires("cpl_change == -40% in 1 day", readings) == [True]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [([6.1, 6.2], 6.3, True), ([6.1, 5.9], 6.3, False), ([6.1, 6], 6.3, False)],
)
def test_for_three_days_needs_each_of_the_last_three_readings(before, now, expected):
    readings = read(roas=now, history=past(roas=before))
    assert fires("roas > 6 for 3 days", readings) == [expected]


def test_for_looks_at_each_day_on_its_own():
    readings = read(roas=7, cpl=90, history=past(roas=[5, 7], cpl=[20, 90]))
    assert fires("(roas > 6 or cpl < 40) for 3 days", readings) == [True]
    assert fires("roas > 6 for 3 days or cpl < 40 for 3 days", readings) == [False]


def test_not_for_is_true_as_soon_as_one_day_differs():
    readings = read(roas=7, history=past(roas=[5, 7]))
    assert fires("not (roas > 6 for 3 days)", readings) == [True]
    assert fires("not (roas > 6 for 2 days)", readings) == [False]


def test_a_day_without_reading_keeps_from_firing_and_says_which():
    history = past(roas=[7, 7, 7]).drop(index=1)
    found = firing("roas > 6 for 3 days", read(roas=7, history=history))
    assert found.fired.tolist() == [False]
    assert found.reason.tolist() == ["no reading 2 days before, so roas is unknown"]


def test_without_history_a_change_is_unknown():
    found = firing("cpl_change > 50% in 24h", read(cpl=61))
    assert found.reason.tolist() == ["no reading 1 day before, so cpl is unknown"]


def test_a_change_from_zero_is_unknown():
    found = firing("spend_change > 50% in 24h", read(spend=5, history=past(spend=[0.0])))
    assert found.fired.tolist() == [False]
    assert found.reason.tolist() == ["spend was not above 0 1 day before, so it has no change"]


def test_a_table_of_a_week_is_no_daily_reading():
    readings = read(cpl=90, days=7, history=past(cpl=[40, 61]))
    found = firing("cpl_change > 50% in 24h", readings)
    assert found.fired.tolist() == [True]
    assert found.evidence_of(0)["cpl"] == 61


def test_evidence_holds_the_figures_by_name():
    readings = read(cpl=61, history=past(cpl=[40]))
    found = firing("cpl_change > 50% in 24h and cpl > target", readings, TARGETS)
    assert found.evidence_of(0) == pytest.approx(
        {"cpl": 61, "cpl 1 day before": 40, "cpl_change": 0.525, "target_cpl": 50}
    )


# What is loaded ---------------------------------------------------------------------------------


def test_reading_a_trigger_loads_neither_tables_nor_special_functions():
    code = (
        "import sys\n"
        "from adbudget.policy.language import parse_trigger\n"
        "parse_trigger('cpl < target * 0.8', where='rule')\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"pandas", "scipy", "pymc", "pydantic"} == set()


# Confidence -------------------------------------------------------------------------------------


def test_two_leads_are_no_proof_and_two_hundred_are():
    readings = read(2, cpl=35, conversions=[2, 200])
    found = firing("cpl < target * 0.8", readings, TARGETS, confidence=0.95)
    assert found.probability == pytest.approx([0.62, 0.97], abs=0.005)
    assert found.fired.tolist() == [False, True]
    assert found.reason.tolist() == ["not sure enough: probability 0.623, needs 0.95", None]


@pytest.mark.parametrize(
    "text",
    [
        "cpl > 65",
        "cpl * 2 > 130",
        "65 < cpl",
        "cpl / 13 > 5",
        "-cpl < -65",
        "not cpl <= 65",
        "2 * (100 - cpl) - 50 < cpl / 5 + 7",
        "cpl * conversions > $65 * conversions",
        "cpl + 9999999999 > 10000000064",
    ],
)
def test_the_posterior_is_of_the_cost_however_it_is_written(text):
    from scipy.stats import gamma

    readings = read(spend=1000, conversions=12)
    expected = gamma.cdf(1 / 65, 12.5, scale=1 / 1000)  # cost above 65: rate below 1/65
    found = firing(text, readings, confidence=0.95)
    assert found.probability == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize("known", [{}, {"spend": 3000}])
def test_without_counts_the_figures_decide_and_the_probability_is_unknown(known):
    found = firing("cpl < 40", read(cpl=35, **known), confidence=0.95)
    assert found.fired.tolist() == [True]
    assert np.isnan(found.probability).all()


def test_a_trigger_about_other_metrics_has_no_probability():
    found = firing("roas > 4", read(roas=5, spend=10, conversions=3), confidence=0.95)
    assert found.fired.tolist() == [True]
    assert np.isnan(found.probability).all()


def test_money_spent_without_a_lead_proves_a_loser_only_when_it_is_much():
    readings = read(2, spend=[20, 500], conversions=0)
    assert fires("cpl > target * 1.3", readings, TARGETS, confidence=0.95) == [False, True]
    assert fires("cpl > target * 1.3", readings, TARGETS) == [False, False]
    assert fires("cpl < target", readings, TARGETS, confidence=0.95) == [False, False]


def test_negation_does_not_turn_doubt_into_proof():
    readings = read(3, cpl=[35, 45, 80], conversions=[2, 2, 200])
    assert fires("not cpl < 40", readings, confidence=0.95) == [False, False, True]


def test_figures_must_hold_even_when_the_posterior_leans_the_other_way():
    readings = read(cpl=40, conversions=1000)  # the prior makes the true cost a hair smaller
    found = firing("cpl < 40", readings, confidence=0.5)
    assert found.probability[0] > 0.5
    assert not found.fired[0]


def test_and_takes_the_least_sure_and_or_the_surest_that_is_true():
    readings = read(cpl=35, conversions=20)
    low, high = (firing(f"cpl < {limit}", readings).probability[0] for limit in (40, 60))
    both = firing("cpl < 40 and cpl < 60", readings, confidence=0.6)
    either = firing("cpl < 40 or cpl < 60", readings, confidence=0.6)
    assert both.probability[0] == low < high == either.probability[0]


def test_a_figure_that_is_true_by_itself_makes_the_probability_of_or_unknown():
    readings = read(cpl=35, conversions=2, roas=5)
    found = firing("cpl < 40 or roas > 4", readings, confidence=0.95)
    assert found.fired.tolist() == [True]
    assert np.isnan(found.probability[0])


def test_for_days_are_judged_by_their_counts_together():
    history = past(spend=[700.0, 700.0], conversions=[20, 20])
    readings = read(spend=700, conversions=20, history=history)
    alone = firing("cpl < 40", readings).probability[0]
    together = firing("cpl < 40 for 3 days", readings).probability[0]
    week = firing("cpl < 40", read(spend=2100, conversions=60)).probability[0]
    assert together == pytest.approx(week)
    assert together > alone


def test_the_probability_of_a_change_agrees_with_simulation():
    readings = read(spend=610, conversions=10, history=past(spend=[400.0], conversions=[10]))
    found = firing("cpl_change > 20% in 24h", readings, confidence=0.1)
    rng = np.random.default_rng(1)
    now, before = (rng.gamma(10.5, 1 / money, 200_000) for money in (610, 400))
    simulated = np.mean(before / now - 1 > 0.2)
    assert found.probability[0] == pytest.approx(simulated, abs=0.005)


@pytest.mark.parametrize(
    "text",
    [
        "target / cpl > 1.25",
        "cpl * cpl < 40",
        "cpl == 40",
        "cpl + cpa < 80",
        "not (cpl < 40 for 3 days)",
    ],
)
def test_what_no_posterior_can_judge_is_refused_under_a_confidence(text):
    trigger = parsed(text)
    with pytest.raises(PolicyError, match="with confidence_threshold"):
        check_confidence(trigger)
    readings = read(cpl=35, cpa=35, history=past(cpl=[35, 35]))
    with pytest.raises(PolicyError, match="with confidence_threshold"):
        evaluate(trigger, readings, targets=TARGETS, confidence=0.9)
    evaluate(trigger, readings, targets=TARGETS)  # figures alone can be compared


def test_a_confidence_that_is_no_probability_is_refused():
    with pytest.raises(PolicyError, match="confidence must be in"):
        firing("cpl < 40", read(cpl=35), confidence=95)


@given(st.integers(0, 500), st.floats(0.01, 1e5), st.floats(0.01, 1e4), st.floats(1.01, 10))
def test_a_higher_threshold_is_never_less_probable(count, money, threshold, factor):
    from adbudget.policy.readings.posterior import prob_cost_below

    thresholds = np.array([threshold, threshold * factor])
    low, high = prob_cost_below(thresholds, np.full(2, float(count)), np.full(2, money))
    assert 0 <= low <= high <= 1
