"""Closed paths of a cluster and the flux they enclose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import gcd, lcm
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cluster import Bond, Cluster

FINEST = 10_000
"""Largest denominator of the fraction of the flux that a loop encloses."""
ROUNDED = 1e-11
"""Values this close to a fraction are replaced by it."""


def snapped(value: float) -> float:
    """Return the nearby fraction with a small denominator, or the number itself if there is none within rounding.

    Examples
    --------
    >>> snapped(0.333333333333), snapped(0.123456789)
    (0.3333333333333333, 0.123456789)
    """
    near = Fraction(value).limit_denominator(FINEST)
    return float(near) + 0.0 if abs(float(near) - value) < ROUNDED else value


def no_loop(cluster: Cluster) -> str:
    """Return the error message for a flux on a cluster without loops."""
    return f"a {cluster.kind} of {cluster.sites} sites has no loop for a flux; take a ring of 3 or more"


@lru_cache
def loop_length(sites: int, bonds: tuple[Bond, ...]) -> float:
    """Return L, the smallest number of bonds of a closed path per winding around the flux; 0 without such paths.

    Examples
    --------
    >>> from respair.clusters import ligand_centre, ring
    >>> loop_length(6, ring(6).bonds), loop_length(5, ligand_centre(4).bonds)  # not the triangles of the centre
    (6.0, 4.0)
    """
    shares, share = [enclosed[0] for enclosed in _loops(sites, bonds)], smallest_share(sites, bonds)[0]
    steps: list[list[tuple[int, int]]] = [[] for _ in range(sites)]
    for bond, enclosed in zip(bonds, shares, strict=True):
        times = round(float(enclosed) / share)
        steps[bond.start].append((bond.end, times))
        steps[bond.end].append((bond.start, -times))
    return round(min(_shortest(first, steps) for first in range(sites)) / share, 9) if any(shares) else 0.0


def _shortest(first: int, steps: Sequence[Sequence[tuple[int, int]]]) -> float:
    """Return the fewest bonds per smallest share of flux of closed paths through a site; infinity without any."""
    best, reached = float("inf"), {(first, 0)}
    seen = set(reached)
    for length in range(1, len(steps) + 1):
        reached = {(end, shares + more) for at, shares in reached for end, more in steps[at]} - seen
        seen |= reached
        best = min([best, *(length / abs(shares) for at, shares in reached if at == first)])
    return best


def potentials(sites: int, bonds: Sequence[Bond]) -> tuple[tuple[float, ...], ...]:
    """Return theta for each site, such that windings on a spanning tree are differences of theta.


    Each theta has as many components as the flux.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> potentials(4, ring(4).bonds)
    ((0.0,), (0.25,), (0.5,), (-0.25,))
    """
    theta: dict[int, tuple[float, ...]] = {}
    still = (0.0,) * max((len(bond.shares) for bond in bonds), default=1)
    for root in range(sites):
        theta.setdefault(root, still)
        reached = [root]
        while reached:
            at = reached.pop(0)
            steps = [(bond.end, bond.shares) for bond in bonds if bond.start == at]
            steps += [(bond.start, _reversed(bond.shares)) for bond in bonds if bond.end == at]
            for end, shares in steps:
                if end not in theta:
                    theta[end] = _sum(theta[at], shares)
                    reached.append(end)
    return tuple(theta[site] for site in range(sites))


def _sum(left: Sequence[float], right: Sequence[float]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _reversed(shares: Sequence[float]) -> tuple[float, ...]:
    return tuple(-share for share in shares)


def _loops(sites: int, bonds: Sequence[Bond]) -> list[tuple[Fraction, ...]]:
    """Return the fractions of the fluxes enclosed by the loop of each bond and the spanning tree."""
    theta = potentials(sites, bonds)
    around = (_sum(_sum(bond.shares, theta[bond.start]), _reversed(theta[bond.end])) for bond in bonds)
    return [tuple(Fraction(share).limit_denominator(FINEST) for share in shares) for shares in around]


def smallest_share(sites: int, bonds: Sequence[Bond]) -> tuple[float, ...]:
    """Return the largest fraction of each flux of which every loop encloses a multiple; 1 without loops.

    Examples
    --------
    >>> from respair.clusters import ligand_centre
    >>> smallest_share(5, ligand_centre(4).bonds)
    (0.25,)
    """
    every = zip(*_loops(sites, bonds), strict=True)
    return tuple(_common([share for share in shares if share]) for shares in every) or (1.0,)


def _common(shares: Sequence[Fraction]) -> float:
    """Return the greatest common divisor of fractions; 1 for none."""
    whole = lcm(*(share.denominator for share in shares))
    return gcd(*(int(share * whole) for share in shares)) / whole if shares else 1.0


def path_winding(bonds: Sequence[Bond], path: Sequence[int]) -> tuple[float, ...] | str:
    """Return the windings and the phase (in turns) summed along a path of sites, or an error text."""
    along: dict[tuple[int, int], set[tuple[float, ...]]] = defaultdict(set)
    for bond in bonds:
        along[bond.start, bond.end].add((*bond.shares, bond.phase))
        along[bond.end, bond.start].add(_reversed((*bond.shares, bond.phase)))
    total = (0.0,) * (1 + max((len(bond.shares) for bond in bonds), default=1))
    for step in pairwise(path):
        if not along[step]:
            return f"sites {step[0]} and {step[1]} share no bond"
        if len(along[step]) > 1:
            return f"sites {step[0]} and {step[1]} share several bonds, and the path does not say which"
        total = _sum(total, *along[step])
    return total if path else "it is empty"
