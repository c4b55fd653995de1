"""Panel -> fit and decisions with every default, and what a reader wants to know of them.

Health, returns by channel, share owed to advertising, findings, calls. Knows no data set.
"""

from collections import Counter

import numpy as np
import pandas as pd

from adbudget import Panel, decide, fit, optimize
from adbudget.model.fit import Fit
from adbudget.panel.findings import caveats, check_identification
from benchmarks.real_data.settings import SAMPLING

QUANTILES = (0.05, 0.5, 0.95)


def describe(panel: Panel, seed: int) -> tuple[dict, Fit]:
    """Fit, look, optimize and decide as ``recommend`` does; the record and the fit."""
    fitted = fit(panel, seed=seed, **SAMPLING)
    findings = check_identification(panel)
    proposal = optimize(fitted.draws, panel.current_spend())
    decisions = decide(proposal, health=fitted.health, caveats=caveats(findings))
    record = {
        "size": [panel.n_accounts, panel.n_channels, panel.n_periods],
        "period": panel.period,
        "n_cells": len(panel.cells),
        "health": health_of(fitted),
        "roi": roi_by_channel(fitted),
        "roi_by_cell": roi_by_cell(fitted),
        "media_share": media_share(fitted),
        "findings": dict(Counter(finding.kind for finding in findings)),
        "calls": [
            {
                "account": call.account,
                "channel": call.channel,
                "action": str(call.action),
                "current": call.current_spend,
                "recommended": call.recommended_spend,
                "prob_gain": call.prob_gain,
            }
            for call in decisions.calls
        ],
    }
    return record, fitted


def health_of(fitted: Fit) -> dict:
    """Whether the draws can be trusted, and what the data said of their own noise."""
    health, noise = fitted.health, fitted.noise
    return {
        "ok": health.ok,
        "problems": list(health.problems),
        "warnings": list(health.warnings),
        "rhat": health.rhat_max,
        "ess_bulk": health.ess_bulk_min,
        "divergences": health.divergences,
        "n_draws": health.n_draws,
        "fit_r2": {str(name): float(value) for name, value in health.fit_r2.items()},
        "prior_share": float(health.prior_share.median()),
        "tail_df": None if np.isinf(noise.tail_df) else noise.tail_df,
        "level_power": noise.level_power,
        "autocorrelation": [float(value) for value in noise.autocorrelation],
    }


def roi_draws(fitted: Fit) -> np.ndarray:
    """(draw, account, channel) average return over the history; NaN where there is no cell."""
    roi = fitted.idata["posterior"]["roi"].transpose("chain", "draw", "account", "channel")
    return roi.to_numpy().reshape(-1, *roi.shape[2:])


def roi_by_channel(fitted: Fit) -> dict[str, list[float]]:
    """90% interval and median of each channel's return, accounts of one currency together.

    With several currencies every currency has its own rows: money of two is never added up.
    """
    panel, roi = fitted.panel, roi_draws(fitted)
    spend = np.where(panel.exists, panel.spend.sum(axis=2), 0.0)
    found = {}
    for code in dict.fromkeys(panel.currency):
        own = np.array([c == code for c in panel.currency])
        for i, channel in enumerate(panel.channels):
            weight = spend[own, i]
            if not weight.sum():
                continue
            pooled = np.nan_to_num(roi[:, own, i]) @ weight / weight.sum()
            name = channel if len(set(panel.currency)) == 1 else f"{channel} ({code})"
            found[name] = quantiles(pooled)
    return found


def roi_by_cell(fitted: Fit) -> list[dict]:
    """90% interval and median of the return, and spend, of every cell."""
    panel, roi = fitted.panel, roi_draws(fitted)
    return [
        {
            "account": panel.accounts[a],
            "channel": panel.channels[c],
            "roi": quantiles(roi[:, a, c]),
            "spend": float(panel.spend[a, c].sum()),
        }
        for a, c in np.argwhere(panel.exists)
    ]


def media_share(fitted: Fit) -> dict[str, list[float]]:
    """By account: share of the outcome owed to advertising over the history."""
    panel, roi = fitted.panel, np.nan_to_num(roi_draws(fitted))
    spend = np.where(panel.exists, panel.spend.sum(axis=2), 0.0)
    money = pd.Series(np.nansum(panel.outcome_money, axis=1), panel.accounts)
    return {
        name: quantiles((roi[:, a] * spend[a]).sum(axis=1) / money[name])
        for a, name in enumerate(panel.accounts)
    }


def quantiles(draws: np.ndarray) -> list[float]:
    """5%, 50% and 95%."""
    return [float(value) for value in np.quantile(draws, QUANTILES)]
