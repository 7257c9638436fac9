"""Green's functions, self-energies and susceptibilities at complex frequencies against sums over all dense levels."""

import numpy as np
import pytest
from independent import charges_of, fock, full_hamiltonian

import respair as rp
from respair.analysis import matsubara_frequencies, thermal_susceptibility
from respair.clusters import InvalidValue
from respair.solvers import levels_by_symmetry

RING = rp.Model(rp.ring(3), rp.Electrons(1.0, hubbard_u=2.0), flux=0.7, chemical_potential=0.6)
LATTICE = rp.Phonons(1.0, electron_coupling=0.4, max_quanta=1)
PAIRS = rp.Model(rp.dimer(), rp.Electrons(1.0, level=[0.1, -0.2]), rp.Bosons(0.2, 0.6), LATTICE, chemical_potential=0.1)
MODELS = {"ring in a flux": (RING, 3), "pairs in a lattice": (PAIRS, 3)}
Z = np.array([0.2j, 1.3j, 0.4 + 0.3j, -1.1 + 0.2j, 40j])


class Dense:
    """All levels of the Fock space of a model."""

    def __init__(self, model):
        self.model, self.f = model, fock(model)
        kept = self.f.kept
        self.h = full_hamiltonian(model, self.f, 0).tocsr()[kept][:, kept].toarray()
        n, spin = charges_of(model, self.f)
        self.energies, self.states = np.zeros(len(kept)), np.zeros(self.h.shape, complex)
        self.sectors, at = np.zeros((len(kept), 2), int), 0
        for sector in sorted({*zip(n[kept].tolist(), spin[kept].tolist(), strict=True)}):
            rows = np.flatnonzero((n[kept] == sector[0]) & (spin[kept] == sector[1]))
            energies, states = np.linalg.eigh(self.h[np.ix_(rows, rows)])
            here = slice(at, at + len(rows))
            self.energies[here], self.sectors[here] = energies, sector
            self.states[rows, here] = states
            at += len(rows)

    def elements(self, matrix):
        kept = self.f.kept
        return self.states.conj().T @ (matrix.tocsr()[kept][:, kept] @ self.states)

    def weights(self, temperature, charge=None):
        """Probabilities; at T = 0 those of the ground level of a charge."""
        if temperature:
            p = np.exp(-(self.energies - self.energies.min()) / temperature)
            return p / p.sum()
        here = (self.sectors == [charge, charge % 2]).all(axis=1)
        lowest = here & (self.energies < self.energies[here].min() + 1e-8)
        return lowest / lowest.sum()

    def green(self, p, i, j, z, spin="up"):
        left, right = self.elements(self.f.c[i, spin]), self.elements(self.f.c[j, spin].conj().T)
        gaps = self.energies[None] - self.energies[:, None]  # [m, n] = E_n - E_m
        both = left * right.T
        return np.array([(p[:, None] * both / (x - gaps)).sum() + (p[None] * both / (x - gaps)).sum() for x in z])

    def chi(self, p, a, b, z):
        """Between states that are not degenerate."""
        left, right = self.elements(a.conj().T), self.elements(b)
        gaps = self.energies[None] - self.energies[:, None]
        apart = np.abs(gaps) > 1e-9
        both = left * right.T * (p[:, None] - p[None]) * apart
        return np.array([(both / np.where(apart, gaps - x, 1.0)).sum() for x in z])


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    model, charge = MODELS[request.param]
    return Dense(model), charge


def test_greens_functions_of_ground_levels(case):
    dense, charge = case
    p, sites = dense.weights(0, charge), range(dense.model.cluster.sites)
    for options in (None, rp.Options(engine="tensor")):
        data = rp.greens_function(rp.ground_state(dense.model, charge), Z, options=options)
        expected = np.array([[dense.green(p, i, j, Z) for j in sites] for i in sites]).transpose(2, 0, 1)
        np.testing.assert_allclose(data["values"], expected, atol=1e-8)
        np.testing.assert_allclose(data.moments[0], np.eye(len(sites)), atol=1e-9)
        if not dense.model.modes:
            np.testing.assert_allclose(data.moments, data.sum_rules, atol=1e-8)
        tail = sum(data.moments.values[n] / Z[-1] ** (n + 1) for n in range(3))
        np.testing.assert_allclose(data["values"].values[-1], tail, atol=1e-4)
    assert float(data.error) < 1e-7


def test_greens_functions_of_all_blocks_and_of_some_sites(case):
    dense, charge = case
    p = dense.weights(0, charge)
    data = rp.greens_function(levels_by_symmetry(dense.model, charge, 1), Z, "dn", [1])
    np.testing.assert_allclose(data["values"][:, 0, 0], dense.green(p, 1, 1, Z, "dn"), atol=1e-8)
    assert "self_energy" not in data


