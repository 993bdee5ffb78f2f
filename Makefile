# Two commands from a clean clone: `make demo` and `make test`. Needs git, make and python3 (3.11 to 3.13) alone.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
RUN := .venv/bin
NEXUS_HOME ?= $(CURDIR)/.nexus
export NEXUS_HOME

.PHONY: help
help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## *' '{printf "%-12s %s\n", $$1, $$2}'

# The stamp is newer than the lock when the environment is as the lock says.
.venv/.ready: uv.lock pyproject.toml tools/bootstrap.py
	@echo "Setting up the environment from uv.lock ..."
	@$(PYTHON) tools/bootstrap.py
	@touch $@

.PHONY: setup
setup: .venv/.ready ## Create the project's own environment

.PHONY: demo
demo: setup ## Simulate a firm, take its files in over SFTP, run the nightly job, build the warehouse, show it
	@$(RUN)/nexus demo

.PHONY: up
up: setup ## Serve the Dagster UI on 3000 and the API on 8000 with the demo's data
	@$(RUN)/nexus up

.PHONY: test
test: setup ## All tests of the default profile, and the static checks
	@$(RUN)/python -m tools.checks
	@$(RUN)/pytest -n 2 --dist loadgroup -m "not full"

.PHONY: test-full
test-full: setup ## The default profile and the long tests: every kill point, long fuzzing, PostgreSQL 15
	@$(RUN)/python -m tools.checks
	@$(RUN)/pytest -n 2 --dist loadgroup

FUZZ_SECONDS ?= 600
.PHONY: fuzz
fuzz: setup ## Mutate every connector's samples for FUZZ_SECONDS each (the nightly profile: ten minutes)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(RUN)/pytest -n 2 --timeout 0 -m full tests/connectors -k "fuzz or survive or mutated or nightly"

.PHONY: lint
lint: setup ## Format and lint
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .

.PHONY: down
down: ## Stop the demo's PostgreSQL
	@test ! -x $(RUN)/nexus || $(RUN)/nexus down

.PHONY: clean
clean: ## Remove the demo's data in this folder (not the environment, nor a NEXUS_HOME elsewhere)
	@test ! -x $(RUN)/nexus || NEXUS_HOME=$(CURDIR)/.nexus $(RUN)/nexus down
	@rm -rf $(CURDIR)/.nexus
