"""Infinite lattices, represented by a window whose couplings hold at every site of the lattice."""

from __future__ import annotations

from dataclasses import replace

from .arguments import count
from .cluster import Cluster
from .lattices import CHAIN, SHELLS, SQUARE, TRIANGULAR, Lattice, Shells, closed

WIDTH = {1: 19, 2: 9}
"""Cells of the window along each direction; couplings must reach less than half of it."""


def infinite_chain(shells: Shells = 1) -> Cluster:
    """The infinite chain, for one or two particles; bond classes ``bond``, then ``second``, ...

    The model is defined on a window of 19 sites; couplings that differ between sites raise an error.

    Parameters
    ----------
    shells : int
        Number of neighbour shells that are joined by bonds.

    Examples
    --------
    >>> infinite_chain().size, infinite_chain().is_infinite
    ('infinite-chain', True)
    """
    return _window("infinite-chain", CHAIN, shells)


def infinite_square(shells: Shells = 1) -> Cluster:
    """The infinite square lattice, for one or two particles; bond classes as for ``square``.

    Parameters
    ----------
    shells : int
        Number of neighbour shells that are joined by bonds.
    """
    return _window("infinite-square", SQUARE, shells)


def infinite_triangular(shells: Shells = 1) -> Cluster:
    """The infinite triangular lattice, for one or two particles; bond classes as for ``triangular``.

    Parameters
    ----------
    shells : int
        Number of neighbour shells that are joined by bonds.
    """
    return _window("infinite-triangular", TRIANGULAR, shells)


def _window(kind: str, lattice: Lattice, shells: int) -> Cluster:
    shells, dimension = count("shells", shells, 1, len(SHELLS)), len(lattice.vectors)
    size = [WIDTH[dimension]] * dimension
    window = closed(kind, lattice, size, None, shells, None, most=WIDTH[dimension] ** dimension)
    return replace(window, made_from=(("shells", shells),) if shells > 1 else ())
