"""Addresses of ledgers: which are understood, and what is said about the others."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from adbudget import InputError, LedgerError, open_ledger
from tests.ledger.ledger_cases import entry


def test_a_path_and_its_url_are_the_same_ledger(tmp_path):
    path = tmp_path / "my ledger.db"
    with open_ledger(path) as ledger:
        ledger.append(entry(), key="a")
    for address in (str(path), f"sqlite:///{path}"):
        with open_ledger(address, create=False) as ledger:
            assert ledger.head().sequence == 1


def test_a_ledger_in_memory_is_gone_when_it_is_closed():
    for _ in range(2):
        with open_ledger(":memory:") as ledger:
            assert ledger.append(entry(), key="a").status == "written"
            assert ledger.verify().ok


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@h/d",
        "nonsense://secret",
        "postgres://u:secret@h/d",
        "postgresql+asyncpg://u:secret@h/d",
    ],
)
def test_a_database_we_cannot_use_is_refused_without_its_password(url):
    with pytest.raises(
        InputError, match=r"cannot be kept at [a-z+]+://\.\.\. Use a path"
    ) as refusal:
        open_ledger(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["", "  ", None, 7])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InputError, match="the ledger must be a path or a URL"):
        open_ledger(url)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(LedgerError, match=r"nowhere/l\.db is in a folder that does not exist"):
        open_ledger(tmp_path / "nowhere" / "l.db")
    with pytest.raises(LedgerError, match="is a folder; name a file"):
        open_ledger(tmp_path)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, " * 100)
    with pytest.raises(LedgerError, match=r"notes\.txt could not be read: file is not a database"):
        open_ledger(path)
    assert path.read_text() == "not a database, " * 100


def test_half_a_ledger_is_refused(tmp_path):
    path = tmp_path / "l.db"
    open_ledger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE ledger_about")
    connection.close()
    with pytest.raises(LedgerError, match="only the table ledger_entry"):
        open_ledger(path)


def test_a_server_that_does_not_answer_is_named_without_the_password():
    pytest.importorskip("psycopg")
    url = "postgresql+psycopg://ann:secret@127.0.0.1:1/none"
    with pytest.raises(LedgerError, match=r"ann:\*\*\*@127\.0\.0\.1:1/none could not be") as told:
        open_ledger(url)
    assert "secret" not in str(told.value)


def test_a_ledger_prints_without_its_password(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        assert repr(ledger).endswith("l.db')")
        assert repr(ledger.as_of(3)).endswith("as of entry 3)")


def test_a_url_without_a_driver_means_psycopg(postgres_url):
    with open_ledger(postgres_url.replace("+psycopg", "")) as ledger:
        assert ledger.append(entry(), key="a").status == "written"


def test_a_file_that_may_not_be_written_is_told(tmp_path):
    path = tmp_path / "l.db"
    with open_ledger(path) as ledger, ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.close()
        with pytest.raises(LedgerError, match=r"could not be written: .*\"replayed\""):
            ledger.append(entry(), key="a")


def test_looking_at_an_entry_loads_no_database_library():
    code = (
        "import sys; from adbudget.ledger import Entry, digest; print('sqlalchemy' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_no_file_is_left_behind_by_a_refusal(tmp_path):
    with pytest.raises(LedgerError):
        open_ledger(tmp_path / "missing.db", create=False)
    assert list(Path(tmp_path).iterdir()) == []
