"""Tables of spend and outcome -> decisions as a frame: read, fit, optimize, decide in one call."""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, Unpack, cast

import numpy as np
import pandas as pd

from adbudget.decision.attributes import (
    asked_of,
    data_hash,
    findings_of,
    findings_of_cells,
    finite,
    frontier_of,
    history_of,
    limit_prices,
    totals_held,
)
from adbudget.decision.decision_table import lift_draws, totals_by_currency
from adbudget.decision.decisions import Decisions
from adbudget.decision.options import DecisionOptions, ToldOptions
from adbudget.decision.previous import changes, rows_of
from adbudget.decision.schema import SCHEMA, SCHEMA_VERSION
from adbudget.decision.today import spend_today
from adbudget.display.stages import stage, told as log, watched
from adbudget.errors import InputError
from adbudget.experiments.advice import next_tests
from adbudget.experiments.deciding import decide_fit
from adbudget.model.options import SavedFitOptions, SeededFitOptions
from adbudget.options import options_of, part_of, takes
from adbudget.panel.findings import Finding, check_identification
from adbudget.panel.integrity import check_data
from adbudget.panel.options import PanelOptions
from adbudget.panel.panel import Panel
from adbudget.panel.read import read_panel
from adbudget.panel.unit_value import margin_assumed
from adbudget.tables.frames import FrameLike
from adbudget.tables.whole_files import check_place

if TYPE_CHECKING:
    from adbudget.model.fit import Fit
    from adbudget.plan import Limits


class RecommendOptions(PanelOptions, SavedFitOptions, DecisionOptions, ToldOptions, total=False):
    """Options of :func:`recommend`: of the panel, of the fit, of the plan and its calls."""


class RecommendFitOptions(PanelOptions, SavedFitOptions, total=False):
    """Those that have no effect on a Fit."""


