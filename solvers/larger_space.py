"""Error bars of levels from those in a larger phonon space."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..hamiltonians import Hamiltonian, Model, Phonons, Sector
from ..hamiltonians.conservation import frame_charge
from ..hamiltonians.parameters import COUPLINGS
from ..hamiltonians.space.product import Space, dimensions, sets_of
from ..hamiltonians.terms import sector_operator
from .adiabatic import Landscape, Well, beyond, landscape
from .certificate import Certificate, graded
from .krylov.eigenpairs import ConvergenceError

HELD = 1e-2
"""A phonon space holds a well if at most this weight of it is truncated."""
SETTLED = 3e-6
"""Levels whose second-order shift is below this share of the frequency are not compared with a larger space."""
ROOM = 6000
"""A larger space for comparison has at most so many states, or `GROWTH` times those of the truncated space."""
GROWTH = 2.5
DRESSED = 3
"""Where the frame follows the charges, the space for comparison may have so many times more states."""
SETS_GROWTH = 100
"""States of the sector for such a comparison in oscillator states that follow the charges, in units of `ROOM`."""
MOST_JUDGED = 40
"""For more levels than these, only their own certificate is used."""
MOST_RAISED = 8
"""Quanta by which caps are raised for a comparison where those that would hold everything are not affordable."""
MARGIN = 1.05
"""What a larger space lowers the levels by is multiplied by this."""
SHARPER = 30.0
"""An automatic cutoff is compared with one that is so many times more accurate."""
STEEP_RAISES = (1.0, 0.6, 0.3)
"""Shares by which caps are raised for a comparison, the largest affordable one where the potential is steep."""
SAME_COUPLING = 1e-9
"""Sums of couplings that differ by less, in units of the largest, are equal but for roundings."""
NEAR = 1.0
"""Wells that lie so little above a level mix with it, in units of the lowest frequency."""
EPSILON = 1e-13
"""Second-order shifts that no comparison falls below, in units of the lowest frequency."""
RANGE = 0.5
"""Excitation energies may reach this share of the energy of as many quanta as the cap allows."""


class Solution(Protocol):
    """Levels with their certificate."""

    @property
    def energies(self) -> NDArray[np.float64]:
        """Levels, ascending."""

    @property
    def certificate(self) -> Certificate:
        """Their error bars."""


@dataclass(frozen=True)
class Judge:
    """The criterion for levels of a truncated space to be close to convergence.

    Attributes
    ----------
    space : Space
        The truncated space.
    land : Landscape
        Minima of the adiabatic energy.
    """

    space: Space
    land: Landscape

    @property
    def frequency(self) -> float:
        """The lowest frequency of the lattice."""
        return self.space.model.lowest_frequency

    def missing(self, energy: float) -> list[Well]:
        """Return the wells below an energy, fluctuations included, that the space does not hold."""
        table, frame = self.space.model.phonons, self.space.frame
        assert table is not None
        caps = table.max_quanta, table.total_quanta
        return [well for well in relevant(self.land, energy) if beyond(frame, well, *caps) > HELD]

    def settled(
        self, energies: NDArray[np.float64], shifts: NDArray[np.float64], share: float = SETTLED
    ) -> NDArray[np.bool_]:
        """Return which levels are close to convergence: small shifts, all wells held, enough quanta for their energy.

        Parameters
        ----------
        energies, shifts : (k,) float
            Levels, ascending, and their second-order shifts.
        share : float
            Largest shift, in units of the lowest frequency.
        """
        near = shifts < share * self.frequency
        room = RANGE * self.frequency * (self.space.phonons.max_quanta + 1)
        near_wells = NEAR * self.frequency
        held = [not self.missing(energy + near_wells) and energy - energies[0] <= room for energy in energies.tolist()]
        return np.asarray(near & np.array(held, bool))


def relevant(land: Landscape, energy: float) -> list[Well]:
    """Return the wells that fluctuations could bring down to an energy."""
    return [well for well in land.wells if well.energy - well.reach < energy]


def error_bars(hamiltonian: Hamiltonian, solution: Solution, solve: Callable[[Model], Solution]) -> NDArray[np.float64]:
    """Return error bars of levels against the model without a phonon cutoff.

    Levels close to convergence keep the bar of their certificate. Others are computed once more in larger phonon
    spaces, around a better point where that helps, as far as these cost no more than the levels themselves; what is
    left is judged by the bounds of the ground energy.

    Parameters
    ----------
    hamiltonian : Hamiltonian
        Of the sector.
    solution : Solution
        Levels in the truncated space.
    solve : function
        From a model with other caps to as many levels.
    """
    energies, certificate = solution.energies, solution.certificate
    space = hamiltonian.space
    if not len(energies) or not space.model.modes or space.model.phonons is None:
        return certificate.energy_errors
    judge = Judge(space, landscape(space, hamiltonian.operator))
    shifts = certificate.shifts(energies)
    settled = judge.settled(energies, shifts)
    if settled.all():
        return certificate.energy_errors
    bars = graded(shifts, judge.frequency, judge.land.steep)
    held = np.array([not judge.missing(e) for e in energies.tolist()])
    # where nothing but a well is missing, a comparison must be as close to convergence as what it judges
    share = min(SETTLED, max(float(np.max(shifts)) / judge.frequency, EPSILON))
    for model in larger(judge, energies) if len(energies) <= MOST_JUDGED else ():
        try:
            better = solve(model)
        except (MemoryError, ConvergenceError):  # steep potentials have huge matrix elements at large caps
            break
        known = len(better.energies)
        if known < len(energies):
            continue
        lower = np.minimum(energies, better.energies[: len(energies)])
        new = Judge(Space(model, space.sector), judge.land)
        rest = better.certificate.shifts(better.energies)[: len(energies)]
        bars = MARGIN * (energies - lower) + graded(rest, judge.frequency, judge.land.steep)
        bars += better.certificate.residuals[: len(energies)]
        held = np.array([not new.missing(e) for e in energies.tolist()])
        if new.settled(lower, rest, share).all():
            break
    bars = np.where(held, bars, np.inf)
    bars = np.minimum(bars, energies - judge.land.floor)
    bars[0] = max(bars[0], energies[0] - judge.land.ceiling)
    finite = np.where(
        np.isfinite(bars),
        bars,
        graded(shifts, judge.frequency, judge.land.steep) + np.abs(energies - judge.land.ceiling),
    )
    return np.asarray(finite + certificate.residuals)


def larger(judge: Judge, energies: NDArray[np.float64]) -> Iterator[Model]:
    """Yield models with larger phonon spaces, as long as they cost no more than the levels themselves."""
    space, model = judge.space, judge.space.model
    table = model.phonons
    assert table is not None
    room = max(ROOM, GROWTH * space.dimension)
    spacing = judge.frequency if judge.land.steep == 1.0 else float(np.min(model.couplings.frequency))
    span = int(np.ceil((energies[-1] - energies[0]) / (RANGE * spacing)))

    def capped(table: Phonons, cap: int) -> Model | None:
        found = replace(model, phonons=replace(table, total_quanta=cap))
        return found if math.prod(dimensions(found, space.sector)) <= room else None

    def beginning(wells: list[Well]) -> tuple[Phonons, int]:
        """Return caps and frame that hold some wells."""
        tables = [(replace(table, max_quanta=None, total_quanta=0), space.frame)]
        if not np.any(model.couplings.bond_phonon) and wells:
            middle = centre(model, wells)
            listed = replace(tables[0][0], frame=(2 * middle).tolist(), dressing=None)
            tables.append((listed, np.broadcast_to(middle, space.frame.shape)))
        first = [max(holding(frame, wells) + 3, span) for _, frame in tables]
        best = int(np.argmin(first))
        if space.is_dressed and len(first) > 1 and capped(tables[1][0], first[1]):
            best = 1  # a frame that follows the charges is blind to charges that leave their lattice behind
        return tables[best][0], first[best] if best else max(space.phonons.total_quanta + 2, first[best])

    highest = float(energies[-1])
    chosen, cap = beginning(relevant(judge.land, highest + NEAR * judge.frequency))
    if capped(chosen, cap) is None:
        chosen, cap = beginning(relevant(judge.land, highest))
    while (found := capped(chosen, cap)) is not None:
        yield found
        cap += max(3, round(0.35 * cap))


def compared(model: Model, sectors: Sequence[Sector]) -> Model:
    """Return a model with another phonon space, in which every number differs by about what the cutoff does to it.

    It is a larger space that holds the wells of all sectors, in the frame of the model or around a better point, where
    that is affordable; else one with larger caps, or the next smaller one. A model whose cutoff is automatic is taken
    to a better accuracy.

    Parameters
    ----------
    model : Model
        With phonons.
    sectors : sequence of Sector
        The sector whose states are sought first, then those that operators lead to.
    """
    table = model.phonons
    assert table is not None
    if sets_of(model) is not None:
        larger = _with_more(model, 1)
        return larger if math.prod(dimensions(larger, sectors[0])) <= SETS_GROWTH * ROOM else _with_more(model, -1)
    if table.cutoff is not None:
        sharper = SHARPER ** (2 if is_steep(model) else 1)
        return replace(model, phonons=replace(table, accuracy=table.accuracy / sharper))
    room = max(2 * ROOM, GROWTH * math.prod(dimensions(model, sectors[0])))
    wider = [*_wider(model, sectors, NEAR * model.lowest_frequency), *_wider(model, sectors)]
    if Space(model, sectors[0]).is_dressed:
        # a larger cap in such a frame is as blind to charges that leave their lattice behind
        wider.sort(key=lambda m: m.phonons is not None and isinstance(m.phonons.frame, str))
        room *= DRESSED
    candidates = (*wider, *(_with_more(model, quanta) for quanta in range(MOST_RAISED, 0, -1)))
    return next((m for m in candidates if math.prod(dimensions(m, sectors[0])) <= room), _with_more(model, -1))


def is_steep(model: Model) -> bool:
    """Return whether the lattice is anharmonic: averages then approach their values in waves as the cap grows."""
    return bool("phonons.quartic" in model.active)


def reaching(model: Model, sectors: Sequence[Sector]) -> Model:
    """Return a model with caps that hold the wells of all sectors, where those that it has do not.

    Operators lead from the lattice of one sector to that of another.
    """
    table = model.phonons
    assert table is not None
    if sets_of(model) is not None:
        return model
    needed = max(holding(*each) for each in _connected(model, sectors))
    space, enough = Space(model, sectors[0]).phonons, _with_margin(needed)
    if not needed or enough <= min(space.total_quanta, space.max_quanta):
        return model
    cap = max(space.total_quanta, enough)
    return replace(model, phonons=replace(table, max_quanta=None, total_quanta=cap))


def _wider(model: Model, sectors: Sequence[Sector], above: float = 0.0) -> Iterator[Model]:
    """Yield the model with larger caps in its own frame, and around the point between all wells.

    All wells are those that lie `above` the lowest one by so much at most.
    The first ones hold the far turning points as well, where the lattice of one sector swings in the wells of another.
    """
    wells = _connected(model, sectors, above)
    if swinging := [(frame, [*some, *_turning_points(wells[0][1], some)]) for frame, some in wells[1:]]:
        yield from _holding(model, sectors[0], [wells[0], *swinging])
    yield from _holding(model, sectors[0], wells)


def _turning_points(source: list[Well], target: list[Well]) -> Iterator[Well]:
    return (replace(there, shift=2 * there.shift - here.shift) for here in source for there in target)


def _holding(model: Model, sector: Sector, wells: list[tuple[NDArray[np.float64], list[Well]]]) -> Iterator[Model]:
    """Yield the model with caps that hold all wells, in its own frame and around the point between them."""
    table = model.phonons
    assert table is not None
    needed, total = max(holding(*each) for each in wells), Space(model, sector).phonons.total_quanta
    within = table.max_quanta is not None and needed < table.max_quanta
    for share in STEEP_RAISES if is_steep(model) else STEEP_RAISES[-1:]:
        more = max(total + max(2, math.ceil(share * total)), _with_margin(needed))
        each = max(more - total + (table.max_quanta or 0), _with_margin(needed))
        yield replace(model, phonons=replace(table, max_quanta=each if within else None, total_quanta=more))
    every = [well for _, some in wells for well in some]
    if every and not np.any(model.couplings.bond_phonon):
        middle = centre(model, every)
        listed = replace(table, frame=(2 * middle).tolist(), dressing=None, max_quanta=None)
        needed = max(holding(np.broadcast_to(middle, frame.shape), some) for frame, some in wells)
        yield replace(model, phonons=replace(listed, total_quanta=_with_margin(needed)))


def _connected(
    model: Model, sectors: Sequence[Sector], above: float = 0.0
) -> list[tuple[NDArray[np.float64], list[Well]]]:
    """Return frame and lowest wells of each sector; in those that operators lead to also the lattice they come from."""
    first, *others = (_lowest_wells(model, sector, frame_charge(model, sectors[0]), above) for sector in sectors)
    return [
        first,
        *(
            (frame, [*some, *(replace(there, shift=here.shift) for here in first[1] for there in some)])
            for frame, some in others
        ),
    ]


def _lowest_wells(
    model: Model, sector: Sector, mean_charge: int, above: float = 0.0
) -> tuple[NDArray[np.float64], list[Well]]:
    """Return the lowest wells of a sector, and the frame that belongs to the charge from which operators lead there."""
    space = Space(model, sector, mean_charge)
    land = landscape(space, sector_operator(model))
    return space.frame, relevant(land, land.ceiling + above + 1e-9 * (1.0 + abs(land.ceiling)))


def _with_margin(quanta: int) -> int:
    """Return a cap beyond which nothing is left of a displaced oscillator that a cap of `quanta` holds."""
    return quanta + math.ceil(2.5 * math.sqrt(quanta + 1.0)) + 8


def _with_more(model: Model, quanta: int) -> Model:
    """Return the model with caps that are larger by a number of quanta, or smaller."""
    table = model.phonons
    assert table is not None
    caps = {name: getattr(table, name) for name in ("max_quanta", "total_quanta")}
    others = {name: max(0, cap + quanta) for name, cap in caps.items() if cap is not None}
    return replace(model, phonons=replace(table, **others))


def holding(frame: NDArray[np.float64], wells: list[Well], share: float = HELD) -> int:
    """Return a small cap on the total number of quanta that leaves out at most a share of any well."""
    cap = 0
    while any(beyond(frame, well, None, cap) > share for well in wells):
        cap += 1 + cap // 8
    return cap


def centre(model: Model, wells: list[Well]) -> NDArray[np.float64]:
    """Return the point between the wells, the same for modes that have the same couplings."""
    couplings = model.couplings
    names = [entry.arrays[-1] for entry in COUPLINGS.values() if entry.place in ("mode", "mode or bond")]
    columns = [getattr(couplings, name) for name in names]
    columns += [couplings.electron_phonon_by_site.sum(axis=1), couplings.boson_phonon_by_site.sum(axis=1)]
    values = np.array(columns, float).reshape(len(columns), len(model.modes))
    fuzz = SAME_COUPLING * np.max(np.abs(values), axis=1, initial=0.0)[:, None]
    labels = np.array([mode.label for mode in model.modes])
    shifts = np.array([well.shift for well in wells])
    low, high = shifts.min(axis=0), shifts.max(axis=0)
    middle = np.zeros(len(model.modes))
    for m in range(len(model.modes)):
        same = np.all(np.abs(values - values[:, m, None]) <= fuzz, axis=0) & (labels == labels[m])
        middle[same] = 0.5 * (low[same].min() + high[same].max())
    return middle