@pytest.mark.long
def test_thermal_greens_functions(case):
    dense, _ = case
    p, sites, z = dense.weights(0.4), range(dense.model.cluster.sites), matsubara_frequencies(0.4, 3)
    data = rp.thermal_greens_function(dense.model, 0.4, 3)
    expected = np.array([[dense.green(p, i, j, z) for j in sites] for i in sites]).transpose(2, 0, 1)
    np.testing.assert_allclose(data["values"], expected, atol=1e-8)
    np.testing.assert_allclose(data.frequency, z)
    h = np.zeros((len(sites),) * 2, complex)
    for bond in dense.model.cluster.bonds:
        h[bond.end, bond.start] -= np.exp(1j * bond.winding * dense.model.flux)
    h = h + h.conj().T + np.diag(dense.model.couplings.electron_level - dense.model.chemical_potential)
    sigma = z[:, None, None] * np.eye(len(sites)) - h - np.linalg.inv(expected)
    np.testing.assert_allclose(data.self_energy, sigma, atol=1e-6)


def test_self_energies_have_their_tail():
    """Hartree: U <n_dn> at large frequencies; none without interactions."""
    levels = rp.ground_state(RING, 3)
    data = rp.greens_function(levels, [1000j])
    density = np.diag(rp.one_body_density_matrix(levels).sel(spin="dn").values).real
    np.testing.assert_allclose(np.diag(data.self_energy_tail), 2.0 * density, atol=1e-8)
    np.testing.assert_allclose(data.self_energy[0], data.self_energy_tail, atol=1e-2)
    free = rp.Model(rp.ring(3), rp.Electrons(1.0), flux=0.7)
    np.testing.assert_allclose(rp.greens_function(rp.ground_state(free, 2), Z).self_energy, 0.0, atol=1e-7)


def letters(f, name):
    c = f.c
    table = {
        "n_0": f.n(0), "n_1": f.n(1), "Sz_0": 0.5 * (f.n(0, "up") - f.n(0, "dn")),
        "D+_0": (c[0, "dn"] @ c[0, "up"]).conj().T, "D+_1": (c[1, "dn"] @ c[1, "up"]).conj().T,
        "c+up_0 cup_1": c[0, "up"].conj().T @ c[1, "up"],
    }  # fmt: skip
    return table[name] if name != "x_0" else f.a[0] + f.a[0].T


PAIRED = [("n_0", "n_1"), ("Sz_0", "Sz_0"), ("D+_0", "D+_1"), ("c+up_0 cup_1", "n_0"), ("x_0", "n_1"), ("x_0", "x_0")]


@pytest.mark.long
@pytest.mark.parametrize(("left", "right"), PAIRED)
def test_susceptibilities_of_ground_levels_and_of_thermal_states(case, left, right):
    dense, charge = case
    if "x_0" in (left, right) and not dense.model.modes:
        pytest.skip("no lattice")
    a, b = letters(dense.f, left), letters(dense.f, right)
    z = Z[:4]
    found = rp.susceptibility(rp.ground_state(dense.model, charge), left, right, z)
    np.testing.assert_allclose(found["values"], dense.chi(dense.weights(0, charge), a, b, z), atol=1e-8)
    bosonic = matsubara_frequencies(0.4, 3, "boson")[1:]
    found = thermal_susceptibility(dense.model, left, right, 0.4, bosonic)
    np.testing.assert_allclose(found["values"], dense.chi(dense.weights(0.4), a, b, bosonic), atol=1e-8)
    assert abs(complex(found.tail_moments[0])) < 10


@pytest.mark.long
@pytest.mark.parametrize(("left", "right"), [("n_0", "n_1"), ("Sz_0", "Sz_0")])
def test_the_static_limit_is_the_isothermal_response(left, right):
    """As finite differences of thermal averages in a field have it."""
    step, means = 1e-4, []
    for h in (step, -step):
        dense = Dense(RING)
        kept = dense.f.kept
        field = letters(dense.f, right).tocsr()[kept][:, kept].toarray()
        energies, states = np.linalg.eigh(dense.h - h * field)
        p = np.exp(-(energies - energies.min()) / 0.4)
        observed = letters(dense.f, left).tocsr()[kept][:, kept]
        means.append(np.sum(p * np.einsum("in,in->n", states.conj(), observed @ states)).real / p.sum())
    found = thermal_susceptibility(RING, left, right, 0.4, [0.0])
    assert complex(found["values"][0]) == pytest.approx((means[0] - means[1]) / (2 * step), abs=1e-6)


