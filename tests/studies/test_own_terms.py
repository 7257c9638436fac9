"""Terms of one's own: studied, swept, kept in a folder, computed by several processes, and published."""

import dataclasses

import numpy as np
import pytest
from same import assert_same

import respair
from respair.hamiltonians import electron_number, with_parameter
from respair.studies import DatasetError, at_point
from respair.studies.execution import runner


def attraction(model):
    """Return a sum over sites of a third of U times n_i n_0."""
    strength = model.electrons.hubbard_u / 3
    return sum((strength * electron_number(i) * electron_number(0) for i in range(1, 3)), respair.Operator({}))


MODEL = respair.Model(respair.chain(3), respair.Electrons(1.0, hubbard_u=1.5), terms=(attraction,), name="own term")
SWEEP = {"electrons.hubbard_u": [0.75, 1.5, 3.0]}


def planned(model=MODEL):
    return respair.study(model, 2, sweep=SWEEP, ground_state={"observables": ["electron_density"]})


def test_a_sweep_varies_the_model_with_its_terms():
    data = planned().run()
    for i, value in enumerate(SWEEP["electrons.hubbard_u"]):
        levels = respair.ground_state(with_parameter(MODEL, "electrons.hubbard_u", value), 2)
        assert data["energies"].values[i, 0] == pytest.approx(levels.energies[0], abs=1e-10)
    bare = planned(dataclasses.replace(MODEL, terms=())).run()
    assert np.all(np.abs(data["energies"] - bare["energies"]) > 1e-3)


def test_a_point_keeps_the_terms_and_the_text_names_them():
    study = planned().study
    assert at_point(study, {"electrons.hubbard_u": 6.0}).model.terms == (attraction,)
    assert "# terms of one's own: " in study.text


def test_a_folder_belongs_to_the_terms_and_goes_on(tmp_path, monkeypatch):
    first = planned().run(tmp_path / "study")
    compute, calls = runner.compute_or_fail, []
    monkeypatch.setattr(runner, "compute_or_fail", lambda *a, **k: calls.append(a) or compute(*a, **k))
    assert_same(planned().run(tmp_path / "study"), first)
    assert calls == []
    other = dataclasses.replace(MODEL, terms=(lambda model: 2.0 * attraction(model),))
    with pytest.raises(respair.studies.StudyError, match="is of another"):
        planned(other).run(tmp_path / "study")


def test_terms_that_no_other_process_knows_are_refused_by_workers():
    own = dataclasses.replace(MODEL, terms=(lambda model: attraction(model),))
    with pytest.raises(ValueError, match="user-defined terms"):
        planned(own).run(workers=2)


@pytest.mark.long
def test_a_dataset_is_verified_by_whoever_has_the_terms(tmp_path):
    made = respair.build_dataset([planned()], tmp_path / "data", licence="CC0-1.0")
    assert list(made.studies) == ["own-term"]
    assert "terms of their authors' own" in (tmp_path / "data/README.md").read_text()
    terms = {"own-term": (attraction,)}
    assert respair.verify_dataset(tmp_path / "data", None, terms=terms).sound
    with pytest.raises(DatasetError, match="terms="):
        respair.read_dataset(tmp_path / "data")
    with pytest.raises(DatasetError, match="not those"):
        respair.read_dataset(tmp_path / "data", terms={"own-term": (lambda m: 2.0 * attraction(m),)})


def test_a_cluster_of_ones_own_is_kept_and_cannot_be_published(tmp_path):
    bonds = (dataclasses.replace(MODEL.cluster.bonds[0], winding=0.5), *MODEL.cluster.bonds[1:])
    cluster = dataclasses.replace(MODEL.cluster, kind="custom", bonds=bonds)
    plan = respair.study(respair.Model(cluster, respair.Electrons(1.0)), 1)
    assert plan.study.model.cluster == cluster
    assert plan.run()["energies"].sizes == {"level": 1}
    with pytest.raises(DatasetError, match="cluster"):
        respair.build_dataset([plan], tmp_path / "data")


def test_terms_of_ones_own_are_explored():
    from respair.explorer.engine import Engine
    from respair.explorer.screen import Screen
    from respair.studies import Quiet

    screen = Screen.of(planned().study).changed("electrons.hubbard_u", 3.0)
    answer = Engine().answer(screen, "state", Quiet(), lambda part: None)
    levels = respair.ground_state(with_parameter(MODEL, "electrons.hubbard_u", 3.0), 2)
    assert float(answer.data["energies"][0]) == pytest.approx(levels.energies[0], abs=1e-8)
