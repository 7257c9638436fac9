"""Kicks: operators applied instantaneously to the initial state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..._core.arguments import real_number, whole_number
from ...clusters import Brief
from ...hamiltonians import (
    InvalidModel,
    Model,
    Operator,
    Problem,
    boson_number,
    displacement,
    electron_number,
    phonon,
)
from ...hamiltonians.branches import mode_places
from ...hamiltonians.operators import spin_z
from ...hamiltonians.parameters import show


def _sites(model: Model) -> Mapping[int, int]:
    return {i: i for i in range(model.cluster.sites)} if model.electrons is not None else {}


def _boson_sites(model: Model) -> Mapping[int, int]:
    return {i: i for i in model.boson_sites}


def _modes(model: Model) -> Mapping[int, int]:
    return mode_places(model.modes)


def _momentum(mode: int) -> Operator:
    """P = (a - a+) / (i sqrt 2)."""
    return (-1j / 2**0.5) * (phonon(mode) - phonon(mode).dag)


@dataclass(frozen=True)
class KickKind:
    """An entry of the table of kicks.

    Attributes
    ----------
    operator : function
        From the index of a site or mode to O.
    places : function
        From the model to the sites or modes, by site, or by bond for modes on bonds.
    noun : str
        Description of the kind of place, for messages.
    """

    operator: Callable[[int], Operator]
    places: Callable[[Model], Mapping[int, int]]
    noun: str


KICKS: Mapping[str, KickKind] = MappingProxyType(
    {
        "displacement": KickKind(displacement, _modes, "a site or bond with an oscillator"),
        "momentum": KickKind(_momentum, _modes, "a site or bond with an oscillator"),
        "density": KickKind(electron_number, _sites, "a site with electrons"),
        "spin": KickKind(spin_z, _sites, "a site with electrons"),
        "boson": KickKind(boson_number, _boson_sites, "a site with a local pair"),
    }
)
"""The operators of kicks by name."""


@dataclass(frozen=True, repr=False)
class Kick(Brief):
    r"""A kick ``exp(-i strength O)`` on a state.

    =================  ================================================================================
    operator           O
    =================  ================================================================================
    ``displacement``   ``x = a + a+``, a push: <P> changes by ``-sqrt(2) strength``
    ``momentum``       ``P = (a - a+) / (i sqrt 2)``, a shift: <X> changes by ``strength``, <x> by sqrt 2 of it
    ``density``        ``n_i`` of the electrons
    ``spin``           ``S^z_i``
    ``boson``          ``b+_i b_i``
    =================  ================================================================================

    Attributes
    ----------
    operator : str
        Name of O.
    strength : float
        Dimensionless.
    site : int
        The site; for oscillators the site or bond of the mode, or else the number of a mode.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> Kick("density", 0.5, site=1).formula(Model(dimer(), Electrons(1.0)))
    +0.5 ndn_1 +0.5 nup_1
    """

    operator: str
    strength: float
    site: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", real_number("strength", self.strength, "a finite number", -1e6, 1e6))
        object.__setattr__(self, "site", whole_number("site", self.site))

    def problems(self, model: Model, path: str = "evolution.kick") -> Iterator[Problem]:
        """Yield the problems of the kick in a model."""
        if self.operator not in KICKS:
            yield Problem(f"{path}.operator", show(self.operator), f"allowed: {', '.join(KICKS)}")
            return
        kind = KICKS[self.operator]
        places = kind.places(model)
        if not places:
            allowed = f"allowed: an operator of this model, which does not have {kind.noun}"
            yield Problem(f"{path}.operator", show(self.operator), allowed)
        elif places.get(self.site, self.site) not in places.values():
            allowed = f"allowed: {kind.noun}: {', '.join(map(str, places))}"
            yield Problem(f"{path}.site", show(self.site), allowed)

    def formula(self, model: Model) -> Operator:
        """Return ``strength O``.

        Raises
        ------
        InvalidModel
            If the operator does not exist at the site.
        """
        if problems := list(self.problems(model)):
            raise InvalidModel(problems)
        kind = KICKS[self.operator]
        return self.strength * kind.operator(kind.places(model).get(self.site, self.site))
