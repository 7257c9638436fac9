"""Random models with soft, anharmonic and joined oscillators, and their levels without any cutoff.

The charges come from `reference`, with dense algebra. Oscillators are counted from zero in so many quanta that more
change nothing; powers of x are those of the large matrix.
"""

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from reference import Fock, charge_energy, dagger, forward_hops, spread
from scipy.sparse.linalg import eigsh

from respair.clusters import custom, dimer, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector

CONVERGED = 1e-8


@dataclass(frozen=True)
class Case:
    """A model with a cutoff, the sector, the number of levels, and where the model comes from."""

    model: Model
    sector: Sector
    states: int
    family: str


class Lattice:
    """Operators of all oscillators in number states up to a cap of each."""

    def __init__(self, modes, cap):
        self.modes, self.size = modes, (cap + 1) ** modes
        a = sp.diags_array(np.sqrt(np.arange(1.0, cap + 1)), offsets=1, format="csr")
        eyes = [sp.eye_array(cap + 1, format="csr")] * modes
        place = lambda m, matrix: reduce(sp.kron, [*eyes[:m], matrix, *eyes[m + 1 :]])  # noqa: E731
        self.a = [sp.csr_array(place(m, a)) for m in range(modes)]
        self.x = [a + a.T for a in self.a]
        self.one = sp.eye_array(self.size, format="csr")


def products(model, cap):
    """Pairs of charge and lattice operators whose Kronecker products add up to H, on all charges."""
    fock, q, modes = Fock(replace(model, phonons=None)), model.phonons, model.cluster.modes
    lattice, labels = Lattice(len(modes), cap), [mode.label for mode in modes]
    one = fock.charge_one
    yield charge_energy(model, fock), lattice.one
    values = {
        key: spread(getattr(q, key), labels)
        for key in (
            "frequency", "electron_coupling", "boson_coupling", "quadratic", "cubic", "quartic", "electron_quadratic",
            "boson_quadratic", "exchange_coupling",
        )
    }  # fmt: skip
    for m, mode in enumerate(modes):
        own = {key: value[m] for key, value in values.items()}
        x, w = lattice.x[m], own["frequency"]
        yield one, w * (lattice.a[m].T @ lattice.a[m])
        yield one, own["quadratic"] * (x @ x) + own["cubic"] * (x @ x @ x) + own["quartic"] * (x @ x @ x @ x)
        if mode.host == "bond":
            hop = list(forward_hops(model, fock))[mode.index]
            yield -spread(q.bond_coupling, labels)[m] * (hop + dagger(hop)), x
            continue
        yield fock.n(mode.index), own["electron_quadratic"] * (x @ x) - w * own["electron_coupling"] * x
        if mode.index in fock.b:
            yield fock.nb(mode.index), own["boson_quadratic"] * (x @ x) - w * own["boson_coupling"] * x
            swap = dagger(fock.b[mode.index]) @ fock.c[mode.index, "dn"] @ fock.c[mode.index, "up"]
            yield -own["exchange_coupling"] * (swap + dagger(swap)), x
    if len(modes) == 2:
        stretch, hop = lattice.x[0] - lattice.x[1], lattice.a[0].T @ lattice.a[1]
        yield one, q.spring * (stretch @ stretch) - q.hopping * (hop + hop.T)


def exact_levels(case):
    """Lowest levels of a model without any cutoff, with multiplicity."""
    caps = (90, 130) if len(case.model.cluster.modes) == 1 else (34, 42)
    few, more = (_levels(case, cap) for cap in caps)
    assert np.max(np.abs(few - more)) < CONVERGED, (case.family, few - more)
    return more


def _levels(case, cap):
    fock = Fock(replace(case.model, phonons=None))
    charge, spin = fock.charges
    inside = np.flatnonzero((charge == case.sector.charge) & (spin == case.sector.spin_excess))
    h = 0.0
    for charges, lattice in products(case.model, cap):
        h = h + sp.kron(sp.csr_array(charges)[inside][:, inside], lattice, format="csr")
    h = sp.csr_array(h.real)
    if h.shape[0] <= 1500:
        return la.eigvalsh(h.toarray(), subset_by_index=[0, case.states - 1])
    start = np.random.default_rng(0).standard_normal(h.shape[0])
    lowest = eigsh(h, 1, which="SA", tol=1e-3, v0=start, return_eigenvectors=False)[0]
    found = eigsh(sp.csc_matrix(h), case.states + 3, sigma=lowest - 0.3, tol=1e-13, v0=start, return_eigenvectors=False)
    return np.sort(found)[: case.states]


