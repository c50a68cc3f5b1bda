# Every target does its own set-up: a Python of 3.11 or newer and make are all that must be there.
# An install leaves a stamp file in .venv, so it runs again only when pyproject.toml or constraints.txt change.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet --constraint constraints.txt
PEERS_PIP = $(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --quiet \
    --constraint constraints.txt --constraint benchmarks/selection/peers.txt
SOURCES := src tests scripts examples benchmarks
# Workers of the test suite: as many as cores, two at most, because each holds its own torch.
WORKERS ?= 2
RUN_ARGS ?=
SOAK_ARGS ?=

export PYTHONUTF8 := 1

# The packages that selection is compared with have an environment of their own.
PEERS := .venv-peers
BENCH_ARGS ?=

.PHONY: run test check soak docs picture peers test-peers bench constraints
.DEFAULT_GOAL := run

run: $(VENV)/.base
	$(BIN)/querist run digits --strategy badge --initial 20 --batch 20 --budget 300 --seeds 0,1,2 --target 0.95 \
	    --out runs/digits --resume $(RUN_ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal --quiet

# No cache for the floors: it remembers imports of files that were missing when it first looked.
check: $(VENV)/.dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/size_mirror.py $(SOURCES)
	$(BIN)/python scripts/readme_tree.py --check

# The long form of what people are promised who label: kills, lost answers, load. CI runs the short form in `make test`.
soak: $(VENV)/.dev
	QUERIST_KILLS=200 $(BIN)/python -m pytest --quiet tests/unit/server/test_kills.py
	$(BIN)/python -m benchmarks.labelling $(SOAK_ARGS)

docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

# The learning curve of the README, and the numbers under it, from the run that `make run` left.
picture: run
	$(BIN)/python scripts/readme_picture.py runs/digits

# Querist and its peers on the same inputs; BENCH_ARGS="--only k_center --checkout badge=FOLDER" and more: see --help.
bench: $(VENV)/.dev
	@if [ -e $(PEERS)/.peers ]; then $(PEERS)/bin/python -m benchmarks.selection $(BENCH_ARGS); else \
	    echo "no peers are installed (make peers): Querist is timed alone"; \
	    $(BIN)/python -m benchmarks.selection --peers none $(BENCH_ARGS); \
	fi

peers: $(PEERS)/.peers

test-peers: $(PEERS)/.peers
	$(PEERS)/bin/python -m pytest tests/peers -m peers --quiet

# torch comes first and alone, so that no peer can ask for another; what must be built may be left out.
$(PEERS)/.peers: pyproject.toml constraints.txt benchmarks/selection/peers.txt benchmarks/selection/peers_alone.txt | $(VENV)/.made
	@echo "Installing the peers into $(PEERS) (some minutes)"
	@[ -e $(PEERS)/bin/python ] || $(BIN)/python -m venv $(PEERS)
	@$(PEERS_PIP) $$(grep '^torch==' constraints.txt)
	@$(PEERS_PIP) --editable '.[peers]' pandas pytest pytest-socket hypothesis beartype
	@grep -v '^#' benchmarks/selection/peers_alone.txt | while read -r peer; do \
	    $(PEERS_PIP) --no-deps "$$peer" || echo "left out: $$peer"; \
	done
	@touch $@

# The header stays; a build suffix (+cpu) goes, because other machines have other builds.
constraints: $(VENV)/.dev
	@{ grep '^#' constraints.txt; $(BIN)/pip freeze --exclude-editable | grep -v '^#' | sed 's/+cpu$$//'; } > $(VENV)/frozen
	@mv $(VENV)/frozen constraints.txt

$(VENV)/.base: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "Installing Querist into $(VENV) (the first time takes some minutes)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.base
	@echo "Installing the extras and the tools of development into $(VENV)"
	@$(PIP) --editable '.[all,dev]'
	@touch $@

# The first interpreter that runs and is new enough; PYTHON=... chooses another.
$(VENV)/.made:
	@for python in $(PYTHON) python3.11 python3 python3.12 python3.13 python; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$python -m venv $(VENV) && touch $@ && exit 0; \
	        echo "$$python cannot make a virtual environment (on Debian: apt install python3-venv)" >&2; exit 1; \
	    fi; \
	done; \
	echo "Querist needs Python 3.11 or newer, and none was found; try: make PYTHON=/path/to/python3.11" >&2; exit 1
