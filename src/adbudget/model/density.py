"""The log posterior density and its gradient, compiled: the default engine.

The same density as ``definition.py``, written out by hand; a test holds the two to each other.
All data travel in one flat block of numbers, so that threads call machine code and never wait for
the interpreter. Everything compiled is in this one file and takes no code from others: machine code
is cached by file, and would not notice that another one has changed.
"""

import numba
import numpy as np
from numba import carray, types  # pyright: ignore[reportPrivateImportUsage]

from adbudget.model.machine_code import keeps_machine_code

KEPT = keeps_machine_code()
HEADER, N_SCALES = 10, 23  # how `block.pack` begins
DIVERGED = -1000.0  # log acceptance below which a trajectory has diverged
# NaN and infinity keep their meaning: the sampler must see them. Only in `_dot` may a sum be
# reordered, which lets it use vector registers: in larger functions the compiler reorders otherwise
# when it reads its own cache, and the same seed would give other draws in the second process.
RELAXED = {"contract", "nsz"}


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED | {"reassoc"})
def _dot(left, right, size):
    """Sum of products of the first ``size`` entries."""
    total = 0.0
    for i in range(size):
        total += left[i] * right[i]
    return total


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
def _soft_shares(tilt, grid, window, out):
    """Shares of a grid, proportional to exp(tilt * grid + window); returns the grid's mean."""
    top = -np.inf
    total = 0.0
    for i in range(grid.size):
        out[i] = tilt * grid[i] + window[i]
        top = max(top, out[i])
    for i in range(grid.size):
        out[i] = np.exp(out[i] - top)
        total += out[i]
    mean = 0.0
    for i in range(grid.size):
        out[i] /= total
        mean += out[i] * grid[i]
    return mean


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
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


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
def _learned(x, grad, mean, precision):
    """Log prior of what accounts share, as other accounts have shown it."""
    value, last = 0.0, mean.size - 1
    for i in range(mean.size):
        at = i if i < last else x.size - 1
        pull = 0.0
        for j in range(mean.size):
            off = x[j if j < last else x.size - 1] - mean[j]
            pull += precision[i, j] * off
        grad[at] -= pull
        value -= 0.5 * pull * (x[at] - mean[i])
    return value


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
def _believed(x, grad, C, scales):
    """Log prior of what accounts share, before any account."""
    df = scales[13]
    # The level channels share is Student-t; so are, all together, their distances from it.
    z = (x[0] - scales[0]) / scales[11]
    value = -0.5 * (df + 1) * np.log1p(z * z / df)
    grad[0] -= (df + 1) * z / (df + z * z) / scales[11]
    square = 0.0
    for c in range(C):
        z = (x[1 + c] - x[0]) / scales[1]
        square += z * z
    value -= 0.5 * (df + C) * np.log1p(square / df)
    pull = (df + C) / (df + square) / (scales[1] * scales[1])
    for c in range(C):
        slope = pull * (x[1 + c] - x[0])
        grad[1 + c] -= slope
        grad[0] += slope
    for i in range(1 + C, 2 + 2 * C):
        scale = scales[2] if i < 1 + 2 * C else scales[3]
        z = x[i] / scale
        value -= 0.5 * z * z
        grad[i] -= z / scale
    for i in range(2 + 2 * C, 2 + 4 * C):
        shape = i < 2 + 3 * C
        scale = scales[4] if shape else scales[5]
        z = (x[i] - (scales[22] if shape else scales[14])) / scale
        value -= 0.5 * z * z
        grad[i] -= z / scale
    return value


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
def _effects(x, grad, C, A, n, df, value):
    """``value`` and the log prior of what is an account's or a cell's own."""
    first, end = 2 + 4 * C + A, 2 + 4 * C + A + n
    for i in range(2 + 4 * C, x.size - 1):
        if first <= i < end:
            value -= 0.5 * (df + 1) * np.log1p(x[i] * x[i] / df)
            grad[i] -= (df + 1) * x[i] / (df + x[i] * x[i])
        else:
            value -= 0.5 * x[i] * x[i]
            grad[i] -= x[i]
    return value


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
def _base_sales(media, log_spread, centre, scales):
    """Log density of the mean outcomes, derivatives by spread and centre; by media: in place."""
    typical_sd, least = scales[18], scales[21]
    A = media.size
    variance = np.exp(2.0 * log_spread)
    pooled = variance + A * typical_sd * typical_sd
    value, mean, square = -(A - 1) * log_spread - 0.5 * np.log(pooled), 0.0, 0.0
    reach, off = np.empty(A), np.empty(A)
    for a in range(A):
        base = 1.0 - media[a]
        reach[a] = np.sqrt(base * base + 4.0 * least * least)
        # log((base + reach) / 2), exact also where media are many times the outcome.
        log_base = np.arcsinh(0.5 * base / least) + np.log(least)
        off[a] = log_base - np.log(media[a]) - centre
        value += np.log(1.0 + media[a] / reach[a])
        mean += off[a] / A
    for a in range(A):
        square += (off[a] - mean) ** 2
        pull = (off[a] - mean) / variance + mean / pooled
        by_odds = pull * (1.0 / reach[a] + 1.0 / media[a])
        # Of log(1 + media / reach), whose reach falls as media rise.
        slope = 1.0 / reach[a] + media[a] * (1.0 - media[a]) / reach[a] ** 3
        media[a] = by_odds + slope / (1.0 + media[a] / reach[a])
    common = A * mean * mean / pooled
    value -= 0.5 * (square / variance + common)
    by_spread = square / variance - (A - 1) + (common - 1.0) * variance / pooled
    return value, by_spread, A * mean / pooled


