# Every target is enough by itself: it creates .venv, installs the pinned versions, runs.

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,\
  $(if $(shell $(p) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null | grep True),$(p))))
BIN := .venv/bin
RUN := $(BIN)/python -m
PYTEST := $(RUN) pytest
HERE := not aot and not beam and not browser and not gpu and not tpu
DEMO := runs/demo
# Huge pages for large buffers: 1.3 times as many steps a second on a CPU under Linux.
# Memory that is kept from step to step: XLA asks for all of a step's at once, two
# gigabytes at full width, and each page that is new costs a visit to the kernel. One
# arena: what one thread gives back, another can take.
KEEP := glibc.malloc.mmap_threshold=8589934592:glibc.malloc.trim_threshold=17179869184
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1:$(KEEP):glibc.malloc.arena_max=1
# Processes that share the quick tests; each holds some 2 GB.
WORKERS ?= 2
# Quick to compile and slow to run, which tests do once: 9 minutes in place of 15.
# The slow tests are compiled as what users run is.
QUICK := --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false

.PHONY: demo demo-ambisonics reproduce-toy reproduce-toy-ambisonics test test-slow test-browser test-beam test-aot lint types format install clean

install: .venv/runtime

# $(1) the environment, $(2) its lock file
define pip_install
	@test -n "$(PYTHON)" || { echo "found no Python >= 3.11: install one, or name it: make PYTHON=..."; exit 2; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	@echo "installing $(2) into $(1): about a gigabyte, one or two minutes"
	@start=$$(date +%s); \
	  $(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2) && \
	  echo "installed in $$(( $$(date +%s) - start )) s, $$(du -sh $(1) | cut -f1)"
	@touch $@
endef

.venv/runtime: requirements.lock
	$(call pip_install,.venv,requirements.lock)

.venv/dev: requirements-dev.lock requirements.lock
	$(call pip_install,.venv,requirements-dev.lock)
	@touch .venv/runtime

.venv-beam/ready: requirements-beam.lock
	$(call pip_install,.venv-beam,requirements-beam.lock)

.venv-tpu/ready: requirements-tpu.lock requirements.lock
	$(call pip_install,.venv-tpu,requirements-tpu.lock)

demo: .venv/runtime
	@$(RUN) launch.demo --output=$(DEMO)

demo-ambisonics: .venv/runtime
	@$(RUN) launch.demo_ambisonics

reproduce-toy-ambisonics: .venv/runtime
	@$(RUN) launch.demo_ambisonics --output=runs/reproduce_ambisonics --reproduce

reproduce-toy: .venv/runtime
	@$(RUN) launch.demo --output=runs/reproduce --reproduce

test: .venv/dev
	XLA_FLAGS="$$XLA_FLAGS $(QUICK)" $(PYTEST) -m "not slow and $(HERE)" -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=25 --cov --cov-report=term $(ARGS)

test-slow: .venv/dev
	$(PYTEST) -m "slow and $(HERE)" $(ARGS)

test-browser: .venv/dev
	$(PYTEST) -m browser $(ARGS)

test-beam: .venv-beam/ready
	.venv-beam/bin/python -m pytest -m beam tests/tfds_builders/test_beam.py $(ARGS)

test-aot: .venv-tpu/ready
	.venv-tpu/bin/python -m pytest -m aot tests/training/test_ahead_tpu.py $(ARGS)

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
