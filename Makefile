# Every command of the project. `make help` lists them.
#
# `setup` needs Python 3.11 or newer, make and a shell, works as root and as an ordinary user, and
# writes to standard error only, so that `make -s demo ARGS="--once --json"` prints nothing else.
# ARGS is passed on by demo, test, test-slow, bench, chaos and up.

SHELL := /bin/sh
PYTHON ?=
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHONS := $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14
# What uv prints when it cannot reach an index is of no use where pip can: pip is asked next.
UV := UV_NO_PROGRESS=1 UV_HTTP_TIMEOUT=60 UV_LINK_MODE=copy $(BIN)/uv

# Hundreds of processes start in a run of the tests, and each would compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-slow test-toolchains bench chaos lint format lock lock-toolchains schema clean
.DELETE_ON_ERROR:

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make the environment in .venv from requirements.lock; a no-op when nothing changed

demo: $(STAMP) ## Optimize and benchmark two real models, live; ARGS="--once --json" for one JSON object
	@$(BIN)/python -m demo $(ARGS)

up: $(STAMP) ## Start the platform on this machine: API, projections and worker
	@$(BIN)/edgewise up $(ARGS)

test: $(STAMP) ## Run the tests, in minutes; ARGS="tests/domain -k quota" for some of them
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not toolchain" $(ARGS)

test-slow: $(STAMP) ## Run the tests that take long: storms, kills, upgrades, the demo; one at a time
	$(BIN)/pytest -m slow $(ARGS)

test-toolchains: $(STAMP) ## Run the tests that need TensorFlow, OpenVINO and the like; installs them
	$(BIN)/pytest -n 2 --dist loadfile -m toolchain tests/toolchains $(ARGS)

bench: $(STAMP) ## Measure speed against baselines; ARGS="append_one upload_1gb" for some
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(STAMP) ## Kill every process again and again under load, then count; ARGS="--kills 1000"
	@$(BIN)/python -m tests.chaos $(ARGS)

lint: $(STAMP) ## Check style, format, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code and sort its imports
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock: $(STAMP) ## Resolve the dependencies of pyproject.toml anew into requirements.lock
	$(BIN)/uv pip compile -q pyproject.toml --group dev --universal --generate-hashes \
		--no-emit-index-url --no-annotate --no-header -o requirements.lock

lock-toolchains: $(STAMP) ## Resolve what each toolchain wants anew into its lock file
	cd infrastructure/toolchains/locks && for wanted in *.in; do \
		$(abspath $(BIN))/uv pip compile -q $$wanted --universal --generate-hashes --no-emit-index-url \
		$$(ls $${wanted%.in}.overrides 2>/dev/null | sed 's/^/--override /') \
		--no-annotate --no-header --python-version $$(sed -n 's/^# python //p' $$wanted | grep . || echo 3.11) \
		-o $${wanted%.in}.lock; done

schema: $(STAMP) ## Print the GraphQL schema into schema.graphql
	@$(BIN)/python -m interfaces.graphql.print_schema > schema.graphql.new
	@mv schema.graphql.new schema.graphql

clean: ## Remove the environment and every cache; keeps .edgewise, where the data lives
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml | $(VENV)/bin/pip
	@exec >&2; set -eu; \
	echo "Installing the locked dependencies into $(VENV) …"; \
	awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock; \
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock; \
	index=$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null || true)}; \
	if [ -n "$$index" ] && [ -z "$${UV_DEFAULT_INDEX:-}" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
		2> $(VENV)/uv.log \
	|| { echo "uv could not; installing with pip, which is slower …"; \
		$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; } \
	|| { cat $(VENV)/uv.log; exit 1; }; \
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	$(BIN)/python -m interfaces.graphiql.fetch || true; \
	touch $@; \
	echo "Ready: $(VENV)"

# A Python on the PATH may be a shim that runs nothing, and Debian's comes without ensurepip.
$(VENV)/bin/pip:
	@exec >&2; set -u; found=; \
	for python in $(PYTHONS); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			found=$$python; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Edgewise needs Python 3.11 or newer, and none was found on the PATH."; \
		echo "Install it, or name it: make setup PYTHON=/path/to/python3.11"; exit 1; \
	fi; \
	rm -rf $(VENV); \
	if "$$found" -c 'import ensurepip' 2>/dev/null && "$$found" -m venv $(VENV); then exit 0; fi; \
	rm -rf $(VENV); \
	if command -v uv >/dev/null && uv venv -q --seed --python "$$found" $(VENV); then exit 0; fi; \
	rm -rf $(VENV); \
	if "$$found" -m pip --version >/dev/null 2>&1 && "$$found" -m venv --without-pip $(VENV) \
		&& "$$found" -m pip --python $(VENV)/bin/python install -q pip; then exit 0; fi; \
	rm -rf $(VENV); \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "This Python has no ensurepip; installing python3-venv …"; \
		version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		apt-get install -qq -y "python$$version-venv" >/dev/null \
		|| { apt-get update -qq && apt-get install -qq -y "python$$version-venv" >/dev/null; }; \
		if "$$found" -m venv $(VENV); then exit 0; fi; \
		rm -rf $(VENV); \
	fi; \
	echo "$$found cannot make an environment with pip in it (its module ensurepip is missing)."; \
	echo "On Debian or Ubuntu: sudo apt install python3-venv. On Fedora: sudo dnf install python3-pip."; \
	exit 1
