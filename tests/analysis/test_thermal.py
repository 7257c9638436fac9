"""Thermal averages: against dense exponentials on the whole Fock space, exact limits, identities, and honest errors."""

import io
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from random_models import models
from reference import Fock, full_hamiltonian
from rich.console import Console

from respair import Bosons, Electrons, InvalidModel, Model, Options, Phonons, Sector, dimer, ground_state, ring, site
from respair.analysis import observables
from respair.analysis.labelled import check_numbers
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.blocks import plan
from respair.analysis.thermal.ensembles import Ensemble, Sampling, ThermalSum
from respair.analysis.thermal.estimate import estimate_thermal
from respair.analysis.thermal.sums import jackknife
from respair.solvers.ensemble_blocks import members
from respair.solvers.krylov.space import krylov
from respair.studies import parse, run, show_estimate, show_result

TEMPERATURES = [0.15, 0.7, 3.0]
RING = Model(ring(4), Electrons(hopping=1.0), Bosons(level=0.1, exchange=0.8), chemical_potential=0.1)
LATTICE = Model(
    ring(3),
    Electrons(hopping=1.0, hubbard_u=0.5),
    Bosons(level=-0.3, exchange=0.6),
    Phonons(0.9, boson_coupling=0.8, total_quanta=2),
    flux=0.6,
)
SAMPLED = Sampling("ftlm", samples=24, steps=40)


def dense(model):
    """All levels and states of the allowed product states, by NumPy on the Kronecker matrix."""
    fock = Fock(model)
    inside = np.flatnonzero(fock.allowed)
    energies, states = np.linalg.eigh(full_hamiltonian(model)[inside][:, inside].toarray())
    return fock, inside, energies, states


def averages(weights, states, matrix):
    return np.einsum("n,in,ij,jn->", weights, states.conj(), matrix, states)


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(models(frames=("none",)))
def test_the_grand_canonical_ensemble_is_the_trace_over_fock_space(model):
    fock, inside, energies, states = dense(model)
    if len(inside) > 400:
        return
    data = thermal_averages(model, TEMPERATURES, sampling=Sampling("exact"), names=None)
    charge, two_sz = (numbers[inside].astype(float) for numbers in fock.charges)
    for i, t in enumerate(TEMPERATURES):
        boltzmann = np.exp(-(energies - energies[0]) / t)
        p = boltzmann / boltzmann.sum()
        wanted = {
            "grand_potential": energies[0] - t * np.log(boltzmann.sum()),
            "energy": p @ energies,
            "specific_heat": (p @ energies**2 - (p @ energies) ** 2) / t**2,
            "entropy": -np.sum(p[p > 0] * np.log(p[p > 0])),
            "charge": p @ (np.abs(states.T) ** 2 @ charge),
            "charge_variance": p @ (np.abs(states.T) ** 2 @ charge**2) - (p @ (np.abs(states.T) ** 2 @ charge)) ** 2,
            "spin_susceptibility": (
                p @ (np.abs(states.T) ** 2 @ (0.5 * two_sz) ** 2) - (p @ (np.abs(states.T) ** 2 @ (0.5 * two_sz))) ** 2
            )
            / t,
        }
        for name, value in wanted.items():
            np.testing.assert_allclose(data[name].values[i], value, atol=1e-8, rtol=1e-9, err_msg=name)
        assert model.modes or all(float(data[f"{name}_error"].values[i]) == 0 for name in wanted)
        if model.electrons is not None and model.bosons is not None:
            for s in fock.b:
                pair = fock.c[s, "up"].conj().T @ fock.c[s, "dn"].conj().T @ fock.b[s]
                matrix = np.kron(pair.toarray(), fock.lattice_one.toarray())[np.ix_(inside, inside)]
                got = data["pair_exchange"].values[i, s]
                np.testing.assert_allclose(got, averages(p, states, matrix), atol=1e-9)
        for m in range(len(model.modes)):
            x = np.kron(fock.charge_one.toarray(), fock.x(m, [0.0] * len(model.modes)).toarray())
            x = x[np.ix_(inside, inside)]
            np.testing.assert_allclose(data["displacement"].values[i, m], averages(p, states, x).real, atol=1e-8)
            squared = data["displacement_squared"].values[i, m]
            np.testing.assert_allclose(squared, averages(p, states, x @ x).real, atol=1e-8)


