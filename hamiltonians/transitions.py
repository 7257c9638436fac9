r"""Operators between sectors: maps from a block of one (N, S_z) sector to blocks of another.

The part of O that maps quantum numbers chi of a symmetry group G to chi' is

.. math:: O_{\chi'} = \frac{1}{|G|} \sum_g \chi'(g)^*\,\chi(g)\; U_g O U_g^\dagger,\qquad \sum_{\chi'} O_{\chi'} = O,

so that a local operator becomes a sum over momentum transfers, and the image of each part is stored on representatives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._core.threads import kernel_threads_for
from ..clusters import InvalidValue
from .algebra import canonical
from .conservation import moved
from .hamiltonian import Hamiltonian
from .kernels.ghosts import Ghosts
from .kernels.hops import FibreHop, Hop, Part, distributed
from .model import Model
from .operators import ChargeWord, LatticeWord, Operator
from .soft_core import expanded
from .space.charge_masks import charge_rows
from .space.fibres import Fibres, set_modes
from .space.frame import Product, in_frame
from .space.product import CHARGE_OF, IDENTITY, Amplitudes, check_names
from .space.set_products import in_sets
from .symmetry.block import Block
from .symmetry.group import commutes
from .symmetry.operations import Symmetry, relabelled
from .symmetry.quantum_numbers import compatible, with_labels

Change = tuple[int, int]
"""Change of (N, N_up - N_dn)."""


def charge_change(model: Model, operator: Operator) -> Change:
    """Return the change of (N, N_up - N_dn) by an operator, modulo 2 for quantities that are not conserved.

    Raises
    ------
    ValueError
        If its products of ladder operators change them differently, or act on sites or species that do not exist.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model, pair
    >>> charge_change(Model(site(), Electrons()), pair(0))
    (-2, 0)
    """
    check_names(model, operator)
    words = {charge for charge, _ in operator.terms}
    steps = ([CHARGE_OF.get(symbol, (0, 0)) for symbol, _ in word] for word in words)
    found = {(sum(n for n, _ in step), sum(spin for _, spin in step)) for step in steps}
    changes = sorted({(n if model.keeps_charge else n % 2, s if model.keeps_spin else s % 2) for n, s in found})
    if len(changes) > 1:
        raise InvalidValue(
            f"the operator changes (N, N_up - N_dn) by {changes}; every product must cause the same change"
        )
    return changes[0] if changes else (0, 0)


def target_hamiltonian(hamiltonian: Hamiltonian, change: Change) -> Hamiltonian | None:
    """Return the Hamiltonian of the sector after a change, in the same phonon frame; None if there is no such sector.

    The frame keeps the mean charge of the first sector, because images would be truncated by the cutoff of a different
    frame. The result is cached in the Hamiltonian of the first sector.
    """
    space = hamiltonian.space
    if change == (0, 0):
        return hamiltonian
    if change in hamiltonian.neighbours:
        return hamiltonian.neighbours[change]
    there = moved(space.model, space.sector, change)
    if there is None:
        return None
    if there == space.sector.plain:
        return hamiltonian
    return hamiltonian.neighbours.setdefault(change, Hamiltonian.of(space.model, there, space.mean))


@dataclass(frozen=True)
class Transition:
    """The part of an operator that maps one block to another.

    Attributes
    ----------
    source, target : Block
        The initial and the final block.
    operator : Operator
        The operator in terms of the physical phonons.
    """

    source: Block = field(repr=False)
    target: Block = field(repr=False)
    operator: Operator

    def apply(self, phi: Amplitudes) -> NDArray[Any]:
        """Return the stored amplitudes of ``O psi`` in the target block from the stored amplitudes of the source."""
        kind = np.result_type(phi.dtype, self._dtype)
        out = np.zeros(self.target.shape, kind)
        phi = np.ascontiguousarray(phi, kind)
        work = np.zeros((4 * numba.get_num_threads(), phi.shape[1]), kind)
        ghosts, by_piece = self._by_piece
        with kernel_threads_for(max(phi.size, out.size)):
            for hops, rows in zip(by_piece, ghosts.arriving(phi) if ghosts else [phi], strict=True):
                for hop in hops:
                    hop.of_type(kind).add(out, rows, *self._gathers, work)
        if self.source.share and not self.target.share:
            out = self.source.share.ranks.given(out)  # identical rounding on all ranks
        return out

    @cached_property
    def _by_piece(self) -> tuple[Ghosts | None, list[list[Hop | FibreHop]]]:
        """The required rows of the source, and the hops that act on each piece of them."""
        return distributed(self._hops, self.source.share, self.source.shape[1])

    @cached_property
    def _dtype(self) -> np.dtype[Any]:
        own = [block.orbits.factor.dtype for block in (self.source, self.target) if block.orbits is not None]
        return np.result_type(np.float64, *own, *(hop.matrix.data.dtype for hop in self._hops))

    @cached_property
    def _gathers(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        phonons, orbits = self.source.space.phonons, self.source.orbits
        if orbits is None:
            return np.arange(len(phonons), dtype=np.int32)[None], np.zeros((0, 0))
        return orbits.gather, orbits.sign

    @cached_property
    def _hops(self) -> tuple[Hop | FibreHop, ...]:
        hops: list[Hop | FibreHop] = []
        on_fibres: defaultdict[tuple[int, ...], list[Part]] = defaultdict(list)
        for charges, lattice in self._products():
            matrix, element = self._on_rows(charges)
            space, own = self.source.space, set_modes(lattice)
            if space.sets is not None and own is not None:
                on_fibres[own].append((matrix, element, lattice))
                continue
            moves = None if lattice == IDENTITY else space.lattice_matrix(lattice)
            hops.append(Hop.of(matrix, element, moves))
        phonons = self.source.space.phonons
        return (*hops, *(FibreHop.of(parts, Fibres.of(phonons, modes)) for modes, parts in on_fibres.items()))

    def _products(self) -> list[Product]:
        """Return charge matrices, from all configurations to the stored rows, with their lattice operators."""
        source, target = self.source.space, self.target.space
        moves = source.is_dressed or target.is_dressed or not np.array_equal(source.frame[:1], target.frame[:1])
        rows = self.target.own(self._configurations)
        by_lattice: defaultdict[LatticeWord, dict[ChargeWord, complex]] = defaultdict(dict)
        formula = self.operator if moves and source.sets is None else source.displaced(self.operator)
        for (charge, lattice), value in formula.terms.items():
            by_lattice[lattice][charge] = value
        states = target.charges.states[rows]
        products: list[Product] = [
            (charge_rows(words, source.charges, states), ((lattice, 1.0),)) for lattice, words in by_lattice.items()
        ]
        if source.sets is not None:
            return in_sets(products, source.sets, source.set_labels, target.set_labels[rows])
        return in_frame(products, source.frame, target.frame[rows]) if moves else products

    @property
    def _configurations(self) -> NDArray[np.int64]:
        """The charge configurations of all rows of the target, on all processes."""
        orbits = self.target.orbits
        return np.arange(self.target.rows) if orbits is None else orbits.representatives

    def _on_rows(self, matrix: sp.csr_array) -> tuple[sp.csr_array, NDArray[np.int16]]:
        """Return a charge matrix from stored rows to stored rows, and the group element of each entry."""
        source, target = self.source.orbits, self.target.orbits
        own = np.repeat(self.target.own(np.arange(self.target.rows)), np.diff(matrix.indptr))
        scale = np.ones(matrix.nnz) if target is None else np.sqrt(target.sizes[own])
        if source is None:
            scaled = sp.csr_array((matrix.data * scale, matrix.indices, matrix.indptr), shape=matrix.shape)
            return scaled, np.zeros(matrix.nnz, np.int16)
        row = source.row[matrix.indices]
        data = matrix.data * source.factor[matrix.indices] * scale / np.sqrt(source.sizes[row])
        reduced = sp.csr_array((data, row, matrix.indptr), shape=(matrix.shape[0], len(source.sizes)))
        return reduced, source.element[matrix.indices]


def transitions(block: Block, operator: Operator, target: Hamiltonian | None = None) -> tuple[Transition, ...]:
    """Return the parts of an operator that map a block to other blocks, each with its target block.

    The parts are resolved by the symmetries common to both sectors; their sum is the operator, and their images lie in
    different blocks.

    Parameters
    ----------
    block : Block
        Block on which the operator acts.
    operator : Operator
        The operator in terms of the physical phonons.
    target : Hamiltonian, optional
        Hamiltonian of the target sector, if known: see `target_hamiltonian`.

    Returns
    -------
    tuple of Transition
        Empty if the target sector does not exist, as for an electron added to a full cluster.

    Raises
    ------
    ValueError
        If the products of the operator change (N, S_z) differently, or act on sites or species that do not exist.
    """
    hamiltonian = target or target_hamiltonian(block.hamiltonian, charge_change(block.space.model, operator))
    if hamiltonian is None:
        return ()
    common = [_has(hamiltonian, s) for s in block.symmetries]
    own = tuple(s for s, kept in zip(block.symmetries, common, strict=True) if kept)
    parts = _parts(canonical(expanded(operator, block.space.model)), block.space.model, own)
    return tuple(Transition(block, _block(hamiltonian, other), part) for other, part in parts if part.terms)


def _has(hamiltonian: Hamiltonian, symmetry: Symmetry) -> bool:
    """True if a Hamiltonian has a symmetry; the result is cached."""
    known, anyhow = hamiltonian.symmetries, replace(symmetry, block=0)
    if anyhow not in known:
        known[anyhow] = commutes(hamiltonian.space, hamiltonian.operator, anyhow)
    return known[anyhow]


def _parts(
    operator: Operator, model: Model, own: tuple[Symmetry, ...]
) -> Iterator[tuple[tuple[Symmetry, ...], Operator]]:
    """Yield the target quantum numbers and parts of an operator; each symmetry must preserve the preceding ones."""
    found: list[tuple[tuple[Symmetry, ...], Operator]] = [((), operator)]
    for symmetry in own:
        split: list[tuple[tuple[Symmetry, ...], Operator]] = []
        for before, part in found:
            if not compatible(symmetry, before):
                split.append((before, part))
                continue
            images = _images(part, model, symmetry)
            for m in range(symmetry.period):
                split.append(((*before, replace(symmetry, block=m)), _projected(images, symmetry, m)))
        found = split
    yield from found


def _images(operator: Operator, model: Model, symmetry: Symmetry) -> list[Operator]:
    """Return ``U^p O U^-p`` for p = 0, 1, ..."""
    images = [operator]
    while len(images) < symmetry.period:
        images.append(relabelled(images[-1], model, symmetry))
    return images


def _projected(images: list[Operator], symmetry: Symmetry, reached: int) -> Operator:
    """Return the part that maps to the quantum number `reached` of a symmetry."""
    turn = np.exp(2j * np.pi * ((reached - symmetry.block) % symmetry.period) / symmetry.period)
    waves = (complex(turn**power) / symmetry.period * image for power, image in enumerate(images))
    return canonical(*waves)


def _block(hamiltonian: Hamiltonian, symmetries: tuple[Symmetry, ...]) -> Block:
    space = hamiltonian.space
    return Block(hamiltonian, with_labels(space.sector, symmetries, space.model), symmetries)
