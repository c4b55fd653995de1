"""Forecast: joint predictive draws of outcome, spend, ROAS and CPA, and the frame of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.draws import Health
from adbudget.errors import InputError

METRICS = ("outcome", "roas", "cpa")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Forecast(Shown):
    """What a plan is expected to bring, by account and period.

    Attributes
    ----------
    draws : xr.Dataset of joint draws, outcome units and account currency per period: ``outcome``
        (draw, account, date) with noise, ``expected`` (draw, account, date) without the noise to
        come, ``media`` (draw, account, channel, date) what the media of each channel bring, and
        ``spend`` (account, channel, date), NaN where there is no cell
    history : (account, date) outcomes recorded so far; NaN where none was
    outcome_name : the caller's column
    counts : whether the outcome counts things: draws are whole numbers, and there is a CPA
    unit_value : (account,) money per outcome unit
    currency : (account,) currency code, "" when not stated
    period : "daily", "weekly" or "monthly"
    health : whether the fit can be trusted
    warnings : what makes the forecast less sure than its intervals say, one sentence each; the
        first one says so when the fit is not healthy
    notes : how the plan and the controls were read
    seed : of the draws

    Examples
    --------
    >>> ahead = ab.forecast(fit, "4w", draws=200, seed=0)
    >>> dict(ahead.draws["outcome"].sizes)
    {'draw': 200, 'account': 5, 'date': 4}
    >>> 0 <= ahead.probability("outcome", at_least=1.0) <= 1
    True
    >>> ahead.ok == fit.health.ok, len(ahead.accounts), list(ahead.to_frame().columns[:4])
    (True, 5, ['account', 'date', 'metric', 'mean'])
    >>> ahead.over_horizon("outcome").shape
    (200,)
    """

    draws: xr.Dataset
    history: xr.DataArray
    outcome_name: str
    counts: bool
    unit_value: np.ndarray
    currency: tuple[str, ...]
    period: str
    health: Health
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int = 0

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        frame = self.to_frame("account", each="horizon")
        known = ("account", "metric", "mean", "low", "high")
        facts = [("warning", one) for one in self.warnings[:3]]
        return Page(
            title=f"Forecast of {self.outcome_name}: {self.draws.sizes['date']:,} {self.period} "
            f"periods, {counted(len(self.accounts), 'account')}, 90% from low to high",
            facts=[("fit", "healthy" if self.ok else "NOT to be trusted"), *facts],
            next=(".to_frame()  .probability(...)  .over_horizon()",),
            **table_of(frame, known),
        )

    @property
    def accounts(self) -> tuple[str, ...]:
        """Names, in axis order."""
        return tuple(self.draws["account"].to_numpy().tolist())

    @property
    def ok(self) -> bool:
        """Whether the fit behind it can be trusted."""
        return self.health.ok

    def to_frame(
        self,
        by: Literal["account", "channel"] = "account",
        *,
        each: Literal["period", "horizon"] = "period",
        interval: float = 0.9,
    ) -> pd.DataFrame:
        """One row per account (or channel), period and metric.

        Parameters
        ----------
        by : "account", or "channel" for what the media of each channel bring (their carry-over
            from earlier spend included, baseline and noise not)
        each : "period", or "horizon" for sums over all of it: joint draws are added up, so the
            interval of a sum is that of the sum
        interval : central probability of low to high

        Returns
        -------
        pd.DataFrame with account, channel (by channel), date (by period), metric, mean, low, high.
        Metrics: "outcome" in its own unit, "spend", "roas" (outcome money over spend, the whole
        outcome by account), and, when the outcome counts things, "cpa" (spend per unit of it; a CPL
        where it counts leads). The mean CPA is spend over the mean outcome, as a mean over draws
        that may hold no conversion at all would be infinite; where nothing is spent ROAS and CPA
        are NaN. Attributes hold warnings, notes, health, seed and interval.

        Raises
        ------
        InputError : an argument is none of the above
        """
        if by not in ("account", "channel") or each not in ("period", "horizon"):
            raise InputError(
                'by must be "account" or "channel" and each "period" or "horizon"; got '
                f"{by!r} and {each!r}."
            )
        if not 0 < interval < 1:
            raise InputError(f"interval must be in (0, 1), 0.9 for 90%; got {interval!r}.")
        by_channel = by == "channel"
        if by_channel and "media" not in self.draws:
            raise InputError("this forecast holds no channels; make it with by_channel=True.")
        drawn = self.draws["media" if by_channel else "outcome"]
        mean = (drawn if by_channel else self.draws["expected"]).mean("draw")
        spend = self.draws["spend"]
        if not by_channel:
            spend = spend.sum("channel")
        if each == "horizon":
            drawn, mean = drawn.sum("date"), mean.sum("date")
            spend = spend.sum("date", min_count=1)
        edge = (1 - interval) / 2
        low, high = np.quantile(drawn, [edge, 1 - edge], axis=0)
        frame = self._table(spend, mean.to_numpy(), low, high)
        frame.attrs |= {
            "outcome_name": self.outcome_name,
            "currency": dict(zip(self.accounts, self.currency, strict=True)),
            "period": self.period,
            "interval": interval,
            "seed": self.seed,
            "healthy": self.ok,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }
        return frame

    def probability(
        self,
        metric: str = "outcome",
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        account: str | None = None,
    ) -> float:
        """Share of the draws in which a metric over the whole horizon meets a bound.

        Parameters
        ----------
        metric : "outcome", "roas" or "cpa"
        at_least, at_most : the bound: one of them, or both
        account : of one account; of all of them together when None, which need one currency

        Raises
        ------
        InputError : no bound, an unknown metric or account, or money of several currencies
        """
        if at_least is None and at_most is None:
            raise InputError("give a bound: at_least=, at_most=, or both.")
        values = self.over_horizon(metric, account)
        met = np.ones(values.size, dtype=bool)
        if at_least is not None:
            met &= values >= at_least
        if at_most is not None:
            met &= values <= at_most
        return float(met.mean())

    def over_horizon(self, metric: str = "outcome", account: str | None = None) -> np.ndarray:
        """(draw,) a metric over the whole horizon; arguments as in :meth:`probability`."""
        chosen = self._accounts(account)
        drawn = self.draws["outcome"].sum("date").to_numpy()[:, chosen]
        spend = float(np.nansum(self.draws["spend"].to_numpy()[chosen]))
        return metric_draws(metric, drawn, self.unit_value[chosen], spend, self.counts)

    def _accounts(self, account: str | None) -> np.ndarray:
        names = self.accounts
        if account is not None:
            if account not in names:
                raise InputError(f"there is no account {account!r}; the first are {names[:5]}.")
            return np.array([names.index(account)])
        if len(set(self.currency)) > 1:
            raise InputError(
                f"the accounts have several currencies, {sorted(set(self.currency))}: name one "
                "with account=."
            )
        return np.arange(len(names))

    def _table(self, spend: xr.DataArray, mean, low, high) -> pd.DataFrame:
        """Long frame of all metrics; the axes of the arrays are those of ``spend``."""
        money = spend.to_numpy()
        value = self.unit_value.reshape(-1, *[1] * (money.ndim - 1))
        metrics = {"outcome": (mean, low, high), "spend": (money, money, money)}
        with np.errstate(divide="ignore", invalid="ignore"):
            paid = np.where(money > 0, money, np.nan)
            metrics["roas"] = tuple(value * part / paid for part in (mean, low, high))
            if self.counts:  # the more conversions, the cheaper is each
                metrics["cpa"] = tuple(paid / part for part in (mean, high, low))
        shape = (len(metrics), *money.shape)
        cells = np.broadcast_to(np.isfinite(money), shape)
        axes = [np.array(list(metrics), dtype=object), *(spend[d].to_numpy() for d in spend.dims)]
        index = np.nonzero(np.moveaxis(cells, 0, -1))  # metric by metric within a period
        names = [*map(str, spend.dims), "metric"]
        table = {
            name: axis[at]
            for name, axis, at in zip(names, [*axes[1:], axes[0]], index, strict=True)
        }
        for k, name in enumerate(("mean", "low", "high")):
            stacked = np.stack([np.broadcast_to(one[k], money.shape) for one in metrics.values()])
            table[name] = np.moveaxis(stacked, 0, -1)[index]
        return pd.DataFrame(table)


def metric_draws(
    metric: str, outcome: np.ndarray, unit_value: np.ndarray, spend: float, counts: bool
) -> np.ndarray:
    """(draw,) one metric of some accounts together.

    Parameters
    ----------
    metric : "outcome", "roas" or "cpa"
    outcome : (draw, account) over the horizon, outcome units
    unit_value : (account,) money per outcome unit
    spend : of all of them over the horizon
    counts : whether the outcome counts things, so that there is a CPA

    Raises
    ------
    InputError : an unknown metric, a CPA of money, or a ratio where nothing is spent
    """
    if metric not in METRICS:
        raise InputError(f"metric must be one of {METRICS}; got {metric!r}.")
    if metric == "outcome":
        return outcome.sum(axis=1)
    if metric == "cpa" and not counts:
        raise InputError(
            "the outcome is money, so there is no cost per unit of it. Ask for roas, or pass "
            "counts=True if it counts things."
        )
    if spend <= 0:
        raise InputError(f"nothing is spent, so there is no {metric}.")
    if metric == "roas":
        return outcome @ unit_value / spend
    with np.errstate(divide="ignore"):
        return spend / outcome.sum(axis=1)