def test_static_responses_are_derivatives_of_averages(case):
    dense, charge = case
    fields = {"level": "n_0", "bond": "c+up_0 cup_1 + c+dn_0 cdn_1 + h.c."}
    levels = rp.ground_state(dense.model, charge, states=4)
    if levels.multiplicity > 1:
        pytest.skip("degenerate")
    data = rp.static_response(levels, fields, {"other": "n_1", **fields})
    step = 1e-4
    for name, text in fields.items():
        moved = []
        for h in (step, -step):
            field = -h * rp.operator(text)
            changed = rp.Model(
                dense.model.cluster, dense.model.electrons, dense.model.bosons, dense.model.phonons, dense.model.flux,
                dense.model.chemical_potential, terms=(lambda model, field=field: field,),
            )  # fmt: skip
            state = rp.ground_state(changed, charge)
            moved.append([rp.expectation(state, each).real for each in ("n_1", *fields.values())])
        slope = (np.array(moved[0]) - np.array(moved[1])) / (2 * step)
        np.testing.assert_allclose(data.response.sel(field=name), slope, atol=1e-5)
    np.testing.assert_allclose(data.curvature, np.diag(data.response.values[1:]), atol=1e-9)


def test_wrong_requests_are_refused():
    levels = rp.ground_state(RING, 3)
    for call, message in (
        (lambda: rp.greens_function(levels, [1.0]), "above the real axis"),
        (lambda: rp.greens_function(levels, [1j], "left"), 'allowed: "up", "dn"'),
        (lambda: rp.greens_function(levels, [1j], sites=[3]), "some of 0 to 2"),
        (lambda: rp.susceptibility(levels, "cup_0", "cup_0", [1j]), "greens_function"),
        (lambda: rp.susceptibility(levels, "n_0", "D_0", [1j]), "needs the same"),
        (lambda: rp.static_response(levels, {"hop": "c+up_0 cup_1"}), "not Hermitian"),
        (lambda: thermal_susceptibility(RING, "D_0", "D_0", 0.4, [1j], "canonical"), "grand-canonical"),
        (lambda: matsubara_frequencies(0.1, 3, "anyon"), "allowed: fermion, boson"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_more_lines_than_are_kept_are_refused_and_never_left_out(monkeypatch):
    lattice = rp.Phonons(1.0, electron_coupling=0.3, max_quanta=2)
    model = rp.Model(rp.dimer(), rp.Electrons(1.0), phonons=lattice)
    monkeypatch.setattr("respair.analysis.thermal.spectral_lines.MOST_LINES", 100)
    with pytest.raises(InvalidValue, match="more lines than can be stored"):
        rp.thermal_greens_function(model, 0.5, 4)
    with pytest.raises(InvalidValue, match="more lines than can be stored"):
        thermal_susceptibility(model, "Sz_0", "Sz_1", 0.5, [0.0])
    data = rp.thermal_spectral_function(model, rp.probe(model, "electron", site=0), [0.5], np.linspace(-3, 3, 5))
    assert "pole_weights" not in data


@pytest.mark.long
@pytest.mark.parametrize(("left", "right"), [("n_0", "n_0"), ("D+_0", "D+_0"), ("n_0", "x_1"), ("S+_0", "S+_1")])
def test_cold_susceptibilities_are_those_of_the_ground_level(left, right):
    """N = 2 is lowest, 0.9 below the next level of any charge: at T = 1e-3 numbers like e^900 appear."""
    pushed = rp.Phonons(1.0, electron_coupling=0.4, max_quanta=2)
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, [0.3, -0.3], 4.0), phonons=pushed, chemical_potential=1.6)
    z = [0.3j, 1.7 + 0.2j]
    expected = rp.susceptibility(rp.ground_state(model, 2), left, right, z)
    for temperature in (1e-3, 1e-300):
        found = thermal_susceptibility(model, left, right, temperature, z)
        np.testing.assert_allclose(found["values"], expected["values"], atol=1e-8)
        np.testing.assert_allclose(found.tail_moments, expected.tail_moments, atol=1e-7)


WRONG = {
    "frequencies = 'i' is invalid": ("i", {}), "frequencies = None is invalid": (None, {}),
    "frequencies.0. = 1e-320j": ([1e-320j], {}), "sites = 'a' is invalid": ([1j], {"sites": "a"}),
    r"sites = \[0.5\] is invalid": ([1j], {"sites": [0.5]}), r"sites = \[True\] is invalid": ([1j], {"sites": [True]}),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_wrong_frequencies_and_sites_are_named(message):
    frequencies, more = WRONG[message]
    with pytest.raises(ValueError, match=message):
        rp.greens_function(rp.ground_state(RING, 3), frequencies, **more)
