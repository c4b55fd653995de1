"""Any text at all: the parser reads it or raises PolicyError, and what it read can be judged."""

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from adbudget.errors import PolicyError
from adbudget.policy.language import evaluate, parse_trigger
from adbudget.policy.language.vocabulary import DAYS_IN, KEYWORDS
from adbudget.policy.metrics.registry import figure_words, target_words
from tests.policy.tables import past, read

PIECES = st.sampled_from(
    (
        *figure_words(),
        *KEYWORDS,
        *DAYS_IN,
        *("<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "(", ")", "%", "$", "€", ","),
        *("0", "1", "3", "0.8", "50", "1,000", "50%", "$50", "24h", "3 days", "999999999999999"),
        *("cpll", "=", "&&", "٣", "'", "\\", "\n", "\x00", "\ud800"),
    )
)
SENTENCES = st.lists(PIECES, max_size=40).map(" ".join)
TEXTS = st.one_of(st.text(max_size=80), SENTENCES, st.lists(PIECES, max_size=40).map("".join))
TARGETS = dict.fromkeys(target_words(), 50)
READINGS = read(
    4,
    cpl=[40, np.nan, 0, 1e-300],
    roas=[0.0, 4.0, np.nan, -1.0],
    spend=[0.0, 100.0, 1e300, 3.3],
    conversions=[0, 3, 2, 1],
    history=past(cpl=[40.0, 0.0, 60.0], spend=[1.0, 2.0, 3.0]),
)


def survives(text: str) -> bool:
    """Whether the text is a trigger; anything but PolicyError escapes."""
    message = ""
    try:
        trigger = parse_trigger(text, where="rules[0]")
    except PolicyError as error:
        message = str(error)
    if message:
        assert message.startswith("rules[0]: trigger ")
        return False
    for confidence in (None, 0.95):
        try:
            found = evaluate(trigger, READINGS, targets=TARGETS, confidence=confidence)
        except PolicyError:
            assert confidence
            continue
        assert found.fired.shape == found.probability.shape == (4,)
        assert not any(why for why, fired in zip(found.reason, found.fired, strict=True) if fired)
    return True


@settings(max_examples=3000)
@example("cpl<1" * 100)
@example("-" * 499)
@example("(" * 499)
@example("not " * 120)
@example("999999999999999 " * 20)
@example("cpl > " + "999999999999999 * " * 20 + "1")
@example("cpl > 1 / " + "999999999999999 / " * 20 + "1")
@example("(spend + 2 * cpl) * 999999999999999 > 3 * target_cpl")
@given(TEXTS)
def test_no_text_makes_anything_but_a_policy_error(text):
    survives(text)


@settings(max_examples=300)
@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.lists(TEXTS))
)
def test_no_value_makes_anything_but_a_policy_error(value):
    with pytest.raises(PolicyError):
        parse_trigger(value, where="rules[0]")


@pytest.mark.slow
def test_a_hundred_thousand_inputs_make_nothing_but_policy_errors():
    import random
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    from fuzz_policy import texts

    triggers = sum(survives(text) for text in texts(100_000, random.Random(7)))
    assert triggers > 1000  # the inputs reach behind the parser
