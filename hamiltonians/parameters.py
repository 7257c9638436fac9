"""Parameters of the model: one frozen dataclass per species, whose fields form the table of couplings.

A coupling is a field with metadata, see `CouplingField`, and a function in `terms`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from textwrap import fill, indent
from types import MappingProxyType
from typing import Any, Literal

from .._core.arguments import scalar
from ..clusters import Brief, Card
from .formula import CouplingField, coupling, key, later, term_rows
from .values import FINITE as FINITE
from .values import LARGEST as LARGEST
from .values import ComplexCoupling as ComplexCoupling
from .values import Coupling as Coupling
from .values import DisorderCoupling as DisorderCoupling
from .values import DistanceCoupling as DistanceCoupling
from .values import InvalidModel as InvalidModel
from .values import ModeCoupling as ModeCoupling
from .values import Problem as Problem
from .values import Reach as Reach
from .values import is_coupling as is_coupling
from .values import is_number as is_number
from .values import nonzero as nonzero
from .values import resolve as resolve
from .values import show as show
from .values import split_complex

Where = str | Sequence[int]
"""Places of a species: "all", a class name, or a list of sites (phonons also "bonds")."""
Branches = Where | Sequence[str] | Mapping[str, Where]
"""Places of modes: as `Where`, or several branches by name or in a list."""


class Species(Brief):
    """Base class of electrons, local pairs and phonons; notebooks show their terms as formulas."""

    def __post_init__(self) -> None:
        for name, value in vars(self).copy().items():
            object.__setattr__(self, name, scalar(value))

    def _repr_html_(self) -> str:
        name = type(self).__name__.lower()
        keyed = ((entry, entry.key.partition(".")[2]) for entry in COUPLINGS.values() if entry.species == name)
        own = ((entry, getattr(self, key)) for entry, key in keyed)
        return Card(name, list(term_rows((entry, value) for entry, value in own if nonzero(value)))).html


RANDOM = 'also { disorder = W, seed = 3, kind = "box" or "gaussian", mean = ... }: a random number for each site'
BY_PAIRS = "also { distance = [nearest, next, ...] }: between all sites by shells of their distance, each pair once"
HOP = r"(e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)"


@dataclass(frozen=True, repr=False)
class Electrons(Species):
    """Couplings of the electrons, energies in the user's unit."""

    hopping: ComplexCoupling = coupling(
        symbol="t", sign="-", operator=HOP, place="bond", part="hopping", name="hopping", high=2.0, step=0.01,
        words="electron hopping along the bonds; theta = phi/L on each bond of a ring with flux phi",
        forms="in place of a number also { re = 1.0, im = 0.2 }, whose imaginary part becomes hopping_imaginary",
    )  # fmt: skip
    level: DisorderCoupling = coupling(
        symbol=r"\varepsilon", operator="n_i", place="site", name="level", low=-4.0, high=4.0, step=0.05,
        words="the level of an electron", random=True, forms=RANDOM,
    )  # fmt: skip
    hubbard_u: Coupling = coupling(
        symbol="U", operator=r"n_{i\uparrow} n_{i\downarrow}", place="site", arrays=("hubbard_u",),
        name="on-site repulsion", low=-8.0, high=8.0, step=0.1, words="two electrons on a site repel",
    )  # fmt: skip
    repulsion: DistanceCoupling = coupling(
        symbol="V", operator="n_i n_j", place="bond", arrays=("repulsion",), name="repulsion on bonds",
        low=-4.0, high=4.0, step=0.05, words="electrons on neighbouring sites repel", apart="pairs", forms=BY_PAIRS,
    )  # fmt: skip
    spin_exchange: Coupling = later(
        symbol="J", operator=r"S_i \cdot S_j", place="bond", name="exchange of spins", low=-2.0, high=2.0, step=0.02,
        words="spins of neighbouring sites; above 0 they align antiparallel",
    )  # fmt: skip
    pair_hopping: Coupling = later(
        symbol="P", sign="-", operator=r"(e^{2i\theta_{ij}} D^\dagger_j D_i + h.c.)", place="bond", part="hopping",
        name="hopping of electron pairs", low=-2.0, high=2.0, step=0.02,
        words="electron pairs D = c_dn c_up hop along the bonds, with twice the phase of an electron",
    )  # fmt: skip
    hopping_imaginary: Coupling = later(
        symbol="t_i", sign="-", operator=r"(i e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)", place="bond",
        part="hopping", name="imaginary hopping", low=-2.0, high=2.0, step=0.02,
        words="the imaginary part of the hopping, from the start to the end of a bond",
    )  # fmt: skip
    spin_orbit: Coupling = later(
        symbol=r"\lambda", sign="-", place="bond", part="hopping", name="spin-orbit coupling", low=-2.0, high=2.0,
        step=0.02, operator=r"(i \sigma e^{i\theta_{ij}} c^\dagger_{j\sigma} c_{i\sigma} + h.c.)",
        words="hopping with a spin-dependent sign, sigma = 1 and -1; S_z is conserved",
    )  # fmt: skip
    zeeman: DisorderCoupling = later(
        symbol="h", sign="-", operator="S^z_i", place="site", name="magnetic field", low=-2.0, high=2.0, step=0.02,
        words="a magnetic field along z, which acts on the spins", random=True, forms=RANDOM,
    )  # fmt: skip
    transverse_field: DisorderCoupling = later(
        symbol="h_x", sign="-", operator="S^x_i", place="site", name="magnetic field along x", low=-2.0, high=2.0,
        step=0.02, words="a magnetic field along x, which flips spins: S_z is not conserved", random=True,
        forms=RANDOM, breaks="spin",
    )  # fmt: skip
    transverse_field_y: DisorderCoupling = later(
        symbol="h_y", sign="-", operator="S^y_i", place="site", name="magnetic field along y", low=-2.0, high=2.0,
        step=0.02, words="a magnetic field along y, which flips spins: S_z is not conserved", random=True,
        forms=RANDOM, breaks="spin",
    )  # fmt: skip
    rashba: Coupling = later(
        symbol=r"\lambda_R", sign="-", place="bond", part="hopping", name="Rashba coupling", low=-2.0, high=2.0,
        step=0.02, operator=r"(i e^{i\theta_{ij}} c^\dagger_j (d_{ij,y} \sigma^x - d_{ij,x} \sigma^y) c_i + h.c.)",
        words="hopping that rotates the spin about the in-plane axis perpendicular to the bond, d the unit vector from "
        "its start to its end (along x on rings); S_z is not conserved",
        breaks="spin",
    )  # fmt: skip
    pairing: Coupling = later(
        symbol=r"\Delta", operator="(D_i + h.c.)", place="site", part="exchange", name="pairing field", low=-2.0,
        high=2.0, step=0.02, breaks="charge",
        words="exchange of electron pairs D = c_dn c_up with a condensate: only the parity of N is conserved",
    )  # fmt: skip
    bond_pairing: Coupling = later(
        symbol=r"\Delta_1", operator="(B_{ij} + h.c.)", place="bond", part="exchange", name="pairing field on bonds",
        low=-2.0, high=2.0, step=0.02, breaks="charge",
        words="exchange of singlets B_ij = c_{i dn} c_{j up} + c_{j dn} c_{i up} with a condensate; signs by "
        "bond class give s or d wave: only the parity of N is conserved",
    )  # fmt: skip
    double_occupancy: bool = key(
        True,
        "Whether two electrons may occupy a site; false projects these states out, as in the t-J model, and every "
        "operator acts within the remaining states",
        allowed="true or false",
        added=True,
        named_only=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        real, imaginary = split_complex(self.hopping)
        if imaginary is not None:
            if nonzero(self.hopping_imaginary):
                allowed = "allowed: 0 where hopping has an imaginary part already"
                raise InvalidModel([Problem("electrons.hopping_imaginary", show(self.hopping_imaginary), allowed)])
            object.__setattr__(self, "hopping", real)
            object.__setattr__(self, "hopping_imaginary", imaginary)


@dataclass(frozen=True, repr=False)
class Bosons(Species):
    """Couplings of the hard-core local pairs."""

    level: DisorderCoupling = coupling(
        symbol=r"\Delta_B", operator=r"b^\dagger_i b_i", place="boson site", name="level of the pairs",
        low=-4.0, high=4.0, step=0.05, words="the level of a local pair (a hard-core boson)", random=True, forms=RANDOM,
    )  # fmt: skip
    exchange: Coupling = coupling(
        symbol="v", operator=r"(b^\dagger_i c_{i\downarrow} c_{i\uparrow} + h.c.)", place="boson site",
        part="exchange", needs=("electrons",), arrays=("exchange",), name="exchange of a pair", high=3.0, step=0.02,
        words="two electrons on a site turn into a local pair and back",
    )  # fmt: skip
    hopping: Coupling = coupling(
        symbol="t_b", sign="-", operator=r"(e^{2i\theta_{ij}} b^\dagger_j b_i + h.c.)", place="bond",
        part="hopping", name="hopping of the pairs", high=1.0, step=0.01,
        words="local pairs hop along the bonds, with twice the phase of an electron",
    )  # fmt: skip
    repulsion: DistanceCoupling = later(
        symbol="V_B", operator=r"b^\dagger_i b_i b^\dagger_j b_j", place="bond", name="repulsion of pairs on bonds",
        low=-4.0, high=4.0, step=0.05, words="local pairs on neighbouring sites repel", apart="pairs", forms=BY_PAIRS,
    )  # fmt: skip
    electron_repulsion: DistanceCoupling = later(
        symbol="U_{BF}", operator=r"b^\dagger_i b_i n_i", place="boson site", needs=("electrons",),
        name="repulsion of pairs and electrons", low=-4.0, high=4.0, step=0.05, apart="sites",
        words="a local pair and the electrons of its site repel",
        forms="also { distance = [own site, nearest, ...] }, which adds the electrons of other sites",
    )  # fmt: skip
    bond_exchange: Coupling = later(
        symbol="v_1", operator=r"((b^\dagger_i + b^\dagger_j) B_{ij} + h.c.)", place="bond", part="exchange",
        needs=("electrons",), name="exchange of a pair on a bond", low=-2.0, high=2.0, step=0.02,
        words="electrons in the singlet B_ij = c_{i dn} c_{j up} + c_{j dn} c_{i up} of a bond turn into a local pair "
        "on either end and back; signs by bond class make it s or d wave",
    )  # fmt: skip
    interaction: Coupling = later(
        symbol="U_B", operator=r"b^\dagger_i b^\dagger_i b_i b_i / 2", place="boson site",
        name="repulsion of pairs on a site", low=-4.0, high=8.0, step=0.1,
        words="local pairs of a site repel, n (n - 1) / 2 each; with max_occupation above 1",
    )  # fmt: skip
    pairing: Coupling = later(
        symbol="F", operator=r"(b^\dagger_i + b_i)", place="boson site", part="exchange",
        name="pairing field on local pairs", low=-2.0, high=2.0, step=0.02, breaks="charge",
        words="exchange of local pairs with a condensate: only the parity of N is conserved",
    )  # fmt: skip
    on: Where = key("all", "Sites that carry a local pair", allowed='"all", a class name, or a list of site numbers')
    max_occupation: int = key(
        1,
        "Largest number of local pairs on a site: 1 for hard-core pairs; larger values describe bosons with the "
        "usual matrix elements sqrt(n), truncated at this number",
        allowed="a whole number, 1 or more",
        added=True,
        named_only=True,
    )


@dataclass(frozen=True, repr=False)
class Phonons(Species):
    """Einstein oscillators, their couplings, and their truncated space.

    `displacement` is the older name of `frame` and is accepted in its place.
    """

    frequency: ModeCoupling = coupling(
        needed=True, symbol=r"\omega_0", operator=r"a^\dagger_m a_m", place="mode", part="lattice",
        arrays=("frequency",), name="frequency", low=0.05, high=3.0, step=0.05, default=1.0,
        words="free oscillators, without zero-point energy; above 0",
    )  # fmt: skip
    on: Branches = key(
        "all",
        "Sites or bonds that carry a mode; in model files of ligand-centre clusters the ligand by default. A table by "
        "name defines several branches of modes, whose couplings may be tables by the same names",
        allowed='"all", "bonds", a class name, or a list of site numbers; or a table of these by name, as '
        '{ soft = "all", hard = [0, 2] }, or a list of names, as ["all", "all"], for the branches "1", "2", ...',
    )
    boson_coupling: Reach = coupling(
        reaches=True,
        symbol=r"\alpha", sign="-", factor=r"\omega_0", operator=r"b^\dagger_m b_m x_m", place="mode",
        part="coupling", needs=("bosons", "modes on sites"), arrays=("boson_phonon",), name="coupling to pairs",
        high=3.0, step=0.01, words="a local pair pushes the oscillator of its site to positive x = a + a^+",
        forms="also a list of lists alpha[mode][site], or { distance = [own site, nearest, ...] }",
    )  # fmt: skip
    electron_coupling: Reach = coupling(
        reaches=True,
        symbol=r"\alpha_F", sign="-", factor=r"\omega_0", operator="n_m x_m", place="mode", part="coupling",
        needs=("electrons", "modes on sites"), arrays=("electron_phonon",), name="coupling to electrons",
        high=3.0, step=0.01,
        words="an electron pushes the oscillator of its site to positive x = a + a^+ (Holstein, g = omega_0 alpha_F)",
        forms="also a list of lists alpha[mode][site], or { distance = [own site, nearest, ...] } (extended Holstein)",
    )  # fmt: skip
    bond_coupling: ModeCoupling = coupling(
        symbol="g", sign="-", operator=r"y_{ij} " + HOP, place="mode or bond", part="coupling",
        needs=("electrons",), arrays=("bond_phonon", "mode_bond"), name="coupling to hopping", high=1.0, step=0.01,
        words="the lattice modulates the hopping: y is x = a + a^+ of the mode on the bond (one value a mode), or "
        "x_j - x_i of the modes on its ends (one value a bond)",
    )  # fmt: skip
    hopping: ModeCoupling = later(
        symbol="t_{ph}", sign="-", operator=r"(a^\dagger_j a_i + h.c.)", place="bond", part="lattice",
        needs=("modes on sites",), name="hopping of phonons", low=-0.4, high=0.4, step=0.01,
        words="phonons hop between the modes of neighbouring sites; on a ring omega_q = omega_0 - 2 t_ph cos q",
    )  # fmt: skip
    spring: ModeCoupling = later(
        symbol=r"\kappa", operator="(x_i - x_j)^2", place="bond", part="lattice", needs=("modes on sites",),
        name="springs", low=-0.2, high=1.0, step=0.01,
        words="springs join the oscillators of neighbouring sites",
    )  # fmt: skip
    quadratic: ModeCoupling = later(
        symbol="c_2", operator="x_m^2", place="mode", part="lattice", name="quadratic potential", low=-1.0, high=1.0,
        step=0.01, words="stiffens or softens a mode; below -omega_0/4, with a quartic potential, a double well",
    )  # fmt: skip
    cubic: ModeCoupling = later(
        symbol="c_3", operator="x_m^3", place="mode", part="lattice", name="cubic potential", low=-0.2, high=0.2,
        step=0.002, words="makes the potential of a mode asymmetric; it needs a quartic potential",
    )  # fmt: skip
    quartic: ModeCoupling = later(
        symbol="c_4", operator="x_m^4", place="mode", part="lattice", name="quartic potential", high=0.5, step=0.002,
        words="confines a mode at large displacements; not below 0",
    )  # fmt: skip
    electron_quadratic: ModeCoupling = later(
        symbol="q_F", operator="n_m x_m^2", place="mode", part="coupling", needs=("electrons", "modes on sites"),
        name="electrons stiffen the lattice", low=-0.2, high=1.0, step=0.01,
        words="each electron of the site stiffens its oscillator (below 0: softens)",
    )  # fmt: skip
    boson_quadratic: ModeCoupling = later(
        symbol="q_B", operator=r"b^\dagger_m b_m x_m^2", place="mode", part="coupling",
        needs=("bosons", "modes on sites"), name="pairs stiffen the lattice", low=-0.2, high=1.0, step=0.01,
        words="a local pair stiffens the oscillator of its site (below 0: softens)",
    )  # fmt: skip
    exchange_coupling: ModeCoupling = later(
        symbol="g_x", sign="-", operator=r"x_m (b^\dagger_m c_{m\downarrow} c_{m\uparrow} + h.c.)", place="mode",
        part="coupling", needs=("electrons", "bosons", "modes on sites"), name="coupling to exchange", low=-1.0,
        high=1.0, step=0.01, words="the lattice modulates the exchange of a pair on the site",
    )  # fmt: skip
    max_quanta: int | None = key(None, "Largest number of phonons in one mode", allowed="a whole number")
    total_quanta: int | None = key(
        None,
        "Largest number of phonons in all modes together; one of the two caps must be given",
        allowed="a whole number",
    )
    frame: str | Sequence[float] = key(
        "none",
        "Displacement of the oscillators relative to which phonons are counted: none, the one caused by the "
        "mean charge of the sector, the one caused by the charges on the site in each configuration, or <x> = a + a+ "
        'for each mode; "auto" leaves the choice to the solver. Results converge to the same values for any choice as '
        "the cutoff grows; `displacement` in older files",
        allowed='"none", "mean", "lang-firsov", or a list of numbers, one for each mode',
        older="displacement",
    )
    dressing: float | str | None = key(
        None,
        'With frame "lang-firsov", the fraction f of the displacement that follows the charges, the rest being that '
        'of "mean": 1 is the Lang-Firsov transformation (the default), 0 is "mean", "optimal" gives the lowest '
        "ground-state energy",
        allowed='a number from 0 to 1, or "optimal"',
    )
    cutoff: Literal["auto"] | None = key(
        None,
        '"auto" instead of the caps: solvers choose total_quanta large enough for every equilibrium position of the '
        "lattice, and raise it until the error bars of all levels are below `accuracy`",
        allowed='"auto"',
    )
    accuracy: float = key(
        1e-8,
        'Largest error bar of a level with ``cutoff = "auto"`` [energy]',
        allowed="a number above 0",
    )
    basis: Literal["number", "optimal", "squeezed"] | object = key(
        "number",
        'Basis of each oscillator: "number" uses phonon-number states; "optimal" uses states that follow the local '
        'charge, found by the solver, the caps then limiting their numbers; "squeezed" uses the eigenstates of the '
        "oscillator displaced, stiffened or softened by the local charge, without a search",
        allowed='"number", "optimal" or "squeezed"',
        added=True,
    )

    @property
    def displacement(self) -> str | Sequence[float]:
        """The older name of `frame`."""
        return self.frame

    @property
    def strength(self) -> float:
        """The dressing f as a number; 1 by default."""
        return 1.0 if self.dressing is None or isinstance(self.dressing, str) else float(self.dressing)


def _accept_older_names(kind: type, names: Mapping[str, str]) -> None:
    """Let a class accept older names of its arguments; the older name wins if both are given, as by `replace`."""
    plain = kind.__init__  # type: ignore[misc]

    @wraps(plain)
    def initialise(self: object, *args: Any, **given: Any) -> None:
        for old in names.keys() & given.keys():
            given[names[old]] = given.pop(old)
        plain(self, *args, **given)

    kind.__init__ = initialise  # type: ignore[misc]


OLDER_NAMES: Mapping[str, str] = MappingProxyType(
    {f.metadata["older"]: f.name for f in fields(Phonons) if "older" in f.metadata}
)
"""Older keys of ``[phonons]`` that are still read, with their current names."""
_accept_older_names(Phonons, OLDER_NAMES)
SPECIES: Mapping[str, type[Species]] = MappingProxyType(
    {kind.__name__.lower(): kind for kind in (Electrons, Bosons, Phonons)}
)
"""The tables of a model file that contain couplings."""
COUPLINGS: Mapping[str, CouplingField] = MappingProxyType(
    {
        entry.key: entry
        for species, kind in SPECIES.items()
        for f in fields(kind)  # type: ignore[arg-type]
        if "coupling" in f.metadata
        for entry in [f.metadata["coupling"].named(species, f.name)]
    }
)
"""All couplings by their keys in model files; formulas, checks, schema, sweeps and controls are derived from it."""
FIELDS: Mapping[str, CouplingField] = MappingProxyType(
    {
        "field.flux": CouplingField(
            key="field.flux", symbol=r"\phi", operator="", place="model", name="flux, 2πΦ/(hc/e)",
            high=6.28, step=0.01, words="phases of the hops",
        ),
        "field.magnetic_flux": CouplingField(
            key="field.magnetic_flux", symbol=r"n_\phi", operator="", place="model", name="magnetic field, flux quanta",
            high=8, step=1, words="phases of the hops",
        ),
        "ensemble.chemical_potential": CouplingField(
            key="ensemble.chemical_potential", symbol=r"\mu", sign="-", operator=r"(n_i + 2 b^\dagger_i b_i)",
            place="model", name="chemical potential", low=-4.0, high=4.0, step=0.05, words="the chemical potential",
        ),
    }
)  # fmt: skip
"""Parameters of the whole model, by their keys in model files."""


def _document(kind: type[Species]) -> None:
    """Write the attributes of a species, described by its fields, into its docstring."""
    lines = [inspect.cleandoc(kind.__doc__ or ""), "", "Attributes", "----------"]
    for f in fields(kind):  # type: ignore[arg-type]
        meaning = f.metadata.get("meaning") or COUPLINGS[f"{kind.__name__.lower()}.{f.name}"].meaning
        lines += [f"{f.name} : {f.type}", indent(fill(f"{meaning}.", 100), "    ")]
    kind.__doc__ = "\n".join(lines)


for _kind in SPECIES.values():
    _document(_kind)
