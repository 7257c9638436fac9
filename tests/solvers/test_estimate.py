"""What `respair estimate` says against what a run takes."""

import json
import subprocess
import sys

import pytest

from respair.clusters import ring
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.solvers import estimate, ground_state, levels_by_symmetry
from respair.solvers.estimate_cutoff import estimate_run

MEASURED = """
import json, resource, sys
from respair.clusters import ring
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.solvers import ground_state
import respair.studies
model = Model(ring(6), Electrons(1.0), Bosons(0.5, 0.8), Phonons(1.0, boson_coupling=1.0, total_quanta=3))
levels = ground_state(model, Sector(12, momentum=int(sys.argv[1])))
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"memory": unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "products": levels.matvecs}))
"""


def model(sites=4, **caps):
    return Model(ring(sites), Electrons(1.0), Bosons(0.5, 0.8), Phonons(1.0, boson_coupling=1.0, **caps))


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0, 1], ids=["real", "complex"])
def test_memory_is_right_within_a_factor_of_two(momentum):
    done = subprocess.run([sys.executable, "-c", MEASURED, str(momentum)], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)["memory"]
    expected = estimate(model(6, total_quanta=3), Sector(12, momentum=momentum)).memory
    assert 0.5 < expected / measured < 2.0


def test_amplitudes_are_complex_only_where_the_momentum_makes_them_so():
    needs = {m: estimate(model(6, total_quanta=8), Sector(12, momentum=m)) for m in range(6)}
    assert needs[0] == needs[3]
    assert needs[1] == needs[2] == needs[4] == needs[5]
    assert needs[1].memory > 1.3 * needs[0].memory
    assert needs[1].seconds > 1.5 * needs[0].seconds


@pytest.mark.long
def test_stored_amplitudes_of_blocks_are_known_beforehand():
    sector = Sector(8, momentum=0, reflection=1)
    need, found = estimate(model(max_quanta=3), sector), ground_state(model(max_quanta=3), sector)
    assert found.stored == pytest.approx(need.stored, rel=0.4)
    whole, levels = estimate_run(model(max_quanta=3), Sector(8)), levels_by_symmetry(model(max_quanta=3), Sector(8), 3)
    assert levels.stored == pytest.approx(whole.stored, rel=0.2)


def test_a_run_over_all_blocks_takes_less_memory_than_the_whole_sector_and_longer_than_one_block():
    sector, m = Sector(12), model(6, total_quanta=7)
    whole, blocks, one = estimate(m, sector), estimate_run(m, sector), estimate(m, Sector(12, momentum=0, reflection=1))
    assert blocks.dimension == whole.dimension == one.dimension
    assert one.memory < blocks.memory < whole.memory
    assert one.seconds < blocks.seconds < whole.seconds
    assert estimate_run(m, Sector(12, momentum=1)) == estimate(m, Sector(12, momentum=1))


def test_displacements_that_follow_the_charges_are_counted():
    plain, follows = (
        Model(ring(4), Electrons(1.0), Bosons(0.5, 0.8), Phonons(1.0, boson_coupling=1.0, max_quanta=8, displacement=d))
        for d in ("mean", "lang-firsov")
    )
    less, more = (estimate(m, Sector(8, momentum=0, reflection=1)) for m in (plain, follows))
    assert 1.2 * less.seconds < more.seconds < 4 * less.seconds
    assert more.memory > less.memory
