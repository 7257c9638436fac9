"""An independent Hamiltonian: Kronecker products and Jordan-Wigner strings on the whole Fock space, no QuSpin.

Only plain data of a model are used: its cluster and the values of its parameters. The product basis runs over electrons
up of site 0, 1, ..., electrons down of site 0, 1, ..., bosons, phonons; a state is the product of its creators in this
order, acting on the vacuum.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import product

import magnetic
import numpy as np
import scipy.sparse as sp

Z = np.diag([1.0, -1.0])
LOWER = np.array([[0.0, 1.0], [0.0, 0.0]])


def kron(*matrices):
    return reduce(lambda left, right: sp.kron(left, right, format="csr"), matrices, sp.csr_array(np.eye(1)))


@dataclass(frozen=True)
class Fock:
    """Operators and occupations of the whole space of a model."""

    c: dict  # (site, spin) -> annihilator
    b: dict  # site -> annihilator
    a: list  # mode -> annihilator, truncated
    occupations: np.ndarray  # columns: up, dn, bosons, phonons
    kept: np.ndarray  # states within the phonon caps

    @property
    def one(self):
        return sp.csr_array(sp.eye_array(len(self.occupations)))

    def n(self, site, spin=None):
        spins = ("up", "dn") if spin is None else (spin,)
        return sum((self.c[site, s].conj().T @ self.c[site, s] for s in spins), 0 * self.one)


def spread(value, labels):
    """A number, a table by class (absent classes get 0), or a list."""
    if isinstance(value, dict):
        return np.array([float(value.get(label, 0.0)) for label in labels])
    return np.broadcast_to(np.asarray(value, float), (len(labels),)).astype(float)


def boson_sites(model):
    if model.bosons is None:
        return []
    on, sites = model.bosons.on, range(model.cluster.sites)
    if on == "all":
        return list(sites)
    return [i for i in sites if model.cluster.classes[i] == on] if isinstance(on, str) else list(on)


def caps(model):
    table = model.phonons
    given = [cap for cap in (table.max_quanta, table.total_quanta) if cap is not None] if table else [0]
    total = table.total_quanta if table and table.total_quanta is not None else 10**9
    return min(given), total


def fock(model):
    sites, carriers, modes = model.cluster.sites, boson_sites(model), len(model.cluster.modes)
    fermions = 2 * sites if model.electrons is not None else 0
    cap, total = caps(model)
    sizes = [2] * (fermions + len(carriers)) + [cap + 1] * modes
    eyes = [np.eye(size) for size in sizes]
    ladder = np.diag(np.sqrt(np.arange(1.0, cap + 1)), 1)

    def at(position, matrix, string=0):
        return kron(*[Z] * string, *eyes[string:position], matrix, *eyes[position + 1 :])

    spins = [(i, spin) for spin in ("up", "dn") for i in range(sites)]
    c = {label: at(k, LOWER, k) for k, label in enumerate(spins)} if fermions else {}
    b = {site: at(fermions + k, LOWER) for k, site in enumerate(carriers)}
    a = [at(fermions + len(carriers) + m, ladder) for m in range(modes)]
    occupations = np.array(list(product(*(range(size) for size in sizes))), int).reshape(-1, len(sizes))
    quanta = occupations[:, fermions + len(carriers) :].sum(axis=1)
    return Fock(c, b, a, occupations, np.flatnonzero(quanta <= total))


def displacements(model, charge):
    """s of each mode with a = a' + s."""
    if model.phonons is None:
        return []
    frame, modes = model.phonons.displacement, model.cluster.modes
    if frame == "none":
        return [0.0] * len(modes)
    if not isinstance(frame, str):
        return [0.5 * x for x in frame]
    labels = [mode.label for mode in modes]
    most = 2 * (model.cluster.sites if model.electrons else 0) + 2 * len(boson_sites(model))
    electron, boson = (spread(v, labels) for v in (model.phonons.electron_coupling, model.phonons.boson_coupling))
    return list((2 * electron + boson) * charge / most if most else 0 * electron)


def bond_list(model):
    """(start, end, phase of an electron) of each bond."""
    return [(bond.start, bond.end, np.exp(1j * magnetic.whole_angle(model, bond))) for bond in model.cluster.bonds]


