"""Worlds, clean and with one fault planted -> what `check_data` finds, and what it should not.

    python benchmarks/bench_data_faults.py --seeds 0-20 [--data FOLDER]

Prints tables. Faults: of the worlds with this fault planted in one account, the share in which it
is found in the cells it is in, the share in which it is found and holds them, and findings about
other cells. Clean: findings by kind in worlds of every family, and their cells. With a folder of
public data: the same for real records, as they are and as they stood on earlier nights. No fits.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import adbudget as ab
from adbudget.model.held_out import only_accounts, without_last
from adbudget.panel.findings import Finding
from adbudget.panel.integrity import check_data
from adbudget.synthetic import WorldSpec, families, noise_families, synthesize
from benchmarks.real_data import reading

WINDOW = 28  # days that today's spend is the mean of
NIGHTS = {"conjura_daily": 200, "conjura_weekly": 40, "meridian": 60, "robyn": 80}
STILL = ("mmm_simple", "dietary")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """A world's tables, a fault in them or not. Dates are datetimes."""

    spend: pd.DataFrame
    outcome: pd.DataFrame
    kind: str = ""  # of the finding that is wanted
    account: str = ""
    channels: tuple[str, ...] = ()  # the cells of the account that it is wanted for

    def panel(self, **options) -> ab.Panel:
        """Read as a user would who names the channels, a total among them."""
        named = {"channels": sorted(self.spend["channel"].unique())}
        return ab.read_panel(self.spend, self.outcome, **(named | options))


Fault = Callable[[Tables, np.random.Generator], Tables]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="0-20", help="first-end, the end left out")
    parser.add_argument("--data", type=Path, help="folder of public data")
    asked = parser.parse_args()
    seeds = range(*map(int, asked.seeds.split("-")))
    print(planted(seeds).to_string(index=False), "\n")
    print(clean(seeds).to_string(index=False), "\n")
    if asked.data is not None:
        print(real(asked.data).to_string(index=False))


# Faults -----------------------------------------------------------------------------------------


def tables_of(spec: WorldSpec, seed: int) -> Tables:
    world = synthesize(spec, seed)
    dated = (
        frame.assign(date=pd.to_datetime(frame["date"])) for frame in (world.spend, world.outcome)
    )
    spend, outcome = dated
    return Tables(spend=spend, outcome=outcome)


def some_cell(tables: Tables, rng: np.random.Generator) -> tuple[str, str]:
    """An account, and a channel that spends to the end of its record."""
    last = tables.spend["date"].max()
    alive = tables.spend[(tables.spend["date"] == last) & (tables.spend["spend"] > 0)]
    account, channel = alive[["account", "channel"]].iloc[int(rng.integers(len(alive)))]
    return str(account), str(channel)


def channels_of(tables: Tables, account: str) -> tuple[str, ...]:
    return tuple(sorted(tables.spend.loc[tables.spend["account"] == account, "channel"].unique()))


def wanted(tables: Tables, kind: str, account: str, channel: str = "", **frames) -> Tables:
    channels = (channel,) if channel else channels_of(tables, account)
    kept = {"spend": tables.spend, "outcome": tables.outcome} | frames
    return Tables(**kept, kind=kind, account=account, channels=channels)


def latest(frame: pd.DataFrame, n: int) -> pd.Series:
    """Rows of the last n dates."""
    return frame["date"] >= frame["date"].drop_duplicates().nlargest(n).min()


def rows_end(n: int) -> Fault:
    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, channel = some_cell(tables, rng)
        spend = tables.spend
        cell = (spend["account"] == account) & (spend["channel"] == channel)
        kept = pd.DataFrame(spend[~(cell & latest(spend, n))])
        return wanted(tables, "rows_end", account, channel, spend=kept)

    return plant


def spend_zero(n: int) -> Fault:
    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, channel = some_cell(tables, rng)
        spend = tables.spend.copy()
        cell = (spend["account"] == account) & (spend["channel"] == channel)
        spend.loc[cell & latest(spend, n), "spend"] = 0.0
        return wanted(tables, "spend_stopped", account, channel, spend=spend)

    return plant


def stale(n: int) -> Fault:
    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, _ = some_cell(tables, rng)
        kept = {
            name: pd.DataFrame(frame[~((frame["account"] == account) & latest(frame, n))])
            for name, frame in (("spend", tables.spend), ("outcome", tables.outcome))
        }
        return wanted(tables, "account_stale", account, **kept)

    return plant


