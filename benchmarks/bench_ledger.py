"""Time the ledger and print a table: python benchmarks/bench_ledger.py [POSTGRESQL_URL].

Single appends are one durable transaction each, so they measure the disk as much as the code.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from adbudget.ledger import Entry, Ledger, open_ledger

AT = datetime(2026, 3, 1, tzinfo=UTC)
SINGLE, MANY, PER_CALL = 500, 100_000, 1000


def pair(number: int) -> tuple[str, Entry]:
    """A recommendation as a run writes them."""
    entry = Entry(
        kind="recommendation",
        at=AT,
        who="bench",
        unit=f"campaign {number % 1000}",
        currency="EUR",
        old_minor=200_000,
        new_minor=230_000,
        verdict="blocked",
        rule="scale_winners",
        rationale="CPL 35.00 is below 0.8 x 50.00; capped by max_single_campaign",
        run_id=f"run {number // 1000}",
        policy_hash="0" * 64,
        payload={"confidence": 0.97, "cpl": 35.0, "leads": 57},
    )
    return f"{entry.run_id}/{number}", entry


class Stopwatch:
    """Wall and processor seconds of one job, printed at its end with the rate."""

    def __init__(self, what: str, count: int) -> None:
        self.what, self.count = what, count

    def __enter__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        print(f"{self.what:<40}{wall:>8.2f} s{cpu:>8.2f} s cpu{self.count / wall:>10,.0f} /s")


def measure(ledger: Ledger) -> None:
    pairs = [pair(number) for number in range(SINGLE + MANY)]
    ledger.entries()  # loads pandas
    with Stopwatch(f"{SINGLE} appends, one by one", SINGLE):
        for key, entry in pairs[:SINGLE]:
            ledger.append(entry, key=key)
    with Stopwatch(f"{MANY:,} appends, {PER_CALL:,} per call", MANY):
        for first in range(SINGLE, len(pairs), PER_CALL):
            ledger.append_many(pairs[first : first + PER_CALL])
    with Stopwatch(f"verify {len(pairs):,} entries", len(pairs)):
        found = ledger.verify()
    assert found.ok, found.problem
    with Stopwatch("one run of 1,000 entries as a frame", 1000):
        frame = ledger.entries(run_id="run 50")
    assert len(frame) == 1000


def main(addresses: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for address in [str(Path(folder) / "ledger.db"), *addresses]:
            with open_ledger(address) as ledger:
                print(ledger)
                measure(ledger)


if __name__ == "__main__":
    main(sys.argv[1:])