def test_sites_that_differ_only_where_electrons_meet_bosons_are_told_apart():
    """The empty sector has a reflection that the others have not."""
    model = Model(dimer(), Electrons(0.5), Bosons(0.2, exchange=0.3, electron_repulsion=[1.6, -1.2]))
    fock, inside, energies, states = dense(model)
    data = thermal_averages(model, [0.7], names=["pair_exchange"])
    p = np.exp(-(energies - energies[0]) / 0.7)
    for s in (0, 1):
        pair = (fock.c[s, "up"].conj().T @ fock.c[s, "dn"].conj().T @ fock.b[s]).toarray()[np.ix_(inside, inside)]
        np.testing.assert_allclose(data.pair_exchange.values[0, s], averages(p / p.sum(), states, pair), atol=1e-10)


@pytest.mark.parametrize("ensemble", ["grand-canonical", "canonical", "sector"])
@pytest.mark.parametrize("model", [RING, LATTICE, replace(LATTICE, flux=0.0)], ids=["ring", "flux", "lattice"])
def test_members_hold_every_state_once(model, ensemble):
    from respair.hamiltonians import Block, Hamiltonian

    total = 0
    for member in members(model, ensemble, Sector(4)):
        plain = Sector(member.sector.charge, member.sector.two_sz)
        block = Block.of(Hamiltonian.of(model, plain), member.sector)
        total += member.copies * (block.orbits.dimension if block.orbits else block.space.dimension)
    charge, two_sz = Fock(model).charges
    wanted = {
        "grand-canonical": np.ones(len(charge), bool),
        "canonical": charge == 4,
        "sector": (charge == 4) & (two_sz == 0),
    }[ensemble]
    assert total == np.count_nonzero(wanted & Fock(model).allowed)


def test_blocks_and_whole_sectors_give_the_same(monkeypatch):
    model = replace(LATTICE, flux=0.0)
    whole = thermal_averages(model, TEMPERATURES, Ensemble("canonical", Sector(3)), names=None)
    monkeypatch.setattr("respair.analysis.thermal.blocks.WHOLE_UP_TO", 0)
    blocks = thermal_averages(model, TEMPERATURES, Ensemble("canonical", Sector(3)), names=None)
    for name in whole.data_vars:
        np.testing.assert_allclose(blocks[name].values, whole[name].values, atol=1e-9, err_msg=str(name))


def test_hot_and_cold_limits():
    names = ["electron_density", "boson_correlation"]
    data = thermal_averages(RING, [1e-3, 1e6], Ensemble("canonical", Sector(6)), names=names)
    charge = Fock(RING).charges[0]
    assert float(data.entropy[1]) == pytest.approx(np.log(np.count_nonzero(charge == 6)), abs=1e-5)
    levels = ground_state(RING, 6)
    assert float(data.free_energy[0]) == pytest.approx(levels.energies[0], abs=1e-9)
    cold = observables(levels.ground, ["electron_density", "boson_correlation"])
    for name in cold.data_vars:
        np.testing.assert_allclose(data[name].values[0], cold[name].values, atol=1e-9)


