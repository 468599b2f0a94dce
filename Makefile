# make play    installs what is missing, then opens the world (with no display: 30 s of the bot in play.mp4)
# make test    installs what is missing, then ruff, mypy and pytest
# make install makes .venv with the pinned versions of constraints.txt; instant the second time
# make lint, make types, make tests: the three parts of make test; make clean takes away what these made
#
# Another Python: make install PYTHON=python3.12. Where packages come from is pip's own setting; nothing here names a host.

SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := pyproject.toml constraints.txt

.PHONY: install play test lint types tests debian clean
.DEFAULT_GOAL := install

install: $(VENV)/installed

play: $(VENV)/installed
	$(BIN)/simworld play $(ARGS)

test: lint types tests

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .

# mypy does not follow the mapping of folders to packages, so it reads an unpacked copy. build/ goes first, for setuptools
# would copy modules that are long deleted out of build/lib.
types: $(VENV)/installed-dev
	rm -rf build/lib build/bdist.* build/types
	$(PIP) install --quiet --no-deps --no-build-isolation --target build/types .
	cd build/types && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p simworld

# What plays against the clock plays alone; the rest shares the cores, a process and a thread each.
tests: $(VENV)/installed-dev debian
ifeq ($(ARGS),)
	status=0; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --ignore-glob='*/test_client_*' || status=$$?; \
	$(BIN)/python -m pytest tests/test_client_*.py || status=$$?; \
	exit $$status
else
	$(BIN)/python -m pytest $(ARGS)
endif

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1 || true); the pins in constraints.txt need Python 3.11 or newer:" \
	         "make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; fi; }
	@rm -rf $(VENV); $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "make: $(PYTHON) -m venv does not work; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }

$(VENV)/installed: $(PINS) | $(VENV)/bin/pip
	@echo "make: installing SimWorld and what it needs into $(VENV); the first time takes some minutes"
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-dev: $(PINS) $(VENV)/installed
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Tests that open a real window need an X server, one of them real keys; without these they are skipped, and say so.
debian:
	@command -v Xvfb >/dev/null && command -v xdotool >/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "make: installing xvfb and xdotool, for the tests of the window"; \
	        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq xvfb xdotool; } >/dev/null 2>&1 \
	            || echo "make: apt-get could not install them; tests of the window are skipped" >&2; \
	    else echo "make: no Xvfb or xdotool, so tests of the window are skipped; on Debian and Ubuntu:" \
	        "sudo apt-get install xvfb xdotool" >&2; fi; }

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
