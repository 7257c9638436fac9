"""Reduced density matrices of sites, spins, local pairs and oscillators; one- and two-body density matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import a_list, is_whole, shown, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, annihilate, create
from ...solvers import State
from ...solvers.arguments import state_of
from ..labelled import dataset, labelled
from ..observables.averages import Averages
from .cuts import Cut, PhononCut, cut_blocks, cut_matrices
from .static_frame import in_static_frame

LARGEST = 4000
"""Largest number of states of a part."""
SPINS = ("up", "dn")


@taking(state=state_of)
def reduced_density_matrix(
    state: State,
    sites: Sequence[int] = (),
    modes: Sequence[int] = (),
    *,
    spins: Sequence[str] = SPINS,
    bosons: bool = True,
) -> xr.Dataset:
    r"""Return the reduced density matrix of a part of the system.

    .. math:: \rho_A = \mathrm{tr}_B\,\rho

    The creation operators of the orbitals of A precede those of B, so that rho_A gives the averages of all operators on
    A that conserve the parity of its electrons.

    Parameters
    ----------
    state : State
        Pure or mixed.
    sites : sequence of int
        Sites of A, in any order; the result has them in ascending order (``part_site``).
    modes : sequence of int
        Oscillators of A.
    spins : sequence of str
        Spins of the electrons in A, "up" and "dn" by default.
    bosons : bool
        Whether the local pairs of the sites belong to A.

    Returns
    -------
    xarray.Dataset
        ``density_matrix`` over ``(state, state_)``, trace 1, of all states of A allowed in the sector, described by
        ``up``, ``dn``, ``boson`` over (state, part_site), ``quanta`` over (state, part_mode), phonon numbers about the
        undisplaced lattice or the static displacement of the frame, ``shift``.

    Raises
    ------
    InvalidValue
        If a site or mode does not exist, the part has more than 4000 states, or the conversion to number states needs
        too many of them.

    Notes
    -----
    States in the Lang-Firsov frame, or in optimal oscillator states, are first converted to number states.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> data = reduced_density_matrix(ground_state(Model(dimer(), Electrons(hopping=1.0)), 2), [0])
    >>> np.diag(data.density_matrix).round(12).tolist(), data.up.values[:, 0].tolist(), data.dn.values[:, 0].tolist()
    ([0.25, 0.25, 0.25, 0.25], [0, 0, 1, 1], [0, 1, 0, 1])
    """
    cut = _part(state.hamiltonian.space.model, sites, modes, tuple(spins), bosons)
    state = in_static_frame(state)
    space = state.hamiltonian.space
    phonons, charges = PhononCut.of(space.phonons, cut), space.charges
    blocks = sorted(cut_blocks(charges, cut), key=lambda block: (block.charge, block.two_sz))
    size = sum(len(block.configurations) for block in blocks) * phonons.sizes[0]
    if size > LARGEST:
        raise InvalidValue(f"the part has {size:,} states, a density matrix at most {LARGEST:,}: take a smaller part")
    rho, first, firsts = np.zeros((size, size), state.amplitudes.dtype), 0, []
    for block in blocks:
        here = slice(first, first + len(block.configurations) * phonons.sizes[0])
        for part in state.parts:
            for weight, phi in part.mixture:
                for m in cut_matrices(part.block, phi, block, phonons, along_part=False):
                    rho[here, here] += weight * (m @ m.conj().T)
        firsts.append(charges.states[block.configurations[:, 0]])
        first = here.stop
    own = np.repeat(np.concatenate(firsts), phonons.sizes[0])
    kept = np.zeros((phonons.sizes[0], len(cut.modes)), np.int64)
    kept[phonons.part] = space.phonons.occupations[:, list(cut.modes)]
    bits = {
        "up": [i if "up" in cut.spins else -1 for i in cut.sites],
        "dn": [charges.sites + i if "dn" in cut.spins else -1 for i in cut.sites],
    }
    numbers = {name: _occupied(own, places) for name, places in bits.items()}
    carriers = [list(charges.boson_bits(i)) if cut.bosons and i in charges.boson_sites else [] for i in cut.sites]
    columns = [_occupied(own, places).sum(axis=1, dtype=np.int8) for places in carriers]
    numbers["boson"] = np.array(columns, np.int8).reshape(-1, len(own)).T
    order = np.lexsort([np.arange(size), *reversed([column for table in numbers.values() for column in table.T])])
    tiled = np.tile(kept, (size // phonons.sizes[0], 1))
    text = {"up": "n_up", "dn": "n_dn", "boson": "b+ b"}
    rows = [(name, numbers[name][order], ["state", "part_site"], text[name]) for name in text]
    return dataset(
        ("density_matrix", rho[np.ix_(order, order)], ["state", "state_"], "tr_B rho"),
        *rows,
        ("quanta", tiled[order], ["state", "part_mode"], "a'+ a', a = a' + shift"),
        ("shift", space.frame[0, list(cut.modes)], ["part_mode"], "displacement of the frame"),
        coords={"part_site": np.array(cut.sites, int), "part_mode": np.array(cut.modes, int)},
    )


def _occupied(states: NDArray[np.uint64], bits: Sequence[int]) -> NDArray[np.int8]:
    """Return the occupations of some bits, 0 for missing ones, shape (states, bits)."""
    columns = [(states >> np.uint64(bit)) & np.uint64(1) if bit >= 0 else np.zeros_like(states) for bit in bits]
    return np.array(columns, np.int8).reshape(len(bits), len(states)).T


def _part(model: Model, sites: Sequence[int], modes: Sequence[int], spins: tuple[str, ...], bosons: bool) -> Cut:
    """Return a part of a model after checking it."""
    parts: list[tuple[int, ...]] = []
    for noun, given, count in (("site", sites, model.cluster.sites), ("mode", modes, len(model.modes))):
        chosen = a_list(given)
        right = np.iterable(chosen) and all(is_whole(i) and 0 <= i < count for i in chosen)
        if not right or len(set(chosen)) < len(chosen):
            allowed = f"{noun}s 0 to {count - 1}, each once" if count else f"nothing, as the model has no {noun}s"
            raise InvalidValue(f"{noun}s = {shown(given)} is invalid; allowed: {allowed}")
        parts.append(tuple(sorted(int(i) for i in chosen)))
    if not any(parts):
        raise InvalidValue("the part is empty; give sites, modes or both, as reduced_density_matrix(state, [0, 1])")
    if not set(spins) <= set(SPINS):
        raise InvalidValue(f'spins = {list(spins)} is invalid; allowed: "up", "dn", or both')
    if model.most_electrons == 1 and len(set(spins)) == 1:
        raise InvalidValue(
            f"spins = {list(spins)} cannot be separated from the others, since no site has two electrons; omit spins"
        )
    return Cut(parts[0], parts[1], spins, bosons)


@taking(state=state_of)
def one_body_density_matrix(state: State) -> xr.DataArray:
    r"""Return ``rho_ij = <c+_i c_j>`` of the electrons of each spin.

    Parameters
    ----------
    state : State
        Pure or mixed.

    Returns
    -------
    xarray.DataArray
        Over ``(spin, site, site_)``; its trace is the number of electrons. Elements between spins vanish, as S_z is
        conserved. Its eigenvalues are natural occupations.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> rho = one_body_density_matrix(ground_state(Model(dimer(), Electrons(hopping=1.0)), 2))
    >>> rho.sel(spin="up").values.round(12).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    model, averages = _with_electrons(state), Averages(state)
    count = model.cluster.sites
    rho = np.zeros((2, count, count), complex)
    for s, spin in enumerate(SPINS):
        for i in range(count):
            for j in range(i + 1):
                rho[s, i, j] = averages.operator(create(i, spin) * annihilate(j, spin))
                rho[s, j, i] = rho[s, i, j].conjugate()
    formula = "<c+_i c_j>"
    return labelled("one_body_density_matrix", rho, ["spin", "site", "site_"], formula, "1", {"spin": list(SPINS)})


