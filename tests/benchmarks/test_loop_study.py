"""The study of the loop: its worlds, what is not run again, and its tables on paper."""

import argparse
import json

import pytest

from benchmarks.loop.__main__ import _name, _rows, rows_of
from benchmarks.loop.report import MARK, lines, write
from benchmarks.loop.worlds import COUNTS, WORDS, study_worlds

ARMS = ("loop", "frozen", "roas", "oracle")


def row(kind, seed, room, loop):
    """Two weeks of a world in which ``room`` of the spend can be gained."""
    shares = {"loop": loop, "frozen": [0.0, 0.0], "roas": [-0.2, -0.4], "oracle": [0.5, 1.0]}
    return {
        "kind": kind,
        "seed": seed,
        "cycles": 2,
        "exploration": 0.005,
        "aversion": 0.5,
        "room": room,
        "shares": shares,
        "gains": {arm: [room * one for one in shares[arm]] for arm in ARMS}
        | {"best": [room, room]},
        "worst_month": dict.fromkeys(ARMS, -0.1),
        "churn": dict.fromkeys(ARMS, 0.05),
        "broken": dict.fromkeys(ARMS, 0),
        "promises": {"kept": 1, "broken": 0, "unclear": 3},
        "unhealthy": 0,
        "explored": 0.001,
        "cpu": 60,
    }


ROWS = [row("assumed", 900, 0.3, [0.4, 0.8]), row("flat", 903, 0.1, [-0.1, 0.2])]


def test_there_are_twenty_worlds_of_six_kinds_and_the_first_six_show_all_of_them():
    worlds = study_worlds()
    assert len(worlds) == len({one.seed for one in worlds}) == sum(COUNTS.values()) == 20
    assert {one.kind for one in worlds[:6]} == set(COUNTS) == set(WORDS)
    assert {kind: sum(one.kind == kind for one in worlds) for kind in COUNTS} == COUNTS


def test_mean_shares_and_money_are_those_worked_out_on_paper():
    told = lines(ROWS)
    assert "| rule | after 1 | money | worst month | churn | broken |" in told
    loop = next(line for line in told if line.startswith("| loop"))
    # (.4 - .1) / 2 after one week; at the end .24 and .02 of .4 that could be gained
    assert loop == "| loop | 0.15 | 0.65 | -0.10 | 5.0% | 0 |"
    assert "| flat | 1 | 10.0% | 0.20 | 0.20 | -0.10 | -0.40 |" in told
    page = "\n".join(told)
    assert "After the last cycle 0 of 2 worlds stand below their start; 1 did at some time." in page
    assert "the largest loss 1.0% of the spend" in page
    assert "Promises: 2 kept, 0 broken, 6 unclear." in page


def test_variants_are_compared_on_the_worlds_they_have_in_common():
    other = row("assumed", 900, 0.3, [0.1, 0.1]) | {"aversion": 0.2}
    told = lines([*ROWS, other])
    assert "| 0.2 | 0.005 | 1 | 0.10 | 0.10 | 0.10 |" in told
    assert "| 0.5 | 0.005 | 1 | 0.80 | 0.80 | 0.40 |" in told


def test_a_world_that_is_kept_is_not_run_again():
    given = argparse.Namespace(worlds=20, cycles=20, exploration=None, aversion=None, cores=1)
    names = {"cycles": 20, "exploration": 0.005, "aversion": 0.5}
    done = {_name({"kind": one.kind, "seed": one.seed} | names) for one in study_worlds()}
    assert list(_rows(given, done)) == []


def test_the_page_gets_the_tables_between_its_marks(tmp_path):
    page, rows = tmp_path / "page.md", tmp_path / "rows.jsonl"
    page.write_text(f"# Study\n{MARK}\nold\n{MARK}\nend\n")
    rows.write_text("\n".join(json.dumps(one) for one in ROWS))
    assert rows_of(rows) == ROWS
    write(rows, page)
    text = page.read_text()
    assert "old" not in text
    assert text.startswith(f"# Study\n{MARK}\n2 worlds, 2 weekly cycles")
    assert text.endswith(f"{MARK}\nend\n")
    write(rows, page)
    assert page.read_text() == text


def test_nothing_is_told_of_no_rows(tmp_path):
    assert rows_of(tmp_path / "none.jsonl") == []
    with pytest.raises(SystemExit, match="no world is in yet"):
        lines([])
