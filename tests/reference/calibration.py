"""Random models from soft to stiff lattices, and their levels without any cutoff by constructions of their own.

The charges come from `independent`. Oscillators are counted around a point between all their displacements, where so
many quanta are kept that more change nothing. Of two equal modes that couple to the electrons of the two sites of a
dimer only the relative one couples; the other one is an oscillator on its own.
"""

from dataclasses import dataclass, replace
from functools import reduce

import independent
import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh

from respair.clusters import chain, custom, dimer, ligand_centre, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector

CONVERGED = 1e-9


@dataclass(frozen=True)
class Case:
    """A model with a cutoff, the sector, the number of levels, and where the model comes from."""

    model: Model
    sector: Sector
    states: int
    family: str


def charge_part(model, sector):
    """H of the charges in a sector, and what each oscillator couples to: H = A + sum_m omega_m a+_m a_m - x_m O_m."""
    bare = replace(model, phonons=None)
    f = independent.fock(bare)
    at = independent.sector_states(bare, f, sector.charge, sector.spin_excess)
    a = independent.full_hamiltonian(bare, f, sector.charge)[at][:, at].toarray()
    table, cluster = model.phonons, model.cluster
    labels = [mode.label for mode in cluster.modes]
    omega, electron, boson = (
        independent.spread(v, labels) for v in (table.frequency, table.electron_coupling, table.boson_coupling)
    )
    bonds = independent.bond_list(model)
    coupled = [0.0 * f.one.astype(complex) for _ in labels]

    def hop(start, end, phase):
        forward = sum(phase * (f.c[end, s].conj().T @ f.c[start, s]) for s in ("up", "dn"))
        return forward + forward.conj().T

    for m, mode in enumerate(cluster.modes):
        if mode.host == "bond":
            g = independent.spread(table.bond_coupling, labels)[m]
            coupled[m] = coupled[m] + g * hop(*bonds[mode.index])
            continue
        if model.electrons is not None:
            coupled[m] = coupled[m] + omega[m] * electron[m] * f.n(mode.index)
        if mode.index in f.b:
            coupled[m] = coupled[m] + omega[m] * boson[m] * (f.b[mode.index].conj().T @ f.b[mode.index])
    if cluster.modes[0].host == "site":
        mode_at = {mode.index: m for m, mode in enumerate(cluster.modes)}
        strengths = independent.spread(table.bond_coupling, [bond.label for bond in cluster.bonds])
        for bond, g in zip(bonds, strengths, strict=True):
            for end, sign in ((bond[1], 1.0), (bond[0], -1.0)):
                if g and end in mode_at:
                    coupled[mode_at[end]] = coupled[mode_at[end]] + g * sign * hop(*bond)
    parts = [c[at][:, at].toarray() for c in coupled]
    if not any(np.any(x.imag) for x in (a, *parts)):
        a, parts = a.real, [x.real for x in parts]
    return a, parts, omega


def apart(a, parts, omega):
    """Return parts, omega, energy and the frequency of a spare mode: two equal modes may leave one relative mode."""
    if len(parts) == 2 and omega[0] == omega[1]:
        both = parts[0] + parts[1]
        if np.allclose(both, both[0, 0] * np.eye(len(both)), atol=1e-12):
            shift = -(both[0, 0].real ** 2) / (2.0 * omega[0])
            return [(parts[0] - parts[1]) / np.sqrt(2.0)], omega[:1], shift, float(omega[0])
    return parts, omega, 0.0, None


