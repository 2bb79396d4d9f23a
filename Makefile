# `make` alone lists the targets. Every target does the set-up that it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

SCALE ?= 0.1
START ?= 2023-01
MONTHS ?= 30
SEED ?= 1
LANDING ?= $(or $(JOBCENTER_LANDING),$(CURDIR)/landing)
DATA ?= $(or $(JOBCENTER_DATA),$(CURDIR)/data)

# `abspath` would take a path with a space for two.
absolute = $(if $(filter /%,$(firstword $(1))),$(1),$(CURDIR)/$(1))
export JOBCENTER_LANDING := $(call absolute,$(LANDING))
export JOBCENTER_DATA := $(call absolute,$(DATA))
export DAGSTER_DISABLE_TELEMETRY := yes
export DBT_SEND_ANONYMOUS_USAGE_STATS := 0
export GX_ANALYTICS_ENABLED := false
# Without compiled files every process would compile a gigabyte of libraries again.
unexport PYTHONDONTWRITEBYTECODE

COMMAND := $(BIN)/python -m orchestration.commands

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/' | column -t -s '|'

# ---- set-up ----

$(VENV)/.locked: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3.11 python3.11-venv"; exit 2; }
	@echo "setting up $(VENV) (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	@touch $@

PARSED_BY_DBT := $(shell find models seeds macros tests/data -type f) dbt_project.yml profiles.yml

target/parsed/.done: $(VENV)/.locked $(PARSED_BY_DBT)
	@echo "dbt parses the project (about half a minute)"
	@$(COMMAND).parse
	@touch $@

.PHONY: setup
setup: target/parsed/.done ## the virtual environment from the lock file, and the project parsed by dbt

.PHONY: lock
lock: $(VENV)/.locked ## write requirements.txt anew from requirements.in
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 requirements.in -o requirements.txt

# ---- use ----

.PHONY: run
run: setup ## sample deliveries (when the landing zone is empty), then the pipeline
	@if [ -z "$$(ls -A "$(JOBCENTER_LANDING)" 2>/dev/null)" ]; then \
		$(COMMAND).sample --scale $(SCALE) --start $(START) --months $(MONTHS) --seed $(SEED) --landing "$(JOBCENTER_LANDING)"; \
	else \
		echo "the landing zone is not empty: no sample written (one month more: make sample MONTHS=…)"; \
	fi
	@$(COMMAND).pipeline

.PHONY: pipeline
pipeline: setup ## load what is new, build, check, publish: LANDING=… DATA=…
	@$(COMMAND).pipeline

.PHONY: sample
sample: setup ## write sample deliveries: SCALE=0.1 START=2023-01 MONTHS=30 SEED=1 LANDING=…
	@$(COMMAND).sample --scale $(SCALE) --start $(START) --months $(MONTHS) --seed $(SEED) --landing "$(JOBCENTER_LANDING)"

.PHONY: dev
dev: setup ## Dagster's web pages on localhost:3000: PORT=3000
	@$(COMMAND).dev $(if $(PORT),--port $(PORT))

.PHONY: site
site: setup ## build the web site of the current release anew (the pipeline does it too)
	@$(COMMAND).site

.PHONY: serve
serve: setup ## show the web site on a local web server: PORT=8080
	@$(COMMAND).serve $(if $(PORT),--port $(PORT))

.PHONY: fetch
fetch: setup ## fetch jobindsats.dk and Statistics Denmark into the landing zone (JOBINDSATS_KEY)
	@$(COMMAND).fetch

.PHONY: scenario
scenario: setup ## who would change category: MARGIN=0.15 PASSIVE_LIMIT=25 CONVERSATIONS_LIMIT=20 FOERTIDSPENSION=1 PERIOD=…
	@$(COMMAND).scenario $(if $(MARGIN),--margin $(MARGIN)) $(if $(PASSIVE_LIMIT),--passive-limit $(PASSIVE_LIMIT)) \
		$(if $(CONVERSATIONS_LIMIT),--conversations-limit $(CONVERSATIONS_LIMIT)) \
		$(if $(filter 1 yes,$(FOERTIDSPENSION)),--foertidspension) $(if $(PERIOD),--period $(PERIOD))

