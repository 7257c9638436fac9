"""Exact values from independent codes, through the command line and through Python."""

import json
from functools import reduce
from pathlib import Path

import numpy as np
import oracle_cases
import pytest
import tomli_w
from oracle_cases import BUILDERS, CASES, answers, files, ligand
from typer.testing import CliRunner

from respair.analysis import expectation
from respair.cli.commands import app
from respair.hamiltonians import annihilate, create
from respair.hamiltonians.operators import total
from respair.solvers import ground_state
from respair.studies import parse, records, run

SECOND = json.loads(Path(oracle_cases.__file__).with_name("oracles-2.json").read_text())["cases"]
"""Cases that are whole model files, with what they expect at places of the record."""
MINE = [case for case in CASES if case["family"] in BUILDERS]


def check(case, found):
    assert found, f"{case['id']} states nothing that was compared"
    for quantity, got, want in found:
        np.testing.assert_allclose(got, want, rtol=0, atol=case["tolerance"], err_msg=f"{case['id']}: {quantity}")


@pytest.fixture(scope="module")
def command_line(tmp_path_factory, request):
    """Run all selected cases in one call of the command line; return its records by case and file."""
    selected = {item.name for item in request.session.items if item.path == request.path}
    chosen = [case for case in MINE if f"test_oracle_through_the_command_line[{case['id']}]" in selected]
    folder = tmp_path_factory.mktemp("oracles")
    names = []
    for number, case in enumerate(chosen):
        for key, text in files(case).items():
            path = folder / f"{number}-{key}.toml"
            path.write_text(text)
            names.append((case["id"], key, path))
    done = CliRunner().invoke(app, ["run", *(str(path) for *_, path in names), "--json", "--out", str(folder / "out")])
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(path) for *_, path in names]
    found = {}
    for (case, key, _), line in zip(names, lines, strict=True):
        found.setdefault(case, {})[key] = line
    return found


FIRST = list({case["family"]: case for case in reversed(MINE)}.values())
BY_DEFAULT = [*MINE[::3], *FIRST]
EVERY = [pytest.param(case, id=case["id"], marks=[] if case in BY_DEFAULT else pytest.mark.slow) for case in MINE]


@pytest.mark.parametrize("case", EVERY)
def test_oracle_through_the_command_line(case, command_line):
    check(case, answers(case, command_line[case["id"]]))


@pytest.mark.long
@pytest.mark.parametrize("case", FIRST, ids=[case["id"] for case in FIRST])
def test_oracle_through_python(case):
    found = {key: records(run(parse(text, f"{key}.toml")))[0] for key, text in files(case).items()}
    check(case, answers(case, found))


def test_every_family_of_this_version_is_there():
    assert {case["family"] for case in MINE} == set(BUILDERS)


@pytest.mark.parametrize("case", [c for c in MINE if c["family"] == "ligand_cluster"], ids=lambda case: case["id"])
def test_pair_transfer_between_ring_and_ligand(case):
    """<c+_Pup c+_Pdn c_Adn c_Aup> with c_A = (1/2) sum_i c_i, an operator that a user writes himself."""
    model = ligand(case["params"], case["params"]["alpha"])
    study = parse(tomli_w.dumps({"schema": 1, **model, "sector": {"charge": 2}}), "case.toml")
    ring = {spin: total(0.5 * annihilate(i, spin) for i in range(4)) for spin in ("up", "dn")}
    transfer = create(4, "up") * create(4, "dn") * ring["dn"] * ring["up"]
    value = expectation(ground_state(study.model, study.sector).ground, transfer)
    assert value.real == pytest.approx(case["value"]["pair_transfer"], abs=case["tolerance"])


def number(value):
    """A JSON value with its complex numbers."""
    if isinstance(value, dict):
        return complex(value["re"], value["im"])
    return [number(item) for item in value] if isinstance(value, list) else value


LONG = ("pub_inf_bipolaron",)
FILES = [pytest.param(c, id=c["id"], marks=[pytest.mark.slow] if c["id"] in LONG else []) for c in SECOND]


@pytest.mark.parametrize("case", FILES)
def test_oracle_that_is_a_model_file(case):
    (record,) = records(run(parse(tomli_w.dumps({"schema": 1, **case["model"]}), "case.toml")))
    for expected in case["expect"]:
        path = expected["path"].split(".")
        found = reduce(lambda part, key: part[int(key)] if isinstance(part, list) else part[key], path, record)
        wanted = number(expected["value"])
        np.testing.assert_allclose(number(found), wanted, rtol=0, atol=expected["tolerance"], err_msg=expected["path"])
