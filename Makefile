# In a fresh clone, `make demo` and `make test` just work; each makes the environment (.venv) if it is missing.
# Options: PYTHON=/path/to/python3.12 (the Python for .venv), STUDY=esc10 (for `make report`), ARGS="..." (for pytest or `uv pip compile`),
# REPOSITORY=https://HOST/OWNER/NAME/blob/main (what `make site` links files to).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:

PYTHON ?= python3.12 python3.11 python3
STUDY ?= $(notdir $(patsubst %/runs,%,$(wildcard results/*/runs)))
BIN := .venv/bin
INSTALLED := .venv/.installed
REVIEW := .venv-review
SITE_ENV := .venv-site
PAGES ?= $(CURDIR)/build/site
SITE ?= $(CURDIR)/site

# Snakemake's jobs call `soundclr`.
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The cache folder of Snakemake, uv and matplotlib; in this folder if the home is not writable.
ifneq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.cache
endif

REPOSITORY ?=

.PHONY: help demo esc10 report review site test test-all test-slurm bench check env lock clean

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/make \1 \t\2/p' Makefile

demo: $(INSTALLED) ## run everything on a small synthetic dataset
	@$(BIN)/snakemake --cores all --config study=demo
	$(BIN)/snakemake --cores 1 --config study=demo --report results/demo/report.html
	printf '\nThe demo is done. Look at\n  %s\n  %s\n  %s\n' 'results/demo/README.md    the tables' \
	  'figures/demo/             the figures' 'results/demo/report.html  all of it, and how it was made (open it in a browser)'

esc10: $(INSTALLED) ## train the paper's three schemes on real ESC-10 (41 MB) and print their table
	@$(BIN)/snakemake --cores all --config study=esc10_quick
	cat results/esc10_quick/tables/table3.md
	printf '\nMore: results/esc10_quick/README.md\n'

report: $(INSTALLED) ## make every study's tables and figures from the existing runs; for one study: make report STUDY=esc10
	@[ -n "$(STUDY)" ] || { echo "make report: results/ has no study with runs; name one: make report STUDY=esc10" >&2; exit 1; }
	printf '%s\n' $(STUDY) | xargs -P "$$(nproc)" -I{} $(BIN)/soundclr report --study {}
	$(BIN)/soundclr readme

review: $(REVIEW)/.installed ## make them without PyTorch and Snakemake, in a small environment of 450 MB (.venv-review)
	@[ -n "$(STUDY)" ] || { echo "make review: results/ has no study with runs" >&2; exit 1; }
	printf '%s\n' $(STUDY) | xargs -P "$$(nproc)" -I{} $(REVIEW)/bin/soundclr report --study {}
	$(REVIEW)/bin/soundclr readme

site: $(SITE_ENV)/.installed ## build the static site, site/index.html, from the committed runs; in an environment of its own of 650 MB (.venv-site)
	@$(SITE_ENV)/bin/soundclr site --into "$(PAGES)" --repository "$(REPOSITORY)"
	cp $(SITE_ENV)/lib/python*/site-packages/plotly/package_data/plotly.min.js "$(PAGES)/pages/assets/"
	NO_MKDOCS_2_WARNING=1 $(SITE_ENV)/bin/mkdocs -q build --strict --config-file "$(PAGES)/mkdocs.yml" --site-dir "$(SITE)"
	echo "The site is ready: open $(SITE)/index.html in a browser."

# One worker runs all tests of a file, because they share slow fixtures.
WORKERS := -n logical --dist loadfile

test: $(INSTALLED) ## run the quick tests
	@$(BIN)/pytest -q $(WORKERS) -m "not slow" --durations 5 $(ARGS)

test-all: $(INSTALLED) ## run all tests
	@$(BIN)/pytest -q $(WORKERS) --durations 5 $(ARGS)

test-slurm: $(INSTALLED) ## run the tests with SLURM, which it installs and starts (as root on Debian or Ubuntu)
	@tests/slurm/run.sh $(BIN)/pytest -q tests/slurm --durations 5 $(ARGS)

bench: $(INSTALLED) ## measure this machine's speed, into results/benchmark; ARGS="--quick", "--only step"
	@$(BIN)/python -m benchmarks $(ARGS)

check: $(INSTALLED) ## run the linters and the type checker
	@$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	for snakefile in Snakefile $(wildcard workflow/report.smk); do
	  $(BIN)/snakemake --lint --snakefile "$$snakefile"
	done

env: $(INSTALLED) ## make or update the environment, .venv

# The lock files are valid for Python 3.11 and 3.12. Versions change only if pyproject.toml asks for it, or with ARGS=--upgrade.
lock: $(INSTALLED) ## write requirements.lock and site.lock from pyproject.toml
	@compile() { $(BIN)/uv pip compile -q --no-annotate --custom-compile-command "make lock" --python-platform x86_64-manylinux_2_28 "$$@"; }
	other=$$(mktemp); trap 'rm -f "$$other"' EXIT
	both() {  # the file, then what it is made of
	  compile --python-version 3.11 -o "$$@" $(ARGS)
	  cp "$$1" "$$other"; compile --python-version 3.12 -o "$$other" "$${@:2}" > /dev/null
	  cmp -s "$$1" "$$other" || { diff "$$1" "$$other" || true
	    echo "make lock: Python 3.11 and 3.12 need different versions (above); pin in pyproject.toml one that suits both" >&2; exit 1; }
	}
	both requirements.lock --extra test pyproject.toml
	both site.lock -c requirements.lock --group pyproject.toml:site

clean: ## remove the demo's output, the site and the tools' caches (the environment: rm -r .venv)
	@rm -rf results/demo figures/demo build/site site .mypy_cache .pytest_cache .ruff_cache
	find src benchmarks tests -name __pycache__ -prune -exec rm -rf {} +

# The environment of a copied or moved folder points to the old place, so the stamp has the place and is outdated elsewhere.
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(CURDIR))
.PHONY: $(INSTALLED)
endif

# A new environment in the folder $(1).
define small_environment
@rm -rf $(1)
for candidate in $(PYTHON) none; do
  [ "$$candidate" != none ] || { echo "make: no Python 3.11 or 3.12 with the module venv among: $(PYTHON)" >&2; exit 1; }
  "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && break
done
echo "Making the environment $(1) with $$("$$candidate" --version), $(2) ..."
"$$candidate" -m venv $(1)
pip() { $(1)/bin/python -m pip install -qq --disable-pip-version-check "$$@"; }
endef

$(REVIEW)/.installed: requirements.lock pyproject.toml
	$(call small_environment,$(REVIEW),to read runs and write tables)
	pip -c requirements.lock 'setuptools>=77' $$($(REVIEW)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["report"])')
	pip --no-deps --no-build-isolation -e .
	touch $@

$(SITE_ENV)/.installed: site.lock requirements.lock pyproject.toml
	$(call small_environment,$(SITE_ENV),to build the site)
	pip -c requirements.lock 'setuptools>=77' -r site.lock
	pip --no-deps --no-build-isolation -e .
	touch $@

# The stamp is written last; without it, the rest of an interrupted installation is deleted.
$(INSTALLED): requirements.lock pyproject.toml
	@if ! { [ "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" ] && $(BIN)/python -c 'import pip' 2>/dev/null; }; then
	  rm -rf .venv
	  python= without_venv=
	  mapfile -t candidates < <(type -aP $(PYTHON))
	  for candidate in "$${candidates[@]}"; do  # some only pretend: pyenv has a python3.12 for every version it could start
	    "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || continue
	    if "$$candidate" -c 'import venv, ensurepip' 2>/dev/null; then python=$$candidate; break; fi
	    without_venv=$$candidate
	  done
	  if [ -z "$$python" ] && [ -n "$$without_venv" ]; then
	    echo "make: $$without_venv lacks the module venv: install it (Debian: apt install python3-venv), then make again" >&2; exit 1
	  elif [ -z "$$python" ]; then
	    echo "make: no Python 3.11 or 3.12 among: $(PYTHON); install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1
	  fi
	  echo "Making the environment .venv with $$("$$python" --version): about a minute, or as long as 3 GB take to download; 6 GB of disk ..."
	  "$$python" -m venv .venv
	else
	  echo "Updating the environment .venv to requirements.lock ..."
	fi
	rm -f $@
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c requirements.lock uv
	[ -t 2 ] && quiet= || quiet=-q  # progress bars only on a terminal
	index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}}
	[ -z "$$index" ] || export UV_DEFAULT_INDEX=$$index  # uv does not read pip's settings
	# Compiles modules now: jobs start three times as fast, also if Python may not write beside its modules.
	if ! $(BIN)/uv pip sync $$quiet --compile-bytecode --python $(BIN)/python requirements.lock; then
	  echo "make: uv could not install (above); trying pip, which takes some minutes ..." >&2
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -r requirements.lock
	fi
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	echo "$(CURDIR)" > $@
	echo "The environment is ready."
