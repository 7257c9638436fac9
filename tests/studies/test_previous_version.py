"""Study folders of the version before: their points are known by the same names, read, and gone on with."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import respair
from respair.studies import parse, read, run, statuses
from respair.studies.execution import runner
from respair.studies.execution.folder import fingerprint, opened

PREVIOUS = Path(__file__).parent / "previous"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(PREVIOUS, tmp_path, dirs_exist_ok=True)
    return tmp_path


def counted(monkeypatch):
    compute, calls = runner.compute_or_fail, []
    monkeypatch.setattr(runner, "compute_or_fail", lambda *a, **k: calls.append(a) or compute(*a, **k))
    return calls


def test_the_points_of_a_model_file_are_taken_and_the_missing_one_is_computed(folder, monkeypatch):
    calls, study = counted(monkeypatch), read(folder / "pair.toml")
    (found,) = statuses(folder / "pair.study")
    assert (found.done, found.failed, found.damaged, found.total) == (2, 0, 0, 3)
    with opened(folder / "pair.study", study) as kept:
        data = run(study, folder=kept).data
    assert len(calls) == 1
    levels = np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(data["energies"].values[:, 0], levels / 2 - np.sqrt(levels**2 / 4 + 0.25), atol=1e-12)


def test_the_points_of_a_study_from_python_are_taken(folder, monkeypatch):
    calls = counted(monkeypatch)
    couplings = respair.Electrons(hopping={"bond": 1.0}), respair.Bosons(exchange=0.5, level=[0.0, 0.1, 0.2, 0.3])
    model = respair.Model(respair.ring(4), *couplings, flux=0.3)
    sweep, asked = {"electrons.hopping.bond": [0.5, 1.0]}, {"observables": ["pair_exchange"]}
    data = respair.study(model, 2, sweep=sweep, ground_state=asked).run(folder / "python.study")
    assert calls == []
    assert data["energies"].sizes == {"electrons.hopping.bond": 2, "level": 1}


def test_the_older_name_of_the_frame_says_the_same():
    """Points that were stored under `displacement` are found under `frame`."""
    phonons = respair.Phonons(1.0, boson_coupling=1.0, max_quanta=2, frame="mean")
    model = respair.Model(respair.ring(4), respair.Electrons(1.0), respair.Bosons(0.5, 0.8), phonons)
    text = respair.study(model, 4).study.text
    older = parse(text.replace("frame =", "displacement ="), "older.toml")
    assert "displacement" in older.tables["phonons"]
    assert fingerprint(older) == fingerprint(parse(text, "newer.toml"))