@takes(RecommendOptions)
def recommend(
    data: "FrameLike | Sequence[FrameLike] | Panel | Fit",
    outcome: FrameLike | Sequence[FrameLike] | str | None = None,
    **options: Unpack[RecommendOptions],
) -> pd.DataFrame:
    """Increase, monitor or reduce, for every channel of every account.

    Parameters
    ----------
    data, outcome, columns, channels, controls, layout, channel_of, account_of, duplicates, \
decimal, dayfirst, resample, holidays, freq, currency, value_per_unit, margin, missing_spend, \
out_of_line, today : as in :func:`adbudget.read_panel`; ``data`` may also be a Panel,
        or a Fit, which is not fitted again
    priors, population, lift_tests, forgetting, seed, engine, draws, tune, chains, target_accept, \
cores, checkpoint, progress : as in :func:`adbudget.fit`
    save_fit : also save what was learned to this file: ``Fit.load(path).recommend(...)`` decides
        anew from it, with other limits, without fitting again
    current : spend per period by (account, channel) that moves are measured from; the mean of the
        last ``window_days`` of each account when None
    budgets : table of the budgets that are set today, from which moves are measured then; see
        :func:`adbudget.panel.budgets.read_budgets`. What was spent lately is not what is set
    window_days : length of that window
    limits, risk : as in :func:`adbudget.optimize`
    thresholds, previous : as in :func:`adbudget.decide`; with ``previous``, ``attrs["changes"]``
        lists every decision that differs from it, and why ("new data", "new limits",
        "findings", "borderline", "fit not healthy")
    accept_findings : kinds of findings of :func:`adbudget.panel.integrity.check_data` that hold no
        cell, because somebody has looked and the data are right
    policy : from :func:`adbudget.load_policy`, or what that takes; its constraints narrow
        ``limits`` before the search, and its rules review the decisions after it
    frontier : also work out what other bars for a call would have brought and risked, for the
        report and ``plot.frontier``: ``attrs["frontier"]``; takes up to ten times as long as
        deciding

    Returns
    -------
    pd.DataFrame, one row per account-channel, sorted by account and channel. Money is account
    currency per period of the panel, intervals are 90%:

    account, channel, decision ("increase", "monitor", "reduce"), current_spend,
    recommended_spend, change_pct (percent; inf for a channel switched on from nothing),
    expected_lift, lift_low, lift_high (outcome money per period of the recommended against
    the current spend, once both have run for long), risk_adjusted_lift ((1 - aversion) * mean +
    aversion * tail mean of the lift), expected_value (margin * lift - added spend), prob_gain
    (probability that the considered move pays, against the best plan without it), prob_error (its
    Monte-Carlo standard error), prob_needed (from which the move is a call), considered_spend (the
    call, or the most likely move of all plans tried on the way to the calls),
    roi, roi_low, roi_high (money per money at the current spend), marginal_roi, marginal_roi_low,
    marginal_roi_high (of the next unit), hurdle (what one more unit must bring), flip_at (share of
    the return that would have to be spurious before the decision changes), confidence, currency,
    reason, reason_code (the reason as one word), data_findings (kinds of findings about the cell),
    prior_share, margin, data_from, data_through, schema_version, learn_value (margin per period
    that knowing the curve of a monitored cell would be worth; NaN of others), next_test (which
    test, or how long a wait, would decide it; also the end of its reason): what programs may rely
    on of them is :mod:`adbudget.decision.schema`. With a policy also verdict ("auto",
    "needs_approval", "blocked") and rule_fired (names of the rules that fire at today's modelled
    returns, "" for none); where a rule and the model point in opposite directions, the reason ends
    with it and ``attrs["disagreements"]`` lists it.

    ``frame.attrs`` holds seed, versions, health, totals, expected_wrong_share and what else a log
    should keep, JSON-able.

    Raises
    ------
    InputError : the data or an argument cannot be used
    InfeasibleError : the limits contradict each other
    FitError : the sampler could not run
    PolicyError : the policy cannot be used, or contradicts the limits

    Examples
    --------
    >>> frame = ab.recommend(panel, seed=0, draws=200, tune=200, chains=2, progress=False)
    >>> set(frame["decision"]) <= {"increase", "monitor", "reduce"}
    True
    >>> frame.attrs["seed"]
    0
    """
    return recommend_with_fit(data, outcome, **options)[0]


@takes(RecommendOptions)
def recommend_with_fit(
    data: "FrameLike | Sequence[FrameLike] | Panel | Fit",
    outcome: FrameLike | Sequence[FrameLike] | str | None = None,
    **options: Unpack[RecommendOptions],
) -> "tuple[pd.DataFrame, Fit]":
    """Decide as :func:`recommend` does; also give the fit behind it, for plots and the report."""
    with watched(options["progress"]):
        return _recommended(data, outcome, options)


def _recommended(
    data: "FrameLike | Sequence[FrameLike] | Panel | Fit",
    outcome: FrameLike | Sequence[FrameLike] | str | None,
    options: RecommendOptions,
) -> "tuple[pd.DataFrame, Fit]":
    """Read, learn, search, decide, review."""
    if options["save_fit"] is not None:
        check_place(Path(options["save_fit"]), "shops.fit")  # before minutes go into a fit
    guard, policy, limits = None, options["policy"], options["limits"]
    if policy is not None:  # before minutes go into a fit
        from adbudget.decision.guard import PolicyGuard

        guard = PolicyGuard.of(policy)
    previous = options["previous"]
    if previous is not None:
        rows_of(previous)  # refused now, or never
    panel = _as_panel(data, outcome, options)
    log("data: %s", panel.in_words)
    _refuse_one_budget_for_many(limits, panel)
    untrue = check_data(panel, accepted=options["accept_findings"])
    now, window, told = spend_today(panel, options, data, options["columns"])
    fitted = data if _is_fit(data) else _learned(panel, options)
    if guard is not None:
        limits = guard.limits(limits, fitted.draws, now)
    identified = check_identification(panel)
    decisions = decide_fit(fitted, now, limits, options, (*untrue, *identified))
    frame = to_frame(decisions, fitted, window, untrue, identified)
    frame.attrs["notes"] += told
    if options["frontier"]:
        with stage("looking at other bars for a call"):
            frame.attrs["frontier"] = frontier_of(decisions)
    log("calls: %(n_increase)d increase, %(n_reduce)d reduce, %(n_monitor)d monitor", frame.attrs)
    frame.attrs["asked"] = asked_of(options, None if guard is None else guard.policy.hash)
    if previous is not None:
        frame.attrs["changes"] = changes(decisions.calls, previous, frame.attrs)
    if guard is not None:
        frame = guard.reviewed(frame, fitted.draws, panel.dates[-1])
    return frame, fitted


