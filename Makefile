# Every target sets up what it needs: on a fresh machine `make demo` or `make test` is the first command.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types format clean help

help:            ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(READY): pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $(READY)

demo: $(READY)   ## train on the embedded corpus, score, translate (minutes)
	@$(BIN)/python -m recipes.translation demo
	@$(BIN)/python -m seq2seq.cli.main translate runs/demo --input recipes/demo.txt

test: $(READY)   ## lint, types, tests on all cores
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(READY)   ## lint alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## type checks alone
	$(BIN)/mypy

format: $(READY) ## rewrite in house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:           ## remove the environment and caches, keep the runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build
