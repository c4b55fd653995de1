"""A density in turned coordinates, compiled: machine code around machine code.

It finds the density by its address among its numbers, so that it can be kept between processes and
knows nothing of what it calls.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import carray, types  # pyright: ignore[reportPrivateImportUsage]
from numba.extending import intrinsic

from adbudget.model.coordinates import HEAD
from adbudget.model.machine_code import keeps_machine_code

KEPT = keeps_machine_code()


@intrinsic
def _call(typing_context: Any, address, size, position, gradient, value, data):
    """Call a density by its address; everything is an address but the size."""
    wanted = (address, size, position, gradient, value, data)
    signature = types.int64(*[types.uint64] * len(wanted))

    def code(context: Any, builder: Any, _: Any, given: Any):
        word, byte = ir.IntType(64), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(word, [word, *[byte] * 4])
        function = builder.inttoptr(given[0], kind.as_pointer())
        places = [builder.inttoptr(one, byte) for one in given[2:]]
        return builder.call(function, [given[1], *places])

    return signature, code


@numba.njit(cache=KEPT, error_model="numpy")
def _placed(z, x, data, size, n_shared):
    """Position in the coordinates of the model; what is shared: the first ones and the last."""
    centre = data[HEAD : HEAD + size]
    scale = data[HEAD + size : HEAD + 2 * size]
    turn = data[HEAD + 2 * size : HEAD + 2 * size + n_shared * n_shared]
    turn = turn.reshape((n_shared, n_shared))
    for i in range(n_shared - 1, size - 1):
        x[i] = centre[i] + scale[i] * z[i]
    for i in range(n_shared):
        at = i if i < n_shared - 1 else size - 1
        x[at] = centre[at]
        for j in range(i + 1):
            x[at] += turn[i, j] * z[j if j < n_shared - 1 else size - 1]
    return scale, turn


_DOUBLES = types.CPointer(types.double)


@numba.cfunc(types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr), cache=KEPT)
def turned_callback(size, position, gradient, value, data):
    """C entry point of a density in turned coordinates."""
    begin = int(carray(data, (HEAD,), np.float64)[1])
    n_shared = int(carray(data, (HEAD,), np.float64)[2])
    numbers = carray(data, (begin + 1,), np.float64)
    address = carray(data, (1,), np.uint64)[0]
    z, by_z = carray(position, (size,)), carray(gradient, (size,))
    kept = np.empty((2, int(size)))  # one array: read below, and so still there during the call
    x, by_x = kept[0], kept[1]
    scale, turn = _placed(z, x, numbers, int(size), n_shared)
    code = _call(  # pyright: ignore[reportCallIssue]  # the first argument is numba's own
        address,
        size,
        np.uint64(x.ctypes.data),
        np.uint64(by_x.ctypes.data),
        np.uint64(carray(value, (1,)).ctypes.data),
        np.uint64(numbers[begin:].ctypes.data),
    )
    for i in range(n_shared - 1, int(size) - 1):
        by_z[i] = scale[i] * by_x[i]
    for j in range(n_shared):
        total = 0.0
        for i in range(j, n_shared):
            total += turn[i, j] * by_x[i if i < n_shared - 1 else int(size) - 1]
        by_z[j if j < n_shared - 1 else int(size) - 1] = total
    return code


@numba.cfunc(types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr), cache=KEPT)
def placed_callback(size, size_out, position, out, data):
    """C entry point that keeps a draw in the coordinates of the model."""
    begin = int(carray(data, (HEAD,), np.float64)[1])
    n_shared = int(carray(data, (HEAD,), np.float64)[2])
    numbers = carray(data, (begin,), np.float64)
    _placed(carray(position, (size,)), carray(out, (size_out,)), numbers, int(size), n_shared)
    return 0
