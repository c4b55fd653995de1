"""What verify finds when somebody gets past the triggers, and what only an exported head shows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import assume, given, settings, strategies as st
from sqlalchemy import select, text

from adbudget import InputError, Ledger, open_ledger
from adbudget.ledger import Head
from adbudget.ledger.entry import FIELDS, chain_hash
from adbudget.ledger.schema import ENTRY, SQLITE_GUARDS
from tests.ledger.ledger_cases import entry, move

N = 6
COLUMNS = [column.name for column in ENTRY.columns if column.name != "sequence"]
TEXT_COLUMNS = [name for name in COLUMNS if name not in ("old_minor", "new_minor", "seed")]


def fill(ledger: Ledger) -> None:
    pairs = [
        (f"key {i}", move(f"unit {i}", i, 2 * i, seed=i, payload={"i": i})) for i in range(1, N + 1)
    ]
    ledger.append_many(pairs)


@pytest.fixture
def full(ledger) -> Ledger:
    fill(ledger)
    return ledger


def disarm(ledger: Ledger) -> None:
    """Drop the triggers, as only the owner of the database can."""
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        else:
            for name in SQLITE_GUARDS:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")


def tamper(ledger: Ledger, statement: str, **values) -> None:
    disarm(ledger)
    with ledger._engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount > 0


def rehash(ledger: Ledger, first: int, last: int) -> None:
    """Give these rows the hashes they would have had, each on top of the row before it."""
    with ledger._engine.begin() as connection:
        rows = connection.execute(ENTRY.select().order_by(ENTRY.c.sequence)).mappings().all()
        previous = rows[first - 2]["hash"] if first > 1 else "0" * 64
        for row in rows[first - 1 : last]:
            facts = {name: row[name] for name in FIELDS}
            new = chain_hash(row["sequence"], previous, row["key"], facts)
            connection.execute(
                ENTRY.update()
                .where(ENTRY.c.sequence == row["sequence"])
                .values(previous_hash=previous, hash=new)
            )
            previous = new


def test_a_ledger_nobody_touched_is_sound(full):
    found = full.verify(full.head())
    assert (found.ok, found.n_entries, found.sequence, found.problem) == (True, N, None, "")
    assert found.head == full.head()


def test_an_empty_ledger_is_sound_and_its_head_says_so(ledger):
    assert ledger.head() == Head(sequence=0, hash="0" * 64)
    assert ledger.verify(ledger.head()).ok


@pytest.mark.parametrize("place", [1, 3, N])
@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_every_row_is_guarded_and_the_row_is_named(column, place):
    with open_ledger(":memory:") as ledger:
        fill(ledger)
        other = ("f" * 64 if "hash" in column else "x") if column in TEXT_COLUMNS else 99
        change = f"UPDATE ledger_entry SET {column} = :other WHERE sequence = :place"
        tamper(ledger, change, other=other, place=place)
        found = ledger.verify()
    assert not found.ok
    assert (found.sequence, found.n_entries) == (place, place - 1)
    assert f"entry {place} " in found.problem


def test_a_changed_amount_is_named_in_both_databases(full):
    tamper(full, "UPDATE ledger_entry SET new_minor = new_minor + 1 WHERE sequence = 4")
    found = full.verify(full.head())
    assert found.sequence == 4
    assert found.problem == (
        "entry 4 (recommendation, unit 4, key 'key 4') is not what was written: "
        "its hash does not fit its content"
    )


def test_a_blank_in_a_payload_is_noticed(full):
    tamper(full, "UPDATE ledger_entry SET payload = '{\"i\": 2}' WHERE sequence = 2")
    assert full.verify().sequence == 2


def test_a_removed_row_is_named(full):
    tamper(full, "DELETE FROM ledger_entry WHERE sequence = 3")
    found = full.verify()
    assert (found.sequence, found.n_entries) == (3, 2)
    assert found.problem == "entry 3 is missing: the next one is entry 4"


def test_removed_rows_with_the_rest_renumbered_are_noticed(full):
    tamper(full, "DELETE FROM ledger_entry WHERE sequence = 3")
    for place in range(4, N + 1):
        tamper_again = f"UPDATE ledger_entry SET sequence = {place - 1} WHERE sequence = {place}"
        with full._engine.begin() as connection:
            connection.exec_driver_sql(tamper_again)
    assert full.verify().sequence == 3


def test_the_first_rows_cannot_go(full):
    tamper(full, "DELETE FROM ledger_entry WHERE sequence <= 2")
    found = full.verify()
    assert (found.sequence, found.n_entries) == (1, 0)
    assert found.problem == "entries 1-2 are missing: the next one is entry 3"


def test_a_row_replaced_together_with_its_hash_is_named(full):
    tamper(full, "UPDATE ledger_entry SET new_minor = 0 WHERE sequence = 3")
    rehash(full, 3, 3)
    found = full.verify()
    assert found.sequence == 3
    assert "entry 3 was replaced together with its hash" in found.problem


def test_rows_swapped_are_noticed(full):
    tamper(full, "UPDATE ledger_entry SET sequence = 100 WHERE sequence = 2")
    with full._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger_entry SET sequence = 2 WHERE sequence = 3")
        connection.exec_driver_sql("UPDATE ledger_entry SET sequence = 3 WHERE sequence = 100")
    assert full.verify().sequence == 2


def test_truncation_shows_only_against_an_exported_head(full):
    head = full.head()
    tamper(full, "DELETE FROM ledger_entry WHERE sequence > 4")
    alone = full.verify()
    assert alone.n_entries == 4
    assert alone.problem.startswith("every entry is sound, but the database no longer guards them")
    found = full.verify(head)
    assert (found.ok, found.sequence) == (False, 5)
    assert found.problem == (
        "entries 5-6 are missing at the end: the exported head counts 6 entries, the ledger 4"
    )


def test_a_history_rewritten_to_its_end_shows_only_against_an_exported_head(full):
    head = full.head()
    tamper(full, "UPDATE ledger_entry SET new_minor = 0 WHERE sequence = 2")
    rehash(full, 2, N)
    assert full.verify().sequence is None
    found = full.verify(head)
    assert not found.ok
    assert "entry 6 has another hash than the exported head" in found.problem


def test_an_earlier_head_stays_good_while_the_ledger_grows(full):
    head = full.head()
    full.append(entry(), key="later")
    assert full.verify(head).ok
    assert full.verify(Head(sequence=0, hash="0" * 64)).ok


def test_a_head_of_another_ledger_is_refused(full, tmp_path):
    with open_ledger(tmp_path / "other.db") as other:
        other.append(entry(unit="elsewhere"), key="a")
        assert not full.verify(other.head()).ok


def test_triggers_that_were_switched_off_are_told(full):
    disarm(full)
    found = full.verify()
    assert (found.ok, found.n_entries) == (False, N)
    assert "ledger_no_update" in found.problem


def test_a_trigger_that_was_rewritten_to_do_nothing_is_told(tmp_path):
    path = tmp_path / "l.db"
    open_ledger(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER ledger_no_delete")
        connection.execute(
            "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger_entry BEGIN SELECT 1; END"
        )
        connection.commit()
    with open_ledger(path) as ledger:
        assert "ledger_no_delete gone" in ledger.verify().problem


def test_a_head_survives_its_text():
    head = Head(sequence=7, hash="ab" * 32)
    assert head.as_text() == f'{{"hash": "{"ab" * 32}", "sequence": 7}}'
    assert Head.from_text(head.as_text() + "\n") == head


@pytest.mark.parametrize(
    "text",
    ["", "{}", "7", "[]", '{"sequence": 7}', '{"hash": "ab", "sequence": 7}',
     '{"hash": 7, "sequence": 7}', f'{{"hash": "{"a" * 64}", "sequence": -1}}',
     f'{{"hash": "{"a" * 64}", "sequence": 1.0}}', f'{{"hash": "{"a" * 64}", "x": 1}}'],
)  # fmt: skip
def test_text_that_is_no_head_is_refused(text):
    with pytest.raises(InputError, match="an exported head looks like"):
        Head.from_text(text)


@pytest.fixture(scope="module")
def unguarded() -> Iterator[Ledger]:
    with open_ledger(":memory:") as ledger:
        fill(ledger)
        disarm(ledger)
        yield ledger


@settings(max_examples=100)
@given(data=st.data())
def test_one_changed_letter_anywhere_is_found_in_its_row(unguarded, data):
    place = data.draw(st.integers(1, N))
    column = data.draw(st.sampled_from(TEXT_COLUMNS))
    row = ENTRY.c.sequence == place
    with unguarded._engine.begin() as connection:
        value = connection.execute(select(ENTRY.c[column]).where(row)).scalar_one()
        at = data.draw(st.integers(0, max(0, len(value) - 1)))
        letter = data.draw(st.characters(codec="ascii", min_codepoint=32))
        changed = value[:at] + letter + value[at + 1 :]
        keys = set(connection.execute(select(ENTRY.c.key)).scalars())
        # The key of another row is refused by the database itself.
        assume(column != "key" or changed == value or changed not in keys)
        connection.execute(ENTRY.update().where(row).values({column: changed}))
    found = unguarded.verify()
    with unguarded._engine.begin() as connection:
        connection.execute(ENTRY.update().where(row).values({column: value}))
    assert found.sequence == (None if changed == value else place)