def _learned(panel: Panel, options: RecommendOptions) -> "Fit":
    """Fit, and keep what was learned where that was asked for."""
    from adbudget.model.fit import fit

    fitted = fit(panel, **part_of(SeededFitOptions, options))
    if options["save_fit"] is not None:
        fitted.save(options["save_fit"])
        log("fit: saved to %s", options["save_fit"])
    return fitted


def to_frame(
    decisions: Decisions,
    fitted: "Fit",
    window: str = "given by the caller",
    untrue: tuple[Finding, ...] = (),
    identified: tuple[Finding, ...] | None = None,
) -> pd.DataFrame:
    """Decisions as the frame of :func:`recommend`.

    Parameters
    ----------
    decisions : from :func:`adbudget.decide`
    fitted : the fit behind them
    window : what "current" is, in words
    untrue : from :func:`adbudget.panel.integrity.check_data`
    identified : from :func:`adbudget.panel.findings.check_identification`; found now when None
    """
    panel, account = fitted.panel, np.argwhere(decisions.proposal.draws.exists)[:, 0]
    found = (*untrue, *findings_of(decisions, panel, identified))
    cells = decisions.proposal.plan.spend.index
    frame = decisions.to_frame().assign(
        data_findings=findings_of_cells(found, cells),
        data_from=[str(panel.dates[panel.first[a]]) for a in account],
        data_through=[str(panel.dates[panel.last[a]]) for a in account],
    )
    frame = with_next_tests(frame, next_tests(fitted, decisions))
    frame = frame.reindex(columns=[column.name for column in SCHEMA])
    lift = lift_draws(decisions.proposal)
    frame.attrs |= _attributes(decisions, fitted, frame, lift, window)
    frame.attrs["findings"] = [finding.as_dict() for finding in found]
    return frame


