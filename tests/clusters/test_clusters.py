"""Clusters: counts, orientation, modes, symmetry groups, refusals and drawings of every kind."""

import dataclasses
import itertools
import math
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from respair.analysis.plots.states import draw_cluster
from respair.clusters import (
    KINDS,
    MAX_SITES,
    Bond,
    Cluster,
    Mode,
    chain,
    compose,
    custom,
    dimer,
    isometries,
    ladder,
    ligand_centre,
    order,
    place,
    plaquette,
    ring,
    site,
)

TRIANGLE = custom([[0, 0], [1, 0], [0.2, 0.9]], [[0, 1], [1, 2, "weak"], [2, 0]], ["metal", "metal", "ligand"])
# cluster, sites, bonds, order of the symmetry group
LIBRARY = {
    "site": (site(), 1, 0, 1),
    "dimer": (dimer(), 2, 1, 2),
    "chain 1": (chain(1), 1, 0, 1),
    "chain 2": (chain(2), 2, 1, 2),
    "chain 5": (chain(5), 5, 4, 2),
    "ring 1": (ring(1), 1, 0, 1),
    "ring 2": (ring(2), 2, 1, 2),
    "ring 3": (ring(3), 3, 3, 6),
    "ring 4": (ring(4), 4, 4, 8),
    "ring 5": (ring(5), 5, 5, 10),
    "ring 6": (ring(6), 6, 6, 12),
    "ladder 1": (ladder(1), 2, 1, 2),
    "ladder 2": (ladder(2), 4, 4, 4),
    "ladder 3": (ladder(3), 6, 7, 4),
    "plaquette 1x1": (plaquette([1, 1]), 1, 0, 1),
    "plaquette 3x1": (plaquette([3, 1]), 3, 2, 2),
    "plaquette 2x2": (plaquette(), 4, 4, 8),
    "plaquette 3x2": (plaquette([3, 2]), 6, 7, 4),
    "plaquette 3x3": (plaquette((3, 3)), 9, 12, 8),
    "ligand-centre 1": (ligand_centre(1), 2, 1, 1),
    "ligand-centre 2": (ligand_centre(2), 3, 3, 2),
    "ligand-centre 3": (ligand_centre(3), 4, 6, 6),
    "ligand-centre 4": (ligand_centre(), 5, 8, 8),
    "ligand-centre 6": (ligand_centre(6), 7, 12, 12),
    "custom": (TRIANGLE, 3, 3, 1),
}
each = pytest.mark.parametrize(("cluster", "sites", "bonds", "symmetries"), LIBRARY.values(), ids=LIBRARY)
every = pytest.mark.parametrize("cluster", [entry[0] for entry in LIBRARY.values()], ids=LIBRARY)


def edges(cluster):
    return {frozenset((bond.start, bond.end)): bond.label for bond in cluster.bonds}


def moved(permutation, pair):
    return frozenset(permutation[i] for i in pair)


def test_the_library_has_every_kind():
    lattices = {"square", "triangular", "honeycomb", "kagome", "cubic", "lattice"}  # in test_lattice_blocks
    infinite = {"infinite-chain", "infinite-square", "infinite-triangular"}  # in tests/solvers/test_infinite
    assert {cluster.kind for cluster, *_ in LIBRARY.values()} | lattices | infinite == set(KINDS)
    assert all(KINDS[kind].__name__ == kind.replace("-", "_") for kind in KINDS)


@each
def test_sites_bonds_and_classes_are_counted(cluster, sites, bonds, symmetries):
    assert cluster.sites == len(cluster) == len(cluster.positions) == len(cluster.classes) == sites
    assert len(cluster.bonds) == len(edges(cluster)) == bonds
    assert cluster.coordinates.shape == (sites, 2)
    assert set(cluster.site_classes) == set(cluster.classes)
    assert set(cluster.bond_classes) == {bond.label for bond in cluster.bonds}
    assert cluster.modes == ()


@every
def test_positions_are_distinct(cluster):
    assert all(math.dist(a, b) > 0.5 for a, b in itertools.combinations(cluster.positions, 2))


@pytest.mark.parametrize(
    "cluster", [dimer(), chain(4), ring(2), ring(3), ring(5), ladder(3), plaquette([3, 2])], ids=lambda c: c.kind
)
def test_bonds_join_nearest_neighbours_at_unit_distance(cluster):
    xy = cluster.positions
    close = {
        frozenset((i, j))
        for i, j in itertools.combinations(range(cluster.sites), 2)
        if math.dist(xy[i], xy[j]) < 1 + 1e-9
    }
    assert close == set(edges(cluster))
    assert all(math.dist(xy[b.start], xy[b.end]) == pytest.approx(1.0, abs=1e-12) for b in cluster.bonds)


