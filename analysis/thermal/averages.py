"""Thermal averages of a cluster: exact over all levels, or from random vectors with jackknife errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import numbers, taking, words
from ...clusters import InvalidValue
from ...hamiltonians import InvalidModel, Model, Problem
from ...hamiltonians.arguments import a_model
from ...hamiltonians.parameters import show
from ...solvers import Options
from ...solvers.arguments import read_options
from ...solvers.cutoff import capped
from ..labelled import check_numbers, labelled
from ..lattice.displacements import default_grid
from ..observables.operators import differs_in_twins, thermal_form
from ..observables.table import CUTOFF_PROBABILITY, OBSERVABLES, available
from .block_files import KeptBlocks
from .block_sums import block_sums
from .block_terms import Averages
from .cutoff import with_cutoff_errors
from .ensembles import Ensemble, Progress, Sampling, a_sampling, an_ensemble, plan, thermal_problems
from .sums import Replicates, Totals, jackknife
from .thermodynamics import thermodynamics

MARGIN = 1.3
"""More random vectors than an error bar, which is an estimate itself, asks for."""
MOST_SAMPLES = 100_000


@taking(
    model=a_model,
    temperatures=numbers,
    ensemble=an_ensemble,
    sampling=a_sampling,
    options=read_options,
    names=words,
)
def thermal_averages(
    model: Model,
    temperatures: Sequence[float],
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    names: Sequence[str] | None = (),
    options: Options | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
    progress: Progress = lambda done, count, what: None,
) -> xr.Dataset:
    r"""Thermodynamics and thermal averages of a cluster.

    .. math:: \Omega = -T\ln Z,\quad Z = \sum_n e^{-E_n/T},\quad
              \langle O\rangle = Z^{-1}\sum_n e^{-E_n/T}\langle n|O|n\rangle

    with mu inside H. Blocks that are too large for all their levels are sampled: Tr over a block is the mean over
    Gaussian vectors r, and averages are taken in the typical states ``exp(-H/2T) r``. Errors are by jackknife over the
    vectors, on the final quantities, with the correlations between temperatures, together with what the phonon cutoff
    makes of them; they are zero where all is exact.

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
    kind = Ensemble(ensemble) if isinstance(ensemble, str) else ensemble
    sampling, options = sampling or Sampling(), options or Options()
    chosen = tuple(available(model) if names is None else names)
    problems = list(thermal_problems(model, temperatures, kind, sampling, chosen))
    if problems:
        raise InvalidModel(problems)
    grid = default_grid(model) if displacement_grid is None else np.asarray(displacement_grid, dtype=float)
    forms = {name: _form(name, capped(model), grid) for name in chosen if not OBSERVABLES[name].derived}
    if names is None:
        chosen = tuple(name for name in chosen if forms.get(name, True))
    elif without := [name for name, form in forms.items() if form is None]:
        allowed = "leave it out: in a mixture it is not the mean of its values, and so has no thermal average"
        raise InvalidModel([Problem("thermal.observables", show(name), allowed) for name in without])
    return with_cutoff_errors(
        model,
        kind,
        temperatures,
        sampling,
        lambda capped, how: _averages(capped, temperatures, kind, how, chosen, forms, options, grid, progress),
    )


def _averages(
    model: Model,
    temperatures: Sequence[float],
    kind: Ensemble,
    sampling: Sampling,
    chosen: Sequence[str],
    forms: Mapping[str, Any],
    options: Options,
    grid: NDArray[np.float64],
    progress: Progress,
) -> xr.Dataset:
    """Return the averages with a given cutoff."""
    t = np.asarray(temperatures, dtype=float)
    summed = (*summed_observables(model, chosen), CUTOFF_PROBABILITY)
    found = thermal_totals(model, kind, Averages(t, summed, grid), sampling, options, progress)
    data = _dataset(model, kind, found, chosen, {name: form for name, form in forms.items() if form})
    found.kept.remove()
    return data


@dataclass(frozen=True)
class Summed:
    """Thermal sums over an ensemble, and how they were made.

    Attributes
    ----------
    totals : Totals
        The sums.
    sampling : Sampling
        With the number of random vectors that was taken.
    sampled : int
        Blocks that were summed over with them.
    skipped : float
        Bound on the share of the blocks that were left out.
    kept : KeptBlocks
        Blocks on disk.
    """

    totals: Totals
    sampling: Sampling
    sampled: int
    skipped: float
    kept: KeptBlocks


