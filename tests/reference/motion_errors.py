"""Errors of states that move in phonon spaces that may be far too small, against larger ones, for random models."""

from dataclasses import replace

import numpy as np
from calibration import random_case

from respair.analysis import Kick, evolve
from respair.hamiltonians import Hamiltonian, Pulse, Sector
from respair.hamiltonians.space.product import dimensions
from respair.solvers import State, ground_state
from respair.solvers.evolution.start import Start, moved

LARGEST = 60_000
"""Most states of a larger space."""
CONVERGED = 1e-7


def vector(state, time):
    return {"psi": state.vectors[0]}


def embedded(psi, small, large):
    """Amplitudes of a phonon space in one with more quanta in the same frame."""
    found = np.zeros(large.shape, complex)
    found[:, large.phonons.index(small.phonons.occupations.astype(np.int64))] = psi.reshape(small.shape)
    return found.ravel()


def happens(random, model, sector):
    """Return a start, a kick and a pulse: the ground state kicked, or random charges in the lowest phonon state."""
    kind, begins = random.integers(3), random.integers(3)
    state = ground_state(model, sector, 1).ground
    if len(state.weights) > 1:
        return None, None, None
    if begins > 0:
        block = state.block.whole
        phi = np.zeros(block.shape, complex)
        phi[:, 0] = random.standard_normal(block.shape[0])
        state = State(block, phi[None] / np.linalg.norm(phi), np.ones(1))
    kick = pulse = None
    if kind == 0 or begins == 0:
        name = str(random.choice(["displacement", "momentum"]))
        kick = Kick(name, float(random.uniform(0.05, 1.0)), model.modes[0].index)
    if kind == 2 and model.cluster.bonds:
        pulse = Pulse(
            float(random.uniform(0.1, 1.0)), float(random.uniform(0, 4)), 1.0, float(random.uniform(0.3, 1.0))
        )
    return state, kick, pulse


def errors_of(seed):
    """Return true errors, estimates and bounds at eight times; None where no space is large enough."""
    random, case = np.random.default_rng([11, seed]), random_case(seed)
    model, sector = case.model, case.sector
    space = Hamiltonian.of(model, sector).space
    start, kick, pulse = happens(random, model, sector)
    if start is None:
        return None
    times = np.linspace(0.0, float(np.exp(random.uniform(0, np.log(30.0)))), 9)
    how = {"kick": kick, "pulse": pulse, "observables": [], "tolerance": 1e-9, "measure": vector}
    data = evolve(model, times, sector, initial=start, **how)
    caps = {name: getattr(model.phonons, name) for name in ("max_quanta", "total_quanta")}
    for more in (12, 36, 48):
        larger = replace(
            model, phonons=replace(model.phonons, **{name: 2 * c + more for name, c in caps.items() if c is not None})
        )
        if np.prod(dimensions(larger, sector)) > LARGEST:
            return None
        wide = Hamiltonian.of(larger, Sector(sector.charge, sector.two_sz), space.mean_charge)
        exact = evolve(larger, times, sector, initial=moved(Start(start), wide).state, **how)
        if exact.errors.values[-1] < CONVERGED:
            break
    else:
        return None
    pairs = zip(data.psi.values[1:], exact.psi.values[1:], strict=True)
    off = [np.linalg.norm(embedded(psi, space, wide.space) - other.ravel()) for psi, other in pairs]
    return np.array(off), data.error_estimates.values[1:], data.errors.values[1:]
