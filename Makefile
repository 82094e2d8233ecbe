# Needs python3 (3.11 or newer) and make; everything else is fetched into .tools, .venv and the user's cache.
PYTHON ?= python3
BIN := .venv/bin
BOOTSTRAP = $(PYTHON) deploy/local/bootstrap.py
WATCHED := $(filter-out 0,$(MONITORING))
LOCKED := uv.lock pyproject.toml deploy/uv.txt deploy/local/bootstrap.py

# Or every start of a service would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

# Of each service's calls, pages and loops some; what stops and starts PostgreSQL is none of a pooler's.
POOLED := $(patsubst %,tests/integration/*/test_%.py,pooler page_steps front_steps help_pages publishing webhooks) \
	tests/journeys/test_main_journey.py

.DEFAULT_GOAL := help
.PHONY: help run test test-faults test-schedules test-restore test-cluster test-kubernetes test-pooler test-browser test-monitoring check bench guide snapshot dashboards sbom assurance assets format stop clean

help: ## List these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 24

run: .venv/.has-local $(if $(WATCHED),.venv/.has-boards) ## Start all; Ctrl-C stops it, data is kept (MONITORING=1 adds Prometheus, alerts and boards)
	@exec env $(if $(DEMO),PIR_DEMO=$(DEMO)) $(if $(WATCHED),PIR_MONITORING=1) $(BIN)/python -m deploy.local run

test: .venv/.has-test ## Run all tests side by side, on real PostgreSQL and Kafka (ARGS="-k words" chooses)
	@exec $(BIN)/pytest -q -n auto $(ARGS)

test-faults: .venv/.has-test ## Run the tests that kill and pause things
	@PIR_FAULTS=1 exec $(BIN)/pytest -q -m chaos $(ARGS)

test-schedules: .venv/.has-test ## Try 3,000 orders of what can happen between a request and its effect (PIR_SCHEDULES=1500)
	@PIR_SCHEDULES=$(or $(PIR_SCHEDULES),1500) exec $(BIN)/pytest -q tests/integration/referral/test_any_schedule.py $(ARGS)

test-restore: .venv/.has-test ## Lose a database and bring it back, in every way that docs/restore.md has, and say how long it took
	@PIR_REQUIRE_STACK=1 exec $(BIN)/pytest -q -s tests/integration/deploy/test_recovery.py tests/integration/deploy/test_backups.py tests/integration/deploy/test_restore.py $(ARGS)

test-cluster: .venv/.has-test ## Three brokers, two PostgreSQL, two hosts and a proxy in namespaces; cut, kill and promote (wants root)
	@PIR_CLUSTER=1 PIR_REQUIRE_STACK=1 exec $(BIN)/pytest -q -s tests/cluster $(ARGS)

test-kubernetes: .venv/.has-test ## Apply the manifests to a real API server (KUBEBUILDER_ASSETS=FOLDER, PIR_CRDS=FOLDER)
	@PIR_KUBERNETES=1 exec $(BIN)/pytest -q tests/kubernetes $(ARGS)

test-pooler: .venv/.has-pooler ## Send calls and pages by way of a real PgBouncer (fetches it where it is missing)
	@PIR_POOLER=1 exec $(BIN)/pytest -q -n 2 $(POOLED) $(ARGS)

test-browser: .venv/.has-browser ## Run all pages in a real browser (installs Chromium if it may)
	@PIR_BROWSER=1 exec $(BIN)/pytest -q -n 2 tests/browser $(ARGS)

test-monitoring: .venv/.has-monitoring ## Run a real Prometheus and Alertmanager on the services, and the boards in a browser (fetches what is missing)
	@PIR_MONITORING=1 exec $(BIN)/pytest -q tests/monitoring $(ARGS)

check: .venv/.has-lint ## Check style, format, types and import rules, in seconds
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@$(BIN)/hadolint deploy/Dockerfile
	@$(BIN)/python -m deploy.manifests
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/zizmor --offline --persona pedantic --quiet .github

bench: .venv/.has-test ## Measure throughput and latency
	@exec $(BIN)/python -m tests.bench $(ARGS)

guide: .venv/.has-browser ## Make the pictures of the guides again, from a running system
	@exec $(BIN)/python -m tests.browser.guide

snapshot: .venv/.has-test ## Write what people and programs see to var/snapshot; AGAINST=FOLDER compares with an earlier one
	@PIR_SNAPSHOT=$(CURDIR)/var/snapshot PIR_SNAPSHOT_BEFORE=$(AGAINST) exec $(BIN)/pytest -q tests/integration/deploy/test_contract_snapshot.py $(ARGS)

dashboards: .venv/.has-test ## Write the Grafana dashboards again, from the code, the alerts and the runbooks
	@exec $(BIN)/python -m deploy.monitoring

sbom: .venv/.has-test ## Write the bill of materials (CycloneDX) to var/sbom.cdx.json
	@exec $(BIN)/python -m deploy.supply var/sbom.cdx.json

assurance: .venv/.has-test ## Write the safety case and the DPIA pages again, from their TOML files
	@exec $(BIN)/python -m deploy.assurance

assets: ## Build the stylesheet and pictures of the pages (needs node and npm)
	@sh deploy/assets/build.sh

format: .venv/.has-lint ## Format, and repair what can be repaired
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

stop: .venv/.has-local ## Stop what `make run` started
	@exec $(BIN)/python -m deploy.local stop

clean: .venv/.has-local ## Stop everything and remove data, logs and mail
	@$(BIN)/python -m deploy.local clean
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.has-local: $(LOCKED)
	@$(BOOTSTRAP) local
	@touch $@

.venv/.has-test: $(LOCKED)
	@$(BOOTSTRAP) local test
	@touch $@ .venv/.has-local

.venv/.has-lint: $(LOCKED)
	@$(BOOTSTRAP) local lint
	@touch $@ .venv/.has-local

.venv/.has-browser: $(LOCKED) deploy/local/chromium.py
	@$(BOOTSTRAP) local test browser
	@$(BIN)/python -m deploy.local.chromium
	@touch $@ .venv/.has-local .venv/.has-test

.venv/.has-pooler: $(LOCKED) deploy/local/debian.py tests/pooler.py
	@$(BOOTSTRAP) local test
	@$(BIN)/python -m tests.pooler
	@touch $@ .venv/.has-local .venv/.has-test

.venv/.has-boards: $(LOCKED) deploy/local/monitoring/programs.py
	@$(BOOTSTRAP) local boards
	@$(BIN)/python -m deploy.local.monitoring.programs
	@touch $@ .venv/.has-local

.venv/.has-monitoring: $(LOCKED) deploy/local/monitoring/programs.py
	@$(BOOTSTRAP) local test browser
	@$(BIN)/python -m deploy.local.chromium
	@$(BIN)/python -m deploy.local.monitoring.programs
	@touch $@ .venv/.has-local .venv/.has-test
