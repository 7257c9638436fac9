"""An independent motion: dense matrices from the algebra on the whole Fock space, and a Runge-Kutta integrator."""

from dataclasses import replace

import numpy as np
import scipy.linalg as la
from magnetic import whole_angle
from reference import Fock, as_the_package_orders, kron, sector_matrix, shifts_of
from scipy.integrate import solve_ivp

NODES = 20
"""Vector potentials at which H is built."""


def in_potential(model, potential, direction):
    """The model with the Peierls phases of a uniform vector potential on its bonds, in place of its own flux."""
    cluster = model.cluster
    unit = None if direction is None else np.array(direction) / np.linalg.norm(direction)
    bonds = []
    for number, bond in enumerate(cluster.bonds):
        if cluster.kind == "ring":
            step = round(bond.winding * cluster.sites) or (bond.end - bond.start) % cluster.sites
        else:
            vector = cluster.vector(bond)
            step = vector[0] if unit is None else vector[: len(unit)] @ unit
        phase = whole_angle(model, bond) + potential * step
        bonds.append(replace(bond, windings=(phase, float(number))))  # the second number tells images apart
    flux = (1.0, 0.0) if any(bond.winding for bond in bonds) else 0.0
    opened = replace(cluster, cell=(), translations=(), bonds=tuple(bonds))
    return replace(model, cluster=opened, flux=flux, magnetic_flux=0)


def hamiltonian_at(model, space, pulse, time):
    """H(t) of a sector in the order of the package."""
    if pulse is None:
        return sector_matrix(model, space)
    return sector_matrix(in_potential(model, float(pulse.vector_potential(time)), pulse.direction), space)


def in_pulse(model, space, pulse):
    """The function H(t), by interpolation over the vector potential at Chebyshev nodes: exact to rounding."""
    nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    samples = [sector_matrix(in_potential(model, pulse.amplitude * x, pulse.direction), space) for x in nodes]
    waves = np.polynomial.chebyshev.chebvander(nodes, NODES - 1) * np.where(np.arange(NODES), 2.0, 1.0) / NODES
    terms = np.tensordot(waves.T, np.array(samples), 1)

    def at(time):
        x = pulse.vector_potential(time) / (pulse.amplitude or 1.0)
        return np.tensordot(np.polynomial.chebyshev.chebvander(np.clip(x, -1.0, 1.0), NODES - 1)[0], terms, 1)

    return at


def moved(model, space, pulse, psi, times):
    """psi at each time, from the first one on."""
    if pulse is None:
        energies, vectors = la.eigh(sector_matrix(model, space))
        start = vectors.conj().T @ psi
        return np.array([vectors @ (np.exp(-1j * energies * (t - times[0])) * start) for t in times])

    at = in_pulse(model, space, pulse)

    def slope(t, y):
        return -1j * (at(t) @ y)

    found = solve_ivp(slope, (times[0], times[-1]), psi.astype(complex), "DOP853", times, rtol=1e-11, atol=1e-12)
    return found.y.T


def kick_places(model):
    """The place of each mode as kicks name it: its site or bond, or its number where a place has several."""
    places = [mode.index for mode in model.modes]
    return places if len(set(places)) == len(places) else list(range(len(places)))


def kick_matrix(model, space, kick):
    """O of a kick in the order of the package."""
    fock = Fock(model)
    shifts = tuple(shifts_of(model, space.sector.charge))
    if kick.operator in ("displacement", "momentum"):
        m = kick_places(model).index(kick.site)
        raising, lowering = (kron(fock.charge_one, fock.lattice({m: letter}, shifts)) for letter in "+-")
        whole = raising + lowering if kick.operator == "displacement" else (lowering - raising) / (1j * np.sqrt(2))
    else:
        charge = {"density": fock.n, "boson": fock.nb}[kick.operator](kick.site)
        whole = kron(charge, fock.lattice_one)
    return as_the_package_orders(whole, model, space).toarray()


def kicked(model, space, kick, psi):
    """exp(-i strength O) psi within the space."""
    return la.expm(-1j * kick.strength * kick_matrix(model, space, kick)) @ psi
