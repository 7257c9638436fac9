"""The one table of couplings, what is made from it, and the older name of the frame."""

import inspect
import re
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from respair.clusters import KINDS, ring
from respair.hamiltonians import TERMS, Bosons, Electrons, InvalidModel, Model, Phonons
from respair.hamiltonians.formula import SUMS, html
from respair.hamiltonians.parameters import COUPLINGS, FIELDS, SPECIES
from respair.solvers.checkpoint import fingerprint
from respair.studies import parse
from respair.studies.file.schema import CLUSTERS, TABLES

FILE = """
schema = 1
cluster = {{ kind = "ring", sites = 3 }}
electrons = {{ hopping = 1.0 }}
phonons = {{ frequency = 1.0, electron_coupling = 0.5, max_quanta = 2, {} }}
sector.charge = 2
"""
FINGERPRINT = "c3d0cf7b4102232cb473ee071007d80f40e4874f704f2283945035548517f54d"


def test_every_coupling_has_one_term_and_every_term_a_coupling():
    assert [term.key for term in TERMS.values()] == [*COUPLINGS, "ensemble.chemical_potential"]
    assert {entry.part for entry in COUPLINGS.values()} == {"", "hopping", "exchange", "lattice", "coupling"}


@pytest.mark.parametrize("key", COUPLINGS)
def test_formulas_have_no_latex_left_when_they_are_shown(key):
    entry = COUPLINGS[key]
    shown = html(entry.latex) + html(entry.term(varies=False))
    assert "\\" not in shown
    assert "{" not in shown
    assert "_" not in shown
    assert entry.place in SUMS
    assert entry.low <= entry.default <= entry.high


@pytest.mark.parametrize("species", SPECIES)
def test_keys_of_a_species_are_described_and_taken_by_model_files(species):
    kind = SPECIES[species]
    attributes = re.search(r"^Attributes\n-+\n(.*?)(?=^\S.*\n-+$|\Z)", inspect.getdoc(kind), re.M | re.S)[1]
    described = re.findall(r"^(\w+) :", attributes, re.M)
    assert described == [f.name for f in fields(kind)]
    assert set(described) <= TABLES[species].model_fields.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_a_cluster_are_the_arguments_of_its_function(kind):
    assert list(CLUSTERS[kind].model_fields) == ["kind", *inspect.signature(KINDS[kind]).parameters]


def test_a_term_is_the_sum_of_sign_coupling_and_operator():
    model = Model(ring(3), Electrons(level=[0.1, 0.2, 0.3]), Bosons(), Phonons([1.0, 2.0, 3.0], max_quanta=1))
    for m, values in enumerate(zip(model.couplings.electron_level, model.couplings.frequency, strict=True)):
        for name, value in zip(("electron_level", "lattice"), values, strict=True):
            place = TERMS[name].at(model, m)
            assert all(TERMS[name](model).terms[word] == value * x for word, x in place.terms.items())


def test_couplings_of_an_absent_species_are_zero_and_all_are_read_only():
    couplings = Model(ring(3), Electrons(1.0)).couplings
    assert not np.any(couplings.boson_hopping)
    assert couplings.frequency.shape == (0,)
    with pytest.raises(FrozenInstanceError):
        couplings.frequency = 1.0
    with pytest.raises(ValueError, match="read-only"):
        couplings.electron_hopping[0] = 2.0


def test_the_older_name_of_the_frame_is_taken_everywhere():
    new, old = Phonons(1.0, max_quanta=2, frame="mean"), Phonons(1.0, max_quanta=2, displacement="mean")
    assert new == old
    assert replace(new, displacement="none").frame == "none"
    assert old.displacement == "mean"
    files = [parse(FILE.format(f'{key} = "mean"'), "ring.toml") for key in ("frame", "displacement")]
    assert files[0].model == files[1].model
    with pytest.raises(InvalidModel, match=r"phonons.displacement: got \"mean\"; leave it out: .* older name of frame"):
        parse(FILE.format('frame = "mean", displacement = "mean"'), "ring.toml")
    with pytest.raises(InvalidModel, match=r"phonons.displacement: got \"left\""):
        parse(FILE.format('displacement = "left"'), "ring.toml")


def test_checkpoints_made_with_the_older_name_are_still_known():
    """The fingerprint of the version before."""
    assert fingerprint(Phonons(1.3, boson_coupling=0.5, total_quanta=3, frame="mean")) == FINGERPRINT


def test_the_table_also_holds_the_numbers_of_the_whole_model():
    for key in FIELDS:
        table, name = key.split(".")
        assert name in TABLES[table].model_fields
