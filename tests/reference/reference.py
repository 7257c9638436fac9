"""A second Hamiltonian for the tests: dense algebra on the whole Fock space, sites in order, written from the formulas.

Only plain data of a model are read: sites, bonds, windings, classes, modes and the values of the parameters.

Product basis. Electrons run site by site, ``up_0 dn_0 up_1 dn_1 ...``, then the bosons, then the phonons; the last
number runs fastest. A state is ``c+_up0 c+_dn0 c+_up1 c+_dn1 ... |0>`` with the creators of empty orbitals left out.
The package puts all up creators before all down creators, so that each up electron on site j has passed the down ones
on sites i < j: the sign between the two orders is minus one to the number of such pairs.

Lattice words are multiplied in a one-mode space with room for every letter and cut afterwards, so that they are the
projections of the exact operators onto the allowed phonon numbers.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product

import numpy as np
import scipy.sparse as sp
from magnetic import whole_angle as angle

LOWER = sp.csr_array(np.array([[0.0, 1.0], [0.0, 0.0]]))
SPINS = ("up", "dn")


def kron(*matrices):
    return reduce(lambda left, right: sp.kron(left, right, format="csr"), matrices, one(1))


def one(size):
    return sp.csr_array(sp.eye_array(size))


def dagger(matrix):
    return sp.csr_array(matrix.conj().T)


def spread(value, labels):
    """A coupling over sites, bonds or modes: a table gives 0 to classes that it does not name."""
    if hasattr(value, "keys"):
        return [float(value[label]) if label in value else 0.0 for label in labels]
    return [float(v) for v in value] if np.ndim(value) else [float(value)] * len(labels)


def branches(model):
    """Modes by the names of their branches, "" where there are none."""
    names = dict.fromkeys(mode.branch for mode in model.cluster.modes)
    return {name: [mode for mode in model.cluster.modes if mode.branch == name] for name in names}


def of_branches(value, model):
    """A coupling as one for each branch; None where it is not a table by branches."""
    names = [name for name in branches(model) if name]
    if not hasattr(value, "keys") or not set(value) & set(names):
        return None
    return {name: value.get(name, 0.0) for name in names}


def of_modes(value, model):
    """A coupling over all modes, branch by branch."""
    parts, modes = of_branches(value, model), branches(model)
    if parts is None:
        return spread(value, [mode.label for mode in model.cluster.modes])
    return [v for name in modes for v in spread(parts[name], [mode.label for mode in modes[name]])]


def along_bonds(value, model):
    """(bond, strength, {site: mode}) of a coupling of modes along bonds, once for each branch."""
    parts, bonds, modes = of_branches(value, model), model.cluster.bonds, model.cluster.modes
    for name in branches(model) or [""]:
        at = {mode.index: m for m, mode in enumerate(modes) if mode.branch == name and mode.host == "site"}
        given = value if parts is None else parts[name]
        for bond, strength in zip(bonds, spread(given, [bond.label for bond in bonds]), strict=True):
            yield bond, strength, at


def reach(value, model):
    """A coupling of modes to sites as rows: a list of lists, shells of distance, or a number for the own site."""
    if (parts := of_branches(value, model)) is not None:
        own = branches(model)
        return [row for name, given in parts.items() for row in reach_of(given, model, own[name])]
    return reach_of(value, model, model.cluster.modes)


def reach_of(value, model, modes):
    cluster = model.cluster
    if hasattr(value, "keys") and np.ndim(value.get("distance", 0.0)):
        rows = []
        for mode in modes:
            here = cluster.positions[mode.index]
            far = [round(float(np.hypot(*np.subtract(here, there))), 6) for there in cluster.positions]
            shells = dict(zip(sorted(set(far)), value["distance"], strict=False))
            rows.append([shells.get(d, 0.0) for d in far])
        return rows
    if np.ndim(value) and len(value) and np.ndim(value[0]):
        return [list(row) for row in value]
    own = spread(value, [mode.label for mode in modes])
    return [
        [v if mode.host == "site" and i == mode.index else 0.0 for i in range(cluster.sites)]
        for mode, v in zip(modes, own, strict=True)
    ]


def by_distance(value):
    return hasattr(value, "keys") and np.ndim(value.get("distance", 0.0)) > 0


def images(cluster):
    """Shortest distance of two sites over the copies of a closed cluster, shape (sites, sites), rounded."""
    rows = np.array(cluster.cell)
    shifts = [np.dot(n, rows) if len(rows) else 0.0 for n in product(range(-3, 4), repeat=len(rows))]
    places = np.array(cluster.positions, float)
    return np.array([[min(round(float(np.linalg.norm(a - b + s)), 6) for s in shifts) for b in places] for a in places])


def pairs_of(value, model, own=False):
    """A coupling by shells of distance as numbers by pairs of sites (i, j)."""
    apart = images(model.cluster)
    every = [(i, j) for i, j in product(range(len(apart)), repeat=2) if own or i != j]
    shells = dict(zip(sorted({apart[pair] for pair in every}), value["distance"], strict=False))
    return {pair: shells.get(apart[pair], 0.0) for pair in every}


def boson_sites(model):
    if model.bosons is None:
        return []
    on, classes = model.bosons.on, model.cluster.classes
    if isinstance(on, str):
        return [i for i, name in enumerate(classes) if on in ("all", name)]
    return list(on)


def most_electrons(model):
    """Electrons that fit on a site."""
    return 0 if model.electrons is None else 2 if model.electrons.double_occupancy else 1


def phonon_caps(model):
    """Largest phonon number of a mode, and of all modes together."""
    if model.phonons is None or not model.cluster.modes:
        return 0, 0
    each, both = model.phonons.max_quanta, model.phonons.total_quanta
    most = each if both is None else both if each is None else min(each, both)
    return most, most * len(model.cluster.modes) if both is None else both


def one_mode(letters, cap, shift=0.0):
    """A product of letters "+" (a+) and "-" (a), a = a' + shift, on phonon numbers of a' up to `cap`."""
    size = cap + 1 + len(letters)
    lower = np.diag(np.sqrt(np.arange(1.0, size)), 1) + shift * np.eye(size)
    factors = [lower.T if letter == "+" else lower for letter in letters]
    return sp.csr_array(reduce(np.matmul, factors, np.eye(size))[: cap + 1, : cap + 1])


@dataclass(frozen=True)
class Fock:
    """The whole space of a model: electrons x bosons x phonons up to the cap of each mode."""

    model: object

    @cached_property
    def sizes(self):
        """Orbitals of electrons, bosons, modes, and states of one mode."""
        electrons = 2 * self.model.cluster.sites if self.model.electrons is not None else 0
        return electrons, len(boson_sites(self.model)), len(self.model.cluster.modes), phonon_caps(self.model)[0] + 1

    @cached_property
    def most(self):
        """States of a boson site."""
        return 2 if self.model.bosons is None else self.model.bosons.max_occupation + 1

    def __len__(self):
        electrons, bosons, modes, levels = self.sizes
        return 2**electrons * self.most**bosons * levels**modes

    @cached_property
    def occupations(self):
        """Columns up_0 dn_0 up_1 ..., bosons, phonons of each product state."""
        electrons, bosons, modes, levels = self.sizes
        ranges = [range(2)] * electrons + [range(self.most)] * bosons + [range(levels)] * modes
        return np.array(list(product(*ranges)), int).reshape(len(self), len(ranges))

    @cached_property
    def charge_one(self):
        return one(2 ** self.sizes[0] * self.most ** self.sizes[1])

    @cached_property
    def lattice_one(self):
        return one(self.sizes[3] ** self.sizes[2])

    @cached_property
    def c(self):
        """Annihilators of the electrons by (site, spin), on the charges only."""
        electrons, bosons = self.sizes[:2]
        parity = sp.csr_array(np.diag([1.0, -1.0]))
        labels = [(site, spin) for site in range(electrons // 2) for spin in SPINS]
        return {
            label: kron(*[parity] * k, LOWER, one(2 ** (electrons - k - 1)), one(self.most**bosons))
            for k, label in enumerate(labels)
        }

    @cached_property
    def b(self):
        """Annihilators of the bosons by site, on the charges only."""
        electrons, bosons = self.sizes[:2]
        ladder = sp.csr_array(np.diag(np.sqrt(np.arange(1.0, self.most)), 1))
        return {
            site: kron(one(2**electrons * self.most**k), ladder, one(self.most ** (bosons - k - 1)))
            for k, site in enumerate(boson_sites(self.model))
        }

    def n(self, site, spins=SPINS):
        return reduce(lambda x, y: x + y, (dagger(self.c[site, s]) @ self.c[site, s] for s in spins))

    def nb(self, site):
        return dagger(self.b[site]) @ self.b[site]

    def lattice(self, words, shifts):
        """A product of one-mode words, {mode: letters}, on the phonons only."""
        _, _, modes, levels = self.sizes
        return kron(*(one_mode(words.get(m, ""), levels - 1, shifts[m]) for m in range(modes)))

    def x(self, mode, shifts, power=1):
        """``(a + a+)^power`` letter by letter."""
        words = map("".join, product("+-", repeat=power))
        return sum(self.lattice({mode: word}, shifts) for word in words)

    def spin(self, site, axis):
        """The spin of a site along "x", "y" or "z", from Pauli's matrices."""
        up, dn = self.c[site, "up"], self.c[site, "dn"]
        pauli = {"x": [[0, 1], [1, 0]], "y": [[0, -1j], [1j, 0]], "z": [[1, 0], [0, -1]]}[axis]
        pairs = product(enumerate((up, dn)), repeat=2)
        return sum(0.5 * pauli[i][j] * (dagger(a) @ b) for (i, a), (j, b) in pairs)

    def singlet(self, i, j):
        """``B_ij = c_{i dn} c_{j up} + c_{j dn} c_{i up}``."""
        return self.c[i, "dn"] @ self.c[j, "up"] + self.c[j, "dn"] @ self.c[i, "up"]

    @cached_property
    def charges(self):
        """N_e + 2 N_b and N_up - N_dn of each state."""
        electrons, bosons = self.sizes[:2]
        up, dn = (self.occupations[:, k:electrons:2].sum(axis=1) for k in range(2))
        return up + dn + 2 * self.occupations[:, electrons : electrons + bosons].sum(axis=1), up - dn

    @cached_property
    def allowed(self):
        """Mask of the states that the cap on all phonons together leaves."""
        quanta = self.occupations[:, self.sizes[0] + self.sizes[1] :].sum(axis=1)
        kept = quanta <= phonon_caps(self.model)[1]
        if most_electrons(self.model) == 1:
            electrons = self.occupations[:, : self.sizes[0]]
            kept &= ~np.any(electrons[:, 0::2] & electrons[:, 1::2], axis=1)
        return kept


