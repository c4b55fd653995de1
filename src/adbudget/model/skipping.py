"""Chains that are known already -> a model in which they cost next to nothing.

nutpie numbers its chains and gives each a stream of chance of its own; it has no way to leave one
out. So a chain that is known walks in a plain normal, far from where any other chain could be, and
what it draws there is thrown away. The others call the same machine code, and draw what they would.
"""

import ctypes
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import numpy as np

FAR, NEAR_FAR = 1e6, 1e3  # where these chains are, in every direction, and how far from there

_POINTER = ctypes.POINTER(ctypes.c_double)
_C_TYPE = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.c_uint64, _POINTER, _POINTER, _POINTER, ctypes.c_void_p
)


def skipping_start(
    start: Callable[[int], np.ndarray], seeds: Collection[int]
) -> Callable[[int], np.ndarray]:
    """The first positions of chains, far away for those with one of these seeds."""
    skipped = frozenset(seeds)

    def begin(seed: int) -> np.ndarray:
        position = start(seed)
        return FAR + position - position.mean() if seed in skipped else position

    return begin


def chain_seeds(
    far_model: Callable[[Callable[[int], np.ndarray]], Any], size: int, n_chains: int, seed: int
) -> list[int]:
    """Seeds that nutpie will hand to the first position of each chain.

    It draws them from each chain's own stream, so a short run far away, one chain after the other,
    tells them.

    Parameters
    ----------
    far_model : first positions -> a nutpie model that is a plain normal far away
    size : of a position
    n_chains, seed : of the run
    """
    import nutpie

    seeds: list[int] = []

    def begin(own: int) -> np.ndarray:
        seeds.append(own)
        return FAR + np.linspace(0.5, 1, size)  # nutpie takes no slope of zero

    nutpie.sample(
        far_model(begin),
        draws=1,
        return_raw_trace=True,
        tune=1,
        chains=n_chains,
        cores=1,
        seed=seed,
        progress_bar=False,
        save_warmup=False,
    )
    return seeds


def compiled_model(density: Any, keep: Any, block: np.ndarray, size: int, start: Any) -> Any:
    """A nutpie model that calls machine code.

    Parameters
    ----------
    density, keep : C entry points: of the density, and of what is kept of a position
    block : what both read
    size, start : of a position; seed -> the first one

    Raises
    ------
    ImportError, TypeError : nutpie's record has changed
    """
    from nutpie.compile_pymc import CompiledPyMCModel

    return CompiledPyMCModel(
        dims={"position": ("parameter",)},
        compiled_logp_func=density,
        compiled_expand_func=keep,
        initial_point_func=start,
        shared_data={},
        shared_var_keys={},
        user_data=block,
        n_expanded=size,
        shape_info=(["position"], [slice(0, size)], [(size,)]),
        logp_func=None,
        expand_func=None,
        _n_dim=size,
        _shapes={"position": (size,)},
        _coords={"parameter": np.arange(size)},
    )


def is_far(position: np.ndarray) -> bool:
    """Whether a position is one of a chain that is thrown away."""
    return bool(abs(position[0] - FAR) < NEAR_FAR and abs(position[-1] - FAR) < NEAR_FAR)


def plain(position: np.ndarray) -> tuple[float, np.ndarray]:
    """Log density and gradient of the plain normal, as Python sees them."""
    off = position - FAR
    return -0.5 * float(off @ off), -off


@cache
def skipping_callback(density: Any) -> Any:
    """C entry point of a density, and of the plain normal far away."""
    import numba
    from numba import carray, types  # pyright: ignore[reportPrivateImportUsage]

    doubles = types.CPointer(types.double)
    inner = _C_TYPE(density.address)

    @numba.cfunc(types.int64(types.uint64, doubles, doubles, doubles, types.voidptr))
    def callback(size, position, gradient, value, data):
        x = carray(position, (size,))
        far = abs(x[0] - FAR) < NEAR_FAR and abs(x[size - 1] - FAR) < NEAR_FAR
        if not far:
            return inner(size, position, gradient, value, data)
        slope, out = carray(gradient, (size,)), carray(value, (1,))
        total = 0.0
        for i in range(size):
            slope[i] = FAR - x[i]
            total -= 0.5 * slope[i] * slope[i]
        out[0] = total
        return 0

    return callback
