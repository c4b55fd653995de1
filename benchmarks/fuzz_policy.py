"""Throw texts at the trigger language; only PolicyError may come out of it.

Random characters, random words of the language, and good triggers with a few characters changed.
What is read is evaluated too, on figures that are missing, zero, tiny and huge.

    python benchmarks/fuzz_policy.py --inputs 100000 --seed 7
"""

import argparse
import random
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from adbudget.errors import PolicyError
from adbudget.policy.language import evaluate, parse_trigger
from adbudget.policy.language.vocabulary import DAYS_IN, KEYWORDS
from adbudget.policy.metrics.registry import figure_words, target_words
from adbudget.policy.readings.campaigns import read_campaigns

GOOD = (
    "cpl < target * 0.8",
    "cpl > target * 1.3",
    "roas > 4",
    "cpl_change > 50% in 24h",
    "roas > 6 for 3 days",
    "spend_pace > 150%",
    "not (cpl < $1,000 or roas >= 2.5) and clicks / impressions < 2%",
    "(spend + 2 * cpl) * 3 > 3 * target_cpl and conversions == 0 and age_days > 48h",
    "1 / (cpl - 40) > -3 and (ctr_change < -50% in 2 days) for 2 days",
)
SIGNS = ("<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "(", ")")
NUMBERS = (
    "0",
    "1",
    "3",
    "0.8",
    ".5",
    "50",
    "1,000",
    "50%",
    "$50",
    "€50",
    "24h",
    "3 days",
    "9" * 15,
)
STRANGE = (
    "=",
    "&&",
    "٣",
    "²",
    "'",
    '"',
    "\\",
    "\n",
    "\x00",
    "\ud800",
    "e9",
    "1e9",
    "💰",
    ";",
    "\u00a0",
)
PIECES = (*figure_words(), *KEYWORDS, *DAYS_IN, *3 * SIGNS, *3 * NUMBERS, *STRANGE)


def texts(n: int, chance: random.Random) -> Iterator[str]:
    """Texts of three sorts in turn: characters, words, and good triggers made a little worse."""
    sorts = (_characters, _words, _worse)
    for i in range(n):
        yield sorts[i % 3](chance)


def _characters(chance: random.Random) -> str:
    printable = "".join(map(chr, range(32, 127)))
    pool = (
        printable if chance.random() < 0.7 else [chr(chance.randrange(0x110000)) for _ in range(9)]
    )
    return "".join(chance.choices(pool, k=chance.randrange(60)))


def _words(chance: random.Random) -> str:
    glue = chance.choice((" ", " ", ""))
    return glue.join(chance.choices(PIECES, k=chance.randrange(chance.choice((4, 12, 200)))))


def _worse(chance: random.Random) -> str:
    text = chance.choice(GOOD)
    if chance.random() < 0.3:
        text = f"{text} {chance.choice(('and', 'or', 'and not', '-', '*'))} {chance.choice(GOOD)}"
    for _ in range(chance.randrange(4)):
        place, span = chance.randrange(len(text) + 1), chance.randrange(4)
        new = chance.choice(("", chance.choice(PIECES), f" {chance.choice(PIECES)} "))
        text = text[:place] + new + text[place + span :]
    return text


def readings():
    """Four campaigns nobody would want, with two days of history."""
    table = pd.DataFrame(
        {
            "campaign_id": list("abcd"),
            "budget": [0, 1, 100, 10_000_000],
            "cpl": [40, np.nan, 0, 1e-300],
            "roas": [0.0, 4.0, np.nan, -1.0],
            "spend": [0.0, 100.0, 1e300, 3.3],
            "conversions": [0, 3, 2, 1],
            "clicks": [0, 5, 1e15, 7],
            "impressions": [0, 100, 1, np.nan],
        }
    )
    history = table.loc[[0, 0, 1, 2]].assign(date=["2026-03-08", *["2026-03-09"] * 3])
    return read_campaigns(table, history=history.drop(columns="budget"), as_of="2026-03-10")


def tried(text: str, campaigns, targets: dict[str, int]) -> bool:
    """Whether the text is a trigger."""
    try:
        trigger = parse_trigger(text, where="rules[0]")
    except PolicyError:
        return False
    evaluate(trigger, campaigns, targets=targets)
    with suppress(PolicyError):  # not every trigger can be judged by a probability
        evaluate(trigger, campaigns, targets=targets, confidence=0.95)
    return True


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    warnings.simplefilter("error")  # a warning from within is an escape as well
    campaigns, targets = readings(), dict.fromkeys(target_words(), 50)
    started, triggers, escaped = time.perf_counter(), 0, 0
    for text in texts(given.inputs, random.Random(given.seed)):
        try:
            triggers += tried(text, campaigns, targets)
        except Exception:
            escaped += 1
            sys.stdout.write(f"escaped from {text!r}:\n{traceback.format_exc()}\n")
    seconds = time.perf_counter() - started
    sys.stdout.write(
        f"{Path(__file__).name}: {given.inputs} inputs in {seconds:.0f} s, {triggers} of them "
        f"triggers that were evaluated, {escaped} errors other than PolicyError\n"
    )
    return int(escaped > 0)


if __name__ == "__main__":
    raise SystemExit(main())
