"""Random small models for the tests: random graphs, random Peierls phases, every species, coupling form and frame."""

from dataclasses import fields, replace

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from reference import Fock, boson_sites, charge_operators, images

from respair.clusters import (
    chain,
    custom,
    dimer,
    honeycomb,
    ladder,
    ligand_centre,
    plaquette,
    ring,
    site,
    square,
    triangular,
)  # fmt: skip
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector

LARGEST = 3000
"""Most product states of a random model."""
strengths = st.integers(-16, 16).map(lambda n: n / 8)
positive = st.integers(2, 12).map(lambda n: n / 8)
NAMED = [
    site(), dimer(), chain(3), chain(4), ring(2), ring(3), ring(4), ladder(2), plaquette((2, 2)), ligand_centre(2),
    ligand_centre(3), square(size=[2, 1]), square(size=[2, 2]), triangular(size=[2, 1]), honeycomb(size=[1, 1]),
    ring(4, shells=2),
]  # fmt: skip


@st.composite
def graphs(draw):
    """Two to four sites anywhere, bonds in either direction with two classes, sites of two classes."""
    sites = draw(st.integers(2, 4))
    pairs = [(i, j) for i in range(sites) for j in range(i)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=len(pairs)))
    bonds = [
        [*(pair if draw(st.booleans()) else pair[::-1]), draw(st.sampled_from(["weak", "strong"]))] for pair in chosen
    ]
    classes = [draw(st.sampled_from(["metal", "ligand"])) for _ in range(sites)]
    return custom([[i * i, i] for i in range(sites)], bonds, classes)


@st.composite
def clusters(draw):
    """A named cluster or a random graph; where bonds carry flux, in a gauge of our own."""
    cluster = draw(st.one_of(st.sampled_from(NAMED), graphs()))
    if cluster.bonds and not any(bond.windings for bond in cluster.bonds) and draw(st.integers(0, 3)) == 0:
        bonds = tuple(replace(bond, winding=draw(strengths)) for bond in cluster.bonds)
        cluster = replace(cluster, bonds=bonds)
    return cluster


def couplings(labels, values=strengths):
    """A number, a table by class that may miss classes, or a list."""
    lists = st.lists(values, min_size=len(labels), max_size=len(labels))
    names = sorted(set(labels))
    if not names:
        return st.one_of(values, lists)
    return st.one_of(values, lists, st.dictionaries(st.sampled_from(names), values, max_size=len(names)))


def labels_on(cluster, on):
    if on == "bonds":
        return [bond.label for bond in cluster.bonds]
    if isinstance(on, str):
        return [name for name in cluster.classes if on in ("all", name)]
    return [cluster.classes[i] for i in on]


@st.composite
def models(draw, electrons=None, bosons=None, phonons=None, frames=("none", "mean", "list"), every=False):
    """A model of at most `LARGEST` product states.

    True and False for a species insist on it or forbid it; `every` insists on all couplings that it can have.
    """

    def present(wish):
        return draw(st.booleans()) if wish is None else wish

    cluster = draw(clusters())
    bonds, classes, sites = [bond.label for bond in cluster.bonds], cluster.classes, range(cluster.sites)
    some_sites = st.lists(st.sampled_from(sites), min_size=1, max_size=len(sites), unique=True)
    has_electrons = present(electrons)
    has_bosons = present(bosons) if has_electrons or bosons is not None else True
    e = p = q = None
    if has_electrons:
        e = Electrons(*(draw(couplings(labels)) for labels in (bonds, classes, classes, bonds)))
        of_bonds = dict.fromkeys(("spin_exchange", "pair_hopping", "hopping_imaginary", "spin_orbit"), bonds)
        e = replace(e, **draw(some({**of_bonds, "zeeman": classes}, every)))
        e = replace(e, **draw(apart({"repulsion": False}, cluster)))
    if has_bosons:
        on = draw(st.one_of(st.just("all"), st.sampled_from(classes), some_sites))
        hosts = labels_on(cluster, on)
        exchange = draw(couplings(hosts)) if has_electrons else 0.0
        p = Bosons(draw(couplings(hosts)), exchange, draw(couplings(bonds)), on)
        further = {"electron_repulsion": hosts, "bond_exchange": bonds} if has_electrons else {}
        p = replace(p, **draw(some({"repulsion": bonds, **further}, every)))
        p = replace(
            p, **draw(apart({"repulsion": False, **({"electron_repulsion": True} if has_electrons else {})}, cluster))
        )
    if present(phonons):
        on = draw(st.one_of(st.sampled_from(["all", "bonds", *classes] if bonds else ["all", *classes]), some_sites))
        q = draw(lattices(cluster, on, e, p, frames, every))
        if draw(st.integers(0, 3)) == 0:
            second = draw(some_sites) if on != "bonds" else on
            q = branched(q, draw(lattices(cluster, second, e, p, frames, every)))
    if e and draw(st.integers(0, 3)) == 0:
        e = replace(e, double_occupancy=False, hubbard_u=0.0, pair_hopping=0.0)
        p = p and replace(p, exchange=0.0)
        q = q and replace(q, exchange_coupling=0.0)
    if p and draw(st.integers(0, 3)) == 0:
        p = replace(p, max_occupation=draw(st.integers(2, 3)), interaction=draw(strengths))
        q = q and replace(q, boson_quadratic=0.0)
    flux = tuple(draw(strengths) for _ in range(cluster.fluxes)) if cluster.has_loop else 0.0
    try:
        model = Model(cluster, e, p, q, flux, draw(strengths))
    except InvalidModel as error:  # on clusters with doubled bonds, springs and hops of phonons count twice
        assume("no lowest energy" not in str(error))
        raise
    assume(len(Fock(model)) <= LARGEST)
    return model


