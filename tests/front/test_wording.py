"""Pages, public docstrings and messages are in the plain English of the field: expressions made here do not appear."""

import ast
import re

import pytest
from pages import DOCS, README, ROOT

ROOMS = [ROOT / room for room in ("clusters", "hamiltonians", "solvers", "analysis", "studies", "src/respair")]
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *DOCS, *sorted((ROOT / "paper").glob("*.md"))]
BANNED = {
    "reported, stated": r"\b(?:is|are|was|were|be|being|been) told\b(?! apart)",
    "found from, computed in": r"\bseen on\b",
    "in the place of, like": r"\bwith the face of\b",
    "not a, not an": r"(?<![Tt]here )\b(?:is|are|be) no (?!(?:longer|more|less|smaller|larger|farther|other)\b)",
    "invalid values": r"\bvalues? that cannot be(?= told|[,.;]|$)|\bthat cannot be told\b",
    "silently": r"\bwithout a word\b",
    "configurations, operators": r"\b(?:charge|lattice|phonon) words?\b",
    "gives, shows": r"\bestimate`? tells\b|\btells? of\b|\btells? (?:dimension|before)\b",
    "design": r"\bthe house\b",
    "confirms": r"\blittle sure\b",
    "billion": r"\bthousand million\b",
    "made here": r"\bhome-?made\b",
    "nothing is lost, vanishes": r"\b(?:goes|go|come|comes) to nothing\b",
    "labelled": r"left out, the lowest levels",
    "many": r"\bno end of\b|\bas good as nothing\b",
}
"""What to write, and what not to."""


def messages(tree):
    """Yield the strings of a source that users see: docstrings of public things, errors, and what commands say."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if not getattr(node, "name", "").startswith("_"):
                yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and called(node) in SAYING):
            yield " ".join(part.value for part in ast.walk(node) if is_text(part))


SAYING = {"refuse", "say", "problem", "Problem", "InvalidValue", "InvalidType", "print_out", "warn"}


def called(node):
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def lines_of(path):
    """The lines of a page, or of what a source shows; code of pages is left out."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [line for shown in messages(ast.parse(text)) for line in shown.splitlines()]
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).splitlines()


@pytest.fixture(scope="module")
def shown():
    sources = sorted(path for room in ROOMS for path in room.rglob("*.py"))
    return {str(path.relative_to(ROOT)): lines_of(path) for path in [*PAGES, *sources]}


@pytest.mark.parametrize("instead", BANNED)
def test_no_expression_of_our_own(shown, instead):
    wrong = re.compile(BANNED[instead])
    found = [f"{place}: {line.strip()}" for place, lines in shown.items() for line in lines if wrong.search(line)]
    assert not found, f"write: {instead}\n" + "\n".join(found)
