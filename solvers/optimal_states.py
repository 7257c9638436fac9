"""Optimal oscillator states: which charge they follow, where they start, and how a state improves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import la
from .._core.ranks import agreed
from ..clusters import InvalidValue
from ..hamiltonians import Model, Sector
from ..hamiltonians.conservation import frame_charge
from ..hamiltonians.couplings import on_bonds
from ..hamiltonians.kernels.fibres import set_densities
from ..hamiltonians.space.fibres import Fibres
from ..hamiltonians.space.frame import frame_parts
from ..hamiltonians.space.oscillator_sets import LABELS, OscillatorSets, number_matrix
from ..hamiltonians.space.product import Space
from ..hamiltonians.symmetry.quantum_numbers import sector_symmetries
from ..hamiltonians.terms import sector_operator
from .blocks import finest_blocks
from .caps import capped
from .results import State

DRESSING = 0.7
"""Share of the full displacement by the local charge from which the states start."""
LOWEST, KEPT = 4, 1e-13
"""So many of the lowest states of each displaced oscillator have a norm below this outside the number states."""
LARGEST = 160
"""Most number states of an oscillator."""
MARGIN = 6
"""Number states beyond those that the displaced oscillators need."""
PRIOR, DECAY = 1e-6, 0.1
"""Weight of the displaced states that is added to density matrices, in which weights below 1e-12 are noise."""


def followed(model: Model) -> str:
    """Return the local charge that oscillator states follow: that which acts on the lattice.

    Raises
    ------
    InvalidValue
        If the modes are on bonds.
    """
    if on_bonds(model.modes):
        raise InvalidValue(
            'phonons.basis = "optimal" needs modes on sites, whose charge chooses the states, and these are on bonds; '
            'leave basis out, or take frame = "auto"'
        )
    letters = {
        symbol for charge, lattice in sector_operator(model).terms if lattice for symbol, _ in _without_exchange(charge)
    }
    bosons = bool(letters & {"nb", "b", "b+"}) and bool(model.boson_sites)
    electrons = bool(letters - {"nb", "b", "b+"})
    return "both" if bosons and electrons else "electrons" if electrons or not model.boson_sites else "bosons"


def _without_exchange(charge: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Return a charge word, without its electrons where it exchanges a pair with them."""
    moves = {symbol for symbol, _ in charge}
    return [letter for letter in charge if letter[0] in ("b", "b+")] if moves & {"b", "b+"} else charge


def mode_classes(model: Model, sector: Sector) -> tuple[int, ...]:
    """Return a class for each mode: modes that a symmetry of the model exchanges have the same."""
    space, operator = Space(capped(model), sector), sector_operator(model)
    owner = list(range(len(model.modes)))
    for block in finest_blocks(space, operator):
        for symmetry in sector_symmetries(space, operator, block):
            for mode, image in enumerate(symmetry.modes):
                if not symmetry.odd and owner[mode] != owner[image]:
                    old, new = owner[mode], owner[image]
                    owner = [new if own == old else own for own in owner]
    names = sorted(set(owner))
    return tuple(names.index(own) for own in owner)


def local_hamiltonians(
    model: Model, sector: Sector, sets: OscillatorSets, size: int, dressing: float
) -> NDArray[np.float64]:
    """Return the Hamiltonian of one oscillator of each class for each charge, shape (classes, labels, size, size).

    Parameters
    ----------
    model, sector
        What acts on the oscillators.
    sets : OscillatorSets
        Classes, charge labels and displacements.
    size : int
        Number states, about the displacement.
    dressing : float
        Share of the difference that the local charge makes; the rest is its mean over all configurations.
    """
    assert model.phonons is not None
    table = replace(model.phonons, basis=sets, cutoff=None, frame="none", max_quanta=0, total_quanta=0)
    space = Space(replace(model, phonons=table), sector)
    labels, count = space.set_labels, LABELS[sets.follows]
    h = np.zeros((len(sets.shifts), count, size, size))
    modes = [sets.classes.index(c) for c in range(len(sets.shifts))]
    for factor in space.plain_factors(sector_operator(model)):
        charges = factor.charges.diagonal().real
        for word, value in factor.lattice:
            if isinstance(word, tuple) and len(word) == 1 and word[0][0] in modes and len(labels):
                mode, up, low = word[0]
                here = [labels[:, mode] == q for q in range(count)]
                mean = float(np.mean(charges))
                own = [float(np.mean(charges[some])) if some.any() else mean for some in here]
                letter = np.real(value) * number_matrix(size, up, low)
                for q in range(count):
                    h[sets.classes[mode], q] += (mean + dressing * (own[q] - mean)) * letter
    return h


