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

export HNSWLIB_NO_NATIVE := 1

CXX_FOUND := $(shell command -v c++ || command -v g++ || command -v clang++)
ifeq ($(CXX_FOUND),)
HNSW :=
NO_HNSW_NOTE := echo "No C++ compiler found: installing without hnswlib. Vector search works by exact scan."
else
HNSW := hnsw,
NO_HNSW_NOTE := true
endif

.PHONY: run test lint types unit kit fuzz bench-social bench-point clean

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
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		"MemoraDB needs Python 3.11 or newer; this is Python %d.%d. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "This Python has no venv module; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	@$(NO_HNSW_NOTE)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[$(HNSW)arrow]'
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	@$(NO_HNSW_NOTE)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[$(HNSW)fuzz,arrow,test]' --group lint
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist
