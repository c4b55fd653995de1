"""The log posterior density and its gradient, compiled: the default engine.

The same density as ``definition.py``, written out by hand; a test holds the two to each other.
All data travel in one flat block of numbers, so that the sampler's threads call machine code and
never wait for the interpreter.
"""

import numba
import numpy as np
from numba import carray, types  # pyright: ignore[reportPrivateImportUsage]

from adbudget.model.factor import Likelihood
from adbudget.model.layout import Layout
from adbudget.model.priors import Priors
from adbudget.model.transform import BEND_WIDTH, tilt_grids

# NaN and infinity keep their meaning: the sampler must see them. Only in `_dot` may a sum be
# reordered, which lets it use vector registers: in larger functions the compiler reorders otherwise
# when it reads its own cache, and the same seed would give other draws in the second process.
RELAXED = {"contract", "nsz"}
HEADER = 9


def pack(likelihood: Likelihood, priors: Priors) -> np.ndarray:
    """Likelihood and priors as one flat block of float64, read back by :func:`_unpack`.

    Parameters
    ----------
    likelihood : quadratic forms
    priors : scales of the density
    """
    memory_grid, shape_grid = tilt_grids(priors)
    n_accounts, n_columns, max_rank = likelihood.factor.shape
    header = [
        0,
        likelihood.n_channels,
        n_accounts,
        likelihood.cell_channel.size,
        n_columns,
        max_rank,
        memory_grid.size,
        shape_grid.size,
        0 if likelihood.tests is None else likelihood.tests.cell.size,
    ]
    scales = [
        np.log(priors.roi_median),
        priors.roi_sd,
        priors.channel_spread,
        priors.account_spread,
        priors.saturation_sd,
        priors.memory_sd,
        priors.cell_tilt_sd,
        np.log(priors.roi_median) - priors.null_start,
        priors.null_slope,
        priors.noise_df,
        priors.noise_df * priors.noise_share**2,
    ]
    block = np.concatenate(
        [
            header,
            scales,
            memory_grid,
            shape_grid,
            likelihood.first_cell,
            likelihood.cell_channel,
            likelihood.spend_share,
            likelihood.rank,
            likelihood.rest,
            likelihood.dof,
            likelihood.target.ravel(),
            likelihood.factor.ravel(),
            *_packed_tests(likelihood),
        ],
        dtype=float,
    )
    block[0] = block.size
    return block


def _packed_tests(likelihood: Likelihood) -> tuple[np.ndarray, ...]:
    """First test of each cell, targets and rows of the lift tests, cell by cell, of unit noise."""
    n_cells = likelihood.cell_channel.size
    if likelihood.tests is None:
        return (np.zeros(n_cells + 1),)
    lift = likelihood.tests
    order = np.argsort(lift.cell, kind="stable")
    first = np.searchsorted(lift.cell[order], np.arange(n_cells + 1))
    error = lift.tests.standard_error[order]
    rows = lift.rows[order] / error[:, None]
    return first, lift.tests.measured[order] / error, rows.ravel()


@numba.njit(cache=True, error_model="numpy", fastmath=RELAXED | {"reassoc"})
def _dot(left, right, size):
    """Sum of products of the first ``size`` entries."""
    total = 0.0
    for i in range(size):
        total += left[i] * right[i]
    return total


@numba.njit(cache=True, error_model="numpy", fastmath=RELAXED)
def _soft_shares(tilt, grid, out):
    """Shares of a grid, proportional to exp(tilt * grid); returns the mean of the grid."""
    top = abs(tilt)
    total = 0.0
    for i in range(grid.size):
        out[i] = np.exp(tilt * grid[i] - top)
        total += out[i]
    mean = 0.0
    for i in range(grid.size):
        out[i] /= total
        mean += out[i] * grid[i]
    return mean