def test_thermodynamic_identities():
    """dOmega/dmu = -N, dOmega/dT = -S, dE/dT = C, dN/dmu = kappa, and Maxwell's dS/dmu = dN/dT."""
    t, h, model = 0.4, 1e-3, replace(RING, cluster=ring(2))

    def at(temperature, mu):
        return thermal_averages(replace(model, chemical_potential=mu), [temperature])

    def slope(name, along):
        values = [at(t + k * h * along[0], 0.1 + k * h * along[1])[name].values[0] for k in (-2, -1, 1, 2)]
        return float(np.dot([1, -8, 8, -1], values)) / (12 * h)

    here = at(t, 0.1)
    assert slope("grand_potential", (0, 1)) == pytest.approx(-float(here.charge[0]), abs=1e-8)
    assert slope("grand_potential", (1, 0)) == pytest.approx(-float(here.entropy[0]), abs=1e-8)
    assert slope("energy", (1, 0)) == pytest.approx(float(here.specific_heat[0]), abs=1e-8)
    assert slope("charge", (0, 1)) == pytest.approx(float(here.compressibility[0]), abs=1e-8)
    assert slope("entropy", (0, 1)) == pytest.approx(slope("charge", (1, 0)), abs=1e-8)


def test_a_wanted_density_finds_its_chemical_potential():
    data = thermal_averages(RING, TEMPERATURES, Ensemble(density=1.5), names=["boson_density"])
    np.testing.assert_allclose(data.charge.values, 6.0, atol=1e-10)
    for i, t in enumerate(TEMPERATURES):
        there = replace(RING, chemical_potential=float(data.chemical_potential[i]))
        direct = thermal_averages(there, [t], names=["boson_density"])
        for name in ("grand_potential", "energy", "entropy", "specific_heat", "charge_variance", "boson_density"):
            np.testing.assert_allclose(data[name].values[i], direct[name].values[0], atol=1e-9, err_msg=name)


def test_atomic_limit_in_closed_form():
    v, level, mu, t = 0.5, 0.3, 0.1, 0.4
    e, d = -mu, level - 2 * mu
    r = np.hypot(d / 2 - e, v)
    levels = np.array([0, e, e, (2 * e + d) / 2 + r, (2 * e + d) / 2 - r, e + d, e + d, 2 * e + d])
    data = thermal_averages(Model(site(), Electrons(), Bosons(level, v), chemical_potential=mu), [t])
    assert float(data.grand_potential[0]) == pytest.approx(-t * np.log(np.sum(np.exp(-levels / t))), abs=1e-13)


@pytest.mark.parametrize(("model", "charge"), [(RING, 8), (LATTICE, 3)], ids=["ring", "lattice and flux"])
def test_random_vectors_agree_with_all_levels_within_their_errors(model, charge):
    kind = Ensemble("canonical", Sector(charge))
    exact = thermal_averages(model, TEMPERATURES, kind, Sampling("exact"), None)
    sampled = thermal_averages(model, TEMPERATURES, kind, SAMPLED, None)
    assert int(sampled.sampled_blocks) > 0
    pulls = []
    for name in (str(name) for name in exact.data_vars if f"{name}_error" in exact):
        error = sampled[f"{name}_error"].values
        off = np.abs(sampled[name].values - exact[name].values)
        pulls.append(np.max(off / (error + 1e-9 + 1e-9 * np.abs(exact[name].values))))
    assert max(pulls) < 6
    assert np.max(sampled.energy_error.values) > 1e-5


@pytest.mark.long
def test_errors_are_calibrated():
    """Over many seeds the error bar covers the truth as often as a standard deviation should."""
    kind, model = Ensemble("sector", Sector(8, momentum=1)), replace(RING, chemical_potential=0.0)
    names = ["double_occupancy"]
    exact = thermal_averages(model, [0.5, 2.0], kind, Sampling("exact"), names)
    pulls = []
    for seed in range(60):
        data = thermal_averages(model, [0.5, 2.0], kind, Sampling("ftlm", 10, 30), names, Options(seed=seed))
        for name, entry in (("energy", ()), ("free_energy", ()), ("double_occupancy", (0,))):
            off = data[name].values - exact[name].values
            pulls.append((off / data[f"{name}_error"].values)[(slice(None), *entry)])
    pulls = np.array(pulls)
    inside = np.mean(np.abs(pulls) < 1)
    assert 0.55 < inside < 0.78
    assert abs(np.mean(pulls)) < 0.3


