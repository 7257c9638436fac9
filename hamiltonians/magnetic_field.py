"""Magnetic fields: integer flux quanta through the cell, or any flux through each plaquette of an open cluster."""

from __future__ import annotations

import cmath
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clusters import Cluster
from ..clusters.magnetic import frame, in_field, plaquette_area, through_frame, through_rows, without_field
from .parameters import Problem, is_number, show

MagneticFlux = int | float | tuple[int, ...] | Mapping[str, Any]
"""Flux quanta through the cell (one number, three in space), or ``{"plaquette": ...}`` through each plaquette."""
KEY = "field.magnetic_flux"
WHOLE = 1e-9
"""Numbers of flux quanta closer than this to an integer are integers."""


def as_magnetic(given: Any) -> MagneticFlux:
    """Return a valid field in the form stored by a model: 0, a number, a tuple, or a table."""
    if isinstance(given, Mapping):
        part = given["plaquette"]
        plain = tuple(map(float, part)) if _is_list(part) else float(part)
        return {"plaquette": plain} if np.any(part) else 0
    numbers = tuple(round(number) for number in np.ravel(given).tolist())
    return 0 if not any(numbers) else numbers if len(numbers) > 1 else numbers[0]


def magnetic_problems(cluster: Cluster, given: Any) -> Iterator[Problem]:
    """Yield the problems of a magnetic field."""
    axes = 3 if cluster.coordinates.shape[1] == 3 else 1
    three = "a list of three, through the rows 2 and 3, 3 and 1, 1 and 2 of the supercell"
    whole = "a whole number of flux quanta through the cell" if axes == 1 else f"whole numbers of flux quanta, {three}"
    part: Any = given.get("plaquette") if isinstance(given, Mapping) else given
    numbers = list(part) if _is_list(part) else [part]
    if (isinstance(given, Mapping) and set(given) != {"plaquette"}) or not all(map(is_number, numbers)):
        yield Problem(KEY, show(given), f"allowed: {whole}, or {{ plaquette = ... }}, those through each plaquette")
        return
    if not np.any(numbers):
        return
    if why := _no_place(cluster):
        yield Problem(KEY, show(given), f"allowed: 0 here; {why}")
    elif len(numbers) != axes:
        lists = "a list of three, the field along x, y and z" if isinstance(given, Mapping) else three
        yield Problem(KEY, show(given), f"allowed: {'one number in the plane' if axes == 1 else lists}")
    elif not isinstance(given, Mapping) and len(cluster.cell) < cluster.coordinates.shape[1]:
        allowed = "{ plaquette = ... } where the cluster is open, as in { plaquette = 0.25 }"
        yield Problem(KEY, show(given), f"allowed: {allowed}")
    elif isinstance(given, Mapping) and not plaquette_area(cluster):
        yield Problem(KEY, show(given), "allowed: 0 here; no loop of 3 to 6 bonds is a plaquette")
    else:
        yield from _unquantised(cluster, given)


def _unquantised(cluster: Cluster, given: Any) -> Iterator[Problem]:
    """Yield the problem of a field whose flux through the closed directions is not an integer."""
    _, opened = frame(cluster)
    closed = _numbers(cluster, given)[opened:, opened:]
    if np.max(np.abs(closed - np.round(closed)), initial=0.0) < WHOLE:
        return
    allowed = "whole numbers of flux quanta through the cell"
    if isinstance(given, Mapping) and len(closed) == 2:
        quanta = float(closed[0, 1])
        near = round(float(np.ravel(given["plaquette"])[0]) * round(quanta) / quanta, 9)
        allowed = f"{allowed}, which has {quanta:.6g} of them here; plaquette = {near:.9g} makes it {round(quanta)}"
    yield Problem(KEY, show(given), f"allowed: {allowed}")


def threaded(cluster: Cluster, given: MagneticFlux) -> Cluster:
    """Return the cluster with the Peierls phases of a field; without phases for 0."""
    if not given:
        return without_field(cluster)
    plain = tuple(np.ravel(given["plaquette"])) if isinstance(given, Mapping) else tuple(np.ravel(given))
    return _threaded(without_field(cluster), isinstance(given, Mapping), plain)


@lru_cache(maxsize=256)
def _threaded(cluster: Cluster, by_plaquette: bool, numbers: tuple[float, ...]) -> Cluster:
    return in_field(cluster, _numbers(cluster, {"plaquette": numbers} if by_plaquette else numbers))


def _numbers(cluster: Cluster, given: Any) -> NDArray[np.float64]:
    if isinstance(given, Mapping):
        area = plaquette_area(cluster)
        return through_frame(cluster, [float(part) / area for part in np.ravel(given["plaquette"])])
    return through_rows(cluster, [float(number) for number in np.ravel(given)])


def magnetic_text(given: MagneticFlux) -> str:
    """Return the description of a magnetic field."""
    if isinstance(given, Mapping):
        return f"{given['plaquette']} flux quanta hc/e through each plaquette"
    return f"{given} flux quanta hc/e through the cell"


def turned(turns: float) -> complex:
    """Return ``exp(2 pi i turns)``, exact at quarters of a turn."""
    quarters = 4 * turns
    return (1.0, 1j, -1.0, -1j)[int(quarters) % 4] if quarters == int(quarters) else cmath.exp(2j * np.pi * turns)


def _no_place(cluster: Cluster) -> str:
    """Return why a cluster admits no magnetic field; an empty string if it does."""
    if cluster.is_infinite:
        return "infinite lattices do not support it"
    if cluster.coordinates.shape[1] < 2:
        return f"a {cluster.kind} lies on a line"
    if cluster.has_loop and not cluster.cell:
        return "take field.flux, the flux through the ring; lattices and open clusters take a magnetic field"
    return ""


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
