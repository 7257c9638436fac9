"""The benchmark data of the repository: converged, whole, and what comes out when they are computed again."""

from pathlib import Path

import numpy as np
import pytest

from respair.studies import read_dataset, verify_dataset

SHIPPED = Path(__file__).resolve().parents[2] / "notebooks" / "data" / "resonant-pairing"
RING = {"phonons.boson_coupling": 0.0, "bosons.exchange": 0.8, "cluster.sites": 3}
LIGAND = {"phonons.electron_coupling": 1.3, "phonons.frequency": 1.0}


@pytest.mark.long
@pytest.mark.parametrize("at", [pytest.param(RING, marks=pytest.mark.slow), LIGAND], ids=["ring", "ligand"])
def test_the_published_benchmark_data_come_out_again(at):
    found = verify_dataset(SHIPPED, at=at)
    assert found.problems == ()
    assert len(found.recomputed) == 1


@pytest.mark.slow
def test_all_of_the_published_benchmark_data_come_out_again():
    found = verify_dataset(SHIPPED, points=None)
    assert found.problems == ()
    assert len(found.recomputed) == 99


def test_the_published_benchmark_data_are_converged():
    dataset = read_dataset(SHIPPED)
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < 2_000_000
    for each in dataset.studies.values():
        assert set(each.data["status"].values.ravel()) == {"done"}
        assert float(each.data["energy_errors"].max()) < 4e-8
        assert float(each.data["coherence_stiffness_error"].max()) < 1e-7


def test_the_published_ligand_holds_one_electron_at_the_resonance():
    """alpha_c^2 = 7 / (4 omega0): the charge passes through 1 between the values of the sweep beside it."""
    data = read_dataset(SHIPPED)["ligand-centre"].data
    alpha = data["phonons.electron_coupling"].values
    for omega0 in data["phonons.frequency"].values:
        charge = data["electron_density"].sel({"phonons.frequency": omega0}).isel(site=4).values
        assert np.array_equal(charge > 1, alpha > np.sqrt(7 / (4 * omega0)))