def test_a_target_error_is_reached_and_seeds_repeat():
    kind = Ensemble("sector", Sector(8, momentum=1))
    target = 0.01
    data = thermal_averages(RING, [1.0], kind, Sampling("ftlm", 4, 30, target_error=target))
    assert 0 < float(data.energy_error[0]) <= target
    again = thermal_averages(RING, [1.0], kind, Sampling("ftlm", 4, 30, target_error=target))
    assert float(again.energy[0]) == float(data.energy[0])
    with pytest.raises(ValueError, match="random vectors"):
        thermal_averages(RING, [1.0], kind, Sampling("ftlm", 4, 30, target_error=1e-9))


def test_charges_that_cannot_contribute_are_left_out_by_a_bound():
    model = replace(RING, chemical_potential=-0.5)
    data = thermal_averages(model, [0.1], sampling=Sampling("ftlm", 4, 30, skip_below=1e-6), names=["electron_density"])
    exact = thermal_averages(model, [0.1], sampling=Sampling("exact"), names=["electron_density"])
    assert 0 < float(data.skipped_share) <= 1e-6
    off = np.abs(data.electron_density.values - exact.electron_density.values)
    assert np.all(off < 6 * data.electron_density_error.values + 1e-5)


def test_an_estimate_counts_the_blocks_of_the_sum_and_those_that_are_left_out():
    for kind in (Ensemble(), Ensemble("canonical", Sector(8))):
        planned, _ = plan(ThermalSum.of(RING, TEMPERATURES, kind, SAMPLED))
        need = estimate_thermal(RING, kind, SAMPLED)
        assert len(planned) <= need.blocks <= 1.25 * len(planned)
        assert need.largest == pytest.approx(max(each.dimension for each in planned), rel=0.1)
        sampled = sum(not each.exact for each in planned)
        assert sampled <= need.sampled <= 1.5 * sampled
        assert need.memory > 0
        assert 0 < need.seconds < 60


def test_the_terminal_shows_averages_mu_and_how_the_sum_was_made(monkeypatch):
    text = """
        schema = 1
        cluster = { kind = "ring", sites = 3 }
        electrons.hopping = 1.0
        bosons = { level = 0.1, exchange = 0.8 }
        thermal = { temperatures = [0.2, 1.0], density = 1.5, observables = ["pair_exchange", "condensate"] }
    """
    study, shown = parse(text, "ring.toml"), io.StringIO()
    console = Console(file=shown, width=200)
    show_estimate(study, console)
    result = run(study)
    show_result(result, console)
    for words in ("blocks, all over all levels", "mu", "<D+ b>[0]", "lambda_0 combined", "Summed every block"):
        assert words in shown.getvalue()
    assert f"{float(result.data.thermal_condensate_combined[0, 0]):.8f}" in shown.getvalue()
    sampled = parse(text.replace("density = 1.5", 'method = "ftlm", samples = 2, steps = 10'), "ring.toml")
    monkeypatch.setattr("respair.analysis.thermal.ensembles.TINY", 10)
    show_result(run(sampled), console)
    assert "by 2 random vectors each (those of more than 10 states), the others over all levels." in shown.getvalue()


def test_the_cutoff_probability_tells_a_cutoff_that_lies():
    def at(quanta):
        return Model(site(), Electrons(), Bosons(0.9, 0.4), Phonons(0.8, boson_coupling=1.2, max_quanta=quanta))

    few, many = (thermal_averages(at(quanta), [0.3]) for quanta in (2, 40))
    assert float(few.cutoff_probability[0]) > 1e-2
    assert float(many.cutoff_probability[0]) < 1e-15


