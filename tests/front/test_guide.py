"""The guide of paper/: its examples run, its citations and numbers stand elsewhere as well, and it can be typeset."""

import os
import re
import subprocess
import sys

import pytest
from pages import DOCS, README, ROOT, blocks, run_page

PAPER = ROOT / "paper"
GUIDE = PAPER / "guide.md"
TEXT = GUIDE.read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", TEXT.partition("\n---\n")[2], flags=re.DOTALL | re.MULTILINE)
MEASURED = PROSE.partition("# The certificate")[2].partition("# Limits")[0]
"""The parts that quote results."""


def words(text):
    return " ".join(text.split())


def test_the_examples_of_the_guide_run(tmp_path):
    _, printed = run_page(GUIDE, tmp_path)
    assert "-2.4696" in printed
    assert {block.language for block in blocks(GUIDE)} >= {"python", "toml", "console"}


def test_lines_of_code_fit_the_page():
    assert not [line for block in blocks(GUIDE) for line in block.text.splitlines() if len(line) > 80]


def test_the_bibliography_holds_what_guide_and_paper_cite_and_nothing_else():
    entries = re.findall(r"^@\w+\{(\w+),", (PAPER / "paper.bib").read_text(encoding="utf-8"), re.MULTILINE)
    paper = (PAPER / "paper.md").read_text(encoding="utf-8").partition("# Summary")[2]
    cited = set(re.findall(r"@(\w+)", PROSE + paper))
    assert len(set(entries)) == len(entries)
    assert cited == set(entries)


def test_what_the_guide_points_to_is_there():
    inside = set(re.findall(r"\{#([\w-]+)", TEXT))
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= inside
    figures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    assert len(figures) == 8
    names = ("factors", "orbit", "instability", "tunnelling", "pseudogap", "stiffness")
    drawn = {f"../docs/generated/{name}.svg" for name in names}
    assert not [path for path in figures if path not in drawn and not (PAPER / path).exists()]


def test_the_numbers_of_the_guide_are_those_of_the_documentation():
    """Every number with three or more digits, or with a thousands separator, of the chapters that quote results."""
    elsewhere = words("\n".join(page.read_text(encoding="utf-8") for page in (*DOCS, README)))
    there = set(re.findall(r"-?\d[\d,.]*(?:e-?\d+)?(?:\(\d+\))?", elsewhere))
    quoted = set(re.findall(r"(?<![\w.])-?\d[\d,.]*\d(?:e-?\d+)?(?:\(\d+\))?", re.sub(r"\{[^}]*\}", "", MEASURED)))
    long = {number.rstrip(".,") for number in quoted if len(re.sub(r"\D", "", number)) >= 3}
    assert len(long) > 60
    assert not sorted(long - {number.rstrip(".,") for number in there})


SAME = (
    "$E_0 = -13.02548353(6)$",
    "2,080 random models",
    "99.5 %",
    "none beyond 1.3",
    "31 million amplitudes",
)


@pytest.mark.parametrize("statement", SAME)
def test_the_guide_and_the_readme_say_the_same(statement):
    assert statement in words(TEXT)
    assert statement in words(README.read_text(encoding="utf-8"))


def test_the_guide_has_the_parts_of_a_guide():
    parts = re.findall(r"^# ([^{\n]+?) *(?:\{|$)", TEXT, re.MULTILINE)
    wanted = ("Statement of need", "State of the field", "Models and conventions", "Method", "Benchmarks", "Limits")
    assert set(wanted) <= set(parts)
    for peer in ("QuSpin", "PySCF", "TeNPy", "block2", "HPhi", "QuTiP", "ALF"):
        assert f"**{peer}**" in TEXT


@pytest.mark.long
def test_guide_and_paper_can_be_typeset(tmp_path):
    """A citation without an entry, or a link without a target, is an error of the build."""
    pytest.importorskip("pypandoc")
    pytest.importorskip("typst")
    command = [sys.executable, str(PAPER / "build.py"), str(tmp_path)]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, fewest, most in (("guide", 15, 25), ("paper", 2, 8)):
        made = (tmp_path / f"{name}.pdf").read_bytes()
        assert fewest <= len(re.findall(rb"/Type ?/Page\b", made)) <= most
    assert not list(PAPER.glob("*.typ"))
