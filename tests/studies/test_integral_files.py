"""Files of integrals: all spins and symmetries, other codes that read them, and damaged ones."""

from dataclasses import replace

import numpy as np
import pytest

import respair as rp
from respair.clusters import InvalidValue
from respair.studies.interfaces.orbitals import Integrals
from respair.studies.interfaces.terms import Terms

BONDS = rp.Electrons(1.0, [0.1, -0.2, 0.3], 2.0, repulsion=0.4, spin_exchange=[0.3, -0.5, 0.2], pair_hopping=0.25)
FORMS = {
    "": rp.Model(rp.ring(3), replace(BONDS, spin_exchange=0.0, pair_hopping=0.0)),
    "IGENERAL=1": rp.Model(rp.ring(3), BONDS),
    "IUHF=1": rp.Model(rp.ring(3), replace(BONDS, spin_exchange=0.0, pair_hopping=0.0, zeeman=[0.3, 0.0, -0.4])),
    "IUHF=1,IGENERAL=1": rp.Model(rp.chain(3), replace(BONDS, spin_exchange=0.3, zeeman=0.4)),
}
PAIRS_ALONE = rp.Model(rp.chain(3), bosons=rp.Bosons([0.1, -0.4, 0.3], hopping=0.5, repulsion=0.7))
MIXED = rp.Model(rp.dimer(), replace(BONDS, level=0.1, spin_exchange=0.3), rp.Bosons(-0.3, 0.6, bond_exchange=0.2))


@pytest.mark.parametrize("keys", FORMS)
@pytest.mark.parametrize("sector", [rp.Sector(3, 1), rp.Sector(3, -1), rp.Sector(2)])
def test_files_say_which_symmetry_their_integrals_have(keys, sector, tmp_path):
    (path,) = rp.write_fcidump(FORMS[keys], sector, tmp_path)
    assert f"ISYM=1,{keys}{',' * bool(keys)}\n" in path.read_text()
    again, found = rp.read_fcidump(path)
    left = rp.ground_state(FORMS[keys], sector, states=3).energies
    np.testing.assert_allclose(rp.ground_state(again, found, states=3).energies, left, atol=1e-9)


@pytest.mark.parametrize("model", [PAIRS_ALONE, MIXED], ids=["pairs alone", "pairs and electrons"])
def test_local_pairs_have_orbitals_of_their_own(model, tmp_path):
    (path,) = rp.write_fcidump(model, 2, tmp_path)
    assert f"NORB={len(model.boson_sites) + (model.cluster.sites if model.electrons else 0)}," in path.read_text()
    energy = rp.ground_state(*rp.read_fcidump(path)).energies[0]
    assert energy == pytest.approx(rp.ground_state(model, 2).energies[0], abs=1e-9)


def test_a_model_without_charges_has_no_integrals(tmp_path):
    with pytest.raises(ValueError, match="neither electrons nor local pairs"):
        rp.write_fcidump(rp.Model(rp.dimer(), phonons=rp.Phonons(1.0, max_quanta=2)), 0, tmp_path)


def test_more_modes_than_orbitals_come_back(tmp_path):
    lattice = rp.Phonons(
        {"soft": 0.5, "hard": 1.2}, on={"soft": "all", "hard": "all"},
        electron_coupling={"soft": 0.3, "hard": 0.6}, max_quanta=2,
    )  # fmt: skip
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=1.0), phonons=lattice)
    again, sector = rp.read_fcidump(*rp.write_fcidump(model, 2, tmp_path), max_quanta=2)
    assert len(again.modes) == 4
    energy = rp.ground_state(again, sector).energies[0]
    assert energy == pytest.approx(rp.ground_state(model, 2).energies[0], abs=1e-9)


@pytest.mark.parametrize("keys", [keys for keys in FORMS if "IUHF" not in keys])
def test_full_configuration_interaction_of_pyscf_has_the_same_levels(keys):
    fci = pytest.importorskip("pyscf.fci")
    model, sector = FORMS[keys], rp.Sector(3, 1)
    integrals = Integrals.of(Terms.of(model, sector)).with_permutations()
    electrons, size = (2, 1), (3, 3)
    merged = fci.direct_nosym.absorb_h1e(integrals.one[0], integrals.two[1], 3, electrons, 0.5)
    rows = [fci.direct_nosym.contract_2e(merged, v.reshape(size), 3, electrons).ravel() for v in np.eye(9)]
    levels = np.linalg.eigvalsh(rows) + integrals.constant
    np.testing.assert_allclose(levels[:4], rp.ground_state(model, sector, states=4).energies, atol=1e-10)


