# Everything runs in .venv, which is made on first use and again when the dependencies change.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
TESTS ?=
# Tests that make network namespaces stay together in their file, so that two workers never share one.
PYTEST := $(BIN)/pytest -n 3 --dist loadfile

.PHONY: run test lint pytest bench screenshots messages schemas clean

run: $(STAMP)
	@$(BIN)/longpipe $(ARGS)

test: lint pytest

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: $(STAMP)
	$(PYTEST) $(TESTS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks

screenshots: $(STAMP)
	$(BIN)/python -m screenshots

messages: $(STAMP)
	$(BIN)/python scripts/messages.py

schemas: $(STAMP)
	$(BIN)/python -m scripts.schemas

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