def charge_operators(model):
    """Diagonals of N = N_e + 2 N_b and of N_up - N_dn on the whole space."""
    return Fock(model).charges


def shifts_of(model, charge):
    """The s of a = a' + s in the frame of a charge; <x> = 2 s.

    The mean frame fills every level to N / N_max and minimises omega0 s^2 - 2 s (g_e <n> + g_b <b+b>).
    """
    modes = model.cluster.modes
    if model.phonons is None or (isinstance(model.phonons.displacement, str) and model.phonons.displacement == "none"):
        return [0.0] * len(modes)
    if not isinstance(model.phonons.displacement, str):
        return [x / 2 for x in model.phonons.displacement]
    each = most_electrons(model)
    pairs = 1 if model.bosons is None else model.bosons.max_occupation
    orbitals = each * model.cluster.sites + 2 * pairs * len(boson_sites(model))
    filling = charge / orbitals if orbitals else 0.0
    electron, boson = (reach(v, model) for v in (model.phonons.electron_coupling, model.phonons.boson_coupling))
    on = boson_sites(model)
    return [
        each * filling * sum(own) + pairs * filling * sum(far[i] for i in on)
        for own, far in zip(electron, boson, strict=True)
    ]


def forward_hops(model, fock):
    """For each bond i -> j the electron hop e^(i theta) sum_s c+_j c_i, without its adjoint."""
    for bond in model.cluster.bonds:
        theta = angle(model, bond)
        hop = sum(dagger(fock.c[bond.end, s]) @ fock.c[bond.start, s] for s in SPINS)
        yield np.exp(1j * theta) * hop


