"""States and levels of a sector, as the solvers return them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import is_whole, shown
from .._core.display import counted, quantity
from .._core.formatting import with_error
from ..clusters import Card, InvalidIndex
from ..hamiltonians import Amplitudes, Block, Hamiltonian, Sector
from ..hamiltonians.json_form import to_json_form
from .certificate import Certificate
from .kept import Keepable, Packer, kept_block
from .krylov.eigenpairs import is_degenerate


@dataclass(frozen=True, repr=False)
class State(Keepable):
    """A normalised mixture of pure states of one sector.

    Attributes
    ----------
    block : Block
        What the amplitudes mean.
    amplitudes : (k, rows, phonon states)
        Orthonormal stored amplitudes ``phi[row, p]``, read-only.
    weights : (k,) float
        Probabilities; with those of `others` they add up to one.
    others : tuple of State
        Parts of the mixture that lie in other blocks of the same (N, S_z) sector.
    """

    block: Block = field(repr=False)
    amplitudes: Amplitudes = field(repr=False)
    weights: NDArray[np.float64]
    others: tuple[State, ...] = field(default=(), repr=False)

    def card(self) -> Card:
        """Return how many pure states it mixes, with which weights, and where they lie."""
        kind = "pure state" if sum(len(part.weights) for part in self.parts) == 1 else "mixture of states"
        rows = [(quantity(weight), part.block.sector.markup) for part in self.parts for weight in part.weights.tolist()]
        return Card(f"{kind} in a sector of {self.block.space.size}", rows, ("weight", "sector"))

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""
        return self.block.hamiltonian

    @property
    def vectors(self) -> Amplitudes:
        """Amplitudes ``psi[k, e, p]`` of all states of the sector, for the part in the block."""
        whole = [self.block.expand(phi) for phi in self.amplitudes]
        return np.array(whole, self.amplitudes.dtype).reshape(-1, *self.block.space.shape)

    @property
    def parts(self) -> tuple[State, ...]:
        """The mixture, block by block."""
        return (replace(self, others=()), *self.others)

    def kept(self, packer: Packer) -> dict[str, Any]:
        """Return what the state is, and give its amplitudes to a packer: see `Keepable`."""
        own = {"kind": "state", **kept_block(self.block), "place": packer.put(self.block.gathered(self.amplitudes))}
        return own | {"weights": self.weights.tolist(), "others": [part.kept(packer) for part in self.others]}

    @property
    def mixture(self) -> Iterator[tuple[float, Amplitudes]]:
        """Yield (weight, stored amplitudes) of each pure state in the block."""
        return zip(self.weights.tolist(), self.amplitudes, strict=True)


@dataclass(frozen=True, repr=False)
class Eigenstates(Keepable):
    """Lowest levels of a sector with their certificates.

    Attributes
    ----------
    block : Block
        What the amplitudes mean.
    energies : (k,) float
        Ascending, with multiplicity, in the user's unit.
    certificate : Certificate
        Residuals, leaks and error bars of these levels.
    amplitudes : (m, rows, phonon states)
        Stored amplitudes of the levels, m >= k: the whole ground multiplet is there.
    multiplicity : int
        Number of states in the ground level.
    engine : str
        Engine that found them.
    stored : int
        Amplitudes kept for one state after symmetry.
    matvecs : int
        Products with H; 0 for dense diagonalization.
    bare : (k,) float or None
        Energies of `hamiltonian` where a far chemical potential is not in it (`Hamiltonian.constant`), else None.
    """

    block: Block = field(repr=False)
    energies: NDArray[np.float64]
    certificate: Certificate = field(repr=False)
    amplitudes: Amplitudes = field(repr=False)
    multiplicity: int
    engine: str
    stored: int
    matvecs: int
    bare: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def relative(self) -> NDArray[np.float64]:
        """The energies as they belong to `hamiltonian`; their differences have all digits."""
        return self.energies if self.bare is None else self.bare

    def with_constant(self, constant: float) -> Self:
        """Return the levels with a constant in their energies, which remain in `relative` without it."""
        energies, certificate = _shifted(self.energies, self.certificate, constant)
        return replace(self, energies=energies, certificate=certificate, bare=self.energies)

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""
        return self.block.hamiltonian

    def card(self) -> Card:
        """Return the levels to the digits that their error bars support."""
        how = f"engine {self.engine}, {self.stored:,} amplitudes stored, {self.matvecs:,} products with H"
        return _card(self, how)

    def kept(self, packer: Packer) -> dict[str, Any]:
        """Return what the levels are, and give their amplitudes to a packer: see `Keepable`."""
        numbers = {name: int(getattr(self, name)) for name in ("multiplicity", "stored", "matvecs")}
        place = packer.put(self.block.gathered(self.amplitudes))
        own = {"kind": "levels", **kept_block(self.block), "engine": self.engine, "place": place}
        return own | numbers | _kept_energies(self)

    @property
    def _summary(self) -> Mapping[str, tuple[Any, str]]:
        return _summary(self)

    @property
    def labels(self) -> tuple[Sector, ...]:
        """The sector of each level, with its spatial quantum numbers."""
        return (self.block.sector,) * len(self.energies)

    @property
    def vectors(self) -> Amplitudes:
        """Amplitudes ``psi[level, e, p]`` of all states of the sector."""
        return State(self.block, self.amplitudes, np.ones(len(self.amplitudes))).vectors

    @property
    def ground(self) -> State:
        """The ground level: a pure state, or the even mixture of a degenerate multiplet."""
        count = self.multiplicity
        return State(self.block, self.amplitudes[:count], np.full(count, 1.0 / count))

    def level(self, number: int) -> State:
        """Return one eigenstate as a pure state."""
        return State(self.block, self.amplitudes[_checked(number, len(self.amplitudes))][None], np.ones(1))


@dataclass(frozen=True, repr=False)
class LabelledLevels(Keepable):
    """Lowest levels of a sector over all its symmetry blocks.

    Attributes
    ----------
    energies : (k,) float
        Ascending, with multiplicity, in the user's unit.
    certificate : Certificate
        Residuals, leaks and error bars of these levels.
    labels : tuple of Sector
        The block in which each level lies.
    multiplicity : int
        Number of states in the ground level, over all blocks.
    blocks : tuple of Eigenstates
        What was found in each block that does not begin above the levels wanted.
    matvecs : int
        Products with H in all blocks together.
    bare : (k,) float or None
        Energies of `hamiltonian` where a far chemical potential is not in it (`Hamiltonian.constant`), else None.
    """

    energies: NDArray[np.float64]
    certificate: Certificate = field(repr=False)
    labels: tuple[Sector, ...]
    multiplicity: int
    blocks: tuple[Eigenstates, ...] = field(repr=False)
    matvecs: int
    bare: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def relative(self) -> NDArray[np.float64]:
        """The energies as they belong to `hamiltonian`; their differences have all digits."""
        return self.energies if self.bare is None else self.bare

    def with_constant(self, constant: float) -> Self:
        """Return the levels with a constant in their energies, which remain in `relative` without it."""
        energies, certificate = _shifted(self.energies, self.certificate, constant)
        blocks = tuple(block.with_constant(constant) for block in self.blocks)
        return replace(self, energies=energies, certificate=certificate, bare=self.energies, blocks=blocks)

    def kept(self, packer: Packer) -> dict[str, Any]:
        """Return what the levels are, and give their amplitudes to a packer: see `Keepable`."""
        numbers = {name: int(getattr(self, name)) for name in ("multiplicity", "matvecs")}
        parts = {"labels": to_json_form(self.labels), "blocks": [levels.kept(packer) for levels in self.blocks]}
        return {"kind": "labelled levels", **numbers, **parts, **_kept_energies(self)}

    @property
    def _summary(self) -> Mapping[str, tuple[Any, str]]:
        return _summary(self)

    def card(self) -> Card:
        """Return the levels to the digits that their error bars support, with their quantum numbers."""
        return _card(self, f"{counted(len(self.blocks), 'symmetry block')}, {self.matvecs:,} products with H")

    @property
    def ground(self) -> State:
        """The ground level: a pure state, or the even mixture of a multiplet that may spread over several blocks."""
        shares = [levels.multiplicity / self.multiplicity for levels in self.lowest]
        parts = [levels.ground for levels in self.lowest]
        first, *others = (replace(p, weights=share * p.weights) for p, share in zip(parts, shares, strict=True))
        return replace(first, others=tuple(others))

    def level(self, number: int) -> State:
        """Return one eigenstate as a pure state, in its block."""
        number = _checked(number, len(self.energies))
        places = sorted((e, b, n) for b, levels in enumerate(self.blocks) for n, e in enumerate(levels.relative))
        _, block, own = places[number]
        return self.blocks[block].level(own)

    @property
    def lowest(self) -> tuple[Eigenstates, ...]:
        """The blocks in which the ground level lies."""
        width = self.hamiltonian.level_width
        return tuple(levels for levels in self.blocks if is_degenerate(self.relative[0], levels.relative[0], width))

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""
        return self.blocks[0].hamiltonian

    @property
    def stored(self) -> int:
        """Amplitudes kept for one state in the largest of these blocks."""
        return max(levels.stored for levels in self.blocks)


def _shifted(energies: NDArray[np.float64], c: Certificate, constant: float) -> tuple[NDArray[np.float64], Certificate]:
    """Return energies with a constant, and a certificate with its rounding in error bars and bounds."""
    moved = energies + constant
    moved.setflags(write=False)
    rounding = np.finfo(float).eps * (abs(constant) + np.abs(moved))
    leaks, bars = c.leak_energies + constant, c.energy_errors + rounding
    return moved, replace(c, leak_energies=leaks, energy_errors=bars, bounds=c.bounds + rounding)


def _checked(number: object, count: int) -> int:
    """Return the number of one of `count` levels."""
    if isinstance(number, int | float | np.number) and is_whole(number) and 0 <= number < count:
        return int(number)
    raise InvalidIndex(f"level {shown(number)} was not computed; there are levels 0 to {count - 1}")


def _kept_energies(levels: Eigenstates | LabelledLevels) -> dict[str, Any]:
    """Return energies and certificate as lists."""
    certificate = {name: array.tolist() for name, array in vars(levels.certificate).items()}
    bare = None if levels.bare is None else levels.bare.tolist()
    return {"energies": levels.energies.tolist(), "bare": bare, "certificate": certificate}


def _summary(levels: Eigenstates | LabelledLevels) -> Mapping[str, tuple[Any, str]]:
    """Return what a file shows of levels."""
    c, labels = levels.certificate, np.array([label.label for label in levels.labels], dtype=str)
    return {
        "energies": (levels.energies, "E_n"),
        "energy_errors": (c.energy_errors, "error bar"),
        "residuals": (c.residuals, "||H psi - E psi||"),
        "leaks": (c.leaks, "||Q H psi||, Q beyond the phonon cutoff"),
        "labels": (labels, "spatial quantum numbers"),
    }


def _card(levels: Eigenstates | LabelledLevels, how: str) -> Card:
    """Return energies to the digits that their error bars support, with residuals, leaks and quantum numbers."""
    certificate, space = levels.certificate, levels.hamiltonian.space
    columns = (levels.energies, certificate.energy_errors, certificate.residuals, certificate.leaks, levels.labels)
    rows = [
        (str(n), with_error(energy, error), f"{residual:.1e}", f"{leak:.1e}", *filter(None, [label.label]))
        for n, (energy, error, residual, leak, label) in enumerate(zip(*columns, strict=True))
    ]
    title = f"{counted(len(rows), 'level')} of {space.sector.plain.markup}: {space.size}"
    several = f"the ground level has {counted(levels.multiplicity, 'state')}; " if levels.multiplicity > 1 else ""
    return Card(title, rows, ("level", "energy", "residual", "leak") if rows else (), several + how)
