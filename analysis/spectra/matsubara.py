"""Resolvents of two operators at complex frequencies, and Matsubara frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import is_whole, real_number, shown, whole_number
from ...clusters import InvalidValue
from ...hamiltonians import Operator
from ...hamiltonians.parameters import LARGEST
from ...solvers import Eigenstates, LabelledLevels, Options
from ...solvers.costs import check_memory
from ...solvers.krylov.resolvents import Accuracy, Lines, added, spectral_lines
from .excitations import by_energy, images_of, off_ground, offset_of

STATISTICS = {"fermion": 1, "boson": 0}
"""2 n + 1 for fermions, 2 n for bosons, in units of pi T."""


def matsubara_frequencies(temperature: float, count: int, statistics: str = "fermion") -> NDArray[np.complex128]:
    r"""Return Matsubara frequencies, ``i (2 n + 1) pi T`` of fermions or ``2 i n pi T`` of bosons, n = 0, 1, ...

    Parameters
    ----------
    temperature : float
        T above 0 [energy].
    count : int
        Number of frequencies.
    statistics : str
        "fermion" or "boson".

    Examples
    --------
    >>> (matsubara_frequencies(0.5, 2) / np.pi).tolist()
    [0.5j, 1.5j]
    """
    temperature = real_number("temperature", temperature, "a number above 0", np.finfo(float).tiny)
    if statistics not in STATISTICS:
        raise InvalidValue(f"statistics = {statistics!r} is unknown; allowed: {', '.join(STATISTICS)}")
    n = np.arange(whole_number("count", count, 1))
    return np.asarray(1j * np.pi * temperature * (2 * n + STATISTICS[statistics]), complex)


def complex_frequencies(name: str, value: Any) -> NDArray[np.complex128]:
    """Return frequencies in the upper half plane; raise an error for others."""
    try:
        z = np.atleast_1d(np.asarray(np.nan if isinstance(value, str) else value, complex))
    except (TypeError, ValueError):
        z = np.array([np.nan + 0j])
    if z.ndim != 1 or not z.size or not np.all(np.isfinite(z)) or np.any(np.abs(z) > LARGEST):
        allowed = f"a list of one or more complex numbers, at most {LARGEST:g} in size"
        raise InvalidValue(f"{name} = {shown(value)} is invalid; allowed: {allowed}")
    if np.any(z.imag < 1 / LARGEST):
        at = int(np.flatnonzero(z.imag < 1 / LARGEST)[0])
        raise InvalidValue(
            f"{name}[{at}] = {z[at]} is invalid; allowed: above the real axis, as matsubara_frequencies(0.1, 50), or "
            "omega + 0.1j"
        )
    return z


def lines_between(
    levels: Eigenstates | LabelledLevels,
    right: Operator,
    left: Operator,
    z: NDArray[np.complex128],
    sign: int,
    options: Options,
    *,
    off: bool = False,
) -> Lines:
    r"""Return the lines ``sum_n <0|L^+|n><n|R|0>`` at ``sign (E_n - E_0)``, averaged over the ground level.

    ``sum_n w_n / (z - omega_n)`` is accurate at all z, within the bound ``error`` of `spectral_lines`.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    right, left : Operator
        R and L.
    z : (n,) complex
        Frequencies above the real axis.
    sign : int
        1, or -1 for lines at E_0 - E_n.
    options : Options
        Engine and memory.
    off : bool
        Whether to exclude the ground level from the states n.
    """
    parts = []
    for energy, state in by_energy(levels.ground, float(levels.relative[0])):
        for target, images, others in images_of(state, right, None if left is right else left):
            offset = offset_of(target, levels)
            own = state.block.sector
            if off and target.sector.plain == own.plain:
                images = [off_ground(v, target, levels.ground) for v in images]
            check_memory(target.space.model, target.sector, options.engine, 1, options.memory_limit)
            how = Accuracy(np.asarray(energy - offset + sign * z.real + 1j * z.imag, np.complex128))
            partners = None if others is None else np.array(others)
            found = spectral_lines(target, np.array(images), how, options.engine, partners)
            parts.append(replace(found, energies=sign * (found.energies - energy + offset)))
    return added(tuple(parts))


def resolvent(lines: Lines, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return ``sum_n w_n / (z - omega_n)``."""
    if not len(lines.energies):
        return np.zeros(len(z), complex)
    return np.asarray((lines.weights / (z[:, None] - lines.energies)).sum(axis=1), complex)


def places(name: str, given: Sequence[int] | None, count: int) -> list[int]:
    """Return indices after checking that each occurs once; all by default."""
    asked = np.arange(count) if given is None else np.atleast_1d(np.asarray(given, dtype=object))
    right = asked.ndim == 1 and len(asked) and all(is_whole(i) and 0 <= i < count for i in asked)
    if not right or len(set(asked.tolist())) < len(asked):
        raise InvalidValue(f"{name} = {shown(given)} is invalid; allowed: some of 0 to {count - 1}, each once")
    return [int(i) for i in asked]
