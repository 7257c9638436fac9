"""Clusters: sites, bonds, classes, lattice modes and symmetry permutations. No quantum mechanics here."""

from .cluster import Bond, Cluster, Mode, place
from .kinds import KINDS, MAX_SITES, chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from .point_group import PointGroup, point_group
from .shown import Brief, Card, Shown
from .symmetry import Permutation, compose, isometries, order
from .told import InvalidIndex, InvalidType, InvalidValue, Told

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
