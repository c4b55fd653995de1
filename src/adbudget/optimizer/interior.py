"""One scaled concave program -> its optimum and prices. Knows nothing of plans, limits or money.

    maximise  (1 - a) * mean_d V_d(z) + a * tail_mean_d V_d(z)  summed over pools
    subject to  0 <= z <= 1,   A z <= b  (or == b)

The tail mean is  max_t  t - sum_d max(t - V_d, 0) / n_worst  (Rockafellar & Uryasev). With
u_d >= 0 and y_d = V_d - t + u_d >= 0 it has a smooth barrier, whose multipliers q_d are the
weights of the worst draws. All of it is solved by a primal-dual interior point method with exact
curvature; u, y, t and q are eliminated, so a step costs one system of the size of z.

References
----------
Boyd & Vandenberghe (2004), Convex Optimization, 11.7. Rockafellar & Uryasev (2000), J. Risk 2(3).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

TOLERANCE = 1e-9  # objective is scaled so that 1 is all the money that can move
MAX_STEPS = 300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """A scaled program.

    Attributes
    ----------
    values : z -> (draw, pool) values
    blend : draw weights (draw, pool) -> the curves averaged with them
    gradient : z, such an average -> (z,) gradient of the weighted value
    curvature : z, such an average -> (z,) minus its second derivatives, >= 0
    slopes : z -> one (draw, columns) array per pool, with the columns it stands in
    matrix, bound, equality : rows; the matrix is dense, or scipy sparse when there is no tail
    aversion, n_worst, n_draws, n_pools : the tail mean's weight, and its size
    n_blocks : how many separate problems of size one stand side by side
    """

    values: Callable[[np.ndarray], np.ndarray]
    blend: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]
    slopes: Callable[[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]
    matrix: Any
    bound: np.ndarray
    equality: np.ndarray
    aversion: float
    n_worst: int
    n_draws: int
    n_pools: int
    n_blocks: int

    def draw_weights(self, q: np.ndarray) -> np.ndarray:
        """(draw, pool) weight of every draw in the objective: its share of mean and of tail."""
        return (1 - self.aversion) / self.n_draws + q


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """All unknowns, or a step in all of them.

    Pairs that multiply to mu: (z, low), (1 - z, high), (slack, price) where a row is <=, (y, q),
    and (u, rest) with rest = a / n_worst - q.
    """

    z: np.ndarray
    low: np.ndarray
    high: np.ndarray
    slack: np.ndarray
    price: np.ndarray
    t: np.ndarray
    u: np.ndarray
    y: np.ndarray
    q: np.ndarray

    def moved(self, step: "Point", length: float) -> "Point":
        """Point reached by ``length`` times a step."""
        return Point(
            *(getattr(self, f.name) + length * getattr(step, f.name) for f in fields(self))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """What is not yet zero at a point. ``mu`` is taken off the products by :meth:`size`.

    ``blended`` are the curves averaged as the point weighs the draws.
    """

    stationary: np.ndarray
    rows: np.ndarray
    shortfall: np.ndarray
    worst: np.ndarray
    products: tuple[np.ndarray, ...]
    draw_products: tuple[np.ndarray, ...]
    draw_mu: float
    blended: np.ndarray

    @property
    def gap(self) -> float:
        """Sum of all products: about how far the objective can be from its optimum."""
        return float(sum(p.sum() for p in (*self.products, *self.draw_products)))

    @property
    def n_products(self) -> float:
        """Products in units of mu."""
        size = sum(p.size for p in self.products)
        return size + self.draw_mu * sum(p.size for p in self.draw_products)

    @property
    def infeasibility(self) -> float:
        """Largest violation of an equation."""
        parts = (self.stationary, self.rows, self.shortfall, self.worst)
        return max(float(np.abs(part).max(initial=0.0)) for part in parts)

    def size(self, mu: float) -> float:
        """Length of the whole residual."""
        parts = [self.stationary, self.rows, self.shortfall, self.worst]
        parts += [p - mu for p in self.products]
        by_draw = sum(_square(p - mu * self.draw_mu) for p in self.draw_products)
        return float(np.sqrt(sum(map(_square, parts)) + by_draw / self.draw_mu))


def _square(part: np.ndarray) -> float:
    """Sum of squares."""
    return float(np.vdot(part, part))


def maximise(program: Program, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the optimum, the prices of the rows and the weights (draw, pool) of all draws.

    Parameters
    ----------
    start : (z,) strictly between 0 and 1
    """
    point = _first_point(program, start)
    residual = _residual(program, point)
    centring = 0.2
    for _ in range(MAX_STEPS):
        mu = centring * residual.gap / max(residual.n_products, 1.0)
        if residual.gap <= TOLERANCE * program.n_blocks and residual.infeasibility <= TOLERANCE:
            break
        step = _newton_step(program, point, residual, mu)
        length = min(1.0, 0.99 * _longest(program, point, step))
        before = residual.size(mu)
        tried = point
        for _ in range(8):
            tried = point.moved(step, length)
            residual = _residual(program, tried)
            if residual.size(mu) <= (1 - 0.01 * length) * before:
                break
            length *= 0.5
        point = tried
        centring = 0.05 if length > 0.9 else 0.2 if length > 0.5 else 0.5
    return point.z, point.price, program.draw_weights(point.q)


