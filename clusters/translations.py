r"""Translations of closed clusters and their momenta.

A translation by r = sum_j f_j T_j, with the rows T_j of the cell, maps the cluster onto itself. A state of momentum k,
``k . T_j = 2 pi m_j``, has ``T(r) psi = exp(-i k . r) psi`` with ``k . r = 2 pi sum_j m_j f_j``. Two vectors m with the
same phases for all translations denote the same momentum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .loops import potentials
from .symmetry import Permutation, compose, order

if TYPE_CHECKING:
    from .cluster import Cluster

SAME_PHASE = 1e-9
"""Phases closer than this, in turns, are equal."""
Way = tuple[int, int, tuple[float, ...], str]
"""Start, end, windings and class of a bond in one of its two directions."""
Momentum = int | tuple[int, ...]
"""The integers m_j; a single integer if the cluster is closed in one direction, as on rings."""


@dataclass(frozen=True)
class Translation:
    """A translation of a cluster.

    Attributes
    ----------
    sites : tuple of int
        Site ``i`` is mapped to ``sites[i]``.
    shares : tuple of float
        The translation vector as fractions f_j of the rows of the cell.
    """

    sites: Permutation
    shares: tuple[float, ...]

    @property
    def period(self) -> int:
        """Order of the translation: the smallest power that is the identity."""
        return order(self.sites)

    def block(self, momentum: Sequence[int]) -> int:
        """Return n of the eigenvalue ``exp(-2 pi i n / period)`` for a momentum."""
        return round(self.period * float(np.dot(momentum, self.shares))) % self.period


def generators(cluster: Cluster) -> tuple[Translation, ...]:
    """Return independent generators of the translation group; none if there is only the identity.

    Examples
    --------
    >>> from respair.clusters import ring, square
    >>> generators(ring(3))
    (Translation(sites=(1, 2, 0), shares=(0.3333333333333333,)),)
    >>> [g.period for g in generators(square(supercell=[[2, 2], [-2, 2]]))]
    [4, 2]
    """
    if cluster.translation is not None and order(cluster.translation) > 1:
        return (Translation(cluster.translation, (1.0 / order(cluster.translation),)),)
    return kept(cluster)


def every(cluster: Cluster) -> tuple[Translation, ...]:
    """Return all translations of a closed cluster, identity first, including those that a magnetic field breaks."""
    identity = Translation(tuple(range(cluster.sites)), (0.0,) * cluster.fluxes)
    found = [identity]
    for turn in cluster.translations:
        powers = list(accumulate([turn] * (turn.period - 1), _product, initial=identity))
        found = [_product(one, power) for one in found for power in powers]
    return tuple(found)


def _product(first: Translation, second: Translation) -> Translation:
    shares = (a + b for a, b in zip(first.shares, second.shares, strict=True))
    return Translation(compose(first.sites, second.sites), tuple(round(share % 1.0, 12) % 1.0 for share in shares))


def keyed(cluster: Cluster, turns: Sequence[float] | NDArray[np.float64]) -> dict[Way, float]:
    """Return the phases of all bonds in both directions."""
    found: dict[Way, float] = {}
    for bond, turn in zip(cluster.bonds, turns, strict=True):
        shares = np.round(bond.shares, 6) + 0.0
        found[bond.start, bond.end, tuple(shares.tolist()), bond.label] = float(turn)
        found[bond.end, bond.start, tuple((-shares + 0.0).tolist()), bond.label] = -float(turn)
    return found


@lru_cache(maxsize=256)
def kept(cluster: Cluster) -> tuple[Translation, ...]:
    """Return generators of the translations that leave the phases of all bonds unchanged."""
    turns = [bond.phase for bond in cluster.bonds]
    if not any(turns):
        return cluster.translations
    known = keyed(cluster, turns)
    return independent([t for t in every(cluster) if _keeps(known, t)])


def _keeps(known: Mapping[Way, float], translation: Translation) -> bool:
    sites = translation.sites
    images = (
        (known.get((sites[start], sites[end], shares, label)), turn)
        for (start, end, shares, label), turn in known.items()
    )
    return all(image is not None and abs(image - turn - round(image - turn)) < SAME_PHASE for image, turn in images)


def independent(translations: Sequence[Translation]) -> tuple[Translation, ...]:
    """Choose independent generators among the translations of a cluster, those of the largest order first."""
    identity = tuple(range(len(translations[0].sites))) if translations else ()
    made, chosen = {identity}, []
    for translation in sorted(translations, key=lambda t: -t.period):
        powers = [identity]
        while (image := compose(powers[-1], translation.sites)) != identity:
            powers.append(image)
        if not made & set(powers[1:]) and len(powers) > 1:
            made = {compose(one, power) for one in made for power in powers}
            chosen.append(translation)
    return tuple(chosen)


def momenta(cluster: Cluster) -> tuple[Momentum, ...]:
    """Return every momentum of a cluster once, in ascending order of m; none without translations.

    Examples
    --------
    >>> from respair.clusters import ring, square
    >>> momenta(ring(3)), momenta(square(size=[2, 2]))
    ((0, 1, 2), ((0, 0), (0, 1), (1, 0), (1, 1)))
    """
    return tuple(_by_blocks(cluster).values())


@lru_cache(maxsize=256)
def _by_blocks(cluster: Cluster) -> dict[tuple[int, ...], Momentum]:
    turns = generators(cluster)
    if not turns and cluster.cell:
        return {(): (0,) * cluster.fluxes if cluster.fluxes > 1 else 0}
    if not turns:
        return {} if cluster.translation is None else {(): 0}
    most = max(turn.period for turn in turns) * len(turns)
    found: dict[tuple[int, ...], Momentum] = {}
    for numbers in product(range(most), repeat=len(turns[0].shares)):
        blocks = tuple(turn.block(numbers) for turn in turns)
        found.setdefault(blocks, numbers if len(numbers) > 1 else numbers[0])
    return found


def momentum_of(cluster: Cluster, blocks: Sequence[int]) -> Momentum:
    """Return the momentum with the given quantum numbers of the generators."""
    return _by_blocks(cluster)[tuple(blocks)]


def as_numbers(momentum: Momentum) -> tuple[int, ...]:
    """Return the integers m_j of a momentum as a tuple."""
    return momentum if isinstance(momentum, tuple) else (momentum,)


def same_momentum(cluster: Cluster, momentum: Sequence[int]) -> Momentum:
    """Return the equivalent momentum among those of `momenta`.

    Examples
    --------
    >>> from respair.clusters import square
    >>> same_momentum(square(size=[4, 2]), [-1, 3])
    (3, 1)
    """
    return _by_blocks(cluster)[tuple(turn.block(momentum) for turn in generators(cluster))]


def wave_numbers(cluster: Cluster, momentum: Momentum) -> tuple[float, ...]:
    """Return k . r / (2 pi) for each site, up to integers; on lattices with k in the first Brillouin zone.

    Examples
    --------
    >>> from respair.clusters import ring, square
    >>> wave_numbers(ring(4), 1), wave_numbers(square(size=[2, 2]), (1, 1))
    ((0.0, 0.25, 0.5, -0.25), (0.0, 0.5, 0.5, 1.0))
    """
    if cluster.cell:
        turns = cluster.coordinates @ _in_first_zone(cluster, momentum) / (2 * np.pi)
    else:
        turns = np.array(potentials(cluster.sites, cluster.bonds)) @ np.array(as_numbers(momentum))
    return tuple((turns.round(12) + 0.0).tolist())


def wave_vectors(cluster: Cluster) -> NDArray[np.float64]:
    """Return the wave vectors of all momenta: in inverse units of the positions, or 2 pi m / L without a cell.

    Returns
    -------
    (momenta, coordinates) float
        On lattices in the first Brillouin zone; of equivalent vectors on its boundary the last one in lexicographic
        order. Rings have one coordinate, the angle per site, in (-pi, pi].

    Examples
    --------
    >>> from respair.clusters import square
    >>> (wave_vectors(square(size=[4, 1])) / np.pi).round(12).tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [-0.5, 0.0]]
    """
    if cluster.cell:
        return np.array([_in_first_zone(cluster, momentum) for momentum in momenta(cluster)])
    numbers = np.array([as_numbers(momentum) for momentum in momenta(cluster)], float)
    return np.asarray(np.pi - np.mod(np.pi - 2 * np.pi * numbers / max(1, len(numbers)), 2 * np.pi))


def _in_first_zone(cluster: Cluster, momentum: Momentum) -> NDArray[np.float64]:
    """Return the shortest wave vector of a momentum on a lattice."""
    vector = 2 * np.pi * np.array(as_numbers(momentum), float) @ np.linalg.pinv(np.array(cluster.cell)).T
    steps = np.array(primitive_vectors(cluster))
    reciprocal = 2 * np.pi * np.linalg.pinv(steps).T
    near = vector - np.round(steps @ vector / (2 * np.pi)) @ reciprocal
    exact = near + np.array(list(product((-1, 0, 1), repeat=len(steps)))) @ reciprocal
    every = exact.round(9) + 0.0
    lengths = np.linalg.norm(every, axis=1).round(6)
    first = max(every[lengths == lengths.min()].tolist())
    return np.asarray(exact[int(np.argmin(np.linalg.norm(every - first, axis=1)))].round(14) + 0.0)


def primitive_vectors(cluster: Cluster) -> tuple[tuple[float, ...], ...]:
    """Return the shortest translations of a closed cluster, one for each row of its cell.

    Examples
    --------
    >>> from respair.clusters import square
    >>> primitive_vectors(square(supercell=[[2, 2], [-2, 2]]))
    ((1.0, 0.0), (0.0, 1.0))
    """
    rows = np.array(cluster.cell)
    turns = [np.array(turn.shares) for turn in generators(cluster)]
    steps = product(*(range(turn.period) for turn in generators(cluster)))
    shares = [sum((n * turn for n, turn in zip(at, turns, strict=True)), np.zeros(len(rows))) for at in steps]
    around = np.array(list(product((-2, -1, 0, 1, 2), repeat=len(rows))))
    every = ((np.array(shares)[:, None] + around).reshape(-1, len(rows)) @ rows).round(9) + 0.0
    unique = np.unique(every, axis=0)
    ranked = unique[np.lexsort((*-unique.T[::-1], np.linalg.norm(unique, axis=1).round(9)))].tolist()
    chosen: list[list[float]] = []
    for vector in ranked:
        if np.linalg.matrix_rank(np.array([*chosen, vector]), tol=1e-6) > len(chosen):
            chosen.append(vector)
    return tuple(tuple(vector) for vector in chosen)


def opposite(cluster: Cluster, momentum: Momentum) -> Momentum:
    """Return the momentum -k.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> opposite(ring(5), 2)
    3
    """
    return same_momentum(cluster, [-m for m in as_numbers(momentum)])


def is_real(cluster: Cluster, momentum: Momentum) -> bool:
    """True if k and -k are equivalent, so that states can be chosen real."""
    return opposite(cluster, momentum) == same_momentum(cluster, as_numbers(momentum))


def found_translations(cluster: Cluster) -> tuple[Translation, ...]:
    """Return generators of the translations that preserve classes, bonds and windings of a connected cluster.

    The translation that maps site 0 to site j is constructed along the bonds: neighbours are mapped to neighbours along
    bonds of the same class and windings.

    Examples
    --------
    >>> from respair.clusters import custom
    >>> row = custom([[0, 0], [1, 0]], [[0, 1, "x", [0.5]], [1, 0, "x", [0.5]]])
    >>> row.translations
    (Translation(sites=(1, 0), shares=(0.5,)),)
    """
    steps: list[dict[tuple[str, tuple[float, ...]], int]] = [{} for _ in range(cluster.sites)]
    for bond in cluster.bonds:
        shares = tuple(round(share, 9) + 0.0 for share in bond.shares)
        back = tuple(-share + 0.0 for share in shares)
        for start, end, way in ((bond.start, bond.end, shares), (bond.end, bond.start, back)):
            if steps[start].setdefault((bond.label, way), end) != end:
                return ()
    found = [_translation_to(cluster, steps, image) for image in range(cluster.sites)]
    return independent([translation for translation in found if translation is not None])


def _translation_to(
    cluster: Cluster, steps: Sequence[dict[tuple[str, tuple[float, ...]], int]], image: int
) -> Translation | None:
    """Return the translation that maps site 0 to site `image`; None if there is none."""
    moved, reached = {0: image}, [0]
    along = {0: np.zeros(cluster.fluxes)}
    for site in reached:
        if steps[site].keys() != steps[moved[site]].keys() or cluster.classes[site] != cluster.classes[moved[site]]:
            return None
        for way, end in steps[site].items():
            target = steps[moved[site]][way]
            if end not in moved:
                moved[end], along[end] = target, along[site] + np.array(way[1])
                reached.append(end)
            elif moved[end] != target:
                return None
    if len(set(moved.values())) < cluster.sites:
        return None
    return Translation(tuple(moved[site] for site in range(cluster.sites)), tuple(along[image].round(12).tolist()))
