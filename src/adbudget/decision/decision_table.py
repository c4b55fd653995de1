"""Calls and the plan they make up -> the columns that stand on them alone, totals, and a page.

What the panel adds (findings, dates) is added where the panel is known: ``recommendation.py``.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from adbudget.decision.action import Action, Decision
from adbudget.decision.moves import cell_money, marginal_money
from adbudget.decision.schema import SCHEMA_VERSION
from adbudget.display.page import Page, counted
from adbudget.money import amount
from adbudget.optimizer import Proposal
from adbudget.risk import prob_gain, risk_adjusted, tail_mean

INTERVAL = (0.05, 0.95)
WORST = 0.10  # share of draws that are called the worst tenth


def decision_columns(
    calls: Sequence[Decision], proposal: Proposal, elsewhere: np.ndarray, prior_share: np.ndarray
) -> pd.DataFrame:
    """One row per cell, with the columns of :mod:`adbudget.decision.schema` that need no panel.

    Parameters
    ----------
    calls, proposal, elsewhere, prior_share : of :class:`adbudget.Decisions`
    """
    draws = proposal.draws
    now, after = proposal.current.spend, proposal.plan.spend
    account = np.argwhere(draws.exists)[:, 0]
    margin = draws.margin[account]
    money_now, lift = cell_money(draws, now) / margin, lift_draws(proposal)
    with np.errstate(divide="ignore", invalid="ignore"):
        roi = money_now / now.to_numpy(float)
        change = np.where(now > 0, 100 * (after / now - 1), np.where(after > 0, np.inf, 0.0))
    slope = marginal_money(draws, now) / margin
    table = {
        "account": [call.account for call in calls],
        "channel": [call.channel for call in calls],
        "decision": [str(call.action) for call in calls],
        "current_spend": now.to_numpy(float),
        "recommended_spend": [call.recommended_spend for call in calls],
        "change_pct": change,
        **_interval("lift", lift, mean_name="expected_lift"),
        "risk_adjusted_lift": [risk_adjusted(column, proposal.risk) for column in lift.T],
        "expected_value": lift.mean(axis=0) * margin - (after - now).to_numpy(float),
        "prob_gain": [call.prob_gain for call in calls],
        "prob_error": [call.prob_error for call in calls],
        "prob_needed": [call.prob_needed for call in calls],
        "considered_spend": [call.considered_spend for call in calls],
        **_interval("roi", roi),
        **_interval("marginal_roi", slope),
        "hurdle": elsewhere / margin,
        "flip_at": [call.flip_at for call in calls],
        "confidence": [call.confidence for call in calls],
        "currency": [draws.currency[a] for a in account],
        "reason": [call.reason for call in calls],
        "reason_code": [str(call.reason_code) for call in calls],
        "prior_share": prior_share,
        "margin": margin,
        "schema_version": SCHEMA_VERSION,
    }
    return pd.DataFrame(table)


def lift_draws(proposal: Proposal) -> np.ndarray:
    """(draw, cell) outcome money per period that the plan adds to today's."""
    draws = proposal.draws
    margin = draws.margin[np.argwhere(draws.exists)[:, 0]]
    now, after = proposal.current.spend, proposal.plan.spend
    return (cell_money(draws, after) - cell_money(draws, now)) / margin


def _interval(name: str, values: np.ndarray, mean_name: str | None = None) -> dict[str, np.ndarray]:
    low, high = np.quantile(values, INTERVAL, axis=0)
    return {mean_name or name: values.mean(axis=0), f"{name}_low": low, f"{name}_high": high}


def totals_by_currency(frame: pd.DataFrame, lift: np.ndarray) -> list[dict[str, Any]]:
    """Spend, lift and value per currency: money of several is never added up."""
    totals = []
    for code in dict.fromkeys(frame["currency"]):
        rows = (frame["currency"] == code).to_numpy()
        total_lift = lift[:, rows].sum(axis=1)
        low, high = np.quantile(total_lift, INTERVAL)
        own = frame.loc[rows]
        added = float(own["recommended_spend"].sum() - own["current_spend"].sum())
        value = lift[:, rows] @ own["margin"].to_numpy(float) - added
        value_low, value_high = np.quantile(value, INTERVAL)
        totals.append(
            {
                "currency": code,
                "current_spend": float(frame.loc[rows, "current_spend"].sum()),
                "recommended_spend": float(frame.loc[rows, "recommended_spend"].sum()),
                "expected_lift": float(total_lift.mean()),
                "lift_low": float(low),
                "lift_high": float(high),
                "expected_value": float(frame.loc[rows, "expected_value"].sum()),
                "value_low": float(value_low),
                "value_high": float(value_high),
                "worst_tenth": tail_mean(value, WORST),
                "prob_gain": prob_gain(value),
            }
        )
    return totals


def frontier_rows(
    calls: Sequence[Decision], proposal: Proposal, prob: float, expected_wrong_share: float
) -> list[dict[str, Any]]:
    """What one list of calls is worth, by currency."""
    tail = proposal.risk.tail
    codes = pd.Index(proposal.draws.currency)[np.argwhere(proposal.draws.exists)[:, 0]]
    moved = (proposal.plan.spend - proposal.current.spend).abs()
    called = np.array([call.action != Action.MONITOR for call in calls])
    value = proposal.value.to_numpy().reshape(proposal.draws.n_draws, -1)
    return [
        {
            "prob": prob,
            "currency": code,
            "calls": int(called[codes == code].sum()),
            "expected_wrong_share": expected_wrong_share,
            "moved": float(moved[codes == code].sum()),
            "expected_gain": float(column.mean()),
            "worst_tenth": tail_mean(column, tail),
        }
        for code, column in zip(dict.fromkeys(codes), value.T, strict=True)
    ]


def decisions_page(
    calls: Sequence[Decision], expected_wrong_share: float, max_wrong_share: float
) -> Page:
    """Calls first, those that are watched by kind, and what to ask next."""
    moves = [call for call in calls if call.action != Action.MONITOR]
    counts = Counter(str(call.action) for call in calls)
    watched = Counter(str(c.reason_code) for c in calls if c.action == Action.MONITOR)
    told = ", ".join(f"{counts[action]:,} {action}" for action in Action)
    facts = [("calls", told)]
    if moves:
        wrong = f"{expected_wrong_share:.1%} of the moves, at most {max_wrong_share:.0%} allowed"
        facts.append(("expected wrong", wrong))
    if watched:
        facts.append(("monitored", ", ".join(f"{n:,} {code}" for code, n in watched.most_common())))
    rest = [call for call in calls if call.action == Action.MONITOR]
    rows = [
        (
            call.account,
            call.channel,
            str(call.action),
            amount(call.current_spend),
            amount(call.recommended_spend),
            f"{call.prob_gain:.0%}",
            str(call.reason_code),
        )
        for call in (*moves, *rest)
    ]
    return Page(
        title=f"Decisions about {counted(len(calls), 'account-channel')}, money per period",
        facts=facts,
        titles=("account", "channel", "decision", "now", "next", "P(gain)", "why"),
        rows=rows,
        n_words=3,
        next=(".to_frame()  .summary()  .calls[0].reason  .frontier()",),
    )
