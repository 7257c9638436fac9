"""Model files that begin from the states that another one kept."""

from dataclasses import replace

import numpy as np
import pytest

import respair as rp
from respair.studies import at_point, parse, records, run, write

MODEL = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.3, on = [0, 2], total_quanta = 2 }
sector = { charge = 3 }
"""
KEEP = MODEL + "ground_state = { states = 4, keep_states = true, observables = [] }\n"
SPECTRUM = 'spectrum = { operator = "pair", frequencies = [-3.0, -1.0, 1.0], broadening = 0.2 }\n'
MOTION = 'evolution = { times = [0.0, 0.7], observables = ["double_occupancy"], initial = "kept" }\n'


@pytest.fixture
def folder(tmp_path):
    write(run(parse(KEEP, "keep.toml")), tmp_path / "keep.nc")
    return tmp_path


def study_of(text, folder):
    return parse(text, str(folder / "model.toml"))


def record_of(text, folder):
    (record,) = records(run(study_of(text, folder)))
    return record


class Steps:
    """Collects what a run says that it does."""

    def __init__(self):
        self.steps = []

    def step(self, what):
        self.steps.append(what)

    def point(self, *given):
        return

    def done(self, *given):
        return

    def lanczos(self, *given):
        self.steps.append("search")


def test_spectra_take_the_kept_levels_as_they_are(folder):
    reporter = Steps()
    (found,) = records(run(study_of(MODEL + SPECTRUM + 'kept.file = "keep.nc"\n', folder), reporter=reporter))
    first = next(step for step in reporter.steps if "ground level" in step)
    assert first == "ground level from the file of kept states"
    again = record_of(MODEL + SPECTRUM, folder)
    for key in ("values", "moments"):
        np.testing.assert_allclose(found["spectrum"][key], again["spectrum"][key], atol=1e-8)


def test_searches_of_other_couplings_begin_there(folder):
    other = MODEL.replace("hubbard_u = 2.0", "hubbard_u = 2.1")
    begun = study_of(other + 'kept.file = "keep.nc"\n', folder)
    assert begun.solver.starts(rp.Block.of(rp.Hamiltonian.of(begun.model, 3), rp.Sector(3)))
    energy = record_of(other + 'kept.file = "keep.nc"\n', folder)["ground_state"]["energies"][0]
    assert energy == pytest.approx(rp.ground_state(begun.model, 3).energies[0], abs=1e-9)


@pytest.mark.parametrize("level", [None, 2])
def test_motions_begin_with_a_kept_state(level, folder):
    quenched = MODEL.replace("hubbard_u = 2.0", "hubbard_u = 4.0")
    kept = '[kept]\nfile = "keep.nc"\n' + (f"level = {level}\n" if level is not None else "")
    found = record_of(quenched + MOTION + kept, folder)["evolution"]
    levels = rp.load(folder / "keep.nc")
    state = levels.ground if level is None else levels.level(level)
    data = rp.evolve(study_of(quenched, folder).model, [0.0, 0.7], 3, initial=state)
    np.testing.assert_allclose(found["energy"], data.energy, atol=1e-8)
    np.testing.assert_allclose(found["observables"]["double_occupancy"], data.double_occupancy.values, atol=1e-7)


def test_points_of_sweeps_are_chosen(tmp_path):
    sweep = '[sweep]\n"electrons.hubbard_u" = [1.0, 3.0]\n'
    write(run(parse(KEEP + sweep, "keep.toml")), tmp_path / "keep.nc")
    kept = '[kept]\nfile = "keep.nc"\nat = { "electrons.hubbard_u" = 3.0 }\n'
    found = record_of(MODEL + MOTION + kept, tmp_path)["evolution"]
    state = rp.load(tmp_path / "keep.nc", at={"electrons.hubbard_u": 3.0}).ground
    assert found["energy"][0] == pytest.approx(rp.evolve(parse(MODEL, "a").model, [0.0], 3, initial=state).energy[0])
    again = at_point(study_of(MODEL + MOTION + kept, tmp_path), {"phonons.electron_coupling": 0.4})
    assert again.tasks[0].kept.file == str(tmp_path / "keep.nc")
    with pytest.raises(ValueError, match="holds many points"):
        study_of(MODEL + MOTION + 'kept.file = "keep.nc"\n', tmp_path)


def test_a_file_that_has_changed_is_refused(folder):
    study = study_of(MODEL + MOTION + 'kept.file = "keep.nc"\n', folder)
    rp.ground_state(study.model, 3).save(folder / "keep.nc")
    kept = study.tasks[0].kept
    assert kept.levels is not None  # in memory
    with pytest.raises(ValueError, match="has changed"):
        str(replace(kept, digest="0" * 64).levels)


WRONG = {
    'kept.file = "none.nc"\n': r"kept\.file: got .none\.nc.; allowed: a file that levels\.save",
    'kept.file = "model.txt"\n': "not a NetCDF file",
    'kept = { file = "keep.nc", level = 9 }\n': r"kept\.level: got 9; allowed: 0 to 3",
    'kept = { file = "keep.nc", at = { "bosons.level" = 1.0 } }\n': "is not swept",
    'kept.file = 3\n': r"kept\.file: got 3",
    'kept.level = 0\n': r"kept\.file",
    "": r"evolution\.initial: got .kept.; leave it out, or add \[kept\]",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_wrong_files_levels_and_points_are_refused(text, folder):
    (folder / "model.txt").write_text("levels")
    with pytest.raises(ValueError, match=WRONG[text]):
        study_of(MODEL + MOTION + text, folder)


def test_a_motion_needs_the_charges_of_the_kept_state(folder):
    with pytest.raises(ValueError, match=r"sector\.charge: got 2; allowed: charge = 3 and two_sz = 1"):
        study_of(MODEL.replace("charge = 3", "charge = 2") + MOTION + 'kept.file = "keep.nc"\n', folder)
