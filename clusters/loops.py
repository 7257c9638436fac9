"""Closed paths of a cluster and the flux that they enclose."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import gcd, lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cluster import Bond

FINEST = 10_000
"""Largest denominator of the share of the flux that a loop encloses."""


@lru_cache
def loop_length(sites: int, bonds: tuple[Bond, ...]) -> float:
    """Return L, the fewest bonds that closed paths take for each time round the whole flux; 0 where none goes round.

    Examples
    --------
    >>> from respair.clusters import ligand_centre, ring
    >>> loop_length(6, ring(6).bonds), loop_length(5, ligand_centre(4).bonds)  # not the triangles of the centre
    (6.0, 4.0)
    """
    shares, share = _loops(sites, bonds), smallest_share(sites, bonds)
    steps: list[list[tuple[int, int]]] = [[] for _ in range(sites)]
    for bond, enclosed in zip(bonds, shares, strict=True):
        times = round(float(enclosed) / share)
        steps[bond.start].append((bond.end, times))
        steps[bond.end].append((bond.start, -times))
    return round(min(_fewest(first, steps) for first in range(sites)) / share, 9) if any(shares) else 0.0


def _fewest(first: int, steps: Sequence[Sequence[tuple[int, int]]]) -> float:
    """Return the fewest bonds for each share of the flux of the closed paths through a site; infinity for none."""
    best, reached = float("inf"), {(first, 0)}
    seen = set(reached)
    for length in range(1, len(steps) + 1):
        reached = {(end, shares + more) for at, shares in reached for end, more in steps[at]} - seen
        seen |= reached
        best = min([best, *(length / abs(shares) for at, shares in reached if at == first)])
    return best


def potentials(sites: int, bonds: Sequence[Bond]) -> tuple[float, ...]:
    """Return theta of each site; on a spanning tree the winding of a bond is the difference of those of its ends.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> potentials(4, ring(4).bonds)
    (0.0, 0.25, 0.5, -0.25)
    """
    theta: dict[int, float] = {}
    for root in range(sites):
        theta.setdefault(root, 0.0)
        reached = [root]
        while reached:
            at = reached.pop(0)
            steps = [(bond.end, bond.winding) for bond in bonds if bond.start == at]
            steps += [(bond.start, -bond.winding) for bond in bonds if bond.end == at]
            for end, winding in steps:
                if end not in theta:
                    theta[end] = theta[at] + winding
                    reached.append(end)
    return tuple(theta[site] for site in range(sites))


def _loops(sites: int, bonds: Sequence[Bond]) -> list[Fraction]:
    """Return the share of the flux that each bond encloses together with the spanning tree."""
    theta = potentials(sites, bonds)
    around = (bond.winding - (theta[bond.end] - theta[bond.start]) for bond in bonds)
    return [Fraction(winding).limit_denominator(FINEST) for winding in around]


def smallest_share(sites: int, bonds: Sequence[Bond]) -> float:
    """Return the share of the flux of which every loop encloses a multiple; 1 without loops.

    Examples
    --------
    >>> from respair.clusters import ligand_centre
    >>> smallest_share(5, ligand_centre(4).bonds)
    0.25
    """
    shares = [share for share in _loops(sites, bonds) if share]
    whole = lcm(*(share.denominator for share in shares))
    return gcd(*(int(share * whole) for share in shares)) / whole if shares else 1.0


def path_winding(bonds: Sequence[Bond], path: Sequence[int]) -> float | tuple[int, int]:
    """Return the share of the flux along a path of sites, or the first two of them that no bond joins."""
    along = {(bond.start, bond.end): bond.winding for bond in bonds}
    along |= {(end, start): -winding for (start, end), winding in along.items()}
    steps = list(pairwise(path))
    broken = next((step for step in steps if step not in along), None)
    return sum(along[step] for step in steps) if broken is None else broken
