"""The only place that speaks QuSpin's language: bases with a state table, and matrices of operator strings.

QuSpin's `user_basis` checks nothing, so what it is given here is complete: a sorted table of states, operators that
are Hermitian together, and maps whose periods are their orders. Operators that leave the table are dropped by QuSpin,
which is what a phonon cutoff wants.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import carray, cfunc, njit, uint64
from numpy.typing import NDArray

from ..operators import Operator
from .charges import ChargeBasis
from .quspin_maps import MAX_BITS
from .quspin_maps import SymmetryMap as SymmetryMap

ROUNDING = 1e-12
"""Imaginary parts of a real block, relative to its largest element."""
SYMBOLS: Mapping[str, str] = {
    "c+up": "+", "c+dn": "+", "cup": "-", "cdn": "-", "nup": "n", "ndn": "n", "b+": "B", "b": "b", "nb": "N",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where each degree of freedom sits in the 64-bit integer of a state.

    Attributes
    ----------
    sites : int
        Number of sites: up electrons are bits 0 to sites - 1, down electrons the next `sites` bits.
    boson_sites : tuple of int
        Indices of the letters of bosons, one bit each, after the electrons: sites, or levels of soft-core ones.
    modes : int
        Oscillators, `width` bits each, after the bosons.
    width : int
        Bits of one phonon number.
    max_quanta : int
        Largest phonon number of one mode.
    """

    sites: int
    boson_sites: tuple[int, ...]
    modes: int = 0
    width: int = 0
    max_quanta: int = 0

    @classmethod
    def of(cls, charges: ChargeBasis, modes: int, max_quanta: int) -> Layout:
        """Lay out the charges of a basis and some oscillators."""
        return cls(charges.sites, charges.boson_letters, modes, int(max_quanta).bit_length(), max_quanta)

    @property
    def phonon_shift(self) -> int:
        """Number of bits below the phonons."""
        return 2 * self.sites + len(self.boson_sites)

    @property
    def bits(self) -> int:
        """Bits in all."""
        return self.phonon_shift + self.modes * self.width

    def place(self, symbol: str, index: int) -> int:
        """Return QuSpin's index of a letter: the bit of a fermion, the number of a boson."""
        if symbol in ("b+", "b", "nb"):
            return self.boson_sites.index(index)
        return index + (self.sites if symbol.endswith("dn") else 0)

    def join(self, charges: NDArray[np.uint64], occupations: NDArray[np.uint16]) -> NDArray[np.uint64]:
        """Return the integers of all products charge configuration x phonon state, shape (charges, phonons)."""
        phonons = np.zeros(len(occupations), np.uint64)
        for mode in range(self.modes):
            phonons |= occupations[:, mode].astype(np.uint64) << np.uint64(self.phonon_shift + self.width * mode)
        return charges[:, None] | phonons[None, :]


@njit(inline="always")
def _popcount(x):  # type: ignore[no-untyped-def]
    count = 0
    while x:
        x &= x - np.uint64(1)
        count += 1
    return count


def _act(pointer, letter, index, bits, args):  # type: ignore[no-untyped-def]
    """Act with one letter; args = [first boson bit, first phonon bit, phonon width, largest phonon number]."""
    result = carray(pointer, 1)[0]
    one = uint64(1)
    state = result.state
    if letter == 43 or letter == 45 or letter == 110:  # + - n: the fermion of bit `index`
        place = uint64(index)
        bit = (state >> place) & one
        if letter == 110:
            result.matrix_ele *= bit
            return 0
        mask = (one << place) - one
        sign = -1.0 if _popcount(state & mask) & 1 else 1.0
        result.matrix_ele *= sign * (1.0 - bit) if letter == 43 else sign * bit
        result.state = state ^ (one << place)
        return 0
    if letter == 66 or letter == 98 or letter == 78:  # B b N: the boson number `index`
        place = args[0] + uint64(index)
        bit = (state >> place) & one
        if letter == 78:
            result.matrix_ele *= bit
            return 0
        result.matrix_ele *= 1.0 - bit if letter == 66 else 1.0 * bit
        result.state = state ^ (one << place)
        return 0
    if letter == 99 or letter == 97:  # c a: create or annihilate a phonon of mode `index`
        place = args[1] + args[2] * uint64(index)
        mask = (one << args[2]) - one
        n = (state >> place) & mask
        if letter == 99 and n < args[3]:
            result.matrix_ele *= math.sqrt(n + 1.0)
            result.state = state + (one << place)
        elif letter == 97 and n > uint64(0):
            result.matrix_ele *= math.sqrt(1.0 * n)
            result.state = state - (one << place)
        else:
            result.matrix_ele *= 0.0
        return 0
    return -1


