"""Who may rule: bound names, and two pairs of eyes."""

from datetime import timedelta

import pytest

from adbudget import InputError, LedgerConflictError
from adbudget.ledger.identity import login_name
from tests.ledger.ledger_cases import AT, move

LATER = AT + timedelta(hours=1)


def test_the_login_is_that_of_the_system_and_not_of_the_environment(monkeypatch):
    before = login_name()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "Mallory")
    assert login_name() == before


def test_a_name_bound_to_the_database_is_its_user(ledger):
    bound = {"identity": "database"}
    ledger.append(move("A", 1, 2, payload=bound), key="a")
    wanted = "needs a ledger in PostgreSQL|bound to the user of the database"
    for word in (ledger.approve, lambda *a, **k: ledger.reject(*a, reason="no", **k)):
        with pytest.raises(InputError, match=wanted):
            word("a", who="Mallory", at=LATER)


def test_four_eyes_stop_whoever_proposed_and_nobody_else(ledger):
    two = {"four_eyes": True, "proposed_by": "Ann"}
    ledger.append(move("A", 1, 2, payload=two), key="a")
    with pytest.raises(LedgerConflictError, match="somebody else must approve it"):
        ledger.approve("a", who="Ann", at=LATER)
    assert ledger.approve("a", who="Bob", at=LATER).applied == ("a",)


def test_whoever_edits_a_proposal_is_its_proposer(ledger):
    two = {"four_eyes": True, "proposed_by": "Ann"}
    ledger.append(move("A", 100, 200, payload=two), key="a")
    word = {"who": "Bob", "at": LATER}
    receipts = ledger.edit("a", {"A": 150}, reason="half is enough", **word)
    with pytest.raises(LedgerConflictError, match="of a run that Bob made"):
        ledger.approve(receipts[-1].key, **word)
    assert ledger.approve(receipts[-1].key, who="Ann", at=LATER).applied == (receipts[-1].key,)
    assert ledger.current_budgets() == {"A": 150}