@taking(state=state_of)
def two_body_density_matrix(state: State) -> xr.DataArray:
    r"""Return ``Gamma_ijkl = <c+_{i s} c+_{j s'} c_{l s'} c_{k s}>`` of the electrons.

    Two electrons are annihilated on k (spin s) and l (spin s') and created on i and j, so that the average of an
    interaction ``1/2 sum V_ijkl c+_is c+_js' c_ls' c_ks`` is half the sum of V Gamma over all indices.

    Parameters
    ----------
    state : State
        Pure or mixed.

    Returns
    -------
    xarray.DataArray
        Over ``(spins, i, j, k, l)`` with spins "up up", "up dn", "dn up" and "dn dn". The trace ``sum_ij Gamma_ijij``
        over all spins is N_e (N_e - 1).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> gamma = two_body_density_matrix(ground_state(Model(dimer(), Electrons(hopping=1.0)), 2))
    >>> round(float(np.einsum("sijij->", gamma.values)), 12)
    2.0
    """
    model, averages = _with_electrons(state), Averages(state)
    count = model.cluster.sites
    gamma = np.zeros((4, *(count,) * 4), complex)
    known = Averages(state)
    pairs = list(combinations(range(count), 2))
    for s, spin in ((0, "up"), (3, "dn")):
        for (i, j), (k, m) in product(pairs, pairs):
            word = create(i, spin) * create(j, spin) * annihilate(m, spin) * annihilate(k, spin)
            value = known.operator(word)
            for (a, b, one), (c, d, two) in product(((i, j, 1), (j, i, -1)), ((k, m, 1), (m, k, -1))):
                gamma[s, a, b, c, d] = one * two * value
    for i, j, k, m in product(range(count), repeat=4):
        word = create(i, "up") * create(j, "dn") * annihilate(m, "dn") * annihilate(k, "up")
        gamma[1, i, j, k, m] = gamma[2, j, i, m, k] = averages.operator(word)
    spins = {"spins": ["up up", "up dn", "dn up", "dn dn"]}
    formula = "<c+_is c+_js' c_ls' c_ks>"
    return labelled("two_body_density_matrix", gamma, ["spins", "i", "j", "k", "l"], formula, "1", spins)


def _with_electrons(state: State) -> Model:
    """Return the model of a state, which must have electrons."""
    model = state.hamiltonian.space.model
    if model.electrons is None:
        raise InvalidValue("the model has no electrons; their density matrices need Electrons(...)")
    return model
