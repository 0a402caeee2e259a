# Everything a person runs here. `make` alone lists it. Needs make and Python 3.11 or newer, nothing else.
.DEFAULT_GOAL := help
.PHONY: help run test lint bench fuzz conformance kafka kafka-down lock clean
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-from-lock
# Packages are those of the lock, each with its hash; newer ones come in by `make lock` alone.
LOCK := requirements.lock
KAFKA ?=
CASES ?=
PORT ?= 8080
DATA ?= .penstock
ARGS ?=

help: ## list what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  KAFKA=host:port  use a Kafka cluster instead of the built-in log      PORT=$(PORT)  DATA=$(DATA)"
	@echo '  ARGS="..."       further arguments of penstock, pytest or the benchmark'

run: $(STAMP) ## start all of Penstock in one process on http://localhost:8080
	@exec $(BIN)/penstock server standalone --port $(PORT) --data $(DATA) $(if $(KAFKA),--kafka $(KAFKA)) $(ARGS)

test: $(STAMP) ## run every test; those that need a real broker skip without one, except in CI
	@$(BIN)/pytest $(ARGS)

lint: $(STAMP) ## check style, types and the import direction
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## measure latency, throughput, memory and start-up time; prints the table of the README
	@$(BIN)/python -P tests/bench/measure.py $(ARGS)

fuzz: $(STAMP) ## fuzz a target for some time (ARGS="flows --seconds 600"; also expressions, edits); keeps what fails
	@$(BIN)/python -m tests.fuzz $(ARGS)

conformance: $(STAMP) ## run conformance cases (CASES=folder with its conform.py) against a fresh server
	@$(BIN)/python -P tests/conformance/against_server.py "$(CASES)" $(ARGS)

kafka: ## start a Kafka broker on loopback (Docker, or Java 17 and Maven) and print its address
	@deploy/kafka/broker.sh up

kafka-down: ## stop that broker; its data stays
	@deploy/kafka/broker.sh down

lock: $(STAMP) ## resolve the dependencies of pyproject.toml anew into requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --all-extras \
		--group dev --group build --generate-hashes --no-emit-index-url --no-header -o $(LOCK)

clean: ## remove the environment, caches and the data of `make run`
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist $(DATA)

$(STAMP): $(LOCK) pyproject.toml
	@test -x $(BIN)/python || { \
	  for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      echo "making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
	    fi; \
	  done; \
	  echo "Penstock needs Python 3.11 or newer, but none was found. Install one and run make again." >&2; exit 1; }
	@echo "installing the packages of $(LOCK) into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@
