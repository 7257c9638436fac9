"""Interfaces to other codes: what leaves comes back, what cannot be expressed is said, and energies are the same."""

import re
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import respair as rp
from respair.cli.commands import app
from respair.studies import CODES, crosscheck_tables, to_quspin
from respair.studies.interfaces.library import LibraryMissing
from respair.studies.interfaces.orbitals import Integrals, normal_ordered
from respair.studies.interfaces.terms import Terms

LATTICE = rp.Phonons(1.0, electron_coupling=0.7, max_quanta=5)
PAIRS = rp.Bosons(-0.3, 0.8)
COUPLED = rp.Bosons(-0.3, 0.8, hopping=0.2, repulsion=0.4, electron_repulsion=0.5)
MODELS = {
    "Hubbard ring": (rp.Model(rp.ring(4), rp.Electrons(1.0, hubbard_u=4.0, repulsion=0.3), chemical_potential=0.2), 4),
    "Holstein-Hubbard dimer": (rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=2.0), phonons=LATTICE), 2),
    "boson-fermion ring": (rp.Model(rp.ring(3), rp.Electrons(1.0), COUPLED), 4),
    "local pairs in a lattice": (
        rp.Model(rp.dimer(), rp.Electrons(1.0), PAIRS, rp.Phonons(1.0, boson_coupling=0.6, max_quanta=4)), 2,
    ),
    "flux, exchange, field": (
        rp.Model(rp.ring(3), rp.Electrons(1.0, 0.1, 1.0, spin_exchange=0.3, zeeman=0.1, pair_hopping=0.2), flux=0.7), 3,
    ),
}  # fmt: skip
EXPORTED = [
    rp.Model(rp.dimer(), rp.Electrons(1.0, [0.1, 0.3], 2.0), phonons=replace(LATTICE, frame="mean")),
    MODELS["boson-fermion ring"][0],
    rp.Model(rp.dimer(), rp.Electrons(1.0), PAIRS,
             rp.Phonons([1.0, 0.8], boson_coupling=0.6, hopping=0.1, max_quanta=3)),
    rp.Model(rp.ring(3), rp.Electrons(0.7, [0.1, -0.2, 0.4], [1.0, 2.0, 0.0], 0.3), rp.Bosons(0.2, 0.3, on=[1])),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXPORTED)))
@pytest.mark.parametrize("charge", [2, 3])
def test_integrals_in_files_come_back_as_the_same_levels(number, charge, tmp_path):
    model = EXPORTED[number]
    files = rp.write_fcidump(model, charge, tmp_path)
    cap = {} if len(files) == 1 else {"ebdump": files[1], "bosdump": files[2], "max_quanta": model.phonons.max_quanta}
    again, sector = rp.read_fcidump(files[0], **cap)
    plain = model if model.phonons is None else replace(model, phonons=replace(model.phonons, frame="none"))
    expected = rp.ground_state(plain, charge, states=3).energies
    np.testing.assert_allclose(rp.ground_state(again, sector, states=3).energies, expected, atol=1e-9)
    assert (sector.charge, sector.two_sz) == (charge, charge % 2)


def test_integrals_of_random_hamiltonians_come_back(tmp_path):
    rng = np.random.default_rng(5)
    one, two = rng.standard_normal((3, 3)), rng.standard_normal((3,) * 4)
    one = one + one.T
    for axes in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        two = two + two.transpose(axes)
    lines = [" &FCI NORB=3,NELEC=3,MS2=1,\n  ORBSYM=1,1,1,\n &END\n"]
    lines += [f"{two[i]:.17e} {' '.join(str(k + 1) for k in i)}\n" for i in np.ndindex(two.shape)]
    lines += [f"{one[i]:.17e} {i[0] + 1} {i[1] + 1} 0 0\n" for i in np.ndindex(one.shape)] + ["0.25 0 0 0 0\n"]
    (tmp_path / "FCIDUMP").write_text("".join(lines))
    model, sector = rp.read_fcidump(tmp_path / "FCIDUMP")
    found = Integrals.of(Terms.of(model, sector)).with_permutations()
    np.testing.assert_allclose(found.one[0], one, atol=1e-12)
    assert found.constant == pytest.approx(0.25)
    (tmp_path / "out").mkdir()
    (again,) = rp.write_fcidump(model, sector, tmp_path / "out")
    other, _ = rp.read_fcidump(again)
    left, right = (rp.hamiltonians.Hamiltonian.of(m, sector).matrix().toarray() for m in (model, other))
    np.testing.assert_allclose(left, right, atol=1e-12)


