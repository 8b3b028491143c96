# Two commands do everything on a machine with git, make and Python >= 3.11 (with venv and pip):
#   make demo    sets up .venv and runs the main job on a harmless clip
#   make test    sets up the developers' tools too, and passes the tests
# PYTHON=/path/to/python chooses another Python than the first that fits.

HASHING_COVERED := 98# percent of lines and branches
UV_VERSION := 0.13.9# tests/test_packaging.py holds it to the one in uv.lock
BIN := .venv/bin
DEMO_STAMP := .venv/.ready-to-run
DEV_STAMP := .venv/.ready-to-develop
BENCHMARKS = $(filter-out launch,$(basename $(notdir $(shell grep -l '^if __name__' benchmarks/*.py))))
FAST :=# make bench FAST=--fast

# uv works in our .venv with the Python it was made with, and fetches no other.
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_PYTHON_DOWNLOADS := never
# A proxy's certificate that the machine trusts counts; without a store uv trusts its own roots.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= true
endif
unexport VIRTUAL_ENV UV_PYTHON PYTHONPATH PYTHONHOME

# Wheels only, all from uv.lock, then recirc itself: hatchling builds it without isolation, so that
# the build tool is a locked one too.
SYNC = @$(BIN)/uv sync --quiet --frozen $(1) --inexact --no-build --no-install-project && \
       $(BIN)/uv sync --quiet --frozen $(1) --inexact --no-build-isolation

.PHONY: help demo test check format docs bench nightly clean
help:
	@sed -n '2,3s/^# *//p' Makefile
	@echo "make check   format, lint, types, import contracts, generated docs, Dockerfile"
	@echo "make docs    writes the generated docs anew; make format formats the code"
	@echo "make nightly replays the Dockerfile without a container engine (root on Debian, a network)"
	@echo "make bench   measures; tables as in docs/benchmarks.md (FAST=--fast: a taste of it)"

demo: $(DEMO_STAMP)
	$(BIN)/recirc demo

test: $(DEV_STAMP)
	$(BIN)/pytest --cov --cov-report=
	$(BIN)/coverage report --skip-covered --show-missing
	$(BIN)/coverage report --include='hashing/*' --format=total --fail-under=$(HASHING_COVERED)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python docs/generate.py --check
	$(BIN)/hadolint Dockerfile

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

nightly:
	.ci/replay-dockerfile

docs: $(DEV_STAMP)
	$(BIN)/python docs/generate.py

bench: $(DEV_STAMP)
	@set -e; for name in $(BENCHMARKS); do \
	    echo "== $$name: python -m benchmarks.$$name $(FAST)"; \
	    $(BIN)/python -m benchmarks.$$name $(FAST); done

clean:
	rm -rf .venv dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(DEMO_STAMP): uv.lock pyproject.toml Makefile
	@$(call VENV)
	$(call SYNC,--no-default-groups --group build)
	@touch $@

$(DEV_STAMP): uv.lock pyproject.toml Makefile
	@$(call VENV)
	$(call SYNC,)
	@touch $(DEMO_STAMP) $@

# A venv that works and has the pinned uv. The first Python that is new enough and can make one.
define VENV
set -e; \
if test "$$($(BIN)/uv --version 2> /dev/null | cut -d' ' -f2)" = $(UV_VERSION); then exit 0; fi; \
if ! $(BIN)/python -m pip --version > /dev/null 2>&1; then \
    seen=; found=; \
    for candidate in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3.14 python3); do \
        version=$$("$$candidate" -c 'import sys; v = sys.version_info; print("%d.%d" % v[:2]); sys.exit(v < (3, 11))' 2> /dev/null) || continue; \
        seen=$${seen:-$$version}; \
        if "$$candidate" -c 'import ensurepip, venv' 2> /dev/null; then found=$$candidate; break; fi; \
    done; \
    if test -z "$$found" && test -n "$$seen"; then \
        echo "recirc: Python $$seen cannot make a virtual environment; on Debian and Ubuntu: apt install python$$seen-venv" >&2; exit 1; \
    elif test -z "$$found"; then \
        echo "recirc: no Python >= 3.11 found; install one (apt install python3.11 python3.11-venv) or say PYTHON=/path/to/python" >&2; exit 1; \
    fi; \
    echo "$$found -m venv .venv"; \
    "$$found" -m venv --clear .venv; \
fi; \
echo "pip install uv==$(UV_VERSION)"; \
$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: uv==$(UV_VERSION)
endef
