"""The documentation: its examples run, its links have a form, its words are the field's and always the same."""

import re
from functools import cache

import pytest
from pages import DOCS, README, ROOT, blocks, run_page

TEXTS = [README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *DOCS]
ROOMS = ("clusters", "hamiltonians", "solvers", "analysis", "studies")
SOURCES = [
    *TEXTS,
    *(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]
SPELLINGS = {
    "anti-adiabatic": r"antiadiabatic|anti adiabatic",
    "bipolaron": r"bi-polaron",
    "boson-fermion": r"fermion-boson|bosonfermion|Boson-Fermion",
    "centre": r"\b[Cc]enter\b(?!\\?\")",
    "colour": r"\b[Cc]olor\b(?!=)",
    "cutoff": r"cut-off",
    "diagonalization": r"diagonalisation",
    "diagonalise": r"diagonalize",
    "eigenstate": r"eigen-state",
    "eigenvalue": r"eigen-value",
    "grand-canonical": r"grand canonical",
    "hard-core": r"\bhardcore\b|hard core boson",
    "Hubbard": r"\bhubbard (?:model|dimer)",
    "Lanczos": r"\blanczos (?:method|recursion)|Lanczös",
    "Lang-Firsov": r"Lang Firsov|Lang–Firsov|Lang-firsov",
    "labelled": r"labeled",
    "matrix-free": r"matrix free",
    "neighbour": r"neighbor",
    "normalise": r"normaliz",
    "optimise": r"(?<!\.)(?<!import )(?<![ \"]as )\boptimi[z]e[ds]?\b(?![=.,\"])",
    "pseudogap": r"pseudo-gap",
    "quasi-particle": r"quasiparticle",
}
"""The spelling of each term, and the others that are not used."""


@cache
def texts():
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in SOURCES}


def lines_with(pattern, text):
    return [line for line in text.splitlines() if pattern.search(line)] if pattern.search(text) else []


@pytest.mark.long
@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_the_examples_of_the_documentation_run(page, tmp_path):
    run_page(page, tmp_path)


def test_the_documentation_shows_examples_of_each_kind():
    languages = {block.language for page in DOCS for block in blocks(page)}
    assert languages >= {"python", "toml", "console"}


@pytest.mark.parametrize("term", SPELLINGS)
def test_terms_are_spelt_in_one_way(term):
    wrong = re.compile(SPELLINGS[term])
    assert not [f"{place}: {line.strip()[:100]}" for place, text in texts().items() for line in lines_with(wrong, text)]


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_elsewhere_are_whole_and_safe(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((\w+:[^)\s]+)\)", text)
    assert not [link for link in links if not re.fullmatch(r"https://[\w.-]+\.[a-z]+(/[\w./%~+#=?&-]*)?", link)]
    dois = [link for link in links if "doi.org" in link]
    assert not [doi for doi in dois if not re.fullmatch(r"https://doi\.org/10\.\d{4,}/[\w./-]+", doi)]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT / "docs")))
def test_every_page_is_in_a_table_of_contents(page):
    if page.name == "index.md" and page.parent == ROOT / "docs":
        return
    listed = "\n".join(other.read_text(encoding="utf-8") for other in DOCS if other.name == "index.md")
    name = page.relative_to(ROOT / "docs").with_suffix("")
    assert re.search(rf"^{re.escape(str(name))}$", listed, re.MULTILINE)


def test_each_start_takes_at_most_fifteen_lines():
    (starts,) = (page for page in DOCS if page.name == "starts.md")
    shown = [block for block in blocks(starts) if block.language in ("python", "toml")]
    assert len(shown) == 5
    assert all(len(list(filter(str.strip, block.text.splitlines()))) <= 15 for block in shown)
