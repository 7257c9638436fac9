"""Moments of oscillators in optimal states, which follow the charges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians.kernels.fibres import FibreGroup
from ...hamiltonians.space.fibres import Fibres
from ...hamiltonians.space.oscillator_sets import SetWord
from ...solvers import State


def set_moments(state: State) -> NDArray[np.float64]:
    """Return <x>, <n> and <x^2> of each row and mode in oscillator states that follow the charges, (3, rows, modes)."""
    space, block = state.hamiltonian.space, state.block
    assert space.sets is not None
    labels = block.on_rows(space.set_labels.astype(float)).astype(int)
    x = ((1, 0, 1.0), (0, 1, 1.0))
    letters = (x, ((1, 1, 1.0),), ((2, 0, 1.0), (1, 1, 2.0), (0, 2, 1.0), (0, 0, 1.0)))
    found = np.zeros((3, block.shape[0], space.phonons.modes))
    for m in range(space.phonons.modes):
        fibres = Fibres.of(space.phonons, (m,))
        for number, words in enumerate(letters):
            parts = []
            for q in np.unique(labels[:, m]).tolist():
                lattice = tuple((SetWord(((m, q, q, up, low),), space.sets), value) for up, low, value in words)
                parts.append(((labels[:, m] == q).astype(float), fibres.matrix(lattice)))
            for weight, phi in state.mixture:
                image, phi = np.zeros_like(phi), np.ascontiguousarray(phi)
                FibreGroup.of([(fibres, parts)], phi.dtype).add(image, phi)
                found[number, :, m] += weight * np.einsum("rp,rp->r", phi.conj(), image).real
    return found