@st.composite
def lattices(draw, cluster, on, electrons, bosons, frames, every):
    labels, on_sites = labels_on(cluster, on), on != "bonds"
    frequency = draw(st.one_of(positive, st.lists(positive, min_size=len(labels), max_size=len(labels))))
    everywhere = range(cluster.sites)
    electron = boson = 0.0
    if electrons and on_sites:
        electron = draw(st.one_of(couplings(labels), reaching(len(labels), cluster.sites, everywhere)))
    if bosons and on_sites:
        carriers = boson_sites(Model(cluster, bosons=Bosons(on=bosons.on)))
        wide = reaching(len(labels), cluster.sites, carriers)
        boson = draw(st.one_of(pair_couplings(cluster, on, bosons, labels), wide))
    bond_labels = [bond.label for bond in cluster.bonds] if on_sites else labels
    bond = draw(couplings(bond_labels)) if electrons else 0.0
    caps = draw(st.sampled_from([(1, None), (2, None), (3, None), (0, None), (None, 2), (None, 3), (2, 3), (1, 2)]))
    frame = draw(st.sampled_from(frames))
    if frame == "list":
        frame = draw(st.lists(strengths, min_size=len(labels), max_size=len(labels)))
    plain = Phonons(frequency, on, boson, electron, bond, *caps, frame)
    return replace(plain, **draw(anharmonic(cluster, on, electrons, bosons, labels, every)))


def branched(first, second):
    """Two lattices as branches of one, with the caps and the kind of frame of the first."""
    both = {f.name: (getattr(first, f.name), getattr(second, f.name)) for f in fields(first)}
    names = [f.name for f in fields(first) if "coupling" in f.metadata or f.name == "on"]
    found = replace(first, **{name: dict(zip(("soft", "hard"), both[name], strict=True)) for name in names})
    listed = [frame for frame in both["frame"] if not isinstance(frame, str)]
    if not listed:
        return found
    frames = [each.frame for each in (first, second)]
    return replace(found, frame="none" if len(listed) < 2 else [*frames[0], *frames[1]])


def reaching(modes, sites, allowed):
    """A list of lists that is zero but on allowed sites, or numbers by shells of distance."""
    row = st.tuples(*(strengths if i in allowed else st.just(0.0) for i in range(sites))).map(list)
    rows = st.lists(row, min_size=modes, max_size=modes)
    shells = st.lists(strengths, min_size=1, max_size=3).map(lambda values: {"distance": values})
    return st.one_of(rows, shells) if modes else shells


@st.composite
def apart(draw, names, cluster):
    """Couplings by shells of distance, now and then: names, with whether the own site counts."""
    found = {}
    if cluster.kind == "custom" and cluster.has_loop:
        return found
    for name, own in names.items():
        shells = len({d for i, row in enumerate(images(cluster)) for j, d in enumerate(row) if own or i != j})
        if shells and draw(st.integers(0, 2)) == 0:
            found[name] = {"distance": draw(st.lists(strengths, min_size=1, max_size=min(3, shells)))}
    return found


@st.composite
def some(draw, labels, every):
    """Couplings by name, most of them left out unless every one is wanted."""
    names = sorted(labels) if every else draw(st.sets(st.sampled_from(sorted(labels))))
    return {name: draw(couplings(labels[name])) for name in names}


