"""The basis of a sector as a labelled table."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.arguments import instance
from .._core.lazy import xr
from ..clusters import InvalidValue
from ..hamiltonians import Block, Hamiltonian, Space
from ..solvers import Eigenstates, LabelledLevels, State
from .labelled import dataset

MOST_STATES = 5_000_000
"""Largest number of states of a table."""


def basis_table(of: Any) -> xr.Dataset:
    """Return the basis states of a sector, in the order of the rows of ``hamiltonian.matrix()``.

    Parameters
    ----------
    of : Space, Hamiltonian, Block, State, Eigenstates or LabelledLevels
        An object that defines an (N, S_z) sector.

    Returns
    -------
    xarray.Dataset
        ``up``, ``dn`` over (state, site) and ``boson`` over (state, boson_site), 0 or 1; ``quanta`` over (state, mode),
        phonon numbers about ``shift`` (the frame, ``a = a' + shift``) or, in optimal oscillator states, the number of
        the state; ``label``, each state as text (see `Space.table`). Phases are those of
        ``c+_up,0 ... c+_up,L-1 c+_dn,0 ... c+_dn,L-1 |0>`` without the operators of the empty orbitals.

    Raises
    ------
    InvalidValue
        If there are more than five million states.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> from respair.solvers import ground_state
    >>> table = basis_table(ground_state(Model(site(), Electrons(), Bosons(exchange=0.2)), 2))
    >>> table.label.values.tolist(), table.boson.values[:, 0].tolist()
    (['.|B', '2|.'], [1, 0])
    """
    kinds = (Space, Hamiltonian, Block, State, Eigenstates, LabelledLevels)
    kinds = (Space, Hamiltonian, Block, State, Eigenstates, LabelledLevels)
    space = _space(instance("of", of, kinds, "write basis_table(ground_state(model, 4))"))
    if space.dimension > MOST_STATES:
        raise InvalidValue(
            f"the sector has {space.dimension:,} states; a table holds at most {MOST_STATES:,}: take a smaller sector "
            "or smaller caps, or read space.charges.states and space.phonons.occupations"
        )
    charges, phonons = space.charges, space.phonons
    configuration = np.repeat(np.arange(len(charges)), len(phonons))
    bits = ((charges.states[:, None] >> np.arange(charges.bits, dtype=np.uint64)) & np.uint64(1)).astype(np.int8)
    bits = bits[configuration]
    sites = charges.sites
    pairs = np.array([charges.bosons(i) for i in charges.boson_sites], np.int8).reshape(-1, len(charges)).T
    labels = np.array([space.label(n) for n in range(space.dimension)], dtype=str)
    state = ["state"]
    return dataset(
        ("up", bits[:, :sites], [*state, "site"], "n_up"),
        ("dn", bits[:, sites : 2 * sites], [*state, "site"], "n_dn"),
        ("boson", pairs[configuration], [*state, "boson_site"], "b+ b"),
        ("quanta", np.tile(phonons.occupations, (len(charges), 1)), [*state, "mode"], "a'+ a', a = a' + shift"),
        ("shift", space.frame[configuration], [*state, "mode"], "displacement of the frame"),
        ("label", labels, state, "sites (. u d 2), local pairs (B), phonon numbers"),
        coords={"boson_site": np.array(charges.boson_sites, int)},
    )


def _space(of: Any) -> Space:
    """Return the space of an object."""
    if isinstance(of, Space):
        return of
    if isinstance(of, Hamiltonian | Block):
        return of.space
    found: Space = of.hamiltonian.space
    return found
