"""Comparison of approximations with exact results: errors, best approximation, and checks of claimed bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from ..._core.arguments import instance, scalar, taking
from ...clusters import InvalidValue, Told
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.arguments import a_model
from ...hamiltonians.parameters import show
from ...hamiltonians.terms import energy_unit
from ...solvers import Eigenstates, LabelledLevels, Options, infinite_levels
from ..labelled import Row, arrays
from ..observables.error_bars import isolated_ground, mixing
from ..observables.table import available, observables
from ..thermal.averages import thermal_averages
from .base import BOUNDED, Approximation, Where
from .charges import COHERENT, DIAGONAL, LOCAL, SUMMED
from .diagrams.results import RESPONSES, exact_response
from .table import STANDARD

WITHIN = (0.01, 0.05, 0.2)
"""Levels of relative errors that are reported."""
SECTOR_QUANTITIES = ("energies", *DIAGONAL, *COHERENT, "displacement")
"""Quantities compared in a sector."""
THERMAL_QUANTITIES = (*SUMMED, *LOCAL, *RESPONSES)
"""Quantities compared at a temperature."""
ROUNDING = 1e-10
"""Relative rounding error tolerated in checks of bounds."""
ZERO = 1e-12
"""Relative errors are not computed for exact values smaller than this."""
Levels = Eigenstates | LabelledLevels


class BoundViolation(Told, ArithmeticError):  # noqa: N818 - it says what happened
    """A claimed bound is violated by more than the uncertainty of the exact result."""


def quantities_of(where: Where) -> tuple[str, ...]:
    """Return the names of the quantities that can be compared."""
    return SECTOR_QUANTITIES if isinstance(where, Sector) else THERMAL_QUANTITIES


def _where(name: str, value: Any) -> Where:
    """Return a sector or a temperature; an integer is ambiguous and raises an error."""
    value = scalar(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        raise InvalidValue(
            f"{name} = {value} may be a charge or a temperature: write Sector(charge={value}), or {float(value)}"
        )
    instance(name, value, (Sector, float), "write Sector(charge=2), or a temperature as 0.5")
    where: Where = value
    return where


@taking(model=a_model, where=_where)
def compare(
    model: Model,
    where: Where,
    names: Sequence[str] | None = None,
    registry: Mapping[str, Approximation] = STANDARD,
    quantities: Sequence[str] | None = None,
    options: Options | None = None,
    levels: Levels | None = None,
) -> xr.Dataset:
    """Compare approximations with exact results.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    where : Sector or float
        The sector whose ground level is compared, or the temperature of the grand-canonical ensemble; at T = 0 the
        lowest level over all charges, with mu contained in H. An integer is ambiguous and raises an error: write
        ``2.0``.
    names : sequence of str, optional
        Names of approximations; by default all of the registry that apply.
    registry : mapping, optional
        Approximations by name: ``{**STANDARD, "mine": Approximation("mine", my_function)}`` adds a user-defined one.
    quantities : sequence of str, optional
        Quantities to compare; by default all that are computed exactly and by an approximation.
    options : Options, optional
        Options of the exact solver.
    levels : Eigenstates or LabelledLevels, optional
        The exact ground level of the sector and the next level, if known.

    Returns
    -------
    xarray.Dataset
        For each quantity Q over ``approximation``: ``Q`` (NaN if not defined), ``absolute_error_Q`` (the largest over
        sites and so on), ``relative_error_Q`` (relative to the largest exact element), ``within_Q``, the smallest of
        0.01, 0.05, 0.2 that exceeds it (NaN for none); and ``exact_Q``, ``exact_error_Q``, its error bar, and
        ``best_Q``, the name of the best approximation. ``claim`` and ``residual`` over ``approximation``; further
        variables of an approximation as ``own.NAME.variable``, with separate dimensions.

    Raises
    ------
    InvalidModel
        If an approximation is unknown or does not apply, with the reason, or a quantity is unknown.
    BoundViolation
        If a claimed bound is violated by more than the rigorous bound of the certificate.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> lattice = Phonons(1.0, electron_coupling=1.2, max_quanta=25, frame="mean")
    >>> data = compare(Model(dimer(), Electrons(1.0), phonons=lattice), Sector(1), ["lang-firsov", "adiabatic"])
    >>> str(data.best_energies.values), data.within_energies.values
    ('adiabatic', array([0.2 , 0.05]))
    """
    if names is None:
        names = [name for name, each in registry.items() if each.reason(model, where) is None]
    problems = list(comparison_problems(model, where, names, registry, quantities))
    if problems:
        raise InvalidModel(problems)
    found = {name: registry[name](model, where) for name in names}
    defined = {str(variable) for data in found.values() for variable in data.data_vars}
    wanted = quantities_of(where) if quantities is None else quantities
    asked = [q for q in wanted if q in defined]
    exact, errors, slack = _exact(model, where, [q for q in asked if q not in RESPONSES], options, levels)
    if not isinstance(where, Sector):
        allowed = () if quantities else (InvalidValue,)  # too many levels for an exact sum
        for name in (q for q in asked if q in RESPONSES):
            with suppress(*allowed):
                exact[name], errors[name] = exact_response(name, model, where, options)
    for name, data in found.items():
        _check_bound(registry[name], data, exact, slack, energy_unit(model))
    variables: dict[str, xr.DataArray] = {}
    for quantity in exact.data_vars:
        variables |= _compared(str(quantity), exact[quantity], errors.get(str(quantity), np.nan), found)
    residuals = np.array([float(data.get("residual", np.nan)) for data in found.values()])
    claims = np.array([registry[name].claim for name in found])
    texts = {
        "claim": (claims, "approximation", "claim"),
        "residual": (residuals, "approximation", "defect of the self-consistency"),
    }
    variables |= arrays(texts)
    for name, data in found.items():
        variables |= dict(_own(name, data, exact))
    return xr.Dataset(variables).assign_coords(approximation=list(found))


def comparison_problems(
    model: Model,
    where: Where,
    names: Sequence[str],
    registry: Mapping[str, Approximation] = STANDARD,
    quantities: Sequence[str] | None = None,
) -> Iterator[Problem]:
    """Yield the problems of a comparison, as keys of ``[compare]``."""
    if not names:
        yield Problem("compare.approximations", show([]), f"none applies; there are {', '.join(registry)}")
    for i, name in enumerate(names):
        path = f"compare.approximations[{i}]"
        if name not in registry:
            yield Problem(path, show(name), f"allowed: {', '.join(registry)}")
        elif (why := registry[name].reason(model, where)) is not None:
            yield Problem(path, show(name), f"does not apply: {why}")
    for i, name in enumerate(quantities or ()):
        if name not in quantities_of(where):
            yield Problem(f"compare.quantities[{i}]", show(name), f"allowed: {', '.join(quantities_of(where))}")


def comparison_map(
    model_at: Callable[..., Model],
    axes: Mapping[str, Sequence[float]],
    where: Where | Callable[..., Where],
    names: Sequence[str],
    registry: Mapping[str, Approximation] = STANDARD,
    quantities: Sequence[str] | None = None,
    options: Options | None = None,
) -> xr.Dataset:
    """Compare approximations over parameters: maps of the errors and of the best approximation.

    Parameters
    ----------
    model_at : function
        From the values of the axes, by name, to the model.
    axes : mapping of str to sequence of float
        Values of the parameters.
    where : Sector, float, or function
        As for `compare`; a function has the arguments of `model_at`.
    names, registry, quantities, options
        As for `compare`.

    Returns
    -------
    xarray.Dataset
        As for `compare`, with the axes as leading dimensions, without further variables of individual approximations.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> def holstein(omega0, alpha):
    ...     return Model(dimer(), Electrons(1.0), phonons=Phonons(omega0, [0], 0.0, alpha, max_quanta=20))
    >>> axes = {"omega0": [0.2, 5.0], "alpha": [0.5, 1.0]}
    >>> data = comparison_map(holstein, axes, Sector(1), ["lang-firsov", "adiabatic"], quantities=["energies"])
    >>> data.best_energies.values.tolist()
    [['adiabatic', 'adiabatic'], ['lang-firsov', 'adiabatic']]
    """
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    parts = []
    for point in points:
        here = where(**point) if callable(where) else where
        data = compare(model_at(**point), here, names, registry, quantities, options)
        parts.append(data.drop_vars([name for name in data.data_vars if str(name).startswith("own.")]))
    whole = xr.concat(parts, "point", coords="minimal", compat="override", join="exact", combine_attrs="override")
    shape = [len(values) for values in axes.values()]
    folded = {
        name: ((*axes, *array.dims[1:]), array.values.reshape(*shape, *array.shape[1:]), array.attrs)
        for name, array in ((n, whole[n].transpose("point", ...)) for n in whole.data_vars if "point" in whole[n].dims)
    }
    rest = {name: whole[name] for name in whole.data_vars if "point" not in whole[name].dims}
    coords = {name: list(values) for name, values in axes.items()}
    return xr.Dataset(folded | rest, coords={**coords, "approximation": whole["approximation"].values})


def _exact(
    model: Model, where: Where, wanted: Sequence[str], options: Options | None, levels: Levels | None
) -> tuple[xr.Dataset, dict[str, float], float]:
    """Return the exact quantities, their error bars, and the rigorous error bound of the bounded quantity."""
    if not isinstance(where, Sector) and where > 0:
        names = [n for n in wanted if n in LOCAL and n in available(model)]
        data = thermal_averages(model, [where], names=names, options=options).isel(temperature=0, drop=True)
        there = [n for n in wanted if n in data]
        errors = {n: float(np.max(data[f"{n}_error"].values)) for n in there}
        return data[there], errors, 5 * float(data["grand_potential_error"])
    if isinstance(where, Sector) and model.cluster.is_infinite:
        found = infinite_levels(model, where, options=options)
        bar = float(found.certificate.energy_errors[0])
        exact = arrays({"energies": (found.energies, "level", "lowest energy", "energy")})
        return xr.Dataset(exact), {"energies": bar}, bar
    if isinstance(where, Sector):
        levels, charge = levels or isolated_ground(model, where, options), where.charge
    else:  # the lowest level over all charges, mu inside H, each with its smallest |S_z|
        charges = [n for n in range(model.max_charge + 1) if model.electrons is not None or n % 2 == 0]
        lowest = {n: isolated_ground(model, Sector(n), options) for n in charges}
        charge = min(charges, key=lambda n: float(lowest[n].energies[0]))
        levels = levels or lowest[charge]
    measured = observables(levels.ground, [n for n in wanted if n in available(model)])
    energy, certificate = levels.energies[:1], levels.certificate
    if isinstance(where, Sector):
        new = arrays({"energies": (energy, "level", "lowest energy", "energy")})
    else:
        table: dict[str, Row] = {n: (energy[0], "", f"{n} at T = 0", "energy") for n in ("grand_potential", "energy")}
        table["charge"] = (float(charge), "", "<N>, N = N_e + 2 N_b")
        new = {n: array for n, array in arrays(table).items() if n in wanted}
    angle = mixing(levels)
    errors = {str(n): 2 * angle * float(np.max(np.abs(a.values), initial=0.0)) for n, a in measured.data_vars.items()}
    errors |= {n: float(certificate.energy_errors[0]) for n in new}
    order = [n for n in wanted if n in new or n in measured]
    return measured.assign(new)[order], errors, float(certificate.bounds[0])


def _check_bound(each: Approximation, data: xr.Dataset, exact: xr.Dataset, slack: float, unit: float) -> None:
    if each.bound == "none":
        return
    sign, side = (-1.0, "below") if each.bound == "upper" else (1.0, "above")
    for name in (name for name in BOUNDED if name in data and name in exact):
        value, right = (float(np.ravel(source[name].values)[0]) for source in (data, exact))
        if sign * (value - right) > slack + ROUNDING * max(unit, abs(right)):
            raise BoundViolation(
                f"{each.name} claims to be an {each.bound} bound, but its {name} {value:.12g} lies {side} the exact "
                f"{right:.12g} by more than the uncertainty {slack:.2g} of the certificate; raise the phonon cutoff, "
                "or correct the claim"
            )


def _compared(name: str, exact: xr.DataArray, error: float, found: Mapping[str, xr.Dataset]) -> dict[str, xr.DataArray]:
    """Return the variables of one quantity; NaN for approximations that do not define it."""
    units, right, over = exact.attrs.get("units", "1"), exact.values, " ".join(map(str, exact.dims))
    values = np.full((len(found), *right.shape), np.nan, np.result_type(right, float))
    for k, data in enumerate(found.values()):
        if name in data:
            given = data[name].values
            values[k] = (given[: len(right)] if name == "energies" else given).reshape(right.shape)
    off = np.max(np.abs(values - right).reshape(len(found), -1), axis=1, initial=0.0)
    size = float(np.max(np.abs(right), initial=0.0))
    relative = off / size if size > (ZERO if units == "1" else 0.0) else np.full(len(found), np.nan)
    within = np.array([next((w for w in WITHIN if r <= w), np.nan) for r in relative])
    best = list(found)[int(np.nanargmin(off))] if not np.all(np.isnan(off)) else ""
    table = {
        name: (values, f"approximation {over}", f"{name} by approximation", units),
        f"exact_{name}": (right, over, f"exact {name}", units),
        f"exact_error_{name}": (float(np.max(error)), "", f"error bar of {name}", units),
        f"absolute_error_{name}": (off, "approximation", "max |approximate - exact|", units),
        f"relative_error_{name}": (relative, "approximation", "the same / max |exact|"),
        f"within_{name}": (within, "approximation", "smallest of 0.01, 0.05, 0.2 that covers it"),
        f"best_{name}": (np.array(best), "", "name of the nearest"),
    }
    return arrays(table)


def _own(name: str, data: xr.Dataset, exact: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield the further variables of an approximation, with separate dimensions."""
    prefix = f"own.{name}"
    for variable, array in data.data_vars.items():
        if (variable in exact and variable != "energies") or variable == "residual" or array.dtype.kind not in "fciub":
            continue
        plain = array.drop_vars(list(array.coords))
        yield f"{prefix}.{variable}", plain.rename({dim: f"{prefix}.{dim}" for dim in plain.dims})
