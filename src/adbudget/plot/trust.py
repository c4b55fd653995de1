"""Health of a fit -> whether to believe it: convergence against its targets, prior share, fit."""

from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd

from adbudget.display.page import counted
from adbudget.draws import DIVERGENCE_LIMIT, ESS_TARGET, RHAT_TARGET, VAGUE, Health
from adbudget.errors import InputError
from adbudget.plot.axes import dress, panels, plain, share
from adbudget.plot.palette import FAIL, FAINT, INK, PASS, REVIEW

WIDE, MOST_LINES = 62, 3  # of a sentence beside the figures
TARGETS = {  # what a fit is sampled on for
    "r-hat": RHAT_TARGET,
    "effective draws": ESS_TARGET,
    "divergent share": DIVERGENCE_LIMIT,
}


def health_data(health: Health) -> pd.DataFrame:
    """Convergence figures beside their targets, then prior share by cell and fit by account.

    Parameters
    ----------
    health : of a fit

    Returns
    -------
    pd.DataFrame with figure ("r-hat", "effective draws", "divergent share", "prior share",
    "explained"), account, channel ("" where it is of all), value, target (NaN without one), good
    (whether the target is met; True without one)

    Raises
    ------
    InputError : not the health of a fit

    Examples
    --------
    >>> list(ab.plot.health_data(fit.health).columns)
    ['figure', 'account', 'channel', 'value', 'target', 'good']
    """
    if not isinstance(health, Health):
        raise InputError(f"health must be fit.health; got {type(health).__name__}.")
    draws = max(health.n_draws, 1)
    told = {
        "r-hat": health.rhat_max,
        "effective draws": min(health.ess_bulk_min, health.ess_tail_min),
        "divergent share": health.divergences / draws,
    }
    rows: list[tuple[Any, ...]] = []
    for name, value in told.items():
        target = TARGETS[name]
        good = value >= target if name == "effective draws" else value <= target
        rows.append((name, "", "", float(value), target, bool(good)))
    cells: Any = health.prior_share.items()
    for (account, channel), value in cells:
        rows.append(("prior share", account, channel, float(value), VAGUE, bool(value <= VAGUE)))
    rows += [
        ("explained", account, "", float(value), np.nan, True)
        for account, value in health.fit_r2.items()
    ]
    columns = ["figure", "account", "channel", "value", "target", "good"]
    return pd.DataFrame(rows, columns=columns)


def health(health: Health, *, ax: Any = None) -> np.ndarray:
    """Whether a fit can be trusted: figures against targets, and how much of it is prior.

    Parameters
    ----------
    health : of a fit
    ax : two axes to draw on

    Returns
    -------
    array of two Axes: convergence in words and figures; share of prior of all cells

    Raises
    ------
    InputError : not the health of a fit, or matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.health(fit.health)
    """
    from matplotlib.ticker import MaxNLocator

    data: Any = health_data(health)
    left, right = panels(2, ax, share=False, size=(4.2, 3.2))
    figures: Any = data[data["target"].notna() & (data["account"] == "")]
    left.set_axis_off()
    for i, row in enumerate(figures.to_dict("records")):
        hue = PASS if row["good"] else REVIEW if health.ok else FAIL
        kind = ".3f" if row["figure"] == "r-hat" else ".1%" if "share" in row["figure"] else ",.0f"
        sign = "at least" if row["figure"] == "effective draws" else "at most"
        told = f"{row['figure']}  {row['value']:{kind}}  (target: {sign} {row['target']:{kind}})"
        left.text(0, 0.86 - 0.16 * i, "✔" if row["good"] else "✘", color=hue, fontsize=12)
        left.text(0.09, 0.86 - 0.16 * i, told, color=INK, fontsize=9)
    word = "The draws can be trusted." if health.ok else "The draws can NOT be trusted."
    left.text(0, 0.30, word, fontsize=10, color=PASS if health.ok else FAIL, weight="bold")
    for i, one in enumerate((*health.problems, *health.warnings)[:2]):
        told = "\n".join(wrap(one, WIDE)[:MOST_LINES])
        left.text(0, 0.22 - 0.17 * i, plain(told), fontsize=7, va="top", color=INK)
    shares = data.loc[data["figure"] == "prior share", "value"].to_numpy()
    counts, edges = np.histogram(shares, bins=np.linspace(0, 1, 11))
    right.bar(edges[:-1], counts, width=0.1, align="edge", color=FAINT, edgecolor="white")
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    right.axvline(VAGUE, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    vague = int((shares > VAGUE).sum())
    dress(
        right,
        title=f"{vague:,} of {counted(shares.size, 'cell')} mostly prior",
        x="share of prior in what is said of a cell",
        y="cells",
        x_text=share,
    )
    return np.array([left, right], dtype=object)
