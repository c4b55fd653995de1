"""What an entry may be, and the text that is hashed."""

import hashlib
import json
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from adbudget import InputError, open_ledger
from adbudget.ledger import Entry, canonical_json, digest
from adbudget.money import minor_text
from tests.ledger.ledger_cases import AT, entry, move

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def test_canonical_json_sorts_keys_and_leaves_blanks_and_escapes_out():
    value = {"b": 1, "a": [True, None, "é", 0.1, 1.0], "": {}}
    assert canonical_json(value) == '{"":{},"a":[true,null,"é",0.1,1.0],"b":1}'


def test_digest_of_an_empty_mapping_is_sha256_of_two_braces():
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@given(JSON)
def test_canonical_json_reads_back_as_the_same_value(value):
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(TEXT, JSON), WHOLE, TEXT)
def test_an_entry_survives_its_text_form(payload, amount, rationale):
    before = move("A", amount, 0, payload=payload, rationale=rationale, seed=7)
    assert Entry.from_facts(before.facts()) == before


def test_anybody_can_recompute_a_hash_with_json_and_sha256(tmp_path):
    path = tmp_path / "ledger.db"
    with open_ledger(path) as ledger:
        ledger.append(move("Köln", 100, 115, payload={"cpl": 35.5, "leads": [1, 2]}), key="one")
        ledger.append(entry("alert", seed=3), key="two")
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    previous = "0" * 64
    for row in connection.execute("SELECT * FROM ledger_entry ORDER BY sequence"):
        facts = dict(row)
        chain = [facts.pop(name) for name in ("sequence", "previous_hash", "key", "hash")]
        text = json.dumps(
            ["adbudget-ledger/1", *chain[:3], facts],
            **{"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False},
        )
        assert chain[1] == previous
        assert chain[3] == hashlib.sha256(text.encode()).hexdigest()
        previous = chain[3]
    connection.close()


def test_the_same_instant_in_two_time_zones_is_the_same_entry():
    east = AT.astimezone(timezone(timedelta(hours=9)))
    assert entry(at=east) == entry(at=pd.Timestamp(AT)) == entry()
    assert entry(at=east).facts()["at"] == "2026-03-01T09:30:00.000000Z"


def test_whole_numbers_of_numpy_are_kept_as_whole_numbers():
    kept = move("A", np.int64(5), np.int32(6), payload={"leads": np.int64(7)})
    assert (kept.old_minor, kept.new_minor, kept.payload) == (5, 6, {"leads": 7})
    assert type(kept.payload["leads"]) is int


def test_the_callers_payload_is_copied():
    payload = {"funded_by": ["a"]}
    kept = entry(payload=payload)
    payload["funded_by"].append("b")
    assert kept.payload == {"funded_by": ["a"]}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "Change"}, r"kind must be a name of small letters.* got 'Change'"),
        ({"kind": ""}, "kind must be a name"),
        ({"who": "  "}, "who must name the person or program"),
        ({"who": None}, "who must be text; got NoneType None"),
        ({"at": datetime(2026, 3, 1)}, "at must be a datetime with a time zone"),
        ({"at": "2026-03-01"}, "at must be a datetime with a time zone"),
        ({"at": pd.Timestamp("2026-03-01T00:00:00.000000001Z")}, "at must be whole microseconds"),
        ({"currency": "eur"}, "currency must be three capital letters.* got 'eur'"),
        ({"old_minor": 10.5}, r"old_minor must be a whole number of minor units.* got 10.5"),
        ({"old_minor": True}, "old_minor must be a whole number"),
        ({"new_minor": Decimal(10)}, "new_minor must be a whole number"),
        ({"new_minor": 2**63}, "new_minor must fit in 64 bits"),
        ({"seed": 1.0}, r"seed must be a whole number; got 1\.0"),
        ({"unit": "a\0b"}, r"unit holds '\\x00', which no database keeps"),
        ({"unit": "a\ud800"}, "unit holds '.ud800', which no database keeps"),
        ({"payload": ["a"]}, "payload must be a mapping; got list"),
        ({"payload": {"a": {"b": [1.0, float("nan")]}}}, r"payload\.a\.b\[1\] is nan.* write None"),
        ({"payload": {"cost": Decimal("1.5")}}, r"payload\.cost is of type Decimal.* as text"),
        ({"payload": {"day": AT}}, r"payload\.day is of type datetime"),
        ({"payload": {1: "a"}}, "a key of payload must be text; got int 1"),
        ({"payload": {"flag": np.bool_(True)}}, r"payload\.flag is of type bool"),
        ({"payload": {"n": 2**80}}, r"payload\.n must fit in 64 bits"),
    ],
)
def test_an_entry_that_cannot_be_kept_is_refused_with_its_field(facts, message):
    with pytest.raises(InputError, match=message):
        entry(**facts)


def test_a_payload_deeper_than_any_report_is_refused():
    payload: dict = {}
    for _ in range(70):
        payload = {"in": payload}
    with pytest.raises(InputError, match="nested more than 64 levels"):
        entry(payload=payload)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (230000, "EUR", "2,300.00"),
        (-5, "USD", "-0.05"),
        (1500, "JPY", "1,500"),
        (1500, "KWD", "1.500"),
        (2**62, "", "46,116,860,184,273,879.04"),
    ],
)
def test_minor_units_read_as_amounts_of_their_currency(minor, currency, text):
    assert minor_text(minor, currency) == text


def test_an_entry_is_utc_whatever_it_was_made_with():
    assert entry(at=AT.astimezone(timezone(timedelta(hours=-5)))).at.tzinfo is UTC
