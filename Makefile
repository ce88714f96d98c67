# Every target sets up .venv by itself. Arguments go through ARGS: make run ARGS="optimizer.lr=0.05"
# The first that nnlab can use, else whatever there is, to be told what is wrong with it.
PYTHON ?= $(shell for name in 3.11 3.12 3.13 3.14 3 ""; do \
	python$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v python$$name && exit; \
	done; command -v python3 || command -v python)
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?= dev
ARGS ?=
# In two processes, file by file in the order in which they are collected: those that take long come first.
# Bytecode is kept even where the environment says otherwise: pytest would compile every test anew in each process.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run sweep experiments gradcheck ui bench faults test test-slow lint types audit format check clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready-$(EXTRAS) ## make .venv with pinned dependencies
	@$(BIN)/python -c "" 2>/dev/null || { echo "$(VENV) no longer works: its Python is gone or has moved. Remove it, and it is made anew: make clean" >&2; exit 2; }

$(VENV)/.ready-%: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "nnlab needs Python 3.11 or newer, but there is no Python on the PATH. Install one (Debian: apt install python3 python3-venv), or say where one is: make setup PYTHON=/path/to/python3" >&2; exit 2; }
	@"$(PYTHON)" -c "" || { echo "nnlab needs Python 3.11 or newer, but $(PYTHON) does not start. Say which one: make setup PYTHON=/path/to/python3" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "nnlab needs Python 3.11 or newer, but $(PYTHON) is $$("$(PYTHON)" -c 'import platform; print(platform.python_version())'). Say which one: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "nnlab is set up in a virtual environment, but $(PYTHON) lacks what makes one (venv, ensurepip). Install it (Debian: apt install python3-venv), or name another Python: make setup PYTHON=/path/to/python3" >&2; exit 2; }
	@echo "setting up $(VENV) (once; a minute or two)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]' || { echo "The packages that nnlab needs could not be installed; pip says why above. Without a network, let pip take them from a folder of wheels: PIP_NO_INDEX=1 PIP_FIND_LINKS=/path/to/wheels make setup" >&2; exit 1; }
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

faults: setup ## the damage that nnlab survives, done for real; writes docs/reliability.md
	@$(BIN)/python -m faults $(ARGS)

test: setup ## the tests, in three processes: many wait for processes of their own
	@$(PYTEST) -n 3 -m "not slow and not parity" $(ARGS)

test-slow: setup ## the slow tests, in three processes, and parity with PyTorch where it is installed (make setup EXTRAS=dev,bench)
	@$(PYTEST) -n 2 -m "slow or parity" $(ARGS)

lint: setup ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

audit: $(VENV)/.audit/.ready ## bandit over the code, and known vulnerabilities of the pinned packages
	@$(VENV)/.audit/bin/bandit -q -c pyproject.toml -r nnlab experiments && .ci/audit $(VENV)/.audit/bin/pip-audit

$(VENV)/.audit/.ready: $(VENV)/.ready-$(EXTRAS)
	@$(BIN)/python -m venv $(VENV)/.audit && $(VENV)/.audit/bin/pip install --quiet --disable-pip-version-check bandit==1.9.4 pip-audit==2.10.1
	@touch $@

types: setup ## mypy, strict, over the tests as well
	@$(BIN)/mypy

format: setup ## rewrite the code as ruff wants it
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

check: lint types audit test test-slow ## everything that CI runs

clean: ## remove .venv and caches; runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
