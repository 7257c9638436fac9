# make demo   set up, run the main job on a real model file, leave a result file and a figure in results/
# make test   set up, run the tests
# make slow   set up, run the tests that take longer, and those of the explorer in a browser
# make shell  set up, open a shell in which respair and its Python are on the path
# make dist   set up, build sdist and wheel into dist/ and check them; of a release, from its tag
# make reference  set up, compute the reference dataset of docs/physics/benchmark-data.md, leave it in results/reference
# make findings   set up, compute the findings of docs/findings.md, leave results and figures in results/findings
# make docs   set up, build the documentation with its notebooks, say where it is
# make paper  set up, typeset the guide and the paper: paper/guide.pdf, paper/paper.pdf
# make check  set up, run the checkers: ruff, mypy, imports, spelling

PYTHON ?= python3
VENV := .venv
RESPAIR := $(VENV)/bin/respair
STAMP := $(VENV)/.installed-
SPEC := pyproject.toml Makefile
DOCS := build/docs
DEMO := notebooks/models/resonating-bipolaron.toml

.PHONY: demo test slow findings reference docs paper shell dist check clean

demo: $(STAMP)demo
	$(VENV)/bin/python notebooks/demo.py $(DEMO) results

test: $(STAMP)test
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadfile

slow: $(STAMP)test
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadfile -m "long or slow or browser"

findings: $(STAMP)demo
	$(RESPAIR) run notebooks/findings/*.toml --out results/findings --plot

reference: $(STAMP)demo
	mkdir -p results
	$(RESPAIR) dataset build notebooks/reference/*.toml --out results/reference --title "Reference data of resonant pairing" --licence CC-BY-4.0

docs: $(STAMP)docs
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs $(DOCS)
	@echo "documentation: file://$(CURDIR)/$(DOCS)/index.html"

paper: $(STAMP)paper
	$(VENV)/bin/python paper/build.py

shell: $(STAMP)demo
	@echo "respair and its Python are on the path of this shell; exit leaves it"
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $${SHELL:-/bin/sh}

dist: $(STAMP)dist
	rm -rf dist
	$(VENV)/bin/python -m build --outdir dist
	$(VENV)/bin/python -m twine check --strict dist/*
	@tag="v`$(VENV)/bin/python -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])'`"; \
	  git describe --tags --exact-match 2>/dev/null | grep -qx "$$tag" && echo "built from $$tag" || \
	  echo "not a release: no tag $$tag at this commit"

check: $(STAMP)dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check --diff . || true
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/codespell

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] <= (3, 14))' || \
	  { echo "respair needs Python 3.11 to 3.14; $(PYTHON) is `$(PYTHON) --version 2>&1`. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP)demo: $(VENV)/bin/python $(SPEC)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMP)test: $(VENV)/bin/python $(SPEC)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(STAMP)demo

$(STAMP)docs: $(VENV)/bin/python $(SPEC)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(STAMP)demo

$(STAMP)paper: $(VENV)/bin/python $(SPEC)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[paper]'
	@touch $@ $(STAMP)demo

$(STAMP)dist: $(VENV)/bin/python $(SPEC)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'build>=1.2' 'twine>=5'
	@touch $@

$(STAMP)dev: $(VENV)/bin/python $(SPEC)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' 'build>=1.2' 'codespell>=2.3' 'import-linter>=2.1' 'mypy>=1.11' 'ruff>=0.6'
	@touch $@ $(STAMP)test $(STAMP)demo

clean:
	rm -rf $(VENV) results build dist src/*.egg-info docs/generated docs/tutorials docs/api/*.rst docs/api/generated paper/*.pdf
