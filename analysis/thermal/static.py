"""Static susceptibilities of charge, spin, pairs and lattice at all momenta, in a thermal state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from ..._core.arguments import taking, words
from ...clusters import momenta
from ...clusters.magnetic import without_field
from ...hamiltonians import InvalidModel, Model, Problem
from ...hamiltonians.parameters import show
from ...solvers import Options
from ..spectra.excitations import Resolution
from ..spectra.probes import KINDS, Probe, probe, probe_problems
from .cutoff import with_cutoff_errors
from .ensembles import SUSCEPTIBLE, THERMAL_ARGUMENTS, Ensemble, Sampling, ThermalSum, in_words, no_words
from .spectra import STATIC, static_susceptibility, thermal_lines
from .sums import jackknife, with_error


@taking(**THERMAL_ARGUMENTS, names=words)
def thermal_susceptibilities(
    model: Model,
    temperatures: Sequence[float],
    names: Sequence[str],
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    options: Options | None = None,
    progress: Callable[[str], None] = no_words,
) -> xr.Dataset:
    r"""Compute static susceptibilities at every momentum of the cluster.

    .. math:: \chi_O(q) = \int_0^{1/T} d\tau\,\langle O_q^\dagger(\tau)\,O_q\rangle - \frac{|\langle O_q\rangle|^2}{T},
              \qquad O_q = L^{-1/2} \sum_j e^{-iqj} O_j

    the isothermal response to a static field; in a model without time reversal the mean of q and -q. Clusters without
    momenta have one for each place (site, bond or mode) in the place of q. Pairs change the charge: theirs need the
    grand-canonical ensemble.

    Parameters
    ----------
    model : Model
        The Hamiltonian, with its chemical potential.
    temperatures : sequence of float
        T above zero [energy].
    names : sequence of str
        Operators, as `respair.analysis.probe` names them: "charge", "density", "boson_density", "spin", "displacement",
        "lattice_momentum", "pair", "bond_pair", "boson".
    ensemble, sampling, options, progress
        As for `thermal_spectral_function`, from which they are read off: exact or with random vectors, error bars with
        the phonon cutoff.

    Returns
    -------
    xarray.Dataset
        ``NAME`` [1/energy for operators that are numbers] and ``NAME_error`` over ``temperature`` and ``momentum`` (or
        ``place``), with phonons also ``NAME_cutoff_error``.

    Raises
    ------
    InvalidModel
        If the model does not have an operator, or the ensemble does not suit it.

    Examples
    --------
    A free moment on a site follows Curie's law, chi = 1 / 4T.

    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons
    >>> atom = Model(site(), Electrons(hubbard_u=40.0), chemical_potential=20.0)
    >>> thermal_susceptibilities(atom, [0.5], ["spin"]).spin.values.round(9)
    array([[0.5]])
    """
    problems = list(susceptibility_problems(model, names, _kind(ensemble)))
    if problems:
        raise InvalidModel(problems)
    asked = ThermalSum.of(model, temperatures, ensemble, sampling, options, in_words(progress))
    resolution = Resolution.of([0.0], float(asked.temperatures.min()), "lorentzian", asked.options)

    def with_caps(asked: ThermalSum) -> xr.Dataset:
        variables: dict[str, xr.DataArray] = {}
        for name in names:
            along, probes = _probes(model, name)
            found = [thermal_lines(asked, each, resolution, has_rules=False) for each in probes]
            rows = np.stack([static_susceptibility(lines) for lines in found], axis=-1)
            variables |= with_error(name, jackknife(rows), ["temperature", along], STATIC, "1/energy")
            for lines in found:
                lines.kept.remove()
        return xr.Dataset(variables).assign_coords(temperature=asked.temperatures)

    return with_cutoff_errors(asked, with_caps)


def susceptibility_problems(model: Model, names: Sequence[str], kind: str, path: str = "names") -> Iterator[Problem]:
    """Yield operators that have no susceptibility here."""
    for i, name in enumerate(names):
        at = f"{path}[{i}]"
        if name not in SUSCEPTIBLE:
            yield Problem(at, show(name), f"allowed: {', '.join(SUSCEPTIBLE)}")
        elif missing := list(probe_problems(model, name)):
            yield Problem(at, show(name), missing[0].allowed)
        elif KINDS[name].removes and kind != "grand-canonical":
            yield Problem(at, show(name), 'allowed: with ensemble = "grand-canonical"; a pair changes the charge')


def _kind(ensemble: Ensemble | str) -> str:
    return ensemble if isinstance(ensemble, str) else ensemble.kind


def _probes(model: Model, name: str) -> tuple[str, list[Probe]]:
    """Return the operators of all momenta, or of all places where there are none."""
    every = momenta(without_field(model.cluster))
    if len(every) > 1 and not list(probe_problems(model, name, momentum=every[0])):
        return "momentum", [probe(model, name, momentum=q) for q in every]
    return "place", [probe(model, name, site=place) for place in KINDS[name].places(model)]