@numba.njit(cache=True, error_model="numpy", fastmath=RELAXED)
def _bend(raw, start, slope, width):
    """Bent log return and its derivative by the raw one."""
    depth = (start - raw) / width
    if depth > 0:
        decay = np.exp(-depth)
        soft = depth + np.log1p(decay)
        share = 1.0 / (1.0 + decay)
    else:
        decay = np.exp(depth)
        soft = np.log1p(decay)
        share = decay / (1.0 + decay)
    return raw - slope * width * soft, 1.0 + slope * share


@numba.njit(cache=True, error_model="numpy", fastmath=RELAXED)
def _population(x, grad, C, A, scales):
    """Log prior of all parameters, its gradient added to ``grad``."""
    value = 0.0
    for c in range(C):
        z = (x[c] - scales[0]) / scales[1]
        value -= 0.5 * z * z
        grad[c] -= z / scales[1]
    for i in range(C, 2 * C + 1):
        scale = scales[2] if i < 2 * C else scales[3]
        z = x[i] / scale
        value -= 0.5 * z * z
        grad[i] -= z / scale
    for i in range(2 * C + 1, 4 * C + 1):
        scale = scales[4] if i < 3 * C + 1 else scales[5]
        z = x[i] / scale
        value -= 0.5 * z * z
        grad[i] -= z / scale
    for i in range(4 * C + 1, x.size):
        value -= 0.5 * x[i] * x[i]
        grad[i] -= x[i]
    return value


@numba.njit(cache=True, error_model="numpy", fastmath=RELAXED)
def _density(x, grad, block):
    """Log density up to a constant; its gradient goes to ``grad``."""
    C, A, n = int(block[1]), int(block[2]), int(block[3])
    Q, R, J, M = int(block[4]), int(block[5]), int(block[6]), int(block[7])
    K, n_tests = J * M, int(block[8])
    at = HEADER
    scales = block[at : at + 11]
    at += 11
    memory_grid = block[at : at + J]
    at += J
    shape_grid = block[at : at + M]
    at += M
    first_cell = block[at : at + A + 1]
    at += A + 1
    cell_channel = block[at : at + n]
    at += n
    spend_share = block[at : at + n]
    at += n
    rank = block[at : at + A]
    at += A
    rest = block[at : at + A]
    at += A
    dof = block[at : at + A]
    at += A
    target = block[at : at + A * R].reshape((A, R))
    at += A * R
    factor = block[at : at + A * Q * R].reshape((A, Q, R))
    at += A * Q * R
    first_test = block[at : at + n + 1]
    at += n + 1
    test_target = block[at : at + n_tests]
    at += n_tests
    test_rows = block[at : at + n_tests * K].reshape((n_tests, K))

    tilt_sd, start, slope = scales[6], scales[7], scales[8]
    noise_df, noise_scale = scales[9], scales[10]
    grad[:] = 0.0
    value = _population(x, grad, C, A, scales)
    o_spread, o_account, o_shape, o_memory = C, 2 * C, 2 * C + 1, 3 * C + 1
    o_effect, o_cell = 4 * C + 1, 4 * C + 1 + A
    o_cell_shape, o_cell_memory = o_cell + n, o_cell + 2 * n
    account_spread = x[o_account]
    spread = x[o_spread : o_spread + C]

    widest = Q // K
    shape, memory = np.empty((widest, M)), np.empty((widest, J))
    shape_mean, memory_mean = np.empty(widest), np.empty(widest)
    steepness, weight, error = np.empty(widest), np.empty(Q), np.empty(R)
    test_error = np.empty(n_tests)
    for a in range(A):
        begin, end, r_used = int(first_cell[a]), int(first_cell[a + 1]), int(rank[a])
        for r in range(r_used):
            error[r] = -target[a, r]
        for i in range(begin, end):
            local, c = i - begin, int(cell_channel[i])
            raw = x[c] + account_spread * x[o_effect + a] + spread[c] * x[o_cell + i]
            log_roi, steepness[local] = _bend(raw, start, slope, BEND_WIDTH)
            level = np.exp(log_roi) * spend_share[i]
            tilt = x[o_shape + c] + tilt_sd * x[o_cell_shape + i]
            shape_mean[local] = _soft_shares(tilt, shape_grid, shape[local])
            tilt = x[o_memory + c] + tilt_sd * x[o_cell_memory + i]
            memory_mean[local] = _soft_shares(tilt, memory_grid, memory[local])
            for j in range(J):
                for m in range(M):
                    q = local * K + j * M + m
                    w = level * memory[local, j] * shape[local, m]
                    weight[q] = w
                    for r in range(r_used):
                        error[r] += w * factor[a, q, r]
            for s in range(int(first_test[i]), int(first_test[i + 1])):
                test_error[s] = -test_target[s]
                for q in range(K):
                    test_error[s] += test_rows[s, q] * weight[local * K + q]
                value -= 0.5 * test_error[s] * test_error[s]
        misfit = rest[a] + _dot(error, error, r_used)
        half_df = 0.5 * (noise_df + dof[a])
        inverse = 1.0 / (noise_scale + misfit)
        value += half_df * np.log(inverse)
        pull = -2.0 * half_df * inverse
        for i in range(begin, end):
            local, c = i - begin, int(cell_channel[i])
            first, last = int(first_test[i]), int(first_test[i + 1])
            total, by_shape, by_memory = 0.0, 0.0, 0.0
            for j in range(J):
                for m in range(M):
                    q = local * K + j * M + m
                    slope_q = pull * _dot(factor[a, q], error, r_used)
                    for s in range(first, last):
                        slope_q -= test_error[s] * test_rows[s, j * M + m]
                    slope_q *= weight[q]
                    total += slope_q
                    by_shape += slope_q * (shape_grid[m] - shape_mean[local])
                    by_memory += slope_q * (memory_grid[j] - memory_mean[local])
            by_raw = total * steepness[local]
            grad[c] += by_raw
            grad[o_account] += by_raw * x[o_effect + a]
            grad[o_effect + a] += by_raw * account_spread
            grad[o_spread + c] += by_raw * x[o_cell + i]
            grad[o_cell + i] += by_raw * spread[c]
            grad[o_shape + c] += by_shape
            grad[o_cell_shape + i] += by_shape * tilt_sd
            grad[o_memory + c] += by_memory
            grad[o_cell_memory + i] += by_memory * tilt_sd
    return value


