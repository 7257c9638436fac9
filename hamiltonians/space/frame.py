r"""The phonon frame: the displacements around which the phonons of each charge configuration are counted.

With ``a_m = a'_m + lambda_m(e)`` in the configuration e, a state is ``sum_e |e> (x) D(lambda(e)) |phonons' of e>``, and
an element between two configurations becomes

.. math:: A_{e'e}\,P(a) \to A_{e'e}\,D(\lambda(e) - \lambda(e'))\,P(a' + \lambda(e)),\ D(\beta) = e^{\beta (a^+ - a)}.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ..model import Model
from ..operators import LatticeWord, displaced_word
from .charges import ChargeBasis
from .displacement_matrices import Dressed, Jump
from .phonons import Polynomial

Product = tuple["sp.csr_array", Polynomial]
"""A charge matrix with the lattice operator that goes with it."""
EQUAL = 12
"""Displacements that agree to so many decimals are one."""
CANCELLED = 4e-15
"""A sum that is smaller than this times its terms is zero but for rounding."""


def frame_parts(model: Model, charge: int) -> NDArray[np.float64]:
    r"""Return what ``phonons.frame`` asks for, as numbers for each mode.

    .. math:: \lambda_m(e) = s_m + \sum_i (c_{im} n_i(e) + d_{im} b^+_i b_i(e))

    ``"mean"`` takes the minimum of omega0 s^2 - 2 g s <charge> at the mean charge of the sector, every level filled to
    N / N_max: s = g <charge> / omega0. For a coupling to the electron density this removes the uniform mode.
    ``"lang-firsov"`` lets the displacements follow the charges, with f the dressing: c = f alpha_F and d = f alpha, and
    the share 1 - f of the mean for s. Both are those of harmonic oscillators with the frequencies of the model.

    Parameters
    ----------
    model : Model
        With its phonon frame.
    charge : int
        Of the sector.

    Returns
    -------
    (1 + 2 sites, modes) float
        s, c for each site, d for each site.
    """
    sites = model.cluster.sites
    parts = np.zeros((1 + 2 * sites, len(model.modes)))
    if (table := model.phonons) is None or table.frame == "none":
        return parts
    if not isinstance(table.frame, str):
        parts[0] = 0.5 * np.array(table.frame, float)
        return parts
    couplings = model.couplings
    electron, boson = (
        (reach / couplings.frequency[:, None]).T
        for reach in (couplings.electron_phonon_by_site, couplings.boson_phonon_by_site)
    )
    strength = table.strength if table.frame == "lang-firsov" else 0.0
    mean = (
        charge / model.max_charge * np.sum(model.most_electrons * electron + model.most_bosons * boson, axis=0)
        if model.max_charge
        else parts[0]
    )
    parts[0], parts[1:] = (1.0 - strength) * mean, strength * np.concatenate([electron, boson])
    return parts


def by_site(parts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return c and d of `frame_parts`, each of shape (sites, modes)."""
    sites = len(parts) // 2
    return parts[1 : 1 + sites], parts[1 + sites :]


def phonon_frame(model: Model, parts: NDArray[np.float64], charges: ChargeBasis) -> NDArray[np.float64]:
    """Return the displacements lambda_m(e) of all configurations from `frame_parts`, read-only.

    Returns
    -------
    (configurations, modes) float
        One row, seen many times, where all are the same.
    """
    uniform, (electron, boson) = parts[0], by_site(parts)
    if not np.any(electron) and not np.any(boson):
        return np.broadcast_to(uniform, (len(charges), len(model.modes)))
    frame = np.tile(uniform, (len(charges), 1))
    for i, m in np.argwhere((electron != 0) | (boson != 0)).tolist():
        electrons = charges.electrons(i, "up") + charges.electrons(i, "dn")
        frame[:, m] += electron[i, m] * electrons + boson[i, m] * charges.bosons(i)
    frame.setflags(write=False)
    return frame


def in_frame(
    products: Iterable[Product], frame: NDArray[np.float64], onto: NDArray[np.float64] | None = None
) -> list[Product]:
    """Rewrite ``sum A (x) P(a)`` in a frame that follows the charges.

    Entries of the A with the same jump of the lattice, and words with the same entries, are brought together.

    Parameters
    ----------
    products : iterable of (csr_array, Polynomial)
        In the physical phonons.
    frame : (configurations, modes) float
        lambda_m(e).
    onto : (rows, modes) float, optional
        The same for the configurations to which the A lead; `frame` by default.

    Returns
    -------
    list of (csr_array, Polynomial)
        The same operator in the phonons of the frame, its lattice operators dressed.
    """
    entries: defaultdict[tuple[Jump, LatticeWord], list[tuple[NDArray[Any], ...]]] = defaultdict(list)
    known: dict[Jump, Jump] = {}
    onto = frame if onto is None else onto
    for charges, lattice in products:
        matrix = charges.tocoo()
        row, column = matrix.coords
        for jump, here in _jumps(frame[column] - onto[row], known):
            r, c, data = row[here], column[here], matrix.data[here]
            for word, coefficient in lattice:
                assert isinstance(word, tuple)
                number = coefficient.real if np.imag(coefficient) == 0 else coefficient
                for inner, weight in displaced_word(word, {mode: frame[c, mode] for mode, *_ in word}).items():
                    entries[jump, inner].append((r, c, number * data * weight))
    merged: dict[tuple[Jump, bytes], tuple[sp.csr_array, list[tuple[LatticeWord, complex]]]] = {}
    for (jump, inner), parts in entries.items():
        total = added(parts, (len(onto), len(frame)))
        if total.nnz:
            key = b"".join(part.tobytes() for part in (total.indptr, total.indices, total.data / total.data[0]))
            first, words = merged.setdefault((jump, key), (total, []))
            words.append((inner, total.data[0] / first.data[0]))
    return [(matrix, _lattice(words, jump)) for (jump, _), (matrix, words) in merged.items()]


def _jumps(difference: NDArray[np.float64], known: dict[Jump, Jump]) -> Iterator[tuple[Jump, NDArray[np.intp]]]:
    """Yield each jump of the lattice with the entries that have it; one that is `known` but for rounding is that."""
    if not len(difference):
        return
    rounded, first, group = np.unique(np.round(difference, EQUAL), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    shares = np.split(order, np.cumsum(np.bincount(group.ravel()))[:-1])
    for about, exact, here in zip(rounded.tolist(), difference[first].tolist(), shares, strict=True):
        name = tuple((mode, beta) for mode, beta in enumerate(about) if beta)
        yield known.setdefault(name, tuple((mode, exact[mode]) for mode, _ in name)), here


def added(parts: Sequence[tuple[NDArray[Any], ...]], shape: tuple[int, int]) -> sp.csr_array:
    """Return the sum of entries as a matrix, without those that cancel."""
    row, column, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    total, terms = (sp.coo_array((v, (row, column)), shape=shape).tocsr() for v in (value, np.abs(value)))
    total.data[np.abs(total.data) <= CANCELLED * terms.data] = 0.0
    total.eliminate_zeros()
    return sp.csr_array(total)


def _lattice(words: Sequence[tuple[LatticeWord, complex]], jump: Jump) -> Polynomial:
    return tuple((Dressed(word, jump) if jump else word, scale) for word, scale in sorted(words))
