"""Bands of one and two particles on infinite lattices, and pair binding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..._core.arguments import real_number, shown, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, ModelFunction, Sector
from ...hamiltonians.arguments import a_model, a_model_function
from ...solvers import Options, infinite_levels
from ...solvers.arguments import read_options
from ..labelled import dataset_of
from .cloud import phonon_cloud
from .mass import effective_mass

POINTS = 9
"""Number of wave vectors from 0 to pi along each direction in the search for the band minimum."""
FEW = 20_000
"""Size of the space in which triplets are solved, which are mostly unbound."""
QUICK = 2_000
"""Size of the space used in the search for the band minimum."""
STEEP = 3.0
"""Binding energy, in units of the smallest resolved one, at a value from which the boundary is extrapolated."""
FURTHER = 0.75
"""Error bar of an extrapolated boundary, as a fraction of the extrapolated distance."""
ZETA = 2.612375348685488
"""zeta(3/2), for the ideal Bose gas."""


def _vectors(name: str, value: Any) -> NDArray[np.float64]:
    """Return wave vectors as (n, dimension); the dimension is checked later."""
    try:
        vectors = np.asarray(value, float)
    except (TypeError, ValueError):
        vectors = np.empty(0)
    if vectors.ndim > 2 or not vectors.size or not np.all(np.isfinite(vectors)):
        allowed = "one or more finite numbers, as [0.0, 0.5], or on planes lists of two, as [[0.0, 0.0], [0.5, 0.0]]"
        raise InvalidValue(f"{name} = {shown(value)} is invalid; allowed: {allowed}")
    return vectors.reshape(len(np.atleast_1d(vectors)), -1)


@taking(model=a_model, wave_vectors=_vectors, options=read_options)
def infinite_band(
    model: Model,
    wave_vectors: Sequence[float] | Sequence[Sequence[float]],
    charge: int = 1,
    two_sz: int | None = None,
    accuracy: float | None = None,
    options: Options | None = None,
) -> xr.Dataset:
    """Compute the lowest level at given wave vectors.

    Parameters
    ----------
    model : Model
        A model on an infinite lattice.
    wave_vectors : (n,) or (n, dimension) float
        Total wave vectors, Cartesian, in radians per site.
    charge, two_sz : int
        Charge and spin of the particles.
    accuracy : float, optional
        Largest error bar [energy].
    options : Options, optional
        Options of the solver.

    Returns
    -------
    xarray.Dataset
        ``energies`` and ``weight`` (Z) over ``k``, with ``energy_errors`` and ``weight_error``, ``wave_vector``
        (k, axis), ``bandwidth``, the difference of the highest and the lowest of these energies.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons
    >>> infinite_band(Model(infinite_chain(), Electrons(hopping=1.0)), [0.0, np.pi]).energies.values.round(12)
    array([-2.,  2.])
    """
    found = [
        infinite_levels(model, Sector(charge, two_sz, wave_vector=tuple(k)), 1, accuracy, options)
        for k in np.asarray(wave_vectors).tolist()
    ]
    energies = np.array([levels.energies[0] for levels in found])
    clouds = [phonon_cloud(levels) for levels in found]
    table: dict[str, tuple[Any, ...]] = {
        "wave_vector": (np.asarray(wave_vectors), "k axis", "k"),
        "energies": (energies, "k", "E(k)", "energy"),
        "energy_errors": (
            np.array([x.certificate.energy_errors[0] for x in found]),
            "k",
            "error bar of E(k)",
            "energy",
        ),
        "weight": (np.array([float(c["weight"]) for c in clouds]), "k", "Z(k)"),
        "weight_error": (np.array([float(c["weight_error"]) for c in clouds]), "k", "error bar of Z(k)"),
        "bandwidth": (float(np.ptp(energies)), "", "max E(k) - min E(k)", "energy"),
    }
    return dataset_of(table)


@taking(model=a_model, options=read_options)
def pair_binding(model: Model, accuracy: float | None = None, options: Options | None = None) -> xr.Dataset:
    r"""Compute whether two particles bind, and the mass and the size of the pair.

    .. math:: \Delta_b = E_2 - 2 \min_k E_1(k)

    with the lowest energy E_2 of two particles with S_z = 0 at total wave vector 0; negative values mean binding. An
    ideal Bose gas of pairs with density n_p and mass m condenses at :math:`T = (2\pi/m)\,(n_p/\zeta(3/2))^{2/3}`. The
    pairs begin to overlap at the density of one pair per sphere with the radius of a pair, at which the estimate is
    largest; ``condensation_temperature`` is this value, an upper estimate for pairs that are isotropic in three
    dimensions with the in-plane mass and size. On the chain it is only an order of magnitude.

    Parameters
    ----------
    model : Model
        A model on an infinite lattice.
    accuracy : float, optional
        Largest error bar of each level [energy].
    options : Options, optional
        Options of the solver.

    Returns
    -------
    xarray.Dataset
        ``binding`` and its error bar; ``single``, ``singlet`` (lowest level with S_z = 0), ``triplet`` (lowest with
        S_z = 1, in a small space, with its error bar), ``single_wave_vector`` (axis,); of bound pairs ``pair_mass``
        (principal,), ``pair_size``, ``pair_weight``, ``condensation_temperature``, NaN for unbound pairs.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons
    >>> attractive = Model(infinite_chain(), Electrons(hopping=1.0, hubbard_u=-4.0))
    >>> print(f"{pair_binding(attractive, accuracy=1e-8).binding.item():.6f}")  # 4 - sqrt(U^2 + 16)
    -1.656854
    """
    k, single, single_error = _bottom(model, accuracy, options)
    pair = infinite_levels(model, Sector(2, 0), 1, accuracy, options)
    few = replace(options or Options(), max_states=FEW)
    triplet = infinite_levels(model, Sector(2, 2), 1, accuracy, few) if model.electrons is not None else None
    bound = float(pair.energies[0]) - 2 * single
    error = float(pair.certificate.energy_errors[0]) + 2 * single_error
    shape, mass = phonon_cloud(pair), effective_mass(pair)
    size, masses = float(shape["pair_size"]), mass["mass"].values
    is_bound = bound < -error

    def of_bound(value: Any) -> Any:
        return value if is_bound else np.full(np.shape(value), np.nan)

    table: dict[str, tuple[Any, ...]] = {
        "binding": (bound, "", "E_2 - 2 min_k E_1(k)", "energy"),
        "binding_error": (error, "", "error bar of binding", "energy"),
        "single": (single, "", "min_k E_1(k)", "energy"),
        "single_wave_vector": (k, "axis", "where E_1 is lowest"),
        "singlet": (float(pair.energies[0]), "", "E_2 at S_z = 0, k = 0", "energy"),
        "triplet": (np.nan if triplet is None else float(triplet.energies[0]), "", "E_2 at S_z = 1, k = 0", "energy"),
        "triplet_error": (
            np.nan if triplet is None else float(triplet.certificate.energy_errors[0]), "", "its error bar", "energy",
        ),
        "pair_mass": (of_bound(masses), "principal", "mass of the pair", "1/energy"),
        "pair_mass_error": (of_bound(mass["mass_error"].values), "principal", "error bar of the mass", "1/energy"),
        "pair_size": (of_bound(size), "", "root mean square distance of the electrons"),
        "pair_weight": (of_bound(float(shape["weight"])), "", "probability of the bare pair"),
        "condensation_temperature": (
            of_bound(condensation_temperature(masses, size)), "", "(2 pi / m) (n_p / zeta(3/2))^(2/3)", "energy",
        ),
    }  # fmt: skip
    return dataset_of(table)


def condensation_temperature(masses: NDArray[np.float64], size: float) -> float:
    r"""Return the condensation temperature of pairs at the density at which they begin to overlap.

    .. math:: T = \frac{2\pi}{\bar m} \left(\frac{n_p}{\zeta(3/2)}\right)^{2/3},\quad n_p = \frac{3}{4\pi R^3}

    with the geometric mean of the masses and the root mean square size R of a pair, at least one site.

    Parameters
    ----------
    masses : (n,) float
        Masses along the principal axes [1/energy].
    size : float
        Root mean square distance of the electrons [sites].

    Examples
    --------
    >>> round(condensation_temperature(np.array([2.0, 2.0]), 1.0), 4)
    0.6374
    """
    if np.any(np.asarray(masses) <= 0):
        return np.nan
    mean = float(np.exp(np.mean(np.log(masses))))
    density = 3 / (4 * np.pi * max(size, 1.0) ** 3)
    return float(2 * np.pi / mean * (density / ZETA) ** (2 / 3))


def _bottom(model: Model, accuracy: float | None, options: Options | None) -> tuple[NDArray[np.float64], float, float]:
    """Return the wave vector of the band minimum of one particle, its energy and the error bar."""
    rows = len(model.cluster.cell)
    line = np.linspace(0.0, np.pi, POINTS)
    diagonals = [np.ones(rows)] if rows == 1 else [np.array([1.0, 1.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    vectors = np.unique([x * d for d in diagonals for x in line], axis=0)
    quick = replace(options or Options(), max_states=QUICK)

    def energy(k: NDArray[np.float64], options: Options | None = options) -> tuple[float, float]:
        found = infinite_levels(model, Sector(1, wave_vector=tuple(k.tolist())), 1, accuracy, options)
        return float(found.energies[0]), float(found.certificate.energy_errors[0])

    best = vectors[np.argmin([energy(k, quick)[0] for k in vectors])]
    step = np.pi / (POINTS - 1)
    at_symmetry = all(abs(np.sin(x)) < 1e-9 for x in best)
    for _ in range(0 if at_symmetry else 12):  # parabolic interpolation along the line of the lowest point
        along = best / np.linalg.norm(best)
        three = [energy(best + s * step * along)[0] for s in (-1, 0, 1)]
        curvature = three[0] - 2 * three[1] + three[2]
        if curvature <= 0:
            break
        move = 0.5 * (three[0] - three[2]) / curvature
        best = best + np.clip(move, -1, 1) * step * along
        if abs(move) * step < 1e-4:
            break
        step = max(step / 4, 2e-3)
    return best, *energy(best)


@taking(model_of=a_model_function, options=read_options)
def binding_boundary(
    model_of: ModelFunction,
    between: tuple[float, float],
    tolerance: float = 1e-3,
    accuracy: float = 1e-6,
    options: Options | None = None,
    progress: Callable[[float], None] = lambda value: None,
) -> xr.Dataset:
    r"""Find the value of a parameter at which two particles begin to bind.

    The value at which the binding energy is three times the accuracy is bracketed. Pairs whose size diverges at
    unbinding have :math:`-\Delta_b \propto (x - x_0)^2` on the chain, others a steeper binding energy: the boundary
    lies between this value and the extrapolated :math:`x_0`, which determines the error bar.

    Parameters
    ----------
    model_of : function
        From a value to a model on an infinite lattice, with `respair.with_parameter` for example.
    between : (float, float)
        Values with and without binding.
    tolerance : float
        Accuracy of the parameter.
    accuracy : float
        Accuracy of the energies.
    options : Options, optional
        Options of the solver.
    progress : function
        Called with each value before it is solved.

    Returns
    -------
    xarray.Dataset
        ``boundary`` and ``boundary_error``; ``parameter`` and ``binding`` over ``step``, all evaluations.

    Raises
    ------
    InvalidValue
        If pairs are bound at both ends, or at none.
    """
    tolerance = real_number("tolerance", tolerance, "a number above 0", 1e-14)
    seen: dict[float, float] = {}

    def shift(value: float) -> float:
        if value not in seen:
            progress(value)
            model = model_of(value)
            _, single, _ = _bottom(model, accuracy, options)
            pair = infinite_levels(model, Sector(2, 0), 1, accuracy, options)
            seen[value] = float(pair.energies[0]) - 2 * single + 3 * accuracy
        return seen[value]

    low, high = map(float, between)
    if shift(low) * shift(high) > 0:
        state = "bound" if shift(low) < 0 else "not bound"
        raise InvalidValue(f"pairs are {state} at {low:g} and at {high:g}; give values on both sides of the boundary")
    root = float(brentq(shift, low, high, xtol=tolerance))
    last, further = _extrapolated(shift, seen, low if shift(low) < 0 else high, root, 3 * accuracy)
    values = sorted(seen)
    return dataset_of(
        {
            "boundary": (last + 0.5 * further, "", "where E_2 = 2 min E_1"),
            "boundary_error": (tolerance + FURTHER * abs(further), "", "error bar of the boundary"),
            "parameter": (np.array(values), "step", "values computed"),
            "binding": (np.array([seen[x] - 3 * accuracy for x in values]), "step", "E_2 - 2 min E_1", "energy"),
        }
    )


def _extrapolated(
    shift: Callable[[float], float], seen: Mapping[float, float], bound: float, root: float, least: float
) -> tuple[float, float]:
    """Return the last value with binding, and the extrapolated distance from square roots of binding energies."""
    last = min((x for x, value in seen.items() if value < 0), key=lambda x: abs(x - root))
    inside = bound
    for part in (0.02, 0.1, 0.4):
        inside = last + part * (bound - last)
        if shift(inside) < -STEEP * least:
            break
    here, there = (np.sqrt(max(least - shift(x), 0.0)) for x in (last, inside))
    slope = (there - here) / (inside - last) if inside != last else 0.0
    return last, float(-here / slope) if slope else bound - last
