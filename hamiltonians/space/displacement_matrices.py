"""Displacement operators of oscillators on number states: what moves a charge together with its lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from ..operators import LatticeWord
from .numbering import Numbering

Jump = tuple[tuple[int, float], ...]
"""A displacement of some modes: (mode, beta) stands for ``D(beta) = exp(beta (a+ - a))``."""
Entries = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Row, column and value of matrix elements."""
TAIL = 1e-15
"""Norm of the part of a displaced state that is left out where there must be an end."""


@dataclass(frozen=True, order=True)
class Dressed:
    """A normal-ordered word that a displacement follows: ``D(jump) word``.

    Attributes
    ----------
    word : LatticeWord
        Product of ``a+^k a^l``, acting first.
    jump : Jump
        The displacement, modes ascending.
    """

    word: LatticeWord
    jump: Jump

    @property
    def modes(self) -> NDArray[np.int64]:
        """The displaced modes."""
        return np.array([mode for mode, _ in self.jump], np.int64)


def displacement_elements(beta: float, rows: int, columns: int) -> NDArray[np.float64]:
    r"""Return ``<n| exp(beta (a+ - a)) |m>`` of the infinite space, shape (rows, columns).

    .. math:: \langle m+k|D(\beta)|m\rangle = \sqrt{m!/(m+k)!}\,\beta^k e^{-\beta^2/2} L_m^{(k)}(\beta^2)

    by the three-term recursion of the normalised Laguerre functions in m, which neither overflows nor loses digits;
    ``<m|D|m+k>`` has the sign (-1)^k.

    References
    ----------
    K. E. Cahill and R. J. Glauber, Phys. Rev. 177, 1857 (1969), appendix B.

    Examples
    --------
    >>> displacement_elements(1.0, 1, 3) * np.exp(0.5)
    array([[ 1.        , -1.        ,  0.70710678]])
    """
    x, size = beta * beta, max(rows, columns)
    k = np.arange(size)
    size_of_first = np.array([lgamma(n + 1.0) for n in range(size)])
    with np.errstate(divide="ignore"):
        logarithm = k * np.log(abs(beta)) if beta else np.where(k == 0, 0.0, -np.inf)
    function = np.sign(beta) ** k * np.exp(logarithm - 0.5 * x - 0.5 * size_of_first)
    before = np.zeros(size)
    elements = np.zeros((rows, columns))
    parity = np.where(k % 2, -1.0, 1.0)
    for m in range(min(rows, columns)):
        elements[m:, m] = function[: rows - m]
        elements[m, m:] = (parity * function)[: columns - m]
        scale = np.sqrt((m + 1.0) * (m + 1 + k))
        function, before = ((2 * m + 1 + k - x) * function - np.sqrt(m * (m + k)) * before) / scale, function
    return elements


def matched(dressed: Dressed, image: NDArray[np.int64], target: NDArray[np.int64]) -> Entries:
    """Return the elements of the displacement between number states: target, image, value.

    Parameters
    ----------
    dressed : Dressed
        Its jump is used.
    image, target : (n, modes), (t, modes) int
        Phonon numbers from where and to where.
    """
    row, column = alike_but(dressed.modes, image, target)
    value = np.ones(len(column))
    for mode, beta in dressed.jump:
        sizes = target[:, mode].max(initial=0) + 1, image[:, mode].max(initial=0) + 1
        place = target[row, mode] * sizes[1] + image[column, mode]
        value *= displacement_elements(beta, *sizes).ravel().take(place)
    return row, column, value


def alike_but(
    modes: NDArray[np.int64], image: NDArray[np.int64], target: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of a target and an image that have the same phonon numbers but in some modes.

    Parameters
    ----------
    modes : (k,) int
        These modes.
    image, target : (n, modes), (t, modes) int
        Phonon numbers from where and to where.
    """
    spectators = np.delete(np.concatenate([target, image]), modes, axis=1)
    of_target, of_image = np.split(Numbering.of(spectators)[1], [len(target)])
    ascending = np.argsort(of_target, kind="stable")
    first, last = (np.searchsorted(of_target[ascending], of_image, side) for side in ("left", "right"))
    counts = last - first
    column = np.repeat(np.arange(len(image)), counts)
    row = ascending[np.arange(len(column)) - np.repeat(np.cumsum(counts) - counts - first, counts)]
    return row, column


def spread_size(dressed: Dressed, modes: int, max_quanta: int, total_quanta: int) -> float:
    """Return about how many elements a displacement has among the states to which it leads from a capped space."""
    others = modes - len(dressed.jump)
    moved = math.prod((math.sqrt(max_quanta) + abs(beta) + 4.0) ** 2 for _, beta in dressed.jump)
    return float(moved**2 * min((max_quanta + 1) ** others, math.comb(total_quanta + others, others)))


def reached(dressed: Dressed, image: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all phonon numbers that a displacement reaches from those given, but for `TAIL` of any state's norm.

    Parameters
    ----------
    dressed : Dressed
        Its jump is used.
    image : (n, modes) int
        The states from which it starts. With the same spectators they must form nested sets, as caps make them.

    Returns
    -------
    (m, modes) int
        The states, each once for every spectator.
    """
    if not len(image):
        return image
    modes = dressed.modes
    others = np.delete(np.arange(image.shape[1]), modes)
    spectators, group = np.unique(image[:, others], axis=0, return_inverse=True)
    found: dict[int, NDArray[np.int64]] = {}
    parts = [np.zeros((0, image.shape[1]), np.int64)]
    order = np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(np.bincount(group.ravel()))[:-1])
    for spectator, members in zip(spectators, order, strict=True):
        sources = np.unique(image[np.ix_(members, modes)], axis=0)
        if len(sources) not in found:
            found[len(sources)] = _spread(dressed.jump, sources)
        part = np.zeros((len(found[len(sources)]), image.shape[1]), np.int64)
        part[:, others], part[:, modes] = spectator, found[len(sources)]
        parts.append(part)
    return np.concatenate(parts)


def _spread(jump: Jump, sources: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the displaced modes, up to so many in all that the rest has a norm below `TAIL`.

    The sum of the numbers decides, so that images of a mode by symmetry are treated alike.
    """
    weights = []
    for (_, beta), n in zip(jump, sources.T, strict=True):
        most = int(n.max())
        rows = int((np.sqrt(most) + abs(beta) + 8.0) ** 2)
        squares = displacement_elements(beta, rows, most + 1) ** 2
        kept = 1 + np.flatnonzero(squares.sum(axis=1) > TAIL**2 / (100.0 * rows))[-1]
        weights.append(squares[:kept])
    grid = np.indices([len(w) for w in weights]).reshape(len(jump), -1).T
    weight = np.zeros(len(grid))
    for source in sources:
        weight += np.prod([w[t, n] for w, t, n in zip(weights, grid.T, source, strict=True)], axis=0)
    quanta = grid.sum(axis=1)
    further = np.cumsum(np.bincount(quanta, weight)[::-1])[::-1]
    return np.asarray(grid[quanta <= np.flatnonzero(further > 0.5 * TAIL**2)[-1]])
