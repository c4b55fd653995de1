"""What a person's word does: linked groups, order, repetition, and budgets that moved meanwhile."""

from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from adbudget import InputError, KillSwitchError, LedgerConflictError, LedgerError, open_ledger
from adbudget.ledger.items import items
from tests.ledger.ledger_cases import AT, change, entry, move

LATER = AT + timedelta(hours=1)
CUT = ("run-1/C", move("C", 300_000, 240_000, rule="reduce_losers"))
RAISE = ("run-1/A", move("A", 200_000, 230_000, payload={"funded_by": ["run-1/C"]}))
OTHER_RAISE = ("run-1/B", move("B", 250_000, 275_000, payload={"funded_by": ["run-1/C"]}))
ALONE = ("run-1/D", move("D", 250_000, 255_000, group_id=""))


@pytest.fixture
def group(ledger):
    """A cut that pays for two raises, and a move that hangs on nothing."""
    ledger.append_many([("run-1", entry("run", run_id="run-1")), CUT, RAISE, OTHER_RAISE, ALONE])
    return ledger


def approve(ledger, item, who="Ann"):
    return ledger.approve(item, who=who, at=LATER)


def reject(ledger, item, who="Ann", reason="too early"):
    return ledger.reject(item, who=who, at=LATER, reason=reason)


def changes(ledger) -> dict[str, int]:
    return ledger.current_budgets()


def test_what_needs_approval_is_pending_with_what_a_person_must_know(group):
    pending = group.pending()
    assert pending["item"].tolist() == ["run-1/C", "run-1/A", "run-1/B", "run-1/D"]
    assert pending["sequence"].tolist() == [2, 3, 4, 5]
    assert pending["funded_by"].tolist() == [[], ["run-1/C"], ["run-1/C"], []]
    assert pending["new_minor"].tolist() == [240_000, 230_000, 275_000, 255_000]
    assert changes(group) == {}


def test_an_approved_move_that_hangs_on_nothing_is_changed_at_once(group):
    ruling = approve(group, "run-1/D")
    assert (ruling.verdict, ruling.items, ruling.applied) == (
        "approved",
        ("run-1/D",),
        ("run-1/D",),
    )
    assert [receipt.key for receipt in ruling.receipts] == ["approval:run-1/D", "change:run-1/D"]
    assert changes(group) == {"D": 255_000}
    assert "run-1/D" not in group.pending()["item"].tolist()
    written = group.entries(kind="change").iloc[0]
    assert (written["who"], written["rule"], written["run_id"]) == ("Ann", "", "run-1")
    assert written["payload"] == {"item": "run-1/D", "approval": "approval:run-1/D"}


def test_an_approved_raise_waits_for_the_cut_that_pays_for_it(group):
    ruling = approve(group, "run-1/A", who="Bob")
    assert ruling.applied == ()
    assert ruling.waiting_for == {"run-1/A": ("run-1/C",)}
    assert changes(group) == {}
    ruling = approve(group, "run-1/C")
    assert ruling.applied == ("run-1/C", "run-1/A")
    assert changes(group) == {"C": 240_000, "A": 230_000}
    assert group.pending()["item"].tolist() == ["run-1/B", "run-1/D"]


def test_a_rejected_cut_cancels_the_raises_it_was_to_fund(group):
    approve(group, "run-1/A")
    ruling = reject(group, "run-1/C", reason="brand campaign")
    assert ruling.verdict == "rejected"
    assert set(ruling.cancelled) == {"run-1/A", "run-1/B"}
    assert ruling.cancelled["run-1/A"] == "run-1/C was to fund it and is rejected by Ann"
    assert changes(group) == {}
    assert group.pending()["item"].tolist() == ["run-1/D"]
    with pytest.raises(LedgerConflictError, match=r"'run-1/B' was cancelled by Ann .* ruling stan"):
        approve(group, "run-1/B")
    log = group.entries(kind="approval")
    assert log["verdict"].tolist() == ["approved", "rejected", "cancelled", "cancelled"]
    assert log["rationale"].tolist()[1] == "brand campaign"


def test_cancelling_goes_down_the_whole_chain_of_funding(ledger):
    pairs = [CUT, RAISE, ("run-1/E", move("E", 1, 2, payload={"funded_by": ["run-1/A"]}))]
    ledger.append_many(pairs)
    assert set(reject(ledger, "run-1/C").cancelled) == {"run-1/A", "run-1/E"}


