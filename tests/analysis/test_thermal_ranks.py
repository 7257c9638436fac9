"""Thermal sums on several ranks: large blocks are shared, and each rank sums over some of the others alone."""

from dataclasses import replace

import numpy as np
import pytest
from thread_ranks import on_ranks

from respair import Bosons, Electrons, Ensemble, Model, Options, Phonons, Sampling, Sector, ring, thermal_averages
from respair._core.ranks import current_ranks
from respair.analysis.thermal import block_sums
from respair.analysis.thermal.block_sums import apart
from respair.analysis.thermal.block_terms import Averages
from respair.analysis.thermal.blocks import plan
from respair.analysis.thermal.ensembles import ThermalSum
from respair.hamiltonians.symmetry import block as blocks
from respair.solvers.engines import tensor

MODEL = Model(
    ring(4), Electrons(1.0, hubbard_u=0.7), Bosons(0.2, exchange=0.8), Phonons(1.0, boson_coupling=0.6, total_quanta=2)
)
SAMPLING = Sampling(method="ftlm", samples=3, steps=20, exact_levels=1)
CANONICAL = Ensemble("canonical", Sector(4))


@pytest.fixture(autouse=True)
def small_blocks_are_shared(monkeypatch):
    monkeypatch.setattr(blocks, "SHARED_FROM", 30)
    monkeypatch.setattr(tensor, "SMALL", 30)
    monkeypatch.setattr(tensor, "suits_lapack", lambda *_: False)


def averages():
    return thermal_averages(MODEL, [0.3, 2.0], CANONICAL, SAMPLING, cutoff_errors=False)


@pytest.mark.long
@pytest.mark.parametrize("limit", ["as they are", "all large"])
def test_averages_are_those_of_one_rank_and_each_block_is_summed_once(limit, monkeypatch):
    wanted = averages()
    if limit == "all large":
        monkeypatch.setattr("respair.analysis.thermal.blocks.Planned.fits_one_process", lambda *_: False)
    here, done = block_sums._here, []

    def noted(one, missing):
        for each, part, seconds in here(one, missing):
            ranks = current_ranks()
            done.append((each.number, ranks.rank if ranks else None))
            yield each, part, seconds

    monkeypatch.setattr(block_sums, "_here", noted)
    for found in on_ranks(2, lambda ranks: averages()):
        for name, values in wanted.data_vars.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(found[name].values, values.values, rtol=1e-8, atol=1e-8, err_msg=name)
    alone = [number for number, rank in done if rank is None]
    shared = [number for number, rank in done if rank is not None]
    assert len(set(alone)) == len(alone)
    assert sorted(shared) == sorted(2 * list(set(shared)))
    assert not set(alone) & set(shared)
    assert bool(shared) == (limit == "all large")


def test_blocks_are_dealt_out_by_their_time():
    asked = ThermalSum.of(MODEL, [1.0], CANONICAL, SAMPLING)
    planned, _ = plan(asked)
    together, own = apart(planned, asked, 3)
    assert not together
    assert sorted(each.number for some in own for each in some) == [each.number for each in planned]
    times = [sum(each.seconds(SAMPLING) for each in some) for some in own]
    assert max(times) - min(times) <= max(each.seconds(SAMPLING) for each in planned)
    large = [replace(each, stored=each.entries // 3 + 1) for each in planned]
    together, own = apart(large, replace(asked, options=Options(memory_limit=1)), 3)
    assert sorted(each.number for each in together) == [each.number for each in planned if not each.exact]
    together, own = apart([*large[:1], *(replace(e, entries=9, stored=9) for e in large[1:])], asked, 3)
    assert [each.number for each in together] == [large[0].number]


def test_an_error_of_one_rank_is_raised_by_all(monkeypatch):
    over = Averages.on_blocks

    def failing(self, asked):
        sum_over = over(self, asked)

        def one(planned):
            if planned.number == 3:
                raise ArithmeticError(f"block {planned.number}")
            return sum_over(planned)

        return one

    monkeypatch.setattr(Averages, "on_blocks", failing)
    raised = []

    def work(ranks):
        try:
            averages()
        except ArithmeticError as error:
            raised.append(str(error))

    on_ranks(2, work)
    assert raised == ["block 3"] * 2
