# The commands of this project; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo ui test test-pythons fuzz openapi bench chaos lint format clean

BIN := .venv/bin
export PYTHON

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## make .venv with Airflow, the package and the test tools (done by the others when needed)
	@scripts/ci/setup

demo: setup  ## run Airflow with the example survey and watch it; EXIT=1 checks everything and ends; API=URL plays into a deployment
	@$(BIN)/python -m scripts.demo $(if $(EXIT),--exit) $(if $(API),--api "$(API)")

ui: setup  ## build the pages in Airflow's UI from ui/ into airflow_triggers/ui/
	@scripts/ci/ui build

test: setup  ## run every test, two at once; ARGS="-k replay" passes options to pytest
	@$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(ARGS)

test-pythons:  ## run the quick tests on each supported Python version that the machine has; PYTHONS="3.13" on some
	@PYTHONS="$(PYTHONS)" scripts/ci/test-pythons

fuzz: setup  ## compare random sessions with the model for longer; FACTOR=20 times what the tests do
	@TRIGGERS_FUZZ_FACTOR=$(or $(FACTOR),20) $(BIN)/python -m pytest -q --timeout=7200 tests/contract/test_model.py

openapi: setup  ## write docs/openapi.json anew, and the table of reasons in docs/rest.md
	@$(BIN)/python -m scripts.openapi

bench: setup  ## measure against Airflow and plain SQL, and update docs/performance.md; ROWS="1 2 6" measures some; SMALL=1 only tries them
	@$(BIN)/python -m benchmarks $(if $(SMALL),--small) $(ROWS)

chaos: setup  ## fire into a real deployment while its parts are killed; SEED=7 SESSIONS=300 KILLS=40
	@SEED="$(SEED)" SESSIONS="$(SESSIONS)" KILLS="$(KILLS)" $(BIN)/python -m scripts.chaos

lint: setup  ## check format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd client && ../$(BIN)/mypy
	$(BIN)/lint-imports
	cd client && ../$(BIN)/lint-imports

format: setup  ## format the code and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what the commands above left behind, but not .venv
	rm -rf .demo .chaos .test build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
