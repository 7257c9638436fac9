"""Compiled code for states on infinite lattices: their images under H, hash tables, matrices.

A state is a row of int32: the number of the charge configuration, then an entry ``(mode + OFFSET) << BITS | level`` for
each oscillator above its ground level, ascending, zeros at the end. Arguments named `h` are the arrays of `Tables`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .tables import BITS, OFFSET

Array = NDArray[Any]
MASK = (1 << BITS) - 1
MOST = 1 << 14
"""Images of one state, with those on the way to them, that there is room for."""
OVERFLOW = -1
"""Returned where a state has more excited oscillators, or higher levels, than fit."""
Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _compiled(kernel: Kernel) -> Kernel:
    """Compile on first use, and keep the machine code on disk where there is a folder for it."""
    try:
        return cast("Kernel", njit(cache=True)(kernel))
    except RuntimeError:
        return cast("Kernel", njit(kernel))


@_compiled
def _set_level(rows: Array, at: int, source: int, mode: int, level: int) -> bool:
    """Write row `source` with a mode on a level to row `at`; False where it does not fit."""
    width = rows.shape[1]
    entry = mode + OFFSET
    out = 1
    placed = level == 0
    rows[at, 0] = rows[source, 0]
    for i in range(1, width):
        old = rows[source, i]
        if old == 0:
            break
        there = old >> BITS
        if there == entry:
            continue
        if there > entry and not placed:
            if out == width:
                return False
            rows[at, out] = (entry << BITS) | level
            out += 1
            placed = True
        if out == width:
            return False
        rows[at, out] = old
        out += 1
    if not placed:
        if out == width:
            return False
        rows[at, out] = (entry << BITS) | level
        out += 1
    for i in range(out, width):
        rows[at, i] = 0
    return True


@_compiled
def _level(row: Array, mode: int) -> Any:
    entry = mode + OFFSET
    for i in range(1, row.shape[0]):
        if row[i] == 0:
            break
        if row[i] >> BITS == entry:
            return row[i] & MASK
    return 0


@_compiled
def images(row: Array, h: Any, rows: Array, values: Array) -> int:
    """Write the images of a state under H to `rows`, their amplitudes to `values`; return how many, or `OVERFLOW`.

    The last rows are scratch; a state may be its own image, and appear several times.
    """
    (
        move_start,
        move_end,
        move_shift,
        move_value,
        factor_start,
        factor_mode,
        factor_matrix,
        column_start,
        matrix_row,
        element,
        _,
        energies,
        hop_start,
        hop_shift,
        hop_value,
    ) = h
    inside = energies.shape[0]
    width = row.shape[0]
    rows[0] = row
    values[0] = 0.0
    for i in range(1, width):
        if row[i] == 0:
            break
        values[0] += energies[((row[i] >> BITS) - OFFSET) % inside, row[i] & MASK]
    count = 1
    for move in range(move_start[row[0]], move_start[row[0] + 1]):
        if count + 2 >= MOST:
            return OVERFLOW
        begin = count
        end = count + 1
        rows[begin] = row
        values[begin] = move_value[move]
        for factor in range(factor_start[move], factor_start[move + 1]):
            mode = factor_mode[factor]
            matrix = factor_matrix[factor]
            after = end
            for source in range(begin, end):
                level = _level(rows[source], mode)
                for e in range(column_start[matrix, level], column_start[matrix, level + 1]):
                    if after + 1 >= MOST or not _set_level(rows, after, source, mode, matrix_row[e]):
                        return OVERFLOW
                    values[after] = values[source] * element[e]
                    after += 1
            for k in range(after - end):
                rows[begin + k] = rows[end + k]
                values[begin + k] = values[end + k]
            end = begin + after - end
        for k in range(begin, end):
            rows[k, 0] = move_end[move]
            if move_shift[move] != 0:
                for i in range(1, width):
                    if rows[k, i] == 0:
                        break
                    rows[k, i] += move_shift[move]
        count = end
    if hop_shift.shape[0]:
        for i in range(1, width):
            if row[i] == 0:
                break
            mode = (row[i] >> BITS) - OFFSET
            level = row[i] & MASK
            for hop in range(hop_start[mode % inside], hop_start[mode % inside + 1]):
                target = mode + (hop_shift[hop] >> BITS)
                there = _level(row, target)
                if count + 2 >= MOST or there >= MASK:
                    return OVERFLOW
                if not _set_level(rows, count + 1, 0, mode, level - 1):
                    return OVERFLOW
                if not _set_level(rows, count, count + 1, target, there + 1):
                    return OVERFLOW
                values[count] = hop_value[hop] * np.sqrt(level * (there + 1.0))
                count += 1
    return count


@_compiled
def diagonal(row: Array, h: Any) -> float:
    """Return ``<s|H|s>``."""
    (
        move_start,
        move_end,
        move_shift,
        move_value,
        factor_start,
        factor_mode,
        factor_matrix,
        _,
        _,
        _,
        matrix_diagonal,
        energies,
        _,
        _,
        _,
    ) = h
    inside = energies.shape[0]
    total = 0.0
    for i in range(1, row.shape[0]):
        if row[i] == 0:
            break
        total += energies[((row[i] >> BITS) - OFFSET) % inside, row[i] & MASK]
    for move in range(move_start[row[0]], move_start[row[0] + 1]):
        if move_end[move] == row[0] and move_shift[move] == 0:
            value = move_value[move].real
            for factor in range(factor_start[move], factor_start[move + 1]):
                value *= matrix_diagonal[factor_matrix[factor], _level(row, factor_mode[factor])]
            total += value
    return total


@_compiled
def _hash(row: Array) -> Any:
    mixed = np.uint64(row[0]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    for i in range(1, row.shape[0]):
        if row[i] == 0:
            break
        mixed = (mixed ^ np.uint64(row[i])) * np.uint64(0xFF51AFD7ED558CCD)
        mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    return np.int64((mixed ^ (mixed >> np.uint64(32))) >> np.uint64(1))


@_compiled
def _same(a: Array, b: Array) -> bool:
    for i in range(a.shape[0]):
        if a[i] != b[i]:
            return False
        if i and a[i] == 0:
            break
    return True


@_compiled
def hash_table(states: Array) -> Array:
    """Return a table that finds the number of each state; see `_find`."""
    size = 16
    while size < 2 * states.shape[0]:
        size *= 2
    table = np.full(size, -1, np.int32)
    for s in range(states.shape[0]):
        at = _hash(states[s]) & (size - 1)
        while table[at] >= 0:
            at = (at + 1) & (size - 1)
        table[at] = s
    return table


@_compiled
def _find(row: Array, states: Array, table: Array, mixed: int) -> Any:
    """Return the number of a state, or where it belongs in the table, as -1 - place."""
    mask = table.shape[0] - 1
    at = mixed & mask
    while table[at] >= 0:
        if _same(row, states[table[at]]):
            return table[at]
        at = (at + 1) & mask
    return -1 - at


@_compiled
def numbers(rows: Array, states: Array, table: Array) -> Array:
    """Return the number of each row among the states, -1 where it is none of them."""
    found = np.empty(rows.shape[0], np.int64)
    for r in range(rows.shape[0]):
        at = _find(rows[r], states, table, _hash(rows[r]))
        found[r] = at if at >= 0 else -1
    return found


@_compiled
def _grown(array: Array) -> Array:
    larger = np.empty((2 * array.shape[0],) + array.shape[1:], array.dtype)  # noqa: RUF005 - numba has no stars
    larger[: array.shape[0]] = array
    return larger


@_compiled
def matrix(states: Array, table: Array, h: Any) -> tuple[Array, Array, Array, bool]:
    """Return H between the states, ``start, column, value`` (CSR), and whether a state overflowed.

    Column s of H is written to row s, conjugated; elements may be given in parts.
    """
    count = states.shape[0]
    rows = np.zeros((MOST, states.shape[1]), np.int32)
    values = np.zeros(MOST, h[3].dtype)
    start = np.zeros(count + 1, np.int64)
    column = np.empty(max(16, 12 * count), np.int32)
    value = np.empty(max(16, 12 * count), h[3].dtype)
    total = 0
    overflows = False
    for s in range(count):
        found = images(states[s], h, rows, values)
        if found == OVERFLOW:
            overflows = True
            found = 0
        if total + found > column.shape[0]:
            column = _grown(column)
            value = _grown(value)
        for r in range(found):
            if values[r] == 0.0:
                continue
            at = _find(rows[r], states, table, _hash(rows[r]))
            if at >= 0:
                column[total] = at
                value[total] = np.conj(values[r])
                total += 1
        start[s + 1] = total
    return start, column[:total].copy(), value[:total].copy(), overflows


@_compiled
def beyond(states: Array, table: Array, h: Any, vectors: Array, part: int, parts: int, room: int) -> Any:
    """Return ``H psi`` outside the space: its states and their amplitudes for each vector, shape (found, vectors).

    Only states whose hash belongs to `part` of `parts` are looked at. The last of the results says whether a state
    overflowed.
    """
    rows = np.zeros((MOST, states.shape[1]), np.int32)
    values = np.zeros(MOST, h[3].dtype)
    size = 1024
    while size < room:
        size *= 2
    new = np.empty((size, states.shape[1]), np.int32)
    amplitude = np.zeros((size, vectors.shape[1]), vectors.dtype)
    own = np.full(2 * size, -1, np.int32)
    count = 0
    overflows = False
    for s in range(states.shape[0]):
        found = images(states[s], h, rows, values)
        if found == OVERFLOW:
            overflows = True
            found = 0
        for r in range(found):
            if values[r] == 0.0:
                continue
            mixed = _hash(rows[r])
            if (mixed >> 40) % parts != part:
                continue
            if _find(rows[r], states, table, mixed) >= 0:
                continue
            at = _find(rows[r], new, own, mixed)
            if at < 0:
                if count == size:
                    new = _grown(new)
                    amplitude = _grown(amplitude)
                    amplitude[size:] = 0.0
                    size *= 2
                    own = np.full(2 * size, -1, np.int32)
                    for k in range(count):
                        own[-1 - _find(new[k], new, own, _hash(new[k]))] = k
                    at = _find(rows[r], new, own, mixed)
                own[-1 - at] = count
                new[count] = rows[r]
                at = count
                count += 1
            for v in range(vectors.shape[1]):
                amplitude[at, v] += values[r] * vectors[s, v]
    return new[:count], amplitude[:count], overflows


@_compiled
def diagonals(states: Array, h: Any) -> Array:
    """Return ``<s|H|s>`` of each state."""
    found = np.empty(states.shape[0])
    for s in range(states.shape[0]):
        found[s] = diagonal(states[s], h)
    return found
