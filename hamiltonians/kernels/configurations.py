"""Compiled kernels on charge configurations as integers: what moves them, their orbits, and charge matrices.

The configurations of a basis are ``states``, descending, as in `ChargeBasis`. ``first[h]`` of them have at least h in
their bits from ``shift`` on, so that one is found among the few with the same high bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, prange

from .loops import Array, compiled_in_order

Part = TypeVar("Part", bound=Callable[..., Any])
SHARE = 1 << 12
"""Configurations that one core takes at a time."""
BYTE = np.uint64(255)
EIGHT, ONE, NONE = np.uint64(8), np.uint64(1), np.uint64(0)


def part(function: Part) -> Part:
    """Compile a part of a kernel."""
    found: Part = njit(function)
    return found


@part
def place_of(key: Any, states: Array, first: Array, shift: Any) -> Any:
    """Return the position of a configuration, -1 where it is not in the basis."""
    high = np.int64(key >> shift)
    if high >= first.shape[0] - 1:
        return -1
    low, end = first[high + 1], first[high]
    above = end
    while low < above:
        middle = (low + above) // 2
        if states[middle] > key:
            low = middle + 1
        else:
            above = middle
    return low if low < end and states[low] == key else -1


@part
def odd(bits: Any) -> Any:
    """Return 1 for an odd number of bits, else 0."""
    for half in (32, 16, 8, 4, 2, 1):
        bits ^= bits >> np.uint64(half)
    return np.int64(bits & ONE)


@part
def count(bits: Any) -> Any:
    """Return the number of bits."""
    found = 0
    while bits:
        bits &= bits - ONE
        found += 1
    return found


@part
def image_of(state: Any, table: Array) -> Any:
    """Return where a group element leads; ``table[b, value]`` is the image of each value of byte b."""
    image = NONE
    for b in range(table.shape[0]):
        image |= table[b, np.int64((state >> np.uint64(8 * b)) & BYTE)]
    return image


@part
def sign_of(state: Any, crossed: Array, about_x: Any) -> Any:
    """Return the sign of that; ``crossed[b]`` are the bits that electron b changes places with."""
    passed, sites = NONE, crossed.shape[0] // 2
    for b in range(crossed.shape[0]):
        if (state >> np.uint64(b)) & ONE:
            passed ^= state & crossed[b]
    parity = odd(passed)
    if about_x:
        spin = (ONE << np.uint64(sites)) - ONE
        parity += (count(state & spin) - count((state >> np.uint64(sites)) & spin)) >> 1
    return -1.0 if parity & 1 else 1.0


@compiled_in_order
def largest_of_orbits(kept: Array, states: Array, table: Array) -> None:
    """Mark the configurations that no group element g makes larger; ``table[g]`` as in `image_of`."""
    size = states.shape[0]
    for share in prange((size + SHARE - 1) // SHARE):
        for i in range(share * SHARE, min(share * SHARE + SHARE, size)):
            state, largest = states[i], True
            for g in range(table.shape[0]):
                if image_of(state, table[g]) > state:
                    largest = False
                    break
            kept[i] = largest


@compiled_in_order
def spread_over_orbits(
    row: Array, element: Array, factor: Array, sizes: Array, orders: Array,
    chosen: Array, phases: Array, table: Array, crossed: Array, about_x: Array,
    states: Array, first: Array, shift: Any,
) -> None:  # fmt: skip
    """Write for each configuration its row, the first element that leads there from the chosen one, and the factor.

    `row` is negative before. `sizes` are the numbers of configurations of the orbits, `orders` those of the elements
    that leave a chosen configuration where it is.
    """
    for r in prange(chosen.shape[0]):
        state = states[chosen[r]]
        size = order = 0
        for g in range(table.shape[0]):
            place = place_of(image_of(state, table[g]), states, first, shift)
            if row[place] < 0:
                row[place], element[place] = r, g
                factor[place] = phases[g] * sign_of(state, crossed[g], about_x[g])
                size += 1
            if place == chosen[r]:
                order += 1
        sizes[r], orders[r] = size, order


@compiled_in_order
def stabilisers(
    element: Array, value: Array, start: Array, special: Array,
    phases: Array, table: Array, crossed: Array, about_x: Array,
) -> None:  # fmt: skip
    """Write the elements that leave some configurations where they are, and their factors over their number."""
    for i in prange(special.shape[0]):
        state, k = special[i], start[i]
        for g in range(table.shape[0]):
            if image_of(state, table[g]) == state:
                element[k] = g
                value[k] = phases[g] * sign_of(state, crossed[g], about_x[g]) / (start[i + 1] - start[i])
                k += 1


@compiled_in_order
def most_entries(number: Array, rows: Array, begin: Array, looked_at: Array, needed: Array) -> None:
    """Write how many elements each row of a charge matrix has at most; see `charge_entries`."""
    for i in prange(rows.shape[0]):
        found = 0
        for k in range(begin.shape[0] - 1):
            for w in range(begin[k], begin[k + 1]):
                if rows[i] & looked_at[w] == needed[w]:
                    found += 1
                    break
        number[i] = found


@compiled_in_order
def charge_entries(
    column: Array, value: Array, number: Array, start: Array, rows: Array,
    begin: Array, flipped: Array, looked_at: Array, needed: Array, passed: Array, strength: Array,
    states: Array, first: Array, shift: Any,
) -> None:  # fmt: skip
    """Write the elements of a charge matrix, from configurations of a basis to the `rows`, in ascending columns.

    Parameters
    ----------
    column, value, number
        Those of row i from ``start[i]`` on, and how many there are.
    begin, flipped
        Words ``begin[k]`` to ``begin[k + 1]`` flip the bits ``flipped[k]``.
    looked_at, needed, passed, strength
        Of each word: see `Masks`.
    """
    for i in prange(rows.shape[0]):
        state, end = rows[i], start[i]
        for k in range(flipped.shape[0]):
            total, alive = strength.dtype.type(0), False
            for w in range(begin[k], begin[k + 1]):
                if state & looked_at[w] == needed[w]:
                    total = total - strength[w] if odd(state & passed[w]) else total + strength[w]
                    alive = True
            place = place_of(state ^ flipped[k], states, first, shift) if alive else -1
            if place < 0:
                continue
            at = end
            while at > start[i] and column[at - 1] > place:
                column[at], value[at] = column[at - 1], value[at - 1]
                at -= 1
            column[at], value[at] = place, total
            end += 1
        number[i] = end - start[i]


@compiled_in_order
def on_orbits(
    column: Array, value: Array, element: Array, start: Array, rows: Array,
    row: Array, first: Array, factor: Array, sizes: Array,
) -> None:  # fmt: skip
    """Overwrite the columns of a charge matrix by those of the stored rows, and its elements by what acts there.

    ``rows[i]`` is the stored row of row i; `row`, `first` and `factor` are known for each configuration.
    """
    for i in prange(rows.shape[0]):
        for k in range(start[i], start[i + 1]):
            here = column[k]
            column[k], element[k] = row[here], first[here]
            value[k] = value[k] * factor[here] * np.sqrt(sizes[rows[i]] / sizes[row[here]])


@compiled_in_order
def by_element(column: Array, value: Array, element: Array, moving: Array, start: Array) -> None:
    """Order the entries of each row by their group element; `moving` is the first that is not the identity."""
    for i in prange(moving.shape[0]):
        begin, still = start[i], start[i]
        for k in range(begin, start[i + 1]):
            c, v, g = column[k], value[k], element[k]
            still += 1 if g == 0 else 0
            at = k
            while at > begin and element[at - 1] > g:
                column[at], value[at], element[at] = column[at - 1], value[at - 1], element[at - 1]
                at -= 1
            column[at], value[at], element[at] = c, v, g
        moving[i] = still
