"""Proposal: the best plan within the limits, what it is worth and what proves it.

The order of the work: arrays (problem) -> are the limits possible (conflict) -> search (solve) ->
exact limits (repair) -> whole steps (rounding) -> hold where nothing is better -> Proposal.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from adbudget.display.page import Page, Shown, counted, table_of
from adbudget.display.stages import stage
from adbudget.draws import CurveDraws, HasDraws, SpendLike
from adbudget.errors import InfeasibleError, InputError
from adbudget.money import amount
from adbudget.optimizer.alternative import MoveComparison, compare_without
from adbudget.optimizer.certificate import upper_bounds
from adbudget.optimizer.conflict import check_feasible
from adbudget.optimizer.hindsight import Case, best_by_draw, best_plans
from adbudget.optimizer.objective import pool_objectives, value_by_account
from adbudget.optimizer.prices import shadow_prices
from adbudget.optimizer.problem import Problem, build_problem, hold_cells
from adbudget.optimizer.reasons import hurdles, limits_met, why
from adbudget.optimizer.repair import on_limits
from adbudget.optimizer.rounding import round_moves
from adbudget.optimizer.rows import TOTAL
from adbudget.optimizer.solve import Solution, solve
from adbudget.plan import Cell, Limits, Plan
from adbudget.risk import Risk

ROUNDING = 1e-6  # share of a cell's spend below which a move is rounding
WORTH_IT = 1e-7  # share of a block's spend below which a gain is rounding, not a reason to move


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Proposal(Shown):
    """The best plan within the limits. Money is account currency per period.

    Attributes
    ----------
    current, plan : today's spend, and the spend proposed
    limits, risk, draws : what was asked
    value : (draw,) value of the plan against today's; (draw, currency) if there are several
    value_by_account : (draw, account) the same by account
    objective : (1 - aversion) * mean + aversion * tail mean of value, summed over pools; a Series
        by currency if there are several
    gap : how far the plan is from the best plan within the limits, at most; with several
        currencies, the largest of their gaps
    gap_by_pool : the same by pool; pools tied together by a group all show the gap they share
    hurdle : Series by cell, value one more unit of spend must bring to be worth it here: what its
        money earns in another cell that binding totals and groups let it go to, and 1, what it
        costs, where there is none or money may stay unspent
    holds : True when nothing beats today's plan; then ``plan`` is exactly ``current``
    at_limit : Series by cell, the limit that keeps the cell from moving further, "" if none
    reason : one sentence a buyer can read aloud

    Examples
    --------
    >>> list(proposal.shadow_prices.columns)
    ['account', 'channel', 'limit', 'price']
    >>> float(proposal.value.mean()) >= 0  # holding is worth exactly zero
    True
    >>> held = proposal.refit(("search",))  # the best plan that leaves search as it is
    >>> cell = ("account_01", "search")
    >>> bool(held.plan.spend[cell] == fit.current_spend[cell]), len(proposal.comparisons())
    (True, 10)
    >>> bool((proposal.least_spend <= proposal.most_spend(proposal.plan.spend)).all())
    True
    >>> proposal.totals.shape, len(proposal.pool_of_cell), bool(proposal.may_hold.all())
    ((5,), 10, True)
    >>> proposal.best_in_hindsight(np.arange(2)).shape  # (draw, account)
    (2, 5)
    >>> from adbudget.optimizer.hindsight import Case
    >>> first = Case(block=0, weights=fit.draws.steady_weights[0, 0])  # were the first draw true
    >>> where, spend = proposal.best_plans([first])[0]
    >>> where.tolist(), len(set(proposal.block_of_cell.tolist()))
    ([0, 1], 5)
    """

    current: Plan
    plan: Plan
    limits: Limits
    risk: Risk
    draws: CurveDraws
    value: xr.DataArray
    value_by_account: xr.DataArray
    objective: float | pd.Series
    gap: float
    gap_by_pool: pd.Series
    hurdle: pd.Series
    holds: bool
    at_limit: pd.Series
    reason: str
    _problem: Problem = field(repr=False)
    _solution: Solution = field(repr=False)

    def page(self) -> Page:
        """What ``repr`` and a notebook show."""
        now, after = self.current.spend, self.plan.spend
        order = (after - now).abs().sort_values(ascending=False, kind="stable").index
        moves = pd.DataFrame({"now": now, "next": after, "held by": self.at_limit}).loc[order]
        return Page(
            title=f"Proposal: {amount(now.sum())} -> {amount(after.sum())} per period on "
            f"{counted(len(now), 'account-channel')}",
            facts=[("reason", self.reason), ("gap to the best", amount(self.gap))],
            next=("ab.decide(proposal, health=fit.health)  .plan  .value  .hurdle  .at_limit",),
            **table_of(moves.reset_index()),
        )

    def refit(self, fixed: tuple[Cell | str, ...]) -> "Proposal":
        """Find the best plan with more cells (or whole channels) held at today's spend.

        Only accounts (or pools) with a newly held cell are solved again.

        Parameters
        ----------
        fixed : (account, channel) pairs, or channel names, held besides ``limits.fixed``

        Raises
        ------
        InputError : a cell or channel is unknown
        InfeasibleError : the limits cannot be kept with these cells held
        """
        before = self._problem
        problem = hold_cells(before, Limits(fixed=fixed).fixed)
        differs = (problem.lower != before.lower) | (problem.upper != before.upper)
        changed = np.bincount(problem.cell_block, differs, problem.n_blocks) > 0
        with _one_thread():
            return _propose(problem, self.risk, changed, self._solution)

    @property
    def may_hold(self) -> pd.Series:
        """Series by cell: whether the limits allow today's plan in its account (or pool)."""
        problem = self._problem
        allowed = problem.admits(problem.current)[problem.cell_block]
        return pd.Series(allowed, index=problem.cells, name="may_hold")

    @property
    def least_spend(self) -> pd.Series:
        """Series by cell: how far each may fall by its own bounds and minima of its groups."""
        problem = self._problem
        return _series(problem, problem.least(self.plan.spend.to_numpy(float)), "least_spend")

    def most_spend(self, spend: pd.Series) -> pd.Series:
        """Series by cell: how far each may rise from a plan, by its bounds and maxima of groups."""
        problem = self._problem
        return _series(problem, problem.most(spend.to_numpy(float)), "most_spend")

    @property
    def pool_of_cell(self) -> pd.Series:
        """Series by cell: name of the pool whose total it is part of."""
        problem = self._problem
        return _series(problem, np.array(problem.pools, dtype=object)[problem.pool], "pool")

    @property
    def block_of_cell(self) -> np.ndarray:
        """(cell,) number of the block it is solved in; other blocks do not matter to it."""
        return self._problem.cell_block

    @property
    def totals(self) -> pd.Series:
        """Series by pool: the money it may spend per period; empty where totals are free."""
        problem = self._problem
        is_total = [kind == TOTAL for kind in problem.rows.kind]  # one for each pool, in order
        pools = pd.Index(problem.pools if any(is_total) else (), name="pool")
        return pd.Series(problem.rows.bound[is_total], pools, name="total")

    @property
    def shadow_prices(self) -> pd.DataFrame:
        """What each limit that binds costs: account, channel, limit, price; the dearest first.

        Price is value per unit of money, risk paid for; see
        :func:`adbudget.optimizer.prices.shadow_prices`.
        """
        return shadow_prices(self._problem, self.plan.spend.to_numpy(float), self._solution)

    def comparisons(self) -> dict[Cell, MoveComparison]:
        """Every moved cell's plan against the best plan that leaves the cell at today's spend.

        Where the limits do not allow today's plan no cell can be left alone, so cells for which
        :attr:`may_hold` is False are left out.

        Returns
        -------
        dict (account, channel) -> MoveComparison; empty when nothing moves
        """
        problem, spend = self._problem, self.plan.spend.to_numpy(float)
        # The search leaves moves the size of rounding; dividing by one of them means nothing.
        move = np.abs(spend - problem.current)
        real = move > ROUNDING * np.maximum(spend, problem.current)
        moved = np.flatnonzero(real & self.may_hold.to_numpy())
        if moved.size == 0:
            return {}
        names = problem.cells.tolist()
        with _one_thread():
            found = compare_without(problem, spend, self._solution, moved)
            return {names[one.cell]: one for one in found}

    def best_plans(self, cases: Sequence[Case]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The best plan of some blocks where other curves are the truth.

        Parameters
        ----------
        cases : blocks, curves, and the cells that may move

        Returns
        -------
        For each case, positions of the cells of its block and their spend
        """
        with _one_thread():
            return best_plans(self._problem, cases)

    def best_in_hindsight(self, some: np.ndarray) -> np.ndarray:
        """(some, account) value of the best plan within the limits for each of some draws.

        Parameters
        ----------
        some : positions of draws, each of which is taken for the truth by itself
        """
        with _one_thread():
            return best_by_draw(self._problem, some)


@stage("searching the best plan")
def optimize(
    fit: HasDraws | CurveDraws,
    current: SpendLike | None = None,
    limits: Limits | None = None,
    risk: Risk | None = None,
) -> Proposal:
    """Find the plan within the limits that is worth most after its risk is paid for.

    Worth is steady state: outcome per period at constant spend, times margin and unit value, less
    what the spend costs, against today's plan, draw by draw. Each account (or pool) is solved by
    itself, unless a group ties several together.

    Parameters
    ----------
    fit : a Fit, or the CurveDraws of one
    current : today's spend per period, account currency, a Series or mapping by (account,
        channel) or a DataArray; a Fit's own ``current_spend`` if not given
    limits : default: +-30% a cell, at most today's total per account
    risk : default: a fifth of the weight on the worst tenth of the draws

    Returns
    -------
    Proposal : never worse than today's plan, unless today's plan breaks the limits

    Raises
    ------
    InputError : an argument is unusable, or names unknown cells
    InfeasibleError : no plan keeps every limit; names the limits in conflict

    References
    ----------
    Rockafellar & Uryasev (2000), Journal of Risk 2(3), 21-41.

    Examples
    --------
    >>> proposal = ab.optimize(fit, limits=ab.Limits(change=0.2, total="fixed"))
    >>> totals = proposal.plan.total_by_account - proposal.current.total_by_account
    >>> bool(totals.abs().max() < 0.01)
    True
    """
    limits, risk = limits or Limits(), risk or Risk()
    if not isinstance(limits, Limits) or not isinstance(risk, Risk):
        raise InputError(f"limits and risk must be Limits and Risk; got {limits!r}, {risk!r}.")
    draws = fit if isinstance(fit, CurveDraws) else fit.draws
    if current is None:
        if isinstance(fit, CurveDraws):
            raise InputError("current is needed with CurveDraws; give spend by (account, channel).")
        current = fit.current_spend
    if not isinstance(current, pd.Series | xr.DataArray | Mapping):
        raise InputError(f"current must be a Series, mapping or DataArray; got {type(current)}.")
    problem = build_problem(draws, current, limits)
    with _one_thread():
        return _propose(problem, risk, changed=np.ones(problem.n_blocks, dtype=bool))


def _one_thread() -> AbstractContextManager:
    """Many small products: threads would only wait for each other, badly so on a busy machine."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def _propose(
    problem: Problem,
    risk: Risk,
    changed: np.ndarray,
    known: Solution | None = None,
) -> Proposal:
    check_feasible(problem)
    found = on_limits(problem, solve(problem, risk, changed, known), changed)
    _check_kept(problem, found.spend)
    step = problem.limits.step
    spend = found.spend if step is None else round_moves(problem, found, step)
    values = value_by_account(problem, spend)
    worth = pool_objectives(problem, values, risk)
    spend, values, worth = _hold_if_better(problem, spend, values, worth)
    most = upper_bounds(problem, found)
    gap = np.maximum(most - np.bincount(problem.block, worth, problem.n_blocks), 0.0)
    return _record(problem, risk, found, spend, values, worth, gap)


