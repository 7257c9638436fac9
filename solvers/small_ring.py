"""A ring of four like a larger ring: where its oscillator states and its adiabatic minima are sought first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..clusters import ring
from ..clusters.translations import as_numbers
from ..hamiltonians import Model, Sector
from ..hamiltonians.couplings import value_at
from ..hamiltonians.space.product import Space
from ..hamiltonians.terms import sector_operator
from .adiabatic import ceiling, landscape
from .caps import capped

SMALL_RING = 4
"""Sites of the ring on which the sets of larger ones are found."""
SURVEYED = 6_000
"""Charge configurations up to which all minima of the adiabatic energy are sought."""
CONTINUED = 4
"""Minima of a small ring that are continued around a larger one."""
BOUNDED = 1_000_000
"""Charge configurations up to which there is a bound at all."""


def upper_bound(model: Model, sector: Sector) -> float:
    """Return an upper bound of the ground energy, from minima of the adiabatic energy; inf where that costs too much.

    In sectors with many charge configurations, the minima of a ring of four are continued around a larger ring.
    """
    space, operator = Space(capped(model), sector), sector_operator(model)
    if space.shape[0] <= SURVEYED:
        return landscape(space, operator).ceiling
    if space.shape[0] > BOUNDED:
        return np.inf
    small = smaller_ring(model, sector)
    wells = landscape(Space(capped(small[0]), small[1]), sector_operator(small[0])).wells if small else ()
    return ceiling(space, operator, continued([well.shift for well in wells[:CONTINUED]], len(model.modes)))


def continued(patterns: Sequence[NDArray[np.float64]], modes: int) -> NDArray[np.float64]:
    """Return displacements on a ring that repeat those on a smaller one, each once; none where none fits.

    Examples
    --------
    >>> continued([np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])], 6)
    array([[1., 0., 1., 0., 1., 0.]])
    """
    found: dict[tuple[float, ...], NDArray[np.float64]] = {}
    for pattern in patterns:
        for period in (1, 2, 4):
            if modes % period == 0 and np.allclose(np.roll(pattern, period), pattern, atol=1e-4):
                shift = np.resize(pattern[:period], modes)
                found.setdefault(tuple(np.sort(shift).round(4).tolist()), shift)
                break
    return np.array(list(found.values())).reshape(-1, modes)


def smaller_ring(model: Model, sector: Sector) -> tuple[Model, Sector] | None:
    """Return a ring of four sites like a larger one, as densely filled, on which sets are found; None where none is."""
    cluster, number = model.cluster, SMALL_RING
    filled = sector.charge * number
    uniform = all(isinstance(value_at(model, key), int | float) for key in model.active)
    if cluster.kind != "ring" or cluster.sites <= number or filled % cluster.sites or not uniform or model.terms:
        return None
    if any(getattr(table, "on", "all") != "all" for table in (model.bosons, model.phonons)) or np.any(model.flux):
        return None
    if sector.parity is not None:
        return None
    charge = filled // cluster.sites
    if charge % 2 != sector.charge % 2 or sector.spin_excess != charge % 2:
        return None
    (turn,) = as_numbers(sector.momentum) if sector.momentum is not None else (None,)
    momentum = turn * number // cluster.sites if turn is not None and turn * number % cluster.sites == 0 else None
    reflection = sector.reflection if momentum is not None or sector.momentum is None else None
    small = Sector(charge, momentum=momentum, reflection=reflection, spin_flip=sector.spin_flip)
    return replace(model, cluster=ring(number)), small
