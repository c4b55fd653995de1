"""Small tables with known numbers, and the two ways to look at a refusal."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from adbudget.errors import InputError
from adbudget.panel.panel import Panel
from adbudget.panel.read import read_panel


def long_table(n_days=10, accounts=("A", "B"), channels=("google", "meta")) -> pd.DataFrame:
    """Daily spend 1, 2, 3, ... with the outcome, 10 times the day's spend, on every row."""
    keys = [accounts, channels, pd.date_range("2024-01-01", periods=n_days)]
    index = pd.MultiIndex.from_product(keys, names=["account", "channel", "date"])
    table = pd.DataFrame({"spend": np.arange(1.0, len(index) + 1)}, index=index).reset_index()
    table["revenue"] = 10 * table.groupby(["account", "date"])["spend"].transform("sum")
    return table


def two_tables(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    spend = table[["account", "channel", "date", "spend"]]
    return spend, table[["account", "date", "revenue"]].drop_duplicates(ignore_index=True)


def wide_table(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["account", "date", "revenue"]
    wide = table.set_index([*keys, "channel"])["spend"].unstack("channel").reset_index()  # noqa: PD010
    return wide.rename_axis(columns=None)


def refusal(*tables, **arguments) -> str:
    with pytest.raises(InputError) as error:
        read_panel(*tables, **arguments)
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


def assert_names(message: str, *parts: str) -> None:
    for part in parts:
        assert part in message


def assert_same(one: Panel, other: Panel) -> None:
    for field in fields(Panel):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name


def kinds(panel: Panel) -> set[str]:
    return {note.kind for note in panel.notes}
