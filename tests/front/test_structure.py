"""The order of the house: import direction, public names, docstrings, frozen values, packaging."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from respair.clusters import chain, ring
from respair.hamiltonians import Bosons, Electrons, Model, Phonons
from respair.hamiltonians.parameters import COUPLINGS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("clusters", "hamiltonians", "solvers", "analysis", "studies")
FRONT = ROOT / "src" / "respair"
OWN = ("_core", "cli", "explorer")
"""Packages of the front door itself."""
PACKAGES = (*ROOMS, "analysis.approximations", "studies.dataset")
"""Packages with public names of their own."""
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
DOOR = [*sorted(FRONT.glob("*.py")), *(path for own in OWN for path in sorted((FRONT / own).rglob("*.py")))]
LAZY = {"quspin", "matplotlib", "mpi4py", "pymetis"}
MOST_LINES = 400
UNWANTED = re.compile(r"TOD[O]|FIXM[E]|/wor[k]/|/roo[t]/|/hom[e]/")


def relative(path):
    return str(path.relative_to(ROOT))


def tree(path):
    return ast.parse(path.read_text())


def functions(node):
    return (n for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def imports(node):
    """Yield (level, dotted name) of every import below a node."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from ((0, alias.name) for alias in found.names)
        elif isinstance(found, ast.ImportFrom) and found.module:
            yield found.level, found.module
        elif isinstance(found, ast.ImportFrom):
            yield from ((found.level, alias.name) for alias in found.names)


def decorators(node):
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def is_public(node):
    return not node.name.startswith("_")


def bound_names(statement):
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def module_assignments(path):
    return [s for s in tree(path).body if isinstance(s, ast.Assign | ast.AnnAssign)]


each_file = pytest.mark.parametrize("path", FILES, ids=relative)
each_file_and_the_door = pytest.mark.parametrize("path", FILES + DOOR, ids=relative)
each_room = pytest.mark.parametrize("room", ROOMS)
each_package = pytest.mark.parametrize("package", PACKAGES)


def test_nothing_imports_against_the_arrow():
    pytest.importorskip("importlinter")
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@each_file_and_the_door
def test_imports_inside_the_package_are_relative(path):
    outside = {name.split(".")[0] for level, name in imports(tree(path)) if level == 0}
    assert not outside & {"respair", *ROOMS}


@each_file
def test_no_import_hides_in_a_function(path):
    for function in functions(tree(path)):
        for level, name in imports(function):
            assert level == 0, f"{function.name} in {relative(path)} hides an import of {name}"
            assert name.split(".")[0] in LAZY, f"{function.name} in {relative(path)} hides an import of {name}"


@each_file_and_the_door
def test_no_figure_is_drawn_through_global_state(path):
    assert not any(name.startswith(("matplotlib.pyplot", "pylab")) for _, name in imports(tree(path)))


