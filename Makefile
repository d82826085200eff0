# Each target does its own set-up: .venv from requirements.txt, redone only when the lock changes.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: help demo run test test-long lint bench bench-large lock messages setup
.DEFAULT_GOAL := help

help:
	@echo "make demo       a living charging network with invented data, on http://127.0.0.1:8000"
	@echo "make run        the real thing, for your own chargers"
	@echo "make test       everything that .ci/run checks"
	@echo "make test-long  property and soak tests"
	@echo "make lint       ruff, mypy, import contracts"
	@echo "make bench      the charger gateway against a bare echo server; pricing; the tariff simulator; the early-fault alarm; the sweep; from a charger to the screen"
	@echo "make bench-large  every operator page with 10,000 stations, 1 million sessions, 50 million readings on PostgreSQL (20 GB of disk)"
	@echo "make messages   collect texts for translation, compile evcms/locale (needs gettext)"
	@echo "make lock       remake requirements.txt from pyproject.toml (needs uv)"

demo: setup
	@exec $(RUN) manage.py up --demo

run: setup
	@exec $(RUN) manage.py up

test: setup
	@exec $(RUN) -m tests.run

test-long: setup
	@EVCMS_HYPOTHESIS=searching exec $(RUN) -m pytest -m long -n 2 --durations=15

lint: setup
	@exec $(RUN) -m tests.run --lint

bench: setup
	@$(RUN) -m benchmarks.gateway
	@$(RUN) -m benchmarks.pricing
	@$(RUN) -m benchmarks.simulator
	@$(RUN) -m benchmarks.notices
	@$(RUN) -m benchmarks.early_fault
	@$(RUN) -m benchmarks.sweep
	@$(RUN) -m benchmarks.live

bench-large: setup
	@$(RUN) -m benchmarks.large

messages: setup
	@$(RUN) manage.py makemessages --all --no-obsolete --add-location file \
		--ignore "$(VENV)" --ignore "tests/*" --ignore "var/*" --ignore "evcms/simulator/*" --ignore "benchmarks/*"
	@$(RUN) manage.py compilemessages --locale de --locale nl --locale fr --locale es --ignore "$(VENV)"

lock:
	uv pip compile --universal --generate-hashes --group dev --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt

setup: $(STAMP)

$(STAMP): requirements.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh bin/setup
	@touch $@
