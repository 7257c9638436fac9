"""Error bars of observables, pair eigenvalues, spectra and responses against the model without a phonon cutoff."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from calibration import FAMILIES, random_case

from respair.clusters import chain, custom, dimer, ring, site
from respair.hamiltonians import Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import levels_by_symmetry
from respair.studies import parse, records, run, study
from respair.studies.tasks import cutoff_errors
from respair.studies.tasks.cutoff_errors import _lined_up, pole_errors

ROUNDING = 1e-7
RICHER = 12
"""Quanta beyond those of a space that is accurate to 1e-10."""
SPECTRUM = {"operator": "electron", "site": 0, "frequencies": np.linspace(-4, 4, 9).tolist(), "broadening": 0.3}


def converged(model, sector, reached):
    """The model in another frame, with caps that hold all that its state and the images of operators need."""
    table = replace(model.phonons, max_quanta=None, total_quanta=None, cutoff="auto", accuracy=1e-10)
    table = replace(table, displacement="auto", dressing=None)
    used = levels_by_symmetry(replace(model, phonons=table), sector).hamiltonian.space.model.phonons
    more = RICHER + (48 if reached and len(model.modes) == 1 else 14 if reached else 0)
    return replace(model, phonons=replace(used, total_quanta=used.total_quanta + more, accuracy=1e-8))


def converged_run(planned):
    """Run a study of a model with all quanta that it needs, without the error bars of its numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutoff_errors, "_other", lambda setting, changes: None)
        return planned.run()


def trials(seeds):
    """Return (true error, error bar) of every number of a few tasks."""
    rows = []
    for seed in seeds:
        case = random_case(seed)
        tasks = {"ground_state": {}, "pairing": {}} | ({"spectrum": SPECTRUM} if seed % 2 else {})
        found = study(case.model, case.sector, **tasks).run()
        exact = converged_run(study(converged(case.model, case.sector, "spectrum" in tasks), case.sector, **tasks))
        for name in map(str, found.data_vars):
            bars = next((b for b in (f"{name}_error", f"{name[:-1]}_error") if b in found), None)
            if bars is not None and name in exact and exact[name].shape == found[name].shape:
                error = np.abs(found[name].values - exact[name].values)
                rows += list(zip(error.ravel(), np.broadcast_to(found[bars].values, error.shape).ravel(), strict=True))
    return np.array(rows).T


def check(errors, bars):
    known = np.isfinite(bars) & np.isfinite(errors)
    errors, bars = errors[known], bars[known]
    assert np.mean(errors <= bars + ROUNDING) >= 0.95
    assert np.mean(errors <= 2 * bars + ROUNDING) >= 0.995
    seen = errors > ROUNDING
    assert np.median(bars[seen] / errors[seen]) <= 20


@pytest.mark.long
def test_error_bars_of_other_numbers_hold_on_random_models():
    check(*trials(range(0, len(FAMILIES), 2)))


@pytest.mark.slow
def test_error_bars_of_other_numbers_hold_on_many_random_models():
    check(*trials(range(10, 80)))


@pytest.mark.long
def test_gaps_of_a_spectrum_say_what_the_cutoff_does():
    """The gap of a converged space lies within the error bar of each smaller one."""
    gaps, bars = [], []
    for quanta in (2, 4, 12):
        model = Model(
            ring(3), Electrons(1.0, hubbard_u=2.0), phonons=Phonons(1.0, electron_coupling=0.6, total_quanta=quanta)
        )
        found = plan(model).run() if quanta < 12 else converged_run(plan(model))
        gaps.append(float(found["spectrum_gap_gap"]))
        bars.append(float(found["spectrum_gap_gap_error"]))
    assert np.all(np.abs(np.array(gaps[:2]) - gaps[2]) <= np.array(bars[:2]) + 1e-6)
    assert bars[0] > bars[1]


def plan(model):
    return study(model, Sector(2), spectrum=SPECTRUM)


