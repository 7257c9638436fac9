"""Flux through a ring: closed forms, symmetries of E_0(phi), gauges, sums over states, minima, the hc/2e criterion."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from respair.analysis import (
    Ensemble,
    coherence,
    flux_minimum,
    flux_response,
    half_flux_quantum,
    optical_conductivity,
    thermal_flux_response,
)
from respair.analysis.flux.minima import VERDICTS, FluxCurve, criterion_of, minimum_of
from respair.analysis.flux.response import FluxLine
from respair.cli.commands import app
from respair.clusters import Bond, custom, dimer, ladder, ligand_centre, ring
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    annihilate,
    boson,
    create,
    displacement,
    electron_number,
    flux_derivative,
    hop,
    pair,
)
from respair.hamiltonians.operators import total
from respair.solvers import Options, ground_state
from respair.studies import parse, records, run

BFM = Model(ring(3), Electrons(1.0, hubbard_u=0.5), Bosons(-0.4, 0.8, 0.2))
LATTICE = Model(ring(3), Electrons(1.0), Bosons(0.2, 0.7), Phonons(0.9, boson_coupling=1.0, total_quanta=1))
PEIERLS = Model(ring(3), Electrons(1.0, 0.0, 1.0), None, Phonons(1.0, bond_coupling=0.3, total_quanta=1))
CASES = {"pairs": (BFM, 4), "odd": (BFM, 3), "lattice": (LATTICE, 2), "Peierls": (PEIERLS, 3)}
NAMES = ("energies", "current", "stiffness")
ERRORS = {"energies": "energy_errors", "current": "current_errors", "stiffness": "stiffness_errors"}


def in_another_gauge(model, seed=0):
    """The same flux, spread over the bonds at random."""
    share = np.random.default_rng(seed).normal(size=len(model.cluster.bonds))
    share += (1 - share.sum()) / len(share)
    bonds = [replace(bond, winding=float(w)) for bond, w in zip(model.cluster.bonds, share, strict=True)]
    return replace(model, cluster=replace(model.cluster, bonds=tuple(bonds)))


def on_one_bond(model):
    *others, last = model.cluster.bonds
    bonds = (*(replace(bond, winding=0.0) for bond in others), replace(last, winding=1.0))
    return replace(model, cluster=replace(model.cluster, bonds=bonds))


def free_levels(sites, phi):
    return np.sort(-2 * np.cos((2 * np.pi * np.arange(sites) + phi) / sites))


@pytest.mark.parametrize(("sites", "up", "dn"), [(3, 1, 1), (4, 2, 1), (4, 2, 2), (6, 1, 0)])
def test_free_electrons_fill_the_levels(sites, up, dn):
    phis = np.linspace(-0.4, 6.0, 5)
    data = flux_response(Model(ring(sites), Electrons(1.0)), Sector(up + dn, up - dn), phis)
    wanted = [free_levels(sites, phi)[:up].sum() + free_levels(sites, phi)[:dn].sum() for phi in phis]
    np.testing.assert_allclose(data["energies"], wanted, atol=1e-10)
    np.testing.assert_allclose(data["stiffness"], -np.pi / sites * np.array(wanted), atol=1e-8)


@pytest.mark.parametrize(("sites", "pairs"), [(4, 1), (4, 2), (5, 2), (5, 3)])
def test_hard_core_pairs_are_free_fermions_of_charge_two(sites, pairs):
    """With an even number of them the momenta of the fermions lie half way between."""
    phis = np.array([0.1, 0.9, 1.4])
    data = flux_response(Model(ring(sites), None, Bosons(hopping=0.7)), 2 * pairs, phis)
    shift = np.pi if pairs % 2 == 0 else 0.0
    wanted = np.array([0.7 * free_levels(sites, 2 * phi + shift)[:pairs].sum() for phi in phis])
    np.testing.assert_allclose(data["energies"], wanted, atol=1e-10)
    np.testing.assert_allclose(data["stiffness"], -4 * np.pi / sites * wanted, atol=1e-8)


def test_strong_exchange_leaves_pairs_that_hop_in_second_order():
    """v >> t: (D+ - b+) / sqrt(2) hops with t^2 / v, E = -v - (2 t^2 / v) (1 + cos(2 phi / L))."""
    v, sites, phi = 1000.0, 4, 0.5
    data = flux_response(Model(ring(sites), Electrons(1.0), Bosons(0.0, v)), 2, [phi])
    assert float(data["energies"][0]) == pytest.approx(-v - 2 / v * (1 + np.cos(2 * phi / sites)), abs=30 / v**3)
    assert float(data["current"][0]) == pytest.approx(-4 / (v * sites) * np.sin(2 * phi / sites), rel=1e-4)
    assert float(data["stiffness"][0]) == pytest.approx(8 * np.pi / (v * sites) * np.cos(2 * phi / sites), rel=1e-4)


def test_weak_exchange_is_second_order_in_a_virtual_pair():
    """v << t: E = E_F + v^2 / (L (E_F - Delta_B)) with E_F = -4 t cos(phi / L)."""
    v, sites, level, phi = 1e-2, 4, 3.0, 0.6
    data = flux_response(Model(ring(sites), Electrons(1.0), Bosons(level, v)), 2, [phi])
    free, slope = -4 * np.cos(phi / sites), 4 / sites * np.sin(phi / sites)
    detuning = free - level
    assert float(data["energies"][0]) == pytest.approx(free + v**2 / (sites * detuning), abs=v**4)
    assert float(data["current"][0]) == pytest.approx(-slope * (1 - v**2 / (sites * detuning**2)), abs=v**4)


@pytest.mark.parametrize("name", CASES)
def test_the_energy_is_even_and_has_the_period_of_a_flux_quantum(name):
    phis = np.array([0.3, 2.0])
    there, back, again = (flux_response(*CASES[name], values) for values in (phis, -phis, phis + 2 * np.pi))
    for data, sign in ((back, -1), (again, 1)):
        np.testing.assert_allclose(data["energies"], there["energies"], atol=1e-9)
        np.testing.assert_allclose(data["current"], sign * there["current"], atol=1e-8)
        np.testing.assert_allclose(data["stiffness"], there["stiffness"], atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_any_gauge_gives_the_same(name):
    model, charge = CASES[name]
    phis = [0.4, 2.9]
    uniform = flux_response(model, charge, phis)
    for other in (in_another_gauge(model), on_one_bond(model)):
        data = flux_response(other, charge, phis)
        assert data["blocks"].values.tolist() == [""] * len(phis)
        for quantity in NAMES:
            np.testing.assert_allclose(data[quantity], uniform[quantity], atol=1e-6, err_msg=quantity)


FREE, REPULSIVE = Electrons(1.0), Electrons(1.0, hubbard_u=1.0)
LEAKS = {
    "local pairs": (Model(ring(3), FREE, Bosons(0.2, 0.7), Phonons(0.9, boson_coupling=0.8, total_quanta=1)), 2),
    "Holstein": (Model(ring(3), REPULSIVE, None, Phonons(1.2, electron_coupling=0.5, total_quanta=1)), 1),
    "Peierls": (Model(ring(3), REPULSIVE, None, Phonons(1.0, "bonds", bond_coupling=0.25, total_quanta=1)), 3),
    "optical": (Model(ring(3), REPULSIVE, None, Phonons(1.0, bond_coupling=0.2, total_quanta=1)), 2),
    "dressed": (
        Model(ring(3), FREE, None, Phonons(1.2, electron_coupling=0.5, displacement="lang-firsov", total_quanta=1)),
        1,
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_error_bars_cover_what_the_cutoff_does_to_current_and_stiffness(name):
    model, charge = LEAKS[name]
    rough, fine = (
        flux_response(replace(model, phonons=replace(model.phonons, total_quanta=cap)), charge, [0.8, 2.0])
        for cap in (3, 7)
    )
    for quantity, errors in ERRORS.items():
        off = np.abs(rough[quantity] - fine[quantity]).values
        assert np.all(off <= rough[errors]), (quantity, off, rough[errors].values)
        assert np.all(rough[errors] <= 60 * off + 1e-2 * np.abs(rough[quantity])), (quantity, off, rough[errors].values)


def test_without_a_lattice_error_bars_are_those_of_the_residual():
    data = flux_response(BFM, 2, [0.3, 2.0], Options(tolerance=1e-6, engine="tensor"))
    exact = flux_response(BFM, 2, [0.3, 2.0], Options(engine="dense"))
    for quantity, errors in ERRORS.items():
        assert np.all(np.abs(data[quantity] - exact[quantity]) <= data[errors] + 1e-12), quantity
        assert np.all(data[errors] < 1e-4)


@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize("name", CASES)
def test_all_engines_agree_in_complex_sectors(name, engine):
    found, wanted = (flux_response(*CASES[name], [0.7], Options(engine=e)) for e in (engine, "auto"))
    for quantity in NAMES:
        np.testing.assert_allclose(found[quantity], wanted[quantity], atol=1e-7, err_msg=quantity)
        assert np.all(np.isfinite(found[ERRORS[quantity]]))
    assert found["blocks"].equals(wanted["blocks"])


@pytest.mark.parametrize("name", CASES)
def test_the_linear_solve_is_the_sum_over_all_states(name):
    model, charge = CASES[name]
    for phi in (0.4, 1.9):
        threaded = replace(model, flux=phi)
        h = Hamiltonian.of(threaded, Sector(charge))
        first, second = (
            sum(
                np.kron(f.charges.toarray(), h.space.lattice_matrix(f.lattice).toarray())
                for f in h.space.factorise(flux_derivative(threaded, order))
            )
            for order in (1, 2)
        )
        energies, states = np.linalg.eigh(h.matrix().toarray())
        moved = states.conj().T @ first @ states[:, 0]
        assert energies[1] - energies[0] > 1e-6
        curvature = (states[:, 0].conj() @ second @ states[:, 0]).real
        curvature -= 2 * np.sum(np.abs(moved[1:]) ** 2 / (energies[1:] - energies[0]))
        data = flux_response(model, charge, [phi])
        assert float(data["current"][0]) == pytest.approx(-moved[0].real, abs=1e-9)
        assert float(data["stiffness"][0]) == pytest.approx(np.pi * model.cluster.sites * curvature, abs=1e-7)


def test_the_block_of_the_ground_state_changes_at_a_crossing():
    """One electron on a ring of four: the level of momentum 0 until pi, the next one after it."""
    data = flux_response(Model(ring(4), Electrons(1.0)), 1, [0.5, np.pi, 4.0])
    first, both, last = data["blocks"].values.tolist()
    assert first == "momentum = 0"
    assert set(both.split(" | ")) == {first, last}
    assert np.isnan(data["current"].values).tolist() == [False, True, False]


def test_a_fixed_momentum_is_followed_through_the_crossing():
    data = flux_response(Model(ring(4), Electrons(1.0)), Sector(1, momentum=0), [0.5, np.pi, 4.0])
    np.testing.assert_allclose(data["energies"], -2 * np.cos(np.array([0.5, np.pi, 4.0]) / 4), atol=1e-12)
    assert np.all(np.isfinite(data["current"]))


def test_spin_degenerate_levels_have_a_slope():
    data = flux_response(Model(ring(3), Electrons(1.0)), Sector(3, 1), [0.7])
    assert np.isfinite(float(data["stiffness"][0]))


@pytest.mark.parametrize(("length", "cluster"), [(5, ring(5)), (0, ladder(3)), (0, dimer())])
def test_the_length_of_the_loop(length, cluster):
    assert cluster.loop_length == length


def test_the_length_of_the_loop_is_the_same_in_every_gauge():
    """A triangle with a tail; phases on the tail enclose nothing."""
    cluster = custom([[0, 0], [1, 0], [0, 1], [2, 0]], [[0, 1], [1, 2], [2, 0], [1, 3]])
    windings = (0.5, 0.75, -0.25, 3.0)
    bonds = (Bond(b.start, b.end, b.label, w) for b, w in zip(cluster.bonds, windings, strict=True))
    assert replace(cluster, bonds=tuple(bonds)).loop_length == 3
    gauge = (Bond(b.start, b.end, b.label, w) for b, w in zip(cluster.bonds, (0.5, -0.25, -0.25, 1.0), strict=True))
    assert replace(cluster, bonds=tuple(gauge)).loop_length == 0


MINIMA = {
    "4n electrons, minimum at pi": (Model(ring(4), Electrons(1.0)), 4),
    "4n + 2 electrons, minimum at 0": (Model(ring(4), Electrons(1.0)), 2),
    "odd, in between": (Model(ring(4), Electrons(1.0)), 3),
    "odd, at pi / 2": (Model(ring(3), Electrons(1.0, hubbard_u=2.0)), 3),
    "two minima": (Model(ring(4), Electrons(1.0), Bosons(-0.4, 1.5)), 6),
}


@cache
def minimum(name):
    return flux_minimum(*MINIMA[name])


@cache
def period(name):
    return half_flux_quantum(*MINIMA[name])


@pytest.mark.sampled
@pytest.mark.parametrize("name", MINIMA)
def test_the_minimum_is_that_of_a_fine_scan(name):
    model, charge = MINIMA[name]
    found = minimum(name)
    phis = np.linspace(0, 2 * np.pi, 13)
    scan = flux_response(model, charge, phis)["energies"].values
    lowest = scan.min()
    assert lowest - 0.1 < float(found["energy"]) <= lowest + 1e-9
    at = flux_response(model, charge, [float(found["phi"])])
    assert float(at["energies"][0]) == pytest.approx(float(found["energy"]), abs=1e-10)
    assert float(at["current"][0]) == pytest.approx(0, abs=1e-7)
    assert float(at["stiffness"][0]) == pytest.approx(float(found["stiffness"]), abs=1e-6)
    assert float(found["stiffness"]) > 0


def test_minima_where_they_are_known():
    found = {name: minimum(name) for name in MINIMA}
    at = {name: data["local_phi"].values / np.pi for name, data in found.items()}
    np.testing.assert_allclose(at["4n electrons, minimum at pi"], [1], atol=1e-12)
    np.testing.assert_allclose(at["4n + 2 electrons, minimum at 0"], [0], atol=1e-12)
    np.testing.assert_allclose(at["odd, at pi / 2"], [0.5, 1.5], atol=1e-9)
    np.testing.assert_allclose(at["two minima"], [0, 1], atol=1e-12)
    # two up electrons want pi, one down wants 0: -2 sqrt(2) cos((phi - pi) / 4) - 2 cos(phi / 4), tan(phi / 4) = 1 / 2
    phi = 4 * np.arctan(0.5)
    np.testing.assert_allclose(at["odd, in between"] * np.pi, [phi, 2 * np.pi - phi], atol=1e-8)


@pytest.mark.long
def test_the_whole_circle_gives_what_half_of_it_does():
    """A complex exchange of the user's own; its phase is a gauge, which the program does not know."""
    forward = 0.6 * np.exp(0.7j) * total(boson(i).dag * pair(i) for i in range(3))
    curve = FluxCurve(
        FluxLine(Model(ring(3), Electrons(1.0), Bosons(-0.4), terms=(lambda model: forward + forward.dag,)), 2)
    )
    real = Model(ring(3), Electrons(1.0), Bosons(-0.4, 0.6))
    assert not curve.is_even
    minima, wanted = minimum_of(curve), flux_minimum(real, 2)
    for name in ("phi", "energy", "stiffness", "local_phi", "local_energies"):
        np.testing.assert_allclose(minima[name], wanted[name], atol=1e-8)
    harmonics = half_flux_quantum(real, 2)["harmonics"]
    np.testing.assert_allclose(criterion_of(curve)["harmonics"], np.abs(harmonics), atol=1e-10)


