"""Structure factors of lattices: correlations at wave vectors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...clusters import Cluster, momenta
from ...clusters.magnetic import without_field
from ...clusters.translations import wave_vectors
from ...hamiltonians import Model

STRUCTURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "density": ("density_correlation", "<n_i n_j>"),
        "spin": ("spin_correlation", "<S^z_i S^z_j>"),
        "pair": ("pair_correlation", "<D+_i D_j>"),
        "boson": ("boson_correlation", "<b+_i b_j>"),
        "displacement": ("displacement_correlation", "<x_i x_j>"),
    }
)
"""Correlation matrix of each structure factor by name."""
AXES = ("q_x", "q_y", "q_z")


def structure_factor(correlation: ArrayLike, cluster: Cluster, vectors: ArrayLike) -> NDArray[np.float64]:
    r"""Return the structure factor of a correlation matrix at wave vectors.

    .. math:: S(q) = \frac{1}{N} \sum_{ij} e^{-i q \cdot (r_i - r_j)} \langle O^\dagger_i O_j \rangle

    If the cell has several sites, S(q + G) differs from S(q) by the phases within a cell: Neel order on the honeycomb
    lattice appears at q = G, not at q = 0.

    Parameters
    ----------
    correlation : (..., sites, sites) array
        Averages of products on two sites, such as the observable ``spin_correlation``.
    cluster : Cluster
        A lattice; rings and open clusters have no two-dimensional wave vectors.
    vectors : (k, coordinates) array
        Wave vectors compatible with the cluster: those of `wave_vectors`, plus any reciprocal lattice vectors.

    Returns
    -------
    (..., k) float
        S(q) in the units of the correlation.

    Examples
    --------
    >>> import numpy as np
    >>> from respair.clusters import honeycomb
    >>> cluster = honeycomb(size=[2, 2])
    >>> sign = np.where(np.arange(8) % 2, -0.5, 0.5)
    >>> neel = np.outer(sign, sign)
    >>> first, second = 2 * np.pi * 2 * np.linalg.inv(np.array(cluster.cell)).T  # of a cell, half the cluster each way
    >>> structure_factor(neel, cluster, [0 * first, first, second]).round(6).tolist()
    [0.0, 1.5, 1.5]
    """
    waves = np.exp(-1j * np.asarray(vectors, float) @ cluster.coordinates.T)
    products = np.einsum("qi,...ij,qj->...q", waves, np.asarray(correlation), waves.conj(), optimize=True)
    return np.asarray(products.real / cluster.sites)


def structure_factors(
    found: Mapping[str, NDArray[np.complex128]], model: Model
) -> dict[str, tuple[NDArray[Any], tuple[str, ...], str]]:
    """Return the structure factors at the momenta of the cluster, from averages by name."""
    vectors = wave_vectors(without_field(model.cluster))
    return {
        part: (
            structure_factor(found[name], model.cluster, vectors),
            ("momentum",),
            f"(1/N) sum_ij exp(-i q . (r_i - r_j)) {formula}",
        )
        for part, (name, formula) in STRUCTURES.items()
        if name in found
    }


def wave_vector_coordinates(model: Model) -> dict[str, tuple[str, NDArray[np.float64]]]:
    """Return the Cartesian components of the wave vectors, as coordinates of ``momentum``."""
    vectors = wave_vectors(without_field(model.cluster))
    return {axis: ("momentum", column) for axis, column in zip(AXES, vectors.T, strict=False)}


def on_a_lattice(model: Model) -> bool:
    """Return True if a model lives on a closed lattice with more than one momentum."""
    return bool(model.cluster.cell) and len(momenta(without_field(model.cluster))) > 1


def has_modes_on_all_sites(model: Model) -> bool:
    """Return True if a lattice has one oscillator on each site, in the order of the sites."""
    hosts = [(mode.host, mode.index) for mode in model.modes]
    return on_a_lattice(model) and hosts == [("site", i) for i in range(model.cluster.sites)]
