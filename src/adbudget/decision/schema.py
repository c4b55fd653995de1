"""The columns of a frame of decisions: names, types and units, the same in every file.

Programs that read decisions rely on it: a column is never renamed, retyped or given another meaning
under one version; new columns come at the end and raise the version.
"""

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 2
BETWEEN = ";"  # of the kinds in ``data_findings``


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionColumn:
    """One column.

    Attributes
    ----------
    name : of the column
    kind : what it holds: "text", "number" or "whole number"
    unit : of a number; "" of text
    missing : whether a cell may lack it (NaN; null in JSON, empty in CSV)
    """

    name: str
    kind: Literal["text", "number", "whole number"]
    unit: str = ""
    missing: bool = False


def _text(*names: str) -> tuple[DecisionColumn, ...]:
    return tuple(DecisionColumn(name=name, kind="text") for name in names)


def _numbers(unit: str, *names: str, missing: bool = False) -> tuple[DecisionColumn, ...]:
    return tuple(
        DecisionColumn(name=name, kind="number", unit=unit, missing=missing) for name in names
    )


PER_PERIOD = "currency per period"
OUTCOME = "outcome per period"
RATIO = "outcome money per money"
SCHEMA: tuple[DecisionColumn, ...] = (
    *_text("account", "channel", "decision"),
    *_numbers(PER_PERIOD, "current_spend", "recommended_spend"),
    *_numbers("percent", "change_pct"),
    *_numbers(OUTCOME, "expected_lift", "lift_low", "lift_high", "risk_adjusted_lift"),
    *_numbers(PER_PERIOD, "expected_value"),
    *_numbers("probability", "prob_gain", "prob_error", "prob_needed"),
    *_numbers(PER_PERIOD, "considered_spend"),
    *_numbers(RATIO, "roi", "roi_low", "roi_high", missing=True),
    *_numbers(RATIO, "marginal_roi", "marginal_roi_low", "marginal_roi_high", "hurdle"),
    *_numbers("share", "flip_at", missing=True),
    *_text("confidence", "currency", "reason", "reason_code", "data_findings"),
    *_numbers("share", "prior_share", "margin"),
    *_text("data_from", "data_through"),
    DecisionColumn(name="schema_version", kind="whole number"),
    # since version 2
    *_numbers(PER_PERIOD, "learn_value", missing=True),
    *_text("next_test"),
)
