"""Every kind of value of ours has one form in JSON."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget import InputError
from adbudget.plain_json import to_plain, visible, without_secrets

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    inner: tuple[Inner, ...]


def test_a_record_is_the_mapping_of_its_fields_and_those_of_the_records_in_it():
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    record = Outer(name="d1", inner=(Inner(amount=Decimal("2300.00"), at=at),))
    assert to_plain(record) == {
        "name": "d1",
        "inner": [{"amount": "2300.00", "at": "2026-03-01T09:00:00+00:00"}],
    }


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NaT, pd.NA, Decimal("NaN")])
def test_what_is_missing_is_null(missing):
    assert to_plain({"a": missing}) == {"a": None}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.datetime64("2026-03-01"), "2026-03-01T00:00:00"),
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        (pd.Timestamp("2026-03-01", tz="UTC"), "2026-03-01T00:00:00+00:00"),
        (date(2026, 3, 1), "2026-03-01"),
        ({1: (2, 3)}, {"1": [2, 3]}),
    ],
)
def test_numbers_and_dates_of_any_library_are_those_of_json(value, plain):
    assert to_plain(value) == plain


def test_an_infinite_number_is_null_or_text_that_can_be_read_again():
    assert to_plain([np.inf, -np.inf]) == [None, None]
    assert [float(text) for text in to_plain([np.inf, -np.inf], infinite="text")] == [
        np.inf,
        -np.inf,
    ]


@pytest.mark.parametrize("strange", [{1, 2}, object(), len])
def test_anything_else_is_refused_and_its_place_is_named(strange):
    with pytest.raises(InputError, match=r"row\.a holds .* has no form in JSON"):
        to_plain({"a": strange}, where="row")


@given(JSON)
def test_json_stays_what_it_is_but_for_infinite_numbers(value):
    plain = to_plain(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert to_plain(plain) == plain


@pytest.mark.parametrize("mark", ["\x1b", "\x07", "\n", "\t", "\x9b", "\u202e", "\u2066", "\u200b"])
def test_what_a_terminal_would_obey_is_written_out_as_json_writes_it(mark):
    shown = visible(f"a{mark}b")
    assert shown == f"a\\u{ord(mark):04x}b"
    assert json.loads(f'"{shown}"') == f"a{mark}b"


def test_plain_names_in_any_script_are_left_alone():
    for name in ("Brand 50%", "Österreich", "日本語", "עברית", "🙂", "C:\\ads"):
        assert visible(name) == name


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://ann:secret@ads.example.org/x", "https://ann:***@ads.example.org/x"),
        ("see https://ann:s@cr/et@host now", "see https://ann:***@host now"),
        ("https://ads.example.org:8080/a", "https://ads.example.org:8080/a"),
        ("https://h/x?token=abc&page=2", "https://h/x?token=***&page=2"),
    ],
)
def test_addresses_are_shown_without_what_is_secret(address, shown):
    assert without_secrets(address) == shown