def _next_in_table(state, counter, bits, args):  # type: ignore[no-untyped-def]
    """Read the state table; QuSpin asks once more than there are states, hence the clamp. args = [n, states...]."""
    last = args[0] - uint64(1)
    return args[min(counter + uint64(1), last) + uint64(1)]


def _permute(state, bits, sign, args):  # type: ignore[no-untyped-def]
    """Permute sites, bosons and modes; args = [sites, bosons, modes, width, odd, three permutations...].

    The fermion sign counts inversions within each spin; the first bit of `odd` gives each phonon a factor -1, the
    second one exchanges up and down, the third one gives the sign of a turn about x in the place of one about y.
    """
    sites, bosons, modes, width, odd = args[0], args[1], args[2], args[3], args[4] & uint64(1)
    flips, about_x = (args[4] >> uint64(1)) & uint64(1), args[4] >> uint64(2)
    one = uint64(1)
    image = uint64(0)
    parity = 0
    for spin in range(2):
        seen = uint64(0)
        for i in range(sites):
            if (state >> (sites * uint64(spin) + uint64(i))) & one:
                parity += _popcount(seen >> args[5 + i])
                seen |= one << args[5 + i]
        image |= seen << (sites * (uint64(spin) ^ flips))
    offset = uint64(2) * sites
    for b in range(bosons):
        image |= ((state >> (offset + uint64(b))) & one) << (offset + args[5 + sites + b])
    offset += bosons
    mask = (one << width) - one
    for m in range(modes):
        n = (state >> (offset + width * uint64(m))) & mask
        image |= n << (offset + width * args[5 + sites + bosons + m])
        if odd and n & one:
            parity += 1
    if about_x:
        spin_mask = (one << sites) - one
        ups, downs = _popcount(state & spin_mask), _popcount((state >> sites) & spin_mask)
        parity += (ups + 3 * downs) // 2
    if parity & 1:
        sign[0] *= -1
    return image


@dataclass(frozen=True)
class Callbacks:
    """What QuSpin calls, compiled with its signatures.

    Attributes
    ----------
    act, next_in_table, permute : CFunc
        Acts with a letter; gives the next state; moves a state by a symmetry.
    """

    act: Any
    next_in_table: Any
    permute: Any


@cache
def callbacks() -> Callbacks:
    """Compile what QuSpin calls; it takes a second to load and is not needed everywhere."""
    from quspin.basis.user import map_sig_64, next_state_sig_64, op_sig_64

    def whole(names: str) -> dict[str, Any]:
        return dict.fromkeys(names.split(), uint64)

    permuting = "one image seen n offset mask odd flips about_x spin_mask"
    return Callbacks(
        cfunc(op_sig_64, locals=whole("bit one place mask n state"), cache=True)(_act),
        cfunc(next_state_sig_64, cache=True)(_next_in_table),
        cfunc(map_sig_64, locals=whole(permuting), cache=True)(_permute),
    )