def _first_point(program: Program, z: np.ndarray) -> Point:
    """Start with all pairs positive and about equal products."""
    mu = 0.3 / z.size * program.n_blocks
    room = program.bound - program.matrix @ z
    slack = np.where(program.equality, 0.0, np.maximum(room, 0.05))
    price = np.where(program.equality, 0.0, mu / np.where(program.equality, 1.0, slack))
    values = program.values(z)
    shape = (program.n_draws, program.n_pools) if program.aversion > 0 else (0, program.n_pools)
    q = np.full(shape, program.aversion / program.n_draws)
    if program.aversion > 0:
        t = np.sort(values, axis=0)[program.n_worst - 1]
        spread = np.maximum(0.1 * values.std(axis=0), 1e-4)
        u = np.maximum(t - values, 0) + spread
        y = u - (t - values)
    else:
        t, u, y = np.zeros(program.n_pools), q, q
    return Point(z, mu / z, mu / (1 - z), slack, price, t, u, y, q)


def _residual(program: Program, point: Point) -> Residual:
    inequality = ~program.equality
    weights = program.draw_weights(point.q)
    if program.aversion > 0:
        shortfall = program.values(point.z) - point.t + point.u - point.y
        worst = point.q.sum(axis=0) - program.aversion
        rest = program.aversion / program.n_worst - point.q
    else:
        weights = np.ones((1, program.n_pools))
        shortfall, worst, rest = point.q, np.zeros(0), point.q
    blended = program.blend(weights)
    gradient = program.gradient(point.z, blended)
    return Residual(
        stationary=-gradient + program.matrix.T @ point.price - point.low + point.high,
        rows=program.matrix @ point.z + point.slack - program.bound,
        shortfall=shortfall,
        worst=worst,
        products=(
            point.z * point.low,
            (1 - point.z) * point.high,
            (point.slack * point.price)[inequality],
        ),
        draw_products=(point.q * point.y, rest * point.u),
        draw_mu=max(1, point.z.size) / (program.n_draws * program.n_pools),
        blended=blended,
    )


