"""Default priors -> what they say of a panel before its outcome is known, beside real ranges.

With the Conjura files at hand the panel is their real daily spend and the ranges are those of
their published series; without them it is a synthetic shop, and no ranges are drawn.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from adbudget import Panel, prior_predictive, read_panel
from adbudget.model.curves_of import curve_draws
from adbudget.model.evidence import gather
from adbudget.model.predict import prior_positions
from adbudget.model.transform import cell_draws
from adbudget.synthetic import WorldSpec, synthesize

from .joint import Setting, make_setting
from .likely import draw_likely
from .plots import plot_priors
from .report import PAGE, filled

DAILY, PROFILE = "conjura_ecommerce_daily.csv.gz", "conjura_series_profile_134of143.csv"
SEED = 1
N_DRAWS, N_PATHS = 4000, 400
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LOWEST_MARGINAL = 0.003  # the left end of a logarithmic axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number the priors speak about.

    Attributes
    ----------
    name : what it is
    drawn : draws, flat
    real : label and range of the same number in real data, or None
    axis : (low, high) of the plot
    log : whether the axis is logarithmic
    """

    name: str
    drawn: np.ndarray
    real: tuple[str, float, float] | None
    axis: tuple[float, float]
    log: bool = False


def report_prior(folder: Path | None, page: Path = PAGE) -> None:
    """Rewrite the prior table and picture of the page.

    Parameters
    ----------
    folder : holds the Conjura files; None takes a synthetic shop and draws no ranges
    """
    missing = [name for name in (DAILY, PROFILE) if folder and not (folder / name).exists()]
    if missing:
        raise SystemExit(f"{folder} holds no {missing}; leave --real away to go without real data.")
    setting = make_setting(conjura_panel(folder) if folder else shop_panel())
    rows = prior_rows(setting, real_ranges(folder, setting.panel) if folder else {})
    plot_priors(rows, "calibration_prior.png")
    what = "real daily spend of four Conjura series" if folder else "spend of a synthetic shop"
    text = filled(page.read_text(encoding="utf-8"), "prior", prior_table(rows, what))
    page.write_text(text, encoding="utf-8")


def shop_panel() -> Panel:
    """Three synthetic shops, 400 days each."""
    world = synthesize(WorldSpec.shop_daily(), SEED)
    return read_panel(world.spend, world.outcome)


def conjura_panel(folder: Path) -> Panel:
    """The published daily series: every one an account, revenue after discount."""
    table = pd.read_csv(folder / DAILY, parse_dates=["DATE_DAY"])
    table["account"] = table["MMM_TIMESERIES_ID"].str[:8]
    table["revenue"] = table["ALL_PURCHASES_ORIGINAL_PRICE"] - table["ALL_PURCHASES_GROSS_DISCOUNT"]
    table = table.rename(columns={"DATE_DAY": "date", "CURRENCY_CODE": "currency"})
    channels = [name for name in table.columns if name.endswith("_SPEND")]
    spend = table.melt(["account", "date", "currency"], channels, "channel", "spend")
    spend["channel"] = spend["channel"].str.removesuffix("_SPEND").str.lower()
    return read_panel(
        spend.dropna(subset=["spend"]),
        table[["account", "date", "currency", "revenue"]],
        missing_spend="zero",  # the publisher leaves a channel empty on days it is not in use
    )


def real_ranges(folder: Path, panel: Panel) -> dict[str, tuple[str, float, float]]:
    """Name of a row -> label and range in real data."""
    ranges = {}
    profile = pd.read_csv(folder / PROFILE)
    for name, column in (("variation", "target_cv"), ("correlation", "spend_target_corr")):
        low, high = profile[column].quantile([0.05, 0.95])
        ranges[name] = (f"{len(profile)} real series, 5% to 95%", low, high)
    revenue = np.nansum(panel.outcome_money, axis=1)
    blended = revenue / panel.spend.sum(axis=(1, 2))
    # No channel can return more than all revenue, unless the others and the baseline cost sales.
    ranges["roi"] = ("at most all revenue over all spend, 4 series", 0.0, blended.max())
    return ranges


