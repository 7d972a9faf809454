# The book in two commands: `make book`, `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := book,test,bench
# In the lock besides: the version of torch the book was written with, what other versions of Python ask for, and the
# last soupsieve that takes every Python 3.11, Debian's 3.11.2 among them.
ALSO := torch==2.13.0 aiohttp setuptools wheel 'soupsieve<3'
# The book's products are small: on a busy machine a second thread of BLAS waits for the first most of the time.
export OPENBLAS_NUM_THREADS := 1
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.PHONY: help book test lint bench serve screenshots lock clean distclean install
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(VENV)/.installed ## execute what changed, build _build/html, say where it is
	@$(BIN)/flowexec build

test: book ## unit tests, checks of the book in a browser, executed notebooks run again
	@failed=0; \
	$(BIN)/python -m pytest _build/executed --nbval-lax --nbval-current-env -p no:cacheprovider || failed=1; \
	$(BIN)/python -m pytest tests || failed=1; \
	exit $$failed

lint: $(VENV)/.installed ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed ## speed, as ratios against peers in one run
	$(BIN)/python -m tests.benchmarks

serve: book ## read the book at http://127.0.0.1:8000
	@$(BIN)/flowexec serve

screenshots: book ## every page, light and dark, wide and phone, to _build/screenshots
	$(BIN)/python -m tests.book.screenshots

install: $(VENV)/.installed ## only the environment

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); sys.exit(not ok and f"This book needs Python 3.11 to 3.13, and $(PYTHON) is {sys.version.split()[0]}: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Installing the locked packages into $(VENV) (the first time takes a few minutes) …"
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install -qq --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

lock: ## write constraints.txt anew from what pyproject.toml asks for
	@rm -rf _build/lock && mkdir -p _build && $(PYTHON) -m venv _build/lock
	@_build/lock/bin/python -m pip --disable-pip-version-check install -qq --editable '.[$(EXTRAS)]' $(ALSO)
	@{ echo '# Made by `make lock`: every package of `pip install -e .[$(EXTRAS)]` in a clean environment, pinned.'; \
	   echo '# On Linux, torch from PyPI also brings the CUDA libraries that its own metadata pins; none is needed here.'; \
	   _build/lock/bin/python -m pip freeze --all --exclude pip --exclude-editable 2>/dev/null | sed 's/+cpu$$//'; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt && rm -rf _build/lock
	@echo "constraints.txt pins $$(grep -vc '^#' constraints.txt) packages; run make book and make test before committing it"

clean: ## remove everything made, except the environment
	rm -rf _build

distclean: clean ## remove the environment too
	rm -rf $(VENV) *.egg-info