def random_case(seed):
    """Return a random model with a cutoff that may be far too small."""
    random = np.random.default_rng([11, seed])
    family = FAMILIES[seed % len(FAMILIES)]
    model, charge = BUILT[family](random)
    modes = len(model.cluster.modes)
    kind = random.integers(3)
    each, total = int(random.integers(1, 25 if modes == 1 else 12)), int(random.integers(1, 25 if modes == 1 else 15))
    caps = dict(zip(("max_quanta", "total_quanta"), [(each, None), (None, total), (each, total)][kind], strict=True))
    frame = str(random.choice(["none", "mean", "lang-firsov", "list"]))
    if frame == "list":
        frame = random.uniform(-2.0, 3.0, modes).tolist()
    phonons = replace(model.phonons, frame=frame, **{"max_quanta": None, "total_quanta": None} | caps)
    return Case(replace(model, phonons=phonons), Sector(charge, charge % 2), int(random.integers(1, 5)), family)


def _potential(random, w, charged=0.0):
    """c_2, c_3, c_4 of an oscillator: soft or stiff, lopsided, with a wall; charges may soften it by `charged`."""
    if random.random() < 0.4:
        return {"quadratic": float(random.uniform(0.2 * w + charged, 0.8 * w) - 0.25 * w + 0.05 * w)}
    wall = float(w * np.exp(random.uniform(np.log(0.01), np.log(0.3))))
    lopsided = float(random.uniform(-0.5, 0.5) * np.sqrt(wall * w))
    return {"quadratic": float(w * random.uniform(-0.6, 0.6)), "cubic": lopsided, "quartic": wall}


def _frequency(random):
    return float(np.exp(random.uniform(np.log(0.3), np.log(4.0))))


def _electrons_on_a_site(random):
    w = _frequency(random)
    softer = float(random.uniform(-0.03, 0.3) * w)
    p = Phonons(w, electron_coupling=float(random.uniform(-1, 1)), max_quanta=1, electron_quadratic=softer,
                **_potential(random, w, 0.06 * w))  # fmt: skip
    return Model(site(), Electrons(0.0, 0.1, float(random.uniform(0, 2))), phonons=p), int(random.integers(0, 3))


def _pair_on_a_site(random):
    w = _frequency(random)
    p = Phonons(w, boson_coupling=float(random.uniform(-1.2, 1.2)), max_quanta=1,
                boson_quadratic=float(random.uniform(-0.05, 0.3) * w),
                exchange_coupling=float(random.uniform(-0.5, 0.5)), **_potential(random, w, 0.06 * w))  # fmt: skip
    return Model(site(), Electrons(), Bosons(float(random.uniform(-1, 1)), float(random.uniform(0.05, 1))), p), 2


def _ligand(random):
    w = _frequency(random)
    e = Electrons(float(random.uniform(0.1, 1.0)), {"ligand": float(random.uniform(0, 2))}, 1.0)
    alpha, softer = float(random.uniform(-1.2, 1.2)), float(random.uniform(-0.03, 0.2) * w)
    more = {"electron_quadratic": softer, **_potential(random, w, 0.06 * w)}
    p = Phonons(w, "ligand", electron_coupling=alpha, max_quanta=1, **more)
    return Model(custom([[0, 0], [1, 0]], [[0, 1]], ["metal", "ligand"]), e, phonons=p), int(random.integers(1, 4))


def _bond(random):
    w = _frequency(random)
    p = Phonons(w, "bonds", bond_coupling=float(random.uniform(-0.7, 0.7)) * w, max_quanta=1, **_potential(random, w))
    return Model(dimer(), Electrons(1.0, 0.0, float(random.uniform(0, 4))), phonons=p), int(random.integers(1, 4))


def _joined(random):
    w = _frequency(random)
    alpha, spring, hopping = (float(random.uniform(*ends)) for ends in ((0, 0.9), (-0.03, 0.3), (-0.25, 0.25)))
    p = Phonons(w, electron_coupling=alpha, max_quanta=1, spring=spring * w, hopping=hopping * w)
    if random.random() < 0.5:
        p = replace(p, quartic=float(random.uniform(0.01, 0.1)) * w, quadratic=float(random.uniform(-0.3, 0.3)) * w)
    return Model(dimer(), Electrons(1.0, 0.0, float(random.uniform(0, 4))), phonons=p), int(random.integers(0, 3))


BUILT = {
    "electrons on a site": _electrons_on_a_site,
    "a pair on a site": _pair_on_a_site,
    "a metal and a soft ligand": _ligand,
    "a soft bond": _bond,
    "two joined oscillators": _joined,
}
FAMILIES = tuple(BUILT)
