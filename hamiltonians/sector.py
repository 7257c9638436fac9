"""Sectors of the Hilbert space and their quantum numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from .._core.arguments import scalar
from ..clusters import Brief, Card, Cluster, momenta
from ..clusters.cluster import ADDED
from ..clusters.translations import Momentum, as_numbers, is_real
from .model import Model
from .parameters import InvalidModel, Problem, is_coupling, show
from .symmetry.points import points_of

PARITIES: Mapping[str, int] = MappingProxyType({"even": 0, "odd": 1})
"""The parities of N, with the smallest charge of each."""


class LeftOut(int):
    """The default value of a quantum number that was not given."""


@dataclass(frozen=True, repr=False)
class Sector(Brief):
    """A block of the Hamiltonian.

    Attributes
    ----------
    charge : int
        N = N_e + 2 N_b; not given together with `parity`, for which it is the smallest charge of that parity.
    two_sz : int, "all" or None
        N_up - N_dn; "all": every value, required if S_z is not conserved; None: the smallest value allowed,
        ``charge % 2``, or "all" if S_z is not conserved.
    momentum : int, tuple of int or None
        m of k = 2 pi m / L on rings, ``T psi = exp(-i k) psi`` for the translation i -> i + 1; on lattices the integers
        m_j of ``k . T_j = 2 pi m_j`` for the rows T_j of the supercell, ``T(r) psi = exp(-i k . r) psi``; None: all.
    reflection : int or None
        +1 or -1 under the reflection of the cluster (which fixes site 0 of a ring); None: both.
    spin_flip : int or None
        +1 or -1 under the exchange of spins ``c_up -> c_dn, c_dn -> -c_up`` for S_z = 0, which is (-1)^S with the
        total spin S; None: both.
    wave_vector : float, tuple of float or None
        On infinite lattices the total wave vector k of charges and phonons, Cartesian, in radians per site; None: 0.
    irrep : str or None
        One-dimensional representation of the point group of the cluster, such as "A1"; on lattices of the little group
        of the momentum. None: all of them.
    parity : str or None
        "even" or "odd": all charges of this parity, instead of `charge`; required if N is not conserved.

    Examples
    --------
    >>> Sector(3).two_sz
    1
    """

    charge: int = LeftOut(-1)
    two_sz: int | Literal["all"] | None = None
    momentum: Momentum | None = None
    reflection: int | None = None
    irrep: str | None = None
    spin_flip: int | None = field(default=None, metadata=ADDED)
    wave_vector: float | tuple[float, ...] | None = field(default=None, metadata=ADDED)
    parity: Literal["even", "odd"] | None = field(default=None, metadata=ADDED)

    def __post_init__(self) -> None:
        for name, given in vars(self).copy().items():
            value = scalar(given)
            if isinstance(value, list | tuple | np.ndarray):
                listed = tuple(int(m) if isinstance(m, np.integer) else m for m in value)
                value = listed[0] if len(listed) == 1 else listed
            object.__setattr__(self, name, int(value) if isinstance(value, np.integer) else value)
        if self.parity is not None and self.parity in PARITIES and isinstance(self.charge, LeftOut):
            object.__setattr__(self, "charge", LeftOut(PARITIES[self.parity]))
        if self.two_sz is None and _whole(self.charge):
            object.__setattr__(self, "two_sz", LeftOut(self.charge % 2))

    @property
    def spin_excess(self) -> int:
        """N_up - N_dn as a number; the smallest value if the sector contains all of them.

        Raises
        ------
        InvalidModel
            If the charge is not an integer.
        """
        if self.two_sz is None:
            raise InvalidModel([Problem("sector.charge", show(self.charge), "allowed: whole numbers, 0 or more")])
        return self.charge % 2 if isinstance(self.two_sz, str) else self.two_sz

    @property
    def has_all_spins(self) -> bool:
        """True if the sector contains all S_z."""
        return self.two_sz == "all"

    @property
    def plain(self) -> Sector:
        """The sector without spatial quantum numbers and spin flip."""
        return Sector(self.charge, self.two_sz, parity=self.parity)

    @property
    def has_symmetry(self) -> bool:
        """True if a spatial quantum number or the spin flip is fixed."""
        return bool(self.labels)

    @property
    def labels(self) -> dict[str, int | str | tuple[int, ...]]:
        """The spatial quantum numbers and the spin flip that are fixed, by name."""
        named = {name: getattr(self, name) for name in ("momentum", "reflection", "irrep", "spin_flip")}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def title(self) -> str:
        """All quantum numbers as text, such as ``N = 4, 2 S_z = 0, momentum = 0``."""
        charge = f"N = {self.charge}" if self.parity is None else f"{self.parity} N"
        spin = "all S_z" if self.has_all_spins else f"2 S_z = {self.two_sz}"
        return ", ".join([charge, spin, *filter(None, [self.label])])

    @property
    def markup(self) -> str:
        """The title as markup of a `Card`."""
        return escape(self.title).replace("S_z", "S<sub>z</sub>")

    def _repr_html_(self) -> str:
        return Card(self.markup).html

    @property
    def label(self) -> str:
        """The quantum numbers of `labels` as text, such as ``momentum = 0, reflection = 1``."""
        named = self.labels | ({} if self.wave_vector is None else {"wave_vector": self.wave_vector})
        shown = {name: list(value) if isinstance(value, tuple) else value for name, value in named.items()}
        return ", ".join(f"{name} = {value}" for name, value in shown.items())


def check_sector(model: Model, sector: Sector) -> None:
    """Raise `InvalidModel` with all problems of a sector of a model."""
    problems = list(sector_problems(model, sector))
    if model.cluster.is_infinite:
        why = "allowed here: finite clusters; infinite_levels solves one or two particles on infinite lattices"
        problems.append(Problem("cluster.kind", show(model.cluster.kind), why))
    if problems:
        raise InvalidModel(problems)


def sector_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    """Yield the problems of a sector of a model."""
    charge, two_sz = sector.charge, sector.two_sz
    if model.cluster.is_infinite:
        yield from _infinite_problems(model, sector)
        return
    if sector.wave_vector is not None:
        cure = "allowed on infinite lattices; give sector.momentum on a finite cluster"
        yield Problem("sector.wave_vector", show(sector.wave_vector), cure)
    if wrong := list(_conservation_problems(model, sector)):
        yield from wrong
        return
    if not _whole(charge) or not 0 <= charge <= model.max_charge:
        yield Problem("sector.charge", show(charge), f"allowed: whole numbers from 0 to {model.max_charge}")
        return
    allowed = sorted({spin for n in charges_of(model, sector) for spin in allowed_two_sz(model, n)})
    if not allowed or (two_sz != "all" and (not _whole(two_sz) or two_sz not in allowed)):
        values = ", ".join(map(str, allowed)) or "none: this charge needs electrons, or an even number"
        given = f"charge = {charge}" if sector.parity is None else f"{sector.parity} charges"
        yield Problem("sector.two_sz", show(two_sz), f'allowed with {given}: {values}, or "all"')
    yield from _momentum_problems(model, sector)
    yield from _reflection_problems(model, sector)
    yield from _irrep_problems(model, sector)
    if sector.spin_flip is not None:
        if sector.spin_flip not in (1, -1) or not _whole(sector.spin_flip):
            yield Problem("sector.spin_flip", show(sector.spin_flip), "allowed: 1 or -1")
        elif sector.spin_excess != 0:
            why = "allowed with two_sz = 0 only, or all S_z of an even charge: the flip turns S_z around; leave it out"
            yield Problem("sector.spin_flip", show(sector.spin_flip), why)


def _infinite_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    """Yield the problems of a sector of an infinite lattice."""
    charge, k = sector.charge, sector.wave_vector
    spins = {n: [s for s in allowed_two_sz(model, n) if abs(s) <= n] for n in (1, 2)}
    allowed = {n: values for n, values in spins.items() if values}
    if not _whole(charge) or charge not in allowed:
        charges = " or ".join(map(str, allowed)) or "none: the model has no particles"
        got = "nothing" if isinstance(charge, LeftOut) else show(charge)
        yield Problem("sector.charge", got, f"allowed on infinite lattices: {charges}")
    elif sector.two_sz not in allowed[charge]:
        numbers = ", ".join(map(str, allowed[charge]))
        yield Problem("sector.two_sz", show(sector.two_sz), f"allowed with charge = {charge}: {numbers}")
    for name, value in sector.labels.items():
        yield Problem(f"sector.{name}", show(value), "leave it out; infinite lattices take wave_vector")
    dimension = len(model.cluster.cell)
    numbers_given = k if isinstance(k, tuple) else (k,) * dimension if k == 0 else (k,)
    if k is not None and not (len(numbers_given) == dimension and all(map(is_coupling, numbers_given))):
        wanted = "a finite number" if dimension == 1 else f"a list of {dimension} finite numbers"
        yield Problem("sector.wave_vector", show(k), f"allowed: {wanted}, in radians per site")


def _conservation_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    """Yield quantum numbers that are not conserved or missing."""
    charge, key = sector.charge, model.broken.get("charge")
    if sector.parity is not None:
        if sector.parity not in PARITIES:
            yield Problem("sector.parity", show(sector.parity), 'allowed: "even" or "odd"')
        elif charge != PARITIES[sector.parity]:
            yield Problem("sector.charge", show(charge), "allowed: leave it out, since parity is given")
    elif key is not None:
        got = "nothing" if isinstance(charge, LeftOut) else show(charge)
        allowed = f'allowed: parity = "even" or "odd" in its place; {key} conserves the parity of the charge only'
        yield Problem("sector.charge", got, allowed)
    elif isinstance(charge, LeftOut):
        yield Problem("sector.charge", "nothing", f"allowed: a whole number from 0 to {model.max_charge}")
    key = model.broken.get("spin")
    if key is not None and sector.two_sz != "all" and not isinstance(sector.two_sz, LeftOut):
        yield Problem("sector.two_sz", show(sector.two_sz), f'allowed: leave it out, or "all"; {key} breaks S_z')


def charges_of(model: Model, sector: Sector) -> Sequence[int]:
    """Return the charges of a sector: one, or all of its parity."""
    return (sector.charge,) if sector.parity is None else range(sector.charge, model.max_charge + 1, 2)


def spins_of(model: Model, sector: Sector, charge: int) -> Sequence[int]:
    """Return the values of N_up - N_dn of a sector at one of its charges."""
    return allowed_two_sz(model, charge) if sector.has_all_spins else (sector.spin_excess,)


def resolved(model: Model, sector: Sector) -> Sector:
    """Return the sector with all S_z if `two_sz` was not given and the model does not conserve S_z.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> [resolved(Model(dimer(), Electrons(1.0, rashba=r)), Sector(2)).two_sz for r in (0.0, 0.3)]
    [0, 'all']
    """
    left_out = isinstance(sector.two_sz, LeftOut)
    return sector if model.keeps_spin or not left_out else replace(sector, two_sz="all")


def allowed_two_sz(model: Model, charge: int) -> list[int]:
    """Return the possible values of N_up - N_dn at a charge."""
    sites, each = model.cluster.sites, model.most_electrons
    found: set[int] = set()
    for pairs in range(model.most_bosons * len(model.boson_sites) + 1):
        electrons = charge - 2 * pairs
        if 0 <= electrons <= each * sites:
            most = min(electrons, 2 * sites - electrons)
            found.update(range(-most, most + 1, 2))
    return sorted(found)


def _momentum_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    if sector.momentum is not None:
        yield from momentum_problems(model.cluster, sector.momentum, "sector.momentum", "leave it out")


def momentum_problems(cluster: Cluster, momentum: Any, path: str, cure: str) -> Iterator[Problem]:
    """Yield the problems of a momentum; `cure` is the remedy for clusters without translations."""
    known, number = momenta(cluster), cluster.fluxes
    if not known:
        yield Problem(path, show(momentum), f"allowed: {cure}; a {cluster.kind} has no translation")
    elif number > 1 and not (
        isinstance(momentum, tuple) and len(momentum) == number and all(_whole(m) for m in momentum)
    ):
        allowed = f"allowed: a list of {number} whole numbers m_j with k . T_j = 2 pi m_j"
        yield Problem(path, show(momentum), f"{allowed}, one of {[list(as_numbers(k)) for k in known]}")
    elif number == 1 and (not _whole(momentum) or not 0 <= momentum < len(known)):
        yield Problem(path, show(momentum), f"allowed: 0 to {len(known) - 1}")


def _reflection_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    reflection, cluster = sector.reflection, model.cluster
    if reflection is None:
        return
    path = "sector.reflection"
    if reflection not in (1, -1) or not _whole(reflection):
        yield Problem(path, show(reflection), "allowed: 1 or -1")
    elif cluster.reflection is None:
        yield Problem(path, show(reflection), f"allowed: leave it out; a {cluster.kind} has no named reflection")
    elif model.flux != 0 or model.magnetic_flux != 0:
        what = "flux" if model.flux != 0 else "magnetic field"
        yield Problem(path, show(reflection), f"allowed: leave it out; a {what} breaks the reflection")
    elif (
        cluster.translation is not None
        and len(cluster.translation) > 2
        and (sector.momentum is None or not is_real(cluster, sector.momentum))
    ):
        yield Problem(path, show(reflection), "allowed: only with momentum 0 or pi (m = 0 or L/2)")


def _irrep_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    if sector.irrep is None:
        return
    if sector.momentum is not None and not model.cluster.cell:
        yield Problem("sector.irrep", show(sector.irrep), "allowed: either irrep, or momentum and reflection")
        return
    if any(momentum_problems(model.cluster, sector.momentum or 0, "", "")) and sector.momentum is not None:
        return
    group = points_of(model, sector.momentum)
    if not isinstance(sector.irrep, str) or sector.irrep not in {**group.irreps, **group.whole}:
        names = ", ".join(f'"{name}"' for name in (*group.irreps, *group.whole))
        where = "on this cluster" if sector.momentum is None else "at this momentum"
        allowed = f"allowed {where}, whose point group is {group.name}: {names}"
        yield Problem("sector.irrep", show(sector.irrep), allowed)
    elif sector.reflection is not None:
        yield Problem("sector.irrep", show(sector.irrep), "allowed: either irrep, or momentum and reflection")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