@numba.njit(cache=KEPT, error_model="numpy", fastmath=RELAXED)
def _density(x, grad, block):
    """Log density up to a constant; its gradient goes to ``grad``."""
    C, A, n = int(block[1]), int(block[2]), int(block[3])
    Q, R, J, M = int(block[4]), int(block[5]), int(block[6]), int(block[7])
    K, n_tests, S = J * M, int(block[8]), int(block[9])
    at = HEADER
    scales = block[at : at + N_SCALES]
    at += N_SCALES
    adstock_grid = block[at : at + J]
    at += J
    adstock_window = block[at : at + J]
    at += J
    shape_grid = block[at : at + M]
    at += M
    shape_window = block[at : at + M]
    at += M
    channel_known = block[at : at + C]
    at += C
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
    media_row = block[at : at + A * Q].reshape((A, Q))
    at += A * Q
    first_test = block[at : at + n + 1]
    at += n + 1
    test_target = block[at : at + n_tests]
    at += n_tests
    test_rows = block[at : at + n_tests * K].reshape((n_tests, K))
    at += n_tests * K
    learned_mean = block[at : at + S]
    at += S
    learned_precision = block[at : at + S * S].reshape((S, S))
    odds_slope = block[at + S * S : at + S * S + S]

    start, slope = x[0] - scales[7], scales[8]
    tilt_sd, place_sd, noise_df, noise_scale = scales[6], scales[15], scales[9], scales[10]
    grad[:] = 0.0
    if S > 0:
        value = _learned(x, grad, learned_mean, learned_precision)
    else:
        value = _believed(x, grad, C, scales)
    value = _effects(x, grad, C, A, n, scales[13], value)
    if S == 0:
        z = (x[x.size - 1] - scales[19]) / scales[20]
        grad[x.size - 1] -= z / scales[20]
        value -= 0.5 * z * z
    o_spread, o_account = 1 + C, 1 + 2 * C
    o_shape, o_adstock, o_effect, o_cell = 2 + 2 * C, 2 + 3 * C, 2 + 4 * C, 2 + 4 * C + A
    o_cell_shape, o_cell_adstock = o_cell + n, o_cell + 2 * n
    # What one account cannot tell is taken as known: see `transform.known_spreads`.
    account_spread = scales[16] if scales[16] > 0 else x[o_account]
    spread = np.empty(C)
    for c in range(C):
        spread[c] = channel_known[c] if channel_known[c] > 0 else x[o_spread + c]

    shape, adstock = np.empty((n, M)), np.empty((n, J))
    shape_mean, adstock_mean = np.empty(n), np.empty(n)
    steepness, weights, error = np.empty(n), np.empty((A, Q)), np.empty(R)
    by_media, test_error = np.empty(A), np.empty(n_tests)
    for a in range(A):
        begin, end = int(first_cell[a]), int(first_cell[a + 1])
        for i in range(begin, end):
            c = int(cell_channel[i])
            raw = x[1 + c] + account_spread * x[o_effect + a] + spread[c] * x[o_cell + i]
            log_roi, steepness[i] = _bend(raw, start, slope, scales[12])
            level = np.exp(log_roi) * spend_share[i]
            tilt = x[o_shape + c] + tilt_sd * x[o_cell_shape + i]
            shape_mean[i] = _soft_shares(tilt, shape_grid, shape_window, shape[i])
            place = x[o_adstock + c] + place_sd * x[o_cell_adstock + i]
            adstock_mean[i] = _soft_shares(place, adstock_grid, adstock_window, adstock[i])
            for j in range(J):
                for m in range(M):
                    q = (i - begin) * K + j * M + m
                    weights[a, q] = level * adstock[i, j] * shape[i, m]
        by_media[a] = _dot(media_row[a], weights[a], (end - begin) * K)
    centre = scales[17]
    for i in range(S):
        centre += odds_slope[i] * (x[i if i < S - 1 else x.size - 1] - learned_mean[i])
    added, by_spread, by_centre = _base_sales(by_media, x[x.size - 1], centre, scales)
    value += added
    grad[x.size - 1] += by_spread
    for i in range(S):
        grad[i if i < S - 1 else x.size - 1] += by_centre * odds_slope[i]
    for a in range(A):
        begin, end, r_used = int(first_cell[a]), int(first_cell[a + 1]), int(rank[a])
        weight = weights[a]
        for r in range(r_used):
            error[r] = -target[a, r]
        for i in range(begin, end):
            local = i - begin
            for k in range(K):
                q = local * K + k
                for r in range(r_used):
                    error[r] += weight[q] * factor[a, q, r]
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
            total, by_shape, by_adstock = 0.0, 0.0, 0.0
            for j in range(J):
                for m in range(M):
                    q = local * K + j * M + m
                    slope_q = pull * _dot(factor[a, q], error, r_used)
                    slope_q += by_media[a] * media_row[a, q]
                    for s in range(first, last):
                        slope_q -= test_error[s] * test_rows[s, j * M + m]
                    slope_q *= weight[q]
                    total += slope_q
                    by_shape += slope_q * (shape_grid[m] - shape_mean[i])
                    by_adstock += slope_q * (adstock_grid[j] - adstock_mean[i])
            by_raw = total * steepness[i]
            grad[0] += total - by_raw
            grad[1 + c] += by_raw
            if scales[16] <= 0:
                grad[o_account] += by_raw * x[o_effect + a]
            grad[o_effect + a] += by_raw * account_spread
            if channel_known[c] <= 0:
                grad[o_spread + c] += by_raw * x[o_cell + i]
            grad[o_cell + i] += by_raw * spread[c]
            grad[o_shape + c] += by_shape
            grad[o_cell_shape + i] += by_shape * tilt_sd
            grad[o_adstock + c] += by_adstock
            grad[o_cell_adstock + i] += by_adstock * place_sd
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