def test_a_chain_of_funding_waits_for_its_first_cut(ledger):
    pairs = [CUT, RAISE, ("run-1/E", move("E", 1, 2, payload={"funded_by": ["run-1/A"]}))]
    ledger.append_many(pairs)
    assert approve(ledger, "run-1/E").waiting_for == {"run-1/E": ("run-1/A", "run-1/C")}
    assert approve(ledger, "run-1/A").applied == ()
    assert approve(ledger, "run-1/C").applied == ("run-1/C", "run-1/A", "run-1/E")


def test_a_rejected_raise_leaves_the_cut_and_says_when_nobody_takes_its_money(group):
    assert reject(group, "run-1/A").idle == ()
    ruling = reject(group, "run-1/B")
    assert ruling.cancelled == {}
    assert ruling.idle == ("run-1/C",)
    assert group.pending()["item"].tolist() == ["run-1/C", "run-1/D"]


def test_two_moves_that_fund_each_other_are_changed_together(ledger):
    one = move("A", 10, 20, payload={"funded_by": ["two"]})
    two = move("B", 20, 10, payload={"funded_by": ["one"]})
    ledger.append_many([("one", one), ("two", two)])
    assert approve(ledger, "one").applied == ()
    assert set(approve(ledger, "two").applied) == {"one", "two"}


def test_a_cut_that_needed_no_approval_funds_at_once(ledger):
    cut = move("C", 300, 240, verdict="auto")
    ledger.append_many([("cut", cut), ("raise", move("A", 1, 61, payload={"funded_by": ["cut"]}))])
    assert approve(ledger, "raise").applied == ("raise",)


def test_a_group_is_approved_by_its_name_as_a_whole(group):
    ruling = approve(group, "group-1")
    assert set(ruling.applied) == {"run-1/A", "run-1/B", "run-1/C"}
    assert changes(group) == {"A": 230_000, "B": 275_000, "C": 240_000}
    total = group.entries(kind="change")
    assert (total["new_minor"] - total["old_minor"]).sum() == -60_000 + 30_000 + 25_000


def test_a_group_can_be_approved_for_what_is_left_of_it(group):
    reject(group, "run-1/B")
    assert set(approve(group, "group-1").applied) == {"run-1/A", "run-1/C"}


def test_an_item_is_also_known_by_its_number(group):
    assert approve(group, "5").items == ("run-1/D",)


@pytest.mark.parametrize("name", ["run-1/Z", "1", "99", ""])
def test_a_name_that_waits_for_nothing_is_refused_with_what_does(group, name):
    with pytest.raises(LedgerError, match=r"nothing called .* needs approval. Pending: run-1/C, "):
        approve(group, name)


def test_the_same_word_of_the_same_person_is_a_replay(group):
    first = approve(group, "run-1/D")
    n_entries = group.head().sequence
    again = group.approve("run-1/D", who="Ann", at=LATER + timedelta(minutes=5))
    assert [receipt.status for receipt in again.receipts] == ["replayed"]
    assert again.receipts[0].hash == first.receipts[0].hash
    assert again.applied == ()
    assert group.head().sequence == n_entries


@pytest.mark.parametrize("second", [lambda led: approve(led, "run-1/D", "Bob"),
                                    lambda led: reject(led, "run-1/D")])  # fmt: skip
def test_another_word_or_another_person_is_a_conflict(group, second):
    approve(group, "run-1/D")
    with pytest.raises(LedgerConflictError, match=r"'run-1/D' was approved by Ann on 2026-03-01"):
        second(group)


def test_a_rejection_needs_a_reason(group):
    with pytest.raises(InputError, match="reason must say why"):
        reject(group, "run-1/D", reason=" ")


def test_an_item_whose_budget_has_moved_since_cannot_be_approved(group):
    group.append(change("D", 250_000, 260_000), key="by hand")
    assert "run-1/D" not in group.pending()["item"].tolist()
    with pytest.raises(
        LedgerConflictError,
        match=r"from 2,500.00 EUR to 2,550.00 EUR, no longer stands: the budget was set to 2,600",
    ):
        approve(group, "run-1/D")
    assert reject(group, "run-1/D").verdict == "rejected"
    assert changes(group) == {"D": 260_000}


