"""Static susceptibilities of thermal states: dense sums over the Fock space, exact limits, random vectors."""

import io

import numpy as np
import pytest
from reference import Fock, full_hamiltonian
from rich.console import Console

from respair import Bosons, Electrons, InvalidModel, Model, Phonons, Sector, dimer, ring, site
from respair.analysis.spectra.probes import KINDS
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.ensembles import SUSCEPTIBLE, Ensemble, Sampling
from respair.analysis.thermal.static import thermal_susceptibilities
from respair.studies import parse, records, run, show_result

T = [0.3, 1.0]
RING = Model(ring(3), Electrons(1.0, hubbard_u=0.5), Bosons(0.2, exchange=0.6), chemical_potential=0.1)


def test_the_operators_are_those_that_do_not_change_the_charge_by_one():
    assert set(SUSCEPTIBLE) == {name for name, kind in KINDS.items() if kind.removes != 1}


@pytest.mark.long
def test_they_are_sums_over_the_whole_fock_space():
    model = Model(dimer(), Electrons(0.7, hubbard_u=0.5), Bosons(0.2, exchange=0.6), chemical_potential=0.1)
    fock = Fock(model)
    inside = np.flatnonzero(fock.allowed)
    energies, states = np.linalg.eigh(full_hamiltonian(model)[inside][:, inside].toarray())
    local = {
        "pair": [fock.c[i, "dn"] @ fock.c[i, "up"] for i in (0, 1)],
        "boson": [fock.b[i] for i in (0, 1)],
        "charge": [
            sum(fock.c[i, s].conj().T @ fock.c[i, s] for s in ("up", "dn")) + 2 * fock.b[i].conj().T @ fock.b[i]
            for i in (0, 1)
        ],
        "spin": [
            0.5 * sum(sign * fock.c[i, s].conj().T @ fock.c[i, s] for sign, s in ((1, "up"), (-1, "dn")))
            for i in (0, 1)
        ],
    }
    data = thermal_susceptibilities(model, T, list(local))
    assert data.spin.dims == ("temperature", "place")
    for name, operators in local.items():
        for m in (0, 1):
            o = operators[m].toarray()[np.ix_(inside, inside)]
            weights = np.abs(states.conj().T @ o @ states) ** 2
            mean = np.einsum("in,ij,jn->n", states.conj(), o, states)
            for k, t in enumerate(T):
                p = np.exp(-(energies - energies[0]) / t)
                p /= p.sum()
                gap = energies[:, None] - energies
                same = np.abs(gap) < 1e-9
                share = np.where(same, p / t, (p - p[:, None]) / np.where(same, 1.0, gap))
                wanted = np.sum(weights * share) - (name in ("charge", "spin")) * abs(p @ mean) ** 2 / t
                assert data[name].values[k, m] == pytest.approx(wanted, abs=1e-9), (name, m, t)


@pytest.mark.long
def test_at_zero_momentum_charge_and_spin_are_the_variances():
    data, same = thermal_susceptibilities(RING, T, ["charge", "spin"]), thermal_averages(RING, T)
    np.testing.assert_allclose(3 * data.charge.values[:, 0], same.compressibility, atol=1e-9)
    np.testing.assert_allclose(3 * data.spin.values[:, 0], same.spin_susceptibility, atol=1e-9)


@pytest.mark.long
def test_random_vectors_agree_with_all_levels():
    model = Model(ring(4), Electrons(1.0, hubbard_u=2.0), Bosons(0.2, exchange=0.6))
    kind = Ensemble("sector", Sector(5, 1))
    exact, sampled = (
        thermal_susceptibilities(model, T, ["spin"], kind, how) for how in ("exact", Sampling("ftlm", samples=12))
    )
    off = np.abs(exact.spin - sampled.spin).values
    assert np.all(off <= 4 * sampled.spin_error.values)
    assert np.all(sampled.spin_error.values > 0)


def test_a_free_lattice_answers_as_a_classical_one():
    """chi of x = a + a+ is 2 / omega0 at every temperature; the cutoff is in the error bar."""
    model = Model(site(), Electrons(), phonons=Phonons(0.8, max_quanta=6))
    data = thermal_susceptibilities(model, [0.1, 0.5], ["displacement"], Ensemble("canonical", 0))
    off = np.abs(data.displacement.values[:, 0] - 2.5)
    assert np.all(off <= data.displacement_error.values[:, 0] + 1e-9)
    assert off.max() > 1e-6


def test_model_files_record_and_show_them():
    text = """
        schema = 1
        cluster = { kind = "dimer" }
        electrons = { hopping = 1.0 }
        thermal = { temperatures = [0.5, 1.0], observables = [], susceptibilities = ["spin", "pair"] }
    """
    result, console = run(parse(text, "dimer.toml")), Console(file=io.StringIO(), width=120)
    found = records(result)[0]["thermal"]["susceptibilities"]
    assert np.shape(found["spin"]["values"]) == np.shape(found["pair"]["errors"]) == (2, 2)
    show_result(result, console)
    assert "static susceptibility of pair" in console.file.getvalue()


def test_pairs_need_a_free_charge():
    with pytest.raises(InvalidModel, match=r'names\[0\]: got "pair"; allowed: with ensemble = "grand-canonical"'):
        thermal_susceptibilities(RING, T, ["pair"], Ensemble("canonical", 4))
    with pytest.raises(InvalidModel, match=r'names\[0\]: got "electron"; allowed: pair, '):
        thermal_susceptibilities(RING, T, ["electron"])
