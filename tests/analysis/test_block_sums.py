"""Sums over blocks: in several processes as in one, gone on with after an interruption, whatever they are sums of."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from respair import (
    Bosons,
    Electrons,
    Model,
    Options,
    Sector,
    dimer,
    ring,
    thermal_averages,
    thermal_flux_response,
    thermal_spectral_function,
)
from respair.analysis import probe
from respair.analysis.thermal.ensembles import Ensemble, Sampling
from respair.cli.commands import app
from respair.hamiltonians import annihilate, create
from respair.studies import Workers, parse, records, run

MODEL = Model(ring(3), Electrons(1.0), Bosons(0.1, 0.8))
T, HOW = [0.2, 1.0], Sampling("ftlm", samples=3, steps=20)
KIND = Ensemble("canonical", Sector(6))


def averages(options, say=lambda what: None):
    def progress(done, count, what):
        say(what)

    return thermal_averages(MODEL, T, KIND, HOW, ["pair_exchange"], options, progress=progress)


def spectrum(options, say=lambda what: None, name="electron"):
    how = ([-0.5, 0.0, 1.0], 0.3, "lorentzian", KIND, HOW)
    return thermal_spectral_function(MODEL, probe(MODEL, name), T, *how, options, say)


def exact_spectrum(options, say=lambda what: None):
    two = replace(MODEL, cluster=dimer())
    return thermal_spectral_function(two, probe(two, "boson"), T, [0.5], options=options, progress=say)


def conductivity(options, say=lambda what: None):
    return spectrum(options, say, "current")


def flux(options, say=lambda what: None):
    return thermal_flux_response(MODEL, [0.0, 1.0], T, KIND, HOW, options, say)


SUMS = [averages, spectrum, exact_spectrum, conductivity, flux]


@pytest.fixture(scope="module")
def workers():
    with Workers(2) as pool:
        yield pool


@pytest.mark.parametrize("compute", SUMS)
def test_two_processes_give_what_one_gives(compute, workers):
    alone, together = compute(Options()), compute(Options(pool=workers))
    assert len(workers.pids) == 2
    for name in alone.data_vars:
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-9, atol=1e-11, err_msg=str(name))


class StopError(Exception):
    """An interruption."""


def stopping(after):
    """Return what hears the progress and interrupts it after so many messages, and the messages."""
    heard = []

    def say(what):
        heard.append(what)
        if len(heard) > after:
            raise StopError

    return say, heard


@pytest.mark.parametrize("compute", SUMS)
def test_an_interrupted_sum_goes_on_from_its_finished_blocks(compute, tmp_path):
    options = Options(checkpoint=tmp_path / "ring.checkpoint", checkpoint_interval=0.0)
    say, everything = stopping(np.inf)
    whole = compute(Options(), say)
    with pytest.raises(StopError):
        compute(options, stopping(len(everything) // 2)[0])
    files = sorted((tmp_path / "ring.blocks").iterdir())
    assert len(files) > 2
    files[0].write_bytes(files[0].read_bytes()[:-3])  # torn
    damaged = bytearray(files[1].read_bytes())
    damaged[40] ^= 1
    files[1].write_bytes(bytes(damaged))
    say, heard = stopping(np.inf)
    again = compute(options, say)
    assert len(heard) <= len(everything) - len(files) + 2  # two were spoiled
    for name in whole.data_vars:
        np.testing.assert_array_equal(again[name], whole[name], err_msg=str(name))
    assert not (tmp_path / "ring.blocks").exists()


def test_what_goes_wrong_elsewhere_is_raised_here_and_the_workers_go_on(workers):
    with pytest.raises(MemoryError, match="memory_limit is 488 B"):
        averages(Options(pool=workers, memory_limit=977))
    larger, spoiled = replace(MODEL, cluster=ring(6)), Options(pool=workers, max_matvecs=1)
    with pytest.raises((ArithmeticError, RuntimeError), match=r"ConvergenceError|did not converge"):
        thermal_averages(larger, T, Ensemble("sector", Sector(12, momentum=1)), HOW, options=spoiled)
    assert float(averages(Options(pool=workers)).energy[0]) == pytest.approx(float(averages(Options()).energy[0]))


def test_terms_that_cannot_be_sent_are_refused(workers):
    model = replace(MODEL, terms=(lambda m: create(0, "up") * annihilate(0, "up"),))
    with pytest.raises(ValueError, match="cannot be sent to other processes"):
        thermal_averages(model, T, KIND, HOW, options=Options(pool=workers))


TEXT = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons.hopping = 1.0
bosons = { level = 0.1, exchange = 0.8 }
solver.checkpoint_interval = 0.0
spectrum = { frequencies = [0.0, 0.5], broadening = 0.2 }
flux.values = [0.0, 0.5]
sector.charge = 6

[thermal]
ensemble = "sector"
temperatures = [0.3, 1.0]
method = "ftlm"
samples = 2
observables = ["pair_exchange"]
"""


def test_a_model_file_goes_on_from_the_blocks_of_all_its_sums(tmp_path):
    study, checkpoint = parse(TEXT, "ring.toml"), tmp_path / "ring.checkpoint"

    class Interrupting:
        def __init__(self, after):
            self.heard, self._after = 0, after

        def step(self, what):
            self.heard += 1
            if self.heard > self._after:
                raise StopError

        def point(self, *args):
            pass

        done = lanczos = point

    listener = Interrupting(np.inf)
    whole = run(study, listener)
    with pytest.raises(StopError):
        run(study, Interrupting(listener.heard - 4), checkpoint=checkpoint)
    again = Interrupting(np.inf)
    assert records(run(study, again, checkpoint=checkpoint)) == records(whole)
    assert again.heard < listener.heard / 2
    assert list(tmp_path.iterdir()) == []


def test_workers_of_the_command_line_take_the_blocks(tmp_path):
    (tmp_path / "ring.toml").write_text(TEXT)
    command = ["run", str(tmp_path / "ring.toml"), "--json", "--out", str(tmp_path), "--workers", "2"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.stderr
    assert "chemical_potential" in done.stdout
