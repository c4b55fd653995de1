"""One account changed -> how many calls of the other accounts change, and how far.

    OMP_NUM_THREADS=1 python benchmarks/bench_influence.py agency [--data FOLDER]

Panels: "agency" (data/synthetic), "conjura" (four real shops by week; needs the folder of public
data) and "pair" (synthetic worlds of two accounts). Prints one row per change: another seed (what
chance alone does), an account left out, one row of spend x100, one row of the outcome x100; cells
of the other accounts, calls among them that differ from those of the panel as it is, and the mean
and largest change of the probability that a move pays. Mistyped rows are decided on three times: as
`recommend` does ("held"), with the finding accepted, when its cells are judged like all others, and
with the row left out of the fit ("masked").
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import adbudget as ab
from adbudget.model.held_out import only_accounts
from adbudget.panel.findings import blocked
from adbudget.panel.integrity import check_data, without_values_out_of_line
from adbudget.synthetic import WorldSpec, synthesize
from benchmarks.real_data import reading

SYNTHETIC = Path(__file__).parents[1] / "data" / "synthetic"
PAIR = WorldSpec(n_accounts=2, n_channels=3, n_periods=52)
SEEDS = (1, 2)  # the panel as it is, sampled again
TYPO = 100.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("panel", choices=("agency", "conjura", "pair"))
    parser.add_argument("--data", type=Path, help="folder of public data")
    parser.add_argument("--most", type=int, default=12, help="accounts to change, one by one")
    parser.add_argument("--no-typos", action="store_true", help="only leave accounts out")
    asked = parser.parse_args()
    rows = [row for panel in panels(asked) for row in changes(panel, asked.most, asked.no_typos)]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="{:.3f}".format), "\n")
    by_change = table.groupby(["change", "cells_of"], sort=False)
    summary = by_change[["cells", "changed", "to_a_move"]].sum()
    summary["mean_move"] = by_change["mean_move"].mean()
    summary["largest"] = by_change["largest"].max()
    summary.insert(0, "runs", by_change.size())
    print(summary.to_string(float_format="{:.3f}".format))


def panels(asked: argparse.Namespace) -> list[ab.Panel]:
    if asked.panel == "conjura":
        return [reading.conjura_weekly(asked.data)]
    if asked.panel == "pair":
        worlds = [synthesize(PAIR, seed) for seed in range(4)]
        return [ab.read_panel(world.spend, world.outcome) for world in worlds]
    tables = (pd.read_csv(SYNTHETIC / f"agency_{name}.csv") for name in ("spend", "outcome"))
    return [ab.read_panel(*tables, currency="EUR")]


def changes(panel: ab.Panel, most: int, no_typos: bool) -> Iterator[dict[str, object]]:
    """Rows of one panel, one account changed at a time."""
    (usual,) = calls(panel, seed=0)
    for seed in SEEDS:
        (again,) = calls(panel, seed=seed)
        yield {"change": "another seed", "account": "", **compared(usual, again, None)}
    for a in range(min(most, panel.n_accounts)):
        account = panel.accounts[a]
        if panel.n_accounts > 2:
            others = [i for i in range(panel.n_accounts) if i != a]
            (without,) = calls(only_accounts(panel, others), seed=0)
            yield {"change": "left out", "account": account, **compared(usual, without, account)}
        if no_typos:
            continue
        for name, spoilt in (("spend", mistyped_spend(panel, a)), ("outcome", mistyped(panel, a))):
            held, judged = calls(spoilt, seed=0, accepted=((), ("value_out_of_line",)))
            (masked,) = calls(without_values_out_of_line(spoilt), seed=0)
            for how, decided in (("held", held), ("judged", judged), ("masked", masked)):
                named = {"change": f"{name} x{TYPO:.0f}, {how}", "account": account}
                yield named | compared(usual, decided, account)
                yield named | compared(usual, decided, account, own=True)


def calls(
    panel: ab.Panel, seed: int, accepted: tuple[tuple[str, ...], ...] = ((),)
) -> list[pd.DataFrame]:
    """Action and probability by cell: one fit, decided on once for each list of accepted kinds.

    That records end apart is accepted always: it would hold three of the four real shops.
    """
    fit = ab.fit(panel, seed=seed, cores=1, progress=False)
    proposal = ab.optimize(fit)
    tables = []
    for kinds in accepted:
        why = blocked(check_data(panel, accepted=("account_stale", *kinds)))
        decided = ab.decide(proposal, health=fit.health, blocked=why).calls
        cells = [(call.account, call.channel) for call in decided]
        index = pd.MultiIndex.from_tuples(cells, names=["account", "channel"])
        columns = {
            "action": [str(call.action) for call in decided],
            "prob": [call.prob_gain for call in decided],
        }
        tables.append(pd.DataFrame(columns, index=index))
    return tables


def compared(
    usual: pd.DataFrame, other: pd.DataFrame, account: str | None, own: bool = False
) -> dict[str, object]:
    """How far the calls of the other accounts, or of the changed one, are from the usual ones."""
    both = usual.join(other.add_suffix("_then"), how="inner")
    is_own = both.index.get_level_values("account") == account
    both = both[is_own if own else ~is_own]
    move = (both["prob_then"] - both["prob"]).abs()
    differs = both["action"] != both["action_then"]
    return {
        "cells_of": "its own" if own else "others",
        "cells": len(both),
        "changed": int(differs.sum()),
        "to_a_move": int((differs & (both["action_then"] != "monitor")).sum()),
        "mean_move": float(move.mean()),
        "largest": float(move.max()),
    }


def mistyped_spend(panel: ab.Panel, a: int) -> ab.Panel:
    """One row of the account's largest channel x100, a third before the end of its record."""
    c = int(panel.spend[a].sum(axis=1).argmax())
    spend = panel.spend.copy()
    paid = np.flatnonzero(spend[a, c])
    spend[a, c, paid[paid.size * 2 // 3]] *= TYPO
    return replace(panel, spend=spend)


def mistyped(panel: ab.Panel, a: int) -> ab.Panel:
    """One row of the account's outcome x100, a third before the end of its record."""
    outcome = panel.outcome.copy()
    known = np.flatnonzero(np.nan_to_num(outcome[a]) > 0)
    outcome[a, known[known.size * 2 // 3]] *= TYPO
    return replace(panel, outcome=outcome)


if __name__ == "__main__":
    main()
