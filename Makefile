# Two commands do everything: `make run` (a server with sample data) and `make test` (all that must pass).
# Both make .venv themselves. HNSW needs a C++ compiler; without one everything else installs and runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= ./memoradb-data
HTTP_PORT ?= 8080
WIRE_PORT ?= 7688
MCP_PORT ?= 9090
WORKERS ?= 2
PERSONS ?= 100000
ENGINES ?= ladybug,duckdb,sqlite,memoradb
ROUNDS ?= 5

# hnswlib would else be built for this very processor, and the wheel that pip keeps would crash on another.
export HNSWLIB_NO_NATIVE := 1
# How long the tests throw random and mutated statements at the engine.
export MEMORADB_CAMPAIGN_SECONDS ?= 60

COMMA := ,
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
CXX_FOUND := $(shell command -v c++ || command -v g++ || command -v clang++)
ifeq ($(CXX_FOUND),)
HNSW_NOTE = echo "No C++ compiler found: installing without hnswlib. Vector search works by exact scan."
else
HNSW_NOTE = true
endif

# $(call install,EXTRAS,MORE): the package with its extras, with hnswlib where it can be built.
ifeq ($(CXX_FOUND),)
install = $(PIP) -e '.[$(1)]' $(2)
else
install = $(PIP) -e '.[hnsw,$(1)]' $(2) || { \
	echo "That failed, maybe because hnswlib cannot be built here: trying without it. Vector search then works by exact scan."; \
	$(PIP) -e '.[$(1)]' $(2); }
endif

.PHONY: run test lint types unit sweep bench-social bench-engine bench-point bench-storage bench-language sweep-storage clean

run: $(VENV)/.run
	@$(BIN)/memoradb serve --data $(DATA) --sample python \
		--http-port $(HTTP_PORT) --wire-port $(WIRE_PORT) --mcp-port $(MCP_PORT)

test: $(VENV)/.test
	@$(MAKE) --no-print-directory lint types unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.test
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/basedpyright

unit: $(VENV)/.test
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

# Measured, never judged in CI: figures of a shared machine fail nobody's change.
bench-social: $(VENV)/.test
	$(BIN)/python bench/social.py --persons $(PERSONS) --engines $(ENGINES)

bench-engine: $(VENV)/.test
	$(BIN)/python bench/engine.py --only '$(ONLY)' --rounds $(ROUNDS)

bench-point: $(VENV)/.test
	$(BIN)/python bench/point.py

bench-storage: $(VENV)/.test
	$(BIN)/python bench/storage.py --only '$(ONLY)'

bench-language: $(VENV)/.test
	$(BIN)/python bench/language.py

# Each rewrite rule, physical alternative and kernel off: the whole kit; alone off and alone on: 2,000 generated queries
# against the reference interpreter. About an hour.
sweep: $(VENV)/.test
	$(BIN)/python tests/kit/sweep.py
	MEMORADB_EACH_RULE_QUERIES=2000 $(BIN)/python -m pytest -q -n $(WORKERS) tests/memql/rewrite/test_each_rule.py

# Every fault of the disk at every place, and 500 processes killed under load: long, and prints how many images it saw.
sweep-storage: $(VENV)/.test
	$(BIN)/python tests/storage/disk_sweep.py $(SWEEP)
	$(BIN)/python tests/storage/process_killer.py $(KILL)

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		"MemoraDB needs Python 3.11 or newer; this is Python %d.%d. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "This Python has no venv module; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	@$(HNSW_NOTE)
	@echo "Installing MemoraDB into $(VENV) (a minute the first time)"
	@$(call install,arrow,)
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	@$(HNSW_NOTE)
	@echo "Installing MemoraDB and its test tools into $(VENV) (a minute the first time)"
	@$(call install,fuzz$(COMMA)arrow$(COMMA)test,--group lint)
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist
