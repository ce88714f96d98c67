# Every target sets up .venv by itself. Arguments go through ARGS: make run ARGS="optimizer.lr=0.05"
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?= dev
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run sweep experiments gradcheck ui bench test test-slow lint types format check clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready-$(EXTRAS) ## make .venv with pinned dependencies

$(VENV)/.ready-%: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nnlab needs Python 3.11 or newer, but $(PYTHON) is older. Say which: make PYTHON=/path/to/python3.11 setup")'
	@echo "setting up $(VENV) (once; a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	@touch $@

run: setup ## one run on embedded digits
	@$(BIN)/python -m nnlab.run $(ARGS)

sweep: setup ## a study of learning rate, batch size and widths on embedded digits
	@$(BIN)/python -m nnlab.sweep $(ARGS)

experiments: setup ## published systems rerun on MNIST, each claim beside what is measured
	@$(BIN)/python -m experiments $(ARGS)

gradcheck: setup ## gradients of a composed model against central differences
	@$(BIN)/python -m nnlab.gradcheck $(ARGS)

ui: setup ## MLflow's UI over the runs, on 127.0.0.1
	@$(BIN)/python -m nnlab.ui $(ARGS)

bench: $(VENV)/.ready-dev,bench ## speed, side by side with PyTorch, JAX and others, which it installs
	@$(BIN)/python -m benchmarks $(ARGS)

test: setup ## the tests
	@$(BIN)/python -m pytest -q -m "not slow and not parity" $(ARGS)

test-slow: setup ## the slow tests, and parity with PyTorch where it is installed (make setup EXTRAS=dev,bench)
	@$(BIN)/python -m pytest -q -m "slow or parity" $(ARGS)

lint: setup ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup ## mypy, strict
	@$(BIN)/mypy

format: setup ## rewrite the code as ruff wants it
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

check: lint types test test-slow ## everything that CI runs

clean: ## remove .venv and caches; runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
