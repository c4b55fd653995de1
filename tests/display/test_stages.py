"""What is told of long work: a line for whoever watches, and a log for whoever keeps one."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from adbudget.display.stages import LOG, StatusLine, reached, stage, watched


class Terminal(io.StringIO):
    """Standard error of a person who looks on."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.getvalue().split("\r") if line.strip()]


@pytest.fixture
def terminal(monkeypatch):
    made = Terminal()
    # Not sys.stderr itself, which pytest puts back before a test begins.
    monkeypatch.setattr("adbudget.display.stages.sys", SimpleNamespace(stderr=made, modules={}))
    return made


def test_a_watcher_sees_every_stage_and_how_far_it_is(terminal):
    with watched():
        with stage("compiling"):
            pass
        with stage("sampling"):
            reached(1_500, 6_000, "draws")
    assert terminal.lines == [
        "compiling ...",
        "sampling ...",
        "sampling: 1,500 of 6,000 draws (25%), 0 s",
    ]
    assert terminal.getvalue().endswith("\r"), "the line is wiped: what follows stands alone"


def test_no_line_is_wider_than_a_terminal_of_80(terminal):
    with watched(), stage("reading " + "x" * 200):
        pass
    assert max(map(len, terminal.getvalue().split("\r"))) <= 79


def test_a_name_moves_no_cursor(terminal):
    with watched(), stage("reading \x1b[2Jshop\n.csv"):
        pass
    assert "\x1b" not in terminal.getvalue()
    assert "\n" not in terminal.getvalue()


def test_nobody_watches_a_pipe(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)  # imported is not run in
    with watched(), stage("sampling"):
        reached(1, 2, "draws")
    assert pipe.getvalue() == ""
    with watched(True), stage("sampling"):
        reached(1, 2, "draws")
    assert "sampling: 1 of 2 draws (50%)" in pipe.getvalue()


def test_false_is_silent_inside_what_is_shown(terminal):
    with watched(True), watched(False), stage("sampling"):
        reached(1, 2, "draws")
    assert terminal.lines == []


def test_a_second_watcher_joins_the_first(terminal):
    with watched():
        with watched(), stage("inside"):
            pass
        assert not terminal.getvalue().endswith(" \r"), "the line stays until the first one ends"
        with stage("outside"):
            pass
    assert terminal.lines == ["inside ...", "outside ..."]


def test_a_shorter_line_wipes_the_end_of_a_longer_one():
    stream = io.StringIO()
    line = StatusLine(stream)
    line.show("sampling")
    line.show("done")
    line.clear()
    assert stream.getvalue() == "\rsampling\rdone    \r    \r"


def test_the_log_says_what_ended_a_stage(caplog):
    with (
        caplog.at_level(logging.INFO, logger="adbudget"),
        pytest.raises(KeyboardInterrupt),
        stage("sampling"),
    ):
        raise KeyboardInterrupt
    assert caplog.messages[0] == "sampling: begins"
    assert caplog.messages[1].startswith("sampling: ended by KeyboardInterrupt after 0.")


def test_the_library_does_not_log_by_itself():
    assert any(isinstance(handler, logging.NullHandler) for handler in LOG.handlers)
    assert LOG.level == logging.NOTSET