def exact_levels(model, sector, count):
    """Lowest levels of a model without any cutoff, with multiplicity."""
    a, parts, omega = charge_part(model, sector)
    parts, omega, shift, spare = apart(a, parts, omega)
    bounds = [la.eigvalsh(part)[[0, -1]] for part in parts]
    radius = [0.5 * (high - low) / w for (low, high), w in zip(bounds, omega, strict=True)]
    caps = [int((r + 4.5) ** 2) + 12 + 2 * count for r in radius]
    few = _levels(a, parts, omega, bounds, caps, count)
    more = _levels(a, parts, omega, bounds, [cap + 8 + cap // 6 for cap in caps], count)
    assert np.max(np.abs(few - more)) < CONVERGED, np.max(np.abs(few - more))
    if spare is not None:
        ladder = more[:, None] + spare * np.arange(count)
        more = np.sort(ladder.ravel())[:count]
    return more + shift


def _levels(a, parts, omega, bounds, caps, count):
    sizes = [cap + 1 for cap in caps]
    eyes = [sp.eye_array(n) for n in (len(a), *sizes)]

    def at(position, matrix):
        return reduce(lambda u, v: sp.kron(u, v, format="csc"), [*eyes[:position], matrix, *eyes[position + 1 :]])

    h = at(0, sp.csc_array(a))
    lowest = a.copy()
    for m, (part, w, (low, high), n) in enumerate(zip(parts, omega, bounds, sizes, strict=True)):
        s = 0.5 * (low + high) / (2.0 * w) * 2.0
        x = sp.diags_array([np.sqrt(np.arange(1.0, n))] * 2, offsets=[-1, 1])
        number = sp.diags_array(np.arange(n, dtype=float))
        h = h + at(m + 1, w * number + w * s * x + w * s * s * sp.eye_array(n))
        left = [sp.csc_array(part), *eyes[1:]]
        left[m + 1] = x + 2 * s * sp.eye_array(n)
        h = h - reduce(lambda u, v: sp.kron(u, v, format="csc"), left)
        lowest = lowest - part @ part / w
    floor = la.eigvalsh(lowest)[0] - 1.0
    count = min(count, h.shape[0])
    if h.shape[0] <= 1200:
        return la.eigvalsh(h.toarray(), subset_by_index=[0, count - 1])
    extra = min(h.shape[0] - 2, count + 3)
    found = eigsh(
        sp.csc_matrix(h), extra, sigma=floor, which="LM", tol=1e-13, return_eigenvectors=False, ncv=max(30, 3 * extra)
    )
    return np.sort(found)[:count]


def random_case(seed):
    """Return a random model with a cutoff that may be far too small, from soft to stiff and weak to strong."""
    random = np.random.default_rng([7, seed])
    family = FAMILIES[seed % len(FAMILIES)]
    omega = float(np.exp(random.uniform(np.log(0.05), np.log(10.0))))
    alpha = float(random.uniform(0.0, 3.0) * random.choice([1.0, 1.0, -1.0]))
    model, charge, two_sz = BUILT[family](random, omega, alpha)
    modes = len(model.cluster.modes)
    kind = random.integers(3)
    each, total = int(random.integers(1, 21 if modes == 1 else 13)), int(random.integers(1, 25 if modes == 1 else 15))
    caps = dict(zip(("max_quanta", "total_quanta"), [(each, None), (None, total), (each, total)][kind], strict=True))
    frame = str(random.choice(["none", "mean", "lang-firsov", "list"]))
    more = {}
    if frame == "list":
        frame = (random.uniform(-1.0, 3.0, modes) * 2 * abs(alpha)).tolist()
    elif frame == "lang-firsov" and model.cluster.modes[0].host == "site" and random.random() < 0.6:
        more = {"dressing": float(random.uniform(0.0, 1.0))}
    phonons = replace(model.phonons, displacement=frame, **caps, **more)
    return Case(replace(model, phonons=phonons), Sector(charge, two_sz), int(random.integers(1, 5)), family)


def _spin(random, charge, sites):
    most = min(charge, 2 * sites - charge)
    return charge % 2 if random.random() < 0.8 else int(random.choice(np.arange(-most, most + 1, 2)))


def _holstein_dimer(random, omega, alpha):
    u = float(random.choice([0.0, random.uniform(-2, 8)]))
    charge = int(random.integers(1, 4))
    p = Phonons(omega, electron_coupling=alpha, max_quanta=1)
    return (
        Model(dimer(), Electrons(1.0, 0.0, u, float(random.uniform(-0.5, 1))), phonons=p),
        charge,
        _spin(random, charge, 2),
    )


def _ligand(random, omega, alpha):
    metals = int(random.integers(2, 5))
    resonance = (alpha**2 * omega) * random.uniform(0.0, 2.5)
    hopping = {"ring": float(random.uniform(0.2, 1.2)), "centre": float(random.uniform(0.05, 0.8))}
    if metals == 2:
        hopping = {"ring": 1.0, "centre": float(random.uniform(0.05, 0.8))}
    e = Electrons(hopping, {"ligand": float(resonance)}, {"ligand": float(random.uniform(0, 3))})
    charge = int(random.integers(1, 4))
    p = Phonons(omega, "ligand", electron_coupling=alpha, max_quanta=1)
    return Model(ligand_centre(metals), e, phonons=p), charge, charge % 2


def _metal_ligand(random, omega, alpha):
    cluster = custom([[0, 0], [1, 0]], [[0, 1]], ["metal", "ligand"])
    level = float(alpha**2 * omega * random.uniform(0.0, 3.0))
    e = Electrons(float(random.uniform(0.05, 1.0)), {"ligand": level}, float(random.uniform(0, 2)))
    charge = int(random.integers(1, 4))
    p = Phonons(omega, "ligand", electron_coupling=alpha, max_quanta=1)
    return Model(cluster, e, phonons=p), charge, charge % 2


def _pair_site(random, omega, alpha):
    level = float(random.uniform(-1, 1) + omega * alpha**2 * random.uniform(0.0, 1.5))
    b = Bosons(level, float(random.uniform(0.05, 1.2)))
    p = Phonons(
        omega, boson_coupling=alpha, electron_coupling=float(random.choice([0.0, random.uniform(-1, 1)])), max_quanta=1
    )
    return Model(site(), Electrons(), b, p), 2, 0


def _pair_one_mode(random, omega, alpha):
    cluster = [dimer(), chain(3), ring(3)][int(random.integers(3))]
    b = Bosons(
        float(random.uniform(-1, 1) + omega * alpha**2 * random.uniform(0.0, 1.5)), float(random.uniform(0.1, 1.2))
    )
    p = Phonons(omega, on=[0], boson_coupling=alpha, max_quanta=1)
    charge = int(random.integers(2, 5 if cluster.sites > 2 else 8))
    return Model(cluster, Electrons(1.0), b, p), charge, charge % 2


def _bond_dimer(random, omega, alpha):
    p = Phonons(omega, "bonds", bond_coupling=float(omega * alpha / 2), max_quanta=1)
    charge = int(random.integers(1, 4))
    return (
        Model(dimer(), Electrons(1.0, [0.0, float(random.uniform(0, 1))], float(random.uniform(0, 6))), phonons=p),
        charge,
        charge % 2,
    )


def _two_modes(random, omega, alpha):
    ratio = float(random.uniform(0.5, 2.0))
    p = Phonons(
        [omega, omega * ratio], electron_coupling=[alpha, float(alpha * random.uniform(0.3, 1.0))], max_quanta=1
    )
    charge = int(random.integers(1, 3))
    return Model(dimer(), Electrons(1.0, 0.0, float(random.uniform(0, 6))), phonons=p), charge, charge % 2


BUILT = {
    "Holstein-Hubbard dimer": _holstein_dimer,
    "ligand centre": _ligand,
    "metal and ligand": _metal_ligand,
    "local pair": _pair_site,
    "local pairs, one mode": _pair_one_mode,
    "mode on a bond": _bond_dimer,
    "two modes": _two_modes,
}
FAMILIES = tuple(BUILT)
