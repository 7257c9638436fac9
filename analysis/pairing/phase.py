"""Amplitude and phase of pairing: the number of local pairs and the stiffness of their phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from types import MappingProxyType

import numpy as np
import xarray as xr

from ...clusters import InvalidValue, ring
from ...hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from ...hamiltonians.conservation import needs_conserved
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.charges import charge_dimension
from ...solvers import LabelledLevels, Options, Progress, levels_by_symmetry, silent
from ...solvers.blocks import blocks_at_any_flux
from ..flux.minima import FluxCurve, minimum_of
from ..flux.response import FluxLine
from ..flux.surface import FluxSurface, lowest_of
from ..flux.tensor import Tensor
from ..labelled import dataset
from ..observables.averages import Averages
from ..observables.error_bars import gap_above, isolated_ground, mixing
from ..observables.functions import pair_exchange
from .binding import CHARGE_GAP, combined
from .density_matrices import pair_density

Point = tuple[Mapping[str, float], Model, Sector | int]
"""Parameters that label a point, its model and its quantum numbers."""
SEARCHES = ("ends", "circle")
"""Search for the flux of lowest energy: among 0 and pi, or on the whole circle."""


def coherence(
    model: Model,
    sector: Sector | int,
    options: Options | None = None,
    search: str = "ends",
    progress: Callable[[str], None] = lambda what: None,
    solving: Progress = silent,
) -> xr.Dataset:
    r"""Compute the amplitude of local pairs and the coherence of their phases on a ring or a lattice.

    All quantities are evaluated at the flux phi* of lowest E_0 (pi for rings with 4n electrons), so that shell effects
    are not mistaken for phase stiffness. On lattices phi* is the lowest of the corners, 0 or pi around each row.

    Parameters
    ----------
    model : Model
        A model on a ring or a lattice; its flux is replaced.
    sector : Sector or int
        N and S_z, without spatial quantum numbers.
    options : Options, optional
        How to solve.
    search : str
        "ends": phi* is the lower one of 0 and pi, where E_0 is stationary by time reversal, or, without a minimum
        there, the result of the search; "circle": always search the whole circle with `flux_minimum`. Lattices
        support only "ends".
    progress : function
        Called with the name of the next computation.
    solving : Progress
        Called as each search for a level goes on.

    Returns
    -------
    xarray.Dataset
        ``phi`` phi*; ``amplitude``, the average of ``-<D+_i b_i>`` over the sites with local pairs (NaN without
        electrons or local pairs); ``eigenvalue`` lambda_0 of the pair density matrix (the combined one if both kinds
        exist), ``fraction`` lambda_0 / tr rho, and ``paired`` 2 tr rho / N, the fraction of the charge in local pairs
        or electron pairs on a site; ``stiffness`` D = pi L d2E_0/dphi2, on lattices the mean over the axes of the
        tensor of `flux_tensor`; ``gap`` E_1 - E_0 in the sector; ``pair_gap`` E(N+2) + E(N-2) - 2 E(N), each E at the
        lower of the fluxes 0 and pi (NaN if a charge does not exist); ``energy``; error bars ``energy_error``,
        ``stiffness_error`` and ``pair_gap_error``; and ``admixture``, the error bar of averages of operators with
        eigenvalues between 0 and 1.

    Raises
    ------
    ValueError
        If the cluster has no loop, or the sector fixes a spatial quantum number.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Model
    >>> found = coherence(Model(ring(4), None, Bosons(hopping=1.0)), 2)  # one pair: E = -2 cos(phi / 2)
    >>> [round(float(found[name]), 6) for name in ("phi", "stiffness", "fraction")]
    [0.0, 6.283185, 1.0]
    """
    if search not in SEARCHES:
        raise InvalidValue(f"search = {search!r} is unknown; allowed: {', '.join(SEARCHES)}")
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    needs_conserved(model, "stiffness and pair gaps", "charge", sector=sector)
    ends = _Ends(model, sector, options, progress, solving)
    levels, there = _at_best_flux(ends, search) if model.cluster.is_ring else _at_best_corner(ends, search)
    state = levels.ground
    averages = Averages(state)
    both = model.electrons is not None and model.bosons is not None
    amplitude = -np.mean(pair_exchange(state, averages).values.real[list(model.boson_sites)]) if both else np.nan
    form = "combined" if both else "boson" if model.bosons is not None else "on-site"
    pairs = pair_density(state, form, averages)
    pair_gap, pair_gap_error = _pair_gap(ends)
    values = {
        "amplitude": amplitude,
        "eigenvalue": pairs["eigenvalues"].values[0],
        "fraction": float(pairs["fraction"]),
        "paired": 2 * float(np.trace(pairs["matrix"].values).real) / sector.charge if sector.charge else np.nan,
        "stiffness": there.stiffness,
        "stiffness_error": there.stiffness_error,
        "gap": gap_above(levels),
        "pair_gap": pair_gap,
        "pair_gap_error": pair_gap_error,
        "energy": levels.energies[0],
        "energy_error": levels.certificate.energy_errors[0],
        "admixture": mixing(levels),
        "multiplicity": levels.multiplicity,
    }
    phi = ("phi", there.phi, ["row"] if np.ndim(there.phi) else [], *QUANTITIES["phi"])
    return dataset(phi, *((name, value, [], *QUANTITIES[name]) for name, value in values.items()))


QUANTITIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "phi": ("phi* = argmin E_0(phi)", "1"),
        "amplitude": ("-<D+_i b_i>, averaged over the sites", "1"),
        "eigenvalue": ("lambda_0 of the pair density matrix", "1"),
        "fraction": ("lambda_0 / tr rho", "1"),
        "paired": ("2 tr rho / N", "1"),
        "stiffness": ("pi L d2E_0/dphi2 at phi*; of lattices (pi / sites) d2E_0/dA2, the mean over the axes", "energy"),
        "stiffness_error": ("error bar", "energy"),
        "gap": ("E_1 - E_0 in the sector at phi*", "energy"),
        "pair_gap": ("E(N+2) + E(N-2) - 2 E(N)", "energy"),
        "pair_gap_error": ("error bar", "energy"),
        "energy": ("E_0(phi*)", "energy"),
        "energy_error": ("error bar", "energy"),
        "admixture": ("largest admixture of other states", "1"),
        "multiplicity": ("states in the ground level", "1"),
    }
)
"""Formula and unit of the variables of `coherence`."""


@dataclass(frozen=True)
class _There:
    """phi*, and the stiffness at phi* with its error bar."""

    phi: float | tuple[float, ...]
    stiffness: float
    stiffness_error: float


@dataclass(frozen=True)
class _Ends:
    """A model at the fluxes 0 and pi (around each row of a lattice), where E_0 is stationary by time reversal.

    Parameters
    ----------
    model, sector, options, progress, solving
        As for `coherence`.
    """

    model: Model
    sector: Sector
    options: Options | None
    progress: Callable[[str], None]
    solving: Progress

    def tell(self, phi: float | Sequence[float]) -> None:
        """Report the flux that is computed next."""
        self.progress("flux " + ", ".join(f"{value:.4g}" for value in np.ravel(phi)))

    @cached_property
    def line(self) -> FluxLine:
        """The fluxes of a ring."""
        return FluxLine(self.model, self.sector, self.options, self.tell, self.solving)

    @cached_property
    def blocks(self) -> tuple[Sector, ...]:
        """The symmetry blocks of the Hamiltonian at any flux."""
        return blocks_at_any_flux(self.model, self.sector)

    def lowest(self) -> tuple[tuple[float, ...], float, float]:
        """Return the corner of lowest E_0, the first one of equal energy, with E_0 and its error bar."""
        best: tuple[float, ...] = ()
        start, options = None, self.options or Options()
        for phi in product([0.0, np.pi], repeat=self.model.cluster.fluxes):
            self.tell(phi)
            threaded = replace(self.model, flux=phi)
            if start is None:
                best, start = phi, levels_by_symmetry(threaded, self.sector, 1, options, self.solving)
                continue
            barred = replace(options, wanted_below=float(start.energies[0]))  # blocks certainly above are skipped
            found = levels_by_symmetry(threaded, self.sector, 1, barred, self.solving, self.blocks)
            if len(found.energies) and found.relative[0] <= start.relative[0] - start.hamiltonian.level_width:
                best, start = phi, found
        assert start is not None
        return best, float(start.energies[0]), float(start.certificate.energy_errors[0])


def _at_best_flux(ends: _Ends, search: str) -> tuple[LabelledLevels, _There]:
    """Return the ground level of a ring at phi*, and its flux response."""
    line = ends.line
    curve = FluxCurve(line)  # raises for a sector with a spatial quantum number
    if search == "ends":
        ((phi,), *_) = ends.lowest()
        levels = line.isolated(phi)
        there = line.answer(phi, levels)
        if there.rests and there.curvature > 0:
            return levels, _There(there.phi, line.stiffness(there), line.stiffness_error(there))
    phi = float(minimum_of(curve)["phi"])
    levels = line.isolated(phi)
    there = line.answer(phi, levels)
    return levels, _There(there.phi, line.stiffness(there), line.stiffness_error(there))


def _at_best_corner(ends: _Ends, search: str) -> tuple[LabelledLevels, _There]:
    """Return the ground level of a lattice at the lowest corner, or at phi*, and the mean stiffness there."""
    model, sector = ends.model, ends.sector
    tensor = Tensor(model, sector, ends.options, ends.solving)
    if sector.has_symmetry:
        raise InvalidValue(
            f"the sector is {sector.title}; give charge and two_sz only: the optimal flux is searched over all blocks"
        )
    surface = FluxSurface(model, sector, ends.options, ends.tell, ends.solving)
    phi: tuple[float, ...] = ends.lowest()[0] if search == "ends" and surface.is_even else ()
    if not phi or not surface.is_minimum(surface.at(phi)):
        phi = tuple(lowest_of(surface)["phi"].values.tolist())
    ends.tell(phi)
    levels = isolated_ground(replace(model, flux=phi), sector, ends.options, ends.solving, ends.blocks)
    assert isinstance(levels, LabelledLevels)
    stiffness, errors = tensor.answer(phi, levels)[4:6]
    axes = len(stiffness)
    return levels, _There(phi, float(np.trace(stiffness)) / axes, float(np.trace(errors)) / axes)


def _pair_gap(ends: _Ends) -> tuple[float, float]:
    """Return the pair gap and its error bar."""
    model, spin = ends.model, ends.sector.two_sz
    charges = {step: ends.sector.charge + step for step in CHARGE_GAP}
    there = (charge_dimension(model, resolved(model, Sector(n, spin))) for n in charges.values())
    if not all(0 <= n <= model.max_charge for n in charges.values()) or not all(there):
        return np.nan, np.nan
    found = {step: replace(ends, sector=Sector(n, spin)).lowest()[1:] for step, n in charges.items()}
    return combined([(CHARGE_GAP[step], end) for step, end in found.items()])


def amplitude_and_phase(
    points: Sequence[Point] | Iterator[Point],
    options: Options | None = None,
    search: str = "ends",
    progress: Callable[[str], None] = lambda what: None,
) -> xr.Dataset:
    """Compute the coherence of several models in one result.

    Parameters
    ----------
    points : iterable of (mapping, Model, Sector or int)
        Parameters that label the point, its model and its quantum numbers; for example from `pair_rings`.
    options, search : optional
        As for `coherence`.
    progress : function
        Called with the name of the next computation.

    Returns
    -------
    xarray.Dataset
        The variables of `coherence` over ``point``, whose parameters are coordinates.

    Examples
    --------
    >>> data = amplitude_and_phase(pair_rings({"sites": [4], "exchange": [0.5, 4.0]}, filling=1.0))
    >>> amplitude, stiffness = data.amplitude.values, data.stiffness.values
    >>> bool(amplitude[1] > amplitude[0]), bool(stiffness[1] < stiffness[0])  # more pairs, and less coherent ones
    (True, True)
    """

    def tell(label: str, what: str) -> None:
        progress(f"{label}: {what}")

    found, names = [], []
    for parameters, model, sector in points:
        label = ", ".join(f"{name} = {value:.6g}" for name, value in parameters.items())
        found.append(coherence(model, sector, options, search, partial(tell, label)))
        names.append(parameters)
    if not found:
        raise InvalidValue("amplitude_and_phase needs one or more points, got none")
    coords = {key: ("point", [point[key] for point in names]) for key in names[0]}
    return xr.concat(found, "point", combine_attrs="override").assign_coords(coords)


def pair_rings(axes: Mapping[str, Sequence[float]], **fixed: float) -> Iterator[Point]:
    """Yield boson-fermion rings over a product of parameters, as input of `amplitude_and_phase`.

    Parameters
    ----------
    axes : mapping
        Values of the parameters; the last one varies fastest.
    **fixed : float
        Values of other parameters. Parameters and their defaults: ``sites`` 4; ``exchange`` v 1; ``level`` Delta_B 0;
        ``filling`` N / L 1 (N must be an integer); ``coupling`` alpha 0, ``frequency`` omega0 1 and ``quanta`` 0 of
        phonons coupled to the local pairs, at most ``quanta`` in all modes together; no phonons for ``quanta`` 0. The
        hopping of the electrons is the unit of energy.

    Raises
    ------
    ValueError
        If a parameter is unknown, or N is not an integer.

    Examples
    --------
    >>> [(point["exchange"], sector.charge) for point, _, sector in pair_rings({"exchange": [0.5, 1.0]}, filling=1.5)]
    [(0.5, 6), (1.0, 6)]
    """
    unknown = ({*axes} | {*fixed}) - {*DEFAULTS}
    if unknown:
        raise InvalidValue(f"unknown parameters {sorted(unknown)}; allowed: {', '.join(DEFAULTS)}")
    for values in product(*axes.values()):
        named = dict(zip(axes, values, strict=True))
        chosen = {**DEFAULTS, **fixed, **named}
        sites, filling = int(chosen["sites"]), chosen["filling"]
        charge = filling * sites
        if abs(charge - round(charge)) > 1e-9:
            raise InvalidValue(f"filling = {filling:g} on {sites:g} sites is {charge:g} charges; take a whole number")
        phonons = None
        if quanta := int(chosen["quanta"]):
            coupling = chosen["coupling"]
            phonons = Phonons(chosen["frequency"], boson_coupling=coupling, total_quanta=quanta, frame="mean")
        bosons = Bosons(chosen["level"], chosen["exchange"])
        model = Model(ring(sites), Electrons(hopping=1.0), bosons, phonons)
        yield named, model, Sector(round(charge), round(charge) % 2)


DEFAULTS: Mapping[str, float] = MappingProxyType(
    {"sites": 4, "exchange": 1.0, "level": 0.0, "filling": 1.0, "coupling": 0.0, "frequency": 1.0, "quanta": 0}
)
"""Default parameters of `pair_rings`."""