@pytest.mark.parametrize("dtype", [float, complex])
def test_a_krylov_space_keeps_orthogonal_and_ends_where_it_is_invariant(dtype):
    random = np.random.default_rng(5)
    matrix = random.normal(size=(40, 40)) + (1j * random.normal(size=(40, 40)) if dtype is complex else 0)
    matrix = matrix + matrix.conj().T
    start = random.normal(size=40).astype(dtype)
    space = krylov(lambda v, out: np.matmul(matrix, v, out=out), lambda v: None, start, 40)
    np.testing.assert_allclose(space.basis.conj() @ space.basis.T, np.eye(40), atol=1e-12)
    np.testing.assert_allclose(space.energies, np.linalg.eigvalsh(matrix), atol=1e-11)
    _, vectors = np.linalg.eigh(matrix)
    few = vectors[:, [3, 8, 20]].sum(axis=1).astype(dtype)
    assert len(krylov(lambda v, out: np.matmul(matrix, v, out=out), lambda v: None, few, 10).energies) == 3


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"temperatures": []}, r"temperatures.*above 0"),
        ({"temperatures": [0.0]}, r"temperatures.*above 0"),
        ({"ensemble": Ensemble("microcanonical")}, r'ensemble.*"canonical"'),
        ({"ensemble": Ensemble("canonical")}, r"ensemble.sector.*write Ensemble"),
        ({"ensemble": Ensemble("sector", Sector(99))}, r"sector.charge.*0 to 16"),
        ({"ensemble": Ensemble(density=7.0)}, r"ensemble.density.*between 0 and 4"),
        ({"sampling": Sampling("magic")}, r'sampling.method.*"ftlm"'),
        ({"sampling": Sampling(samples=1)}, r"sampling.samples.*2 or more"),
        ({"names": ["displacement"]}, r"names\[0\].*electron_density"),
    ],
)
def test_what_cannot_be_is_refused(asked, message):
    with pytest.raises(InvalidModel, match=message):
        thermal_averages(**{"model": RING, "temperatures": [1.0], **asked})


def test_blocks_that_fit_neither_way_are_refused():
    kind, options = Ensemble("sector", Sector(8)), Options(memory_limit=1000)
    with pytest.raises(MemoryError, match="memory_limit"):
        thermal_averages(RING, [1.0], kind, Sampling("exact"), options=options)


@pytest.mark.parametrize("kind", ["grand-canonical", Ensemble("canonical", Sector(20)), Ensemble("sector", Sector(20))])
@pytest.mark.parametrize("method", ["auto", "exact"])
def test_an_ensemble_that_cannot_fit_is_refused_before_anything_is_counted(kind, method, monkeypatch):
    monkeypatch.setattr("respair.analysis.thermal.blocks._all", None)
    model = Model(ring(20), Electrons(1.0, hubbard_u=4.0))
    with pytest.raises(MemoryError, match=r"N = 20, 2 S_z = 0: .*options.memory_limit is 16.0 GiB"):
        thermal_averages(model, [0.5], kind, Sampling(method))


def test_planning_that_takes_its_time_is_told(monkeypatch):
    monkeypatch.setattr("respair.analysis.thermal.blocks.PATIENCE", -1.0)
    heard = []
    thermal_averages(RING, [0.5], progress=lambda done, count, what: heard.append((done, what)))
    counting = [done for done, what in heard if what.startswith("counting the states of N = ")]
    assert counting == [0] * len(counting)
    assert len(counting) > 10


@pytest.mark.parametrize("density", [0.3, 1.0, 1.9])
@pytest.mark.parametrize("t", [0.002, 0.02, 1.0])
def test_a_site_has_its_chemical_potential_in_closed_form_also_in_the_gap(density, t):
    """(2 - n) w z^2 + 2 (1 - n) z = n for z = exp(mu / T), w = exp(-U / T), in logarithms where w is tiny."""
    u, n = 8.0, density
    if n == 1:
        mu = u / 2
    elif n > 1:
        half = (n - 1) / (2 - n)
        mu = u + t * np.log(half + np.sqrt(half**2 + n / (2 - n) * np.exp(-u / t)))
    else:
        half = (1 - n) / n
        mu = -t * np.log(half + np.sqrt(half**2 + (2 - n) / n * np.exp(-u / t)))
    data = thermal_averages(Model(site(), Electrons(hubbard_u=u)), [t], Ensemble(density=n)).isel(temperature=0)
    assert float(data.chemical_potential) == pytest.approx(mu, abs=1e-10)
    exponents = np.array([0.0, np.log(2) + mu / t, (2 * mu - u) / t])
    potential = -t * (exponents.max() + np.log(np.sum(np.exp(exponents - exponents.max()))))
    assert float(data.grand_potential) == pytest.approx(potential, abs=1e-10)
    assert float(data.charge) == pytest.approx(n, abs=1e-10)


