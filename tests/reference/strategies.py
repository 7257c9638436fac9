"""Random small models, with every term, coupling form, cluster and frame; and sectors of them."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from respair.clusters import chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.hamiltonians.space.product import dimensions

CLUSTERS = [
    site(),
    dimer(),
    chain(3),
    ring(2),
    ring(3),
    ring(4),
    ladder(2),
    plaquette([2, 2]),
    ligand_centre(2),
    ligand_centre(3),
    custom([[0, 0], [1, 0], [0, 1]], [[0, 1, "strong"], [1, 2, "weak"]], ["metal", "metal", "ligand"]),
]
LARGEST = 260
numbers = st.integers(-20, 20).map(lambda n: n / 8)


def couplings(labels):
    """A number, a table by class, or a list."""
    names = sorted(set(labels)) or ["none"]
    tables = st.dictionaries(st.sampled_from(names), numbers, max_size=len(names)) if labels else st.just({})
    lists = st.lists(numbers, min_size=len(labels), max_size=len(labels))
    return st.one_of(numbers, tables, lists)


@st.composite
def models(draw, phonons=None):
    cluster = draw(st.sampled_from(CLUSTERS))
    bonds = [bond.label for bond in cluster.bonds]
    species = draw(st.sampled_from(["electrons", "bosons", "both", "both"]))
    electrons = bosons = lattice = None
    if species != "bosons":
        spread = (couplings(bonds), couplings(cluster.classes), couplings(cluster.classes), couplings(bonds))
        electrons = Electrons(*(draw(s) for s in spread))
    if species != "electrons":
        on = draw(st.sampled_from(["all", cluster.classes[-1], [cluster.sites - 1]]))
        labels = [
            c for i, c in enumerate(cluster.classes) if on == "all" or c == on or (isinstance(on, list) and i in on)
        ]
        exchange = draw(couplings(labels)) if electrons else 0.0
        bosons = Bosons(draw(couplings(labels)), exchange, draw(couplings(bonds)), on)
    if phonons is not False and (phonons or draw(st.booleans())):
        lattice = draw(lattices(cluster, electrons, bosons))
    flux = draw(numbers) if cluster.has_loop and draw(st.booleans()) else 0.0
    return Model(cluster, electrons, bosons, lattice, flux, draw(numbers))


@st.composite
def lattices(draw, cluster, electrons, bosons):
    choices = ["all", cluster.classes[0], [cluster.sites - 1]] + (["bonds"] if cluster.bonds else [])
    on = draw(st.sampled_from(choices))
    if on == "bonds":
        labels = [bond.label for bond in cluster.bonds]
    else:
        labels = [
            c for i, c in enumerate(cluster.classes) if on == "all" or c == on or (isinstance(on, list) and i in on)
        ]
    frequency = draw(st.lists(st.integers(2, 12).map(lambda n: n / 8), min_size=len(labels), max_size=len(labels)))
    on_sites = on != "bonds"
    bond_labels = [bond.label for bond in cluster.bonds]
    boson = draw(numbers) if bosons and bosons.on == "all" and on_sites else 0.0
    electron = draw(couplings(labels)) if electrons and on_sites else 0.0
    bond = draw(couplings(bond_labels if on_sites else labels)) if electrons else 0.0
    cap, total = draw(st.sampled_from([(0, None), (1, None), (2, None), (None, 2), (2, 3)]))
    frame = draw(st.sampled_from(["none", "mean", [0.25 * m - 0.5 for m in range(len(labels))]]))
    return Phonons(frequency, on, boson, electron, bond, cap, total, frame)


@st.composite
def models_and_sectors(draw, phonons=None):
    model = draw(models(phonons))
    charge = draw(st.integers(0, model.max_charge))
    if model.electrons is None:
        assume(charge % 2 == 0)
    spins = [s for s in range(-charge, charge + 1) if (s - charge) % 2 == 0 and (model.electrons or s == 0)]
    sector = Sector(charge, draw(st.sampled_from([s for s in spins if abs(s) <= model.cluster.sites])))
    assume(0 < int(np.prod(dimensions(model, sector))) <= LARGEST)
    return model, sector
