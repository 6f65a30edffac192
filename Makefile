# Every target sets up what it needs: a virtual environment in .venv, from a fresh clone and Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.ready

.PHONY: demo test soak bench lint docs clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("datalib needs Python 3.11 or newer: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(RUN)pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(RUN)datalib demo -o build/demo

lint: $(STAMP)
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)lint-imports

test: lint
	$(RUN)coverage erase
	$(RUN)pytest -n auto --dist worksteal --cov --cov-report= -q
	$(RUN)coverage report --fail-under=95

soak: $(STAMP)
	DATALIB_SOAK=1 $(RUN)pytest -n auto --dist worksteal -q

bench: $(STAMP)
	$(RUN)pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(RUN)python -m bench

docs: $(STAMP)
	$(RUN)python -m tests.docs --write

clean:
	rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
