"""Folders of rows -> a folder of decisions: learned in shards, decided apart, cut once together.

Accounts with totals of their own are decided by themselves, so a shard is decided on its own. Only
the expected share of wrong calls is a promise about the whole list: the probabilities of all calls,
a few numbers each, are ranked in one place.
"""

# ``takes`` fills in what is not given: every key of the options is there.
# pyright: reportTypedDictNotRequiredAccess=false

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from adbudget.decision.action import Action
from adbudget.decision.options import DecisionOptions
from adbudget.decision.reason_code import ReasonCode
from adbudget.decision.thresholds import Thresholds
from adbudget.display.stages import told, watched
from adbudget.errors import InputError
from adbudget.options import part_of, takes
from adbudget.plain_json import to_plain
from adbudget.recommendation import recommend as decided
from adbudget.risk import within_false_discovery_rate
from adbudget.scale.apart import check_apart, for_accounts
from adbudget.scale.engines import Engine, engine_of, run_all
from adbudget.scale.learning import check_learning, learned_in, working_folder
from adbudget.scale.options import LearnOptions, ScaleOptions
from adbudget.scale.records import ScaleDecisions, ShardedFit
from adbudget.scale.store import Store
from adbudget.scale.tasks import load_fit
from adbudget.tables.files import write_lines, write_table
from adbudget.tables.roles import as_frame

