"""One account's rows -> its evidence as one row; or its decisions. Frames in, frames out.

Both are functions of one frame with a fixed set of columns and types, so engines that group rows
by account can map them, such as ``groupBy("account").applyInPandas`` of Spark. Neither reads nor
writes anything else.
"""

import io
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.schema import SCHEMA
from adbudget.errors import InputError
from adbudget.model.population import Population
from adbudget.panel.panel import Panel
from adbudget.panel.read import read_panel
from adbudget.recommendation import recommend
from adbudget.tables.messages import Note

# Column -> type, in order: of ``account_evidence``, as Spark writes it.
EVIDENCE: dict[str, str] = {
    "account": "string",
    "channels": "bigint",
    "periods": "bigint",
    "data_from": "string",
    "data_through": "string",
    "evidence": "binary",
}
DECISIONS: dict[str, str] = {
    one.name: {"text": "string", "number": "double", "whole number": "bigint"}[one.kind]
    for one in SCHEMA
}


def spark_schema(columns: Mapping[str, str]) -> str:
    """Columns and types as Spark writes a schema: ``account string, channels bigint, ...``."""
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def account_evidence(rows: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """One account's rows, checked and put on their calendar, as one row.

    Parameters
    ----------
    rows : of one account, as :func:`adbudget.read_panel` takes them, spend and outcome in one table
    options : of :func:`adbudget.read_panel`

    Returns
    -------
    DataFrame of one row with the columns of ``EVIDENCE``; ``evidence`` holds everything that
    :func:`adbudget.scale.learn` needs of the account, in plain arrays

    Raises
    ------
    InputError : the rows cannot be used, or are of several accounts

    Examples
    --------
    >>> from adbudget import scale
    >>> both = spend.merge(revenue, on=["account", "date"])
    >>> one = both[both["account"] == "account_01"].assign(account="new")
    >>> list(scale.account_evidence(one, currency="EUR").columns)
    ['account', 'channels', 'periods', 'data_from', 'data_through', 'evidence']
    """
    return evidence_of(read_panel(rows, **options))


def evidence_of(panel: Panel) -> pd.DataFrame:
    """The row of :func:`account_evidence` for a panel of one account."""
    if panel.n_accounts != 1:
        raise InputError(
            f"expected the rows of one account; got {panel.n_accounts}. Group them by account."
        )
    arrays = {f.name: getattr(panel, f.name) for f in fields(panel)}
    notes = [(n.kind, n.message, n.account or "", n.channel or "") for n in arrays.pop("notes")]
    arrays["notes"] = np.array(notes, dtype=str).reshape(-1, 4)
    packed = io.BytesIO()
    packable: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez_compressed(packed, **packable)
    row = {
        "account": panel.accounts[0],
        "channels": panel.n_channels,
        "periods": int(panel.last[0] - panel.first[0] + 1),
        "data_from": str(panel.dates[panel.first[0]]),
        "data_through": str(panel.dates[panel.last[0]]),
        "evidence": packed.getvalue(),
    }
    return pd.DataFrame([row], columns=list(EVIDENCE))


def panel_of(evidence: bytes) -> Panel:
    """The panel that a row of evidence holds.

    Raises
    ------
    InputError : it is no such row
    """
    try:
        with np.load(io.BytesIO(evidence), allow_pickle=False) as archive:
            values: dict[str, Any] = {name: archive[name] for name in archive.files}
        notes = [
            Note(kind=str(k), message=str(m), account=str(a) or None, channel=str(c) or None)
            for k, m, a, c in values.pop("notes")
        ]
    except (ValueError, KeyError, OSError, EOFError) as cause:
        raise InputError(
            f"a row of evidence cannot be read ({cause}). Make it again with account_evidence."
        ) from cause
    for name in ("accounts", "channels", "controls", "currency"):
        values[name] = tuple(str(one) for one in values[name])
    for name in ("period", "outcome_name", "today"):
        values[name] = str(values[name])
    values["period_days"] = float(values["period_days"])
    return Panel(notes=tuple(notes), **values)


def decide_account(
    rows: pd.DataFrame, population: "Population | str", **options: Any
) -> pd.DataFrame:
    """Decisions of one account, given what other accounts have shown.

    Parameters
    ----------
    rows : of one account: as :func:`account_evidence` takes them, or its row
    population : of other accounts; a record, or the path of its file
    options : of :func:`adbudget.recommend` but ``population``

    Returns
    -------
    DataFrame, one row per channel, with the columns and types of
    :mod:`adbudget.decision.schema` (``DECISIONS``)

    Raises
    ------
    InputError : the rows cannot be used; the account helped to learn the population

    Examples
    --------
    >>> from adbudget import scale
    >>> both = spend.merge(revenue, on=["account", "date"])
    >>> one = both[both["account"] == "account_01"].assign(account="new")
    >>> made = scale.decide_account(
    ...     one, fit.population, currency="EUR", seed=0, draws=150, tune=150, chains=2
    ... )
    >>> made["channel"].tolist()
    ['search', 'shopping']
    """
    data: Any = rows
    if set(EVIDENCE) <= set(rows.columns):
        if len(rows) != 1:
            raise InputError(f"expected the evidence of one account; got {len(rows)} rows.")
        data = panel_of(rows["evidence"].iloc[0])
    settings = {"progress": False, "cores": 1} | options
    frame = recommend(data, population=population, **settings)
    return frame.loc[:, list(DECISIONS)].reset_index(drop=True)