def test_classes_by_kind():
    assert (ladder(3).site_classes, ladder(3).bond_classes) == (("site",), ("leg", "rung"))
    assert [b.label for b in ladder(3).bonds] == ["leg"] * 4 + ["rung"] * 3
    assert (ligand_centre(3).classes, ligand_centre(3).bond_classes) == (
        ("metal", "metal", "metal", "ligand"),
        ("ring", "centre"),
    )
    assert ring(4).site_classes == plaquette().site_classes == ("site",)
    assert (TRIANGLE.site_classes, TRIANGLE.bond_classes) == (("metal", "ligand"), ("bond", "weak"))


def test_the_ligand_is_the_last_site_in_the_middle_and_touches_every_metal_atom():
    for sites in (3, 4, 6):
        cluster = ligand_centre(sites)
        distances = [math.dist(cluster.positions[-1], p) for p in cluster.positions[:-1]]
        assert np.ptp(distances) < 1e-12
        centre = [bond for bond in cluster.bonds if bond.label == "centre"]
        assert [(bond.start, bond.end) for bond in centre] == [(i, sites) for i in range(sites)]
        assert not any(bond.winding for bond in centre)


@pytest.mark.parametrize("make", [ring, ligand_centre], ids=lambda make: make.__name__)
@pytest.mark.parametrize("sites", [3, 4, 5, 6])
def test_the_bonds_of_a_ring_go_round_once_and_share_the_flux(make, sites):
    loop = [bond for bond in make(sites).bonds if bond.label != "centre"]
    assert [(bond.start, bond.end) for bond in loop] == [(i, (i + 1) % sites) for i in range(sites)]
    assert all(bond.winding == pytest.approx(1 / sites) for bond in loop)
    xy = make(sites).coordinates
    area = sum(xy[b.start, 0] * xy[b.end, 1] - xy[b.start, 1] * xy[b.end, 0] for b in loop) / 2
    assert area > 0  # counter-clockwise, so that a positive flux points to the reader


@every
def test_a_flux_needs_a_ring_of_three_sites(cluster):
    ring_sites = cluster.sites - (cluster.kind == "ligand-centre")
    assert cluster.has_loop == (cluster.kind in ("ring", "ligand-centre") and ring_sites >= 3)


@pytest.mark.parametrize("make", [ring, chain], ids=lambda make: make.__name__)
def test_two_sites_share_one_bond_and_one_site_has_none(make):
    assert [(bond.start, bond.end) for bond in make(2).bonds] == [(0, 1)]
    assert make(1).bonds == ()


def test_site_numbers_of_patches():
    assert plaquette([3, 2]).positions[4] == (1.0, 1.0)
    assert ladder(3).positions[5] == (2.0, 1.0)


@each
def test_symmetries_form_the_expected_group(cluster, sites, bonds, symmetries):
    group = cluster.symmetries
    assert len(set(group)) == len(group) == symmetries
    assert group[0] == tuple(range(sites))
    assert {compose(a, b) for a in group for b in group} == set(group)
    assert all(symmetries % order(g) == 0 for g in group)


@every
def test_symmetries_are_isometries_that_keep_classes_and_bonds(cluster):
    xy = cluster.coordinates
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    for g in cluster.symmetries:
        np.testing.assert_allclose(distance[np.ix_(g, g)], distance, atol=1e-12)
        assert [cluster.classes[i] for i in g] == list(cluster.classes)
        assert {moved(g, pair): label for pair, label in edges(cluster).items()} == edges(cluster)


@every
def test_no_symmetry_is_missed(cluster):
    if cluster.sites > 6:
        return
    xy, bonds = cluster.coordinates, edges(cluster)
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=-1)
    found = {
        g
        for g in itertools.permutations(range(cluster.sites))
        if np.allclose(distance[np.ix_(g, g)], distance, atol=1e-9)
        and all(cluster.classes[g[i]] == cluster.classes[i] for i in range(cluster.sites))
        and all(bonds.get(moved(g, pair)) == label for pair, label in bonds.items())
    }
    assert set(cluster.symmetries) == found


