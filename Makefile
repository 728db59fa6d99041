# Every target is enough by itself: it creates .venv, installs the pinned versions, runs.

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,\
  $(if $(shell $(p) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null | grep True),$(p))))
BIN := .venv/bin
RUN := $(BIN)/python -m
PYTEST := $(RUN) pytest
FAST := not slow and not beam and not gpu and not tpu
DEMO := runs/demo
TOY := data/toy_band

export PYTHONWARNINGS ?= default

.PHONY: demo reproduce-toy test test-slow test-beam lint types format install clean

install: .venv/runtime

.venv/runtime: requirements.lock
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; install one, or: make PYTHON=..."; exit 2; }
	@$(PYTHON) launch/install.py .venv requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock requirements.lock
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; install one, or: make PYTHON=..."; exit 2; }
	@$(PYTHON) launch/install.py .venv requirements-dev.lock
	@touch $@ .venv/runtime

.venv-beam/ready: requirements-beam.lock
	@$(PYTHON) launch/install.py .venv-beam requirements-beam.lock
	@touch $@

demo: .venv/runtime
	@$(RUN) launch.demo --output=$(DEMO)

reproduce-toy: .venv/runtime
	@$(RUN) launch.demo --output=runs/reproduce --reproduce

test: .venv/dev
	$(PYTEST) -m "$(FAST)" --cov --cov-report=term $(ARGS)

test-slow: .venv/dev
	$(PYTEST) -m "slow and not beam and not gpu and not tpu" $(ARGS)

test-beam: .venv-beam/ready
	.venv-beam/bin/python -m pytest -m beam tests/tfds_builders $(ARGS)

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/dev
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .cache .coverage .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
