"""Peierls phases of a uniform magnetic field in the symmetric gauge, from positions and windings alone.

On a torus with n flux quanta, A = pi n (f_1 df_2 - f_2 df_1) in fractions f of the rows, and a state at f + m is the
one at f with the phase pi n (m_1 f_2 - m_2 f_1 + m_1 m_2). The phases round the rows are those of the package's gauge.
"""

import numpy as np


def quanta_matrix(model):
    """n_ij of each pair of rows of a closed cluster; the field as a vector on open ones."""
    given, cluster = model.magnetic_flux, model.cluster
    dimension = len(cluster.positions[0])
    if isinstance(given, dict):
        raise NotImplementedError("give whole numbers on closed clusters")
    pairs = [(0, 1)] if dimension == 2 else [(1, 2), (2, 0), (0, 1)]
    n = np.zeros((dimension, dimension))
    for (i, j), number in zip(pairs, np.ravel(given), strict=True):
        n[i, j], n[j, i] = number, -number
    return n


def angle(model, bond):
    """Phase of the hop along a bond, without the flux vector, in radians."""
    if not getattr(model, "magnetic_flux", 0):
        return 0.0
    n, rows = quanta_matrix(model), np.array(model.cluster.cell)
    start, end = (np.array(model.cluster.positions[site]) @ np.linalg.inv(rows) for site in (bond.start, bond.end))
    step = np.array(bond.windings)
    around = np.round(start + step - end)
    sign = sum(n[i, j] * around[i] * around[j] for i in range(len(n)) for j in range(i + 1, len(n)))
    along = np.pi * start @ n @ step
    edge = np.pi * (around @ n @ end + sign)
    return along - edge


def whole_angle(model, bond):
    """Phase of the hop along a bond with the flux vector, in radians."""
    return np.dot(bond.shares, model.fluxes) + angle(model, bond)