def test_a_raise_whose_budget_moved_while_it_waited_is_not_changed(group):
    approve(group, "run-1/A")
    group.append(change("A", 200_000, 210_000), key="by hand")
    assert approve(group, "run-1/C").applied == ("run-1/C",)
    assert changes(group) == {"A": 210_000, "C": 240_000}


def test_a_raise_whose_cut_was_overtaken_is_not_changed(group):
    group.append(change("C", 300_000, 310_000), key="by hand")
    ruling = approve(group, "run-1/A")
    assert ruling.waiting_for == {"run-1/A": ("run-1/C",)}
    assert changes(group) == {"C": 310_000}


def test_two_runs_cannot_both_change_a_unit_with_one_word_each(ledger):
    ledger.append_many([("1/A", move("A", 100, 125)), ("2/A", move("A", 100, 110))])
    with pytest.raises(LedgerConflictError, match="'1/A' and '2/A' propose two budgets for A"):
        approve(ledger, "group-1")
    approve(ledger, "1/A")
    with pytest.raises(LedgerConflictError, match="no longer stands: the budget was set to"):
        approve(ledger, "2/A")
    assert changes(ledger) == {"A": 125}


def test_a_request_without_a_budget_is_not_outdated_by_a_change(ledger):
    request = entry("request", unit="A", verdict="needs_approval")
    ledger.append_many([("request-1", request), ("by hand", change("A", 1, 2))])
    assert ledger.pending()["item"].tolist() == ["request-1"]


def test_a_request_without_a_budget_is_approved_without_a_change(ledger):
    request = entry("request", unit="deal-7", verdict="needs_approval", payload={"days": 3})
    ledger.append(request, key="request-1")
    assert approve(ledger, "request-1").applied == ("request-1",)
    assert len(ledger.entries(kind="change")) == 0
    assert len(ledger.pending()) == 0


def test_what_was_pending_then_is_seen_in_the_ledger_as_it_was(group):
    head = group.head().sequence
    approve(group, "group-1")
    reject(group, "run-1/D")
    assert len(group.pending()) == 0
    assert len(group.as_of(head).pending()) == 4


# What may be linked -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([RAISE], "'run-1/A' is funded_by 'run-1/C', which is no key of this call"),
        ([("a", move("A", 1, 2, payload={"funded_by": ["a"]}))], "which is itself"),
        ([("a", move("A", 1, 2, payload={"funded_by": "c"}))], "must be a list of keys; got 'c'"),
        ([CUT, (RAISE[0], move("A", 1, 2, verdict="auto", payload={"funded_by": ["run-1/C"]}))],
         '"auto" but funded_by \'run-1/C\', which waits for approval'),
        ([("c", move("C", 2, 1, verdict="blocked")),
          ("a", move("A", 1, 2, payload={"funded_by": ["c"]}))],
         "funded_by 'c', whose verdict is 'blocked'"),
    ],
)  # fmt: skip
def test_a_raise_that_could_never_be_funded_is_not_written(ledger, pairs, message):
    with pytest.raises(InputError, match=message):
        ledger.append_many(pairs)
    assert len(ledger.entries()) == 0


@pytest.mark.parametrize("funder", ["run-1/C", "run-1/A"])
def test_a_raise_cannot_be_funded_by_what_was_refused(ledger, funder):
    ledger.append_many([CUT, RAISE])
    reject(ledger, "run-1/C")
    late = move("E", 1, 2, payload={"funded_by": [funder]})
    with pytest.raises(InputError, match=r"which was (rejected|cancelled) by Ann .* never comes"):
        ledger.append(late, key="late")


def test_a_raise_may_be_funded_by_a_cut_that_was_made(ledger):
    ledger.append(CUT[1], key=CUT[0])
    approve(ledger, CUT[0])
    ledger.append(RAISE[1], key=RAISE[0])
    assert approve(ledger, RAISE[0]).applied == (RAISE[0],)


def test_a_raise_may_be_funded_by_an_earlier_entry(ledger):
    ledger.append_many([CUT])
    assert ledger.append_many([RAISE])[0].status == "written"


# The kill switch --------------------------------------------------------------------------------


