# Every target sets up what it needs: a virtual environment in .venv, from a fresh clone and Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/

.PHONY: demo test soak bench lint docs clean

# What is installed for a purpose: an extra of the package, and a stamp of that name.
$(VENV)/.%: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(RUN)pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	touch $@

# Tests of pages use the axe-core in this package; the browser driver that it asks for is not needed.
$(VENV)/.axe: constraints.txt | $(VENV)/bin/pip
	$(RUN)pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps axe-playwright-python
	touch $@

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit("datalib needs Python 3.11 or newer: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

demo: $(VENV)/.demo
	$(RUN)datalib demo -o build/demo

lint: $(VENV)/.dev
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)lint-imports

test: lint $(VENV)/.axe
	$(RUN)coverage erase
	$(RUN)pytest -n auto --dist worksteal --cov --cov-report= -q
	$(RUN)coverage report --fail-under=95

soak: $(VENV)/.dev $(VENV)/.axe
	DATALIB_SOAK=1 $(RUN)pytest -n auto --dist worksteal -q -o faulthandler_timeout=0

bench: $(VENV)/.dev $(VENV)/.bench
	$(RUN)python -m bench

docs: $(VENV)/.dev
	$(RUN)python -m tests.docs --write
	$(RUN)python -m tests.pictures --write

clean:
	rm -rf $(VENV) build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
