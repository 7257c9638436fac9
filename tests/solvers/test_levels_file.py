"""Levels and states in files: what is written is read back, whatever is wrong is refused."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import respair as rp
from respair.clusters import InvalidValue
from respair.hamiltonians.json_form import from_json_form, to_json_form
from respair.solvers import levels_by_symmetry


def field(model):
    return 0.3 * rp.operator("n_0 - n_1 + x_0")


LATTICE = rp.Phonons(1.0, boson_coupling=0.5, max_quanta=2)
RING = rp.Model(rp.ring(4), rp.Electrons(1.0, hubbard_u=1.0), rp.Bosons(0.3, 0.5), replace(LATTICE, max_quanta=1), 0.3)
MODELS = {
    "ring in a flux": (RING, 4),
    "ladder with classes": (rp.Model(rp.ladder(2), rp.Electrons({"leg": 1.0, "rung": 0.5}, hubbard_u=[1, 2, 3, 4])), 3),
    "terms of one's own": (
        rp.Model(rp.dimer(), rp.Electrons(1.0), rp.Bosons(exchange=0.4), LATTICE, terms=(field,)), 2,
    ),
    "frame that follows the charges": (
        rp.Model(rp.dimer(), rp.Electrons(1.0), rp.Bosons(exchange=0.4), replace(LATTICE, frame="lang-firsov")), 2,
    ),
    "square lattice": (rp.Model(rp.square([2, 2]), rp.Electrons(1.0, hubbard_u=2.0), flux=[0.3, 0.1]), 3),
    "complex hopping": (rp.Model(rp.ring(3), rp.Electrons(1.0 + 0.5j)), 2),
    "far potential": (rp.Model(rp.dimer(), rp.Electrons(1.0), chemical_potential=1e7), 2),
}  # fmt: skip


def same(one, other):
    assert type(one) is type(other)
    assert repr(one) == repr(other)
    if not isinstance(one, rp.State):
        np.testing.assert_array_equal(one.energies, other.energies)
        np.testing.assert_array_equal(one.relative, other.relative)
        for name in vars(one.certificate):
            np.testing.assert_array_equal(getattr(one.certificate, name), getattr(other.certificate, name))


@pytest.mark.parametrize("name", MODELS)
def test_levels_and_states_come_back_as_they_were(name, tmp_path):
    model, charge = MODELS[name]
    for levels in (rp.ground_state(model, charge, states=3), levels_by_symmetry(model, charge, 3)):
        again = rp.load(levels.save(tmp_path / "levels.nc"))
        same(levels, again)
        same(levels.ground, rp.load(levels.ground.save(tmp_path / "state.nc")))
        for n in range(3):
            assert np.array_equal(levels.level(n).vectors, again.level(n).vectors)
        expected = rp.observables(levels.ground)
        xr.testing.assert_allclose(rp.observables(again.ground), expected, rtol=0, atol=1e-14)
    if not model.terms:
        assert again.hamiltonian.space.model == levels.hamiltonian.space.model


def test_levels_in_optimal_oscillator_states_come_back(tmp_path):
    table = rp.Phonons(1.0, electron_coupling=1.0, max_quanta=3, basis="optimal")
    levels = rp.ground_state(rp.Model(rp.site(), rp.Electrons(1.0), phonons=table), 1)
    again = rp.load(levels.save(tmp_path / "levels.nc"))
    same(levels, again)
    assert rp.fidelity(levels, again) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.long
def test_levels_from_a_file_are_used_like_others(tmp_path):
    path = rp.ground_state(RING, 4).save(tmp_path / "levels.nc")
    levels, again = rp.ground_state(RING, 4), rp.load(path)
    changed = replace(RING, bosons=rp.Bosons(0.3, 0.2))
    for left, right in ((levels, again), (pickle.loads(pickle.dumps(levels)), again)):
        one, two = (rp.evolve(changed, [0.5], initial=each.ground) for each in (left, right))
        xr.testing.assert_allclose(one, two, atol=1e-12)
    one, two = (rp.spectral_function(each, "electron", [0.0, 1.0], 0.2)["values"] for each in (levels, again))
    np.testing.assert_allclose(one, two, atol=1e-10)


def test_models_in_json_form_come_back():
    for model, _ in MODELS.values():
        if not model.terms:
            assert from_json_form(to_json_form(model)) == model


def altered(path, **changes):
    data = xr.load_dataset(path, engine="h5netcdf")
    data.assign(changes).to_netcdf(path, engine="h5netcdf")
    return path


def test_files_that_are_wrong_are_refused(tmp_path):
    path = rp.ground_state(RING, 4).save(tmp_path / "levels.nc")
    assert [p.name for p in tmp_path.iterdir()] == ["levels.nc"]
    data = xr.load_dataset(path, engine="h5netcdf")
    values = data["kept_amplitudes"].copy()
    values[7] += 1e-9
    with pytest.raises(ValueError, match="checksum"):
        rp.load(altered(path, kept_amplitudes=values))
    for text, message in (
        ('{"version": 7}', "version"), ("nonsense", "wrong"), ('{"version": 1}', "wrong"), ("[]", "wrong"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            rp.load(altered(path, kept_levels=((), text)))
    (tmp_path / "text.nc").write_text("schema = 1")
    (tmp_path / "short.nc").write_bytes(path.read_bytes()[:500])
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    for name, message in (
        ("text.nc", "not a NetCDF"), ("short.nc", "cannot be read"), ("no.nc", "no such file"),
        ("other.nc", "keep_states"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            rp.load(tmp_path / name)
    with pytest.raises(ValueError, match="'Popen' is not a value of a model"):
        from_json_form({"Popen": {"args": ["true"]}})
    with pytest.raises(ValueError, match="has no 'colour'"):
        from_json_form({"Electrons": {"colour": 1}})


def test_no_damaged_byte_is_taken_for_levels(tmp_path):
    levels = rp.ground_state(rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=2.0)), 2)
    whole, rng = levels.save(tmp_path / "whole.nc").read_bytes(), np.random.default_rng(3)
    for place in rng.choice(len(whole), 24, replace=False):
        path = tmp_path / "damaged.nc"
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            same(levels, rp.load(path))  # the byte was none of theirs
        except InvalidValue:
            continue


@pytest.mark.parametrize("sector", [None, rp.Sector(4, momentum=1)])
def test_linear_operators_pickle(sector):
    hamiltonian = rp.Hamiltonian.of(replace(RING, phonons=None), 4)
    own = hamiltonian if sector is None else rp.Block.of(hamiltonian, sector)
    product, vector = own.linear_operator, np.arange(own.matrix().shape[0]) + 0.5j
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(product)) @ vector, product @ vector)


@pytest.mark.parametrize("what", ["starts", "levels", "block", "hamiltonian", "operator"])
def test_what_is_public_pickles(what):
    levels = rp.ground_state(RING, 4)
    values = {
        "starts": rp.Options(starts=rp.starting_from(levels)), "levels": levels, "block": levels.block,
        "hamiltonian": levels.hamiltonian, "operator": rp.operator("n_0"),
    }  # fmt: skip
    assert repr(pickle.loads(pickle.dumps(values[what]))) == repr(values[what])
