"""Spectra at temperature: against Lehmann sums over the whole Fock space, limits, identities, and sampled blocks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from random_models import models
from reference import Fock, full_hamiltonian

from respair import Bosons, Electrons, InvalidModel, Model, Options, Phonons, Sector, dimer, ground_state, ring, site
from respair.analysis import probe, spectral_function
from respair.analysis.spectra.probes import Probe
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.comb import comb
from respair.analysis.thermal.ensembles import Ensemble, Sampling
from respair.analysis.thermal.spectra import thermal_spectral_function
from respair.studies import parse, records, run
from respair.studies.execution.figures import save_figures

OMEGA = np.linspace(-3.0, 3.0, 13)
RING = Model(ring(4), Electrons(hopping=1.0), Bosons(level=0.0, exchange=0.8))
LATTICE = Model(ring(3), Electrons(1.0), Bosons(-0.3, 0.6), Phonons(0.9, boson_coupling=0.8, total_quanta=2), flux=0.6)


def lehmann(model, operator, t, eta, left=None):
    """sum_mn p_m <m|A+|n><n|B|m> of Lorentzian lines at E_n - E_m, with all states of the truncated Fock space."""
    fock = Fock(model)
    inside = np.flatnonzero(fock.allowed)
    energies, states = np.linalg.eigh(full_hamiltonian(model)[inside][:, inside].toarray())
    p = np.exp(-(energies - energies[0]) / t)
    p /= p.sum()
    right, other = (
        states.conj().T @ each[np.ix_(inside, inside)] @ states
        for each in (operator, operator if left is None else left)
    )
    at = (energies[:, None] - energies).ravel()
    weights = (other.conj() * right * p).ravel()
    weights = weights.real if left is None else weights
    kept = np.abs(weights) > 1e-20
    distance = OMEGA[:, None] - at[kept]
    return (eta / np.pi / (distance**2 + eta**2)) @ weights[kept]


@pytest.mark.long
@settings(max_examples=6, deadline=None)
@given(models(frames=("none",)))
def test_spectra_are_lehmann_sums_over_fock_space(model):
    fock = Fock(model)
    if np.count_nonzero(fock.allowed) > 300:
        return
    t, eta = [0.3, 2.0], 0.2
    lattice_one, charge_one = fock.lattice_one.toarray(), fock.charge_one.toarray()
    wanted = {}
    if model.electrons is not None:
        wanted["electron"] = [np.kron(fock.c[0, "up"].toarray(), lattice_one)]
    if model.modes:
        wanted["displacement"] = [np.kron(charge_one, fock.x(0, [0.0] * len(model.modes)).toarray())]
    for name, (matrix,) in wanted.items():
        mode = {} if name == "electron" else {"site": model.modes[0].index}
        data = thermal_spectral_function(model, probe(model, name, **mode), t, OMEGA, eta)
        for i, temperature in enumerate(t):
            dense = lehmann(model, matrix.conj().T, temperature, eta)
            if name == "electron":
                dense = dense + lehmann(model, matrix, temperature, eta)[::-1]  # lines of removal at E_m - E_n
            np.testing.assert_allclose(data["values"].values[i], dense, atol=1e-9)


def crossed(model, b, a, t, eta, right, left):
    """The cross spectrum of two probes, compared with its sum over Fock space; their matrices remove the charge."""
    found = thermal_spectral_function(model, b, t, OMEGA, eta, cross=a)
    for i, temperature in enumerate(t):
        if b.removal is None:
            dense = lehmann(model, right, temperature, eta, left)
        else:
            dense = lehmann(model, right.conj().T, temperature, eta, left.conj().T)
            dense = dense + lehmann(model, left, temperature, eta, right)[::-1]
        np.testing.assert_allclose(found["values"].values[i], dense, atol=1e-9)
    return found


@pytest.mark.long
@settings(max_examples=6, deadline=None)
@given(models(frames=("none",)))
def test_cross_spectra_are_lehmann_sums_over_fock_space(model):
    fock = Fock(model)
    if np.count_nonzero(fock.allowed) > 300:
        return
    t, eta, last = [0.3, 2.0], 0.2, model.cluster.sites - 1
    lattice_one, charge_one = fock.lattice_one.toarray(), fock.charge_one.toarray()
    if model.electrons is not None:
        c = [np.kron(fock.c[i, "up"].toarray(), lattice_one) for i in (0, last)]
        found = crossed(model, probe(model, "electron"), probe(model, "electron", last), t, eta, *c)
        assert float(np.max(np.abs(found.balance_defect))) < 1e-10
    if model.modes and model.electrons is not None:
        number = sum(fock.c[0, s].toarray().T @ fock.c[0, s].toarray() for s in ("up", "dn"))
        x = np.kron(charge_one, fock.x(0, [0.0] * len(model.modes)).toarray())
        both = probe(model, "displacement", model.modes[0].index), probe(model, "density")
        found = crossed(model, *both, t, eta, x, np.kron(number, lattice_one))
        assert float(np.max(np.abs(found.balance_defect))) < 1e-10


@pytest.mark.long
def test_cross_spectra_with_a_momentum_in_a_flux_are_lehmann_sums():
    """Pairs and bosons: complex blocks, every charge, one-dimensional sectors."""
    model = Model(ring(3), Electrons(1.0, hubbard_u=0.7), Bosons(-0.2, 0.6, hopping=0.3), flux=0.8)
    fock, waves = Fock(model), np.exp(-2j * np.pi / 3 * np.arange(3)) / np.sqrt(3)
    c = {key: matrix.toarray() for key, matrix in fock.c.items()}
    pairs = sum(w * c[i, "dn"] @ c[i, "up"] for i, w in enumerate(waves))
    local = sum(w * fock.b[i].toarray() for i, w in enumerate(waves))
    both = (probe(model, name, momentum=1) for name in ("pair", "boson"))
    found = crossed(model, *both, [0.4], 0.2, pairs, local)
    np.testing.assert_allclose(found.sum_rule_defects, 0.0, atol=1e-9)
    np.testing.assert_allclose(found.balance_defect, 0.0, atol=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("names", [("displacement", "boson_density"), ("boson", "pair"), ("density", "charge")])
def test_the_other_order_of_two_probes_gives_the_conjugate(names):
    b, a = (probe(LATTICE, name, 1 - i) for i, name in enumerate(names))
    kind = Ensemble("canonical", Sector(3))
    one, other = (
        thermal_spectral_function(LATTICE, x, [0.5], OMEGA, 0.3, ensemble=kind, cross=y) for x, y in ((b, a), (a, b))
    )
    assert np.max(np.abs(one["values"].values.imag)) > 1e-4
    np.testing.assert_allclose(one["values"], other["values"].conj(), atol=1e-10)
    np.testing.assert_allclose(one.moments, other.moments.conj(), atol=1e-6)


def test_a_cross_spectrum_of_a_probe_with_itself_is_its_spectrum():
    seen, kind = probe(LATTICE, "boson", 1), Ensemble("canonical", Sector(3))
    plain, crossing = (
        thermal_spectral_function(LATTICE, seen, [0.5], OMEGA, 0.3, ensemble=kind, cross=other)
        for other in (None, seen)
    )
    for name in ("values", "moments", "sum_rules", "addition_weight", "zero_frequency"):
        np.testing.assert_allclose(crossing[name], plain[name], atol=1e-10)


@pytest.mark.parametrize("names", [("displacement", "boson_density"), ("boson", "pair"), ("electron", "electron")])
def test_cold_cross_spectra_are_those_of_the_ground_level(names):
    b, a = probe(LATTICE, names[0]), probe(LATTICE, names[1], 1)
    cold = thermal_spectral_function(
        LATTICE, b, [0.0015], OMEGA, 0.2, ensemble=Ensemble("sector", Sector(4)), cross=a
    ).isel(temperature=0)
    ground = spectral_function(ground_state(LATTICE, 4), b, OMEGA, 0.2, cross=a)
    np.testing.assert_allclose(cold["values"], ground["values"], atol=1e-8)
    np.testing.assert_allclose(cold.moments, ground.moments, atol=1e-7)


COUPLED = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.6), Phonons(0.9, boson_coupling=0.8, total_quanta=7))


@pytest.mark.parametrize(
    ("model", "sector", "names"),
    [
        pytest.param(
            replace(RING, flux=0.7), Sector(5, two_sz=1, momentum=1), ("boson", "pair"), marks=pytest.mark.slow
        ),
        pytest.param(COUPLED, Sector(2, two_sz=0), ("displacement", "boson_density"), marks=pytest.mark.slow),
    ],
    ids=["complex", "real"],
)
def test_error_bars_of_sampled_cross_spectra_are_calibrated(model, sector, names):
    how = ([0.7], [-1.0, 0.4, 1.5], 0.4, "lorentzian", Ensemble("sector", sector))
    b, a = (probe(model, name, site) for site, name in enumerate(names))
    exact = thermal_spectral_function(model, b, *how, Sampling("exact"), cross=a)
    assert np.iscomplexobj(exact["values"]) == bool(model.flux)
    pulls = []
    for seed in range(14):
        data = thermal_spectral_function(model, b, *how, Sampling("ftlm", 6, 25), Options(seed=seed), cross=a)
        pulls.append(np.abs(data["values"] - exact["values"]).values[0] / data.values_error.values[0])
    assert 0.5 < np.mean(np.array(pulls) < 1) < 0.82


def test_the_pseudogap_opens_as_pairs_form():
    """Values of an independent code: the local density of states of a ring of four at the chemical potential."""
    t = [4.0, 1.0, 0.4, 0.2, 0.05]
    data = thermal_spectral_function(RING, probe(RING, "electron"), t, [0.0], 0.2)
    np.testing.assert_allclose(data["values"].values[:, 0], [0.372, 0.361, 0.310, 0.193, 0.088], atol=5e-4)
    np.testing.assert_allclose(data.zero_frequency, data["values"].values[:, 0], atol=1e-12)
    np.testing.assert_allclose(data.pseudogap, data.zero_frequency / data.zero_frequency[0], atol=1e-12)
    np.testing.assert_allclose(data.sum_rule_defects, 0.0, atol=1e-9)
    np.testing.assert_allclose(data.balance_defect, 0.0, atol=1e-12)
    pairs = thermal_averages(RING, t, names=["pair_exchange"]).pair_exchange.values[:, 0]
    np.testing.assert_allclose(pairs, [-0.024, -0.080, -0.138, -0.209, -0.278], atol=1e-3)


@pytest.mark.parametrize("name", ["electron", "pair", "boson", "density", "displacement"])
def test_cold_spectra_are_those_of_the_ground_level(name):
    kind = Ensemble("sector", Sector(4))
    cold = thermal_spectral_function(LATTICE, probe(LATTICE, name), [0.0015], OMEGA, 0.2, ensemble=kind)
    ground = spectral_function(ground_state(LATTICE, 4), probe(LATTICE, name), OMEGA, 0.2)
    np.testing.assert_allclose(cold["values"].values[0], ground["values"], atol=1e-8)
    np.testing.assert_allclose(cold.moments.values[0], ground.moments, atol=1e-7)


def test_the_static_response_follows_from_the_spectrum():
    """Fluctuation and dissipation: -d<n_0>/d eps_0 = int A(omega) (1 - exp(-omega / T)) / omega."""
    t, h = 0.4, 1e-4

    def at(level):
        bosons, phonons = Bosons(0.2, 0.5), Phonons(0.8, boson_coupling=0.6, max_quanta=1)
        return Model(dimer(), Electrons(1.0, level=[level, -0.1], hubbard_u=0.7), bosons, phonons)

    kind = Ensemble("canonical", Sector(3))
    densities = [
        thermal_averages(at(0.3 + k * h), [t], kind, names=["electron_density"]).electron_density.values[0, 0]
        for k in (-1, 1)
    ]
    data = thermal_spectral_function(at(0.3), probe(at(0.3), "density"), [t], OMEGA, ensemble=kind)
    x, w = data.pole_frequencies.values, data.pole_weights.values[0]
    still = np.abs(x) < 1e-9
    mean = 0.5 * sum(densities)
    response = np.sum(np.where(still, w / t, -w * np.expm1(-x / t) / np.where(still, 1.0, x))) - mean**2 / t
    assert response == pytest.approx(-(densities[1] - densities[0]) / (2 * h), abs=1e-6)
    assert float(data.balance_defect[0]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("flux", [0.0, 0.5])
def test_the_conductivity_and_the_drude_weight_exhaust_the_f_sum_rule(flux):
    model, t = replace(RING, flux=flux, chemical_potential=0.2), [0.1, 0.5, 2.0]
    data = thermal_spectral_function(
        model, probe(model, "current"), t, [0.5, 1.0], ensemble=Ensemble("canonical", Sector(6))
    )
    np.testing.assert_allclose(data.fsum_defect, 0.0, atol=1e-10)
    averages = thermal_averages(model, t, Ensemble("canonical", Sector(6)), names=["hopping_energy"])
    np.testing.assert_allclose(data.fsum, -np.pi / 8 * averages.hopping_energy, atol=1e-10)
    assert np.all(data["values"] > 0)


@pytest.mark.parametrize("name", ["electron", "displacement"])
def test_random_vectors_agree_with_all_levels_within_their_errors(name):
    model, kind, t = LATTICE, Ensemble("canonical", Sector(2)), [0.1, 0.5, 2.0]
    how = (probe(model, name), t, OMEGA, 0.3, "lorentzian", kind)
    exact = thermal_spectral_function(model, *how, Sampling("exact"))
    sampled = thermal_spectral_function(model, *how, Sampling("ftlm", samples=10, steps=30))
    for quantity in ("values", "moments", "zero_frequency", "pseudogap"):
        off = np.abs(sampled[quantity].values - exact[quantity].values)
        assert np.all(off < 6 * sampled[f"{quantity}_error"].values + 1e-6), quantity
    assert np.max(sampled.values_error) > 1e-4
    assert np.all(np.abs(sampled.sum_rule_defects) <= sampled.sum_rule_errors)
    if name == "displacement":
        np.testing.assert_allclose(exact.balance_defect, 0.0, atol=1e-10)


@pytest.mark.long
def test_error_bars_of_spectra_are_calibrated():
    model, kind = replace(RING, flux=0.7), Ensemble("sector", Sector(5, two_sz=1, momentum=1))
    how = (probe(model, "electron", momentum=1), [1.0], [-1.0, 0.5, 2.0], 0.4, "lorentzian", kind)
    exact = thermal_spectral_function(model, *how, Sampling("exact"))
    pulls = []
    for seed in range(24):
        data = thermal_spectral_function(model, *how, Sampling("ftlm", 6, 25), Options(seed=seed))
        pulls.append((data["values"] - exact["values"]).values[0] / data.values_error.values[0])
    assert 0.5 < np.mean(np.abs(pulls) < 1) < 0.82


@pytest.mark.parametrize("name", ["electron", "pair", "displacement"])
@pytest.mark.long
def test_at_a_wanted_density_lines_are_measured_from_the_chemical_potential_found(name):
    phonons = Phonons(0.8, boson_coupling=0.6, max_quanta=1) if name == "displacement" else None
    model, t = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.5), phonons), [0.2, 1.0]
    found = thermal_spectral_function(model, probe(model, name), t, OMEGA, 0.2, ensemble=Ensemble(density=1.3))
    mu = thermal_averages(model, t, Ensemble(density=1.3)).chemical_potential.values
    np.testing.assert_allclose(found.chemical_potential, mu, atol=1e-12)
    assert np.ptp(mu) > 0.01
    for i, temperature in enumerate(t):
        there = replace(model, chemical_potential=float(mu[i]))
        direct = thermal_spectral_function(there, probe(there, name), [temperature], OMEGA, 0.2).isel(temperature=0)
        for quantity in ("values", "moments", "sum_rules", "zero_frequency", "balance", "balance_defect"):
            np.testing.assert_allclose(found[quantity][i], direct[quantity], atol=1e-9, err_msg=quantity)
        if phonons is None:
            x, w = found.pole_frequencies.values[i], found.pole_weights.values[i]
            np.testing.assert_allclose([w @ x**n for n in range(4)], direct.moments, atol=1e-8)


def test_sampled_spectra_at_a_wanted_density_agree_with_exact_ones(monkeypatch):
    monkeypatch.setattr("respair.analysis.thermal.ensembles.TINY", 4)
    model = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.6))
    how = (probe(model, "electron"), [0.3, 1.5], OMEGA, 0.3, "lorentzian", Ensemble(density=1.5))
    exact = thermal_spectral_function(model, *how)
    sampled = thermal_spectral_function(model, *how, Sampling("ftlm", 12, 40))
    assert np.max(sampled.values_error.values) > 1e-4
    assert np.max(sampled.chemical_potential_error.values) > 1e-3
    for name in ("values", "moments", "balance", "chemical_potential"):
        assert np.all(np.abs(sampled[name] - exact[name]) < 8 * sampled[f"{name}_error"] + 1e-9), name


@pytest.mark.slow
def test_error_bars_at_a_wanted_density_carry_that_of_the_chemical_potential(monkeypatch):
    monkeypatch.setattr("respair.analysis.thermal.ensembles.TINY", 4)
    model = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.6))
    how = (probe(model, "electron"), [0.5], [-1.0, 0.0, 0.7], 0.3, "lorentzian", Ensemble(density=1.5))
    exact = thermal_spectral_function(model, *how).isel(temperature=0)
    pulls, first = [], {"values": 0, "moments": 1}  # M_0 is 1
    for seed in range(16):
        data = thermal_spectral_function(model, *how, Sampling("ftlm", 8, 40), Options(seed=seed)).isel(temperature=0)
        pulls += [(data[name] - exact[name]).values[k:] / data[f"{name}_error"].values[k:] for name, k in first.items()]
    assert 0.5 < np.mean(np.abs(pulls) < 1) < 0.82
    assert np.sqrt(np.mean(np.square(pulls))) < 1.6  # 2 to 5 without it


def test_a_comb_of_lines_has_the_curve_of_the_lines():
    random = np.random.default_rng(1)
    x, w = random.uniform(-3, 3, 500), random.uniform(0, 1, (2, 500))
    at, weights = comb(x, w, 0.1 / 50)

    def curve(x, w):
        return w @ (0.1 / np.pi / ((x[:, None] - OMEGA) ** 2 + 0.01))

    np.testing.assert_allclose(curve(at, weights), curve(x, w), rtol=1e-8)
    np.testing.assert_allclose(weights @ at[:, None] ** np.arange(4), w @ x[:, None] ** np.arange(4), rtol=1e-10)


def test_spectra_over_temperatures_from_a_model_file():
    text = """
        schema = 1
        cluster.kind = "dimer"
        electrons.hopping = 1.0
        bosons = { level = 0.1, exchange = 0.6 }
        spectrum = { frequencies = [-1.0, 0.0, 1.0], broadening = 0.2 }
        thermal = { temperatures = [0.2, 1.0], observables = [] }
    """
    record = records(run(parse(text, "dimer.toml")))[0]
    spectrum = record["spectrum"]
    assert np.shape(spectrum["values"]) == (2, 3)
    assert np.shape(spectrum["moments"]) == np.shape(spectrum["sum_rules"]) == (2, 4)
    assert len(spectrum["poles"]) == 2
    assert spectrum["pseudogap"][1] == 1.0
    for poles, moments in zip(spectrum["poles"], spectrum["moments"], strict=True):
        x, w = np.array(poles).T
        np.testing.assert_allclose([w @ x**n for n in range(4)], moments, atol=1e-9)
    assert "sector" not in record


@pytest.mark.parametrize("flux", [0.0, 0.6])
def test_cross_spectra_over_temperatures_from_a_model_file(flux, tmp_path):
    text = f"""
        schema = 1
        cluster = {{ kind = "ring", sites = 3 }}
        field.flux = {flux}
        electrons.hopping = 1.0
        bosons = {{ level = 0.1, exchange = 0.6 }}
        spectrum = {{ operator = "pair", cross = "boson", cross_site = 1, frequencies = [-1.0, 0.0], broadening = 0.2 }}
        thermal = {{ temperatures = [0.2, 1.0], observables = [] }}
    """
    result = run(parse(text, "ring.toml"))
    spectrum = records(result)[0]["spectrum"]
    model = Model(ring(3), Electrons(1.0), Bosons(0.1, 0.6), flux=flux)
    direct = thermal_spectral_function(
        model, probe(model, "pair"), [0.2, 1.0], [-1.0, 0.0], 0.2, cross=probe(model, "boson", 1)
    )
    values = np.vectorize(lambda z: complex(z["re"], z["im"]) if flux else z)(spectrum["values"])
    np.testing.assert_allclose(values, direct["values"], atol=1e-10)
    assert "ring-spectrum.png" in [path.name for path in save_figures(result, tmp_path / "ring")]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="needs the same"):
        thermal_spectral_function(LATTICE, probe(LATTICE, "pair"), [1.0], [0.0], cross=probe(LATTICE, "electron"))
    half = Probe("half", probe(LATTICE, "pair").addition)
    for seen, other in ((half, probe(LATTICE, "pair")), (probe(LATTICE, "pair"), half)):
        with pytest.raises(ValueError, match="half has no removal and pair has one"):
            thermal_spectral_function(LATTICE, seen, [1.0], [0.0], cross=other)
        with pytest.raises(ValueError, match="half has no removal and pair has one"):
            spectral_function(ground_state(LATTICE, 2), seen, [0.0], cross=other)
    with pytest.raises(InvalidModel, match=r"sampling.steps.*0.*2 or more"):
        thermal_spectral_function(LATTICE, half, [1.0], [0.0], sampling=Sampling("ftlm", steps=0))
    with pytest.raises(ValueError, match="one operator"):
        thermal_spectral_function(LATTICE, probe(LATTICE, "current"), [1.0], [0.0], cross=probe(LATTICE, "density"))
    one = Model(site(), Electrons(), Bosons(0.1, 0.5))
    with pytest.raises(InvalidModel, match=r"ensemble.density"):
        thermal_spectral_function(one, probe(one, "electron"), [1.0], [0.0], ensemble=Ensemble(density=9.0))
    with pytest.raises(ValueError, match="broadening"):
        thermal_spectral_function(one, probe(one, "electron"), [1.0], [0.0], 0.0)


@pytest.mark.long
def test_detailed_balance_holds_to_the_cutoff_where_each_charge_has_a_frame_of_its_own():
    defects = []
    for quanta in (3, 6, 12):
        phonons = Phonons(1.0, electron_coupling=0.7, total_quanta=quanta, displacement="mean")
        model = Model(dimer(), Electrons(1.0, hubbard_u=2.0), None, phonons)
        data = thermal_spectral_function(model, probe(model, "electron", 0), [1.0], np.linspace(-4, 4, 9), 0.2)
        defects.append(float(abs(data.balance_defect[0])))
    assert defects[0] > 1e-9  # beyond what roundings may do
    assert defects[2] < 1e-3 * defects[0]


def sampled_model(random):
    """A random model with phonons, its ensemble, and a probe."""
    clusters, pairs = (dimer(), ring(3)), bool(random.random() < 0.6)
    number = int(random.integers(2))
    quanta, alpha = int(random.integers(4, 8)) if number == 0 else 2, float(random.uniform(0.3, 1.2))
    coupling = {"boson_coupling" if pairs else "electron_coupling": alpha}
    bosons = Bosons(float(random.uniform(-1, 1)), float(random.uniform(0.2, 1))) if pairs else None
    phonons = Phonons(float(random.uniform(0.3, 2)), total_quanta=quanta, **coupling)
    model = Model(clusters[number], Electrons(1.0, hubbard_u=float(random.uniform(-2, 6))), bosons, phonons)
    charge = int(random.integers(1, 4))
    kinds = ["electron", "density", "displacement", *(["pair", "boson"] if pairs else [])]
    return model, Ensemble("canonical", Sector(charge, two_sz=charge % 2)), probe(model, str(random.choice(kinds)))


def coverage(seeds, omega):
    """Shares of points within one and two error bars of random vectors and Lanczos steps, and the least A(omega)."""
    shares, least = [], np.inf
    for seed in seeds:
        model, kind, seen = sampled_model(np.random.default_rng(seed))
        how = (seen, [0.3, 1.0, 4.0], omega, 0.2, "lorentzian", kind)
        exact = thermal_spectral_function(model, *how, Sampling("exact"))["values"].values
        data = thermal_spectral_function(model, *how, Sampling("ftlm", 8, 40), Options(seed=seed))
        error = np.sqrt(data.values_error.values**2 - data.values_cutoff_error.values**2 + 1e-24)
        off = np.abs(data["values"].values - exact)[error > 1e-9 * exact.max()]
        shares.append([np.mean(off <= bars * error[error > 1e-9 * exact.max()]) for bars in (1, 2)] if len(off) else [])
        least = min(least, float(data["values"].min()))
    return np.mean([row for row in shares if row], axis=0), least


@pytest.mark.slow
def test_steps_of_random_vectors_are_found_so_that_error_bars_hold():
    (one, two), least = coverage(range(4), np.linspace(-4, 4, 33))
    assert least >= 0
    assert one > 0.5
    assert two > 0.8


@pytest.mark.slow
def test_error_bars_of_spectra_of_many_random_models_are_calibrated():
    (one, two), least = coverage(range(200), np.linspace(-6, 6, 61))
    assert least >= 0
    assert 0.68 <= one <= 0.88
    assert two >= 0.95


@pytest.mark.parametrize("quanta", [1, 8])
def test_steep_potentials_leave_room_for_what_leads_beyond_the_cutoff(quanta):
    model = Model(site(), None, Bosons(), Phonons(0.25, quartic=0.25, max_quanta=quanta))
    data = thermal_spectral_function(model, probe(model, "displacement", site=0), [0.3], [0.0, 1.0], 0.2)
    assert np.all(np.abs(data["sum_rule_defects"]) <= data["sum_rule_errors"])