def displaced_sets(model: Model, sector: Sector) -> OscillatorSets:
    """Return oscillator states to start from: those of oscillators displaced by a share of the local charge."""
    follows, classes = followed(model), mode_classes(model, sector)
    table = model.phonons
    assert table is not None
    about = replace(model, phonons=replace(table, basis="number", frame="mean", dressing=None))
    mean = frame_parts(about, frame_charge(about, sector))[0]
    shifts = np.array([mean[classes.index(c)] for c in range(max(classes) + 1)])
    empty = np.zeros((len(shifts), LABELS[follows], 0, 0))
    sets = OscillatorSets(follows, classes, shifts, empty, np.zeros(empty.shape[:3]), 0)
    raised = max((up for _, lattice in sector_operator(model).terms for _, up, _ in lattice), default=0)
    vectors = np.linalg.eigh(local_hamiltonians(model, sector, sets, LARGEST, 1.0))[1][..., :LOWEST]
    beyond = np.sqrt(np.cumsum(np.max(np.sum(vectors**2, axis=-1), axis=(0, 1))[::-1])[::-1])
    needed = int(np.count_nonzero(beyond > KEPT))
    inner = min(LARGEST, needed + MARGIN)
    size = inner + raised  # the last ones stay number states, to which nothing leads in one step but what leaks
    states = np.zeros((*empty.shape[:2], size, size))
    states[..., inner:, inner:] = np.eye(raised)
    start = np.linalg.eigh(local_hamiltonians(model, sector, sets, inner, DRESSING))[1]
    states[..., :inner, :inner] = start.transpose(0, 1, 3, 2)
    return agreed(replace(sets, states=states, weights=np.zeros(states.shape[:3]), free=inner))


def improved(sets: OscillatorSets, start: OscillatorSets, mixture: Sequence[tuple[float, State]]) -> OscillatorSets:
    """Return the natural states of each charge in a mixture of states, ordered by their weights.

    Parameters
    ----------
    sets : OscillatorSets
        In which the states are given.
    start : OscillatorSets
        The displaced states, a little of which is added.
    mixture : sequence of (weight, State)
        States.
    """
    rho = densities(sets, mixture)
    kept = rho.shape[-1]
    states, weights = sets.states.copy(), np.zeros(sets.weights.shape)
    for c, q in np.ndindex(rho.shape[:2]):
        total = float(np.trace(rho[c, q]))
        overlap = sets.states[c, q, :kept] @ start.states[c, q].T
        prior = (overlap * PRIOR * DECAY ** np.arange(overlap.shape[1])) @ overlap.T
        _, vectors = la.eigh((rho[c, q] / total if total > 0 else 0.0) + prior)
        vectors = vectors[:, ::-1]
        states[c, q, :kept] = vectors.T @ sets.states[c, q, :kept]
        weights[c, q, :kept] = np.einsum("an,ab,bn->n", vectors, rho[c, q], vectors)
    return agreed(replace(sets, states=states, weights=weights, costs=None))


def densities(sets: OscillatorSets, mixture: Sequence[tuple[float, State]]) -> NDArray[np.float64]:
    """Return density matrices of the oscillators of a class for each charge, shape (classes, labels, n, n).

    The trace over all charges is one for each class.
    """
    count = LABELS[sets.follows]
    share = 1.0 / np.bincount(sets.classes)
    total: NDArray[np.float64] | float = 0.0
    for weight, state in mixture:
        for part in state.parts:
            space, block = part.block.space, part.block
            labels = space.set_labels if block.orbits is None else space.set_labels[block.orbits.representatives]
            kind = block.own(labels.astype(np.int64) + count * np.array(sets.classes))
            fibres = [Fibres.of(space.phonons, (m,)) for m in range(space.phonons.modes)]
            for own, phi in part.mixture:
                found = set_densities(phi, kind, count * len(share), fibres)
                total = total + weight * own * block.total(found)
    rho = np.asarray(total)
    return rho.reshape(len(share), count, *rho.shape[1:]) * share[:, None, None, None]