def with_next_tests(frame: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """Decisions that say what would decide a cell that is monitored.

    Parameters
    ----------
    told : from :func:`adbudget.experiments.advice.next_tests`, in the order of the rows
    """
    sentence = told["next_test"].to_numpy(object)
    said = [
        f"{why} {then}" if then else why
        for why, then in zip(frame["reason"], sentence, strict=True)
    ]
    return frame.assign(
        reason=said, learn_value=told["learn_value"].to_numpy(float), next_test=sentence
    )


def _refuse_one_budget_for_many(limits: "Limits | None", panel: Panel) -> None:
    """Before minutes go into a fit: the optimizer would refuse it after."""
    one = limits is not None and isinstance(limits.budget, int | float) and limits.pool is None
    if one and panel.n_accounts > 1:
        raise InputError(
            f"limits.budget is one number, but each of the {panel.n_accounts} accounts has a total "
            "of its own. Give limits.budget as a mapping from account to money per period, or let "
            "accounts share one total: limits.pool."
        )


def _as_panel(
    data: "FrameLike | Sequence[FrameLike] | Panel | Fit",
    outcome: FrameLike | Sequence[FrameLike] | str | None,
    options: RecommendOptions,
) -> Panel:
    """The panel of what is given; options of steps that are made already are refused."""
    if _is_fit(data):
        _refuse(outcome, options, RecommendFitOptions, "Fit", "ab.fit and ab.read_panel")
        return data.panel
    if isinstance(data, Panel):
        _refuse(outcome, options, PanelOptions, "Panel", "read_panel")
        return data
    with stage("reading the tables"):
        return read_panel(cast("FrameLike", data), outcome, **part_of(PanelOptions, options))


def _is_fit(data: object) -> "TypeGuard[Fit]":
    """Whether it is a Fit; asked without importing what fits need."""
    return isinstance(getattr(data, "panel", None), Panel) and hasattr(data, "draws")


def _refuse(
    outcome: object, options: RecommendOptions, made: type, kind: str, instead: str
) -> None:
    given = [
        name for name, value in part_of(made, options).items() if not _is_default(name, value, made)
    ]
    if outcome is not None or given:
        raise InputError(
            f"data is a {kind} already, so outcome and {', '.join(given) or 'its options'} have no "
            f"effect: give them to {instead} instead."
        )


def _is_default(name: str, value: object, statement: type) -> bool:
    default = options_of(statement)[name].default
    return value is default or (isinstance(value, str) and value == default)


def _attributes(
    decisions: Decisions, fitted: "Fit", frame: pd.DataFrame, lift: np.ndarray, window: str
) -> dict[str, Any]:
    """What a log should keep beside the table."""
    panel, health = fitted.panel, fitted.health
    return {
        "schema_version": SCHEMA_VERSION,
        "seed": int(fitted.seed),
        "versions": dict(fitted.versions) | {"pandas": version("pandas")},
        "engine": fitted.engine,
        "forgetting": fitted.forgetting,
        "period": panel.period,
        "data": history_of(panel),
        "data_hash": data_hash(panel),
        "outcome_name": panel.outcome_name,
        "margin": dict(zip(panel.accounts, panel.margin.tolist(), strict=True)),
        "margin_assumed": list(margin_assumed(panel)),
        "value_per_unit": dict(zip(panel.accounts, panel.unit_value.tolist(), strict=True)),
        "currency": dict(zip(panel.accounts, panel.currency, strict=True)),
        "current_window": window,
        "health": {
            "ok": health.ok,
            "rhat_max": finite(health.rhat_max),
            "ess_bulk_min": health.ess_bulk_min,
            "ess_tail_min": health.ess_tail_min,
            "divergences": health.divergences,
            "n_draws": health.n_draws,
            "n_kept": int(np.prod(fitted.positions.shape[:2])),
            "problems": list(health.problems),
            "warnings": list(health.warnings),
        },
        "totals": totals_by_currency(frame, lift),
        "held_by_total": totals_held(decisions),
        "limit_prices": limit_prices(decisions),
        "gap": finite(decisions.considered.gap),
        "expected_wrong_share": decisions.expected_wrong_share,
        "max_wrong_share": decisions.thresholds.max_wrong_share,
        "n_borderline": sum(call.borderline for call in decisions.calls),
        "n_fragile": _count_fragile(decisions),
        "fragile_below": decisions.thresholds.fragile_below,
        **{
            f"n_{name}": sum(call.action == name for call in decisions.calls)
            for name in ("increase", "monitor", "reduce")
        },
        "noise": _noise(fitted),
        "notes": [note.message for note in panel.notes],
    }


def _count_fragile(decisions: Decisions) -> int:
    """Calls that change when little of a return is spurious."""
    bar = decisions.thresholds.fragile_below
    return sum(call.action != "monitor" and call.flip_at < bar for call in decisions.calls)


def _noise(fitted: "Fit") -> dict[str, Any]:
    """What the data said about their own noise; no tail means Gaussian."""
    tail, persistence = fitted.noise.tail_df, fitted.noise.autocorrelation
    accounts = fitted.panel.accounts
    return {
        "tail_df": finite(tail),
        "autocorrelation": dict(zip(accounts, persistence.tolist(), strict=True)),
    }
