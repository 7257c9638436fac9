"""Configuration of the documentation, and generation of pages before Sphinx reads them."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import figures  # noqa: E402 - found in this folder only after the line above
import gallery  # noqa: E402 - found in this folder only after the line above
import model_tables  # noqa: E402 - found in this folder only after the line above
import observable_table  # noqa: E402 - found in this folder only after the line above
import reference  # noqa: E402 - found in this folder only after the line above
import tutorials  # noqa: E402 - found in this folder only after the line above

import respair  # noqa: E402 - found in this folder only after the line above

os.environ.setdefault("RESPAIR_NOTEBOOK", "quick")  # notebooks at the size of the tests
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

figures.write(HERE / "generated")
gallery.write(HERE / "generated")
model_tables.write(HERE / "generated")
observable_table.write(HERE / "generated")
reference.write(HERE / "api")
tutorials.write(HERE / "tutorials")

project = "respair"
author = copyright = "the respair developers"
release = respair.__version__
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["tutorials/data/**", "generated/*"]
templates_path = ["templates"]
nitpicky = True

html_theme = "furo"
html_title = f"respair {release}"
html_static_path = ["static"]
html_css_files = ["respair.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autodoc_default_options = {"members": True, "member-order": "bysource", "exclude-members": "table"}
autodoc_typehints = "none"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
default_role = "py:obj"


def _names_of_arguments(app, env, node, contnode):
    """Render names in single backticks that are not objects, such as arguments, as code."""
    return contnode if node.get("refdoc", "").startswith("api/") and node.get("reftype") == "obj" else None


def setup(app):
    """Register the handlers for docstrings."""
    app.connect("missing-reference", _names_of_arguments)