CALLS = (str(Action.INCREASE), str(Action.REDUCE))
UNSETTLED = (
    "what accounts share still moved by {:.2f} sd in the last pass, so the shards do not agree "
    "yet: more passes (passes=), or more accounts in a shard (shard_size=)."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calls:
    """What one shard tells of its decisions.

    Attributes
    ----------
    counts : decision -> how many
    prob : (call,) probability of every call that the limits do not force
    rank : (call,) the same, calls that stand from the run before ranked as new ones
    """

    counts: Mapping[str, int]
    prob: np.ndarray
    rank: np.ndarray


@takes(ScaleOptions)
def recommend(
    data: Any, outcome: Any = None, *, out: str | Path, **options: Unpack[ScaleOptions]
) -> ScaleDecisions:
    """Increase, monitor or reduce, for every channel of thousands of accounts.

    Parameters
    ----------
    data, outcome : as in :func:`adbudget.scale.learn`; ``data`` may also be a ShardedFit, which is
        not learned again
    out : folder for the decisions, one Parquet file per shard; made when missing, and empty or of
        an earlier run
    columns, ..., priors, ..., seed, shard_size, passes, work, client, workers, progress : as in
        :func:`adbudget.scale.learn`; the working folder is kept where ``work`` names one, so that
        ``ShardedFit.fit_of`` finds the fits
    current, budgets, window_days, limits, risk, thresholds, accept_findings, previous : as in
        :func:`adbudget.recommend`. Every account has a total of its own

    Returns
    -------
    ScaleDecisions

    Raises
    ------
    InputError : the input or an argument cannot be used, or ties accounts to each other
    InfeasibleError : the limits of an account contradict each other
    FitError : the sampler could not run, or workers were lost again and again

    Examples
    --------
    >>> from adbudget import scale
    >>> decided = scale.recommend(sharded, out="decisions", workers=1, progress=False)
    >>> sum(decided.calls.values()) == len(panel.cells)
    True
    """
    check_apart(options)
    if options["policy"] is not None:
        raise InputError(
            "a policy guards one list of decisions and is not applied here. Apply it to the "
            "decisions of the accounts it is about: adbudget.recommend(result.fitted.fit_of("
            "account), policy=...)."
        )
    folder = _out_folder(Path(out))
    with (
        watched(options["progress"]),
        engine_of(options["client"], options["workers"]) as engine,
    ):
        if isinstance(data, ShardedFit):
            return _decided(engine, data, folder, options)
        check_learning(options)
        with working_folder(options["work"]) as work:
            fitted = learned_in(work, engine, data, outcome, part_of(LearnOptions, options))
            return _decided(engine, fitted, folder, options)


def _out_folder(folder: Path) -> Path:
    """Made when missing; refused where it holds something else."""
    if folder.is_file():
        raise InputError(f"{folder} is a file. Name a folder for the decisions.")
    if folder.is_dir():
        strange = [
            path.name
            for path in sorted(folder.iterdir())
            if not path.name.startswith(("part-", "_"))
        ]
        if strange:
            raise InputError(
                f"{folder} holds other files, such as {strange[0]!r}. Name a new folder: "
                "everything in it is read as decisions."
            )
    return folder


def _decided(
    engine: Engine, fitted: ShardedFit, folder: Path, options: ScaleOptions
) -> ScaleDecisions:
    """Decide every shard, then raise the bar until the share of wrong calls is kept."""
    asked: dict[str, Any] = dict(part_of(DecisionOptions, options))
    for name in ("budgets", "previous"):
        if asked[name] is not None:
            asked[name] = as_frame(asked[name], name)
    thresholds: Thresholds = asked["thresholds"] or Thresholds()
    store = Store(folder=fitted.folder)
    bar, shards = thresholds, [int(k) for k in fitted.shards.index]
    found: dict[int, Calls] = {}
    due = shards
    _remove_others(folder, shards)
    problem = "" if fitted.settled else UNSETTLED.format(fitted.passes["moved"].to_numpy()[-1])
    if problem:
        told("%s Everything is monitored.", problem)
    while due:  # every time the bar is higher, so the list ends
        lax = replace(bar, max_wrong_share=1.0)
        todo = [(store, k, folder, asked | {"thresholds": lax}, problem) for k in due]
        name = "deciding" if due == shards else "deciding again where the list is cut"
        found |= dict(zip(due, run_all(engine, name, decide_shard, todo), strict=True))
        cut = cut_of([found[k] for k in shards], thresholds.max_wrong_share)
        due = [k for k in shards if (found[k].rank < cut).any()]
        if due:
            bar = raised(thresholds, cut)
            told("calls need a probability of %.3f for the share of wrong ones", bar.prob)
    prob = np.concatenate([found[k].prob for k in shards])
    counts = {
        name: sum(found[k].counts.get(name, 0) for k in shards)
        for name in (str(action) for action in Action)
    }
    result = ScaleDecisions(
        folder=folder,
        fitted=fitted,
        calls=counts,
        expected_wrong_share=float((1 - prob).mean()) if prob.size else 0.0,
        prob=bar.prob,
    )
    _keep_summary(folder, result)
    return result


def cut_of(calls: Sequence[Calls], max_wrong_share: float) -> float:
    """Rank below which no call of the whole list is made, so that the share of wrong ones is kept.

    Parameters
    ----------
    calls : of all shards
    max_wrong_share : expected share of wrong calls, at most
    """
    prob = np.concatenate([one.prob for one in calls])
    rank = np.concatenate([one.rank for one in calls])
    safe = within_false_discovery_rate(prob, max_wrong_share, rank=rank)
    if safe.all():
        return -np.inf
    # A call as likely as one that is made may be cut with the list; never the other way round.
    return float(rank[safe].min()) if safe.any() else float(np.nextafter(rank.max(), np.inf))


def raised(thresholds: Thresholds, prob: float) -> Thresholds:
    """The same bars, as far apart as before, with the higher at ``prob``."""
    prob = min(prob, 1.0)
    rise = prob - thresholds.prob
    leave = min(thresholds.leave, thresholds.prob) + rise
    return replace(thresholds, prob=prob, leave=min(leave, prob))


def decide_shard(
    store: Store, shard: int, folder: Path, asked: Mapping[str, Any], problem: str
) -> Calls:
    """Decide the accounts of one shard from its fit, and write their rows.

    Parameters
    ----------
    problem : why no fit of these shards can be trusted, "" where each says so for itself
    """
    fitted = load_fit(store, shard)
    if problem:
        health = replace(fitted.health, problems=(*fitted.health.problems, problem))
        fitted = replace(fitted, health=health)
    options = for_accounts(asked, fitted.panel.accounts)
    with threadpool_limits(limits=1):
        frame = decided(fitted, **options)
    folder.mkdir(parents=True, exist_ok=True)
    write_table(frame, folder / f"part-{shard:05d}.parquet")
    free = frame["decision"].isin(CALLS) & (frame["reason_code"] != str(ReasonCode.FORCED))
    prob = frame.loc[free, "prob_gain"].to_numpy(float)
    needed = frame.loc[free, "prob_needed"].to_numpy(float)
    bars = asked["thresholds"]
    stands = frame.loc[free, "reason_code"] == str(ReasonCode.STANDS)
    lower = np.where(stands, bars.prob - np.minimum(needed, bars.prob), 0.0)
    return Calls(
        counts={str(k): int(n) for k, n in frame["decision"].value_counts().items()},
        prob=prob,
        rank=prob + lower,
    )


def _remove_others(folder: Path, shards: Sequence[int]) -> None:
    """Parts of an earlier run with more shards would be read as decisions of this one."""
    own = {f"part-{k:05d}.parquet" for k in shards}
    for path in folder.glob("part-*.parquet"):
        if path.name not in own:
            path.unlink()


def _keep_summary(folder: Path, result: ScaleDecisions) -> None:
    """What goes with the parts, where readers of the folder do not look."""
    fitted = result.fitted
    row = {
        "accounts": len(fitted.accounts),
        "calls": dict(result.calls),
        "expected_wrong_share": result.expected_wrong_share,
        "prob": result.prob,
        "passes": fitted.passes.reset_index().to_dict("records"),
        "shards": fitted.shards.reset_index().to_dict("records"),
        "refused": dict(fitted.refused),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(pd.DataFrame([to_plain(row)]), folder / "_summary.jsonl")