VERDICT_CASES = {
    "odd": (Model(ring(3), Electrons(1.0)), 3),
    "hc/2e": (Model(ring(4), None, Bosons(hopping=1.0)), 4),
    "hc/e": (Model(ring(3), Electrons(1.0), Bosons(-0.4, 0.3)), 2),
    "undecided": (Model(ring(3), Electrons(0.0), Bosons(0.0, 0.8)), 2),
}


@pytest.mark.parametrize("verdict", VERDICT_CASES)
def test_the_verdict_on_the_flux_period(verdict):
    data = half_flux_quantum(*VERDICT_CASES[verdict])
    assert str(data["verdict"].values) == verdict
    assert str(data["definition"].values) == VERDICTS[verdict]
    corners = flux_response(*VERDICT_CASES[verdict], [0.0, np.pi / 2, np.pi])["energies"].values
    np.testing.assert_allclose([float(data[key]) for key in ("E0", "E_half_pi", "E_pi")], corners, atol=1e-10)


def test_pairs_with_the_other_sign_of_hopping_have_their_minima_in_between():
    """On a triangle they want pi/2 and 3 pi/2; the period is hc/2e exactly."""
    data = half_flux_quantum(Model(ring(3), None, Bosons(hopping=-1.0)), 2)
    assert str(data["verdict"].values) == "hc/2e"
    assert float(data["E_half_pi"]) < float(data["E0"]) == pytest.approx(float(data["E_pi"]), abs=1e-12)


