"""Thermal ensembles: which states are summed over, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import instance, is_whole, numbers
from ...clusters import Brief
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.arguments import a_model, a_sector, number_basis_problems
from ...hamiltonians.conservation import conservation_problems
from ...hamiltonians.parameters import is_number, show
from ...hamiltonians.sector import sector_problems
from ...hamiltonians.terms import far_potential
from ...solvers import Options
from ...solvers.arguments import read_options
from ...solvers.ensemble_blocks import ENSEMBLES
from ..observables.table import available

METHODS = ("auto", "exact", "ftlm")
SUSCEPTIBLE = (
    "pair", "bond_pair", "boson", "displacement", "lattice_momentum", "density", "boson_density", "charge", "spin",
)  # fmt: skip
"""Operators that have a static susceptibility: those that keep the charge, and pairs."""
EXACT_UP_TO = 1500
"""With ``method = "auto"`` larger blocks are sampled."""
TINY = 32
"""Blocks up to this size are never sampled."""


@dataclass(frozen=True, repr=False)
class Ensemble(Brief):
    """Which states a thermal average runs over.

    Attributes
    ----------
    kind : str
        "grand-canonical", "canonical" (all S_z of the sector's charge) or "sector".
    sector : Sector or None
        The charge, or the sector; not used in the grand-canonical ensemble.
    density : float or None
        Wanted <N> per site in the grand-canonical ensemble; mu is found for it at each temperature.
    """

    kind: str = "grand-canonical"
    sector: Sector | None = None
    density: float | None = None

    def __post_init__(self) -> None:
        if self.sector is not None:
            object.__setattr__(self, "sector", a_sector("sector", self.sector))

    @property
    def is_grand(self) -> bool:
        """True where the charge is free."""
        return self.kind == "grand-canonical"


@dataclass(frozen=True, repr=False)
class Sampling(Brief):
    """How blocks are summed over.

    Attributes
    ----------
    method : str
        "exact", "ftlm" (finite-temperature Lanczos), or "auto": exact up to `EXACT_UP_TO` states in a block.
    samples : int
        Random vectors of each sampled block, at least 2.
    steps : int
        Lanczos steps that each begins with; more are taken until its thermal states, or a curve, have settled.
    exact_levels : int
        Lowest levels of each sampled block that are summed exactly, so that low temperatures carry no noise.
    target_error : float or None
        Largest error bar of <H> at any temperature; random vectors are added until it is reached.
    skip_below : float
        Sampled charges are left out while their shares of Z, by a bound, add up to less than this.
    """

    method: str = "auto"
    samples: int = 20
    steps: int = 80
    exact_levels: int = 2
    target_error: float | None = None
    skip_below: float = 1e-12

    @property
    def exact_up_to(self) -> float:
        """Largest block of which all levels are computed."""
        return {"exact": np.inf, "ftlm": TINY, "auto": EXACT_UP_TO}[self.method]


def an_ensemble(name: str, value: Any) -> Ensemble:
    """Return an ensemble, that of a kind where a name is given; anything else is refused."""
    if isinstance(value, str):
        return Ensemble(value)
    return instance(name, value, Ensemble, 'write "grand-canonical", or Ensemble("canonical", Sector(4))')


def a_sampling(name: str, value: Any) -> Sampling:
    """Return how to sum over blocks, by a method where a name is given; anything else is refused."""
    if isinstance(value, str):
        return Sampling(value)
    return instance(name, value, Sampling, 'write Sampling("ftlm", samples=20)')


THERMAL_ARGUMENTS = MappingProxyType(
    {
        "model": a_model,
        "temperatures": numbers,
        "ensemble": an_ensemble,
        "sampling": a_sampling,
        "options": read_options,
    }
)
"""How functions of thermal sums read their arguments."""
Progress = Callable[[int, int, str], None]
"""Called with the number of finished blocks, of all blocks, and the next block."""


def in_words(progress: Callable[[str], None]) -> Callable[[str, int, int, str], None]:
    """Return the progress of a `ThermalSum` as one line of text."""
    return lambda what, done, count, block: progress(f"{what}, block {min(done + 1, count)} of {count}: {block}")


def no_words(what: str) -> None:
    """Report nothing."""


def no_progress(what: str, done: int, count: int, block: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class ThermalSum:
    """A sum over the states of an ensemble.

    Attributes
    ----------
    model : Model
        The Hamiltonian, with its chemical potential.
    temperatures : (t,) float
        T.
    ensemble : Ensemble
        Which states are summed over.
    sampling : Sampling
        Exact or with random vectors.
    options : Options
        Seed, engine, limits, checkpoint and pool.
    progress : function
        Called with the quantity, the number of finished blocks, of all blocks, and the next block.
    within : Model or None
        The same model with higher caps: random vectors are parts of those that it has, so that differences between
        both carry little noise.
    """

    model: Model
    temperatures: NDArray[np.float64]
    ensemble: Ensemble
    sampling: Sampling
    options: Options
    progress: Callable[[str, int, int, str], None] = no_progress
    within: Model | None = None

    @classmethod
    def of(
        cls,
        model: Model,
        temperatures: Sequence[float],
        ensemble: Ensemble | str,
        sampling: Sampling | None = None,
        options: Options | None = None,
        progress: Callable[[str, int, int, str], None] = no_progress,
        names: Sequence[str] = (),
        more: Iterable[Problem] = (),
    ) -> ThermalSum:
        """Return the sum that a function was asked for.

        Raises
        ------
        InvalidModel
            With everything that is wrong, the observables in `names` and the problems in `more` included.
        """
        kind = Ensemble(ensemble) if isinstance(ensemble, str) else ensemble
        sampling = sampling or Sampling()
        problems = [*thermal_problems(model, temperatures, kind, sampling, names), *more]
        if problems:
            raise InvalidModel(problems)
        return cls(model, np.asarray(temperatures, dtype=float), kind, sampling, options or Options(), progress)

    @property
    def memory_limit(self) -> int:
        """Bytes that one block may take: processes of a pool share the memory of the machine."""
        return self.options.memory_limit // (self.options.pool.sharing if self.options.pool else 1)

    @cached_property
    def potential(self) -> float:
        """The chemical potential that is not in the Hamiltonian of a sector: see `far_potential`."""
        return far_potential(self.model)

    @property
    def included(self) -> float:
        """The chemical potential that is in the Hamiltonian of a sector."""
        return 0.0 if self.potential else float(self.model.chemical_potential)

    def conserves(self, quantity: Literal["charge", "spin"]) -> bool:
        """True where N, or S_z, has one value in each block, of which averages are made."""
        sector = None if self.ensemble.is_grand else self.ensemble.sector
        return not any(conservation_problems(self.model, "", quantity, sector=sector))

    @property
    def charge(self) -> float | None:
        """The wanted <N>, if the density is given."""
        density = self.ensemble.density
        return None if density is None else density * self.model.cluster.sites


def thermal_problems(
    model: Model, temperatures: Sequence[float], kind: Ensemble, sampling: Sampling, names: Sequence[str]
) -> Iterator[Problem]:
    """Yield everything wrong with what is asked for."""
    yield from number_basis_problems(model, "a temperature")
    if not len(temperatures) or not all(is_number(t) and t > 0 for t in temperatures):
        yield Problem("thermal.temperatures", show(list(temperatures)), "allowed: a list of numbers above 0")
    if kind.kind not in ENSEMBLES:
        yield Problem("thermal.ensemble", show(kind.kind), "allowed: " + ", ".join(f'"{e}"' for e in ENSEMBLES))
    elif not kind.is_grand and kind.sector is None:
        yield Problem("sector", "nothing", f'add a [sector] table with its charge; ensemble = "{kind.kind}" needs it')
    elif not kind.is_grand and kind.sector is not None:
        yield from sector_problems(model, kind.sector)
    if kind.kind == "canonical":
        yield from conservation_problems(model, "canonical ensembles", "charge", sector=kind.sector)
    if kind.density is not None:
        yield from conservation_problems(model, "given densities", "charge")
    if kind.density is not None and not kind.is_grand:
        yield Problem("thermal.density", show(kind.density), 'allowed: only with ensemble = "grand-canonical"')
    elif kind.density is not None:
        most = model.max_charge / model.cluster.sites
        if not (is_number(kind.density) and 0 < kind.density < most):
            yield Problem("thermal.density", show(kind.density), f"allowed: between 0 and {most:g}, both excluded")
    if sampling.method not in METHODS:
        yield Problem("thermal.method", show(sampling.method), "allowed: " + ", ".join(f'"{m}"' for m in METHODS))
    if not is_whole(sampling.samples) or sampling.samples < 2:
        yield Problem("thermal.samples", show(sampling.samples), "allowed: 2 or more; error bars need them")
    if not is_whole(sampling.steps) or sampling.steps < 2:
        yield Problem("thermal.steps", show(sampling.steps), "allowed: 2 or more")
    if not is_whole(sampling.exact_levels) or sampling.exact_levels < 1:
        yield Problem("thermal.exact_levels", show(sampling.exact_levels), "allowed: 1 or more")
    if sampling.target_error is not None and not (is_number(sampling.target_error) and sampling.target_error > 0):
        yield Problem("thermal.target_error", show(sampling.target_error), "allowed: a number above 0")
    if not is_number(sampling.skip_below) or not 0 <= sampling.skip_below < 1:
        yield Problem("thermal.skip_below", show(sampling.skip_below), "allowed: a share from 0 to below 1")
    if model.phonons is not None and model.phonons.dressing == "optimal":
        allowed = "thermal states need a number: that of the ground state, or any other from 0 to 1"
        yield Problem("phonons.dressing", show(model.phonons.dressing), allowed)
    for i, name in enumerate(names):
        if name not in available(model):
            yield Problem(f"thermal.observables[{i}]", show(name), f"allowed: {', '.join(available(model))}")
