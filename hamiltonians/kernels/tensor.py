"""Matrix-free operators: sum_P A_P (x) P on representatives times phonon states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..._core.threads import kernel_threads_for
from ..hamiltonian import Hamiltonian
from ..space.fibres import Fibres, set_modes
from ..space.phonons import PhononSpace, Polynomial, Shell
from ..space.product import Amplitudes, Factor
from ..symmetry.orbits import Orbits
from ..symmetry.share import Share
from . import loops as kernels
from .fibres import FibreGroup
from .hops import FibreHop, Hop, Part, distributed
from .ladders import Ladder, stacked


class StoredOperator(ABC):
    """An operator on stored amplitudes ``phi[row, p]``.

    Attributes
    ----------
    image_shape : (int, int)
        Of the image.
    dtype : numpy.dtype
        Of the amplitudes.
    """

    image_shape: tuple[int, int]
    dtype: np.dtype[Any]

    @abstractmethod
    def _apply(self, phi: Amplitudes, out: Amplitudes) -> None:
        """Overwrite `out` with the image of amplitudes of the type of the operator."""

    def apply(self, phi: Amplitudes, out: Amplitudes | None = None) -> Amplitudes:
        """Return the image of stored amplitudes ``phi[row, p]``; `out` is overwritten."""
        if out is None:
            out = np.empty(self.image_shape, np.result_type(phi, self.dtype))
        if np.iscomplexobj(phi) and self.dtype.kind != "c":
            self._apply_to_complex(phi, out)
            return out
        with kernel_threads_for(out.size):
            self._apply(np.ascontiguousarray(phi, self.dtype), out)
        return out

    def _apply_to_complex(self, phi: Amplitudes, out: Amplitudes) -> None:
        """Overwrite `out` with the image of complex amplitudes under a real operator."""
        out.real, out.imag = self.apply(phi.real.copy()), self.apply(phi.imag.copy())


class TensorOperator(StoredOperator):
    """``sum_f A_f (x) P_f`` as an action on stored amplitudes ``phi[row, p]``; the big matrix is never formed.

    Parameters
    ----------
    factors : sequence of Factor
        Charge matrices A_f; together they must have the symmetry of the orbits.
    lattice : sequence of csr_array or None
        Matrices of the P_f, from the phonon states `inside` to as many others; None where they act on fibres.
    inside : PhononSpace or Shell
        Phonon states of the amplitudes acted upon.
    configurations : int
        Number of charge configurations.
    orbits : Orbits, optional
        Symmetry; none by default.
    dtype : numpy.dtype, optional
        Type of the amplitudes, where it is complex and the operator is not.
    leaves : bool
        The P_f lead out of the states `inside`.
    share : Share, optional
        The rows of this process, where several have a part of them each.

    Attributes
    ----------
    phonons : PhononSpace or Shell
        `inside`.
    standing : list of (strengths, Polynomial)
        What acts on the fibres of each row.
    moving : list of FibreHop
        Hops that act on fibres, those on the same modes together.
    """

    def __init__(
        self,
        factors: Sequence[Factor],
        lattice: Sequence[sp.csr_array | None],
        inside: PhononSpace | Shell,
        configurations: int,
        orbits: Orbits | None = None,
        dtype: np.dtype[Any] | None = None,
        leaves: bool = False,
        share: Share | None = None,
    ) -> None:
        self.orbits, self.share = orbits, share
        self._leaves = leaves
        self.rows = len(share.own) if share else len(orbits.representatives) if orbits else configurations
        matrices = [matrix for matrix in lattice if matrix is not None]
        self.inside, self.outside = len(inside), matrices[0].shape[0] if matrices else len(inside)
        self.phonons, self._fibres = inside, dict[tuple[int, ...], Fibres]()
        if orbits is None:
            self._gather, self._sign = np.arange(self.inside, dtype=np.int32)[None], np.zeros((0, 0))
        else:
            self._gather, self._sign = orbits.gathers(inside)
        kinds = [factor.dtype for factor in factors] + [matrix.dtype for matrix in matrices]
        kinds += [np.complex128 for f in factors if any(np.imag(value) for _, value in f.lattice)]
        kinds += [dtype] if dtype is not None else []
        is_complex = any(kind == np.complex128 for kind in kinds) or (orbits is not None and orbits.is_complex)
        self.dtype = np.dtype(np.complex128 if is_complex else np.float64)
        self.image_shape = self.rows, self.outside
        self._take_apart(factors, lattice)
        self._work = np.zeros((4 * numba.get_num_threads(), self.inside), self.dtype)

    @property
    def gathers(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """What each group element does to the phonon states."""
        return self._gather, self._sign

    @property
    def _configurations(self) -> NDArray[np.int64] | None:
        """The charge configurations of the rows; None for all of them."""
        if self.orbits is None:
            return self.share.own if self.share else None
        return self.orbits.representatives[self.share.own] if self.share else self.orbits.representatives

    def _take_apart(self, factors: Sequence[Factor], lattice: Sequence[sp.csr_array | None]) -> None:
        """Sort the factors into energies, ladders on a row, and hops between rows."""
        self._charge_energy = np.zeros(self.rows, self.dtype)
        self._lattice_energy = np.zeros(self.outside, self.dtype)
        ladders: list[Ladder] = []
        plain = None
        chosen = self._configurations
        self._hops: list[Hop | FibreHop] = []
        self.standing: list[tuple[NDArray[Any], Polynomial]] = []
        apart: defaultdict[tuple[int, ...], list[Part]] = defaultdict(list)
        local: defaultdict[tuple[int, ...], list[tuple[NDArray[Any], NDArray[Any]]]] = defaultdict(list)
        for factor, matrix in zip(factors, lattice, strict=True):
            on_rows, moving = _split(factor.rows(chosen), chosen)
            if not self._leaves and factor.is_identity:
                self._charge_energy += on_rows
                plain = moving if plain is None else plain + moving
                continue
            if matrix is None:
                fibres = self._fibres_of(factor.lattice)
                if np.any(on_rows):
                    local[fibres.modes].append((on_rows, fibres.matrix(factor.lattice)))
                    self.standing.append((on_rows, factor.lattice))
                if moving.nnz:
                    apart[fibres.modes].append((*self._reduced(moving), factor.lattice))
                continue
            if np.any(on_rows):
                ladders.append((on_rows, matrix) if self._leaves else self._ladder(on_rows, matrix))
            if moving.nnz:
                self._hops.append(self._hop(moving, matrix))
        self.moving = [FibreHop.of(parts, self._fibres[modes]).of_type(self.dtype) for modes, parts in apart.items()]
        self._hops.extend(self.moving)
        if plain is not None and plain.nnz:
            self._hops.insert(0, self._hop(plain, None))
        self.columns, self._by_piece = distributed(self._hops, self.share, self.inside)
        self._ladders = stacked(ladders, (self.rows, self.outside), self.dtype, leaves=self._leaves)
        self._groups = [
            FibreGroup.of([(self._fibres[m], some) for m, some in local.items() if len(m) == k], self.dtype)
            for k in sorted({len(m) for m in local})
        ]

    def _fibres_of(self, lattice: Polynomial) -> Fibres:
        """Return the fibres on which a polynomial acts, made once."""
        modes = set_modes(lattice)
        assert modes is not None
        assert isinstance(self.phonons, PhononSpace)
        if modes not in self._fibres:
            self._fibres[modes] = Fibres.of(self.phonons, modes)
        return self._fibres[modes]

    def _ladder(self, strength: NDArray[Any], lattice: sp.csr_array) -> Ladder:
        """Move what is diagonal on the phonons, and the same on all rows, into the lattice energy."""
        diagonal, moving = _split(lattice)
        if len(strength) and np.all(strength == strength[0]):
            self._lattice_energy += strength[0] * diagonal
            return strength, moving
        return strength, lattice

    def _hop(self, moving: sp.csr_array, lattice: sp.csr_array | None) -> Hop:
        return Hop.of(*self._reduced(moving), lattice).of_type(self.dtype)

    def _reduced(self, moving: sp.csr_array) -> tuple[sp.csr_array, NDArray[np.int16]]:
        """Return a charge matrix on the stored rows, and the group element of each entry."""
        if self.orbits:
            return self.orbits.reduced(moving, self.share.own if self.share else None)
        return moving, np.zeros(moving.nnz, np.int16)

    def _apply_to_complex(self, phi: Amplitudes, out: Amplitudes) -> None:
        """Pass over complex amplitudes once: real coefficients need not become complex."""
        with kernel_threads_for(2 * out.size):
            self._apply(np.ascontiguousarray(phi), out)

    def _apply(self, phi: Amplitudes, out: Amplitudes) -> None:
        work = self._work if self._work.dtype == out.dtype else np.zeros(self._work.shape, out.dtype)
        arriving = self.columns.arriving(phi) if self.columns else iter([phi])
        own = next(arriving)  # those of other processes are on their way
        if self._leaves:
            out[:] = 0.0
            kernels.ladders(out, phi, *self._ladders.others)
        else:
            energies, kinds = (self._charge_energy, self._lattice_energy), self._ladders
            kernels.diagonal_and_ladders(out, phi, *energies, *kinds.shifts, *kinds.others, *kinds.pairs)
        for group in self._groups:
            group.add(out, phi)
        for hops, rows in zip(self._by_piece, chain([own], arriving), strict=True):
            for hop in hops:
                hop.add(out, rows, self._gather, self._sign, work)


class StoredHamiltonian(StoredOperator):
    """H on stored amplitudes, flattened; what Lanczos needs and nothing more.

    Attributes
    ----------
    hamiltonian : Hamiltonian
        Of the whole sector.
    shape : tuple of int
        Of stored amplitudes ``phi[row, p]``.
    dtype : numpy.dtype
        Of the amplitudes.
    """

    hamiltonian: Hamiltonian
    shape: tuple[int, int]

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of independent amplitudes."""

    @abstractmethod
    def project(self, v: NDArray[Any]) -> None:
        """Project amplitudes, in place, onto those that the symmetry allows."""

    @property
    def size(self) -> int:
        """Number of stored amplitudes."""
        return self.shape[0] * self.shape[1]

    def dot(self, v: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return ``H v`` for amplitudes that the symmetry allows (see `project`); `out` is overwritten."""
        result = np.empty(self.size, np.result_type(v, self.dtype)) if out is None else out
        self.image(v, result)
        self.project(result)
        return result

    def image(self, v: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        """Write ``H v`` to `out` for a solver that projects its own vectors: rounding may leave what is allowed."""
        self.apply(v.reshape(self.shape), out.reshape(self.shape))
        return out


class TensorHamiltonian(TensorOperator, StoredHamiltonian):
    """H as a sum of products of a charge and a lattice matrix.

    Parameters
    ----------
    hamiltonian : Hamiltonian
        Its factors are used.
    orbits : Orbits, optional
        Symmetry of the block; none by default.
    share : Share, optional
        The rows of this process.
    """

    def __init__(self, hamiltonian: Hamiltonian, orbits: Orbits | None = None, share: Share | None = None) -> None:
        factors, space = (hamiltonian.factors, hamiltonian.actions), hamiltonian.space
        super().__init__(*factors, space.phonons, len(space.charges), orbits, share=share)
        self.hamiltonian = hamiltonian
        self.shape = (self.rows, self.inside)

    def project(self, v: NDArray[Any]) -> None:
        """Project amplitudes, in place, onto those that the symmetry allows."""
        if self.orbits is None or not len(self._stabilisers[0]):
            return
        if np.iscomplexobj(v) and self.dtype.kind != "c":
            parts = (v.real.copy(), v.imag.copy())
            for part in parts:
                self.project(part)
            v[:] = parts[0] + 1j * parts[1]
            return
        rows, start, element, value = self._stabilisers
        with kernel_threads_for(self.size):
            kernels.symmetrise(v.reshape(self.shape), rows, start, element, value, *self.gathers, self._work)

    @cached_property
    def _stabilisers(self) -> tuple[NDArray[Any], ...]:
        """Rows with a stabiliser, and its elements, as `symmetrise` takes them."""
        o = self.orbits
        assert o is not None
        if self.share is None:
            return o.special, o.stabiliser_start, o.stabiliser_element, o.stabiliser_value
        here = self.share.owner[o.special] == self.share.ranks.rank
        counts = np.diff(o.stabiliser_start)
        entries = np.repeat(here, counts)
        start = np.concatenate([[0], np.cumsum(counts[here])])
        return self.share.place[o.special[here]], start, o.stabiliser_element[entries], o.stabiliser_value[entries]

    @cached_property
    def dimension(self) -> int:
        """Number of independent amplitudes: the trace of the projector."""
        return self.hamiltonian.space.dimension if self.orbits is None else self.orbits.dimension

    def expand(self, v: NDArray[Any]) -> NDArray[Any]:
        """Return the amplitudes ``psi[e, p]`` of the whole sector."""
        phi = v.reshape(self.shape)
        return phi if self.orbits is None else self.orbits.expand(phi)


def _split(matrix: sp.csr_array, of_rows: NDArray[np.int64] | None = None) -> tuple[NDArray[Any], sp.csr_array]:
    """Return the diagonal, and the rest; `of_rows` are the columns of the diagonal, where some rows are left out."""
    rows = matrix.shape[0]
    column = np.arange(rows, dtype=matrix.indices.dtype) if of_rows is None else of_rows.astype(matrix.indices.dtype)
    still = np.flatnonzero((matrix.indices == np.repeat(column, np.diff(matrix.indptr))) | (matrix.data == 0))
    if not len(still):
        return np.zeros(rows, matrix.dtype), matrix
    row = np.searchsorted(matrix.indptr, still, side="right") - 1
    diagonal = np.zeros(rows, matrix.dtype)
    on = matrix.indices[still] == column[row]
    np.add.at(diagonal, row[on], matrix.data[still[on]])
    start = matrix.indptr - np.searchsorted(still, matrix.indptr).astype(matrix.indptr.dtype)
    rest = np.delete(matrix.data, still), np.delete(matrix.indices, still), start
    return diagonal, sp.csr_array(rest, shape=matrix.shape)