def thermal_totals(
    model: Model,
    kind: Ensemble,
    summed: Averages,
    sampling: Sampling,
    options: Options,
    progress: Progress,
) -> Summed:
    """Return the sums over all blocks, with as many random vectors as the wanted error takes."""
    t = summed.temperatures
    apart = any(differs_in_twins(name, model) for name in summed.names)
    planned, skipped = plan(model, kind, sampling, t, options, twins=apart, progress=progress)
    charge = None if kind.density is None else kind.density * model.cluster.sites
    while True:
        parts, kept = block_sums(summed, model, kind, planned, sampling, options, progress)
        totals = Totals.of(parts, t, charge)
        needed = _needed_samples(totals, sampling)
        if needed <= sampling.samples:
            return Summed(totals, sampling, sum(not part.exact for part in parts), skipped, kept)
        kept.remove()
        sampling = replace(sampling, samples=needed)


def settled(
    model: Model,
    kind: Ensemble,
    t: NDArray[np.float64],
    sampling: Sampling,
    options: Options,
    progress: Callable[[str], None],
) -> tuple[Replicates, Sampling]:
    """Return what a wanted density adds to the chemical potential, and the number of vectors that an error bar takes.

    Both are found by the thermal sums, for what has its own: spectra and the response to a flux. The shifts that leave
    a random vector out carry the uncertainty of mu over to the errors of these.
    """
    if kind.density is None and sampling.target_error is None:
        return np.zeros((1, len(t))), sampling
    found = thermal_totals(
        model, kind, Averages(t, (), np.zeros(0)), sampling, options, in_words(progress, "chemical potential")
    )
    found.kept.remove()
    return found.totals.shift, replace(found.sampling, target_error=None)


def in_words(progress: Callable[[str], None], what: str) -> Progress:
    """Return what tells the progress of a sum over blocks in words."""
    return lambda done, count, block: progress(f"{what}, block {min(done + 1, count)} of {count}: {block}")


def _needed_samples(totals: Totals, sampling: Sampling) -> int:
    """Return how many random vectors the wanted error bar takes; errors fall with their square root."""
    error = float(np.max(jackknife(totals.energy)[1]))
    if sampling.target_error is None or error <= sampling.target_error:
        return sampling.samples
    needed = math.ceil(MARGIN * sampling.samples * (error / sampling.target_error) ** 2)
    if needed > MOST_SAMPLES:
        raise InvalidValue(
            f"target_error = {sampling.target_error:g} would take {needed:,} random vectors of each block, and at most "
            f"{MOST_SAMPLES:,} are taken; {sampling.samples} gave {error:.2g}"
        )
    return needed


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


def _dataset(
    model: Model, kind: Ensemble, found: Summed, chosen: Sequence[str], forms: Mapping[str, Form]
) -> xr.Dataset:
    totals = found.totals
    variables: dict[str, xr.DataArray] = {}

    def add(name: str, replicates: Replicates, form: Form, formula: str) -> None:
        value, error = jackknife(replicates)
        over, units = ["temperature", *form.dims], form.units
        there = {"temperature": totals.temperatures, **form.coords}
        variables[name] = labelled(name, value, over, formula, units, there)
        variables[f"{name}_error"] = labelled(f"{name}_error", error, over, f"error bar of {name}", units, there)

    for name, quantity in thermodynamics(model, kind, totals).items():
        add(name, quantity.replicates, Form(units=quantity.units), quantity.formula)
    for name in (CUTOFF_PROBABILITY, *(name for name in chosen if not OBSERVABLES[name].derived)):
        add(name, totals.observables[name], forms.get(name, Form()), f"thermal average of {name}")
    for name in chosen:
        if derived := OBSERVABLES[name].derived:
            for part, (values, dims, formula) in derived.parts(totals.observables).items():
                add(f"{name}_{part}", values, Form(dims, units=OBSERVABLES[name].units), formula)
    _check_entropy(variables["entropy"], variables["entropy_error"])
    variables["skipped_share"] = labelled("skipped_share", found.skipped, [], "bound on the weight of blocks left out")
    which = f"blocks summed by random vectors: those of more than {found.sampling.exact_up_to:,g} states"
    variables["sampled_blocks"] = labelled("sampled_blocks", found.sampled, [], which)
    vectors = found.sampling.samples if found.sampled else 0
    variables["random_vectors"] = labelled("random_vectors", vectors, [], "random vectors of each of them")
    data = xr.Dataset(variables)
    check_numbers(data, data.data_vars)
    return data


def _check_entropy(entropy: xr.DataArray, error: xr.DataArray) -> None:
    """A negative entropy beyond its error means that something is wrong."""
    below = entropy.values + 5 * error.values
    if np.min(below, initial=0.0) < -1e-9:
        at = int(np.argmin(below))
        t, s = float(entropy["temperature"].values[at]), float(entropy.values[at])
        raise ArithmeticError(f"the entropy is {s:.3g} at T = {t:g}, negative beyond its error; take more samples")


def summed_observables(model: Model, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the observables that are summed over blocks: those chosen, and those from which others are derived."""
    derived = {name: OBSERVABLES[name].derived for name in chosen}
    behind = (other for each in derived.values() if each for other in each.inputs(model))
    return tuple(dict.fromkeys([*(name for name in chosen if not derived[name]), *behind]))
