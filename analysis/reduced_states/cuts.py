"""Bipartitions of a cluster, and the amplitudes of a state as a matrix between the parts, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, ChargeBasis, Model, PhononSpace
from ...hamiltonians.space.numbering import Numbering
from ..observables.averages import CHUNK


@dataclass(frozen=True)
class Cut:
    """One part of a system; everything else is the other part.

    Attributes
    ----------
    sites : tuple of int
        Sites whose electrons and local pairs belong to the part.
    modes : tuple of int
        Oscillators that belong to it.
    spins : tuple of str
        The electrons of its sites that belong to it.
    bosons : bool
        Whether the local pairs of its sites belong to the part.
    """

    sites: tuple[int, ...] = ()
    modes: tuple[int, ...] = ()
    spins: tuple[str, ...] = ("up", "dn")
    bosons: bool = True


def lattice_cut(model: Model) -> Cut:
    """Return the cut between the lattice (all oscillators) and the charges.

    Raises
    ------
    ValueError
        If the model has no oscillator.
    """
    if not model.modes:
        raise InvalidValue("the lattice cannot be separated: this model has no phonon modes; add Phonons(...)")
    return Cut((), tuple(range(len(model.modes))))


def site_cut(model: Model, sites: Sequence[int], with_modes: bool = True) -> Cut:
    """Return the cut between some sites and the rest.

    Parameters
    ----------
    model : Model
        The model that defines the sites.
    sites : sequence of int
        Sites of the part, each once.
    with_modes : bool
        Whether the oscillators on these sites, and on bonds between two of them, belong to the part; otherwise all
        belong to the rest.

    Raises
    ------
    ValueError
        If there are no sites, a site does not exist, or is repeated.
    """
    count = model.cluster.sites
    chosen = list(sites)
    if not chosen or len(set(chosen)) < len(chosen) or not all(i in range(count) for i in chosen):
        raise InvalidValue(f"{list(sites)} is not a set of sites; name one or more of 0 to {count - 1}, each once")
    modes = [m for m, mode in enumerate(model.modes) if set(mode.place(model.cluster.bonds)) <= set(chosen)]
    return Cut(tuple(sorted(int(i) for i in chosen)), tuple(modes) if with_modes else ())


def separates(model: Model, cut: Cut) -> bool:
    """True if an oscillator is separated from its site.

    In the Lang-Firsov frame oscillators follow the charges of their sites, and the amplitudes do not show such a cut.
    """
    return any(m.host == "site" and (m.index in cut.sites) != (k in cut.modes) for k, m in enumerate(model.modes))


@dataclass(frozen=True)
class CutBlock:
    """The configurations with given charge and spin of the part, arranged as a matrix.

    Attributes
    ----------
    charge, two_sz : int
        N and N_up - N_dn of the part; modulo 2 if the sector has several.
    configurations : (part, rest) int
        Index of the combined configuration.
    sign : (part, rest) float
        Fermionic sign from moving the creation operators of the part to the front.
    """

    charge: int
    two_sz: int
    configurations: NDArray[np.int64]
    sign: NDArray[np.float64]


def _totals(charges: ChargeBasis, states: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return N and N_up - N_dn of (masked) configurations, one row each."""
    spins = [np.uint64(((1 << charges.sites) - 1) << offset) for offset in (0, charges.sites)]
    up, dn = (np.bitwise_count(states & spin).astype(np.int64) for spin in spins)
    pairs = np.bitwise_count(states & ~(spins[0] | spins[1])).astype(np.int64)
    return np.array([up + dn + 2 * pairs, up - dn])


