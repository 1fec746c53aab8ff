# GNU make. `make demo` needs Python 3.11 or newer and nothing else.

PYTHON ?= python3
PORT ?= 8080

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet

# Each stamp says that what it names is installed; a change of the metadata installs again.
CREATED := $(VENV)/.created
RUNTIME := $(VENV)/.runtime
TESTING := $(VENV)/.testing
LINTING := $(VENV)/.linting
AUDITING := $(VENV)/.auditing
DOCUMENTING := $(VENV)/.documenting
BENCHING := $(VENV)/.benching
FAST := $(VENV)-fast/.installed
METADATA := setup.cfg pyproject.toml

.PHONY: help demo test real lint audit docs bench soak venv python
.DELETE_ON_ERROR:

help:
	@echo 'make demo          the API with its built-in exchange, on http://127.0.0.1:8080 (PORT=8081: elsewhere)'
	@echo 'make test          all tests; those that need real components are skipped without them'
	@echo 'make real          fetch real Asterisk servers for the tests (a Debian machine, no root)'
	@echo 'make lint          ruff, mypy and bandit'
	@echo 'make audit         ask whether what is installed has known vulnerabilities (online)'
	@echo 'make docs          the documentation as HTML, in build/docs'
	@echo 'make bench         measure against other clients and the old way, after make real (some 40 minutes)'
	@echo 'make wheel         dist/pbxapi-VERSION-py3-none-any.whl, which is what is installed in production'
	@echo 'make soak          break things under traffic, and load, after make real: docs/faults.md (some 40 minutes)'
	@echo 'make venv          .venv with all that development needs'

demo: $(RUNTIME)
	@$(BIN)/pbxapi demo --port $(PORT)

test: $(TESTING)
	@$(BIN)/pytest

real: | python
	@$(PYTHON) tests/real/fetch.py

lint: $(TESTING) $(LINTING)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive pbxapi migrations wsgi.py

# Asks an online database of vulnerabilities about what is installed: not part of CI, which must not need it.
audit: $(AUDITING)
	@$(BIN)/pip-audit --skip-editable

docs: $(DOCUMENTING)
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

bench: $(BENCHING) $(FAST)
	$(BIN)/python -m bench.ami
	$(BIN)/python -m bench.http
	$(BIN)/python -m bench.cdr
	$(BIN)/python -m bench.recordings
	$(BIN)/python -m bench.provision
	$(BIN)/python -m bench.queues

# Without what an earlier version left in build/.
wheel: | $(CREATED)
	@rm -rf build/lib
	@$(PIP) wheel --no-deps --wheel-dir dist .
	@ls dist/pbxapi-*.whl

soak: $(TESTING)
	$(BIN)/python -m tests.soak

venv: $(RUNTIME) $(TESTING) $(LINTING)

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo 'Python is missing: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; \
	  exit 1; }

$(CREATED): | python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@echo 'Creating $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): $(METADATA) | $(CREATED)
	@echo 'Installing pbxapi and what it runs on into $(VENV) (the first time: about a minute) ...'
	@$(PIP) install -e .
	@touch $@

$(TESTING): $(METADATA) | $(CREATED)
	@echo 'Installing pbxapi and what its tests need into $(VENV) ...'
	@$(PIP) install -e '.[test]'
	@touch $(RUNTIME) $@

# After the tests' own packages: two pips at once in one environment spoil each other.
$(LINTING): $(METADATA) | $(TESTING)
	@echo 'Installing the linters into $(VENV) ...'
	@$(PIP) install -e '.[lint]'
	@touch $@

$(AUDITING): $(METADATA) | $(TESTING)
	@$(PIP) install 'pip-audit>=2.9,<3'
	@touch $@

$(DOCUMENTING): $(METADATA) | $(TESTING)
	@echo 'Installing what makes the documentation into $(VENV) ...'
	@$(PIP) install -e '.[docs]'
	@touch $@

$(BENCHING): $(METADATA) | $(TESTING)
	@echo 'Installing the rivals into $(VENV) ...'
	@$(PIP) install -e '.[bench]'
	@touch $@

# Of its own: with mysqlclient installed, PyMySQL is not used.
$(FAST): $(METADATA) | $(BENCHING)
	@echo 'Installing mysqlclient into $(VENV)-fast ...'
	@$(PYTHON) -m venv $(VENV)-fast
	@$(VENV)-fast/bin/python -m pip --disable-pip-version-check --no-input --quiet install -e '.[fast]' || \
	  echo 'mysqlclient cannot be built (apt install gcc pkg-config libmariadb-dev python3-dev): left out'
	@touch $@
