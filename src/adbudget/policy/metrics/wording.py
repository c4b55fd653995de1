"""Figures behind a decision -> text, as people write them. Knows no rules and no currency."""

from collections.abc import Mapping

from adbudget.policy.metrics.registry import CHANGE, METRICS, TARGET
from adbudget.policy.metrics.units import RATIO


def figure_text(value: float, label: str) -> str:
    """A figure by its label: 35, 40.50, 40%, +52.5%.

    Parameters
    ----------
    label : what evidence calls it: "cpl", "cpl 1 day before", "cpl_change", "target_ctr"
    """
    name = label.split(" ")[0]
    if name.endswith(CHANGE):
        return f"{value:+.4g}" if abs(value) >= 100 else f"{100 * value:+.4g}%"
    metric = METRICS.get(name.removeprefix(f"{TARGET}_"))
    if metric is not None and metric.percent:
        return f"{100 * value:.4g}%"
    text = f"{value:,.2f}"
    if metric is not None and metric.unit.money == 0 and metric.unit != RATIO:
        return text.rstrip("0").rstrip(".")
    return text.removesuffix(".00") if value == round(value) else text


def evidence_text(evidence: Mapping[str, float]) -> str:
    """Figures in words: "cpl 61, cpl 1 day before 40, cpl_change +52.5%"."""
    return ", ".join(f"{label} {figure_text(value, label)}" for label, value in evidence.items())
