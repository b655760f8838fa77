# Needs Python >= 3.11 and make, nothing else.
#   make demo                simulate, train, plan, report
#   make mind                the social mind: train on villages, score every capability, report
#   make test                ruff, pyright, pytest
#   make test VENV=<dir>     in an environment that exists (default: .venv, made on first use)
#   make demo PYTHON=<exe>   with another interpreter than python3
#   make pretrained          make the model that ships with the package: weights, settings, model card
VENV ?= .venv
PYTHON ?= python3
PY = $(VENV)/bin/python
RUN ?= runs/crowd
WORKERS ?= 2

.PHONY: demo mind pretrained test lint install clean

demo: install
	$(PY) train.py experiment=crowd run=$(RUN)
	$(PY) eval.py run=$(RUN) suite=crowd
	@echo "open $(RUN)/report.html"

mind: install
	$(PY) train.py experiment=village
	$(PY) eval.py run=runs/village suite=mind
	@echo "open runs/village/report.html"

# What other suites and forecasts have added to the run goes into the card too.
pretrained: RUN = runs/shipped
pretrained: install
	$(PY) train.py experiment=shipped run=$(RUN)
	$(PY) eval.py run=$(RUN) suite=crowd
	$(PY) -m jepa_social.release run=$(RUN)

test: lint
	OMP_NUM_THREADS=1 $(PY) -m pytest -n $(WORKERS) --dist worksteal

lint: install
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright --pythonpath $(PY)

# The stamp is a copy of what was installed: a fresh clone does not install anew into an environment that fits it.
install:
	@$(PYTHON) -c 'import sys; sys.exit("needs Python >= 3.11, found %d.%d: set PYTHON=<exe>" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@cmp -s pyproject.toml $(VENV)/jepa_social.stamp || \
		{ $(PY) -m pip install -e ".[dev]" && cp pyproject.toml $(VENV)/jepa_social.stamp; }

# Leaves .venv, data and runs alone.
clean:
	rm -rf .pytest_cache .ruff_cache build *.egg-info data/cache
	find . -name __pycache__ -not -path "./.venv/*" -type d -prune -exec rm -rf {} +
