"""TestPlan -> what a terminal shows of it: the best set, what else pays, and what waiting does."""

from typing import Any

from rich.console import Group, RenderableType

from adbudget.experiments import TestPlan
from adbudget.money import estimate_text
from adbudget.reporting.columns import Column, columns_table
from adbudget.reporting.text import Text, counted

MOST_OTHERS = 8
MOST_WAITS = 8
LEAST_MISSED = ("pays back", "accounts")
Row = dict[str, Any]


def tests_report(plan: TestPlan, width: int) -> RenderableType:
    """Head, chosen tests, other tests, and cells that waiting would decide.

    Parameters
    ----------
    plan : from :func:`adbudget.plan_tests`
    width : of the terminal
    """
    rows: list[Row] = plan.to_frame().to_dict("records")  # pyright: ignore
    chosen = [row for row in rows if row["chosen"]]
    others = [row for row in rows if not row["chosen"]]
    parts: list[RenderableType] = [Text(_head(plan, chosen), style="bold"), Text()]
    if chosen:
        parts += [
            columns_table(_columns(), chosen, width=width, dropped_first=LEAST_MISSED, indent=0),
            Text(),
        ]
    if others:
        parts += [
            Text("Also worth more than they cost, each by itself:"),
            Text(),
            columns_table(
                _columns(),
                others[:MOST_OTHERS],
                width=width,
                dropped_first=LEAST_MISSED,
                indent=0,
            ),
            Text(),
        ]
        if len(others) > MOST_OTHERS:
            parts += [
                Text(f"... and {len(others) - MOST_OTHERS:,} more: --out FILE has all."),
                Text(),
            ]
    return Group(*parts, *_not_looked_at(plan), *_waits(plan))


def _head(plan: TestPlan, chosen: list[Row]) -> str:
    length = (
        f"Tests of {plan.weeks:g} weeks, their value counted over {plan.horizon_weeks:g} weeks."
    )
    if not chosen:
        return f"{length} None is worth more than it costs."
    told = []
    for code in dict.fromkeys(row["currency"] for row in chosen):
        own = [row for row in chosen if row["currency"] == code]
        cost, value = (sum(row[name] for row in own) for name in ("cost", "value"))
        spent = f"about {estimate_text(cost, code)}" if cost > 0 else "nothing on balance"
        told.append(f"cost {spent}, worth {estimate_text(value, code)}")
    return f"{length} The best set, {counted(len(chosen), 'test')}: {'; '.join(told)}."


def _not_looked_at(plan: TestPlan) -> list[RenderableType]:
    """Cells that no test may move."""
    n = int(plan.learn_value.isna().sum())
    if n == 0:
        return []
    return [
        Text(
            f"Not looked at: {n:,} of {counted(len(plan.cells), 'account-channel')}, where nothing "
            "is spent, a limit or --untested holds the spend, or the data are to be checked first "
            "(adbudget check)."
        ),
        Text(),
    ]


def _columns() -> list[Column]:
    return [
        Column(title="test", text=lambda row: row["test"], right=False),
        Column(title="what", text=_what, right=False),
        Column(title="channel", text=lambda row: row["channel"], right=False),
        Column(title="accounts", text=_accounts, right=False),
        Column(title="cost", text=lambda row: estimate_text(row["cost"], row["currency"])),
        Column(title="value", text=lambda row: estimate_text(row["value"], row["currency"])),
        Column(title="decides", text=lambda row: f"{row['prob_flip']:.0%}"),
        Column(title="pays back", text=_payback),
    ]


def _what(row: Row) -> str:
    if row["kind"] in ("pulse", "factorial"):
        return f"{row['kind']} {row['change']:+.0%}/{-row['change']:+.0%}"
    return row["kind"]


def _accounts(row: Row) -> str:
    names = row["accounts"].split(";")
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _payback(row: Row) -> str:
    return f"{row['payback_weeks']:.0f} weeks" if row["cost"] > 0 else "at once"


def _waits(plan: TestPlan) -> list[RenderableType]:
    """Cells that plain history would decide, those first that it decides soonest."""
    decided = plan.wait[plan.wait["decides"]]
    first = decided.groupby(["account", "channel"], sort=False).first().reset_index()
    if first.empty:
        return [Text("Waiting alone decides nothing within two years.")]
    rows = first.sort_values(["weeks", "prob_flip"], ascending=[True, False]).to_dict("records")
    said = [
        f"  {row['channel']} of {row['account']}: {row['weeks']} more weeks of history like those "
        f"so far would change its call with {row['prob_flip']:.0%} probability"
        for row in rows[:MOST_WAITS]
    ]
    if len(rows) > MOST_WAITS:
        said.append(f"  ... and {len(rows) - MOST_WAITS:,} more")
    return [Text("Waiting costs nothing:"), *map(Text, said)]
