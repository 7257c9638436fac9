"""Clusters: sites, bonds, classes, lattice modes and symmetry permutations. No quantum mechanics here."""

from .._core.display import Brief, Card, Shown
from .._core.errors import InvalidIndex, InvalidType, InvalidValue, Told
from .cluster import Bond, Cluster, Mode, place
from .library import KINDS, MAX_SITES, chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from .point_group import PointGroup, point_group
from .symmetry import Permutation, compose, isometries, order

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
    "chain",
    "compose",
    "custom",
    "dimer",
    "isometries",
    "ladder",
    "ligand_centre",
    "order",
    "place",
    "plaquette",
    "point_group",
    "ring",
    "site",
]