def charge_energy(model, fock):
    """Everything that does not move the lattice, on the charges."""
    cluster, mu = model.cluster, model.chemical_potential
    labels = [bond.label for bond in cluster.bonds]
    h = 0j * fock.charge_one
    if (e := model.electrons) is not None:
        for hop, t in zip(forward_hops(model, fock), spread(e.hopping, labels), strict=True):
            h = h - t * (hop + dagger(hop))
        if by_distance(e.repulsion):
            for (i, j), v in pairs_of(e.repulsion, model).items():
                h = h + v * (i < j) * (fock.n(i) @ fock.n(j))
        else:
            for bond, v in zip(cluster.bonds, spread(e.repulsion, labels), strict=True):
                h = h + v * (fock.n(bond.start) @ fock.n(bond.end))
        for i, (level, u) in enumerate(
            zip(spread(e.level, cluster.classes), spread(e.hubbard_u, cluster.classes), strict=True)
        ):
            h = h + (level - mu) * fock.n(i) + u * (fock.n(i, ["up"]) @ fock.n(i, ["dn"]))
        h = h + spins_and_pairs(model, fock)
    if (p := model.bosons) is not None:
        on = boson_sites(model)
        classes = [cluster.classes[i] for i in on]
        for i, level in zip(on, spread(p.level, classes), strict=True):
            h = h + (level - 2 * mu) * fock.nb(i)
        for i, v in zip(on, spread(p.exchange, classes), strict=True):
            if v:
                swap = dagger(fock.b[i]) @ (fock.c[i, "dn"] @ fock.c[i, "up"])
                h = h + v * (swap + dagger(swap))
        for bond, t in zip(cluster.bonds, spread(p.hopping, labels), strict=True):
            if bond.start in on and bond.end in on:
                hop = np.exp(2j * angle(model, bond)) * (dagger(fock.b[bond.end]) @ fock.b[bond.start])
                h = h - t * (hop + dagger(hop))
        h = h + further_pairs(model, fock)
    return h