@pytest.mark.long
@pytest.mark.parametrize("keys", FORMS)
def test_block2_reads_the_files(keys, tmp_path):
    core = pytest.importorskip("pyblock2.driver.core")
    (path,) = rp.write_fcidump(FORMS[keys], rp.Sector(3, 1), tmp_path)
    driver = core.DMRGDriver(scratch=str(tmp_path / "scratch"), symm_type=core.SymmetryTypes.SZ, n_threads=1)
    file = driver.bw.bx.FCIDUMP()
    file.read(str(path))
    n, spins = file.n_sites, ((0, 0), (0, 1), (1, 1)) if file.uhf else ((0, 0),) * 3
    two = [[[[[file.v(*s, i, j, k, m) for m in range(n)] for k in range(n)] for j in range(n)] for i in range(n)]
           for s in spins]  # fmt: skip
    one = [[[file.t(s, i, j) for j in range(n)] for i in range(n)] for s in (0, 1)]
    driver.initialize_system(n_sites=n, n_elec=file.n_elec, spin=file.twos)
    mpo = driver.get_qc_mpo(h1e=np.array(one), g2e=np.array(two), ecore=file.const_e, iprint=0)
    ket = driver.get_random_mps("KET", bond_dim=50)
    energy = driver.dmrg(mpo, ket, n_sweeps=12, bond_dims=[50] * 12, noises=[1e-4] * 4 + [0.0] * 8, iprint=0)
    assert energy == pytest.approx(rp.ground_state(FORMS[keys], rp.Sector(3, 1)).energies[0], abs=1e-8)


def test_two_electrons_in_many_orbitals(tmp_path):
    """H of c+_pup c+_qdn |0>: h_pr for each electron, and (pr|qs) between them."""
    n, rng = 8, np.random.default_rng(2)
    one, two = rng.standard_normal((n, n)), rng.standard_normal((n,) * 4)
    one = one + one.T
    for axes in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        two = two + two.transpose(axes)
    rows = [f"{two[i]!r} {' '.join(str(k + 1) for k in i)}\n" for i in np.ndindex(two.shape)]
    rows += [f"{one[i]!r} {i[0] + 1} {i[1] + 1} 0 0\n" for i in np.ndindex(one.shape)]
    text = f" &FCI NORB={n},NELEC=2,MS2=0,\n &END\n" + "".join(rows).replace("np.float64(", "").replace(")", "")
    (tmp_path / "FCIDUMP").write_text(text + "1.5 0 0 0 0\n")
    whole = np.kron(one, np.eye(n)) + np.kron(np.eye(n), one) + two.transpose(0, 2, 1, 3).reshape(n * n, n * n)
    found = rp.ground_state(*rp.read_fcidump(tmp_path / "FCIDUMP"), states=3).energies
    np.testing.assert_allclose(found, np.linalg.eigvalsh(whole)[:3] + 1.5, atol=1e-9)


@pytest.fixture
def files(tmp_path):
    lattice = rp.Phonons(1.0, electron_coupling=0.5, max_quanta=2)
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=2.0), phonons=lattice)
    return rp.write_fcidump(model, 2, tmp_path)


WRONG = {
    "the last line is missing": (0, lambda text: text[: text.rstrip().rindex("\n") + 1], "the constant .* is missing"),
    "one integral twice": (0, lambda text: text.replace("&END\n", "&END\n 3.0 1 1 1 1\n"), "on an earlier line"),
    "digits of Python": (0, lambda text: text.replace("e+00", "_0e+00"), "is not a number with indices"),
    "half an electron": (0, lambda text: text.replace("NELEC=2", "NELEC=2.5"), "NELEC = 2.5 is invalid"),
    "spin orbitals": (0, lambda text: text.replace("ISYM=1,", "UHF=.TRUE.,"), "UHF = .TRUE. is not supported"),
    "huge": (0, lambda text: text.replace("e+00", "e+60"), "at most 1e.50"),
    "control characters": (0, lambda text: text + "\x1b[2J", r"line \d+: .\\x1b\[2J. is not a number"),
    "a coupling is missing": (1, lambda text: text[: text.rstrip().rindex("\n") + 1], "NLINES = 2, but the file has 1"),
    "one side": (1, lambda text: text.replace("NLINES=2,", "") + " 0.5 1 1 2\n", r"\(1, 2\) and \(2, 1\) differ"),
    "one-sided hop": (2, lambda text: text.replace("NLINES=2,", "") + " 0.5 1 2\n", r"\(1, 2\) and \(2, 1\) differ"),
    "no lowest energy": (2, lambda text: text.replace("NLINES=2", "NLINES=4") + " 5 1 2\n 5 2 1\n", "unbounded below"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_damaged_files_are_refused(name, files):
    number, damage, message = WRONG[name]
    files[number].write_text(damage(files[number].read_text()))
    with pytest.raises(InvalidValue, match=message):
        rp.read_fcidump(*files, max_quanta=2)


def test_places_that_cannot_be_written_are_named(files, tmp_path):
    model = FORMS[""]
    with pytest.raises(ValueError, match=r"folder = .* cannot be used"):
        rp.write_fcidump(model, 2, files[0])
    with pytest.raises(ValueError, match="without a folder"):
        rp.export(model, 2, "quspin", tmp_path, name="../model")
    levels = rp.ground_state(model, 2)
    with pytest.raises(ValueError, match="is a folder; give a file in it"):
        levels.save(tmp_path)
    with pytest.raises(ValueError, match="there is no folder"):
        levels.save(tmp_path / "none" / "levels.nc")
