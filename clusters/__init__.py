"""Clusters: sites, bonds, classes, lattice modes and symmetry permutations."""

from .._core.display import Brief, Card, Shown
from .._core.errors import InvalidIndex, InvalidType, InvalidValue, Told
from .arguments import MAX_SITES
from .cluster import Bond, Cluster, Mode, place
from .infinite import infinite_chain, infinite_square, infinite_triangular
from .kinds import KINDS
from .lattices import cubic, honeycomb, kagome, lattice, square, triangular
from .library import chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from .point_group import PointGroup, point_group
from .symmetry import Permutation, compose, isometries, order
from .translations import Translation, momenta

__all__ = [
    "KINDS",
    "MAX_SITES",
    "Bond",
    "Brief",
    "Card",
    "Cluster",
    "InvalidIndex",
    "InvalidType",
    "InvalidValue",
    "Mode",
    "Permutation",
    "PointGroup",
    "Shown",
    "Told",
    "Translation",
    "chain",
    "compose",
    "cubic",
    "custom",
    "dimer",
    "honeycomb",
    "infinite_chain",
    "infinite_square",
    "infinite_triangular",
    "isometries",
    "kagome",
    "ladder",
    "lattice",
    "ligand_centre",
    "momenta",
    "order",
    "place",
    "plaquette",
    "point_group",
    "ring",
    "site",
    "square",
    "triangular",
]
