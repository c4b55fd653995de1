"""A policy around the model: limits before the search, verdicts after it.

Draws and decisions go in, Limits and a frame with verdicts come out. It carries the figures from
one side to the other and decides nothing itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from adbudget.draws import CurveDraws, SpendLike
from adbudget.plan import Limits
from adbudget.policy.file import load_policy
from adbudget.policy.review import Cells, limits_of, review
from adbudget.policy.rulebook import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyGuard:
    """A policy, ready to guard.

    Attributes
    ----------
    policy : from :func:`adbudget.load_policy`
    """

    policy: Policy

    @classmethod
    def of(cls, policy: Policy | Mapping[str, object] | str | Path) -> "PolicyGuard":
        """PolicyGuard of a policy, or of what :func:`adbudget.load_policy` takes."""
        return cls(policy=policy if isinstance(policy, Policy) else load_policy(policy))

    def limits(self, limits: Limits | None, draws: CurveDraws, current: SpendLike) -> Limits:
        """Narrow the caller's limits to those of the policy, for every cell of the draws."""
        spend = pd.Series(draws.aligned(current)[draws.exists], index=draws.cells)
        return limits_of(self.policy, limits, spend, draws.period_days)

    def reviewed(
        self, frame: pd.DataFrame, draws: CurveDraws, last_day: np.datetime64
    ) -> pd.DataFrame:
        """Add the policy's judgement to the frame of :func:`adbudget.recommend`.

        Parameters
        ----------
        frame : from :func:`adbudget.recommendation.to_frame`
        draws : for days in a period and the worth of an outcome unit
        last_day : datetime64, last period of the history

        Returns
        -------
        The frame with columns verdict and rule_fired, reasons that tell of disagreements, and
        ``attrs["policy"]``, ``attrs["disagreements"]``
        """
        spend_next = frame["recommended_spend"].to_numpy(float) / draws.period_days
        judged = review(
            self.policy,
            _cells(frame, draws),
            frame["decision"].tolist(),
            spend_next,
            as_of=datetime.fromisoformat(str(last_day.astype("datetime64[s]"))),
        )
        disagrees = (judged["disagreement"] != "").to_numpy()
        reasons = np.where(
            disagrees, frame["reason"] + " " + judged["disagreement"], frame["reason"]
        )
        table = frame.assign(
            verdict=judged["verdict"].astype("str"),
            rule_fired=judged["rule_fired"].astype("str"),
            reason=pd.Series(reasons, dtype="str"),
        )
        cells = frame.loc[disagrees, ["account", "channel", "decision"]].to_dict("records")
        names = judged.loc[disagrees, "rule_fired"].tolist()
        table.attrs |= frame.attrs | {
            "policy": {"hash": self.policy.hash, "preset": self.policy.preset},
            "disagreements": [
                cell | {"rule_fired": name} for cell, name in zip(cells, names, strict=True)
            ],
        }
        return table


def _cells(frame: pd.DataFrame, draws: CurveDraws) -> Cells:
    """Cells per day at today's spend, with the mean return the model credits them with."""
    roas = frame["roi"].to_numpy(float)
    account = np.argwhere(draws.exists)[:, 0]
    worth = draws.unit_value[account]
    with np.errstate(divide="ignore", invalid="ignore"):
        per_result = np.where(worth != 1, worth / roas, np.nan)  # worth 1: the outcome is money
    return Cells(
        account=frame["account"].tolist(),
        channel=frame["channel"].tolist(),
        currency=frame["currency"].tolist(),
        spend=frame["current_spend"].to_numpy(float) / draws.period_days,
        roas=roas,
        cpl=np.where(np.isfinite(per_result), per_result, np.nan),
    )
