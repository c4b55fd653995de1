"""Fit -> what each part brought, by account and over all of them: pictures and plain values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adbudget.money import amount, estimate_text
from adbudget.plot.contributions import contribution_data, layers_of, n_draws, share_data
from adbudget.plot.palette import slots
from adbudget.plot.past import history_data
from adbudget.reporting.html.charts import (
    bar_picture,
    history_picture,
    hue_class,
    stack_picture,
)
from adbudget.reporting.html.decisions import Row, records

if TYPE_CHECKING:
    import xarray as xr

    from adbudget.model.fit import Fit

AT_ONCE = 20  # accounts whose contributions are drawn together
TINY = 1e-4  # share of the outcome below which a part of the baseline is not told
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Brought:
    """What brought the outcome.

    Attributes
    ----------
    accounts : one row per account: pictures, parts, how far the model is off
    channels : one row per currency and channel, all accounts together; () where there is one
    bases : one sentence per currency: what came without advertising, all accounts together
    shares : of all accounts, from :func:`adbudget.plot.share_data`
    """

    accounts: tuple[Row, ...]
    channels: tuple[Row, ...]
    bases: tuple[str, ...]
    shares: pd.DataFrame


def brought_by(fit: "Fit") -> Brought:
    """What each part of the outcome was, over the record."""
    panel = fit.panel
    hues, blocks, frames = slots(panel.channels), [], []
    again = fit.posterior_predictive(seed=0, draws=n_draws(fit))
    totals: dict[tuple[str, str], np.ndarray] = {}
    paid: dict[tuple[str, str], float] = {}
    alone: dict[str, np.ndarray] = {}
    whole: dict[str, np.ndarray] = {}
    for a, (account, drawn) in enumerate(_contributions(fit)):
        shares: Any = share_data(fit, account, drawn=drawn)
        frames.append(shares)
        spend = dict(zip(panel.channels, panel.spend[a].sum(axis=1), strict=True))
        past: Any = history_data(fit, account, replicated=again, drawn=drawn)
        layers = layers_of(contribution_data(fit, account, drawn=drawn))
        named = f"{account}: {panel.outcome_name}"
        blocks.append(
            {
                "account": account,
                "code": panel.currency[a],
                "told": _fit_told(fit, account, past),
                "picture": history_picture(past, f"{named} as recorded and as expected"),
                "stack": stack_picture(layers, past, hues, f"{named} by what brought it"),
                "parts": _parts(shares, spend, hues),
            }
        )
        code, own = panel.currency[a], float(panel.unit_value[a]) * drawn.sel(account=account)
        media = own["media"].sum("date")
        alone[code] = alone.get(code, 0.0) + own["baseline"].sum(("part", "date")).to_numpy()
        whole[code] = whole.get(code, 0.0) + own["expected"].sum("date").to_numpy()
        for name in shares.loc[shares["kind"] == "channel", "part"]:
            key = (code, str(name))
            totals[key] = totals.get(key, 0.0) + media.sel(channel=name).to_numpy()
            paid[key] = paid.get(key, 0.0) + float(spend[name])
    return Brought(
        accounts=tuple(blocks),
        channels=() if len(blocks) == 1 else _channels(totals, paid, hues),
        bases=tuple(_base_told(code, alone[code], whole[code]) for code in sorted(alone)),
        shares=pd.concat(frames, ignore_index=True),
    )


def _parts(shares: Any, spend: Mapping[str, float], hues: Mapping[str, int]) -> list[Row]:
    """Parts of the outcome of one account, the largest first."""
    shown = shares[(shares["kind"] == "channel") | (shares["share"].abs() > TINY)]
    shown = shown.sort_values("share", ascending=False, kind="stable")
    top = float(np.nanmax(shown[["share_high", "spend_share"]].to_numpy()))
    parts = []
    for row in records(shown):
        hue = hue_class(hues[row["part"]]) if row["kind"] == "channel" else "cx"
        told = f"{row['share']:.0%} ({row['share_low']:.0%} to {row['share_high']:.0%})"
        ends = (row["total"], row["total_low"], row["total_high"])
        drawn = bar_picture(
            row["share"], row["share_low"], row["share_high"], top, hue, f"{row['part']}: {told}"
        )
        parts.append(
            {
                "part": row["part"],
                "hue": hue,
                "total": amount(row["total"]),
                "told": told,
                "spend": "" if isnan(row["spend_share"]) else f"{row['spend_share']:.0%}",
                "roi": _back(ends, spend.get(row["part"], 0.0)),
                "picture": drawn,
            }
        )
    return parts


def _channels(
    totals: Mapping[tuple[str, str], np.ndarray],
    paid: Mapping[tuple[str, str], float],
    hues: Mapping[str, int],
) -> tuple[Row, ...]:
    """What each channel brought in all accounts of a currency together, the dearest first."""
    rows = []
    for code, name in sorted(totals, key=lambda key: (key[0], -paid[key])):
        drawn = totals[code, name]
        low, high = np.quantile(drawn, INTERVAL)
        ends = (float(drawn.mean()), float(low), float(high))
        rows.append(
            {
                "channel": name,
                "code": code,
                "hue": hue_class(hues[name]),
                "spend": amount(paid[code, name]),
                "total": amount(ends[0]),
                "range": f"{amount(ends[1])} to {amount(ends[2])}",
                "roi": _back(ends, paid[code, name]),
            }
        )
    return tuple(rows)


def _base_told(code: str, alone: np.ndarray, whole: np.ndarray) -> str:
    """What came without advertising: money, and its share of what is expected."""
    low, high = np.quantile(alone / whole, INTERVAL)
    return (
        f"Without advertising: {estimate_text(float(alone.mean()), code)} of "
        f"{amount(float(whole.mean()))}, {float((alone / whole).mean()):.0%} "
        f"({low:.0%} to {high:.0%})."
    )


def _back(ends: tuple[float, float, float], paid: float) -> str:
    """Mean return with its interval; nothing where nothing was paid."""
    if paid <= 0:
        return ""
    mean, low, high = (one / paid for one in ends)
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"


def _fit_told(fit: "Fit", account: str, past: Any) -> str:
    """How well the model follows the record, in a sentence."""
    size = float(past["outcome"].abs().sum())
    off = "" if size <= 0 else f"; it is off by {float(past['residual'].abs().sum()) / size:.1%}"
    explained = float(fit.health.fit_r2.loc[account])
    return f"The model explains {explained:.0%} of what moved{off} of the outcome on average."


def _contributions(fit: "Fit") -> "Iterator[tuple[str, xr.Dataset]]":
    """(account, joint draws that hold it), some accounts at a time, for time and memory."""
    accounts = fit.panel.accounts
    for first in range(0, len(accounts), AT_ONCE):
        some = accounts[first : first + AT_ONCE]
        drawn = fit.contributions(seed=0, draws=n_draws(fit), accounts=some)
        yield from ((account, drawn) for account in some)