def spins_and_pairs(model, fock):
    """Exchange of spins, hops of electron pairs, and the field along z."""
    e, cluster = model.electrons, model.cluster
    labels = [bond.label for bond in cluster.bonds]
    h = 0j * fock.charge_one
    for bond, exchange, hopping in zip(
        cluster.bonds, spread(e.spin_exchange, labels), spread(e.pair_hopping, labels), strict=True
    ):
        for axis in "xyz":
            h = h + exchange * (fock.spin(bond.start, axis) @ fock.spin(bond.end, axis))
        pairs = [fock.c[i, "dn"] @ fock.c[i, "up"] for i in (bond.start, bond.end)]
        hop = np.exp(2j * angle(model, bond)) * (dagger(pairs[1]) @ pairs[0])
        h = h - hopping * (hop + dagger(hop))
    loops = (spread(v, labels) for v in (e.hopping_imaginary, e.spin_orbit))
    for bond, imaginary, orbit in zip(cluster.bonds, *loops, strict=True):
        for spin, sign in (("up", 1.0), ("dn", -1.0)):
            hop = dagger(fock.c[bond.end, spin]) @ fock.c[bond.start, spin]
            hop = -1j * (imaginary + sign * orbit) * np.exp(1j * angle(model, bond)) * hop
            h = h + hop + dagger(hop)
    for i, field in enumerate(spread(e.zeeman, cluster.classes)):
        h = h - 0.5 * field * (fock.n(i, ["up"]) - fock.n(i, ["dn"]))
    return h + spins_that_turn(model, fock) + condensates(model, fock)