@numba.njit(cache=KEPT, nogil=True, error_model="numpy", fastmath=RELAXED)
def log_densities(positions, block, values, gradients):
    """Log density and gradient of every position.

    Parameters
    ----------
    positions : (draw, size)
    block : from ``density.pack``
    values : (draw,) filled
    gradients : (draw, size) filled
    """
    for i in range(positions.shape[0]):
        values[i] = _density(positions[i], gradients[i], block)


@numba.njit(cache=KEPT, nogil=True, error_model="numpy", fastmath=RELAXED)
def move_each(
    positions, values, gradients, block, scale, momenta, log_chance, step, n_steps, log_accept
):
    """One Hamiltonian Monte Carlo transition of every position, in place.

    Parameters
    ----------
    positions, values, gradients : (draw, size), (draw,), (draw, size) where they are; overwritten
        with where they go
    block : from ``density.pack``
    scale : (size,) typical size of each coordinate
    momenta : (draw, size) standard normal; overwritten
    log_chance : (draw,) logarithms of uniform numbers in (0, 1)
    step : (draw,) step sizes, in units of ``scale``
    n_steps : leapfrog steps of a trajectory: Neal (2011), Handbook of MCMC, chapter 5
    log_accept : (draw,) filled with the change of log density and kinetic energy
    """
    size = positions.shape[1]
    position, gradient = np.empty(size), np.empty(size)
    for i in range(positions.shape[0]):
        momentum = momenta[i]
        before, after, value = 0.0, 0.0, values[i]
        for j in range(size):
            position[j] = positions[i, j]
            gradient[j] = gradients[i, j]
            before += momentum[j] * momentum[j]
        for _ in range(n_steps):
            for j in range(size):
                momentum[j] += 0.5 * step[i] * scale[j] * gradient[j]
                position[j] += step[i] * scale[j] * momentum[j]
            value = _density(position, gradient, block)
            for j in range(size):
                momentum[j] += 0.5 * step[i] * scale[j] * gradient[j]
        for j in range(size):
            after += momentum[j] * momentum[j]
        change = value - values[i] - 0.5 * (after - before)
        log_accept[i] = change if np.isfinite(change) else -np.inf
        if log_chance[i] < log_accept[i]:
            values[i] = value
            for j in range(size):
                positions[i, j] = position[j]
                gradients[i, j] = gradient[j]


_DOUBLES = types.CPointer(types.double)


@numba.cfunc(types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr), cache=KEPT)
def density_callback(size, position, gradient, value, data):
    """C entry point for the sampler: 0 when finite, a positive code when the point is no good."""
    length = int(carray(data, (1,), np.float64)[0])
    block = carray(data, (length,), np.float64)
    out = carray(value, (1,))
    out[0] = _density(carray(position, (size,)), carray(gradient, (size,)), block)
    return 0 if np.isfinite(out[0]) else 4


@numba.cfunc(types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr), cache=KEPT)
def copy_callback(size, size_out, position, out, data):
    """C entry point that keeps a draw as it is: everything else is derived after sampling."""
    carray(out, (size_out,))[:] = carray(position, (size,))
    return 0
