"""Several processes at once, and processes that are killed in the middle of a write."""

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from adbudget import LedgerConflictError, open_ledger
from tests.ledger.ledger_cases import entry, move
from tests.ledger.writer import BATCH

WRITER = Path(__file__).parent / "writer.py"


def start(url: str, name: str, count: int, how: str = "single") -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, WRITER, url, name, str(count), how],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
    )


def test_two_processes_of_1000_appends_each_lose_nothing(ledger_url):
    writers = [start(ledger_url, name, 1000) for name in ("one", "two")]
    said = [writer.communicate(timeout=300) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], said
    with open_ledger(ledger_url) as ledger:
        table = ledger.entries()
        assert ledger.verify().ok
    assert Counter(table["who"]) == {"one": 1000, "two": 1000}
    assert table["sequence"].tolist() == list(range(1, 2001))
    answered = {tuple(line.split()) for out, _ in said for line in out.splitlines()[1:]}
    kept = zip(table["key"], table["sequence"].astype(str), table["hash"], strict=True)
    assert answered == set(kept)


def test_a_ledger_survives_writers_killed_one_after_another_in_mid_write(ledger_url):
    open_ledger(ledger_url).close()
    writers = [
        start(ledger_url, f"{how}{number}", 0, how)
        for number in range(3)
        for how in ("single", "batches")
    ]
    outputs = [writer.stdout for writer in writers]
    lines = [line for _ in range(2) for line in (next(output or iter([])) for output in outputs)]
    assert lines[:6] == ["ready\n"] * 6  # and in the second round, each has written something
    pauses = np.random.default_rng(3).uniform(0.0, 0.2, len(writers))
    with open_ledger(ledger_url) as ledger:
        for writer, output, pause in zip(writers, outputs, pauses, strict=True):
            time.sleep(pause)
            writer.kill()  # SIGKILL: nothing can be tidied up
            lines += list(output or ())
            writer.communicate(timeout=60)
            assert ledger.verify(ledger.head()).ok
        assert ledger.append(entry(), key="after all that").status == "written"
        assert ledger.verify().ok
        table = ledger.entries()
    said = [line.split() for line in lines[6:] if line.endswith("\n")]
    answered = {key: (int(sequence), link) for key, sequence, link in said}
    places = zip(table["sequence"], table["hash"], strict=True)
    kept = dict(zip(table["key"], places, strict=True))
    assert {key: kept.get(key) for key in answered} == answered  # what was acknowledged is there
    calls = Counter(key.rpartition("-")[0] for key in kept if key.startswith("batches"))
    assert set(calls.values()) == {BATCH}  # a call is there as a whole or not at all


def test_many_may_start_the_same_ledger_at_once(ledger_url):
    def write(name: str) -> int:
        with open_ledger(ledger_url) as ledger:
            return ledger.append(entry(), key=name).sequence

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(write, "abcdef")) == list(range(1, 7))
    with open_ledger(ledger_url, create=False) as ledger:
        assert ledger.verify().n_entries == 6


def test_threads_may_share_a_ledger(ledger):
    with ThreadPoolExecutor(4) as pool:
        keys = [f"k{i}" for i in range(40)]
        receipts = list(pool.map(lambda key: ledger.append(entry(unit=key), key=key), keys))
    assert sorted(receipt.sequence for receipt in receipts) == list(range(1, 41))
    assert ledger.verify().ok


def test_of_two_who_use_a_key_at_once_one_writes_and_the_other_is_told(ledger):
    def attempt(unit: str) -> str:
        try:
            return ledger.append(entry(unit=unit), key="the key").status
        except LedgerConflictError:
            return "conflict"

    with ThreadPoolExecutor(4) as pool:
        answers = Counter(pool.map(attempt, ["A", "A", "B", "B"]))
    assert answers == {"written": 1, "replayed": 1, "conflict": 2}


def test_of_many_who_approve_at_once_one_changes_the_budget(ledger):
    ledger.append(move("A", 1, 2), key="a")

    def attempt(who: str) -> str:
        try:
            return "changed" if ledger.approve("a", who=who, at=entry().at).applied else "replayed"
        except LedgerConflictError:
            return "conflict"

    with ThreadPoolExecutor(4) as pool:
        answers = Counter(pool.map(attempt, ["Ann", "Bob", "Cem", "Dan"]))
    assert answers == {"changed": 1, "conflict": 3}
    assert len(ledger.entries(kind="change")) == 1


def test_a_reader_sees_whole_calls_while_somebody_writes(ledger_url):
    def write() -> None:
        with open_ledger(ledger_url) as ledger:
            for number in range(30):
                ledger.append_many([(f"{number}-{part}", entry()) for part in range(BATCH)])

    with open_ledger(ledger_url) as ledger, ThreadPoolExecutor(1) as pool:
        writing, seen = pool.submit(write), set()
        while not writing.done():
            found = ledger.verify()
            assert found.ok
            seen.add(found.n_entries)
        writing.result()
        assert ledger.verify().n_entries == 30 * BATCH
    assert {n_entries % BATCH for n_entries in seen} == {0}