def scaled_end(n: int, kind: str, of_outcome: float, of_spend: float) -> Fault:
    """The last n periods of one account hold a share of their outcome, and of their spend."""

    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, _ = some_cell(tables, rng)
        spend, outcome = tables.spend.copy(), tables.outcome.copy()
        for frame, column, share in ((spend, "spend", of_spend), (outcome, "revenue", of_outcome)):
            rows = (frame["account"] == account) & latest(frame, n)
            frame.loc[rows, column] = (frame.loc[rows, column] * share).round(2)
        return wanted(tables, kind, account, spend=spend, outcome=outcome)

    return plant


def missing_end(n: int) -> Fault:
    return scaled_end(n, "outcome_ends", float("nan"), 1.0)


def one_spend(factor: float) -> Fault:
    """One row of spend is mistyped."""

    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, channel = some_cell(tables, rng)
        spend = tables.spend.copy()
        cell = (spend["account"] == account) & (spend["channel"] == channel) & (spend["spend"] > 0)
        row = rng.choice(spend.index[cell])
        spend.loc[row, "spend"] *= factor
        return wanted(tables, "value_out_of_line", account, channel, spend=spend)

    return plant


def one_outcome(factor: float) -> Fault:
    """One row of the outcome is mistyped."""

    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, _ = some_cell(tables, rng)
        outcome = tables.outcome.copy()
        row = rng.choice(outcome.index[outcome["account"] == account])
        outcome.loc[row, "revenue"] *= factor
        return wanted(tables, "value_out_of_line", account, outcome=outcome)

    return plant


