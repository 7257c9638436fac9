r"""Electrons alone: the configurations of a sector are all pairs of a down and an up configuration.

With T the parts of H that act on one spin, and the products of numbers that count both,

.. math:: H = T_\downarrow \otimes 1 + 1 \otimes T_\uparrow + \sum_k n_{k\downarrow} \otimes n_{k\uparrow}

acts on ``psi[down, up]`` through matrices as small as the configurations of one spin. With symmetry, a down
configuration is sorted into its orbit, and the group moves the up configurations as it moves phonons elsewhere: the
amplitudes of a representative with all up configurations are a row, and neighbours of a row are gathered from others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonian import Hamiltonian
from ..operators import ChargeWord, Operator
from ..space.charge_masks import charge_rows
from ..space.charges import ChargeBasis, configurations, is_electrons_alone
from ..space.product import Amplitudes, Space
from ..symmetry.group import Action, Move, generated
from ..symmetry.operations import Symmetry
from ..symmetry.orbits import Orbits
from . import loops as kernels
from .hops import Hop
from .tensor import StoredHamiltonian, StoredOperator

TILE_BYTES = 1 << 19
"""Memory for amplitudes that are turned at a time; it must stay in a core's cache."""
WIDTHS = 8, 32
"""Least and most numbers in a row of turned amplitudes."""
LADDERS = ("c+up", "cup", "c+dn", "cdn")
NO_MODES: NDArray[np.int64] = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Spins:
    """The configurations of each spin; charge configuration ``down * len(up) + up`` is the pair of two of them.

    Attributes
    ----------
    down, up : ChargeBasis
        Configurations of one spin.
    orbits : Orbits or None
        Of the down configurations, with the up configurations in the place of phonon states; None without symmetry.
    actions : tuple of Action
        The group on both.
    """

    down: ChargeBasis
    up: ChargeBasis
    orbits: Orbits | None
    actions: tuple[Action, ...] = field(repr=False)

    @classmethod
    def of(cls, space: Space, symmetries: Sequence[Symmetry]) -> Spins | None:
        """Take the configurations of a space apart; None where there is more than electrons, or a flip."""
        model, charge, excess = space.model, space.sector.charge, space.sector.spin_excess
        if not is_electrons_alone(model, space.sector) or any(symmetry.flips for symmetry in symmetries):
            return None
        sites, numbers = model.cluster.sites, ((charge - excess) // 2, (charge + excess) // 2)
        down, up = (
            ChargeBasis(sites, (), configurations(sites, 2, 0, number, spin * number))
            for number, spin in zip(numbers, (-1, 1), strict=True)
        )
        if not symmetries:
            return cls(down, up, None, ())
        moves = [(Move.of(s), s.character) for s in symmetries]
        generators = [Action(down, move, *move.on(up), character, NO_MODES, False) for move, character in moves]
        actions = generated(generators, symmetries)
        return cls(down, up, Orbits.of(actions, space.phonons), actions)

    @cached_property
    def kept(self) -> Kept:
        """Which elements of the rows stand for all, with symmetry."""
        assert self.orbits is not None
        return Kept.of(self.orbits, len(self.up))

    def charge_orbits(self, space: Space) -> Orbits:
        """Return the orbits of the charge configurations; their representatives are the kept elements, in order."""
        image, sign = np.zeros(1, np.int64), np.ones(1)
        both = [replace(a, basis=space.charges, phonons=image, phonon_sign=sign) for a in self.actions]
        return Orbits.of(both, space.phonons)


@dataclass(frozen=True)
class Kept:
    """The stored amplitudes among rows of down representatives with all up configurations.

    In a row with a stabiliser, that sorts the up configurations into orbits; of each one is stored, times the square
    root of its size.

    Attributes
    ----------
    places : (n,) int
        ``row * up configurations + up`` of each stored amplitude, ascending.
    special : (k,) int
        Those in rows with a stabiliser.
    scale : (k,) float
        Square root of the size of their orbits.
    forbidden : (j,) int
        Those that the representation does not allow.
    """

    places: NDArray[np.int64]
    special: NDArray[np.int64]
    scale: NDArray[np.float64]
    forbidden: NDArray[np.int64]

    @classmethod
    def of(cls, orbits: Orbits, ups: int) -> Kept:
        """Sort the up configurations of the rows with a stabiliser."""
        keep = np.ones((len(orbits.representatives), ups), bool)
        size = np.ones((len(orbits.special), ups))
        allowed = np.ones((len(orbits.special), ups), bool)
        every = np.arange(ups)
        limits = zip(orbits.stabiliser_start[:-1], orbits.stabiliser_start[1:], strict=True)
        for i, (begin, end) in enumerate(limits):
            elements = orbits.stabiliser_element[begin:end]
            images = orbits.gather[elements]
            still = images == every
            signs = orbits.sign[elements] if len(orbits.sign) else 1.0
            keep[orbits.special[i]] = images.min(axis=0) == every
            size[i] = len(elements) / still.sum(axis=0)
            share = np.sum(still * signs * orbits.stabiliser_value[begin:end, None], axis=0)
            allowed[i] = np.abs(share) * size[i] > 0.5
        places = np.flatnonzero(keep)
        number = np.full(len(keep), -1)
        number[orbits.special] = np.arange(len(orbits.special))
        row, up = np.divmod(places, ups)
        special = np.flatnonzero(number[row] >= 0)
        there = number[row[special]], up[special]
        return cls(places, special, np.sqrt(size[there]), special[~allowed[there]])


@dataclass(frozen=True)
class SpinFactors:
    """H in parts that act on one spin, and products of numbers.

    Attributes
    ----------
    down, up : csr_array
        T of each spin, with its diagonal.
    counts : csr_array, shape (up configurations, k)
        Products of up numbers.
    strengths : (k, down configurations)
        What each is multiplied with.
    """

    down: sp.csr_array
    up: sp.csr_array
    counts: sp.csr_array
    strengths: NDArray[Any]

    @classmethod
    def of(cls, operator: Operator, spins: Spins) -> SpinFactors | None:
        """Take a formula of electrons apart; None where a product moves electrons and contains both spins."""
        parts: defaultdict[ChargeWord, dict[ChargeWord, complex]] = defaultdict(dict)
        for (word, _), value in operator.terms.items():
            up, down, sign = by_spin(word)
            if up and down and any(symbol in LADDERS for symbol, _ in word):
                return None
            parts[up][down] = parts[up].get(down, 0.0) + sign * value
        alone = {up: words.pop((), 0.0) for up, words in parts.items() if up}
        down_words = parts.pop((), {})
        down_part, up_part = _matrix(down_words, spins.down), _matrix(alone, spins.up)
        both = {up: words for up, words in parts.items() if words}
        counts = [_matrix({up: 1.0}, spins.up).diagonal() for up in both]
        strengths = [_matrix(words, spins.down).diagonal() for words in both.values()]
        shape = (len(both), len(spins.up)), (len(both), len(spins.down))
        counted = sp.csr_array(np.array(counts).reshape(shape[0]).T)
        return cls(down_part, up_part, counted, np.array(strengths).reshape(shape[1]))

    @property
    def is_complex(self) -> bool:
        """True where one of them is."""
        return any(np.iscomplexobj(part) for part in (self.down, self.up, self.strengths))


def by_spin(word: ChargeWord) -> tuple[ChargeWord, ChargeWord, float]:
    """Return the up letters and the down letters of a word, and the sign from sorting them.

    Examples
    --------
    >>> by_spin((("c+dn", 0), ("nup", 1), ("c+up", 2)))
    ((('nup', 1), ('c+up', 2)), (('c+dn', 0),), -1.0)
    """
    up = tuple(letter for letter in word if letter[0].endswith("up"))
    down = tuple(letter for letter in word if letter[0].endswith("dn"))
    passed = odd = 0
    for symbol, _ in word:
        passed += symbol in ("c+dn", "cdn")
        odd += passed if symbol in ("c+up", "cup") else 0
    return up, down, -1.0 if odd % 2 else 1.0


def _matrix(words: dict[ChargeWord, complex], basis: ChargeBasis) -> sp.csr_array:
    matrix = charge_rows(words, basis, basis.states)
    matrix.eliminate_zeros()
    return matrix


class ElectronOperator(StoredOperator):
    """An operator of electrons alone on stored amplitudes.

    Parameters
    ----------
    spins : Spins
        Configurations of each spin, and the symmetry.
    factors : SpinFactors
        Its formula taken apart; it must have the symmetry.
    dtype : numpy.dtype, optional
        Type of the amplitudes, where it is complex and the operator is not.
    """

    def __init__(self, spins: Spins, factors: SpinFactors, dtype: np.dtype[Any] | None = None) -> None:
        self.spins, orbits = spins, spins.orbits
        is_complex = factors.is_complex or (orbits is not None and orbits.is_complex) or dtype == np.complex128
        self.dtype = np.dtype(np.complex128 if is_complex else np.float64)
        self.shape = (len(spins.down) * len(spins.up) if orbits is None else len(spins.kept.places), 1)
        self.image_shape = self.shape
        self._own = _OneSpin(factors, spins, self.dtype)
        matrix, element = factors.down, np.zeros(factors.down.nnz, np.int16)
        self._gather, self._sign = np.arange(len(spins.up), dtype=np.int32)[None], np.zeros((0, 0))
        if orbits is not None:
            matrix, element = orbits.reduced(factors.down[orbits.representatives])
            self._gather, self._sign = orbits.gather, orbits.sign
        self._hop = Hop.of(matrix, element).of_type(self.dtype)
        rows = matrix.shape[0]
        self._rows = [np.zeros((rows, len(spins.up)), self.dtype) for _ in range(0 if orbits is None else 2)]
        self._work = np.zeros((4 * numba.get_num_threads(), len(spins.up)), self.dtype)

    def _apply(self, phi: Amplitudes, out: Amplitudes) -> None:
        if self.spins.orbits is None:
            rows = len(self.spins.down), len(self.spins.up)
            self._act(phi.reshape(rows), out.reshape(rows))
        else:
            self._act_on_orbits(self.spins.orbits, phi.reshape(-1), out.reshape(-1))

    def _act(self, psi: NDArray[Any], out: NDArray[Any]) -> None:
        self._own.apply(psi, out)
        self._hop.add(out, psi, self._gather, self._sign, self._work)

    def _act_on_orbits(self, orbits: Orbits, phi: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the stored amplitudes to rows, spread them over the orbits there, and collect what H makes of them."""
        (psi, image), kept = self._rows, self.spins.kept
        if len(orbits.special):
            psi[orbits.special] = 0.0
        psi.reshape(-1)[kept.places] = phi
        psi.reshape(-1)[kept.places[kept.special]] *= kept.scale
        if len(orbits.special):
            stabilisers = orbits.stabiliser_start, orbits.stabiliser_element, orbits.stabiliser_value
            kernels.symmetrise(psi, orbits.special, *stabilisers, self._gather, self._sign, self._work)
        self._act(psi, image)
        np.take(image.reshape(-1), kept.places, out=out, mode="clip")
        out[kept.special] *= kept.scale


class ElectronHamiltonian(ElectronOperator, StoredHamiltonian):
    """H of electrons alone.

    Parameters
    ----------
    hamiltonian : Hamiltonian
        Of the whole sector.
    spins, factors
        See `ElectronOperator`.
    """

    def __init__(self, hamiltonian: Hamiltonian, spins: Spins, factors: SpinFactors) -> None:
        super().__init__(spins, factors)
        self.hamiltonian = hamiltonian

    @property
    def dimension(self) -> int:
        """Number of independent amplitudes."""
        return self.size if self.spins.orbits is None else self.size - len(self.spins.kept.forbidden)

    def project(self, v: NDArray[Any]) -> None:
        """Set amplitudes that the symmetry does not allow to zero, in place."""
        if self.spins.orbits is not None:
            v[self.spins.kept.forbidden] = 0.0


class _OneSpin:
    """What acts within a row: T of the up electrons, and the products of numbers; some rows are turned at a time."""

    def __init__(self, factors: SpinFactors, spins: Spins, dtype: np.dtype[Any]) -> None:
        strengths = factors.strengths if spins.orbits is None else factors.strengths[:, spins.orbits.representatives]
        is_real = not (np.iscomplexobj(factors.up) or np.iscomplexobj(strengths))
        self.parts = 2 if is_real and dtype.kind == "c" else 1  # a real matrix acts on both parts alike
        kind = np.dtype(np.float64) if is_real else dtype
        least, most = WIDTHS
        width = min(most, max(least, TILE_BYTES // (2 * kind.itemsize * max(1, len(spins.up)))))
        (products, rows), height = strengths.shape, width // self.parts
        number = -(-rows // height)
        padded = np.zeros((products, number * height), kind)
        padded[:, :rows] = strengths
        tiles = np.repeat(padded, self.parts, axis=1).reshape(products, number, width).transpose(1, 0, 2)
        up, counts = factors.up.astype(kind), factors.counts.astype(kind)
        matrix, numbers = (up.indptr, up.indices, up.data), (counts.indptr, counts.indices, counts.data)
        self._work = np.zeros((4 * numba.get_num_threads(), 2, len(spins.up), width), kind)
        self._arrays = *matrix, *numbers, np.ascontiguousarray(tiles), self.parts, self._work

    def apply(self, psi: NDArray[Any], out: NDArray[Any]) -> None:
        """Overwrite `out` with the image of rows."""
        kernels.within_rows(out.view(self._work.dtype), psi.view(self._work.dtype), *self._arrays)