def test_pair_eigenvalues_have_error_bars_of_second_order():
    model = Model(dimer(), Electrons(1.0, hubbard_u=1.0), phonons=Phonons(1.0, electron_coupling=0.8, total_quanta=8))
    found = study(model, 2, pairing={}).run()
    best = converged_run(study(converged(model, Sector(2), False), 2, pairing={}))
    error = abs(float(found["pairing_on-site_eigenvalues"][0] - best["pairing_on-site_eigenvalues"][0]))
    bar = float(found["pairing_on-site_eigenvalue_error"])
    assert error <= bar <= 20 * error + 1e-9


def test_current_and_stiffness_have_error_bars_that_hold():
    model = Model(ring(3), Electrons(1.0), phonons=Phonons(0.5, electron_coupling=1.0, total_quanta=4))
    task = {"flux": {"values": [0.4]}}
    found, best = study(model, 1, **task).run(), converged_run(study(converged(model, Sector(1), False), 1, **task))
    for name in ("current", "stiffness"):
        error = abs(float(found[f"flux_{name}"][0] - best[f"flux_{name}"][0]))
        assert error <= float(found[f"flux_{name}_errors"][0]) <= 20 * error + 1e-9


def test_a_model_without_a_lattice_has_no_cutoff():
    (record,) = records(run(study(Model(dimer(), Electrons(1.0)), 2, ground_state={}).study))
    assert not np.any(record["ground_state"]["observable_errors"]["electron_density"])
    assert "suffices" not in record["ground_state"]["cutoff"]


def test_a_cutoff_that_is_too_small_is_said():
    def record(quanta):
        model = Model(site(), Electrons(), phonons=Phonons(1.0, electron_coupling=1.4, max_quanta=quanta))
        return records(run(study(model, 1, ground_state={}).study))[0]["ground_state"]

    assert record(4)["cutoff"]["suffices"] is False
    assert record(30)["cutoff"]["suffices"] is True
    quanta, bar = (record(4)[key]["quanta"][0] for key in ("observables", "observable_errors"))
    assert abs(quanta - 1.96) <= bar