class QuspinBasis:
    """A QuSpin basis made from a state table.

    Parameters
    ----------
    layout : Layout
        Meaning of the bits.
    table : (n,) uint64
        All states of the sector; at least one.
    maps : sequence of SymmetryMap
        Symmetries that block the table further.

    Raises
    ------
    ValueError
        If the layout needs more than 64 bits; QuSpin itself would not notice.
    """

    def __init__(self, layout: Layout, table: NDArray[np.uint64], maps: Sequence[SymmetryMap] = ()) -> None:
        if layout.bits > MAX_BITS:
            raise ValueError(
                f"a state needs {layout.bits} bits ({layout.phonon_shift} for charges, {layout.modes} x {layout.width} "
                f"for phonons) and one integer has {MAX_BITS}; use fewer modes or fewer quanta"
            )
        from quspin.basis.user import user_basis

        self.layout, self.maps = layout, tuple(maps)
        count = len(table)
        self._table = np.concatenate([np.array([count], np.uint64), np.sort(table)])
        arguments = np.array([2 * layout.sites, layout.phonon_shift, layout.width, layout.max_quanta], np.uint64)
        compiled = callbacks()
        blocks: dict[str, Any] = {
            f"map{i}": (compiled.permute, m.period, m.block, m.arguments(layout.width)) for i, m in enumerate(maps)
        }
        first = int(self._table[1])
        constraint = {
            "Np": (count,),
            "next_state": compiled.next_in_table,
            "next_state_args": self._table,
            "get_Ns_pcon": lambda bits, number: count,
            "get_s0_pcon": lambda bits, number: first,
        }
        self.basis = user_basis(
            np.uint64,
            layout.bits,
            {"op": compiled.act, "op_args": arguments},
            allowed_ops=set("+-nBbNca"),
            sps=2,
            pcon_dict=constraint,
            **blocks,
        )

    def __reduce__(self) -> tuple[type[QuspinBasis], tuple[Layout, NDArray[np.uint64], tuple[SymmetryMap, ...]]]:
        """Copy and pickle what it is made from: QuSpin's own object can do neither."""
        return QuspinBasis, (self.layout, self._table[1:], self.maps)

    @property
    def states(self) -> NDArray[np.uint64]:
        """A copy of the (representative) states, descending; QuSpin's own array dangles when its owner dies."""
        return np.array(self.basis.states, dtype=np.uint64)

    def __len__(self) -> int:
        return int(self.basis.Ns)

    def matrix(self, operator: Operator, dtype: type) -> sp.csr_array:
        """Return the matrix of an operator of charges and phonons as one QuSpin `hamiltonian`."""
        static: defaultdict[str, list[list[Any]]] = defaultdict(list)
        for (charge, lattice), coefficient in operator.terms.items():
            letters = "".join(SYMBOLS[symbol] for symbol, _ in charge)
            places = [self.layout.place(symbol, index) for symbol, index in charge]
            for mode, up, low in lattice:
                letters += "c" * up + "a" * low
                places += [mode] * (up + low)
            if not letters:  # a number: QuSpin has no empty string, n + (1 - n) of the first fermion will do
                static["n"].append([_as(coefficient, dtype), 0])
                static["-+"].append([_as(coefficient, dtype), 0, 0])
            else:
                static[letters].append([_as(coefficient, dtype), *places])
        from quspin.operators import hamiltonian

        complex_maps = bool(self.maps) and not np.issubdtype(dtype, np.complexfloating)
        built = hamiltonian(
            [[letters, rows] for letters, rows in static.items()],
            [],
            basis=self.basis,
            dtype=np.complex128 if complex_maps else dtype,
            check_herm=False,
            check_symm=False,
            check_pcon=False,
        )
        matrix = sp.csr_array(built.tocsr())
        return _real(matrix, max(map(abs, operator.terms.values()), default=0.0)) if complex_maps else matrix


def _real(matrix: sp.csr_array, scale: float) -> sp.csr_array:
    """Return a matrix that is real but for the roundings of the characters, complex numbers in QuSpin."""
    if np.max(np.abs(matrix.data.imag), initial=0.0) > ROUNDING * np.max(np.abs(matrix.data), initial=scale):
        raise ValueError("the block of QuSpin is complex and was expected to be real; report this model")
    return sp.csr_array((matrix.data.real.copy(), matrix.indices, matrix.indptr), shape=matrix.shape)


def _as(number: complex, dtype: type) -> complex:
    if np.issubdtype(dtype, np.complexfloating):
        return number
    if number.imag != 0:
        raise ValueError(f"the coefficient {number} is complex and the matrix is real")
    return number.real
