r"""Stability of the lattice: whether its energy is bounded below.

With x = a + a+ and p = (a - a+)/i, ``a+a = (x^2 + p^2)/4 - 1/2``, and the lattice energy in a charge configuration is

.. math:: x^T K x + p^T T p + \sum_m (c_{3,m} x_m^3 + c_{4,m} x_m^4) + \text{forces},

    K_{mm} = \omega_{0,m}/4 + c_{2,m} + q_{F,m} n + q_{B,m} n_B + \sum \kappa,\quad
    K_{mn} = -\kappa_{mn} - t_{ph,mn}/4,\quad T_{mm} = \omega_{0,m}/4,\quad T_{mn} = -t_{ph,mn}/4.

It is bounded below if T is positive definite, no c_4 is negative, and K is positive definite on the modes without a
quartic potential, which must have no cubic one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..clusters import Bond, Mode
from .branches import links_of, pairs_on
from .values import Problem

LEAST = 1e-12
"""Quadratic forms with a lowest eigenvalue below this times the largest frequency are not positive definite."""
Values = Mapping[str, NDArray[np.float64]]
"""Couplings over modes or bonds by their keys in model files, without those of absent species."""


def stiffness(
    modes: Sequence[Mode], bonds: Sequence[Bond], values: Values, most: tuple[float, float] = (2.0, 1.0)
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield K after adding each coupling in turn, with its key, for the charges that soften the lattice most.

    `most` is the largest number of electrons and of local pairs on a site.
    """
    form = np.diag(values["phonons.frequency"] / 4)
    for key, number in (("quadratic", 1.0), ("electron_quadratic", most[0]), ("boson_quadratic", most[1])):
        own = values[f"phonons.{key}"]
        form = form + np.diag(own if key == "quadratic" else number * np.minimum(own, 0.0))
        yield f"phonons.{key}", form
    yield "phonons.spring", form + springs(modes, bonds, values["phonons.spring"])
    form = form + springs(modes, bonds, values["phonons.spring"])
    yield "phonons.hopping", form + hops(modes, bonds, values["phonons.hopping"])


