"""What a release says of itself: the same version, licence and requirements in every file."""

import json
import re
import tomllib

import pytest
from pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def yaml_value(text, key):
    return re.search(rf'^{key}: *"?([^"\n]+?)"?$', text, re.MULTILINE)[1]


CITATION = (ROOT / "CITATION.cff").read_text()
CODEMETA = json.loads((ROOT / "codemeta.json").read_text())
ZENODO = json.loads((ROOT / ".zenodo.json").read_text())
RECIPE = (ROOT / "conda" / "meta.yaml").read_text()


@pytest.mark.parametrize(
    "version",
    [
        yaml_value(CITATION, "version"),
        CODEMETA["version"],
        ZENODO["version"],
        re.search(r'set version = "([^"]+)"', RECIPE)[1],
        re.search(r"^## (\d[\w.]*) - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1],
    ],
)
def test_every_file_names_the_same_version(version):
    assert version == PROJECT["version"]


def test_every_file_names_the_same_licence_title_and_keywords():
    assert yaml_value(CITATION, "license") == ZENODO["license"] == PROJECT["license"]
    assert CODEMETA["license"].endswith(PROJECT["license"])
    assert yaml_value(CITATION, "title") == ZENODO["title"]
    assert (
        re.findall(r"^  - (.+)$", CITATION.partition("keywords:")[2].partition("abstract:")[0], re.MULTILINE)
        == (PROJECT["keywords"])
    )
    assert CODEMETA["keywords"] == ZENODO["keywords"] == PROJECT["keywords"]


def test_the_recipe_and_the_metadata_require_what_the_package_requires():
    run = RECIPE.partition("  run:\n")[2].partition("\n\n")[0]
    wanted = {re.sub(r"([\w-]+)(.*)", r"\1 \2", line) for line in PROJECT["dependencies"]}
    there = {line.strip("- ").replace("matplotlib-base", "matplotlib") for line in run.splitlines()}
    assert there == {*wanted, f"python {PROJECT['requires-python']}"}
    needed = sorted(re.match(r"[\w-]+", d)[0] for d in PROJECT["dependencies"])
    assert sorted(CODEMETA["softwareRequirements"]) == needed


def test_every_file_describes_the_package_alike_and_names_the_same_day():
    said = re.sub(r"<[^>]+>", "", ZENODO["description"])
    assert CODEMETA["description"] == said
    assert " ".join(CITATION.partition("abstract: >-\n")[2].partition("references:")[0].split()) == said
    changes = (ROOT / "CHANGELOG.md").read_text()
    (day,) = re.findall(rf"^## {re.escape(PROJECT['version'])} - (.+)$", changes, re.MULTILINE)
    assert yaml_value(CITATION, "date-released") == day


def test_the_bibliography_of_the_software_is_that_of_the_citation():
    dois = set(re.findall(r"^ +doi: (\S+)", CITATION, re.MULTILINE))
    assert {each["id"].removeprefix("https://doi.org/") for each in CODEMETA["referencePublication"]} == dois
    assert {each["identifier"] for each in ZENODO["related_identifiers"]} == dois


def test_binder_installs_what_the_notebooks_need():
    wanted = (ROOT / ".binder" / "requirements.txt").read_text().split()
    extras = re.fullmatch(r"\.\[([\w,]+)\]", wanted[0])[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert {"explore", "notebook"} <= set(extras)


def test_the_readme_shows_what_a_package_index_can_show():
    readme = (ROOT / "README.md").read_text()
    assert PROJECT["readme"] == "README.md"
    assert "<script" not in readme


PAPER = (ROOT / "paper" / "paper.md").read_text(encoding="utf-8")


def test_the_paper_has_the_parts_and_the_length_that_journals_of_software_ask_for():
    sections = re.findall(r"^# (.+)$", PAPER, re.MULTILINE)
    assert {"Summary", "Statement of need", "State of the field", "AI usage disclosure", "References"} <= set(sections)
    assert 750 <= len(PAPER.partition("# Summary")[2].split()) <= 1750


def test_the_numbers_of_the_paper_are_those_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    for number in ("-13.02548353(6)", "2,080 random models", "31 million amplitudes"):
        assert number in " ".join(PAPER.split())
        assert number in " ".join(readme.split())
