"""A table of target budgets, or of the model's decisions -> Targets of the campaigns.

Every row is held against the campaigns as they are today. What a decision says of a channel is said
of each of its campaigns, in proportion to their budgets.
"""

from typing import Any

import numpy as np
import pandas as pd

from adbudget.errors import InputError
from adbudget.policy.readings.campaign_columns import read_units
from adbudget.policy.readings.readings import Readings
from adbudget.policy.targets import Targets
from adbudget.tables.amounts import need_every, whole_minor
from adbudget.tables.messages import Rows, quoted
from adbudget.tables.named_columns import checked_frame, refuse_twice
from adbudget.tables.roles import column_of
from adbudget.tables.units import split_unit
from adbudget.tables.values import check_not_negative, read_names, read_numbers

TABLE = "targets"
MONEY = ("target_budget", "based_on")
CELL = ("account", "channel")
DECIDED = (
    *CELL,
    "current_spend",
    "recommended_spend",
)  # columns that make a frame one of decisions
TRIFLE = 1e-9  # of a spend: no move


def read_targets(data: Any, readings: Readings) -> Targets:
    """Read a plan's budgets, and check every row against the campaigns.

    Parameters
    ----------
    data : one row per campaign that the plan speaks of: campaign_id (account and platform, where
        the campaign table has them) and target_budget, money per day; and where they are known
        based_on (the budget it was made from), pool (campaigns that share a total; the account when
        not given), reason (one sentence) and probability (that the move pays). Or decisions, as
        :func:`adbudget.recommend` gives them: see :func:`of_decisions`
    readings : the campaigns as they are today

    Raises
    ------
    InputError : a row that cannot be used; names it
    """
    if are_decisions(data):
        return of_decisions(checked_frame(data, "decisions", DECIDED), readings)
    table = checked_frame(data, TABLE, ("campaign_id", "target_budget"))
    rows = Rows(table="the targets", labels=table.index)
    scopes = {split_unit(name)[0] for name in readings.campaign_ids}
    codes, names = read_units(table, rows, next(iter(scopes)) if len(scopes) == 1 else "")
    refuse_twice(codes, names, "campaign_id", rows, "Give each campaign one target.")
    known = {name: i for i, name in enumerate(readings.campaign_ids)}
    unknown = [name for name in names if name not in known]
    if unknown:
        at = np.isin(np.array(names, dtype=object)[codes], unknown)
        raise InputError(
            f"targets are given for campaigns that the campaign table does not have: "
            f"{quoted(unknown)}, in {rows.named(at)}. Add them to the table, or leave them out."
        )
    place = np.array([known[name] for name in names], dtype=np.intp)[codes]
    goal, based_on = (_minor(table, name, readings, rows) for name in MONEY)
    assert goal is not None
    aimed, moved = (np.zeros(len(readings), bool) for _ in range(2))
    aimed[place] = True
    if based_on is not None:
        moved[place] = based_on != readings.budget_minor[place]
    goals, why = readings.budget_minor.copy(), [""] * len(readings)
    goals[place] = goal
    for i, text in zip(place.tolist(), _texts(table, "reason"), strict=True):
        why[i] = text
    probability = np.full(len(readings), np.nan)
    if "probability" in table.columns:
        probability[place] = read_numbers(column_of(table, "probability"), "probability", rows)
    return Targets(
        aimed=aimed,
        goal=goals,
        moved_since=moved,
        pool=_pools(table, place, readings, rows),
        why=tuple(why),
        probability=probability,
    )


def _minor(table: pd.DataFrame, name: str, readings: Readings, rows: Rows) -> np.ndarray | None:
    """(row,) int64 minor units; None where there is no such column."""
    if name not in table.columns:
        return None
    money = read_numbers(column_of(table, name), name, rows)
    money = need_every(money, name, rows, "Leave out rows without one.")
    check_not_negative(money, name, rows)
    digits = np.full(money.size, readings.exponent)
    return whole_minor(money, name, digits, rows).astype(np.int64)


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table.columns:
        return [""] * len(table)
    return ["" if pd.isna(one) else str(one).strip() for one in table[name]]


def _pools(table: pd.DataFrame, place: np.ndarray, readings: Readings, rows: Rows) -> np.ndarray:
    """(campaign,) pool of each; a campaign no target names is in that of its account."""
    names: list[str] = [split_unit(name)[0] for name in readings.campaign_ids]
    if "pool" in table.columns:
        codes, given = read_names(column_of(table, "pool"), "pool", rows)
        for i, code in zip(place.tolist(), codes.tolist(), strict=True):
            names[i] = given[code]
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]


def are_decisions(data: Any) -> bool:
    """Whether a table is one of decisions, and not of target budgets."""
    columns = set(getattr(data, "columns", ()))
    return set(DECIDED) <= columns and "target_budget" not in columns


