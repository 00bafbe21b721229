# One command for each thing people do here; `make` alone lists them.
# The checkout's path must not contain spaces: neither make nor a virtual environment's scripts
# allow them.

# Name another interpreter where the first python3 on the path is not the one to use:
# make run PYTHON=/usr/bin/python3
PYTHON ?= python3
VENV ?= .venv
WORKSPACE ?= out/england-wales

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WINGSPAN := $(BIN)/wingspan -C $(WORKSPACE)

# Stamps live in the virtual environment, so they vanish with it.
CREATED := $(VENV)/.created
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.developed
BENCHED := $(VENV)/.benched

export PYTHON

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint format bench readme components clean

help:  ## List these targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED)  ## Plan England and Wales and write the reports.
	@test -e $(WORKSPACE)/wingspan.toml || $(BIN)/wingspan init $(WORKSPACE) --from england-wales
	@$(WINGSPAN) estate plan --jobs -1
	@$(WINGSPAN) report site
	@$(WINGSPAN) report workbook
	@$(WINGSPAN) report geopackage
	@echo
	@echo "Everything is in $(WORKSPACE)/out; open $(WORKSPACE)/out/site/index.html first."

test: components lint  ## Install what the tests need, then run every check.
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

lint: $(DEVELOPED)  ## Check format, style, types, import directions and playbooks.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/ansible-lint --offline -q playbooks

format: $(DEVELOPED)  ## Format the code and mend what ruff can mend.
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(BENCHED)  ## Measure plans, designs, solvers, radio, inventories, rehearsals, sweeps and updates (as root).
	$(BIN)/python benchmarks/whole_estate.py
	$(BIN)/python benchmarks/designs.py
	$(BIN)/python -m benchmarks.blocks
	$(BIN)/python -m benchmarks.set_up
	$(BIN)/python benchmarks/solvers.py
	$(BIN)/python benchmarks/radio.py
	$(BIN)/python benchmarks/inventory.py
	$(BIN)/python benchmarks/diagnosis.py
	$(BIN)/python -m benchmarks.rehearsal
	$(BIN)/python -m benchmarks.health
	$(BIN)/python -m benchmarks.lockdown
	$(BIN)/python -m benchmarks.update
	$(BIN)/python -m benchmarks.interruption
	$(BIN)/python -m benchmarks.scale

readme: components $(DEVELOPED)  ## Put what the commands really print into README.md (as root).
	REFRESH_README=1 $(BIN)/python -m pytest -n0 tests/project/test_documentation.py -k what_the_readme_shows

components:  ## Install the programs that the tests drive (apt, as root).
	@sh .ci/components test

clean:  ## Remove the virtual environment, caches and packages; out/ stays.
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(CREATED):
	@sh .ci/components run
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'  # the first that reads dependency groups
	@touch $@

$(INSTALLED): pyproject.toml $(CREATED)
	$(PIP) install --editable .
	@touch $@

# These extras are optional for users, but their promises are tested.
$(DEVELOPED): pyproject.toml $(CREATED)
	$(PIP) install --editable '.[cluster,dxf,ifc,postgres,relay]' --group dev
	@touch $@ $(INSTALLED)

# What ours is measured beside, and nothing else needs.
$(BENCHED): pyproject.toml $(DEVELOPED)
	$(PIP) install --group bench
	@touch $@