def direction(cluster, bond):
    """Unit vector from the start of a bond to its end: along x on rings, over the edge of a cell where it leads."""
    if cluster.kind == "ring":
        steps = (bond.end - bond.start) % cluster.sites
        return np.array([1.0 if steps <= cluster.sites - steps else -1.0, 0.0])
    start, end = (np.array(cluster.positions[i], float) for i in (bond.start, bond.end))
    step = end - start
    if cluster.cell:  # the copy of the end for which the windings are what its place in the cell says
        rows = np.array(cluster.cell)
        copies = list(product(range(-3, 4), repeat=len(rows)))
        step = min(
            (end + np.dot(n, rows) - start for n in copies),
            key=lambda v: np.linalg.norm(np.linalg.lstsq(rows.T, v, rcond=None)[0] - np.array(bond.shares)),
        )
    return step / np.linalg.norm(step)


def spins_that_turn(model, fock):
    """Fields along x and y, and the Rashba coupling, from Pauli's matrices."""
    e, cluster = model.electrons, model.cluster
    h = 0j * fock.charge_one
    for axis, values in (("x", e.transverse_field), ("y", e.transverse_field_y)):
        for i, field in enumerate(spread(values, cluster.classes)):
            h = h - field * fock.spin(i, axis) if field else h
    sigma = {"x": np.array([[0, 1], [1, 0]]), "y": np.array([[0, -1j], [1j, 0]])}
    for bond, strength in zip(cluster.bonds, spread(e.rashba, [b.label for b in cluster.bonds]), strict=True):
        if not strength:
            continue
        d = direction(cluster, bond)
        turn = 1j * (d[1] * sigma["x"] - d[0] * sigma["y"])
        phase = np.exp(1j * np.dot(bond.shares, model.fluxes))
        for (p, one), (q, other) in product(enumerate(SPINS), repeat=2):
            hop = phase * turn[p, q] * (dagger(fock.c[bond.end, one]) @ fock.c[bond.start, other])
            h = h - strength * (hop + dagger(hop))
    return h


def condensates(model, fock):
    """Pairing fields on sites and on bonds."""
    e, cluster = model.electrons, model.cluster
    h = 0j * fock.charge_one
    for i, field in enumerate(spread(e.pairing, cluster.classes)):
        found = field * (fock.c[i, "dn"] @ fock.c[i, "up"])
        h = h + found + dagger(found)
    for bond, field in zip(cluster.bonds, spread(e.bond_pairing, [b.label for b in cluster.bonds]), strict=True):
        found = field * fock.singlet(bond.start, bond.end)
        h = h + found + dagger(found)
    return h


def further_pairs(model, fock):
    """Repulsion of pairs, from each other and from electrons, and exchange with the singlets of bonds."""
    p, cluster, on = model.bosons, model.cluster, boson_sites(model)
    labels, classes = [bond.label for bond in cluster.bonds], [cluster.classes[i] for i in on]
    h = 0j * fock.charge_one
    if by_distance(p.electron_repulsion):
        for (i, j), u in pairs_of(p.electron_repulsion, model, own=True).items():
            h = h + u * (fock.nb(i) @ fock.n(j)) if i in on else h
    else:
        for i, u in zip(on, spread(p.electron_repulsion, classes), strict=True):
            h = h + u * (fock.nb(i) @ fock.n(i)) if u else h
    for i, u in zip(on, spread(p.interaction, classes), strict=True):
        n = fock.nb(i)
        h = h + 0.5 * u * (n @ n - n)
    for i, field in zip(on, spread(p.pairing, classes), strict=True):
        h = h + field * (fock.b[i] + dagger(fock.b[i]))
    far = by_distance(p.repulsion)
    for (i, j), v in pairs_of(p.repulsion, model).items() if far else ():
        h = h + v * (fock.nb(i) @ fock.nb(j)) if i < j and {i, j} <= set(on) else h
    repulsion = 0.0 if far else p.repulsion
    for bond, v, exchange in zip(
        cluster.bonds, spread(repulsion, labels), spread(p.bond_exchange, labels), strict=True
    ):
        i, j, theta = bond.start, bond.end, angle(model, bond)
        if i in on and j in on:
            h = h + v * (fock.nb(i) @ fock.nb(j))
        for end, phase in ((j, np.exp(1j * theta)), (i, np.exp(-1j * theta))):
            if exchange and end in on:
                swap = phase * (dagger(fock.b[end]) @ fock.singlet(i, j))
                h = h + exchange * (swap + dagger(swap))
    return h


