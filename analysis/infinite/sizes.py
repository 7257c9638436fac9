"""Finite-size effects: rings compared with the infinite chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from ..._core.arguments import numbers, taking
from ...clusters import InvalidValue, ring
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model
from ...solvers import Options, infinite_levels, levels_by_symmetry
from ...solvers.arguments import read_options
from ..labelled import dataset_of


@taking(model=a_model, sizes=numbers, options=read_options)
def rings_against_infinite(
    model: Model,
    charge: int = 1,
    sizes: Sequence[int] = (4, 6, 8),
    total_quanta: int = 8,
    accuracy: float | None = None,
    options: Options | None = None,
) -> xr.Dataset:
    """Compare the lowest level of rings with that of the infinite chain, at minimal spin over all wave vectors.

    On finite clusters the q = 0 mode couples to the total charge, and the charge can hop around the ring; for a bound
    state of size R both errors decrease as exp(-L / R).

    Parameters
    ----------
    model : Model
        A model on the infinite chain, with couplings as numbers or by class.
    charge : int
        1 or 2.
    sizes : sequence of int
        Numbers of sites of the rings, 3 or more.
    total_quanta : int
        Phonon cutoff of the rings, in the mean frame.
    accuracy : float, optional
        Accuracy of the level on the infinite chain.
    options : Options, optional
        Options of the solver.

    Returns
    -------
    xarray.Dataset
        ``energies`` and ``energy_errors`` over ``size``, ``infinite`` and ``infinite_error``, ``difference`` over
        ``size``.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(infinite_chain(), Electrons(hopping=0.5), phonons=Phonons(2.0, electron_coupling=0.5))
    >>> np.abs(rings_against_infinite(model, 1, [4, 6], total_quanta=5).difference.values).round(4)
    array([0.0005, 0.    ])
    """
    if model.cluster.kind != "infinite-chain":
        raise InvalidValue(f"the cluster is a {model.cluster.kind}; only the infinite chain can be compared with rings")
    shells = dict(model.cluster.made_from).get("shells", 1)
    assert isinstance(shells, int)
    found = []
    for size in sizes:
        phonons = model.phonons
        if phonons is not None:
            phonons = replace(phonons, cutoff=None, total_quanta=total_quanta, frame="mean")
        small = replace(model, cluster=ring(int(size), shells=shells), phonons=phonons)
        found.append(levels_by_symmetry(small, Sector(charge), 1, options=options))
    exact = infinite_levels(model, Sector(charge), 1, accuracy, options)
    energies = np.array([levels.energies[0] for levels in found])
    bars = np.array([levels.certificate.energy_errors[0] for levels in found])
    limit = float(exact.energies[0])
    table: dict[str, tuple[Any, ...]] = {
        "energies": (energies, "size", "E_0 of the ring", "energy"),
        "energy_errors": (bars, "size", "error bar of E_0", "energy"),
        "infinite": (limit, "", "E_0 of the infinite chain", "energy"),
        "infinite_error": (float(exact.certificate.energy_errors[0]), "", "error bar of it", "energy"),
        "difference": (energies - limit, "size", "E_0 of the ring - E_0 of the infinite chain", "energy"),
    }
    return dataset_of(table, {"size": np.array(sizes, int)})