def springs(modes: Sequence[Mode], bonds: Sequence[Bond], kappa: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of ``sum kappa (x_m - x_n)^2``."""
    form = np.zeros((len(modes),) * 2)
    for bond, strength in zip(links_of(modes, bonds), kappa.tolist(), strict=True):
        for m, n in pairs_on(modes, bond):
            ends = np.eye(len(modes))[m] - np.eye(len(modes))[n]
            form += strength * np.outer(ends, ends)
    return form


def hops(modes: Sequence[Mode], bonds: Sequence[Bond], hopping: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of x and of p in ``-sum t_ph (a+_m a_n + h.c.)``."""
    form = np.zeros((len(modes),) * 2)
    for bond, strength in zip(links_of(modes, bonds), hopping.tolist(), strict=True):
        for m, n in pairs_on(modes, bond):
            form[[m, n], [n, m]] -= 0.25 * strength
    return form


def lowest(form: NDArray[np.float64]) -> float:
    """Return the lowest eigenvalue of a quadratic form; infinity without modes."""
    return float(np.linalg.eigvalsh(form)[0]) if len(form) else np.inf


def lowest_frequency(
    modes: Sequence[Mode], bonds: Sequence[Bond], values: Values, most: tuple[float, float] = (2.0, 1.0)
) -> float:
    """Return the lowest frequency of an Einstein oscillator or of a normal mode about zero; infinity without modes.

    The charges are those that soften the lattice most; with a stabilizing quartic potential the result is at least one
    third of the lowest bare frequency.
    """
    if not len(modes):
        return np.inf
    frequency = values["phonons.frequency"]
    least = float(np.min(frequency))
    *_, (_, form) = stiffness(modes, bonds, values, most)
    masses = np.diag(frequency / 4) + hops(modes, bonds, values["phonons.hopping"])
    root = np.linalg.cholesky(masses)
    squares = 16.0 * np.linalg.eigvalsh(root.T @ form @ root)
    soft = np.sqrt(max(float(squares[0]), least**2 / 9 if np.any(values["phonons.quartic"]) else 0.0))
    return min(least, float(soft)) if np.any(form != np.diag(frequency / 4)) else least


def furthest(
    modes: Sequence[Mode],
    bonds: Sequence[Bond],
    values: Values,
    forces: NDArray[np.float64],
    most: tuple[float, float] = (2.0, 1.0),
) -> NDArray[np.float64]:
    """Return bounds on the minima x of the potential of each mode, shape (modes, 2).

    Parameters
    ----------
    modes, bonds, values
        Modes, bonds and couplings of a model.
    forces : (modes, 2) float
        The smallest and the largest force -dH/dx of the charges on each mode.
    most : (float, float)
        Largest number of electrons and of local pairs on a site.
    """
    *_, (_, form) = stiffness(modes, bonds, values, most)
    cubic, quartic = values["phonons.cubic"], values["phonons.quartic"]
    soft = np.minimum(np.diag(form), np.where(quartic > 0, np.inf, lowest(form)))
    found = np.zeros((len(modes), 2))
    for m, ends in enumerate(forces):
        for stiff in (float(soft[m]), float(values["phonons.frequency"][m] / 4)):
            for force in ends.tolist():
                roots = np.polynomial.Polynomial([-force, 2 * stiff, 3 * cubic[m], 4 * quartic[m]]).roots()
                places = roots.real[np.abs(np.imag(roots)) <= 1e-9 * (1.0 + np.abs(roots))]
                found[m] = min(found[m, 0], *places), max(found[m, 1], *places)
    return found


def lattice_problems(
    modes: Sequence[Mode], bonds: Sequence[Bond], values: Values, most: tuple[float, float] = (2.0, 1.0)
) -> Iterator[Problem]:
    """Yield the couplings for which the lattice energy is not bounded below."""
    frequency, cubic, quartic = (values[f"phonons.{key}"] for key in ("frequency", "cubic", "quartic"))
    if not len(modes) or not np.all(frequency > 0):
        return
    least = LEAST * float(np.max(frequency))
    if np.any(quartic < 0):
        value = float(np.min(quartic))
        yield Problem("phonons.quartic", f"{value:g}", f"allowed: 0 or more; below 0 {NO_LOWEST}")
        return
    if np.any((cubic != 0) & (quartic == 0)):
        value = float(cubic[(cubic != 0) & (quartic == 0)][0])
        yield Problem("phonons.cubic", f"{value:g}", f"allowed: 0 where phonons.quartic is 0; else {NO_LOWEST}")
    if lowest(np.diag(frequency / 4) + hops(modes, bonds, values["phonons.hopping"])) <= least:
        yield Problem(
            "phonons.hopping", _largest(values["phonons.hopping"]), f"{TOO_LARGE} of a plane wave; {NO_LOWEST}"
        )
        return
    soft = np.flatnonzero(quartic == 0)
    forms = [(key, lowest(form[np.ix_(soft, soft)])) for key, form in stiffness(modes, bonds, values, most)]
    if forms[-1][1] <= least:
        key = next(key for key, value in forms if value <= least)
        yield Problem(key, _largest(values[key]), CURES[key])


NO_LOWEST = "the lattice has no lowest energy"
TOO_LARGE = f"allowed: values that leave the frequency of every plane wave above 0; else {NO_LOWEST}"
CURES: Mapping[str, str] = {
    "phonons.quadratic": f"allowed: above -omega_0 / 4; else {NO_LOWEST} unless phonons.quartic is above 0 there",
    "phonons.electron_quadratic": "allowed: omega_0 / 4 + c_2 + 2 q_F above 0, with two electrons on the site (q_F "
    "where it has one at most); else "
    f"{NO_LOWEST} unless phonons.quartic is above 0 there",
    "phonons.boson_quadratic": "allowed: omega_0 / 4 + c_2 + q_B above 0 (for each local pair that fits on the site), "
    f"with the electrons of the site where they soften it too; else {NO_LOWEST} unless phonons.quartic is above 0 "
    "there",
    "phonons.spring": f"it makes a normal mode unstable: {NO_LOWEST}; raise it, or give phonons.quartic above 0",
    "phonons.hopping": f"it makes a normal mode unstable: {NO_LOWEST}; lower it, or give phonons.quartic above 0",
}
"""Allowed values of couplings for which the potential is not positive definite."""


def _largest(values: NDArray[np.float64]) -> str:
    return f"{float(values[np.argmax(np.abs(values))]):g}"