def lattice_parts(model, fock, shifts):
    """Pairs (charge operator, lattice operator) of everything that moves the lattice."""
    q, modes = model.phonons, model.cluster.modes
    frequency = of_modes(q.frequency, model)
    electron, boson = (reach(v, model) for v in (q.electron_coupling, q.boson_coupling))
    for m, omega in enumerate(frequency):
        yield omega * fock.charge_one, fock.lattice({m: "+-"}, shifts)
    for m, i in product(range(len(modes)), range(model.cluster.sites)):
        if electron[m][i]:
            yield -frequency[m] * electron[m][i] * fock.n(i), fock.x(m, shifts)
        if boson[m][i] and i in boson_sites(model):
            yield -frequency[m] * boson[m][i] * fock.nb(i), fock.x(m, shifts)
    yield from anharmonic_parts(model, fock, shifts)
    if model.electrons is None or not modes:
        return
    hops = [hop + dagger(hop) for hop in forward_hops(model, fock)]
    if modes[0].host == "bond":
        for m, (mode, g) in enumerate(zip(modes, of_modes(q.bond_coupling, model), strict=True)):
            yield -g * hops[mode.index], fock.x(m, shifts)
        return
    for number, (bond, g, at) in enumerate(along_bonds(q.bond_coupling, model)):
        for site, sign in ((bond.end, 1.0), (bond.start, -1.0)):
            if site in at:
                yield -g * sign * hops[number % len(hops)], fock.x(at[site], shifts)


def anharmonic_parts(model, fock, shifts):
    """Powers of x, alone and with charges, and what joins modes of neighbouring sites."""
    q, modes = model.phonons, model.cluster.modes
    for power, values in ((2, q.quadratic), (3, q.cubic), (4, q.quartic)):
        for m, value in enumerate(of_modes(values, model)):
            if value:
                yield value * fock.charge_one, fock.x(m, shifts, power)
    charged = (q.electron_quadratic, q.boson_quadratic, q.exchange_coupling)
    for m, (mode, stiffer, pairs, exchange) in enumerate(
        zip(modes, *(of_modes(v, model) for v in charged), strict=True)
    ):
        if stiffer:
            yield stiffer * fock.n(mode.index), fock.x(m, shifts, 2)
        if pairs:
            yield pairs * fock.nb(mode.index), fock.x(m, shifts, 2)
        if exchange:
            swap = dagger(fock.b[mode.index]) @ fock.c[mode.index, "dn"] @ fock.c[mode.index, "up"]
            yield -exchange * (swap + dagger(swap)), fock.x(m, shifts)
    joined = (along_bonds(v, model) for v in (q.hopping, q.spring))
    for (bond, hopping, at), (_, spring, _) in zip(*joined, strict=True):
        if bond.start in at and bond.end in at and (hopping or spring):
            m, n = at[bond.start], at[bond.end]
            for create, remove in ((m, n), (n, m)):
                yield -hopping * fock.charge_one, fock.lattice({create: "+", remove: "-"}, shifts)
            yield spring * fock.charge_one, fock.x(m, shifts, 2) + fock.x(n, shifts, 2)
            for left, right in product("+-", repeat=2):
                yield -2 * spring * fock.charge_one, fock.lattice({m: left, n: right}, shifts)


