"""A process that appends to a ledger and says on standard output what was acknowledged.

python writer.py URL NAME COUNT single|batches: COUNT appends, endless when it is 0.
"""

import sys
from datetime import UTC, datetime
from itertools import count

from adbudget.ledger import Entry, open_ledger

AT = datetime(2026, 3, 1, tzinfo=UTC)
BATCH = 20


def main(url: str, name: str, wanted: str, how: str) -> None:
    numbers = range(int(wanted)) if int(wanted) else count()
    with open_ledger(url) as ledger:
        print("ready", flush=True)
        for number in numbers:
            keys = [f"{name}-{number}"]
            if how == "batches":
                keys = [f"{name}-{number}-{part}" for part in range(BATCH)]
            entry = Entry(kind="measurement", at=AT, who=name, payload={"filler": "x" * 500})
            for receipt in ledger.append_many([(key, entry) for key in keys]):
                print(receipt.key, receipt.sequence, receipt.hash, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
