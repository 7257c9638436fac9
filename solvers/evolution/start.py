"""States from which a motion begins, brought into the space and the symmetry in which it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, Hamiltonian, Model, Operator, Sector
from ...hamiltonians.symmetry.group import commutes
from ...hamiltonians.symmetry.operations import Symmetry
from ...hamiltonians.symmetry.quantum_numbers import with_labels
from ...hamiltonians.transitions import Transition
from ..results import State


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
            lost = max(lost, _lost(phi)) if weight else lost
        parts.append((block, part.weights, phis))
    return Start(_mixture(parts), start.error + lost)


def _has(hamiltonian: Hamiltonian, operator: Operator, symmetry: Symmetry) -> bool:
    return commutes(hamiltonian.space, operator, replace(symmetry, block=0))


def _block(hamiltonian: Hamiltonian, kept: tuple[Symmetry, ...]) -> Block:
    whole = hamiltonian.space.sector
    sector = Sector(whole.charge, whole.two_sz)
    return Block(hamiltonian, with_labels(sector, kept, hamiltonian.space.model) if kept else sector, kept)


def _lost(phi: Amplitudes) -> float:
    """Return the distance of a state of norm 1 from what is kept of it, brought back to norm 1."""
    norm = float(np.linalg.norm(phi))
    return 0.0 if norm > 1.0 - 1e-14 else math.sqrt(max(0.0, 2.0 - 2.0 * norm))


def _carried(source: Block, target: Block, phi: Amplitudes) -> Amplitudes:
    """Return stored amplitudes in another block of the same charges."""
    one, other = source.space, target.space
    if source.hamiltonian is target.hamiltonian and source.symmetries == target.symmetries:
        return phi
    if one.phonons != other.phonons:
        found = np.zeros((one.shape[0], other.shape[1]), np.result_type(phi, np.complex128))
        there = other.phonons.index(one.phonons.occupations.astype(np.int64))
        psi = source.expand(phi)
        found[:, there[there >= 0]] = psi[:, there >= 0]
        return np.ascontiguousarray(target.compress(found))
    if np.array_equal(one.frame, other.frame):
        return np.ascontiguousarray(target.compress(source.expand(phi)))
    whole = Transition(source.whole, target.whole, Operator({((), ()): 1.0}))
    return np.ascontiguousarray(target.compress(whole.apply(source.expand(phi))))


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
        if not all(np.linalg.norm(phi) > 0.0 for phi in phis):
            raise InvalidValue("the phonon space holds nothing of the state; raise the caps, or choose another frame")
        whole = np.array([phi / np.linalg.norm(phi) for phi in phis], np.complex128).reshape(-1, *block.shape)
        states.append(State(block, whole, np.array(numbers)))
    return replace(states[0], others=tuple(states[1:]))


@dataclass(frozen=True)
class Configuration:
    """Charges on sites, and every oscillator in a coherent state.

    Attributes
    ----------
    up, dn : sequence of int
        Sites with an electron of each spin.
    bosons : sequence of int
        Sites with a local pair.
    displacement : float or sequence of float
        <x> of every oscillator, x = a + a+, or a list with one number for each.

    Examples
    --------
    >>> Configuration(up=[0], dn=[0]).charge
    2
    """

    up: Sequence[int] = ()
    dn: Sequence[int] = ()
    bosons: Sequence[int] = ()
    displacement: float | Sequence[float] = field(default=0.0)

    @property
    def charge(self) -> int:
        """N = N_e + 2 N_b."""
        return len(self.up) + len(self.dn) + 2 * len(self.bosons)

    @property
    def two_sz(self) -> int:
        """N_up - N_dn."""
        return len(self.up) - len(self.dn)

    def problems(self, model: Model) -> dict[str, tuple[object, str]]:
        """Return what does not fit a model: by key, the value and what is allowed."""
        found: dict[str, tuple[object, str]] = {}
        sites = model.cluster.sites if model.electrons is not None else 0
        carriers = {"up": range(sites), "dn": range(sites), "bosons": model.boson_sites}
        for key, allowed in carriers.items():
            given = list(getattr(self, key))
            if len(set(given)) < len(given) or not set(given) <= set(allowed):
                places = f"sites among {list(allowed)}, each once" if len(allowed) else "an empty list in this model"
                found[key] = given, f"allowed: {places}"
        numbers = np.atleast_1d(np.asarray(self.displacement, float))
        if not np.all(np.isfinite(numbers)) or (np.ndim(self.displacement) and len(numbers) != len(model.modes)):
            found["displacement"] = self.displacement, f"allowed: a number, or a list of {len(model.modes)} numbers"
        return found

    def start(self, hamiltonian: Hamiltonian) -> Start:
        """Return the state in the sector of a Hamiltonian, with what the phonon cutoff leaves out of it as error."""
        space = hamiltonian.space
        wrong = self.problems(space.model)
        if wrong:
            raise InvalidValue("; ".join(f"{key} = {value}: {allowed}" for key, (value, allowed) in wrong.items()))
        if (self.charge, self.two_sz) != (space.sector.charge, space.sector.spin_excess):
            raise InvalidValue(
                f"the configuration has N = {self.charge}, 2 S_z = {self.two_sz}; the sector has "
                f"{space.sector.charge} and {space.sector.spin_excess}"
            )
        e = int(space.charges.index(np.array([self._bits(space.charges.sites, space.model)], np.uint64))[0])
        shifts = 0.5 * np.broadcast_to(np.asarray(self.displacement, float), (space.phonons.modes,)) - space.frame[e]
        phi = np.zeros(space.shape, np.complex128)
        phi[e] = coherent(space.phonons.occupations, shifts)
        block = Block.of(hamiltonian).whole
        lost = _lost(phi)
        norm = float(np.linalg.norm(phi))
        if not norm > 0.0:
            raise InvalidValue(f"the phonon cutoff holds nothing of displacement = {self.displacement}; raise the caps")
        return Start(State(block, phi[None] / norm, np.ones(1)), lost)

    def _bits(self, sites: int, model: Model) -> int:
        places = {site: 2 * sites + b for b, site in enumerate(model.boson_sites)}
        bits = [*self.up, *(sites + i for i in self.dn), *(places[i] for i in self.bosons)]
        return sum(1 << bit for bit in bits)


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
