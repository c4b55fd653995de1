"""A plan that a policy reviewed -> its budgets before and after as a waterfall of moves."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from adbudget.plot.asked import money_of
from adbudget.plot.axes import compact, dress, named_rows, note, one_axes
from adbudget.plot.palette import FAINT, INCREASE, INK, REDUCE
from adbudget.policy.plan import PolicyPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STEPS = 24
OTHERS = "smaller moves"


def policy_data(plan: PolicyPlan) -> pd.DataFrame:
    """Steps from the budgets of today to those recommended, the largest move first.

    Parameters
    ----------
    plan : from :func:`adbudget.apply_policy`

    Returns
    -------
    pd.DataFrame with step (a campaign), verdict, change (money per day, cuts below 0), start, end
    (sum of all budgets before and after the step). Campaigns that keep their budget have no step;
    paused ones keep theirs

    Examples
    --------
    >>> list(ab.plot.policy_data(ab.apply_policy(policy, campaigns, as_of="2026-03-02")).columns)
    ['step', 'verdict', 'change', 'start', 'end']
    """
    calls: Any = plan.recommendations
    rows: Any = pd.DataFrame(
        {
            "step": calls["campaign_id"].tolist(),
            "verdict": calls["verdict"].tolist(),
            "change": [
                float(after - before)
                for after, before in zip(
                    calls["recommended_budget"], calls["current_budget"], strict=True
                )
            ],
        }
    )
    before = float(sum(calls["current_budget"]))
    moved: Any = rows[rows["change"] != 0]
    order: Any = moved["change"].abs().sort_values(ascending=False, kind="stable").index
    moved = moved.loc[order].reset_index(drop=True)
    end = before + moved["change"].cumsum()
    return moved.assign(start=end - moved["change"], end=end)


def policy(plan: PolicyPlan, *, ax: "Axes | None" = None) -> "Axes":
    """All budgets before, every move, all budgets after.

    Hatched moves wait for approval or are blocked.

    Parameters
    ----------
    plan : from :func:`adbudget.apply_policy`
    ax : axes to draw on

    Raises
    ------
    InputError : matplotlib is not installed

    Examples
    --------
    >>> axes = ab.plot.policy(ab.apply_policy(policy, campaigns, as_of="2026-03-02"))
    """
    data: Any = policy_data(plan)
    before = float(sum(call.current_budget for call in plan.calls))
    axes = one_axes(ax, (7.0, 1.4 + 0.28 * (min(len(data), MOST_STEPS) + 2)))
    if not plan.calls:
        return note(axes, "There is no campaign.")
    shown: Any = data.head(MOST_STEPS)
    names, ends = ["today"], [before]
    axes.barh([0], [before], color=INK, alpha=0.85, height=0.62)
    for i, row in enumerate(shown.to_dict("records"), start=1):
        hue = INCREASE if row["change"] > 0 else REDUCE
        free = row["verdict"] == "auto"
        axes.barh(
            [i], [row["change"]], left=row["start"], color=hue if free else "none", edgecolor=hue,
            hatch=None if free else "////", height=0.62,
        )  # fmt: skip
        right = max(row["start"], row["end"])
        told = ("+" if row["change"] > 0 else "") + compact(row["change"])
        told += "" if free else f" ({row['verdict'].replace('_', ' ')})"
        axes.annotate(
            told, (right, i), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8
        )
        axes.plot([row["start"]] * 2, [i - 1.31, i + 0.31], color=FAINT, linewidth=0.7, zorder=0)
        names.append(row["step"])
        ends.append(row["end"])
    rest = float(data["change"].iloc[len(shown) :].sum())
    if len(data) > len(shown):
        axes.barh([len(names)], [rest], left=ends[-1], color=FAINT, height=0.62)
        names.append(f"{len(data) - len(shown):,} {OTHERS}")
        ends.append(ends[-1] + rest)
    axes.barh([len(names)], [ends[-1]], color=INK, alpha=0.85, height=0.62)
    for i, total in ((0, before), (len(names), ends[-1])):
        axes.annotate(
            compact(total), (total, i), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=8,
        )  # fmt: skip
    named_rows(axes, [*names, "recommended"])
    steps = [before, *ends]
    room = max(max(steps) - min(steps), 0.04 * max(steps), 1e-9)
    axes.set_xlim(max(0.0, min(steps) - room), max(steps) + 0.6 * room)
    cut = ", scale does not begin at 0" if axes.get_xlim()[0] > 0 else ""
    dress(
        axes,
        title=f"Budgets before and after, at {plan.at:%Y-%m-%d %H:%M}",
        x=f"{money_of(plan.currency)} per day{cut}",
        x_text=compact,
    )
    axes.spines["left"].set_visible(False)
    return axes