def hamiltonian_in_frame(model, shifts):
    """H on all product states, phonons counted in the frame a = a' + s; cut to the allowed ones by the caller."""
    fock = Fock(model)
    h = kron(charge_energy(model, fock), fock.lattice_one)
    for charge, lattice in lattice_parts(model, fock, shifts) if model.phonons is not None else ():
        h = h + kron(charge, lattice)
    return sp.csr_array(h)


def gives_up_charge(model):
    """True where pairs come from a condensate."""
    fields = [(model.electrons, "pairing"), (model.electrons, "bond_pairing"), (model.bosons, "pairing")]
    values = [getattr(table, name) for table, name in fields if table is not None]
    return any(np.any(list(v.values()) if hasattr(v, "keys") else v) for v in values)


def gives_up_spin(model):
    """True where spins turn."""
    e = model.electrons
    values = [e.transverse_field, e.transverse_field_y, e.rashba] if e is not None else []
    return any(np.any(list(v.values()) if hasattr(v, "keys") else v) for v in values)


def full_hamiltonian(model):
    """H on all product states; each charge in its own frame, states beyond the cap on all phonons left at zero."""
    fock = Fock(model)
    charge = fock.charges[0]
    half = int(charge.max()) // 2 if gives_up_charge(model) else None
    frames = {n: tuple(shifts_of(model, n if half is None else half)) for n in np.unique(charge)}
    h = sp.csr_array((len(fock), len(fock)), dtype=complex)
    for frame in set(frames.values()):
        inside = np.isin(charge, [n for n, shifts in frames.items() if shifts == frame]) & fock.allowed
        cut = sp.diags_array(inside.astype(float), format="csr")
        h = h + cut @ hamiltonian_in_frame(model, frame) @ cut
    return sp.csr_array(h)


def sector_indices(model, charge, two_sz):
    """Product states of a sector that the phonon caps allow; "even", "odd" and "all" are charges and spins as well."""
    fock = Fock(model)
    n, spin = fock.charges
    right = n % 2 == ("even", "odd").index(charge) if isinstance(charge, str) else n == charge
    return np.flatnonzero(right & ((spin == two_sz) | (two_sz == "all")) & fock.allowed)


def all_sectors(model):
    """Every (N, N_up - N_dn) that some product state has."""
    n, spin = charge_operators(model)
    return sorted(set(zip(n.tolist(), spin.tolist(), strict=True)))


def fermi_sign(electrons):
    """Sign between the order of sites and the order of spins, from the columns up_0 dn_0 up_1 dn_1 ..."""
    up, dn = electrons[:, 0::2], electrons[:, 1::2]
    passed = (up * (np.cumsum(dn, axis=1) - dn)).sum(axis=1)
    return np.where(passed % 2, -1.0, 1.0)


def respair_order(model, space):
    """Product states in the order of a space of the package, and their signs."""
    fock = Fock(model)
    charges, phonons = space.charges, space.phonons.occupations
    sites = range(model.cluster.sites if model.electrons is not None else 0)
    columns = [charges.electrons(i, spin) for i in sites for spin in SPINS]
    columns += [charges.bosons(i) for i in boson_sites(model)]
    configurations = np.array(columns, int).reshape(len(columns), len(charges)).T
    rows = np.hstack([np.repeat(configurations, len(phonons), axis=0), np.tile(phonons.astype(int), (len(charges), 1))])
    electrons, bosons, modes, levels = fock.sizes
    radix = np.array([2] * electrons + [fock.most] * bosons + [levels] * modes, int)
    weights = np.array([np.prod(radix[k + 1 :]) for k in range(len(radix))], int)
    return rows @ weights, fermi_sign(rows[:, :electrons])


def as_the_package_orders(matrix, model, space):
    """A matrix on the whole space cut to a sector, in the order and with the signs of the package."""
    order, sign = respair_order(model, space)
    signs = sp.diags_array(sign, format="csr")
    return signs @ sp.csr_array(matrix)[order][:, order] @ signs


def sector_matrix(model, space):
    """H of a sector as a dense matrix in the order of the package."""
    return as_the_package_orders(full_hamiltonian(model), model, space).toarray()