def cut_blocks(charges: ChargeBasis, cut: Cut) -> Iterator[CutBlock]:
    """Yield the blocks of a cut; within a sector the charge of the part determines that of the rest."""
    sites = charges.sites
    places = [offset + i for spin, offset in (("up", 0), ("dn", sites)) if spin in cut.spins for i in cut.sites]
    carriers = [site for site in charges.boson_sites if cut.bosons and site in cut.sites]
    places += [bit for site in carriers for bit in charges.boson_bits(site)]
    mask = np.uint64(sum(1 << place for place in places))
    part = charges.states & mask
    mixed = [len(np.unique(values)) > 1 for values in _totals(charges, charges.states)]
    kinds = _totals(charges, part).T
    kinds = np.where(mixed, kinds % 2, kinds)
    for charge, two_sz in np.unique(kinds, axis=0).tolist():
        here = np.all(kinds == [charge, two_sz], axis=1)
        own, other = np.unique(part[here]), np.unique(charges.states[here] & ~mask)
        together: NDArray[np.uint64] = np.bitwise_or(own[:, None], other)
        configurations = charges.index(together.ravel()).reshape(together.shape)
        yield CutBlock(charge, two_sz, configurations, _fermi_sign(together, mask, 2 * sites))


def _fermi_sign(states: NDArray[np.uint64], mask: np.uint64, orbitals: int) -> NDArray[np.float64]:
    """Return the sign of moving the creation operators in `mask` to the front past those of the rest."""
    passed = np.zeros(states.shape, np.int64)
    for orbital in range(orbitals):
        bit = np.uint64(1 << orbital)
        if bit & mask:
            before = np.bitwise_count(states & ~mask & (bit - np.uint64(1)))
            passed += np.where(states & bit, before, 0)
    return np.where(passed % 2, -1.0, 1.0)


@dataclass(frozen=True)
class PhononCut:
    """The phonon states split into those of the part and of the rest.

    Attributes
    ----------
    part, rest : (phonon states,) int
        Index of the state of the oscillators of the part, and of the rest, for each phonon state.
    sizes : (int, int)
        Number of states of the part and of the rest.
    """

    part: NDArray[np.int64]
    rest: NDArray[np.int64]
    sizes: tuple[int, int]

    @classmethod
    def of(cls, phonons: PhononSpace, cut: Cut) -> PhononCut:
        """Number the states of both parts."""
        numbers = []
        for inside in (True, False):
            occupations = phonons.occupations.astype(np.int64)
            occupations[:, [m for m in range(phonons.modes) if (m in cut.modes) != inside]] = 0
            numbers.append(Numbering.of(occupations)[1])
        return cls(numbers[0], numbers[1], (int(numbers[0].max()) + 1, int(numbers[1].max()) + 1))


def cut_matrices(
    block: Block, phi: Amplitudes, cut: CutBlock, phonons: PhononCut, along_part: bool
) -> Iterator[NDArray[Any]]:
    """Yield the amplitudes of a state as a matrix (part, rest), in pieces of moderate size.

    Parameters
    ----------
    block : Block
        The block of the state.
    phi : (rows, phonon states)
        Stored amplitudes.
    cut, phonons : CutBlock, PhononCut
        The charges and the phonons of both parts.
    along_part : bool
        Whether the matrix is split along the part, otherwise along the rest.

    Yields
    ------
    (part, rest) array
        All of one side, some of the other.
    """
    axis = 0 if along_part else 1
    across = cut.configurations.shape[1 - axis]
    step = max(1, CHUNK // (across * phonons.sizes[0] * phonons.sizes[1]))
    for start in range(0, cut.configurations.shape[axis], step):
        here = np.s_[start : start + step] if along_part else np.s_[:, start : start + step]
        configurations, sign = cut.configurations[here], cut.sign[here]
        psi = block.amplitudes(phi, configurations.ravel()).reshape(*configurations.shape, -1)
        spread = np.zeros((*configurations.shape, *phonons.sizes), psi.dtype)
        spread[:, :, phonons.part, phonons.rest] = psi * sign[..., None]
        rows, columns = (n * size for n, size in zip(configurations.shape, phonons.sizes, strict=True))
        yield spread.transpose(0, 2, 1, 3).reshape(rows, columns)
