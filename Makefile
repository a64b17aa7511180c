# Everything runs in .venv, which is made on first use from constraints.txt. PYTHON=python3.12 chooses another Python.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
SYSTEM := .venv-system/.ready
BENCH := .venv-bench/.ready
LONG := tests/test_agreement.py tests/test_relations.py tests/test_target_matrix.py tests/test_replanning.py tests/test_packaging.py \
	tests/test_models.py tests/test_counts_shipped.py tests/test_model_facts.py tests/test_sums.py tests/test_shipped_visits.py \
	tests/test_mutations.py tests/test_pinning.py tests/test_plausibility.py tests/test_rules.py tests/test_software.py \
	tests/test_field_sales.py tests/test_market.py tests/test_spoiled_workbooks.py tests/visits/test_keeping.py \
	tests/scenarios/test_shipped_scenarios.py tests/scenarios/test_scenario_facts.py \
	tests/comparing/test_comparing.py tests/comparing/test_shipped_comparisons.py tests/comparing/test_compare_command.py \
	tests/batches/test_kills.py tests/batches/test_batch_command.py \
	tests/registry/test_registry_faults.py tests/registry/test_registry_commands.py tests/registry/test_approving.py \
	tests/pages/test_run_page.py tests/pages/test_report_command.py tests/letters/test_letters.py \
	$(wildcard tests/reviewing/test_*.py tests/health/test_*.py) $(wildcard tests/committing/test_*.py) \
	$(wildcard tests/spreadsheets/test_*.py) tests/importing/test_crm_systems.py \
	tests/explaining/test_brute_force.py tests/explaining/test_frontier.py tests/explaining/test_why.py \
	tests/explaining/test_past.py tests/explaining/test_curves.py
CATALOGUE := allocator/locale/zh/LC_MESSAGES/allocator

.DEFAULT_GOAL := help
.PHONY: help plan test test-quick test-long test-system bench proof lint texts clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## */	/' | expand -t 16

plan: $(READY)  ## plan the telecom model: a run folder in runs/telecom and a summary here
	$(BIN)/allocator solve models/telecom

test: $(READY)  ## style, types and tests
	@$(MAKE) --no-print-directory --jobs 2 lint test-quick

test-quick: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m 'not long' $(addprefix --ignore ,tests/system $(LONG))

test-long: $(READY)  ## tests that take long: whole models, engines beside each other, what ifs, kills, the wheel
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(LONG)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m long $(addprefix --ignore ,tests/system $(LONG))

test-system: $(SYSTEM)  ## tests with what not everybody has: Parquet, Ray, PostgreSQL, Chromium, LibreOffice (.ci/packages)
	.venv-system/bin/python -m pytest tests/system

bench: $(BENCH)  ## time the engine beside PuLP, linopy, Pyomo, OR-Tools and bare HiGHS; BENCH_ARGS="--sizes all --runs 3"
	.venv-bench/bin/python benchmarks/bench.py $(BENCH_ARGS)

proof: $(READY)  ## prove at length, for hours: random models, kills, every engine; PROOF_ARGS="--models 500 --only models"
	$(BIN)/python benchmarks/proof.py $(PROOF_ARGS)

lint: $(READY)  ## style and types alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

texts: $(READY)  ## collect the texts of the source into the Chinese catalogue and compile it
	$(BIN)/pybabel -q extract -F pyproject.toml -k _ -k N_ -k rule --no-location --sort-output --no-wrap -o $(CATALOGUE).pot .
	$(BIN)/pybabel -q update -D allocator -l zh -d allocator/locale -i $(CATALOGUE).pot \
		--no-fuzzy-matching --no-wrap --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -D allocator -d allocator/locale
	@rm $(CATALOGUE).pot

clean:  ## remove what make made, runs excepted
	rm -rf .venv .venv-system .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): EXTRAS := dev
$(SYSTEM): EXTRAS := dev,parquet,ray,postgres,system
$(BENCH): EXTRAS := dev,bench
$(READY) $(SYSTEM) $(BENCH): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; PYTHON=/path/to/python names one." >&2; exit 2; }
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@case $(EXTRAS) in *system) npm install --silent --no-save --prefix $(@D) axe-core@4.14.1;; esac
	@touch $@