def of_decisions(table: pd.DataFrame, readings: Readings) -> Targets:
    """What decisions ask of campaigns: each budget of a channel goes the way of its spend.

    Parameters
    ----------
    table : account, channel, current_spend and recommended_spend, in any unit of time; reason,
        prob_gain and data_through where they are known. Channels that are to stay as they are ask
        for nothing, and a budget that has changed after ``data_through`` stays: see ``moved_since``
    readings : the campaigns as they are today; those that are not active are left alone

    Raises
    ------
    InputError : the campaigns do not say which channel they are of, a channel that is to move has
        no active campaign or spends nothing today; names the rows
    """
    rows = Rows(table="the decisions", labels=table.index)
    account, channel = (read_names(column_of(table, one), one, rows) for one in CELL)
    now, then = (
        need_every(
            read_numbers(column_of(table, one), one, rows), one, rows, "Leave such rows out."
        )
        for one in DECIDED[2:]
    )
    _check_currency(table, readings)
    moves = np.abs(then - now) > TRIFLE * np.maximum(np.abs(now), 1.0)
    if (idle := moves & ~(now > 0)).any():
        raise InputError(
            f"Channels that spend nothing today are to get money in {rows.named(idle)}: there is "
            "no budget to raise. Leave these rows out, and give their campaigns a target_budget in "
            "a table of their own."
        )
    of_account, of_channel = _labels(readings, account[1])
    active = readings.status == "active"
    ratio, row_of = np.ones(len(readings)), np.full(len(readings), -1)
    unknown = np.zeros(len(table), bool)
    for i in np.flatnonzero(moves):
        own = active & (of_channel == channel[1][channel[0][i]])
        own &= of_account == account[1][account[0][i]]
        if (row_of[own] >= 0).any():
            raise InputError(
                f"A channel is decided twice, again in {rows.named(np.arange(len(table)) == i)}. "
                "Give each channel of an account one row."
            )
        unknown[i] = not own.any()
        ratio[own], row_of[own] = then[i] / now[i], i
    if unknown.any():
        raise InputError(
            f"{rows.named(unknown)} move channels that no active campaign of the campaign table is "
            "of. Write accounts and channels alike in both, add their campaigns, or leave these "
            "rows out."
        )
    aimed = row_of >= 0
    pool = np.unique(of_account, return_inverse=True)[1]
    texts = np.array([*_texts(table, "reason"), ""], dtype=object)
    sure = np.full(len(table) + 1, np.nan)
    if "prob_gain" in table.columns:
        sure[:-1] = read_numbers(column_of(table, "prob_gain"), "prob_gain", rows)
    return Targets(
        aimed=aimed,
        goal=whole_units(readings.budget_minor * ratio, pool),
        moved_since=aimed & _changed_since(table, row_of, readings),
        pool=pool,
        why=tuple(texts[row_of].tolist()),
        probability=sure[row_of],
    )


def _changed_since(table: pd.DataFrame, row_of: np.ndarray, readings: Readings) -> np.ndarray:
    """(campaign,) whether its budget changed after the last day that its decision knew of.

    A decision says by how much a spend should change. Carried out twice, it would change it twice.
    """
    if "data_through" not in table.columns:
        return np.zeros(len(readings), bool)
    days = readings.metric("days_since_change")
    ends = pd.to_datetime(table["data_through"]).dt.normalize() + pd.Timedelta(days=1)
    ago = (pd.Timestamp(readings.as_of.replace(tzinfo=None)) - ends) / pd.Timedelta(days=1)
    known = np.append(ago.to_numpy(float), -np.inf)
    return days < known[row_of]  # NaN, nobody knows of a change, is not


def whole_units(amounts: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Whole minor units of each amount: no pool gets more than its amounts add up to.

    Parameters
    ----------
    amounts : (campaign,) minor units, not whole
    pool : (campaign,) position of each one's pool
    """
    whole = np.floor(amounts + TRIFLE * np.abs(amounts))
    part = np.maximum(amounts - whole, 0.0)
    left = np.floor(np.bincount(pool, part) + 1e-6)  # sums of halves fall short of whole numbers
    order = np.lexsort((np.arange(part.size), -part, pool))
    first = np.searchsorted(pool[order], pool)
    rank = np.empty(part.size, np.intp)
    rank[order] = np.arange(part.size)
    return (whole + (rank - first < left[pool])).astype(np.int64)


def _labels(readings: Readings, accounts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(campaign,) account and channel of each, by the names of the decisions."""
    if "channel" not in readings.labels:
        raise InputError(
            "Decisions are of channels, and the campaign table does not say which channel a "
            "campaign is of. Add a column channel with the names of the decisions."
        )
    if "account" in readings.labels:
        return readings.labels["account"], readings.labels["channel"]
    if len(accounts) > 1:
        raise InputError(
            f"Decisions are of the accounts {quoted(accounts)}, and the campaign table has no "
            "column account. Add it, or give the decisions of one account."
        )
    only = next(iter(accounts))
    return np.full(len(readings), only, dtype=object), readings.labels["channel"]


def _check_currency(table: pd.DataFrame, readings: Readings) -> None:
    if "currency" not in table.columns or not readings.currency:
        return
    other = sorted({str(one) for one in table["currency"].dropna()} - {readings.currency, ""})
    if other:
        raise InputError(
            f"Decisions are in {quoted(other)}, the campaigns in {readings.currency}. Give the "
            "decisions and the campaigns of one currency."
        )
