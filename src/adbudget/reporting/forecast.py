"""Forecast, TargetPlan -> what a terminal shows of them."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table

from adbudget.forecasting import Forecast, TargetPlan
from adbudget.money import amount, estimate_text
from adbudget.reporting.columns import Column, columns_table
from adbudget.reporting.text import PERIOD_NOUNS, Text, change, counted

Row = dict[str, Any]
LEAST_MISSED = ("CPA, 90%", "ROAS, 90%")


def forecast_report(
    made: Forecast,
    by: Literal["account", "channel"],
    each: Literal["period", "horizon"],
    width: int,
) -> RenderableType:
    """Head, one row per account (or channel) and period, warnings and notes.

    Parameters
    ----------
    made : the forecast
    by, each : as in :meth:`Forecast.to_frame`
    width : of the terminal
    """
    by_channel, by_period = by == "channel", each == "period"
    keys = ["account", *(["channel"] if by_channel else []), *(["date"] if by_period else [])]
    frame = made.to_frame(by, each=each)
    rows = _rows(frame, keys)
    codes = dict(zip(made.accounts, made.currency, strict=True))
    columns = [
        *(Column(title=key, text=_text_of(key), right=False) for key in keys),
        Column(
            title="spend", text=lambda row: estimate_text(row["spend"][0], codes[row["account"]])
        ),
        Column(title=made.outcome_name, text=lambda row: amount(row["outcome"][0])),
        Column(title="90%", text=lambda row: _range(row["outcome"], 0)),
        Column(title="ROAS", text=lambda row: amount(row["roas"][0], 2)),
        Column(title="ROAS, 90%", text=lambda row: _range(row["roas"], 2)),
    ]
    if made.counts:
        columns += [
            Column(title="CPA", text=lambda row: amount(row["cpa"][0], 2)),
            Column(title="CPA, 90%", text=lambda row: _range(row["cpa"], 2)),
        ]
    table = columns_table(columns, rows, width=width, dropped_first=LEAST_MISSED, indent=0)
    return Group(Text(_head(made, by_channel)), Text(), table, *_said(made))


def target_report(reached: TargetPlan, width: int) -> RenderableType:
    """The sentence of a plan that reaches a target, and its spend by cell."""
    every = reached.to_frame()
    frame = pd.DataFrame(every[every["account"].isin(reached.accounts)])
    rows: list[Row] = [
        {str(key): value for key, value in row.items()} for row in frame.to_dict("records")
    ]
    columns = [
        Column(title="account", text=lambda row: str(row["account"]), right=False),
        Column(title="channel", text=lambda row: str(row["channel"]), right=False),
        Column(title="today", text=lambda row: amount(row["current_spend"])),
        Column(title="plan", text=lambda row: amount(row["spend"])),
        Column(title="change", text=lambda row: change(row["change_pct"])),
    ]
    table = columns_table(columns, rows, width=width, indent=0)
    return Group(Text(reached.reason, style="bold"), Text(), table, Text())


def _each(each: str) -> Any:
    return each


def _rows(frame: pd.DataFrame, keys: list[str]) -> list[Row]:
    """One record per key, every metric as (mean, low, high)."""
    rows: dict[tuple, Row] = {}
    for record in frame.to_dict("records"):
        key = tuple(record[name] for name in keys)
        row = rows.setdefault(key, dict(zip(keys, key, strict=True)))
        row[record["metric"]] = (record["mean"], record["low"], record["high"])
    return list(rows.values())


def _text_of(key: str) -> Any:
    return (lambda row: f"{row[key]:%Y-%m-%d}") if key == "date" else (lambda row: str(row[key]))


def _range(values: Sequence[float], digits: int) -> str:
    return f"[{amount(values[1], digits)}; {amount(values[2], digits)}]"


def _head(made: Forecast, by_channel: bool) -> str:
    dates = made.draws["date"].to_index()
    what = f"{made.outcome_name} that each channel brings" if by_channel else made.outcome_name
    per = counted(len(dates), PERIOD_NOUNS[made.period])
    return f"Forecast of {what}, {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}: {per}."


def _said(made: Forecast) -> list[RenderableType]:
    """Warnings, then notes."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="bold")
    lines.add_column(overflow="fold")
    for position, warning in enumerate(made.warnings):
        lines.add_row("" if position else "Warnings", Text(warning, style="yellow"))
    for position, note in enumerate(made.notes):
        lines.add_row("" if position else "Notes", Text(note))
    return [Text(), lines] if made.warnings or made.notes else []