def test_the_kill_switch_stops_changes_and_nothing_else(group):
    group.set_kill(True, who="Ann", at=AT, reason="tracking is broken")
    told = r"on since 2026-03-01 09:30 UTC, set by Ann \(tracking is broken\). Nothing was written"
    with pytest.raises(KillSwitchError, match=told):
        group.append(change("A", 1, 2), key="a")
    with pytest.raises(KillSwitchError, match=told):
        group.append_many([("alert", entry("alert")), ("b", change("B", 1, 2))])
    with pytest.raises(KillSwitchError, match="of the approval of 'run-1/D'"):
        approve(group, "run-1/D")
    with pytest.raises(KillSwitchError):
        approve(group, "run-1/A")  # though it would only have waited
    assert changes(group) == {}
    assert len(group.pending()) == 4
    group.append_many([("alert", entry("alert")), ("next", move("E", 1, 2))])
    assert reject(group, "run-1/D").verdict == "rejected"
    assert group.verify().ok


def test_the_kill_switch_is_still_on_after_opening_again(ledger_url):
    with open_ledger(ledger_url) as ledger:
        assert ledger.kill_state().on is False
        ledger.set_kill(True, who="Ann", at=AT, reason="stop")
    with open_ledger(ledger_url) as ledger:
        state = ledger.kill_state()
        assert (state.on, state.since, state.who, state.reason) == (True, AT, "Ann", "stop")
        with pytest.raises(KillSwitchError):
            ledger.append(change("A", 1, 2), key="a")
        ledger.set_kill(False, who="Bob", at=LATER, reason="fixed")
        assert ledger.append(change("A", 1, 2), key="a").status == "written"
        assert ledger.kill_state().who == "Bob"


def test_turning_the_switch_to_where_it_is_writes_nothing(ledger):
    first = ledger.set_kill(True, who="Ann", at=AT, reason="stop")
    again = ledger.set_kill(True, who="Bob", at=LATER, reason="stop!")
    assert (again.status, again.sequence) == ("replayed", first.sequence)
    assert (ledger.kill_state().who, ledger.head().sequence) == ("Ann", 1)


def test_the_switch_can_be_turned_again_and_again(ledger):
    for number, on in enumerate([True, False, True, False, True], start=1):
        receipt = ledger.set_kill(on, who="Ann", at=AT, reason="drill")
        assert (receipt.status, receipt.sequence) == ("written", number)
        assert ledger.kill_state().on is on


def test_a_change_written_before_is_still_answered_while_the_switch_is_on(ledger):
    ledger.append(change("A", 1, 2), key="a")
    ledger.set_kill(True, who="Ann", at=AT, reason="stop")
    assert ledger.append(change("A", 1, 2), key="a").status == "replayed"


# A law ------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(data=st.data())
def test_in_whatever_order_people_rule_no_raise_happens_without_all_its_cuts(data):
    names = [f"m{i}" for i in range(data.draw(st.integers(2, 6)))]
    pairs = []
    for place, name in enumerate(names):
        funders = data.draw(st.lists(st.sampled_from(names[:place] or [""]), unique=True))
        pairs.append((name, move(name, 10, 20, payload={"funded_by": [f for f in funders if f]})))
    with open_ledger(":memory:") as ledger:
        ledger.append_many(pairs)
        for name in data.draw(st.permutations(names)):
            word = data.draw(st.sampled_from([approve, reject]))
            if name in ledger.pending()["item"].tolist():
                word(ledger, name)
            else:
                with pytest.raises(LedgerConflictError, match="was cancelled"):
                    word(ledger, name)
        log = ledger.entries(kind="approval")
        approved = set(log.loc[log["verdict"] == "approved", "unit"])
        changed = set(ledger.current_budgets())
        funders = {name: set(pair.payload["funded_by"]) for name, pair in pairs}
        assert changed <= approved
        assert all(funders[name] <= changed for name in changed)
        cancelled = set(log.loc[log["verdict"] == "cancelled", "unit"])
        assert approved - cancelled == changed  # nothing is left hanging once all have ruled
        assert len(ledger.pending()) == 0


def test_an_approved_request_is_settled_so_that_no_later_run_reads_on_from_it(ledger):
    """A word that is the deed itself has no change behind it, and is done all the same."""
    request = entry("request", unit="deal", verdict="needs_approval")
    ledger.append(request, key="ask")
    ledger.approve("ask", who="anna", at=AT)
    with ledger._reading() as reading:
        assert items(reading) == {}
        assert items(reading, named="ask")["ask"].state == "applied"
    assert ledger.pending().empty