def test_lines_are_compared_with_their_partners():
    others = {"frequencies": np.array([0.1, 1.0, 2.0]), "weights": np.array([0.5, 1e-3, 0.4])}
    shift, change = pole_errors(np.array([0.0, 1.1]), np.array([0.5, 0.4]), others)
    np.testing.assert_allclose(shift, 1.3 * np.array([0.1, 0.9]))
    np.testing.assert_allclose(change, [0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("frame", ["none", "auto"])
def test_an_automatic_cutoff_has_error_bars_too(frame):
    """The cap that an accuracy needs is often the same for another accuracy: caps are compared, not accuracies."""
    phonons = Phonons(0.14, on=[2], electron_coupling=1.32, cutoff="auto", accuracy=1e-7, displacement=frame)
    electrons = Electrons(-0.842, [0.26, -1.82, 2.98], -1.08, -0.23)
    model = Model(chain(3), electrons, phonons=phonons)
    found = study(model, 2, ground_state={}).run()
    error = abs(float(found["displacement"][0]) - 0.0986450626)
    assert error <= float(found["displacement_error"][0]) + 1e-10


@pytest.mark.long
def test_a_frame_may_be_automatic_with_fixed_caps():
    phonons = Phonons(1.0, on=[0], electron_coupling=1.0, max_quanta=10, displacement="auto")
    found = study(Model(dimer(), Electrons(1.0), phonons=phonons), 2, ground_state={}).run()
    assert 0 <= float(found["energies"][0] + 4.508273443) <= float(found["energy_errors"][0]) + 1e-8


def test_all_levels_of_a_space_without_a_cap_are_refused():
    phonons = Phonons(1.0, electron_coupling=1.0, cutoff="auto")
    with pytest.raises(InvalidModel, match=r'ground_state.states: got "all"; allowed: a number'):
        study(Model(site(), Electrons(), phonons=phonons), 1, ground_state={"states": "all"}).run()


@pytest.mark.long
def test_charges_that_leave_their_lattice_behind_are_in_the_error_bars():
    """Two sites in the frame "lang-firsov": what hops goes far beyond the cutoff; exact by the relative mode."""
    model = Model(dimer(), Electrons(1.0), None, Phonons(1.0, electron_coupling=4.0, max_quanta=3))
    model = replace(model, phonons=replace(model.phonons, displacement="lang-firsov"))
    found = study(model, 2, ground_state={"states": 1}).run()
    lattice = Phonons(1.0, electron_coupling=4.0, total_quanta=110, displacement="mean")
    exact = converged_run(study(replace(model, phonons=lattice), 2, ground_state={"states": 1}))
    for name in ("hopping_energy", "double_occupancy", "quanta", "energies"):
        error = np.abs(found[name].values - exact[name].values)
        bar = found["energy_errors" if name == "energies" else f"{name}_error"].values
        assert np.all(error <= bar + ROUNDING), name


STRONG = {
    "frame that follows the charges": (
        {"hopping": 0.77, "level": [7.92, -0.37]},
        {"frequency": 1.15, "electron_coupling": 3.32, "max_quanta": 1, "displacement": "lang-firsov"},
        1, "pair",
    ),
    "far too few quanta": (
        {"hopping": 1.23, "level": [0.79, 0.81]},
        {"frequency": 1.1, "electron_coupling": 2.15, "max_quanta": 7},
        2, "electron",
    ),
    "high levels of the oscillator": (
        {"hopping": 0.69, "level": [6.21, -0.38], "hubbard_u": 3.25},
        {"frequency": 0.34, "electron_coupling": 3.05, "total_quanta": 5, "displacement": "auto"},
        3, "pair",
    ),
    "an image beyond the cutoff": (
        {"hopping": 1.0, "level": [-0.38, -0.12], "hubbard_u": 3.14},
        {"frequency": 1.9, "electron_coupling": 3.08, "max_quanta": 5, "displacement": "lang-firsov"},
        3, "pair",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("electrons", "phonons", "charge", "operator"), STRONG.values(), ids=STRONG)
def test_error_bars_of_spectra_hold_at_strong_coupling(electrons, phonons, charge, operator):
    spectrum = {"operator": operator, "site": 0, "frequencies": [-2.0, -0.3, 0.7], "broadening": 0.15}
    cap = {"max_quanta": None, "total_quanta": 160, "displacement": "none"}
    asked, richer = (
        study(Model(dimer(), Electrons(**electrons), None, Phonons(on=[0], **each)), charge, spectrum=spectrum)
        for each in (phonons, phonons | cap)
    )
    found, exact = asked.run(), converged_run(richer)
    for name in ("spectrum_moments", "spectrum_addition_weight", "spectrum_removal_weight"):
        assert np.all(np.abs(found[name] - exact[name]) <= found[f"{name}_error"] + ROUNDING), name
    lines, true = (each["spectrum_pole_frequencies"].values for each in (found, exact))
    bars, weights = found["spectrum_pole_errors"].values, found["spectrum_pole_weights"].values
    assert np.all(np.isfinite(found["spectrum_pole_weight_errors"]))
    strong = weights > 0.02
    away = np.abs(lines[strong, None] - true[exact["spectrum_pole_weights"].values > 1e-6]).min(axis=1, initial=np.inf)
    assert np.all(away <= bars[strong] + ROUNDING)


@pytest.mark.parametrize(("curvature", "quartic", "quanta"), [(-1.0, 0.0773, 17), (-0.72, 0.0266, 24), (0.3, 0.2, 12)])
def test_averages_that_oscillate_with_the_cutoff_of_a_steep_potential_have_error_bars_that_hold(
    curvature, quartic, quanta
):
    """Those of two caps may agree by chance; a matrix of 160 states knows better."""
    ladder = np.diag(np.sqrt(np.arange(1.0, 170)), 1)
    x = ladder + ladder.T
    number, square, fourth = (m[:160, :160] for m in (np.diag(np.arange(170.0)), x @ x, x @ x @ x @ x))
    state = np.linalg.eigh(number + curvature * square + quartic * fourth)[1][:, 0]
    phonons = Phonons(1.0, quadratic=curvature, quartic=quartic, max_quanta=quanta)
    names = ("displacement_squared", "quanta")
    planned = study(Model(site(), Electrons(), phonons=phonons), 1, ground_state={"observables": list(names)})
    found = planned.run()
    for name, exact in zip(names, (state @ square @ state, state @ number @ state), strict=True):
        assert abs(float(found[name][0]) - exact) <= float(found[f"{name}_error"][0])


def ligand_level(frequency, coupling, level, quanta):
    """Energy, <a+a> and <n> on the ligand of two electrons on a metal and a ligand, in product states."""
    number = np.diag(np.arange(quanta + 1.0))
    x = np.diag(np.sqrt(np.arange(1.0, quanta + 1)), 1)
    x = x + x.T
    one, on_ligand, hop = np.eye(quanta + 1), np.diag([0.0, 1.0, 2.0]), -np.sqrt(2.0) * np.diag([1.0, 1.0], 1)
    charge = level * on_ligand + hop + hop.T
    h = np.kron(charge, one) + frequency * (np.kron(np.eye(3), number) - coupling * np.kron(on_ligand, x))
    energies, states = np.linalg.eigh(h)
    psi = states[:, 0]
    return energies[0], psi @ np.kron(np.eye(3), number) @ psi, psi @ np.kron(on_ligand, one) @ psi


@pytest.mark.parametrize("quanta", [8, 11, 14])
@pytest.mark.parametrize(("frequency", "level"), [(4.0, 38.92), (8.0, 77.84)])
def test_a_displaced_well_just_above_a_level_is_in_its_error_bars(frequency, level, quanta):
    cluster = custom([[0, 0], [1, 0]], [[0, 1]], ["metal", "ligand"])
    phonons = Phonons(frequency, "ligand", electron_coupling=2.2, max_quanta=quanta)
    model = Model(cluster, Electrons(1.0, {"ligand": level}), phonons=phonons)
    asked = {"observables": ["quanta", "electron_density"]}
    found = study(model, Sector(2), ground_state=asked).run()
    energy, phonon_number, density = ligand_level(frequency, 2.2, level, 90)
    assert abs(found.energies[0] - energy) <= found.energy_errors[0] + 1e-12
    assert abs(found.quanta[0] - phonon_number) <= found.quanta_error[0]
    assert abs(found.electron_density[1] - density) <= found.electron_density_error[1]


@pytest.mark.parametrize("cutoff", ['cutoff = "auto", accuracy = 1e-2', "max_quanta = 2", "total_quanta = 5"])
def test_numbers_of_quanta_have_error_bars_whatever_the_other_cutoff_is(cutoff):
    text = f"""
schema = 1
cluster = {{ kind = "dimer" }}
electrons = {{ hopping = 1.0 }}
phonons = {{ frequency = 1.0, electron_coupling = 0.4, {cutoff} }}
sector = {{ charge = 1 }}
lattice = {{}}
"""
    data = run(parse(text, "dimer.toml")).data
    exact = run(parse(text.replace(cutoff, "max_quanta = 25"), "dimer.toml")).data
    found, bars = data.lattice_quanta_distribution.values, data.lattice_quanta_distribution_error.values
    assert np.isfinite(bars).all()
    right = exact.lattice_quanta_distribution.values
    most = min(found.shape[1], right.shape[1])
    assert np.all(np.abs(found[:, :most] - right[:, :most]) <= bars[:, :most] + 1e-12)


def test_places_without_a_partner_have_no_error_bar():
    values = xr.DataArray(np.zeros((3, 2)), dims=("level", "phonons"))
    other = xr.DataArray(np.ones((2, 3), complex), dims=("level", "phonons"))
    found = _lined_up(other, values)
    np.testing.assert_array_equal(found, [[1, 1], [1, 1], [np.nan, np.nan]])
    np.testing.assert_array_equal(_lined_up(other[:, :1], values[:2]), [[1, 0], [1, 0]])