.PHONY: explain
explain: setup ## a figure and what it is made of: MUNICIPALITY=0450 PERIOD=2024-03 MEASURE=passive_share [GROUP=dagpenge]
	@test -n "$(MUNICIPALITY)" -a -n "$(PERIOD)" -a -n "$(MEASURE)" || \
		{ echo "say which: make explain MUNICIPALITY=0450 PERIOD=2024-03 MEASURE=passive_share"; exit 2; }
	@$(COMMAND).explain --municipality "$(MUNICIPALITY)" --period "$(PERIOD)" --measure "$(MEASURE)" $(if $(GROUP),--group $(GROUP))

.PHONY: docs
docs: setup ## dbt's documentation as one page, without a network
	@$(COMMAND).docs

# ---- operate ----

.PHONY: doctor
doctor: setup ## versions, locks, disk, pending and rejected deliveries, last release, overdue months
	@$(COMMAND).doctor

.PHONY: rebuild
rebuild: setup ## the warehouse as it was, hashes compared: AS_OF=<release id or time>
	@test -n "$(AS_OF)" || { echo "say AS_OF=<release id or time>"; exit 2; }
	@$(COMMAND).rebuild "$(AS_OF)"

.PHONY: rekey
rekey: setup ## hash all persons anew with the key of JOBCENTER_KEY_FILE
	@$(COMMAND).rekey

.PHONY: retention
retention: setup ## what the dated rule deletes; CONFIRM=yes does it
	@$(COMMAND).retention $(if $(filter yes,$(CONFIRM)),--yes)

.PHONY: restore-drill
restore-drill: setup ## delete the warehouse, build it again, compare the hashes
	@$(COMMAND).restore_drill

KILLS ?= 100

.PHONY: reliability
reliability: setup ## kills, faults, bad deliveries, readers, leaks: writes docs/reliability.md; resumable, hours
	@$(BIN)/python -m tests.reliability.run --kills $(KILLS)

PEERS_SCALE ?=

.PHONY: bench
bench: setup ## what it costs, beside yardsticks and other tools: SCALE=0.1 MONTHS=30 [PEERS_SCALE=0.1] [POSTGRES=no] [PIPELINE=only] [TIMES=3] [WRITE=yes]
	@$(COMMAND).bench --scale $(SCALE) --months $(MONTHS) --start $(START) --seed $(SEED) \
		$(if $(PEERS_SCALE),--peers-scale $(PEERS_SCALE)) $(if $(filter no,$(POSTGRES)),--without-postgres) \
		$(if $(filter only,$(PIPELINE)),--pipeline-only) $(if $(TIMES),--times $(TIMES)) \
		$(if $(filter yes,$(WRITE)),--write)

# ---- check ----

.PHONY: check
check: $(VENV)/.locked ## linters, types, parse, layer gate; edits nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(COMMAND).check
	@$(COMMAND).layers
	@# Its second process may leave semaphores that Python has removed already, which would be told after the result.
	@PYTHONWARNINGS=ignore::UserWarning:multiprocessing.resource_tracker $(BIN)/sqlfluff lint --processes 2 --disable-progress-bar --nocolor models tests/data

.PHONY: fix
fix: $(VENV)/.locked ## mend what the linters can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .
	@$(BIN)/python -m orchestration.lib.dbt_sources
	@$(BIN)/sqlfluff fix --quiet --processes 2 --disable-progress-bar --nocolor models tests/data

WORKERS ?= 2

.PHONY: test
test: setup ## every test, fast ones first; WORKERS=2 at a time, a file in one of them
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow and not browser"
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "slow or browser"

.PHONY: mutate
mutate: setup ## deliberate mistakes, each of which a test must catch; writes docs/mutations.md
	@$(BIN)/python -m tests.mutation.run

.PHONY: clean
clean: ## remove what was built in this folder (not landing/ and data/)
	rm -rf target logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