def prior_rows(setting: Setting, real: dict[str, tuple[str, float, float]]) -> list[Row]:
    """What the priors say of this panel."""
    panel, priors = setting.panel, setting.priors
    said = prior_predictive(panel, priors, seed=SEED, draws=N_DRAWS)
    roi, share = (said[name].to_numpy() for name in ("roi", "media_share"))
    roi = roi[np.isfinite(roi)]
    variation, correlation = _path_statistics(setting)
    return [
        Row(
            name="ROI of a channel",
            drawn=np.maximum(roi, LOWEST_MARGINAL),
            real=real.get("roi"),
            axis=(LOWEST_MARGINAL, 100.0),
            log=True,
        ),
        Row(
            name="marginal ROI at current spend",
            drawn=np.maximum(_marginal_roi(setting), LOWEST_MARGINAL),
            real=None,
            axis=(LOWEST_MARGINAL, 100.0),
            log=True,
        ),
        Row(
            name="share of the outcome owed to advertising",
            drawn=share.ravel(),
            real=("possible with a baseline above zero", 0.0, 1.0),
            axis=(0.0, 3.0),
        ),
        Row(
            name="mean half-life, days",
            drawn=_finite(said["half_life_days"].to_numpy()),
            real=None,
            axis=(0.0, max(priors.half_life_days)),
        ),
        Row(
            name="variation of the daily outcome, sd over mean",
            drawn=variation,
            real=real.get("variation"),
            axis=(0.0, 3.0),
        ),
        Row(
            name="correlation of daily spend and outcome",
            drawn=correlation,
            real=real.get("correlation"),
            axis=(-1.0, 1.0),
        ),
    ]


def prior_table(rows: list[Row], what: str) -> str:
    """Quantiles of every row, and how often it leaves the real range."""
    lines = [
        f"Over the {what}, default priors (`Priors()`):",
        "",
        "| | " + " | ".join(f"{q:.0%}" for q in QUANTILES) + " | real range | prior inside it |",
        "|---" * (len(QUANTILES) + 3) + "|",
    ]
    for row in rows:
        quantiles = " | ".join(f"{value:.2f}" for value in np.quantile(row.drawn, QUANTILES))
        known = row.real
        inside = np.mean((row.drawn >= known[1]) & (row.drawn <= known[2])) if known else None
        lines.append(
            f"| {row.name} | {quantiles} | "
            + (
                f"{known[1]:.2f} to {known[2]:.2f} ({known[0]}) | {inside:.0%} |"
                if known
                else "| |"
            )
        )
    return "\n".join(lines)


def _marginal_roi(setting: Setting) -> np.ndarray:
    """(draw * cell,) money per unit of money at current spend; cells that are off left out."""
    panel = setting.panel
    positions = prior_positions(setting.layout, setting.priors, N_DRAWS // 4, SEED)
    cells = cell_draws(positions[None], setting.layout, setting.priors, *setting.cell_index)
    draws = curve_draws(cells, gather(panel, setting.design), panel, setting.priors)
    current = panel.current_spend()
    marginal = draws.marginal(current).to_numpy() * panel.unit_value[:, None]
    return marginal[:, draws.aligned(current) > 0].ravel()


def _path_statistics(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Variation of outcome paths, and their correlation with spend; (draw * account,) each.

    Paths are what a table may hold: above zero, with the mean outcome of their panel.
    """
    spend = setting.panel.spend.sum(axis=1)
    variation, correlation = [], []
    for path in draw_likely(setting, SEED, N_PATHS).paths:
        for a in range(setting.panel.n_accounts):
            seen = np.isfinite(path[a])
            variation.append(path[a, seen].std())  # over a mean of one
            correlation.append(np.corrcoef(spend[a, seen], path[a, seen])[0, 1])
    return np.array(variation), np.array(correlation)


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]
