"""Where alerts go: a real log, real files, a real web server, a real Apprise."""

import json
import logging
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adbudget.alerts.alert import Alert
from adbudget.alerts.sinks import (
    KINDS,
    AppriseSink,
    JsonLinesSink,
    LogSink,
    SinkKind,
    SinkReport,
    WebhookSink,
    open_sink,
    send_alerts,
)
from adbudget.errors import InputError


def alert(severity="warning", campaign="größe") -> Alert:
    return Alert(
        type="risk",
        severity=severity,
        campaign_id=campaign,
        trigger="spend_pace > 150%",
        evidence={"spend_pace": 1.6},
        message=f"{campaign}: spend_pace > 150% (spend_pace 160%).",
        action="alert_overspend",
        fingerprint="0123456789abcdef",
        at=datetime(2026, 3, 10, tzinfo=UTC),
    )


# Apprise asks for a module that Python is about to drop, to see whether it is there.
with_apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
ALERTS = (alert("critical", "a"), alert("warning", "b"), alert("info", "c"))


class Server:
    """A web server on this machine that keeps what it gets and answers what it is told."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), body))
                self.send_response(outer.answers.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook/secret-token"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def post(server, **options) -> tuple[SinkReport, list[float]]:
    waits = []
    sink = WebhookSink(url=server.url, wait=waits.append, **options)
    return sink.send(ALERTS), waits


# Web addresses ----------------------------------------------------------------------------------


def test_a_webhook_gets_all_alerts_in_one_request():
    with Server([200]) as server:
        delivery, waits = post(server, headers={"Authorization": "Bearer x"})
        ((path, headers, body),) = server.requests
    assert delivery == SinkReport(sink="webhook 127.0.0.1", sent=3)
    assert waits == []
    assert path == "/hook/secret-token"
    assert headers["Authorization"] == "Bearer x"
    assert headers["Content-Type"] == "application/json"
    sent = json.loads(body)
    assert sent["source"] == "adbudget"
    assert sent["alerts"] == [one.as_dict() for one in ALERTS]


def test_an_answer_that_may_pass_is_tried_again_with_the_same_key():
    with Server([503, 429, 204]) as server:
        delivery, waits = post(server)
        keys = {headers["Idempotency-Key"] for _, headers, _ in server.requests}
        assert len(server.requests) == 3
    assert delivery.sent == 3
    assert waits == [0.5, 1.0]
    assert len(keys) == 1


def test_a_refusal_is_not_tried_again():
    with Server([403]) as server:
        delivery, waits = post(server)
        assert len(server.requests) == 1
    assert delivery == SinkReport(sink="webhook 127.0.0.1", sent=0, error="answered 403")
    assert waits == []


def test_a_server_that_stays_broken_is_given_up():
    with Server([500, 500]) as server:
        delivery, _ = post(server, tries=2)
        assert len(server.requests) == 2
    assert delivery.error == "answered 500"


def test_a_redirect_is_not_followed():
    with Server([302]) as server:
        delivery, _ = post(server)
    assert delivery.error == "answered 302"


def test_an_address_where_nobody_listens_is_told_without_its_secret():
    with Server([]) as server:
        url = server.url
    delivery = WebhookSink(url=url, wait=lambda _: None).send(ALERTS)
    assert delivery.error == "no answer (ConnectError)"
    assert "secret" not in str(delivery)
    assert "secret" not in repr(WebhookSink(url=url))


def test_no_alerts_are_no_request():
    with Server([]) as server:
        assert WebhookSink(url=server.url).send(()).sent == 0
        assert server.requests == []


# Files and logs ---------------------------------------------------------------------------------


def test_json_lines_are_appended(tmp_path):
    sink = JsonLinesSink(path=tmp_path / "alerts.jsonl")
    assert sink.send(ALERTS[:2]).sent == 2
    assert sink.send(ALERTS[2:]).sent == 1
    lines = (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [one.as_dict() for one in ALERTS]


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    delivery = JsonLinesSink(path=tmp_path / "missing" / "alerts.jsonl").send(ALERTS)
    assert delivery.sent == 0
    assert delivery.error == "FileNotFoundError: No such file or directory"


def test_the_log_is_as_severe_as_the_alert(caplog):
    with caplog.at_level(logging.INFO, logger="adbudget.alerts"):
        assert LogSink().send(ALERTS).sent == 3
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "WARNING", "INFO"]
    assert "a: spend_pace > 150% (spend_pace 160%)." in caplog.text


# Apprise ----------------------------------------------------------------------------------------


@with_apprise
def test_apprise_notifies_once_for_every_severity():
    pytest.importorskip("apprise", reason="the extra adbudget[alerts] is not installed")
    with Server([200, 200, 200]) as server:
        address = server.url.replace("http://", "json://")
        assert AppriseSink(urls=(address,)).send(ALERTS) == SinkReport(sink="apprise", sent=3)
        bodies = [json.loads(body) for _, _, body in server.requests]
    assert [body["title"] for body in bodies] == [
        "adbudget: 1 critical",
        "adbudget: 1 warning",
        "adbudget: 1 info",
    ]
    assert [body["type"] for body in bodies] == ["failure", "warning", "info"]


@with_apprise
def test_a_service_that_does_not_take_them_is_told():
    pytest.importorskip("apprise", reason="the extra adbudget[alerts] is not installed")
    with Server([500]) as server:
        delivery = AppriseSink(urls=(server.url.replace("http://", "json://"),)).send(ALERTS)
    assert delivery == SinkReport(sink="apprise", sent=0, error="critical alerts not taken")


@with_apprise
def test_an_address_apprise_does_not_know_is_refused():
    pytest.importorskip("apprise", reason="the extra adbudget[alerts] is not installed")
    with pytest.raises(InputError, match="Apprise does not know address 1"):
        AppriseSink(urls=("nonsense",)).send(ALERTS)


# Addresses --------------------------------------------------------------------------------------


def test_addresses_open_their_sinks(tmp_path):
    assert open_sink("log") == LogSink()
    assert open_sink(f"jsonl:{tmp_path / 'a.jsonl'}") == JsonLinesSink(path=tmp_path / "a.jsonl")
    assert isinstance(open_sink("https://example.org/x"), WebhookSink)
    assert open_sink("apprise:slack://a/b/c") == AppriseSink(urls=("slack://a/b/c",))


@pytest.mark.parametrize("address", ["", "ftp://x", "jsonl:", "apprise:", "logs", "https://"])
def test_other_addresses_are_refused(address):
    with pytest.raises(InputError):
        open_sink(address)


def test_a_new_sink_is_one_entry(monkeypatch):
    paging = SinkKind(form="page:NUMBER", open=lambda address, rest: LogSink(logger=rest))
    monkeypatch.setitem(KINDS, "page", paging)
    assert open_sink("page:112") == LogSink(logger="112")
    with pytest.raises(InputError, match="apprise:ADDRESS or page:NUMBER"):
        open_sink("page:")


def test_a_sink_that_fails_does_not_stop_the_others(tmp_path):
    broken = JsonLinesSink(path=tmp_path / "missing" / "a")
    good = JsonLinesSink(path=tmp_path / "a")
    first, second = send_alerts(ALERTS, (broken, good))
    assert first.error
    assert second == SinkReport(sink=f"file {tmp_path / 'a'}", sent=3)
