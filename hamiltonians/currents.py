"""Currents along a direction: a uniform vector potential expressed as a flux."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._core.arguments import shown
from ..clusters import Cluster, InvalidValue
from .derivatives import flux_derivative
from .model import Model
from .operators import Operator


@dataclass(frozen=True)
class CurrentAxis:
    r"""A direction of the current, :math:`J = \partial H / \partial A`.

    Attributes
    ----------
    flux : tuple of float
        Flux vector per unit of a uniform vector potential A along the direction: ``e . T_j`` on lattices, with the
        rows T_j of the supercell; L on rings, on which A is the phase of a bond.
    sites : float
        N of ``D = (pi / N) d2E / dA2``; L on rings.
    """

    flux: tuple[float, ...]
    sites: float

    def derivative(self, model: Model, order: int = 1) -> Operator:
        """Return ``d^n H / dA^n``, for n = 1 the current operator."""
        return flux_derivative(model, along=[self.flux] * order)


def current_axis(cluster: Cluster, direction: Sequence[float] | None = None) -> CurrentAxis:
    """Return the axis of a current.

    Parameters
    ----------
    cluster : Cluster
        Closed in at least one direction.
    direction : (dimension,) float, optional
        On lattices a Cartesian vector of any length; the first axis by default. Not used on rings.

    Raises
    ------
    InvalidValue
        If no current can flow along the direction.

    Examples
    --------
    >>> from respair.clusters import ring, square
    >>> current_axis(ring(6))
    CurrentAxis(flux=(6.0,), sites=6.0)
    >>> current_axis(square(supercell=[[2, 2], [-2, 2]]), [0, 1])
    CurrentAxis(flux=(2.0, 2.0), sites=8.0)
    """
    if not cluster.has_loop:
        raise InvalidValue(f"a {cluster.kind} of {cluster.sites} sites carries no current; take a ring of 3 or more")
    if cluster.is_ring:
        if direction is not None:
            raise InvalidValue(f"direction = {shown(direction)}: leave it out; the current is that of the whole ring")
        return CurrentAxis((cluster.loop_length,), cluster.loop_length)
    if len(cluster.cell) != cluster.fluxes:
        raise InvalidValue("a current needs the periods of the cluster; give `cell` to custom(...)")
    rows = np.array(cluster.cell)
    vector = np.eye(rows.shape[1])[0] if direction is None else np.asarray(direction, float)
    if vector.shape != (rows.shape[1],) or not np.all(np.isfinite(vector)) or not np.any(vector):
        allowed = f"{rows.shape[1]} finite numbers, not all 0, as {np.eye(rows.shape[1])[0].tolist()}"
        raise InvalidValue(f"direction = {shown(direction)} is invalid; allowed: {allowed}")
    return CurrentAxis(tuple((rows @ vector / np.linalg.norm(vector)).tolist()), float(cluster.sites))
