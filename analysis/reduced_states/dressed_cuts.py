r"""Cuts between charges and lattice for states in a frame that follows the charges.

There ``|psi> = sum_e |e> D(lambda(e)) |phi_e>``, and the reduced state of the charges contains the overlaps

.. math:: R_{ee'} = \langle\phi_{e'}| D(\lambda(e) - \lambda(e')) |\phi_e\rangle,

which are exact, since the states phi have no phonons beyond the cutoff.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...hamiltonians import Amplitudes, Block, Space
from ...hamiltonians.space.displacement_matrices import Dressed
from ...hamiltonians.space.oscillator_sets import SetWord
from .cuts import CutBlock

DECIMALS = 12
"""Decimals to which equal displacements agree."""
Jump = tuple[float, ...]
Matrices = Callable[[Jump, Jump], sp.csr_array]


def displacement_matrices(space: Space) -> Matrices:
    """Return a function that transforms the lattice of one configuration to the phonon states of another.

    Its arguments are the displacements or labels of both configurations (`followed`); it returns the cached
    ``D(beta)``, or the overlaps of the oscillator states.
    """
    known: dict[Jump, sp.csr_array] = {}

    def matrix(jump: Jump) -> sp.csr_array:
        if jump not in known:
            moved = tuple((mode, beta) for mode, beta in enumerate(jump) if beta)
            known[jump] = space.lattice_matrix(((Dressed((), moved) if moved else (), 1.0),))
        return known[jump]

    def changed(own: Jump, other: Jump) -> sp.csr_array:
        return matrix(tuple((np.round(np.subtract(own, other), DECIMALS) + 0.0).tolist()))

    def between(own: Jump, other: Jump) -> sp.csr_array:
        pairs = zip(own, other, strict=True)
        moved = tuple((m, int(q), int(p), 0, 0) for m, (p, q) in enumerate(pairs) if q != p)
        assert space.sets is not None
        return space.lattice_matrix(((SetWord(moved, space.sets), 1.0),))

    return changed if space.sets is None else between


def followed(space: Space) -> NDArray[Any]:
    """Return the lattice data of each configuration: displacements, or labels of oscillator states."""
    return space.frame if space.sets is None else space.set_labels


def overlaps(psi: NDArray[Any], frame: NDArray[np.float64], matrices: Matrices) -> NDArray[Any]:
    """Return R for amplitudes ``psi[k, p]`` with the displacements ``frame[k, m]``, shape (k, k), Hermitian."""
    values, group = np.unique(np.round(frame, DECIMALS) + 0.0, axis=0, return_inverse=True)
    members = [np.flatnonzero(group.ravel() == g) for g in range(len(values))]
    found = np.zeros((len(psi),) * 2, psi.dtype)
    for a, rows in enumerate(members):
        for b, columns in enumerate(members[: a + 1]):
            moved = psi[rows] if a == b else (matrices(tuple(values[a]), tuple(values[b])) @ psi[rows].T).T
            block = moved @ psi[columns].conj().T
            found[np.ix_(rows, columns)] = block
            found[np.ix_(columns, rows)] = block.conj().T
    return found


def charge_spectrum(states: list[tuple[Block, Amplitudes]], matrices: Matrices) -> NDArray[np.float64]:
    """Return the spectrum of the reduced state of the lattice from the overlaps of all configurations."""
    space = states[0][0].space
    every = np.arange(len(space.charges))
    psi = np.concatenate([block.amplitudes(phi, every) for block, phi in states])
    return np.linalg.eigvalsh(overlaps(psi, np.tile(followed(space), (len(states), 1)), matrices))


def part_spectrum(states: list[tuple[Block, Amplitudes]], cut: CutBlock, matrices: Matrices) -> NDArray[np.float64]:
    """Return the spectrum of the reduced state of some charges, with all oscillators traced out."""
    space = states[0][0].space
    total: NDArray[Any] = np.zeros((len(cut.configurations),) * 2)
    for configurations, sign in zip(cut.configurations.T, cut.sign.T, strict=True):
        for block, phi in states:
            psi = sign[:, None] * block.amplitudes(phi, configurations)
            total = total + overlaps(psi, followed(space)[configurations], matrices)
    return np.linalg.eigvalsh(total)