def another_unit(factor: float, column: str) -> Fault:
    """From a day in the last half of the record on, spend of a channel or the outcome changes."""

    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, channel = some_cell(tables, rng)
        frame = (tables.spend if column == "spend" else tables.outcome).copy()
        rows = frame["account"] == account
        if column == "spend":
            rows &= frame["channel"] == channel
        dates = np.sort(frame.loc[rows, "date"].unique())
        since = dates[int(rng.integers(dates.size // 2, dates.size - 3))]
        frame.loc[rows & (frame["date"] >= since), column] *= factor
        changed = {"spend" if column == "spend" else "outcome": frame}
        cell = channel if column == "spend" else ""
        return wanted(tables, "unit_changed", account, cell, **changed)

    return plant


def micros(tables: Tables, rng: np.random.Generator) -> Tables:
    account, _ = some_cell(tables, rng)
    spend = tables.spend.copy()
    spend.loc[spend["account"] == account, "spend"] *= 1e6
    return wanted(tables, "unit_of_money", account, spend=spend)


def with_total(name: str) -> Fault:
    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, _ = some_cell(tables, rng)
        own = tables.spend[tables.spend["account"] == account]
        total = own.groupby(["account", "date"], as_index=False)["spend"].sum()
        spend = pd.concat([tables.spend, total.assign(channel=name)], ignore_index=True)
        return wanted(Tables(spend=spend, outcome=tables.outcome), "total_channel", account)

    return plant


def weekly_on(weekday: int) -> Fault:
    """The spend of one channel stands on one day of the week, the other days are 0."""

    def plant(tables: Tables, rng: np.random.Generator) -> Tables:
        account, channel = some_cell(tables, rng)
        spend = tables.spend.copy()
        rows = (spend["account"] == account) & (spend["channel"] == channel)
        own = spend[rows]
        week = own["date"] - pd.to_timedelta((own["date"].dt.day_of_week - weekday) % 7, unit="D")
        sums = own["spend"].groupby(week).transform("sum")
        spend.loc[rows, "spend"] = np.where(own["date"].dt.day_of_week == weekday, sums, 0.0)
        return wanted(tables, "spend_on_one_day", account, channel, spend=spend)

    return plant


WEEKLY: dict[str, Fault] = {
    "rows of a channel end 1 week early": rows_end(1),
    "rows of a channel end 3 weeks early": rows_end(3),
    "spend of a channel is 0 for 2 weeks": spend_zero(2),
    "an account ends 13 weeks early": stale(13),
    "last week holds 2 of 7 days": scaled_end(1, "unfinished_period", 2 / 7, 2 / 7),
    "last week holds 4 of 7 days": scaled_end(1, "unfinished_period", 4 / 7, 4 / 7),
    "last week holds 5 of 7 days": scaled_end(1, "unfinished_period", 5 / 7, 5 / 7),
    "outcome of 2 weeks is 0": scaled_end(2, "outcome_ends", 0.0, 1.0),
    "outcome of 6 weeks is missing": missing_end(6),
    "outcome of the last week is 30%": scaled_end(1, "outcome_late", 0.3, 1.0),
    "one spend x10": one_spend(10.0),
    "one spend x100": one_spend(100.0),
    "one spend x1,000": one_spend(1000.0),
    "one outcome x10": one_outcome(10.0),
    "one outcome x100": one_outcome(100.0),
    "spend x100 from a day on": another_unit(100.0, "spend"),
    "spend x1,000 from a day on": another_unit(1000.0, "spend"),
    "spend x1e6 from a day on": another_unit(1e6, "spend"),
    "spend / 1,000 from a day on": another_unit(1e-3, "spend"),
    "outcome x1,000 from a day on": another_unit(1000.0, "revenue"),
    "spend of an account in micros": micros,
    "a channel Total": with_total("Total"),
    "a sum called media": with_total("media"),
}
DAILY: dict[str, Fault] = {
    "rows of a channel end 5 days early": rows_end(5),
    "spend of a channel is 0 for 10 days": spend_zero(10),
    "weekly spend on Mondays": weekly_on(0),
    "outcome of 4 days is 0": scaled_end(4, "outcome_ends", 0.0, 1.0),
    "outcome of 3 days is 30%": scaled_end(3, "outcome_late", 0.3, 1.0),
    "last day holds 30%": scaled_end(1, "unfinished_period", 0.3, 0.3),
    "one spend x10, daily": one_spend(10.0),
    "one spend x100, daily": one_spend(100.0),
    "spend x1,000 from a day on, daily": another_unit(1000.0, "spend"),
}


def planted(seeds: range) -> pd.DataFrame:
    """One row per fault: how often it is found, holds its cells, and what else is found."""
    rows = []
    for spec, faults in ((WorldSpec(), WEEKLY), (WorldSpec.shop_daily(), DAILY)):
        for name, fault in faults.items():
            found, held, other = 0, 0, 0
            for seed in seeds:
                tables = fault(tables_of(spec, seed), np.random.default_rng([seed, 11]))
                hits, others = told(tables, check_data(tables.panel()))
                found, other = found + bool(hits), other + len(others)
                held += any(one.decides for one in hits)
            n = len(seeds)
            rows.append({"fault": name, "found": found / n, "held": held / n, "others": other})
    return pd.DataFrame(rows)


def told(tables: Tables, findings: tuple[Finding, ...]) -> tuple[list[Finding], list[Finding]]:
    """Findings of the planted kind about the planted cells, and findings about other cells."""
    own = {(tables.account, channel) for channel in tables.channels}
    hits = [one for one in findings if one.kind == tables.kind and own <= set(one.cells)]
    others = [one for one in findings if not own & set(one.cells)]
    return hits, others


# What is clean ----------------------------------------------------------------------------------


def clean(seeds: range) -> pd.DataFrame:
    """One row per family: worlds, cells, findings by kind."""
    specs = {"agency": WorldSpec.agency(), "shop_daily": WorldSpec.shop_daily()}
    specs |= families() | {f"noise: {name}": spec for name, spec in noise_families().items()}
    rows = []
    for name, spec in specs.items():
        few = seeds[:4] if spec.n_accounts > 100 else seeds
        panels = [
            ab.read_panel(world.spend, world.outcome, value_per_unit=spec.value)
            for world in (synthesize(spec, seed) for seed in few)
        ]
        rows.append({"family": name, "worlds": len(few), **counted(panels)})
    return pd.DataFrame(rows)


def counted(panels: list[ab.Panel]) -> dict[str, object]:
    found = [one for panel in panels for one in check_data(panel)]
    held = Counter(one.kind for one in found if one.decides)
    said = Counter(one.kind for one in found if not one.decides)
    return {
        "cells": sum(len(panel.cells) for panel in panels),
        "held": _list(held),
        "only said": _list(said),
    }


def _list(numbers: Counter) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(numbers.items())) or "-"


def real(folder: Path) -> pd.DataFrame:
    """One row per public set: as it is, and account by account as it stood on earlier nights."""
    rows = []
    for name in (*NIGHTS, *STILL):
        whole = getattr(reading, name)(folder)
        nights = list(earlier(whole, NIGHTS.get(name, 1)))
        for what, panels in (("as it is", [whole]), (f"{len(nights)} account-nights", nights)):
            if panels:
                rows.append({"set": name, "record": what, **counted(panels)})
    return pd.DataFrame(rows)


def earlier(panel: ab.Panel, n_nights: int) -> Iterator[ab.Panel]:
    """Each account by itself, without its last 1, 2, 3, ... periods."""
    for a in range(panel.n_accounts):
        for n in range(1, n_nights):
            try:
                yield without_last(only_accounts(panel, [a]), n)
            except ab.InputError:
                break


if __name__ == "__main__":
    main()
