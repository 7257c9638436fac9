"""States from which a motion begins, brought into the space and the symmetry in which it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, Hamiltonian, Operator
from ...hamiltonians.conservation import holds
from ...hamiltonians.space.transfer import carried
from ...hamiltonians.symmetry.group import commutes
from ...hamiltonians.symmetry.operations import Symmetry
from ...hamiltonians.symmetry.quantum_numbers import with_labels
from ...hamiltonians.transitions import Transition
from ..results import State
from .configuration import Configuration


@dataclass(frozen=True)
class Start:
    """A state with an error bar.

    Attributes
    ----------
    state : State
        Pure or mixed.
    error : float
        How far it may be from the state that is meant, in the norm.
    """

    state: State
    error: float = 0.0


def moved(start: Start, hamiltonian: Hamiltonian, operators: Iterable[Operator] = ()) -> Start:
    """Return a start among the states of another Hamiltonian, in the blocks that operators leave to it.

    Symmetries of the state that the Hamiltonian or one of the operators breaks are given up. What the other
    phonon space cuts off is added to the error.

    Parameters
    ----------
    start : Start
        From a sector with the same N and S_z.
    hamiltonian : Hamiltonian
        Of the motion.
    operators : iterable of Operator
        What else acts on the state.
    """
    formulas = (hamiltonian.operator, *operators)
    lost, parts = 0.0, []
    left = [tuple(s for s in part.block.symmetries if all(_has(hamiltonian, each, s) for each in formulas))
            for part in start.state.parts]  # fmt: skip
    if len(left) > 1 and any(kept != part.block.symmetries for kept, part in zip(left, start.state.parts, strict=True)):
        left = [()] * len(left)  # the parts may mix
    for part, kept in zip(start.state.parts, left, strict=True):
        block = _block(hamiltonian, kept)
        phis = [_carried(part.block, block, phi) for phi in part.amplitudes]
        for weight, phi in zip(part.weights.tolist(), phis, strict=True):
            lost = max(lost, _lost(block.norm(phi))) if weight else lost
        parts.append((block, part.weights, phis))
    return Start(_mixture(parts), start.error + lost)


def _has(hamiltonian: Hamiltonian, operator: Operator, symmetry: Symmetry) -> bool:
    return commutes(hamiltonian.space, operator, replace(symmetry, block=0))


def _block(hamiltonian: Hamiltonian, kept: tuple[Symmetry, ...]) -> Block:
    whole = hamiltonian.space.sector
    sector = whole.plain
    return Block(hamiltonian, with_labels(sector, kept, hamiltonian.space.model) if kept else sector, kept)


def _lost(norm: float) -> float:
    """Return the distance of a state of norm 1 from what is kept of it, with its norm, brought back to norm 1."""
    return 0.0 if norm > 1.0 - 1e-14 else math.sqrt(max(0.0, 2.0 - 2.0 * norm))


def _carried(source: Block, target: Block, phi: Amplitudes) -> Amplitudes:
    """Return stored amplitudes in another block of the same charges."""
    if source.hamiltonian is target.hamiltonian and source.symmetries == target.symmetries:
        return phi
    distributed = source.share is not None or target.share is not None
    if distributed and source.space.phonons == target.space.phonons:
        return Transition(source, target, Operator({((), ()): 1.0})).apply(phi)
    return np.ascontiguousarray(target.compress(carried(source.space, target.space, source.expand(phi))))


def _mixture(parts: Sequence[tuple[Block, NDArray[np.float64], list[Amplitudes]]]) -> State:
    """Return the mixture of states by block, those of equal blocks together, each of norm 1."""
    merged: list[tuple[Block, list[float], list[Amplitudes]]] = []
    for block, weights, phis in parts:
        same = next((each for each in merged if each[0].symmetries == block.symmetries), None)
        if same is None:
            merged.append(same := (block, [], []))
        same[1].extend(np.asarray(weights).tolist())
        same[2].extend(phis)
    states = []
    for block, numbers, phis in merged:
        if not all(block.norm(phi) > 0.0 for phi in phis):
            raise InvalidValue("the phonon space holds nothing of the state; raise the caps, or choose another frame")
        whole = np.array([phi / block.norm(phi) for phi in phis], np.complex128).reshape(-1, *block.shape)
        states.append(State(block, whole, np.array(numbers)))
    return replace(states[0], others=tuple(states[1:]))


def configured(configuration: Configuration, hamiltonian: Hamiltonian) -> Start:
    """Return charges on sites as a state of a sector, with what the phonon cutoff leaves out of it as error.

    Raises
    ------
    InvalidValue
        If they do not fit the model or the sector.
    """
    space, given = hamiltonian.space, configuration
    if wrong := given.problems(space.model):
        raise InvalidValue("; ".join(f"{key} = {value}: {allowed}" for key, (value, allowed) in wrong.items()))
    if not holds(space.model, space.sector, given.charge, given.two_sz):
        raise InvalidValue(
            f"the configuration has N = {given.charge}, 2 S_z = {given.two_sz}; the sector has {space.sector.title}"
        )
    e = int(space.charges.index(np.array([given.bits(space.model)], np.uint64))[0])
    wanted = np.broadcast_to(np.asarray(given.displacement, float), (space.phonons.modes,))
    block = Block.of(hamiltonian).whole
    phi = np.zeros(block.shape, np.complex128)
    phi[block.own(np.arange(block.rows)) == e] = coherent(space.phonons.occupations, 0.5 * wanted - space.frame[e])
    norm = block.norm(phi)
    if not norm > 0.0:
        raise InvalidValue(f"the phonon cutoff holds nothing of displacement = {given.displacement}; raise the caps")
    return Start(State(block, phi[None] / norm, np.ones(1)), _lost(norm))


def coherent(occupations: NDArray[Any], shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``prod_m exp(-s^2/2) s^n / sqrt(n!)`` for each state of a table of occupations."""
    most = int(occupations.max(initial=0))
    found = np.ones(len(occupations))
    for m, shift in enumerate(shifts.tolist()):
        powers = np.ones(most + 1)
        for n in range(1, most + 1):
            powers[n] = powers[n - 1] * shift / math.sqrt(n)
        found *= math.exp(-0.5 * shift * shift) * powers[occupations[:, m]]
    return found