def full_hamiltonian(model, f, charge):
    """H of the whole space in the phonon frame that belongs to a charge; real where nothing is complex."""
    c, b, cluster = f.c, f.b, model.cluster
    dag = {key: op.conj().T for key, op in {**c, **b}.items()}
    bonds = bond_list(model)
    bond_labels = [bond.label for bond in cluster.bonds]
    shift = displacements(model, charge)
    x = [a + a.T + 2 * s * f.one for a, s in zip(f.a, shift, strict=True)]
    h = 0 * f.one.astype(complex)

    def add(term):
        nonlocal h
        h = h + term

    def electron_hop(start, end, phase):
        forward = sum(phase * (dag[end, s] @ c[start, s]) for s in ("up", "dn"))
        return forward + forward.conj().T

    if (e := model.electrons) is not None:
        for (i, j, phase), t, v in zip(
            bonds, spread(e.hopping, bond_labels), spread(e.repulsion, bond_labels), strict=True
        ):
            add(-t * electron_hop(i, j, phase) + v * (f.n(i) @ f.n(j)))
        levels = zip(spread(e.level, cluster.classes), spread(e.hubbard_u, cluster.classes), strict=True)
        for i, (level, u) in enumerate(levels):
            add(level * f.n(i) + u * (f.n(i, "up") @ f.n(i, "dn")))
            add(-model.chemical_potential * f.n(i))
    if (p := model.bosons) is not None:
        carriers = boson_sites(model)
        labels = [cluster.classes[i] for i in carriers]
        for i, level, v in zip(carriers, spread(p.level, labels), spread(p.exchange, labels), strict=True):
            number = dag[i] @ b[i]
            add((level - 2 * model.chemical_potential) * number)
            if v:
                swap = dag[i] @ c[i, "dn"] @ c[i, "up"]
                add(v * (swap + swap.conj().T))
        for (i, j, phase), t in zip(bonds, spread(p.hopping, bond_labels), strict=True):
            if i in carriers and j in carriers:
                forward = phase**2 * (dag[j] @ b[i])
                add(-t * (forward + forward.conj().T))
    if (q := model.phonons) is not None:
        labels = [mode.label for mode in cluster.modes]
        omega = spread(q.frequency, labels)
        electron, boson = spread(q.electron_coupling, labels), spread(q.boson_coupling, labels)
        on_bonds = cluster.modes and cluster.modes[0].host == "bond"
        for m, mode in enumerate(cluster.modes):
            a, s = f.a[m], shift[m]
            add(omega[m] * (a.T @ a + s * (a + a.T) + s * s * f.one))
            if electron[m] and not on_bonds:
                add(-omega[m] * electron[m] * (f.n(mode.index) @ x[m]))
            if boson[m] and not on_bonds:
                add(-omega[m] * boson[m] * (dag[mode.index] @ b[mode.index] @ x[m]))
        if on_bonds:
            for m, (mode, g) in enumerate(zip(cluster.modes, spread(q.bond_coupling, labels), strict=True)):
                if g:
                    add(-g * (electron_hop(*bonds[mode.index]) @ x[m]))
        else:
            mode_at = {mode.index: m for m, mode in enumerate(cluster.modes)}
            for (i, j, phase), g in zip(bonds, spread(q.bond_coupling, bond_labels), strict=True):
                for site, sign in ((j, 1.0), (i, -1.0)):
                    if g and site in mode_at:
                        add(-g * sign * (electron_hop(i, j, phase) @ x[mode_at[site]]))
    return h


def charges_of(model, f):
    """N and N_up - N_dn of each basis state."""
    sites = model.cluster.sites if model.electrons is not None else 0
    up, dn = f.occupations[:, :sites].sum(axis=1), f.occupations[:, sites : 2 * sites].sum(axis=1)
    bosons = f.occupations[:, 2 * sites : 2 * sites + len(boson_sites(model))].sum(axis=1)
    return up + dn + 2 * bosons, up - dn


def sector_states(model, f, charge, two_sz):
    """Indices of the states of a sector within the phonon caps."""
    n, spin = charges_of(model, f)
    inside = np.zeros(len(n), bool)
    inside[f.kept] = True
    return np.flatnonzero(inside & (n == charge) & (spin == two_sz))


def in_order_of(space, model, f, states):
    """The states of the whole space that respair's basis lists, in its order; both take creators in the same order."""
    sites, carriers = model.cluster.sites, boson_sites(model)
    fermions = 2 * sites if model.electrons is not None else 0
    bits = [2**i for i in range(fermions)] + [2 ** (2 * sites + k) for k in range(len(carriers))]
    charges = f.occupations[:, : len(bits)] @ np.array(bits, dtype=np.int64)
    phonons = [tuple(row) for row in f.occupations[:, len(bits) :].tolist()]
    place = {(int(charges[k]), phonons[k]): k for k in states}
    order = [
        place[int(state), tuple(int(n) for n in row)]
        for state in space.charges.states
        for row in space.phonons.occupations
    ]
    assert sorted(order) == sorted(states)
    return np.array(order, int)


def sector_matrix(model, sector, space):
    """H of a sector as a dense matrix in respair's order of states."""
    f = fock(model)
    states = sector_states(model, f, sector.charge, sector.two_sz)
    order = in_order_of(space, model, f, states)
    return full_hamiltonian(model, f, sector.charge).tocsr()[order][:, order].toarray()