@every
def test_translation_and_reflection_belong_to_the_group(cluster):
    for named in (cluster.translation, cluster.reflection):
        assert named is None or named in cluster.symmetries
    assert cluster.reflection is None or order(cluster.reflection) <= 2
    assert (cluster.translation is not None) == (cluster.kind in ("site", "ring"))


@pytest.mark.parametrize("sites", [1, 2, 3, 4, 5, 6])
def test_translation_of_a_ring_has_its_order_and_is_inverted_by_the_reflection(sites):
    t, r = ring(sites).translation, ring(sites).reflection
    assert order(t) == sites
    assert r[0] == 0
    assert compose(compose(compose(r, t), r), t) == tuple(range(sites))


def test_a_class_or_a_bond_that_differs_breaks_the_symmetry():
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    square = [[0, 1], [1, 2], [2, 3], [3, 0]]
    assert len(custom(corners, square).symmetries) == 8
    assert len(custom(corners, square, ["a", "b", "a", "b"]).symmetries) == 4
    assert len(custom(corners, [*square[:3], [3, 0, "weak"]]).symmetries) == 2
    assert len(custom(corners, square[:3]).symmetries) == 2
    assert len(custom([*corners[:3], [0, 1.1]], square).symmetries) == 1
    assert len(custom(corners).symmetries) == 8


def test_isometries_within_a_tolerance():
    line = np.array([[0.0, 0.0], [1.0, 0.0], [2.0 + 1e-6, 0.0]])
    assert isometries(line, ["s"] * 3, {}) == ((0, 1, 2),)
    assert isometries(line, ["s"] * 3, {}, tolerance=1e-5) == ((0, 1, 2), (2, 1, 0))


def test_compose_applies_the_first_first():
    assert compose((1, 2, 0), (0, 2, 1)) == (2, 1, 0)
    assert order((1, 0, 3, 4, 2)) == 6


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("all", [Mode("site", 0, "metal"), Mode("site", 1, "metal"), Mode("site", 2, "ligand")]),
        ("ligand", [Mode("site", 2, "ligand")]),
        ("bonds", [Mode("bond", 0, "bond"), Mode("bond", 1, "weak"), Mode("bond", 2, "bond")]),
        ("weak", [Mode("bond", 1, "weak")]),
        ([2, 0], [Mode("site", 2, "ligand"), Mode("site", 0, "metal")]),
        ([], []),
        (np.array([1]), [Mode("site", 1, "metal")]),
    ],
    ids=str,
)
def test_modes_sit_where_they_are_put(on, expected):
    assert place(TRIANGLE, on) == tuple(expected)
    assert TRIANGLE.with_modes(on).modes == tuple(expected)
    assert TRIANGLE.modes == ()


def test_a_class_of_sites_comes_before_a_class_of_bonds():
    cluster = custom([[0, 0], [1, 0]], [[0, 1, "x"]], ["x", "y"])
    assert place(cluster, "x") == (Mode("site", 0, "x"),)


