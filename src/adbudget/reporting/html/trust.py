"""Decisions, and what is known beside them -> PASS, REVIEW or FAIL for each thing to check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from adbudget.display.page import Listed
from adbudget.draws import ESS_TARGET, RHAT_TARGET, VAGUE
from adbudget.reporting.summary import FINDINGS
from adbudget.reporting.text import counted, percent

if TYPE_CHECKING:
    from adbudget.backtesting import HistoryBacktest

Word = Literal["PASS", "REVIEW", "FAIL"]
BASE_SHARES = (0.05, 0.98)  # of the outcome; a base outside is not impossible, but to be looked at
COVERED = (0.80, 0.98)  # share of outcomes inside 90% intervals that is no surprise
FAR_FROM_COVERED = 0.70
MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Check(Listed):
    """One thing that was checked.

    Attributes
    ----------
    name : what
    word : PASS, REVIEW (look before you act) or FAIL (do not act)
    reason : why, with the figures
    """

    name: str
    word: Word
    reason: str


def checks_of(
    frame: Any,
    facts: Mapping[str, Any],
    shares: Any = None,
    backtest: "HistoryBacktest | None" = None,
    *,
    n_lift_tests: int | None = None,
) -> tuple[Check, ...]:
    """What to look at before money moves, in the order in which it matters.

    Parameters
    ----------
    frame : from :func:`adbudget.recommend`
    facts : what stands beside it, in its attrs
    shares : from :func:`adbudget.plot.share_data`, of all accounts; None where no fit is at hand
    backtest : from :func:`adbudget.backtest` of the same history; None where none was made
    n_lift_tests : in the fit; None where no fit is at hand
    """
    found = [
        _convergence(facts),
        _wrong(facts),
        _flips(facts),
        _prior(frame),
        _findings(frame, facts),
    ]
    if shares is not None:
        found.append(_base(shares))
    found += [_coverage(backtest), _margin(facts)]
    if n_lift_tests is not None:
        found.append(_lift_tests(n_lift_tests))
    warnings = facts.get("health", {}).get("warnings", [])
    found += [Check(name="Warning of the fit", word="REVIEW", reason=str(one)) for one in warnings]
    return tuple(found)


def worst(checks: Sequence[Check]) -> Word:
    """The gravest word of all."""
    words = {check.word for check in checks}
    return "FAIL" if "FAIL" in words else "REVIEW" if "REVIEW" in words else "PASS"


def _convergence(facts: Mapping[str, Any]) -> Check:
    health = facts.get("health", {})
    rhat = health.get("rhat_max") or float("inf")
    draws = min(health.get("ess_bulk_min", 0), health.get("ess_tail_min", 0))
    told = (
        f"r-hat {rhat:.3f} (target {RHAT_TARGET}), {draws:,.0f} effective draws (target "
        f"{ESS_TARGET:,.0f}), {counted(health.get('divergences', 0), 'divergence')} in "
        f"{health.get('n_draws', 0):,} draws."
    )
    if not health.get("ok", False):
        problems = " ".join(health.get("problems", [])) or "The health of the fit is not known."
        return Check(name="Convergence", word="FAIL", reason=f"{problems} {told}")
    met = rhat <= RHAT_TARGET and draws >= ESS_TARGET
    word: Word = "PASS" if met else "REVIEW"
    near = "" if met else " Good enough to act on, short of the target."
    return Check(name="Convergence", word=word, reason=told + near)


def _wrong(facts: Mapping[str, Any]) -> Check:
    moves = facts.get("n_increase", 0) + facts.get("n_reduce", 0)
    share, most = facts.get("expected_wrong_share", 0.0), facts.get("max_wrong_share", 1.0)
    near = facts.get("n_borderline", 0)
    if not moves:
        return Check(name="Chance of being wrong", word="PASS", reason="Nothing moves.")
    told = f"{percent(share)} of {counted(moves, 'move')} expected wrong, {percent(most)} allowed."
    if near:
        told += f" {counted(near, 'decision')} so near the bar that another seed may turn it."
    word: Word = "PASS" if share <= most and not near else "REVIEW"
    return Check(name="Chance of being wrong", word=word, reason=told)


def _flips(facts: Mapping[str, Any]) -> Check:
    moves = facts.get("n_increase", 0) + facts.get("n_reduce", 0)
    fragile, below = facts.get("n_fragile", 0), facts.get("fragile_below", 0.25)
    told = (
        f"{fragile:,} of {counted(moves, 'move')} turn if less than {percent(below)} of a return "
        "is wrong (flip_at)."
    )
    return Check(name="What would turn a call", word="REVIEW" if fragile else "PASS", reason=told)


def _prior(frame: Any) -> Check:
    vague: Any = frame["prior_share"] > VAGUE
    moves: Any = frame["decision"] != "monitor"
    n_moves = int((vague & moves).sum())
    told = (
        f"{int(vague.sum()):,} of {counted(len(frame), 'cell')} are mostly prior: the data say "
        f"little of them; {n_moves:,} of these are moved."
    )
    return Check(
        name="Returns against the prior", word="REVIEW" if n_moves else "PASS", reason=told
    )


def _findings(frame: Any, facts: Mapping[str, Any]) -> Check:
    findings = facts.get("findings", [])
    moved = frame[frame["decision"] != "monitor"]
    cells = set(zip(moved["account"], moved["channel"], strict=True))
    held = [one for one in findings if one.get("decides")]
    about = [one for one in findings if {(one["account"], c) for c in one["channels"]} & cells]
    if not findings:
        return Check(name="Findings in the data", word="PASS", reason="None.")
    kinds: dict[str, int] = {}
    for one in findings:
        kinds[one["kind"]] = kinds.get(one["kind"], 0) + 1
    ranked = sorted(kinds, key=lambda kind: -kinds[kind])
    named = "; ".join(f"{kinds[kind]:,} {FINDINGS.get(kind, kind)}" for kind in ranked[:MOST_NAMED])
    more = f"; {len(ranked) - MOST_NAMED:,} more kinds" if len(ranked) > MOST_NAMED else ""
    told = (
        f"{counted(len(findings), 'finding')}, {len(about):,} about cells that move, "
        f"{len(held):,} that keep cells from being judged: {named}{more}."
    )
    return Check(
        name="Findings in the data", word="REVIEW" if about or held else "PASS", reason=told
    )


def _base(shares: Any) -> Check:
    rows: Any = shares[shares["kind"] == "baseline"]
    base: Any = rows.groupby("account", sort=False)["share"].sum()
    low, high = BASE_SHARES
    odd = base[(base < low) | (base > high)]
    told = (
        f"{base.min():.0%} to {base.max():.0%} of the outcome would come without advertising "
        f"(median account {base.median():.0%})."
    )
    if len(odd):
        named = ", ".join(f"{name} {value:.0%}" for name, value in odd.head(MOST_NAMED).items())
        told += f" Outside {low:.0%} to {high:.0%}: {named}."
    word: Word = "FAIL" if (base < 0).any() else "REVIEW" if len(odd) else "PASS"
    return Check(name="Base share", word=word, reason=told)


def _coverage(backtest: "HistoryBacktest | None") -> Check:
    name = "Forecasts of the past"
    if backtest is None:
        told = "Not checked: adbudget backtest walks through the history, and its result goes here."
        return Check(name=name, word="REVIEW", reason=told)
    summary = backtest.summary()
    inside, rows = summary["coverage"], summary["rows"]
    if not rows:
        return Check(name=name, word="REVIEW", reason="No outcome came in after any of the dates.")
    told = (
        f"{inside:.0%} of {rows:,} outcomes inside their 90% interval; mean error "
        f"{summary['error']:.1%} of the outcome ({summary['error_as_before']:.1%} by taking what "
        "was before)."
    )
    word: Word = "PASS" if COVERED[0] <= inside <= COVERED[1] else "REVIEW"
    return Check(name=name, word="FAIL" if inside < FAR_FROM_COVERED else word, reason=told)


def _margin(facts: Mapping[str, Any]) -> Check:
    assumed = facts.get("margin_assumed", [])
    if not assumed:
        return Check(name="Margin", word="PASS", reason="Stated for every account.")
    told = (
        f"Assumed 100% for {counted(len(assumed), 'account')}: all of the outcome counts as "
        "earned. A smaller margin raises every hurdle."
    )
    return Check(name="Margin", word="REVIEW", reason=told)


def _lift_tests(n_tests: int) -> Check:
    if n_tests:
        told = f"{counted(n_tests, 'experiment')} counted beside the history."
        return Check(name="Experiments", word="PASS", reason=told)
    told = (
        "None: returns rest on the history alone, where spend that follows demand can pass for "
        "effect. A lift test on the largest move would settle it."
    )
    return Check(name="Experiments", word="REVIEW", reason=told)