@each_file
def test_no_module_keeps_state(path):
    module = tree(path)
    assert not [node for node in ast.walk(module) if isinstance(node, ast.Global)]
    own = {name for statement in module_assignments(path) for name in bound_names(statement)}
    assert all(name.startswith("__") or name.isupper() or name[0].isupper() for name in own), own
    for statement in module_assignments(path):
        if bound_names(statement) != ["__all__"]:
            assert not isinstance(statement.value, ast.List | ast.Set | ast.ListComp | ast.SetComp)
    changes = {"append", "add", "update", "extend", "insert", "pop", "clear", "setdefault", "remove", "discard"}
    for function in functions(module):
        for node in ast.walk(function):
            if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                assert not (isinstance(node.value, ast.Name) and node.value.id in own), ast.unparse(node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in changes:
                assert not (isinstance(node.func.value, ast.Name) and node.func.value.id in own), ast.unparse(node)


@each_file
def test_every_dataclass_is_frozen(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            for decorator in decorators(node):
                assert not decorator.startswith("dataclass") or "frozen=True" in decorator, node.name


@each_file_and_the_door
def test_every_public_function_class_and_method_has_a_docstring(path):
    module = tree(path)
    assert ast.get_docstring(module)
    owners = [module, *(c for c in module.body if isinstance(c, ast.ClassDef) and is_public(c))]
    for owner in owners:
        for node in owner.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and is_public(node):
                assert ast.get_docstring(node), f"{node.name} in {relative(path)} has no docstring"


@each_file_and_the_door
def test_no_file_holds_two_ideas(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def stub(folder):
    """Return the file that lists the public names of a package: its stub, where these are loaded when they are used."""
    path = folder / "__init__.pyi"
    return path if path.is_file() else path.with_suffix(".py")


@each_package
def test_public_names_are_sorted_and_there(package):
    module = importlib.import_module(f"respair.{package}")
    assert module.__doc__
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert value.__doc__, f"respair.{package}.{name} has no docstring"


@each_package
def test_a_room_hands_out_all_that_it_imports_and_nothing_else(package):
    path = stub(ROOT / package.replace(".", "/"))
    imported = {
        alias.asname or alias.name for n in tree(path).body if isinstance(n, ast.ImportFrom) for alias in n.names
    }
    (names,) = (ast.literal_eval(s.value) for s in module_assignments(path) if bound_names(s) == ["__all__"])
    assert imported == set(names) == set(importlib.import_module(f"respair.{package}").__all__)


@each_package
def test_public_constants_and_type_names_are_explained(package):
    """A string below the assignment says what the constant or the type means."""
    public = set(importlib.import_module(f"respair.{package}").__all__)
    bare = []
    folder = ROOT / package.replace(".", "/")
    others = {ROOT / other.replace(".", "/") for other in PACKAGES} - {folder}
    for path in sorted(path for path in folder.rglob("*.py") if not others & set(path.parents)):
        body = tree(path).body
        for statement, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            if isinstance(statement, ast.Assign | ast.AnnAssign) and set(bound_names(statement)) & public:
                explained = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
                bare += [] if explained else [f"{relative(path)}: {', '.join(bound_names(statement))}"]
    assert not bare


def test_the_front_door_hands_out_what_it_promises():
    respair = importlib.import_module("respair")
    assert sorted(respair.__all__) == sorted(set(respair.__all__))
    for name in respair.__all__:
        assert getattr(respair, name).__doc__
        home = getattr(respair, name).__module__.split(".")[1]
        assert home in (*ROOMS, "_core")
        assert name in importlib.import_module(f"respair.{home}").__all__
    assert set(respair.__all__) <= set(dir(respair))
    with pytest.raises(AttributeError, match="has no attribute 'quantum'"):
        _ = respair.quantum


def test_type_checkers_see_the_same_front_door():
    seen = {alias.name for n in tree(stub(FRONT)).body if isinstance(n, ast.ImportFrom) for alias in n.names}
    assert seen == set(importlib.import_module("respair").__all__)


def test_names_of_functions_win_over_files_of_the_same_name():
    """`respair.solvers.ground_state` is the function, whatever was imported before."""
    for package, name in (("solvers", "ground_state"), ("solvers", "estimate"), ("analysis", "observables")):
        for file in sorted((ROOT / package).rglob("*.py")):
            importlib.import_module(".".join(("respair", *file.relative_to(ROOT).with_suffix("").parts)))
        assert callable(getattr(importlib.import_module(f"respair.{package}"), name))


def test_every_folder_with_code_is_a_package():
    folders = {path.parent for path in (*FILES, *DOOR)}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
    assert (FRONT / "py.typed").is_file()


@each_room
def test_rooms_are_linked_into_the_package_by_relative_links(room):
    link = FRONT / room
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert os.readlink(link) == os.path.join("..", "..", room)
    assert link.resolve() == ROOT / room


def test_the_explorer_packs_its_notebook_and_its_style():
    """The notebook is a link: there is one, and the page and JupyterLab show the same."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert data["respair.explorer"] == ["explorer.ipynb", "style.css"]
    link = FRONT / "explorer" / "explorer.ipynb"
    assert (FRONT / "explorer" / "style.css").is_file()
    if link.is_symlink():
        assert os.readlink(link) == os.path.join("..", "..", "..", "notebooks", "explorer.ipynb")
    assert link.read_text() == (ROOT / "notebooks" / "explorer.ipynb").read_text()


def test_rooms_are_not_importable_by_themselves(tmp_path):
    code = f"from importlib.util import find_spec; assert not [n for n in {ROOMS} if find_spec(n)]"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_importing_the_package_is_quick_because_it_loads_nothing_heavy(tmp_path):
    heavy = ("numpy", "scipy", "numba", "quspin", "matplotlib", "xarray", "pydantic")
    code = f"import sys, respair; found = [n for n in {heavy} if n in sys.modules]; assert not found, found"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=environment)


def tracked_texts():
    """Yield (path, text) of every text file under version control."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_symlink() and path.is_file():
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_no_text_holds_unfinished_business_or_paths_of_one_machine():
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if UNWANTED.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "model",
    [
        Model(ring(3), Electrons(1.0), Bosons(0.1, 0.2), Phonons(1.0, boson_coupling=0.5, max_quanta=1)),
        Model(chain(3), Electrons([1.0, 0.5]), None, Phonons(1.0, on="bonds", bond_coupling=0.5, max_quanta=1)),
    ],
    ids=["modes on sites", "modes on bonds"],
)
def test_the_arrays_of_a_model_cannot_be_changed(model):
    arrays = {name: value for name, value in vars(model.couplings).items() if isinstance(value, np.ndarray)}
    of_charges = [entry for entry in COUPLINGS.values() if entry.reaches or entry.apart]
    assert len(arrays) == sum(len(entry.arrays) for entry in COUPLINGS.values()) + len(of_charges)
    assert [name for name, value in arrays.items() if value.flags.writeable] == []
