"""Models with all couplings, and random oscillator states for their modes."""

from dataclasses import replace

import numpy as np
import scipy.linalg as la

from respair.clusters import dimer, ring
from respair.hamiltonians import Bosons, Electrons, Model, Phonons
from respair.hamiltonians.space.oscillator_sets import LABELS, OscillatorSets

EVERYTHING = Model(
    dimer(),
    Electrons(1.0, [0.1, -0.2], 0.5, 0.2, pair_hopping=0.1, spin_exchange=0.2),
    Bosons([-0.2, 0.3], 0.6, 0.1, bond_exchange=0.2),
    Phonons(
        [0.9, 1.1], boson_coupling=[0.8, 0.5], electron_coupling=0.3, bond_coupling=0.15, hopping=0.1, spring=0.05,
        quadratic=0.1, cubic=0.01, quartic=0.02, electron_quadratic=0.05, boson_quadratic=0.1, exchange_coupling=0.2,
        max_quanta=3, total_quanta=3,
    ),
    chemical_potential=0.1,
)  # fmt: skip
RING = Model(ring(4), Electrons(1.0, 0.0, 0.5), Bosons(-0.2, 0.5, 0.2),
             Phonons(1.0, boson_coupling=0.9, electron_coupling=0.4, total_quanta=2))  # fmt: skip


def random_sets(model, follows, size=7, seed=0, alike=False, costs=None):
    """Random oscillator states, and shifts, for the modes of a model."""
    random = np.random.default_rng(seed)
    classes = 1 if alike else len(model.modes)
    matrices = la.qr(random.normal(size=(classes, LABELS[follows], size, size)))[0]
    mode_classes = (0,) * len(model.modes) if alike else tuple(range(classes))
    return OscillatorSets(
        follows, mode_classes, random.uniform(0.0, 0.5, classes), matrices, np.zeros(matrices.shape[:3]), size, costs
    )


def in_basis(model, sets, **caps):
    return replace(model, phonons=replace(model.phonons, basis=sets, **caps))
