# Each target works as the only command typed on a fresh machine with Python >= 3.11 and make.
PYTHON ?= python3
VENV   ?= .venv
SECONDS ?= 600
RUNS   ?= 200
SEED   ?= 1
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# The suite is made for two cores; a file's tests stay together with their servers. The files
# come in the order of tests/conftest.py, the longest first.
WORKERS ?= 2
PYTEST ?= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test check format fuzz faults bench servers lock clean

help:            ## what can be made
	@grep -E '^[a-z]+: .*##|^[a-z]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*##/ —/'

$(READY): requirements.lock pyproject.toml .ci/venv
	PYTHON=$(PYTHON) .ci/venv $(VENV)
	@touch $@

# Its archive has faults on purpose: the run is right when it ends with exit code 3.
demo: $(READY)   ## the main job on a small synthetic archive, into ./demo
	rm -rf demo
	$(BIN)/pacslift demo demo; test $$? -eq 3

test: $(READY)   ## every test; servers that are not installed are named and skipped
	$(PYTEST)

check: $(READY)  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .  # its cache does not see that an imported module has moved
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32  # what the standard library lacks there
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(READY) ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fuzz: $(READY)   ## search for inputs that break a reader, SECONDS for each target
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group fuzz
	failed=; for target in $$($(BIN)/python tests/fuzz/run.py list); do \
	  $(BIN)/python tests/fuzz/run.py fuzz $$target $(SECONDS) || failed="$$failed $$target"; \
	done; test -z "$$failed" || { echo "broken:$$failed"; exit 1; }

faults: $(READY) ## break the sender, the link and the target RUNS times, by chance from SEED
	$(BIN)/python tests/faults/run.py --runs $(RUNS) --seed $(SEED) \
	  $(if $(OUTPUT),--output $(OUTPUT))

bench: $(READY)  ## measure, and write benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py

servers:         ## install the Debian packages that tests and bench use (root)
	.ci/servers

lock: $(READY)   ## resolve the dependencies anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet --output-file requirements.lock

clean:           ## remove what the targets made
	rm -rf $(VENV) demo dist
