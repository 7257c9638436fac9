"""Spectra over all momenta or sites of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import numbers, taking
from ...clusters import Cluster, InvalidValue, momenta
from ...clusters.magnetic import without_field
from ...clusters.translations import Momentum, opposite, wave_vectors
from ...solvers import Options
from ...solvers.arguments import levels_of, read_options
from ...solvers.blocks import time_reversed
from ..coordinates import with_coordinates
from .functions import DEFAULT_BROADENING, Levels, silent, spectral_function
from .probes import KINDS, Probe, probe


@taking(levels=levels_of, frequencies=numbers, options=read_options)
def spectral_map(
    levels: Levels,
    name: str | Probe,
    frequencies: Sequence[float] | NDArray[np.float64],
    broadening: float = DEFAULT_BROADENING,
    lineshape: str = "lorentzian",
    options: Options | None = None,
    cross: str | None = None,
    spin: str | None = None,
    over: str = "momentum",
    progress: Callable[[str], None] = silent,
) -> xr.Dataset:
    """Compute A(k, omega) for every momentum of a ring or lattice, or A_i(omega) for every site.

    The local density of states is the map of "electron" over sites; "density", "displacement" and their cross spectrum
    over momenta are the dynamic structure factors of charge and lattice.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    name, cross : str
        Names of probes, see `respair.analysis.probe`.
    frequencies, broadening, lineshape, options, progress
        As in `spectral_function`.
    spin : str, optional
        Spin of an electron.
    over : str
        "momentum" or "site".

    Returns
    -------
    xarray.Dataset
        As for `spectral_function` with a leading dimension `over`; lists of lines are padded with NaN. The momentum m
        means k = 2 pi m / L, given as the coordinate ``k`` in (-pi, pi]. If the ground level is invariant under
        reflection or time reversal, the spectrum of one probe at -k is that at k.

    Raises
    ------
    InvalidModel
        If the probe does not exist in the model, or the cluster has no momenta.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import levels_by_symmetry
    >>> levels = levels_by_symmetry(Model(ring(3), Electrons(hopping=1.0)), 2)
    >>> data = spectral_map(levels, "electron", [0.0])
    >>> data.moments.sel(order=1).values.round(10)  # the band -2 cos k
    array([-2.,  1.,  1.])
    """
    model = levels.hamiltonian.space.model
    cluster = without_field(model.cluster)
    name = name.name if isinstance(name, Probe) else name
    if over not in ("momentum", "site"):
        raise InvalidValue(f'over = {over!r} is unknown; allowed: "momentum", "site"')
    if over == "momentum":
        known = momenta(cluster)
        probe(model, name, momentum=known[0] if known else 0)  # raises for clusters without momenta
        places: list[Any] = list(known)
    else:
        probe(model, name)
        places = sorted(KINDS[name].places(model))
    even = over == "momentum" and cross is None and _is_even(levels)
    found: dict[Any, xr.Dataset] = {}
    for place in places:
        if even and (mirror := _mirror(cluster, place)) in found:
            found[place] = found[mirror]
            continue
        progress(f"{name} at {over} {place}")
        seen, *other = (probe(model, each, **{over: place}, spin=spin) for each in (name, cross) if each is not None)
        left = other[0] if other else None
        found[place] = spectral_function(levels, seen, frequencies, broadening, lineshape, options, left)
    data: xr.Dataset = xr.concat([found[place] for place in places], dim=over, join="outer", data_vars="all")
    return with_coordinates(data.assign_coords(_coordinates(cluster, places, over)))


def _mirror(cluster: Cluster, momentum: Momentum) -> Momentum | None:
    """Return the momentum equivalent by reflection: -k, if no reciprocal lattice vector is involved.

    If the cell has several sites, operators at k and at k + G differ.
    """
    mirror = opposite(cluster, momentum)
    if not cluster.cell:
        return mirror
    there = dict(zip(momenta(cluster), wave_vectors(cluster), strict=True))
    return mirror if np.allclose(there[mirror], -there[momentum]) else None


def _coordinates(cluster: Cluster, places: list[Any], over: str) -> dict[str, object]:
    """Return the coordinates of the sites, or of the momenta with k; on lattices vectors, indexed by momentum."""
    if over == "momentum" and isinstance(places[0], tuple):
        vectors = {"momenta": ((over, "row"), np.array(places)), "k": ((over, "axis"), wave_vectors(cluster))}
        return {over: np.arange(len(places)), **vectors}
    return {over: places} | ({"k": (over, wave_vectors(cluster)[:, 0])} if over == "momentum" else {})


def _is_even(levels: Levels) -> bool:
    """True if the ground level is invariant under reflection or time reversal."""
    model, parts = levels.hamiltonian.space.model, levels.ground.parts
    if all(any(symmetry.name == "reflection" for symmetry in part.block.symmetries) for part in parts):
        return True
    sectors = {part.block.sector for part in parts}
    partners = {time_reversed(sector, model) or sector for sector in sectors}
    return not model.flux and not model.terms and model.is_real and partners == sectors
