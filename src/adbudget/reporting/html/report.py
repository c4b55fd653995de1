"""What adbudget returned -> one HTML file for whoever decides, pays or watches."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.decision.decisions import Decisions
from adbudget.errors import InputError
from adbudget.loop.cycle_report import CycleReport
from adbudget.pacing.report import PacingReport
from adbudget.plot.ahead import forecast_data
from adbudget.plot.asked import decision_rows
from adbudget.policy.plan import PolicyPlan
from adbudget.reporting.html.brought import brought_by
from adbudget.reporting.html.charts import forecast_picture
from adbudget.reporting.html.decisions import (
    allocation,
    decision_table,
    frontier_told,
    grid,
    limits_told,
    scorecard,
)
from adbudget.reporting.html.running import (
    cycle_told,
    pacing_told,
    policy_told,
    promises_told,
)
from adbudget.reporting.html.told import banner, method, summary, tiles
from adbudget.reporting.html.trust import checks_of
from adbudget.reporting.summary import facts_of
from adbudget.reporting.text import PERIOD_NOUNS
from adbudget.tables.whole_files import check_place, write_whole

if TYPE_CHECKING:
    from adbudget.backtesting import HistoryBacktest
    from adbudget.forecasting import Forecast
    from adbudget.ledger.store import Ledger
    from adbudget.loop.promises import Judged
    from adbudget.model.fit import Fit

EXAMPLE = "report.html"
CENT = 0.01


def report(
    result: "pd.DataFrame | Decisions | PacingReport | PolicyPlan | CycleReport | Sequence[Any]",
    path: str | Path,
    *,
    fit: "Fit | None" = None,
    forecast: "Forecast | None" = None,
    backtest: "HistoryBacktest | None" = None,
    promises: "Iterable[Judged] | Ledger | None" = None,
    title: str = "",
    at: datetime | None = None,
    refresh_seconds: int | None = None,
) -> Path:
    """Write one HTML file that holds everything it shows and asks for nothing from anywhere.

    Parameters
    ----------
    result : what :func:`adbudget.recommend` or :func:`adbudget.pace` returned, a PolicyPlan, a
        CycleReport, or several of these, which share the page. What other bars for a call would
        bring and risk is shown where a frame holds it (``recommend(..., frontier=True)``), or where
        :class:`adbudget.Decisions` are given beside it
    path : of the file, which ends in .html
    fit : behind the decisions: with it every decision opens to its curve, and the page shows what
        each channel brought
    forecast : from :func:`adbudget.forecast`, to be shown too
    backtest : from :func:`adbudget.backtest`, by which forecasts are checked
    promises : the ledger of a loop, or what :func:`adbudget.plot.promises_data` takes: what moves
        were to bring against what came in
    title : of the page; made from what it holds when empty
    at : instant to be stated as that of the page; none when None
    refresh_seconds : how often a browser loads the file again, for pages that are rewritten

    Returns
    -------
    the path

    Raises
    ------
    InputError : nothing that can be shown, another ending, or the file cannot be written

    Examples
    --------
    >>> page = ab.report(frame, "report.html", fit=fit)
    >>> "<script src" in page.read_text(encoding="utf-8")  # nothing is loaded from elsewhere
    False
    """
    place = Path(path)
    if place.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{place}: a report is an HTML file; name it, for example, {EXAMPLE}.")
    check_place(place, EXAMPLE)
    page = report_html(
        result,
        fit=fit,
        forecast=forecast,
        backtest=backtest,
        promises=promises,
        title=title,
        at=at,
        refresh_seconds=refresh_seconds,
    )
    write_whole(place, page.encode())
    return place


def report_html(
    result: "pd.DataFrame | Decisions | PacingReport | PolicyPlan | CycleReport | Sequence[Any]",
    *,
    fit: "Fit | None" = None,
    forecast: "Forecast | None" = None,
    backtest: "HistoryBacktest | None" = None,
    promises: "Iterable[Judged] | Ledger | None" = None,
    title: str = "",
    at: datetime | None = None,
    refresh_seconds: int | None = None,
) -> str:
    """Text of the page of :func:`report`, which says what the parameters are.

    Raises
    ------
    InputError : nothing that can be shown
    """
    results = (
        [result]
        if isinstance(result, pd.DataFrame | Decisions | PacingReport | PolicyPlan | CycleReport)
        else list(result)
    )
    frames: list[pd.DataFrame] = []
    called = [one for one in results if isinstance(one, Decisions)]
    context: dict[str, Any] = {"pacing": [], "policies": [], "cycles": [], "decided": None}
    context["frontiers"] = []
    for one in results:
        if isinstance(one, pd.DataFrame):
            frames.append(decision_rows(one))
        elif isinstance(one, Decisions):
            context["frontiers"] += frontier_told(one)
        elif isinstance(one, PacingReport):
            context["pacing"].append(pacing_told(one))
        elif isinstance(one, PolicyPlan):
            context["policies"].append(policy_told(one))
        elif isinstance(one, CycleReport):
            context["cycles"].append(cycle_told(one))
            context["policies"] += [
                policy_told(plan, told_above=len(one.table) > 0) for plan in one.plans
            ]
        else:
            raise InputError(
                "report shows what recommend, pace, apply_policy or a cycle of the loop returned; "
                f"got {type(one).__name__}."
            )
    if not results:
        raise InputError("there is nothing to report; give what recommend or pace returned.")
    brought = None if fit is None else brought_by(fit)
    shares = None if brought is None else brought.shares
    context["brought"] = brought
    context["outcome"] = "" if fit is None else fit.panel.outcome_name
    for frame in frames:
        for decisions in called:
            _check_same(frame, decisions)
        if context["decided"] is not None:
            raise InputError("a page holds one frame of decisions; write one page for each.")
        context["decided"] = _decided(frame, fit, shares, backtest)
        if not called and any(row["calls"] for row in frame.attrs.get("frontier", ())):
            context["frontiers"] = frontier_told(frame)
    context["promises"] = None if promises is None else promises_told(promises)
    context["forecasts"] = [] if forecast is None else _forecasts(forecast)
    context["title"] = title or _title(results)
    context["at"] = "" if at is None else f"{at:%Y-%m-%d %H:%M %Z}".strip()
    context["refresh"] = refresh_seconds
    return _rendered(context)


def _check_same(frame: pd.DataFrame, decisions: Decisions) -> None:
    """Refuse decisions that begin elsewhere: one page would tell two stories of one cell."""
    now: Any = frame.set_index(["account", "channel"])["current_spend"]
    for call in decisions.calls:
        cell = (call.account, call.channel)
        told = float(now.get(cell, float("nan")))
        if not abs(told - call.current_spend) <= CENT:
            raise InputError(
                f"the decisions are not those of the frame: {cell} spends {call.current_spend:,.2f}"
                f" in the one and {told:,.2f} in the other. Begin with the frame's own spend: "
                'ab.optimize(fit, frame.set_index(["account", "channel"])["current_spend"]).'
            )


def _decided(
    frame: pd.DataFrame,
    fit: "Fit | None",
    shares: pd.DataFrame | None,
    backtest: "HistoryBacktest | None",
) -> dict[str, Any]:
    """Everything the page shows of decisions."""
    n_tests = None
    if fit is not None:
        n_tests = 0 if fit.evidence.tests is None else len(fit.evidence.tests.cell)
    facts = facts_of(frame)
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas copies them, however many, with every selection of rows
    checks = checks_of(frame, facts, shares, backtest, n_lift_tests=n_tests)
    return {
        "banner": banner(facts, checks),
        "summary": summary(frame, facts),
        "tiles": tiles(frame, facts),
        "allocation": allocation(frame),
        "grid": grid(frame),
        "changes": facts.get("changes"),
        "scorecard": scorecard(frame, facts, fit),
        "rows": decision_table(frame, facts, fit),
        "accounts": list(dict.fromkeys(frame["account"])),
        "channels": sorted(set(frame["channel"])),
        "limits": limits_told(facts),
        "checks": checks,
        "method": method(facts),
        "has_fit": fit is not None,
        "per": PERIOD_NOUNS.get(facts.get("period", ""), "period"),
        "codes": [code for code in dict.fromkeys(frame["currency"]) if code],
        "window": facts.get("current_window", ""),
    }


def _forecasts(made: "Forecast") -> list[dict[str, str]]:
    """One picture per account."""
    return [
        {
            "account": name,
            "picture": forecast_picture(
                forecast_data(made, name), f"{name}: {made.outcome_name}, recorded and expected"
            ),
        }
        for name in made.accounts
    ]


def _title(results: Sequence[Any]) -> str:
    """What the page holds."""
    first = results[0]
    if isinstance(first, pd.DataFrame):
        names = list(dict.fromkeys(first["account"]))
        return f"Ad budgets: {names[0] if len(names) == 1 else f'{len(names):,} accounts'}"
    if isinstance(first, PacingReport):
        return f"Pacing of {len(first.status):,} deals"
    return "Ad budgets: policy" if isinstance(first, PolicyPlan) else "Ad budgets: the loop"


def _rendered(context: dict[str, Any]) -> str:
    """The page, and what it allows itself: its own style and script, and nothing else."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    home = files("adbudget.reporting.html")
    style, script, template = (
        home.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js", "page.html.j2")
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["picture"] = Markup  # pictures are made here, and their text is escaped
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.from_string(template).render(
        **context, style=Markup(style), script=Markup(script), policy=policy
    )


def _hash(text: str) -> str:
    """How a policy names a text it allows."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
