"""Operators of spectra by name, on a site or at a momentum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..._core.arguments import instance, taking
from ...clusters import InvalidValue
from ...clusters.magnetic import without_field
from ...clusters.translations import Momentum, wave_numbers
from ...hamiltonians import (
    InvalidModel,
    Model,
    Operator,
    Problem,
    annihilate,
    boson,
    boson_number,
    displacement,
    electron_number,
    pair,
    phonon,
)
from ...hamiltonians.arguments import a_model
from ...hamiltonians.branches import mode_places, share_places
from ...hamiltonians.currents import CurrentAxis, current_axis
from ...hamiltonians.operators import total
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import momentum_problems
from ...hamiltonians.transitions import charge_change

LocalOperator = Callable[[Model, int, str], Operator]
"""From the model, a site (bond, mode) and a spin to an operator."""


@dataclass(frozen=True)
class Probe:
    """The operators of a spectrum.

    Attributes
    ----------
    name : str
        Name of the probe.
    addition : Operator
        B with lines at ``E_n - E_0``, of weight ``|<n|B|0>|^2``.
    removal : Operator or None
        C with lines at ``E_0 - E_n``, of weight ``|<n|C|0>|^2``; None for operators that conserve the charge.
    axis : CurrentAxis or None
        Axis of a current.
    """

    name: str
    addition: Operator
    removal: Operator | None = None
    axis: CurrentAxis | None = None


@dataclass(frozen=True)
class Kind:
    """An entry of the table of probes.

    Attributes
    ----------
    local : function
        The operator on a site, bond or mode.
    places : function
        From the model to the sites, bonds or modes by position along a ring.
    removes : int
        Charge that it removes and its adjoint adds; 0 for operators that conserve the charge.
    needs : str
        Required species.
    noun : str
        Name of the kind of place.
    """

    local: LocalOperator
    places: Callable[[Model], Mapping[int, int]]
    removes: int
    needs: str
    noun: str = "site"


def _sites(model: Model) -> Mapping[int, int]:
    return {i: i for i in range(model.cluster.sites)}


def _boson_sites(model: Model) -> Mapping[int, int]:
    return {i: i for i in model.boson_sites}


def _modes(model: Model) -> Mapping[int, int]:
    """Return modes by their site or bond, or by their number if one carries several."""
    return mode_places(model.modes)


def _bonds(model: Model) -> Mapping[int, int]:
    return {b: b for b in range(len(model.cluster.bonds))}


def _bond_pair(model: Model, bond: int, spin: str) -> Operator:
    """``(c_dn,i c_up,j + c_dn,j c_up,i) / sqrt(2)``, the singlet on the bond i -> j."""
    i, j = model.cluster.bonds[bond].start, model.cluster.bonds[bond].end
    both = annihilate(i, "dn") * annihilate(j, "up") + annihilate(j, "dn") * annihilate(i, "up")
    return float(np.sqrt(0.5)) * both


def _charge(model: Model, site: int, spin: str) -> Operator:
    parts = [electron_number(site)] if model.electrons is not None else []
    return total(parts + ([2.0 * boson_number(site)] if site in model.boson_sites else []))


E, B, P = "electrons", "bosons", "phonons"
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "electron": Kind(lambda model, i, spin: annihilate(i, spin), _sites, 1, E),
        "pair": Kind(lambda model, i, spin: pair(i), _sites, 2, E),
        "bond_pair": Kind(_bond_pair, _bonds, 2, E, "bond"),
        "boson": Kind(lambda model, i, spin: boson(i), _boson_sites, 2, B),
        "displacement": Kind(lambda model, m, spin: displacement(m), _modes, 0, P, "mode"),
        "lattice_momentum": Kind(  # P = (a - a+) / (i sqrt(2))
            lambda model, m, spin: -1j * float(np.sqrt(0.5)) * (phonon(m) - phonon(m).dag), _modes, 0, P, "mode"
        ),
        "density": Kind(lambda model, i, spin: electron_number(i), _sites, 0, E),
        "boson_density": Kind(lambda model, i, spin: boson_number(i), _boson_sites, 0, B),
        "charge": Kind(_charge, _sites, 0, ""),
        "spin": Kind(lambda model, i, spin: 0.5 * (electron_number(i, "up") - electron_number(i, "dn")), _sites, 0, E),
    }
)
"""The local operators by name, without "current"."""
SPINFUL = "electron"
"""The operator that has a spin."""
NAMES = (*KINDS, "current")
"""Names of all operators of spectra."""


@taking(model=a_model)
def probe(
    model: Model,
    name: str,
    site: int | None = None,
    momentum: Momentum | None = None,
    spin: str | None = None,
    *,
    direction: Sequence[float] | None = None,
) -> Probe:
    r"""Return the operators of a spectrum by name.

    ======================  ==============================================================================
    electron, pair, boson   ``c``, ``D = c_dn c_up``, ``b``, removed and (adjoint) added
    bond_pair               singlet on a bond, ``(c_dn,i c_up,j + c_dn,j c_up,i) / sqrt(2)``
    displacement            ``x = a + a+``
    lattice_momentum        ``P = (a - a+) / (i sqrt(2))``
    density, boson_density  ``n``, ``b+ b``
    charge, spin            ``n + 2 b+ b``, ``(n_up - n_dn) / 2``
    current                 ``J = dH / dA``: on rings A is the phase of a bond, on lattices ``phi_j = A . T_j``
    ======================  ==============================================================================

    Parameters
    ----------
    model : Model
        The model.
    name : str
        Name of the operator.
    site : int, optional
        Site, 0 by default; bond for bond_pair; for lattice operators the site or bond of the mode, or else the number
        of a mode.
    momentum : int, optional
        m of ``k = 2 pi m / L`` instead of a site: ``O_k = L^{-1/2} sum_j exp(-i k j) O_j``.
    spin : str, optional
        Spin of an electron, "up" (the default) or "dn"; other operators have none.
    direction : (dimension,) float, optional
        Cartesian direction of the current on a lattice, of any length; the first axis by default.

    Raises
    ------
    InvalidModel
        With all problems, by the keys ``spectrum.operator`` and so on.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons
    >>> probe(Model(ring(3), Electrons(1.0)), "electron", 1).removal
    +1 cup_1
    """
    problems = list(probe_problems(model, name, site, momentum, spin, direction))
    if problems:
        raise InvalidModel(problems)
    if name == "current":
        axis = current_axis(model.cluster, direction)
        return Probe(name, axis.derivative(model), axis=axis)
    kind = KINDS[name]
    if momentum is None:
        local = kind.local(model, _place(kind, model, site or 0), spin or "up")
    else:
        places = kind.places(model)
        turns = wave_numbers(without_field(model.cluster), momentum)
        waves = {j: complex(np.exp(-2j * np.pi * turns[j])) / len(places) ** 0.5 for j in places}
        local = total(waves[j] * kind.local(model, place, spin or "up") for j, place in places.items())
    return Probe(name, local.dag, local) if kind.removes else Probe(name, local)


def formula_probe(model: Model, name: str, formula: Operator) -> Probe:
    """Return the probe of a formula: operators that lower the charge are the removal part, others B.

    Raises
    ------
    InvalidValue
        If its products change the charge differently, or act on sites or species that do not exist.
    """
    change, _ = charge_change(model, formula)
    if not change:
        return Probe(name, formula)
    return Probe(name, formula, formula.dag) if change > 0 else Probe(name, formula.dag, formula)


def probe_of(model: Model, name: str, given: Probe | str) -> Probe:
    """Return a probe; a name denotes that operator on the first place."""
    if isinstance(given, str):
        return probe(model, given)
    return instance(name, given, Probe, 'write probe(model, "electron", site=0), or the name of an operator')


def check_cross(model: Model, left: Probe, right: Probe) -> None:
    """Raise ValueError if two probes change the charge differently, or only one of them has a removal part."""
    changes = [charge_change(model, probe.addition) for probe in (right, left)]
    if changes[0] != changes[1]:
        raise InvalidValue(
            f"the probes change (N, N_up - N_dn) by {changes[0]} and {changes[1]}; a cross spectrum needs the same"
        )
    if (left.removal is None) != (right.removal is None):
        one, other = (left, right) if left.removal is None else (right, left)
        raise InvalidValue(
            f"the probe {one.name} has no removal and {other.name} has one; a cross spectrum needs both or none"
        )


def _place(kind: Kind, model: Model, site: int) -> int:
    """Return the place of a site; for modes also by their number, if the site has none."""
    places = kind.places(model)
    return places.get(site, site) if kind.noun == "mode" else site


def probe_problems(
    model: Model,
    name: str,
    site: int | None = None,
    momentum: Momentum | None = None,
    spin: str | None = None,
    direction: Sequence[float] | None = None,
) -> Iterator[Problem]:
    """Yield the problems of the name or place of a probe."""
    if name not in NAMES:
        yield Problem("spectrum.operator", show(name), f"allowed: {', '.join(NAMES)}")
        return
    if spin not in (None, "up", "dn"):
        yield Problem("spectrum.spin", show(spin), 'allowed: "up", "dn"')
    elif spin is not None and name != SPINFUL:
        yield Problem("spectrum.spin", show(spin), f"leave it out; only the operator {SPINFUL} takes a spin")
    if name == "current":
        yield from _current_problems(model, site, momentum, direction)
        return
    if direction is not None:
        yield Problem("spectrum.direction", show(direction), 'leave it out; only the operator "current" has one')
    kind = KINDS[name]
    if kind.needs and getattr(model, kind.needs) is None:
        yield Problem("spectrum.operator", show(name), f"allowed: an operator of this model; add [{kind.needs}]")
    elif momentum is not None:
        yield from _momentum_problems(model, kind, site, momentum)
    elif not kind.places(model):
        yield Problem("spectrum.operator", show(name), f"allowed: an operator of this model; it has no {kind.noun}")
    else:
        places = kind.places(model)
        if _place(kind, model, site or 0) not in places.values():
            where = "a site or bond with a mode" if kind.noun == "mode" else f"a {kind.noun} with this operator"
            allowed = f"allowed: {where}: {', '.join(map(str, places))}"
            yield Problem("spectrum.site", show(site or 0), allowed)


def _momentum_problems(model: Model, kind: Kind, site: int | None, momentum: Momentum) -> Iterator[Problem]:
    cluster = without_field(model.cluster)
    if site is not None:
        yield Problem("spectrum.momentum", show(momentum), "allowed: either site or momentum")
    elif wrong := list(momentum_problems(cluster, momentum, "spectrum.momentum", "leave it out and give a site")):
        yield from wrong
    elif kind.noun == "mode" and share_places(model.modes):
        yield Problem("spectrum.momentum", show(momentum), "allowed: a mode, as site; sites have several")
    elif len(kind.places(model)) != cluster.sites or (kind.noun == "bond" and cluster.translation is None):
        yield Problem("spectrum.momentum", show(momentum), f"allowed: a site; not every one has a {kind.noun} for it")


def _current_problems(
    model: Model, site: int | None, momentum: Momentum | None, direction: Sequence[float] | None
) -> Iterator[Problem]:
    cluster = model.cluster
    if not cluster.has_loop:
        allowed = f"allowed: a cluster with a loop, as a ring of 3 or more; a {cluster.kind} carries no current"
        yield Problem("spectrum.operator", '"current"', allowed)
    else:
        try:
            current_axis(cluster, direction)
        except InvalidValue as error:
            at = "operator" if direction is None else "direction"
            yield Problem(f"spectrum.{at}", show('"current"' if direction is None else direction), str(error))
    for key, value in (("site", site), ("momentum", momentum)):
        if value is not None and (key, value) != ("momentum", 0):
            whole = "ring" if cluster.is_ring else "cluster"
            allowed = f"allowed: leave it out; the current is that of the whole {whole}"
            yield Problem(f"spectrum.{key}", show(value), allowed)