HEAD = " &FCI NORB=2,NELEC=2,MS2=0,\n &END\n"
WRONG = {
    "no head": ("1.0 1 1 0 0\n", "no header found"),
    "missing number": (" &FCI NORB=2,\n &END\n", "NELEC is missing"),
    "no number": (HEAD + "one 1 1 0 0\n", "line 3.*is not a number"),
    "few indices": (HEAD + "1.0 1 1\n", "line 3.*4 indices"),
    "large index": (HEAD + "\n1.0 1 3 0 0\n", "line 4: index 3 is invalid; allowed: 1 to 2"),
    "not finite": (HEAD + "nan 1 1 0 0\n", "is not a number"),
    "spins": (HEAD.replace("MS2=0", "MS2=0,IUHF=2"), "IUHF = 2"),
    "too large": (HEAD.replace("NORB=2", "NORB=99"), "NORB = 99; allowed"),
    "sector": (HEAD.replace("NELEC=2", "NELEC=7") + "0 0 0 0 0\n", "sector.charge"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_of_integrals_are_refused_with_their_line(name, tmp_path):
    text, message = WRONG[name]
    (tmp_path / "FCIDUMP").write_text(text)
    with pytest.raises(ValueError, match=message):
        rp.ground_state(*rp.read_fcidump(tmp_path / "FCIDUMP"))


def test_files_of_bosons_must_fit(tmp_path):
    files = rp.write_fcidump(MODELS["Holstein-Hubbard dimer"][0], 2, tmp_path)
    assert [file.name for file in files] == ["FCIDUMP", "EBDUMP", "BOSDUMP"]
    with pytest.raises(ValueError, match="belong together"):
        rp.read_fcidump(files[0], files[1])
    with pytest.raises(ValueError, match="max_quanta"):
        rp.read_fcidump(*files)
    files[2].write_text(files[2].read_text().replace("1.0", "-1.0"))
    with pytest.raises(ValueError, match="allowed: above 0"):
        rp.read_fcidump(*files, max_quanta=3)
    files[2].write_text(files[2].read_text().replace("NMODE=2", "NMODE=1"))
    with pytest.raises(ValueError, match="the other files have"):
        rp.read_fcidump(*files, max_quanta=3)
    with pytest.raises(ValueError, match="cannot be read"):
        rp.read_fcidump(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (MODELS["flux, exchange, field"][0], "cannot represent complex coefficients"),
        (rp.Model(rp.dimer(), rp.Electrons(1.0), phonons=replace(LATTICE, quartic=0.1)), "cannot represent"),
        (rp.Model(rp.dimer(), rp.Electrons(1.0), phonons=rp.Phonons(1.0, cutoff="auto")), "other codes need a number"),
        (rp.Model(rp.infinite_chain(), rp.Electrons(1.0)), "finite clusters"),
    ],
)
def test_what_integrals_cannot_express_is_refused(model, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        rp.write_fcidump(model, 1 if model.cluster.is_infinite else 2, tmp_path)


def test_products_of_ladder_operators_are_normal_ordered():
    a, b, c_a, c_b = (0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1)
    assert normal_ordered((a, c_a)) == {((), ()): 1.0, (((0, 0),), ((0, 0),)): -1.0}
    assert normal_ordered((c_b, c_a, b, a)) == {(((0, 0), (0, 1)), ((0, 0), (0, 1))): 1.0}
    assert normal_ordered((c_a, c_a)) == {}


def test_a_frame_that_follows_the_charges_is_replaced():
    terms = Terms.of(replace(MODELS["Holstein-Hubbard dimer"][0], phonons=replace(LATTICE, frame="lang-firsov")), 2)
    assert terms.model.phonons.frame == "mean"
    assert terms.max_quanta == 5
    assert terms.total_quanta is None


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_the_script_for_quspin_gives_the_ground_energy(name):
    model, charge = MODELS[name]
    code = CODES["quspin"]
    energy, _ = code.energy(Terms.of(model, charge))
    assert energy == pytest.approx(rp.ground_state(model, charge).energies[0], abs=1e-9)


@pytest.mark.parametrize("name", ["openfermion", "qutip", "pyscf"])
def test_local_pairs_without_electrons_keep_their_energies(name):
    if not CODES[name].version:
        pytest.skip("not installed")
    model = rp.Model(rp.chain(3), bosons=rp.Bosons([0.9, 0.4, 1.3], hopping=0.5, repulsion=0.7))
    energy, _ = CODES[name].energy(Terms.of(model, 4))
    assert energy == pytest.approx(rp.ground_state(model, 4).energies[0], abs=1e-8)


def test_a_script_for_quspin_names_the_model():
    script = to_quspin(MODELS["boson-fermion ring"][0], 4)
    assert re.search(r"^fillings = \[\(2, 2\), \(1, 1\), \(0, 0\)\]$", script, re.MULTILINE)
    compile(script, "script", "exec")


@pytest.mark.long
def test_libraries_that_are_missing_are_named():
    if CODES["block2"].version:
        pytest.skip("block2 is installed")
    with pytest.raises(LibraryMissing, match=r"pip install 'respair\[crosscheck\]'"):
        rp.studies.to_block2(*MODELS["Hubbard ring"], "scratch")
    data = rp.crosscheck(*MODELS["Hubbard ring"], ["block2", "dense"])
    assert data.note.values.tolist()[1] == "not installed"
    assert data.agrees.values.tolist() == [1, -1, 1]


def test_wrong_requests_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'gaussian' is unknown; allowed: dense"):
        rp.crosscheck(*MODELS["Hubbard ring"], ["gaussian"])
    with pytest.raises(ValueError, match="block2 reads no file"):
        rp.export(*MODELS["Hubbard ring"], "block2", tmp_path)
    text = "schema = 1\ncluster.kind = 'dimer'\nelectrons.hopping = 1.0\ncharge_scan.charges = [1]"
    (tmp_path / "dimer.toml").write_text(text)
    for command in ("crosscheck", "export --to fcidump"):
        done = CliRunner().invoke(app, [*command.split(), str(tmp_path / "dimer.toml")])
        assert done.exit_code == 2


def test_commands_compare_and_export(tmp_path):
    path = tmp_path / "dimer.toml"
    text = "schema = 1\ncluster.kind = 'dimer'\nelectrons = { hopping = 1.0, hubbard_u = 4.0 }\nsector.charge = 2"
    path.write_text(text)
    done = CliRunner().invoke(app, ["crosscheck", str(path), "--code", "dense", "--out", str(tmp_path / "table.nc")])
    assert done.exit_code == 0
    assert "1 codes and engines found the ground energy: all within the error bars." in done.stdout
    done = CliRunner().invoke(app, ["export", str(path), "--to", "fcidump", "--out", str(tmp_path)])
    assert done.stdout.strip() == str(tmp_path / "dimer-integrals" / "FCIDUMP")


OUTSIDE = [name for name, code in CODES.items() if not code.is_own and code.version]


@pytest.mark.slow
@pytest.mark.skipif(len(OUTSIDE) < 4, reason="needs pip install 'respair[crosscheck]'")
@pytest.mark.parametrize("name", MODELS)
def test_other_codes_find_the_same_energies(name):
    data = rp.crosscheck(*MODELS[name])
    table = "\n".join(part for part in crosscheck_tables(data) if isinstance(part, str))
    assert not np.any(data.agrees.values == 0), table
    solved = [code for code, agrees in zip(data.code.values, data.agrees.values, strict=True) if agrees == 1]
    assert len([code for code in solved if not code.startswith("respair")]) >= 3, table


@pytest.mark.slow
def test_the_published_chain_of_four_sites():
    """Open Hubbard-Holstein chain, 11 states a mode, U = 2, omega0 = 0.25, g = 0.5: documentation of block2."""
    phonons = rp.Phonons(0.25, electron_coupling=2.0, max_quanta=10)
    model = rp.Model(rp.chain(4), rp.Electrons(1.0, hubbard_u=2.0), phonons=phonons)
    assert rp.ground_state(model, 4).energies[0] == pytest.approx(-6.956893211191, abs=1e-9)


def test_chains_of_two_spaces_are_too_short_for_tenpy():
    terms = CODES["tenpy"].terms(rp.Model(rp.dimer(), rp.Electrons(1.0)), 2)
    assert "allowed: at least 3" in CODES["tenpy"].why_not(terms)
