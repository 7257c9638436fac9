"""Thermal initial states, from all levels of a sector or from random vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..._core.arguments import instance, real_number, taking, whole_number
from ...clusters import Brief, InvalidValue
from ...hamiltonians import InvalidModel, Model, Sector
from ...hamiltonians.arguments import a_model, a_sector, number_basis_problems
from ...hamiltonians.space.product import Space
from ...solvers import Options, Progress, State, ground_state
from ...solvers.arguments import read_options
from ...solvers.costs import choose_engine
from ...solvers.evolution.start import Start
from ...solvers.krylov.sampling import MOST_STEPS, samples, settled_samples
from ...solvers.work import silent
from ..observables.table import at_cutoff

LIGHTEST = 1e-14
"""Levels of smaller weight are omitted from a thermal state."""
EXACT_UP_TO = 400
"""Number of states above which a sector is sampled, since otherwise every level would have to be evolved."""
STEPS = 80
"""Initial number of Lanczos steps for a random vector."""
LEVELS = 4
"""Number of lowest levels treated exactly in addition to the random vectors, to avoid noise at low temperatures."""
SEED = 7


@dataclass(frozen=True, repr=False)
class Thermal(Brief):
    r"""A canonical thermal state of a sector as initial state.

    .. math:: \langle O(t)\rangle = \frac{\sum_r \langle r|e^{-H/2T}\,O(t)\,e^{-H/2T}|r\rangle}
                                      {\sum_r \langle r|e^{-H/T}|r\rangle}

    Sectors of up to 400 states are treated exactly, larger ones by their lowest levels and random
    vectors r orthogonal to these; error bars contain two jackknife errors.

    Attributes
    ----------
    temperature : float
        T [energy].
    samples : int
        Number of random vectors, 2 or more.
    of : Model, mapping or None
        The Hamiltonian of the thermal state, if it differs from that of the evolution: another model, or new values
        such as ``{"bosons.exchange": 0.0}``.

    References
    ----------
    S. Sugiura and A. Shimizu, Phys. Rev. Lett. 111, 010401 (2013).

    Examples
    --------
    >>> Thermal(0.2).samples
    20
    """

    temperature: float
    samples: int = 20
    of: Model | Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        if not real_number("temperature", self.temperature, "a number above 0") > 0:
            raise InvalidValue(f"temperature = {self.temperature} is invalid; allowed: a number above 0, as 0.1")
        object.__setattr__(self, "samples", whole_number("samples", self.samples, 2))
        cure = 'leave it out, or give values, as {"bosons.exchange": 0.0}'
        instance("of", self.of, (Model, Mapping, type(None)), cure)


@taking(model=a_model, sector=a_sector, options=read_options)
def thermal_state(
    model: Model, sector: Sector | int, temperature: float, options: Options | None = None, progress: Progress = silent
) -> State:
    r"""Return the canonical thermal state of a sector from all its levels, as a mixture.

    .. math:: \rho = \sum_n e^{-E_n / T} |n\rangle\langle n| / Z

    Levels with a weight below 1e-14 are omitted. For larger sectors use `Thermal`, which samples random vectors.

    Parameters
    ----------
    model : Model
        The Hamiltonian, with a fixed phonon cutoff.
    sector : Sector or int
        N and S_z; a number means ``Sector(charge)``.
    temperature : float
        T [energy].
    options, progress
        See `ground_state`.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> thermal_state(Model(dimer(), Electrons(hopping=1.0)), 1, 2.0).weights.round(6)
    array([0.731059, 0.268941])
    """
    if wrong := list(number_basis_problems(model, "a temperature")):
        raise InvalidModel(wrong)
    if not real_number("temperature", temperature, "a number above 0") > 0:
        raise InvalidValue(f"temperature = {temperature} is invalid; allowed: a number above 0, as 0.1")
    levels = ground_state(model, sector, "all", options, progress)
    weights = np.exp(-(levels.relative - levels.relative[0]) / temperature)
    kept = weights > LIGHTEST * weights.sum()
    return State(levels.block, levels.amplitudes[: len(kept)][kept], weights[kept] / weights[kept].sum())


def is_sampled(model: Model, sector: Sector) -> bool:
    """True if the thermal state of a sector is sampled by random vectors."""
    return Space(model, sector.plain).dimension > EXACT_UP_TO


def states_of(thermal: Thermal, model: Model, sector: Sector) -> int:
    """Return the largest number of states to be evolved."""
    whole = sector.plain
    return thermal.samples + LEVELS if is_sampled(model, whole) else Space(model, whole).dimension


def thermal_start(thermal: Thermal, model: Model, sector: Sector, options: Options, progress: Progress) -> Start:
    """Return a thermal state of a model with a fixed cutoff, in its whole sector.

    The error of the initial state is estimated by the square root of the weight at the phonon cutoff.
    """
    whole = sector.plain
    if is_sampled(model, whole):
        state = _sampled(thermal, model, whole, options, progress)
    else:
        state = thermal_state(model, whole, thermal.temperature, options, progress)
    edge = at_cutoff(state.hamiltonian.space)
    weight = sum(w * state.block.total(np.sum(np.abs(phi[:, edge]) ** 2)) for w, phi in state.mixture)
    return Start(state, math.sqrt(max(0.0, float(weight))))


def _sampled(thermal: Thermal, model: Model, sector: Sector, options: Options, progress: Progress) -> State:
    """Return the lowest levels, and ``exp(-H/2T) r`` of random vectors orthogonal to them, each with its weight."""
    levels = ground_state(model, sector, LEVELS, options, progress)
    block, known = levels.block, levels.amplitudes[: len(levels.relative)]
    energies = levels.relative
    origin = float(energies[0])
    engine = choose_engine(model, sector, options.engine)
    seed = np.random.SeedSequence([options.seed, SEED])
    steps = max(2, min(STEPS, block.dimension - len(known)))
    drawn = samples(block, thermal.samples, steps, seed, known, "tensor" if engine == "dense" else engine)
    temperatures = np.array([thermal.temperature])
    fitting = options.memory_limit // (3 * block.energy.dtype.itemsize * block.most_entries)
    most = max(steps, min(MOST_STEPS, fitting, block.dimension))
    factors = np.exp(-(energies - origin) / thermal.temperature)
    vectors, weights = list(known), factors.tolist()
    for sample in settled_samples(drawn, temperatures, origin, np.array([factors.sum()]), most):
        (phi,) = sample.thermal_states(temperatures, origin)
        norm = block.norm(phi)
        vectors.append(phi / norm)
        weights.append(norm**2 / thermal.samples)
    return State(block, np.array(vectors), np.array(weights) / np.sum(weights))
