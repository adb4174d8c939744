# Every target installs what it needs: `make demo` or `make test` can be the first command on a new machine.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-long lint types format notebooks clean help

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(READY): pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $(READY)

demo: $(READY)   ## train on the embedded corpus, score, translate (takes minutes)
	@$(BIN)/python -m recipes.translation demo
	@$(BIN)/python -m seq2seq.cli.main translate runs/demo --input recipes/demo.txt

test: $(READY)   ## lint, type checks, and tests on all cores
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy & types=$$!; $(PYTEST); tests=$$?; wait $$types && exit $$tests

test-long: $(READY) ## tests with every combination of options
	$(PYTEST) --long

lint: $(READY)   ## lint only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## type checks only
	$(BIN)/mypy

format: $(READY) ## format the code and fix what the linter can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(READY) ## write docs/notebooks, and run the code of all in the quick form (takes minutes)
	$(BIN)/python -m docs.make_notebooks
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m docs.make_notebooks --run

clean:           ## remove the environment, caches and builds; keep the runs
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build dist