@pytest.mark.parametrize("t", [0.3, 0.02, 0.001])
@pytest.mark.parametrize(
    ("model", "mu"),
    [
        (Model(dimer(), Electrons(1.0, level=-100.0)), -100.0),
        (Model(ring(4), Electrons(1.0, hubbard_u=8.0)), 4.0),
    ],
    ids=["deep", "Mott"],
)
def test_half_filling_has_the_chemical_potential_of_its_symmetry(model, mu, t):
    data = thermal_averages(model, [t], Ensemble(density=1.0)).isel(temperature=0)
    assert float(data.chemical_potential) == pytest.approx(mu, abs=1e-9)
    assert float(data.charge) == pytest.approx(model.cluster.sites, abs=1e-10)
    assert 0 <= float(data.entropy) < 2 * model.cluster.sites * np.log(2)
    assert float(data.charge_variance) >= 0


def test_fluctuations_are_about_the_mean():
    high = thermal_averages(Model(ring(3), Electrons(1.0)), [1.0], Ensemble("sector", Sector(3, two_sz=3)))
    for name in ("spin_susceptibility", "charge_variance", "compressibility", "specific_heat"):
        assert float(high[name][0]) == pytest.approx(0.0, abs=1e-15), name
    one = thermal_averages(Model(site(), Electrons()), [0.5], Ensemble("canonical", Sector(1)))
    assert float(one.spin_susceptibility[0]) == pytest.approx(0.25 / 0.5, abs=1e-14)


def test_a_result_that_is_no_number_is_an_error():
    data = xr.Dataset({"energy": ("temperature", [1.0, np.nan])}, {"temperature": [0.5, 0.1]})
    with pytest.raises(ArithmeticError, match=r"energy is nan at temperature = 0\.1, not a number"):
        check_numbers(data, ["energy"])


@pytest.mark.parametrize("vectors", [5, 8, 100])
def test_error_bars_of_few_vectors_are_right_as_often_as_those_of_many(vectors):
    random = np.random.default_rng(5)
    rows = random.normal(size=(vectors, 20_000))
    value, error = jackknife(np.concatenate([rows.mean(axis=0)[None], (rows.sum(axis=0) - rows) / (vectors - 1)]))
    for bars, share in ((1, 0.683), (2, 0.954)):
        assert np.mean(np.abs(value) <= bars * error) == pytest.approx(share, abs=0.07)


@pytest.mark.parametrize("temperatures", [[0.03], [0.15, 0.7, 3.0, 40.0]])
def test_too_few_lanczos_steps_are_added_to(temperatures):
    half = Ensemble("sector", Sector(3, 1))
    few, many = (
        thermal_averages(LATTICE, temperatures, half, Sampling("ftlm", samples=3, steps=steps), names=None)
        for steps in (2, 150)
    )
    for name in (str(name) for name in few if not str(name).endswith("error")):
        np.testing.assert_allclose(few[name], many[name], atol=3e-7, rtol=3e-7, err_msg=name)


@pytest.mark.parametrize(
    "wrong", [{"exact_levels": -1}, {"target_error": -1.0}, {"skip_below": 2.0}, {"skip_below": np.nan}], ids=str
)
def test_impossible_samplings_are_refused(wrong):
    with pytest.raises(InvalidModel, match=f"sampling.{next(iter(wrong))}: got"):
        thermal_averages(RING, [1.0], sampling=Sampling(**wrong))
