"""Studies from Python: the model of a model file, its sweep, and going on after an interrupt."""

import numpy as np
import pytest
from amounts import cases
from hypothesis import given, settings
from same import assert_same
from strategies import models

import respair
from respair.studies import StudyError
from respair.studies.execution import plan, runner

MODEL = respair.Model(
    respair.ring(3),
    respair.Electrons(1.0, hubbard_u=[0.5, 0.0, 0.25]),
    respair.Bosons({"site": -0.2}, 0.5),
    respair.Phonons(1.0, on=[1], boson_coupling=0.3, max_quanta=1),
    flux=0.4,
    name='three "sites" at φ',
)
SWEEP = {"bosons.exchange": [0.25, 0.5], "field.flux": {"start": 0.0, "stop": 0.4, "count": 2}}


@pytest.mark.long
def test_a_study_of_a_model_is_the_ground_state_at_each_point():
    data = respair.study(MODEL, 2, sweep=SWEEP, ground_state={"states": 2}).run()
    assert data["energies"].dims == ("bosons.exchange", "field.flux", "level")
    levels = respair.ground_state(MODEL, 2, 2)
    np.testing.assert_allclose(data["energies"].values[1, 1], levels.energies, rtol=0, atol=1e-9)
    assert respair.study(MODEL, 2).study.name == MODEL.name


@settings(max_examples=cases(40), deadline=None)
@given(model=models())
def test_every_model_is_studied_as_it_is(model):
    found = respair.study(model, 0, ground_state={"observables": []}).study.model
    assert found.cluster == model.cluster
    for name, array in vars(model.couplings).items():
        np.testing.assert_array_equal(getattr(found.couplings, name), array)


@pytest.mark.parametrize(
    "make", [respair.site, respair.dimer, respair.ladder, respair.plaquette, respair.ligand_centre]
)
def test_named_clusters_keep_their_symmetries(make):
    cluster = make(3) if make in (respair.ladder, respair.ligand_centre) else make()
    model = respair.Model(cluster, respair.Electrons(0.5))
    assert respair.study(model, 1).study.model.cluster == cluster


def test_a_model_file_says_everything(tmp_path):
    file = tmp_path / "dimer.toml"
    file.write_text("schema = 1\ncluster.kind = 'dimer'\nelectrons.hopping = 1.0\nsector.charge = 1\n")
    assert float(respair.study(file).run()["energies"][0]) == pytest.approx(-1.0, abs=1e-12)
    with pytest.raises(ValueError, match="leave sector, sweep and tables out"):
        respair.study(file, 2)


@pytest.mark.long
def test_an_interrupted_study_goes_on_in_its_folder_with_two_workers(tmp_path, monkeypatch):
    study = respair.study(MODEL, 2, sweep=SWEEP)
    compute, calls = runner.compute_or_fail, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return compute(*arguments, **options)

    monkeypatch.setattr(runner, "compute_or_fail", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study.run(tmp_path / "ring.study")
    assert len(list((tmp_path / "ring.study" / "points").iterdir())) == 2
    assert_same(study.run(tmp_path / "ring.study", workers=2), study.run())
    assert len(calls) == 3
    with pytest.raises(StudyError, match="is of another model file"):
        respair.study(MODEL, 1, sweep=SWEEP).run(tmp_path / "ring.study")


def test_progress_is_for_terminals_only(capfd):
    plan.study(MODEL, 2).run()
    assert capfd.readouterr() == ("", "")