def _newton_step(program: Program, point: Point, residual: Residual, mu: float) -> Point:
    """Step that would make every residual zero and every product mu, were all linear."""
    z, no_tail = point.z, program.aversion == 0
    low_aim, high_aim = mu / z - point.low, mu / (1 - z) - point.high
    right = -residual.stationary + low_aim - high_aim
    diagonal = program.curvature(z, residual.blended) + point.low / z + point.high / (1 - z)
    safe_price = np.where(program.equality, 1.0, point.price)
    give = np.where(program.equality, 0.0, point.slack / safe_price)
    slack_aim = np.where(program.equality, 0.0, mu / safe_price - point.slack)
    right_rows = -residual.rows - slack_aim
    if no_tail:
        dz, dprice = solve_diagonal(program.matrix, diagonal, give, right, right_rows)
        tail = (np.zeros_like(point.t), point.q, point.q, point.q)
    else:
        parts = _tail_parts(program, point, residual, mu)
        hessian = np.diag(diagonal)
        for part in parts:
            part.add_to(hessian, right)
        dz, dprice = _solve_dense(program.matrix, hessian, give, right, right_rows)
        tail = tuple(np.stack(x, axis=-1) for x in zip(*(p.steps(dz) for p in parts), strict=True))
    return Point(
        dz,
        low_aim - point.low / z * dz,
        high_aim + point.high / (1 - z) * dz,
        slack_aim - give * dprice,
        dprice,
        *tail,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _TailPart:
    """One pool's tail mean in the Newton system: dq = aim - theta * (J dz - dt)."""

    slopes: np.ndarray
    columns: np.ndarray
    theta: np.ndarray
    aim: np.ndarray
    missing: float
    u_aim: np.ndarray
    u_rate: np.ndarray
    shortfall: np.ndarray

    def add_to(self, hessian: np.ndarray, right: np.ndarray) -> None:
        pulled = self.slopes.T @ self.theta
        covariance = (self.slopes.T * self.theta) @ self.slopes
        total = self.theta.sum()
        hessian[np.ix_(self.columns, self.columns)] += covariance - np.outer(pulled, pulled) / total
        shift = (self.missing - self.aim.sum()) / total
        right[self.columns] += self.slopes.T @ self.aim + pulled * shift

    def steps(self, dz: np.ndarray) -> tuple[np.ndarray, ...]:
        """Give the steps of t, u, y, q."""
        gained = self.slopes @ dz[self.columns]
        dt = (self.theta @ gained - self.aim.sum() + self.missing) / self.theta.sum()
        dq = self.aim - self.theta * (gained - dt)
        du = self.u_aim + self.u_rate * dq
        return dt, du, gained - dt + du + self.shortfall, dq


def _tail_parts(program: Program, point: Point, residual: Residual, mu: float) -> list[_TailPart]:
    draw_mu = mu * residual.draw_mu
    parts = []
    for p, (slopes, columns) in enumerate(program.slopes(point.z)):
        q, u, y = point.q[:, p], point.u[:, p], point.y[:, p]
        rest = program.aversion / program.n_worst - q
        u_rate = u / rest
        theta = 1 / (y / q + u_rate)
        u_aim = draw_mu / rest - u
        shortfall = residual.shortfall[:, p]
        aim = theta * (draw_mu / q - y - shortfall - u_aim)
        missing = -float(residual.worst[p])
        parts.append(_TailPart(slopes, columns, theta, aim, missing, u_aim, u_rate, shortfall))
    return parts


def _solve_dense(matrix, hessian, give, right, right_rows) -> tuple[np.ndarray, np.ndarray]:
    """Solve [[hessian, A'], [A, -give]] x = [right, right_rows]."""
    n, m = right.size, right_rows.size
    system = np.zeros((n + m, n + m))
    system[:n, :n] = hessian
    system[:n, n:] = matrix.T
    system[n:, :n] = matrix
    # a whisker on the diagonal: two rows that say the same are no reason to stop
    system[np.arange(n, n + m), np.arange(n, n + m)] = -give - 1e-13
    solution = np.linalg.solve(system, np.concatenate([right, right_rows]))
    return solution[:n], solution[n:]


def solve_diagonal(matrix, diagonal, give, right, right_rows) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`_solve_dense` for a diagonal Hessian, through the prices."""
    if right_rows.size == 0:
        return right / diagonal, right_rows
    pulled = matrix @ (right / diagonal) - right_rows
    if isinstance(matrix, np.ndarray):
        schur = (matrix / diagonal) @ matrix.T
        ridge = 1e-14 * np.abs(schur).max(initial=1e-300)
        schur[np.diag_indices_from(schur)] += give + ridge
        dprice = np.linalg.solve(schur, pulled)
    else:
        from scipy.sparse import diags_array
        from scipy.sparse.linalg import splu

        schur = matrix @ diags_array(1 / diagonal) @ matrix.T
        ridge = 1e-14 * np.abs(schur.diagonal()).max()
        system = (schur + diags_array(give + ridge)).tocsc()
        dprice = splu(system, permc_spec="MMD_AT_PLUS_A").solve(pulled)
    return (right - matrix.T @ dprice) / diagonal, dprice


def _longest(program: Program, point: Point, step: Point) -> float:
    """Largest step length that keeps every pair positive."""
    cap = program.aversion / program.n_worst
    inequality = ~program.equality
    pairs = [
        (point.z, step.z), (1 - point.z, -step.z), (point.low, step.low),
        (point.high, step.high), (point.slack[inequality], step.slack[inequality]),
        (point.price[inequality], step.price[inequality]), (point.u, step.u),
        (point.y, step.y), (point.q, step.q), (cap - point.q, -step.q),
    ]  # fmt: skip
    shrinking = min(float((move / now).min(initial=0.0)) for now, move in pairs)
    return -1 / shrinking if shrinking < 0 else np.inf
