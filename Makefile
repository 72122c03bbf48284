# Every target makes its own virtual environment, .venv; PYTHON=python3.12 chooses the interpreter.
# PYTEST_ARGS are handed to pytest: make test PYTEST_ARGS="-k layers -x"
PYTHON ?=
PYTEST_ARGS ?=
# ... and BENCH_ARGS to a benchmark: make bench-config BENCH_ARGS="--profiles 20"
BENCH_ARGS ?=
# ... and COMPLIANCE_ARGS: make compliance COMPLIANCE_ARGS="--databases sqlite --suites engine -p 2"
COMPLIANCE_ARGS ?=
DEMO_ARGS ?=
# ... and FAILOVER_ARGS: make failover FAILOVER_ARGS="--clusters replication --events kill freeze"
FAILOVER_ARGS ?=
export PYTHON

BIN := .venv/bin
CODE := myfy_data myfy tests scripts examples benchmarks .ci
TYPED := myfy_data myfy/data
SCHEMA := schemas/myfy.schema.json

.DEFAULT_GOAL := help
.PHONY: help setup demo test examples lint format types floors schema schema-check static check faults failover compliance sisters site bench-config bench-hosts bench-pool bench-database bench-cells bench-telemetry bench-kit alerts clean core dev lowest lock newest unstable

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: dev ## everything to work on the project, and the checks before each commit
	@if [ -e .git ]; then $(BIN)/pre-commit install; fi

demo: core ## the first look, on SQLite; DEMO_ARGS=--open leaves the page of development open
	$(BIN)/python examples/quickstart/demo.py $(DEMO_ARGS)

test: dev ## run every test; says what it skipped and why
	$(BIN)/python -m pytest -ra $(PYTEST_ARGS)

examples: dev ## run the tests of examples/shop as its user would: on PostgreSQL where there is one, else on SQLite, and say so
	cd examples/shop && $(CURDIR)/$(BIN)/python -m pytest -ra $(PYTEST_ARGS)

lint: dev ## ruff, its formatter, and the sizes of files and functions
	$(BIN)/ruff check $(wildcard $(CODE))
	$(BIN)/ruff format --check $(wildcard $(CODE))
	$(BIN)/python scripts/check_sizes.py $(wildcard $(CODE))

format: dev ## let ruff mend what it can
	$(BIN)/ruff check --fix $(wildcard $(CODE))
	$(BIN)/ruff format $(wildcard $(CODE))

types: dev ## mypy and pyright, and that every public name has a known type
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python scripts/check_public_types.py

floors: dev ## who may import whom
	$(BIN)/lint-imports

schema: dev ## write the schema of the configuration file
	$(BIN)/python -m myfy_data config schema --output $(SCHEMA)

schema-check: dev ## fail when the committed schema is stale
	$(BIN)/python -m myfy_data config schema --output $(SCHEMA) --check

static: lint types floors schema-check ## everything that runs no test

check: static test ## everything

site: ## build the documentation as a site, in site/
	scripts/build-site

faults: dev ## break the line at every message of a request, cancel 9000 requests, and write what came of it
	$(BIN)/python -m tests.faults --page docs/reference/reliability.md

failover: dev ## kill, freeze and cut off the servers of clusters while applications write, and write what came of it
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} \
		$(BIN)/python -m tests.failover --page docs/reference/failover.md $(FAILOVER_ARGS)
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} $(BIN)/python -m tests.failover.newcomer

compliance: dev ## run SQLAlchemy's own tests on engines of ours and on plain ones, and write down what differs, and why
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} \
		$(BIN)/python -m tests.compliance --page docs/reference/compliance.md $(COMPLIANCE_ARGS)

sisters: dev ## run the tests of myfy's other packages on this one, and the page that says how to keep it beside them
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} $(BIN)/python -m tests.sisters

newest: dev ## run the tests on the newest of everything, pre-releases included, and say what broke
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} $(BIN)/python .ci/newest.py $(PYTEST_ARGS)

unstable: ## run the tests on Python 3.14 and 3.15, PostgreSQL 18, MySQL 9 and MariaDB 11.8 out of Debian unstable; needs root
	.ci/unstable mysql $(PYTEST_ARGS)
	.ci/unstable mariadb $(PYTEST_ARGS)

bench-config: core ## time the loading of configuration against other libraries
	@if [ ! -x .venv-bench/bin/python ]; then $(BIN)/python -m venv .venv-bench; fi
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} .venv-bench/bin/python -m pip install --quiet \
		--editable . -r benchmarks/requirements.txt
	.venv-bench/bin/python benchmarks/config_load.py $(BENCH_ARGS)

bench-hosts: core ## time requests on each host against other libraries; needs wrk and PostgreSQL
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} $(BIN)/python benchmarks/hosts.py $(BENCH_ARGS)

bench-pool: core ## time waiting for a connection, beside SQLAlchemy's pool; needs PostgreSQL
	$(BIN)/python benchmarks/pool_fairness.py $(BENCH_ARGS)

bench-telemetry: core ## time units of work with and without telemetry, alternating in one run
	$(BIN)/python benchmarks/telemetry.py $(BENCH_ARGS)

bench-kit: dev ## time a test with and without the test kit, in turns
	$(BIN)/python benchmarks/testing_kit.py $(BENCH_ARGS)

alerts: ## check the alert rules, and try each; needs promtool, as in Debian's package prometheus
	promtool check rules examples/telemetry/alerts.yml
	promtool test rules examples/telemetry/alerts_test.yml

bench-database: core ## time units of work on each database against other libraries; needs PostgreSQL's and MariaDB's programs
	PIP_CACHE_DIR=$${PIP_CACHE_DIR:-$(CURDIR)/.cache/pip} $(BIN)/python benchmarks/database.py $(BENCH_ARGS)

bench-cells: core ## count calls and instructions of units of work beside plain SQLAlchemy's; needs both servers' programs
	$(BIN)/python benchmarks/cells.py $(BENCH_ARGS)

lock: ## renew requirements/, the versions that all of this installs
	scripts/lock --upgrade

clean: ## remove everything that these targets made
	rm -rf site .venv .venv-bench .venv-lock .venv-newest .venv-sisters .venv-site .unstable .demo .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

core dev lowest:
	@scripts/ensure-venv $@