def value_and_gradient(position: np.ndarray, block: np.ndarray) -> tuple[float, np.ndarray]:
    """Log density (up to a constant) and its gradient at one position.

    Parameters
    ----------
    position : (size,) flat parameters, ordered as in :class:`~adbudget.model.layout.Layout`
    block : from :func:`pack`

    Returns
    -------
    value, gradient (size,)
    """
    gradient = np.empty_like(position)
    return _density(position, gradient, block), gradient


_DOUBLES = types.CPointer(types.double)


@numba.cfunc(types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr), cache=True)
def density_callback(size, position, gradient, value, data):
    """C entry point for the sampler: 0 when finite, a positive code when the point is no good."""
    length = int(carray(data, (1,), np.float64)[0])
    block = carray(data, (length,), np.float64)
    out = carray(value, (1,))
    out[0] = _density(carray(position, (size,)), carray(gradient, (size,)), block)
    return 0 if np.isfinite(out[0]) else 4


@numba.cfunc(types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr), cache=True)
def copy_callback(size, size_out, position, out, data):
    """C entry point that keeps a draw as it is: everything else is derived after sampling."""
    carray(out, (size_out,))[:] = carray(position, (size,))
    return 0


def layout_of(likelihood: Likelihood) -> Layout:
    """The layout that fits a likelihood."""
    return Layout(
        n_channels=likelihood.n_channels,
        n_accounts=likelihood.factor.shape[0],
        n_cells=likelihood.cell_channel.size,
    )