def _check_kept(problem: Problem, spend: np.ndarray) -> None:
    """Limits that leave less than rounding error of room can defeat the search; say so."""
    cells, rows = problem.breaks(spend)
    if cells.any() or rows.any():
        names = tuple(dict.fromkeys(np.array(problem.rows.name, object)[rows])) or ("bounds",)
        raise InfeasibleError(
            f"No plan was found that keeps {', '.join(names[:5])} to the last cent: these limits "
            "leave next to no room. Loosen one of them slightly.",
            conflict=names,
        )


def _hold_if_better(problem: Problem, spend, values, worth):
    """Today's spend, worth exactly zero, in blocks whose plan is worth nothing more."""
    by_block = np.bincount(problem.block, worth, problem.n_blocks)
    trifle = WORTH_IT * problem.block_sum(np.maximum(problem.current, spend))
    held = (by_block <= trifle) & problem.admits(problem.current)
    held_cells = held[problem.cell_block]
    spend = np.where(held_cells, problem.current, spend)
    values[:, np.unique(problem.position[0][held_cells])] = 0.0
    return spend, values, np.where(held[problem.block], 0.0, worth)


def _record(problem: Problem, risk: Risk, found: Solution, spend, values, worth, gap) -> Proposal:
    """Everything by name."""
    draws = problem.draws
    held = bool(np.all(spend == problem.current))
    by_account = xr.DataArray(
        values, dims=("draw", "account"), coords={"account": list(draws.accounts)}
    )
    currencies = tuple(dict.fromkeys(draws.currency))
    value, objective, gap_most = _by_currency(problem, currencies, values, worth, gap)
    return Proposal(
        current=Plan(spend=_series(problem, problem.current, "spend")),
        plan=Plan(spend=_series(problem, spend, "spend")),
        limits=problem.limits,
        risk=risk,
        draws=draws,
        value=value,
        value_by_account=by_account,
        objective=objective,
        gap=gap_most,
        gap_by_pool=pd.Series(gap[problem.block], pd.Index(problem.pools, name="pool"), name="gap"),
        hurdle=_series(problem, hurdles(problem, found), "hurdle"),
        holds=held,
        at_limit=_series(problem, limits_met(problem, spend, found.price), "at_limit"),
        reason=why(problem, spend, objective),
        _problem=problem,
        _solution=found,
    )


def _by_currency(problem: Problem, currencies, values, worth, gap):
    """Value draws, objective and gap; by currency when money of several cannot be added up."""
    account_code = np.array(problem.draws.currency)
    pool_code = np.full(len(problem.pools), "", dtype=account_code.dtype)
    pool_code[problem.pool] = account_code[problem.position[0]]
    if len(currencies) < 2:
        value = xr.DataArray(values.sum(axis=1), dims=("draw",))
        return value, float(worth.sum()), float(gap.sum())
    block_code = np.full(gap.size, "", dtype=account_code.dtype)
    block_code[problem.block] = pool_code
    value = xr.DataArray(
        np.stack([values[:, account_code == code].sum(axis=1) for code in currencies], axis=1),
        dims=("draw", "currency"),
        coords={"currency": list(currencies)},
    )
    objective = pd.Series(
        [worth[pool_code == code].sum() for code in currencies],
        index=pd.Index(currencies, name="currency"),
        name="objective",
    )
    return value, objective, float(max(gap[block_code == code].sum() for code in currencies))


def _series(problem: Problem, by_cell, name: str) -> pd.Series:
    return pd.Series(by_cell, index=problem.cells, name=name)
