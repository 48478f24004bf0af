# GT-Vision. Everything a person types is here; `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
SETUP := python3 deploy/scripts/setup_machine.py
PARTS = $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml mediamtx/standin/pyproject.toml deploy/local/pyproject.toml))

.PHONY: help setup run up down status logs test check bench soak docs fmt clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r verb text; do printf '%-16s %s\n' "$$verb" "$$text"; done

setup: ## install what is missing (apt, then pip into .venv); repeatable
	@$(SETUP)

run: setup ## start everything with four demo cameras, until Ctrl-C
	@.venv/bin/gtv run $(ARGS)

up: setup ## start everything in the background
	@.venv/bin/gtv up $(ARGS)

down: ## stop what `up` started; data stays
	@.venv/bin/gtv down

status: ## what runs, and what it costs
	@.venv/bin/gtv status

logs: ## the services' logs
	@.venv/bin/gtv logs $(ARGS)

test: ## run every test that this machine can (narrow it: make test ARGS="-m db")
	@$(SETUP) --test
	@$(PYTHON) -m pytest $(or $(ARGS),--numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=20 --durations-min=1)

check: ## lint, formatting, types, import contracts, architecture
	@$(SETUP) --test
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy $(PARTS) deploy/scripts
	.venv/bin/lint-imports --no-logo
	$(PYTHON) -m pytest -q tests/architecture

docs: ## write what is derived from the code (events.md, .env.example, the console's types)
	@$(PYTHON) deploy/scripts/generate_docs.py
	@$(PYTHON) -m tests.contracts.console_types

bench: ## measure against docs/benchmarks.md (one of them: make bench b=R3; the console: b=W)
	@$(SETUP) --test
	@$(PYTHON) -m tests.bench $(b)

soak: ## try the recordings of a whole installation with faults (half an hour; less: make soak ARGS="--cameras 3 --minutes 4")
	@$(SETUP) --test
	@$(PYTHON) -m tests.soak $(ARGS)

fmt: ## format the code
	@$(SETUP) --test
	$(PYTHON) -m ruff check --fix-only --quiet .
	$(PYTHON) -m ruff format .

clean: ## remove what was built and installed here; the stack's data stays
	@! [ -x .venv/bin/gtv ] || .venv/bin/gtv down >/dev/null 2>&1 || true
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +
