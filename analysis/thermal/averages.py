"""Thermal averages of a cluster: exact over all levels, or from random vectors with jackknife errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking, words
from ...hamiltonians import InvalidModel, Model, Problem
from ...hamiltonians.parameters import show
from ...solvers import Options
from ...solvers.caps import capped
from ..labelled import arrays, check_numbers
from ..lattice.displacements import default_grid
from ..observables.operators import thermal_form
from ..observables.table import CUTOFF_PROBABILITY, OBSERVABLES, available
from .cutoff import with_cutoff_errors
from .ensembles import THERMAL_ARGUMENTS, Ensemble, Progress, Sampling, ThermalSum
from .sums import Replicates, Summed, Totals, jackknife_of_averages, thermal_totals, with_error


@taking(**THERMAL_ARGUMENTS, names=words)
def thermal_averages(
    model: Model,
    temperatures: Sequence[float],
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    names: Sequence[str] | None = (),
    options: Options | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
    progress: Progress = lambda done, count, block: None,
    *,
    cutoff_errors: bool = True,
) -> xr.Dataset:
    r"""Thermodynamics and thermal averages of a cluster.

    .. math:: \Omega = -T\ln Z,\quad Z = \sum_n e^{-E_n/T},\quad
              \langle O\rangle = Z^{-1}\sum_n e^{-E_n/T}\langle n|O|n\rangle

    with mu inside H. Blocks that are too large for all their levels are sampled: Tr over a block is the mean over
    Gaussian vectors r, and averages are taken in the typical states ``exp(-H/2T) r``. Error bars are
    jackknife errors over the vectors, of the final quantities, with the correlations between temperatures, combined
    with the error of the phonon cutoff; they are zero where everything is exact.

    Parameters
    ----------
    model : Model
        The Hamiltonian, with its chemical potential.
    temperatures : sequence of float
        T above zero, in the user's unit of energy.
    ensemble : Ensemble or str
        Which blocks are summed over.
    sampling : Sampling, optional
        Exact or sampled.
    names : sequence of str or None
        Observables, by the names of the ground state; None for all that the model has.
    options : Options, optional
        Seed and memory limit; with a checkpoint ``NAME.checkpoint``, finished blocks are kept in the folder
        ``NAME.blocks`` until the sum is complete, and the same call goes on from there; with a pool, as
        ``Options(pool=Workers(4))``, its processes sum over the blocks, with the same random numbers.
    displacement_grid : sequence of float, optional
        X at which P(X) is given.
    progress : function
        Called before each block.
    cutoff_errors : bool
        False for a first look at a model with caps: one sum in the place of three or more, with error bars that leave
        out the phonon cutoff.

    Returns
    -------
    xarray.Dataset
        Over ``temperature``: ``grand_potential`` (``free_energy`` with fixed charge), ``energy``, ``entropy``,
        ``specific_heat`` (Var H / T^2, at fixed mu), ``charge``, ``charge_variance``, ``compressibility``
        (Var N / T = d<N>/d mu), ``spin_susceptibility`` (Var S_z / T), ``chemical_potential``,
        ``cutoff_probability`` (weight of the phonon states at the cutoff), the observables, and for each of them
        ``NAME_error``, with phonons also the part ``NAME_cutoff_error`` of it that comes from the cutoff;
        ``skipped_share`` bounds the weight of blocks that were left out, ``sampled_blocks`` took ``random_vectors``
        each.

    Raises
    ------
    InvalidModel
        If temperatures, ensemble or observables are wrong.
    MemoryError
        If a block fits neither way.
    CutoffError
        If no affordable cap reaches ``phonons.accuracy``, with ``cutoff = "auto"``.
    ArithmeticError
        If the entropy is negative beyond its error, or a result is not a number.

    References
    ----------
    J. Jaklic and P. Prelovsek, Adv. Phys. 49, 1 (2000); M. Aichhorn et al., Phys. Rev. B 67, 161103 (2003).

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> data = thermal_averages(Model(site(), Electrons(), Bosons(exchange=0.5)), [0.4], names=["pair_exchange"])
    >>> data.charge.values.round(12), data.pair_exchange.values.round(6)
    (array([2.]), array([[-0.163848]]))
    """
    chosen = tuple(available(model) if names is None else names)
    asked = ThermalSum.of(
        model, temperatures, ensemble, sampling, options, lambda what, *blocks: progress(*blocks), chosen
    )
    grid = default_grid(model) if displacement_grid is None else np.asarray(displacement_grid, dtype=float)
    forms = {name: _form(name, capped(model), grid) for name in chosen if not OBSERVABLES[name].derived}
    without = [name for name, form in forms.items() if form is None]
    if names is not None and without:
        allowed = "leave it out: in a mixture it is not the mean of its values, and so has no thermal average"
        raise InvalidModel([Problem("thermal.observables", show(name), allowed) for name in without])
    chosen = tuple(name for name in chosen if name not in without)
    there = {name: form for name, form in forms.items() if form is not None}
    averages = (*summed_observables(model, chosen), CUTOFF_PROBABILITY)

    def with_caps(asked: ThermalSum) -> xr.Dataset:
        found = thermal_totals(asked, averages, grid)
        data = _dataset(found, chosen, there)
        found.kept.remove()
        return data

    return with_cutoff_errors(asked, with_caps) if cutoff_errors else with_caps(asked)


@dataclass(frozen=True)
class Form:
    """Dimensions, coordinates and units of an observable."""

    dims: tuple[str, ...] = ()
    coords: Mapping[str, Any] = field(default_factory=dict)
    units: str = "1"


def _form(name: str, model: Model, grid: NDArray[np.float64]) -> Form | None:
    """Return the form of an observable; None where it has no thermal average."""
    entry = OBSERVABLES[name]
    if entry.formula is not None:
        return Form(entry.formula.dims, units=entry.units)
    example = thermal_form(name, model, grid)
    if example is None:
        return None
    coords = {str(dim): example[dim].values for dim in example.dims if dim in example.coords}
    return Form(tuple(map(str, example.dims)), coords, str(example.attrs.get("units", "1")))


def _dataset(found: Summed, chosen: Sequence[str], forms: Mapping[str, Form]) -> xr.Dataset:
    asked, totals = found.asked, found.totals
    variables: dict[str, xr.DataArray] = {}

    def add(name: str, replicates: Replicates, form: Form, formula: str) -> None:
        there = {"temperature": totals.temperatures, **form.coords}
        variables.update(
            with_error(
                name, jackknife_of_averages(replicates, totals), ["temperature", *form.dims], formula, form.units, there
            )
        )

    for name, (replicates, formula, units) in thermodynamics(asked, totals).items():
        add(name, replicates, Form(units=units), formula)
        if asked.potential and units == "energy":  # the sum with -mu N is rounded
            error, value = variables[f"{name}_error"], variables[name].values
            variables[f"{name}_error"] = error.copy(data=error.values + 2 * np.finfo(float).eps * np.abs(value))
    for name in (CUTOFF_PROBABILITY, *(name for name in chosen if not OBSERVABLES[name].derived)):
        add(name, totals.observables[name], forms.get(name, Form()), f"thermal average of {name}")
    for name in chosen:
        if derived := OBSERVABLES[name].derived:
            for part, (values, dims, formula) in derived.of(totals.observables, asked.model).items():
                add(f"{name}_{part}", values, Form(dims, units=OBSERVABLES[name].units), formula)
    entropy = variables["entropy"].values
    below = entropy + 5 * variables["entropy_error"].values
    if np.min(below, initial=0.0) < -1e-9:
        t, s = (float(values[np.argmin(below)]) for values in (totals.temperatures, entropy))
        raise ArithmeticError(f"the entropy is {s:.3g} at T = {t:g}, negative beyond its error; take more samples")
    which = f"blocks summed by random vectors: those of more than {asked.sampling.exact_up_to:,g} states"
    counts = {
        "skipped_share": (found.skipped, "", "bound on the weight of blocks left out"),
        "sampled_blocks": (found.sampled, "", which),
        "random_vectors": (asked.sampling.samples if found.sampled else 0, "", "random vectors of each of them"),
    }
    coords = {
        k: axis
        for name in chosen
        if (each := OBSERVABLES[name].derived)
        for k, axis in each.coords(asked.model).items()
    }
    data = xr.Dataset(variables | arrays(counts)).assign_coords(coords)
    check_numbers(data, data.data_vars)
    return data


def thermodynamics(asked: ThermalSum, totals: Totals) -> dict[str, tuple[Replicates, str, str]]:
    r"""Return the thermodynamic quantities of an ensemble, H with mu inside, each with its formula and unit.

    .. math:: \Omega = -T\ln Z,\quad S = (\langle H\rangle - \Omega)/T,\quad C = \mathrm{Var}(H)/T^2,\quad
              \kappa = \mathrm{Var}(N)/T,\quad \chi = \mathrm{Var}(S_z)/T

    With a wanted density, mu depends on T and C is that at fixed mu nevertheless.
    """
    t = totals.temperatures
    is_grand = asked.ensemble.is_grand
    name, formula = ("grand_potential", "Omega = -T ln Z") if is_grand else ("free_energy", "F = -T ln Z")
    found = {
        name: (totals.lowest - t * totals.log_partition, formula, "energy"),
        "energy": (totals.lowest + totals.energy, "<H>, mu inside H", "energy"),
        "entropy": (totals.log_partition + totals.energy / t, "(<H> + T ln Z) / T", "1"),
        "specific_heat": (totals.energy_variance / t**2, "(<H^2> - <H>^2) / T^2, at fixed mu", "1"),
        "charge": (totals.charge, "<N>, N = N_e + 2 N_b", "1"),
        "charge_variance": (totals.charge_variance, "<N^2> - <N>^2", "1"),
        "compressibility": (totals.charge_variance / t, "d<N>/dmu = (<N^2> - <N>^2) / T", "1/energy"),
        "spin_susceptibility": (totals.spin_variance / t, "(<S_z^2> - <S_z>^2) / T", "1/energy"),
        "chemical_potential": (asked.included + totals.shift, "mu", "energy"),
    }
    without = {name for quantity, names in MADE_OF.items() if not asked.conserves(quantity) for name in names}
    return {name: value for name, value in found.items() if name not in without}


MADE_OF: Mapping[Literal["charge", "spin"], tuple[str, ...]] = MappingProxyType(
    {"charge": ("charge", "charge_variance", "compressibility"), "spin": ("spin_susceptibility",)}
)
"""What is read off the values of N, and of S_z, that each block has: left out where it is not conserved."""


def summed_observables(model: Model, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the observables that are summed over blocks: those chosen, and those from which others are derived."""
    derived = {name: OBSERVABLES[name].derived for name in chosen}
    behind = (other for each in derived.values() if each for other in each.inputs(model))
    return tuple(dict.fromkeys([*(name for name in chosen if not derived[name]), *behind]))
