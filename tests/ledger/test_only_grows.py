"""The databases themselves refuse to change, remove, replace or fork an entry."""

import sqlite3
from contextlib import closing

import pytest

from adbudget import open_ledger
from tests.ledger.ledger_cases import entry, move

SABOTAGE = {
    "update": "UPDATE ledger_entry SET who = 'me' WHERE sequence = 2",
    "update of all": "UPDATE ledger_entry SET hash = hash",
    "delete": "DELETE FROM ledger_entry WHERE sequence = 3",
    "delete of all": "DELETE FROM ledger_entry",
    "copy with a gap": "INSERT INTO ledger_entry {9}",
    "copy before": "INSERT INTO ledger_entry {0}",
    "fork": "INSERT INTO ledger_entry {4}",
}
SQLITE_SABOTAGE = {
    "replace by number": "INSERT OR REPLACE INTO ledger_entry {3}",
    "replace by key": "REPLACE INTO ledger_entry {4 with key a, continued}",
    "update or replace": "UPDATE OR REPLACE ledger_entry SET key = 'a' WHERE sequence = 2",
    "upsert": "INSERT INTO ledger_entry {4 with key a, continued}"
    " ON CONFLICT (key) DO UPDATE SET who = 'me'",
    "ignore": "INSERT OR IGNORE INTO ledger_entry {9}",
}
POSTGRES_SABOTAGE = {
    "truncate": "TRUNCATE ledger_entry",
    "upsert": "INSERT INTO ledger_entry {4 with key a, continued}"
    " ON CONFLICT (key) DO UPDATE SET who = 'me'",
    "as a replica": "SET session_replication_role = replica; DELETE FROM ledger_entry",
}
COLUMNS = (
    "kind, at, who, unit, currency, old_minor, new_minor, verdict, rule, rationale, run_id, "
    "group_id, inputs_hash, policy_hash, seed, payload"
)


def written_out(statement: str) -> str:
    """{4} -> a copy of the last entry as number 4 that names the wrong entry before it."""
    start, brace, rest = statement.partition("{")
    if not brace:
        return statement
    what, _, end = rest.partition("}")
    key = "'a'" if "key a" in what else "'new key'"
    link = "hash" if "continued" in what else "previous_hash"
    copied = f"SELECT {what[0]}, {key}, {COLUMNS}, {link}, hash FROM ledger_entry "
    names = f"(sequence, key, {COLUMNS}, previous_hash, hash) "
    return f"{start}{names}{copied}WHERE sequence = 3{end}"


def attack(url: str, statement: str) -> str:
    """What the database answers."""
    if url.startswith("postgresql"):
        import psycopg

        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            with pytest.raises(psycopg.Error) as answer:
                connection.execute(statement)
            connection.rollback()
    else:
        with closing(sqlite3.connect(url)) as connection:
            with pytest.raises(sqlite3.Error) as answer:
                connection.execute(statement)
            connection.rollback()
    return str(answer.value)


def check(url: str, statement: str) -> None:
    with open_ledger(url) as ledger:
        ledger.append_many([(key, entry(unit=key)) for key in "abc"])
        before = ledger.entries()
        assert "the ledger only grows" in attack(url, written_out(statement))
        assert ledger.entries().equals(before)
        assert ledger.verify().ok


@pytest.mark.parametrize("name", SABOTAGE)
def test_sabotage_is_refused_by_the_database_and_leaves_no_trace(ledger_url, name):
    check(ledger_url, SABOTAGE[name])


@pytest.mark.parametrize("name", SQLITE_SABOTAGE)
def test_sabotage_in_the_words_of_sqlite_is_refused(tmp_path, name):
    check(str(tmp_path / "ledger.db"), SQLITE_SABOTAGE[name])


@pytest.mark.parametrize("name", POSTGRES_SABOTAGE)
def test_sabotage_in_the_words_of_postgresql_is_refused(postgres_url, name):
    check(postgres_url, POSTGRES_SABOTAGE[name])


def test_a_role_that_may_only_select_and_insert_can_do_everything(postgres_url):
    import psycopg

    open_ledger(postgres_url).close()
    role = f"clerk_{postgres_url.rpartition('_')[2]}"
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        schema = connection.execute("SELECT current_schema()").fetchone()
        assert schema is not None
        connection.execute(f"GRANT USAGE ON SCHEMA {schema[0]} TO {role}")
        connection.execute(f"GRANT SELECT, INSERT ON ledger_entry TO {role}")
        connection.execute(f"GRANT SELECT ON ledger_about TO {role}")
    with open_ledger(postgres_url.replace("tester@", f"{role}@")) as ledger:
        ledger.append(move("A", 1, 2), key="a")
        ledger.approve("a", who="Ann", at=entry().at)
        assert ledger.current_budgets() == {"A": 2}
        assert ledger.verify().ok


def test_a_copy_that_continues_the_chain_is_taken_and_then_found_out(ledger):
    """The triggers cannot check SHA-256; verify does."""
    ledger.append_many([(key, entry(unit=key)) for key in "abc"])
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql(written_out("INSERT INTO ledger_entry {4 continued}"))
    found = ledger.verify()
    assert (found.ok, found.sequence, found.n_entries) == (False, 4, 3)