def test_emerging_pairs_at_the_values_of_the_reference():
    """L = 4, N = 6, v = 1.5, Delta_B = -0.4: E(0) - E(pi/2) = -0.020, E(pi) - E(0) = -0.23."""
    data = period("two minima")
    assert str(data["verdict"].values) == "hc/2e emerging"
    assert float(data["E0"] - data["E_half_pi"]) == pytest.approx(-0.020, abs=5e-4)
    assert float(data["E_pi"] - data["E0"]) == pytest.approx(-0.23, abs=5e-3)


def test_harmonics_of_a_smooth_curve():
    """Two electrons: E = -4 cos(phi / 4) up to pi, mirrored; a_n has a closed form."""
    data = half_flux_quantum(Model(ring(4), Electrons(1.0)), 2)
    phi = np.linspace(0, np.pi, 20001)
    energy = np.array([2 * free_levels(4, p)[0] for p in phi])
    wanted = [2 / np.pi * np.trapezoid(energy * np.cos(n * phi), phi) for n in (1, 2)]
    np.testing.assert_allclose(data["harmonics"], wanted, atol=2e-3)
    assert np.all(np.abs(data["harmonics"] - wanted) <= data["harmonic_errors"])


BAD = {
    "reflection": (BFM, Sector(4, 0, momentum=0, reflection=1), "a flux breaks the reflection"),
    "irrep": (BFM, Sector(4, 0, irrep="A1"), "lacks this symmetry"),
    "no loop": (Model(dimer(), Electrons(1.0)), Sector(1), "no loop"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_flux_is_refused(name):
    model, sector, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        flux_response(model, sector, [0.1])


@pytest.mark.parametrize("find", [flux_minimum, half_flux_quantum])
def test_one_momentum_is_not_periodic(find):
    with pytest.raises(ValueError, match="momentum = 0 is not periodic"):
        find(BFM, Sector(4, 0, momentum=0))


FILE = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons.hopping = 1.0
bosons = { level = -0.4, exchange = 1.5 }
sector = { charge = 6 }
flux = { values = [0.0, 3.0], minimum = true, criterion = true }
"""


def test_the_record_of_a_model_file():
    record = records(run(parse(FILE, "flux.toml")))[0]["flux"]
    wanted = flux_response(*MINIMA["two minima"], [0.0, 3.0])
    assert record["energies"] == wanted["energies"].values.tolist()
    assert record["blocks"] == [[{"momentum": 0}], [{"momentum": 3}]]
    assert record["minimum"]["phi"] == pytest.approx(np.pi)
    assert record["minimum"]["minima"]["phi"] == pytest.approx([0, np.pi])
    assert record["half_flux_quantum"]["verdict"] == "hc/2e emerging"
    assert record["half_flux_quantum"]["ratio"] == pytest.approx(0.51, abs=0.01)


def test_a_model_file_without_them_has_neither():
    text = FILE.replace(", minimum = true, criterion = true", "")
    record = records(run(parse(text, "flux.toml")))[0]["flux"]
    assert "minimum" not in record
    assert "half_flux_quantum" not in record


@pytest.mark.parametrize(
    ("old", "new", "path", "allowed"),
    [
        ("charge = 6", "charge = 6, momentum = 0", "flux.minimum", "not periodic"),
        ("charge = 6", 'charge = 6, irrep = "A1"', "sector.irrep", "lacks this symmetry"),
        ("charge = 6", "charge = 6, momentum = 0, reflection = 1", "sector.reflection", "flux breaks"),
        ("minimum = true", "minimum = 1", "flux.minimum", "true or false"),
        ("values = [0.0, 3.0], ", "", "flux.values", "list of one or more numbers"),
        ('"ring"', '"chain"', "flux.values", "no loop"),
    ],
)
def test_wrong_model_files(old, new, path, allowed):
    with pytest.raises(InvalidModel) as refused:
        parse(FILE.replace(old, new), "flux.toml")
    assert any(p.path == path and allowed in p.allowed for p in refused.value.problems), refused.value.problems


def test_the_command_line_shows_the_verdict_and_draws_the_period(tmp_path):
    text = FILE.replace("electrons.hopping = 1.0\n", "").replace("level = -0.4, exchange = 1.5", "hopping = 1.0")
    (tmp_path / "ring.toml").write_text(text)
    done = CliRunner().invoke(app, ["run", str(tmp_path / "ring.toml"), "--out", str(tmp_path / "out"), "--plot"])
    assert done.exit_code == 0, done.output
    assert "Flux period: hc/2e (" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"ring.nc", "ring-flux.png", "ring-flux-period.png"}


def test_a_curve_is_shown_as_it_grows():
    model, parts = Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.6)), []
    phis = [0.1, 0.7, 1.9, 2.4]
    whole = flux_response(model, 2, phis, known=parts.append)
    assert [part.phi.values.tolist() for part in parts] == [phis[:1], phis[:2], phis[:3]]
    for part in parts:
        xr.testing.assert_identical(part, whole.isel(phi=slice(0, part.sizes["phi"])))


def second_neighbours(model):
    """Hops of second neighbours on a ring, through the site between them."""
    sites = model.cluster.sites
    forward = total(hop(model, [i, (i + 1) % sites, (i + 2) % sites]) for i in range(sites))
    return -0.4 * (forward + forward.dag)


def by_hand(model):
    """The same with its phases written out."""
    sites = model.cluster.sites
    hops = ((i, (i + 2) % sites, spin) for i in range(sites) for spin in ("up", "dn"))
    phase = np.exp(2j * model.flux / sites)
    forward = phase * total(create(j, spin) * annihilate(i, spin) for i, j, spin in hops)
    return -0.4 * (forward + forward.dag)


def assisted_pairs(model):
    """Pair hops that a density and the lattice assist, and local pairs that go round two bonds."""
    forward = total(
        electron_number((i + 2) % 4) * hop(model, [i, (i + 1) % 4], "pair") for i in range(4)
    ) + 0.3 * total(displacement(i) * hop(model, [i, (i + 1) % 4, (i + 2) % 4], "boson") for i in range(4))
    return 0.5 * (forward + forward.dag)


def band(phi, sites=6):
    """Energies of one electron with hopping 1 and 0.4 to second neighbours."""
    k = (2 * np.pi * np.arange(sites) + phi) / sites
    return np.min(-2 * np.cos(k) - 0.8 * np.cos(2 * k))


@pytest.mark.parametrize("term", [second_neighbours, by_hand])
def test_terms_of_ones_own_take_part_in_current_and_stiffness(term):
    model = Model(ring(6), Electrons(1.0), terms=(term,))
    data = flux_response(model, 1, [1.0])
    step = 1e-3
    low, middle, high = (band(1.0 + x) for x in (-step, 0.0, step))
    assert float(data["energies"][0]) == pytest.approx(middle, abs=1e-12)
    assert float(data["current"][0]) == pytest.approx(-(high - low) / (2 * step), abs=1e-7)
    assert float(data["stiffness"][0]) == pytest.approx(6 * np.pi * (high + low - 2 * middle) / step**2, abs=1e-5)
    assert data["current"].values.round(4) == [-0.1426]
    assert data["stiffness"].values.round(4) == [2.6160]
    drude = optical_conductivity(ground_state(replace(model, flux=1.0), 1), [0.5])["drude"]
    assert float(drude) == pytest.approx(float(data["stiffness"][0]), abs=1e-10)


def test_assisted_hops_of_pairs_against_differences_of_energies():
    phonons = Phonons(1.0, boson_coupling=0.4, total_quanta=2)
    model = Model(ring(4), Electrons(0.5), Bosons(-0.4, 0.8), phonons, terms=(assisted_pairs,))
    step, at = 1e-3, 0.7
    data = flux_response(model, 4, [at - step, at, at + step], Options(tolerance=1e-12))
    low, middle, high = data["energies"].values
    assert float(data["current"][1]) == pytest.approx(-(high - low) / (2 * step), abs=1e-6)
    assert float(data["stiffness"][1]) == pytest.approx(4 * np.pi * (high + low - 2 * middle) / step**2, abs=1e-4)


def test_a_thermal_flux_response_has_the_part_of_ones_own_terms():
    model = Model(ring(6), Electrons(1.0), terms=(second_neighbours,))
    data = thermal_flux_response(model, [1.0], [0.02], Ensemble("canonical", Sector(1)))
    assert float(data["current"].values.ravel()[0]) == pytest.approx(-0.14255063, abs=1e-6)


def plain(model):
    forward = create(2, "up") * annihilate(0, "up")
    return forward + forward.dag


def half_the_phase(model):
    forward = np.exp(1j * model.flux / 6) * create(2, "up") * annihilate(0, "up")
    return forward + forward.dag


@pytest.mark.parametrize(("term", "message"), [(plain, "the same at any flux"), (half_the_phase, "a sum of Peierls")])
def test_terms_that_do_not_follow_the_flux_are_refused(term, message):
    model = Model(ring(6), Electrons(1.0), flux=0.3, terms=(term,))
    levels = ground_state(model, 1)
    for quantity in (
        lambda: flux_response(model, 1, [0.1]),
        lambda: flux_minimum(model, 1),
        lambda: optical_conductivity(levels, [0.5]),
        lambda: thermal_flux_response(model, [0.1], [1.0], "grand-canonical"),
        lambda: coherence(model, 1),
        lambda: flux_derivative(model, 2),
    ):
        with pytest.raises(InvalidModel, match=message):
            quantity()


def test_terms_that_leave_the_charge_of_each_site_need_no_phase():
    def spins(model):
        flip = create(0, "up") * annihilate(0, "dn") * create(2, "dn") * annihilate(2, "up")
        exchange = pair(0).dag * boson(0)
        return flip + flip.dag + electron_number(0) * electron_number(3) + exchange + exchange.dag

    model = Model(ring(6), Electrons(1.0), Bosons(0.0), flux=0.4)
    assert flux_derivative(replace(model, terms=(spins,))) == flux_derivative(model)


def test_the_way_through_the_centre_carries_no_flux():
    """The same hop on two ways: only one of them goes with the flux."""
    model = Model(ligand_centre(4), Electrons({"ring": 1.0}), flux=0.4)
    ways = {"ring": [0, 1], "centre": [0, 4, 1]}
    for way, weight in (("ring", 0.25), ("centre", 0.0)):
        term = partial(lambda path, model: hop(model, path, spin="up") + hop(model, path, spin="up").dag, ways[way])
        found = flux_derivative(replace(model, terms=(term,))) - flux_derivative(model)
        assert sum(abs(value) for value in found.terms.values()) == pytest.approx(2 * weight, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: hop(m, [0, 2]), "sites 0 and 2 share no bond"),
        (lambda m: hop(m, []), "it is empty"),
        (lambda m: hop(m, [0, 1], "hole"), "allowed: electron, pair, boson"),
        (lambda m: hop(m, [0, 1], "boson", "up"), "has no spin"),
    ],
)
def test_hops_that_do_not_exist_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(Model(ring(4), Electrons(1.0), Bosons()))


@pytest.mark.parametrize("phi", [0.3, 1.1])
def test_stiffness_and_drude_weight_share_one_length(phi):
    """Several loops: the length is that once round the whole flux, not that of the triangles."""
    model = Model(ligand_centre(4), Electrons({"ring": 1.0, "centre": 0.5}, level={"ligand": 0.7}), flux=phi)

    def lowest(phi):
        h = np.zeros((5, 5), complex)
        for i in range(4):
            h[(i + 1) % 4, i] -= np.exp(1j * phi / 4)
            h[4, i] -= 0.5
        return np.linalg.eigvalsh(h + h.conj().T + np.diag([0, 0, 0, 0, 0.7]))[0]

    step = 1e-3
    wanted = 4 * np.pi * (lowest(phi + step) + lowest(phi - step) - 2 * lowest(phi)) / step**2
    assert float(flux_response(model, 1, [phi])["stiffness"][0]) == pytest.approx(wanted, abs=1e-5)
    assert float(optical_conductivity(ground_state(model, 1), [0.5])["drude"]) == pytest.approx(wanted, abs=1e-5)
    thermal = thermal_flux_response(model, [phi], [0.01], Ensemble("canonical", Sector(1)))
    assert float(thermal["drude"].values.ravel()[0]) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("cluster", [ring(7), ligand_centre(3), ligand_centre(6)])
def test_the_length_is_that_round_the_whole_flux(cluster):
    assert cluster.loop_length == sum(bond.winding != 0 for bond in cluster.bonds)
