"""In Python as on the command line: an alert is sent until a sink takes it, and then no more."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adbudget import InputError, open_ledger
from adbudget.alerts.alert import Alert, fingerprint_of
from adbudget.alerts.delivery import send_due
from adbudget.ledger.entry import Entry

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    alert = Alert(
        type="risk",
        severity="warning",
        campaign_id="A",
        trigger="spend_pace > 150%",
        evidence={},
        message="A spends fast.",
        action="look",
        fingerprint=fingerprint_of("risk", "A", "pace"),
        at=AT,
    )
    with open_ledger(tmp_path / "l.db") as opened:
        entry = Entry(kind="alert", at=AT, who="adbudget", unit="A", payload=alert.as_dict())
        opened.append(entry, key="alert:1")
        yield opened


def test_what_a_sink_did_not_take_is_sent_by_the_next_call(ledger, tmp_path):
    address = f"jsonl:{tmp_path / 'night' / 'alerts.jsonl'}"
    (report,) = send_due(ledger, [address], at=AT)  # the folder is not there
    assert report.error
    assert (report.sent, report.left) == (0, 1)
    (tmp_path / "night").mkdir()
    (report,) = send_due(ledger, [address], at=AT + timedelta(days=2))
    assert (report.error, report.sent, report.left) == (None, 1, 0)
    assert send_due(ledger, [address], at=AT + timedelta(days=2)) == ()
    lines = (tmp_path / "night" / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["A spends fast."]
    assert ledger.verify().ok


def test_an_address_that_is_none_is_refused_before_anything_is_sent(ledger, tmp_path):
    good = tmp_path / "alerts.jsonl"
    with pytest.raises(InputError, match="no alerts can be sent"):
        send_due(ledger, [f"jsonl:{good}", "pigeon:home"], at=AT)
    assert not good.exists()
