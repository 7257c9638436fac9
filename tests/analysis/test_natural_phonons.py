"""Natural phonon states: the same in every frame, and those of an independent construction with a flux."""

import numpy as np
import pytest

import respair as rp
from respair.analysis import natural_phonons


def dimer(**phonons):
    return rp.Model(
        rp.dimer(),
        rp.Electrons(1.0, hubbard_u=1.0),
        rp.Bosons(0.3, 0.8),
        rp.Phonons(1.0, electron_coupling=0.4, boson_coupling=1.0, **phonons),
    )


@pytest.mark.parametrize("condition", ["bosons", "electrons", "charge"])
def test_the_frame_of_the_phonons_does_not_matter(condition):
    frames = {"none": 24, "mean": 18, "lang-firsov": 14}
    grid = np.linspace(-4.0, 6.0, 41)
    found = [
        natural_phonons(rp.ground_state(dimer(max_quanta=quanta, frame=frame), 2).ground, 3, condition, grid)
        for frame, quanta in frames.items()
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other.occupation, found[0].occupation, rtol=0, atol=1e-10)
        for k in range(2):  # the third is hardly occupied
            np.testing.assert_allclose(other.function[:, :, k], found[0].function[:, :, k], rtol=0, atol=1e-6)


def test_states_with_a_flux_are_those_of_the_complex_density_matrix():
    phonons = rp.Phonons(1.0, electron_coupling=0.8, max_quanta=4)
    model = rp.Model(rp.ring(3), rp.Electrons(1.0), None, phonons, flux=1.0)
    state = rp.ground_state(model, 1).ground
    space, psi = state.hamiltonian.space, state.vectors.ravel()
    phonons = space.phonons
    states = phonons.occupations.astype(int)
    rho = np.zeros((3, 5, 5), complex)
    amplitudes = psi.reshape(-1, len(phonons))
    electrons = space.charges.electrons(0, "up") + space.charges.electrons(0, "dn")
    others = states[:, 1] * 5 + states[:, 2]
    for q in range(2):
        for row in amplitudes[electrons == q]:
            wide = np.zeros((5, 25), complex)
            wide[states[:, 0], others] = row
            rho[q] += wide @ wide.conj().T
    found = natural_phonons(state, 5, "electrons")
    for q in range(2):
        weights = np.linalg.eigvalsh(rho[q])[::-1]
        np.testing.assert_allclose(found.occupation.sel(mode=0, local_charge=q), np.maximum(weights, 0), atol=1e-12)