@st.composite
def anharmonic(draw, cluster, on, electrons, bosons, labels, every):
    """Potentials of a lattice with a lowest energy: soft in any way below a quartic wall, or stiffened."""
    walls = draw(st.booleans())
    values = strengths if walls else positive
    bonds = [bond.label for bond in cluster.bonds]
    choices = {"quadratic": couplings(labels, values)}
    if walls:
        choices["cubic"] = couplings(labels)
    if on != "bonds":
        choices["spring"] = couplings(bonds, values)
        choices["hopping"] = couplings(bonds, st.sampled_from([0.0, 0.0625, -0.0625]))
        if electrons:
            choices["electron_quadratic"] = couplings(labels, values)
        if bosons:
            choices["boson_quadratic"] = pair_couplings(cluster, on, bosons, labels, values)
        if bosons and electrons:
            choices["exchange_coupling"] = pair_couplings(cluster, on, bosons, labels)
    names = sorted(choices) if every else sorted(draw(st.sets(st.sampled_from(sorted(choices)))))
    found = {name: draw(choices[name]) for name in names}
    if walls:
        found["quartic"] = draw(st.one_of(positive, st.lists(positive, min_size=len(labels), max_size=len(labels))))
    return found


def pair_couplings(cluster, on, bosons, labels, values=strengths):
    """Couplings of the pairs, zero where a mode's site has none."""
    carriers = boson_sites(Model(cluster, bosons=Bosons(on=bosons.on)))
    hosts = [i for i, name in enumerate(cluster.classes) if on in ("all", name)] if isinstance(on, str) else list(on)
    if set(hosts) <= set(carriers):
        return couplings(labels, values)
    return st.tuples(*(values if i in carriers else st.just(0.0) for i in hosts)).map(list)


@st.composite
def sectors_of(draw, model, largest=600):
    """A sector that has states, odd charges included, of at most `largest` states."""
    n, spin = charge_operators(model)
    counts = np.unique(np.array([n, spin]).T[Fock(model).allowed], axis=0, return_counts=True)
    fitting = [tuple(map(int, pair)) for pair, count in zip(*counts, strict=True) if count <= largest]
    assume(fitting)
    return Sector(*draw(st.sampled_from(fitting)))


@st.composite
def models_and_sectors(draw, largest=600, **species):
    model = draw(models(**species))
    return model, draw(sectors_of(model, largest))


@st.composite
def mixed_models_and_sectors(draw, largest=600, charge=None, spin=None, **species):
    """A model with fields that turn spins (`spin`) or pairs from a condensate (`charge`), and one of its sectors.

    Sectors of several charges or spins are drawn for models that conserve these as well.
    """
    model = draw(models(**species))
    cluster, e, p = model.cluster, model.electrons, model.bosons
    bonds, classes = [bond.label for bond in cluster.bonds], cluster.classes
    carriers = [classes[i] for i in boson_sites(model)]
    turns = draw(st.booleans()) if spin is None else spin
    pairs = draw(st.booleans()) if charge is None else charge
    if turns and e is not None:
        of_bonds = {"rashba": bonds} if all_have_a_length(cluster) else {}
        e = replace(e, **draw(some({"transverse_field": classes, "transverse_field_y": classes, **of_bonds}, False)))
    if pairs and e is not None:
        on_site = {"pairing": classes} if e.double_occupancy else {}
        e = replace(e, **draw(some({**on_site, "bond_pairing": bonds}, False)))
    if pairs and p is not None:
        p = replace(p, pairing=draw(couplings(carriers)))
    found = replace(model, electrons=e, bosons=p, flux=0.0 if pairs else model.flux)
    sector = draw(mixed_sectors(found, largest, pairs, turns))
    return found, sector


def all_have_a_length(cluster):
    return all(cluster.kind == "ring" or np.linalg.norm(cluster.vector(bond)) > 1e-9 for bond in cluster.bonds)


@st.composite
def mixed_sectors(draw, model, largest, pairs, turns):
    n, spin = charge_operators(model)
    kept = Fock(model).allowed
    kinds = {"even" if c % 2 == 0 else "odd" for c in n} if pairs else set(n[kept].tolist())
    fitting = []
    for c in sorted(kinds):
        mine = (n % 2 == ("even", "odd").index(c) if pairs else n == c) & kept
        for s in ["all"] if turns else sorted(set(spin[mine].tolist())):
            size = np.count_nonzero(mine & ((spin == s) | (s == "all")))
            if 0 < size <= largest:
                fitting.append(Sector(parity=c, two_sz=s) if pairs else Sector(c, s))
    assume(fitting)
    return draw(st.sampled_from(fitting))