@pytest.mark.parametrize(
    ("on", "message"),
    [
        (
            "copper",
            "'copper' is not a class of this cluster; allowed: 'all', 'bonds', 'metal', 'ligand', 'bond', 'weak'",
        ),
        ([3], "site 3 does not exist; this cluster has sites 0 to 2"),
        ([-1], "site -1 does not exist; this cluster has sites 0 to 2"),
        ([True], "site True does not exist; this cluster has sites 0 to 2"),
        ([0.5], "site 0.5 does not exist; this cluster has sites 0 to 2"),
        ([1, 1], "[1, 1] lists a site twice"),
    ],
    ids=str,
)
def test_modes_on_nothing_are_refused(on, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TRIANGLE.with_modes(on)


@pytest.mark.parametrize("on", ["bonds", "weak"])
def test_bosons_sit_on_sites_only(on):
    with pytest.raises(ValueError, match=rf"'{on}' is not a class of this cluster; allowed: 'all', 'metal', 'ligand',"):
        place(TRIANGLE, on, bonds_allowed=False)


@pytest.mark.parametrize("frozen", [ring(3), ring(3).bonds[0], ring(3).with_modes("all").modes[0]], ids=repr)
def test_nothing_can_be_assigned(frozen):
    for field in dataclasses.fields(frozen):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(frozen, field.name, None)


def test_clusters_are_values():
    assert ring(4) == ring(4)
    assert hash(ring(4)) == hash(ring(4))
    assert ring(4) != ring(4).with_modes("all")
    assert len({ring(3), ring(3), chain(3)}) == 2


def test_changing_the_coordinates_leaves_the_cluster_alone():
    cluster = ring(3)
    before = cluster.coordinates
    try:
        cluster.coordinates[:] = 0.0
    except ValueError:
        assert not before.flags.writeable
    np.testing.assert_array_equal(cluster.coordinates, before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ring(0), f"sites = 0 is out of range; allowed: whole numbers from 1 to {MAX_SITES}"),
        (lambda: ring(-3), "sites = -3 is out of range"),
        (lambda: ring(MAX_SITES + 1), f"sites = {MAX_SITES + 1} is out of range"),
        (lambda: chain(2.0), "sites = 2.0 is out of range; allowed: whole numbers from 1"),
        (lambda: chain(True), "sites = True is out of range; allowed: whole numbers from 1"),
        (lambda: ladder(0), "rungs = 0 is out of range; allowed: whole numbers from 1"),
        (lambda: ligand_centre("4"), "sites = '4' is out of range; allowed: whole numbers from 1"),
        (lambda: plaquette([2]), "size = [2] must be columns and rows; give two numbers"),
        (lambda: plaquette([2, 0]), "size[1] = 0 is out of range; allowed: whole numbers from 1"),
        (lambda: plaquette([5, 5]), "size[0] * size[1] = 25 is out of range; allowed: whole numbers from 1 to 20"),
        (lambda: custom([]), "positions = 0 is out of range; allowed: whole numbers from 1"),
        (lambda: custom([[0, 0], [1]]), "positions[1] = [1] must be a point; give two finite numbers"),
        (lambda: custom([[0, math.nan]]), "positions[0] = [0, nan] must be a point; give two"),
        (lambda: custom([[0, 0], [1, 0], [0, 0]]), "positions[0] and positions[2] are both [0.0, 0.0]"),
        (lambda: custom([[0, 0]], classes=["a", "b"]), "1 positions need as many classes, got 2"),
        (lambda: custom([[0, 0], [1, 0]], [[0]]), 'bonds[0] = [0] must be a bond; give [i, j] or [i, j, "class"]'),
        (lambda: custom([[0, 0], [1, 0]], [[0, 1, 2]]), "bonds[0] = [0, 1, 2] must be a bond; give [i, j]"),
        (lambda: custom([[0, 0], [1, 0]], [[0, 1.0]]), "bonds[0] = [0, 1.0] must be a bond; give [i, j]"),
        (lambda: custom([[0, 0], [1, 0]], [[0, 2]]), "bond [0, 2] refers to a site that does not exist; sites are 0"),
        (lambda: custom([[0, 0], [1, 0]], [[-1, 0]]), "bond [-1, 0] refers to a site that does not exist; sites are 0"),
        (lambda: custom([[0, 0], [1, 0]], [[1, 1]]), "bond [1, 1] joins a site to itself; a bond needs two different"),
        (lambda: custom([[0, 0], [1, 0]], [[0, 1], [1, 0]]), "bond [1, 0] is given twice; give each pair of sites one"),
        (lambda: Cluster("custom", (), ()), "a cluster needs at least one site, got none"),
        (lambda: Cluster("custom", ((0.0, 0.0),), ("a",), (Bond(0, 1),)), "bond [0, 1] refers to a site that does not"),
    ],
)  # fmt: skip
def test_bad_clusters_are_refused_with_the_value_and_what_is_allowed(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.sampled
@every
@pytest.mark.parametrize("on", [[], "all", "bonds"], ids=["bare", "modes on sites", "modes on bonds"])
def test_every_cluster_can_be_drawn_into_given_axes(cluster, on):
    figure = Figure()
    canvas, ax = FigureCanvasAgg(figure), figure.subplots()
    assert draw_cluster(cluster.with_modes(on), ax) is ax
    canvas.draw()
    assert {text.get_text() for text in ax.texts} == {str(i) for i in range(cluster.sites)}
    assert f"{cluster.sites} site" in ax.get_title()
    legend = {text.get_text() for text in ax.get_legend().get_texts()}
    assert legend >= {f"site: {name}" for name in cluster.site_classes} | {f"bond: {b}" for b in cluster.bond_classes}
    assert ("mode" in legend) == bool(cluster.with_modes(on).modes)


def test_a_drawing_without_axes_makes_its_own():
    first, second = draw_cluster(ring(4), title="a ring"), draw_cluster(ring(4))
    assert first.get_title() == "a ring"
    assert first.figure is not second.figure
