# Two commands: `make demo` and `make test`. Each sets up all it needs, in its own virtual environment, and is quick the second time.

PYTHON ?= python3
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)
VENV := .venv
BIN := $(VENV)/bin
# Bytecode makes a run's worker start three times faster; some machines switch it off for everyone.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup tools demo ui test quick lint types clean bench

help:  ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=python3.x" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

setup: $(VENV)/.ready  ## Install into .venv

tools: setup
	@$(BIN)/python -m infra_assets.sandbox.tools >/dev/null

demo: tools  ## Roll seven tenant-environment pairs out, each in an AWS account of its own
	@$(BIN)/infra sandbox up
	@$(BIN)/infra fleet import fleet.yaml
	@$(BIN)/infra rollout --wait
	@$(BIN)/infra sandbox status

ui: tools  ## Serve Dagster's UI on the demo's instance
	@$(BIN)/infra sandbox up
	@$(BIN)/infra ui

test: tools  ## Run every test: quick ones, the real engine, a real Dagster, a real browser
	$(BIN)/python -m pytest

quick: setup  ## Run the tests that need neither engine nor Dagster
	$(BIN)/python -m pytest -m "not engine and not dagster and not browser"

lint: setup  ## Check style, and the directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

types: setup  ## Check types
	$(BIN)/pyright

bench: tools  ## Measure rollouts, previews and drift checks against the bare engine and a shell loop; plans, checks and reports of 5,000 TEPs
	$(BIN)/python -m benchmarks.rollout --format json
	$(BIN)/python -m benchmarks.environments
	$(BIN)/python -m benchmarks.plan --format json
	$(BIN)/python -m benchmarks.makespan --format json
	$(BIN)/python -m benchmarks.drift --format json
	$(BIN)/python -m benchmarks.previews --format json
	$(BIN)/python -m benchmarks.checks --format json
	$(BIN)/python -m benchmarks.report --format json

clean:  ## Stop the sandbox; remove its data and the virtual environment (engine and provider stay in the cache)
	-@test -x $(BIN)/infra && $(BIN)/infra sandbox down --force
	rm -rf $(VENV) dagster_home/infra.db* dagster_home/sandbox dagster_home/run dagster_home/work dagster_home/storage dagster_home/history \
	  dagster_home/schedules dagster_home/logs dagster_home/.logs_queue dagster_home/.nux dagster_home/.telemetry .pytest_cache .ruff_cache tests/artifacts
