.PHONY: setup demo test lint types imports infra docs-check bench fuzz audit sbom clean

PYTHON = .venv/bin/python

setup:            ## install everything the project needs, where it is missing
	@./dev/setup.sh

demo: setup       ## start the local stack, break the shop, show the incident
	@$(PYTHON) -m dev demo

test: setup lint types imports infra  ## everything CI runs
	@$(PYTHON) -m dev test

lint: setup
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

types: setup
	@$(PYTHON) -m mypy

imports: setup
	@.venv/bin/lint-imports --no-cache

infra: setup      ## parse the Bicep files, check their modules' parameters and checkov's policies
	@./dev/supply/supply.sh infra

docs-check: setup ## links, commands, figures, diagrams, settings and routes; `make test` has all but mermaid's own parser
	@$(PYTHON) -m pytest -q tests/unit/docs tests/functions/test_settings_documented.py tests/functions/test_function_table.py \
	  tests/unit/api/test_documentation.py::test_the_guide_names_every_route_with_its_least_role
	@./dev/supply/supply.sh diagrams

bench: setup      ## measure ingestion beside its floor, and the API; docs/benchmarks.md says what the figures mean
	@$(PYTHON) -m bench ingest
	@$(PYTHON) -m bench storm
	@$(PYTHON) -m bench fairness
	@$(PYTHON) -m bench kill
	@$(PYTHON) -m bench api

fuzz: setup       ## what `make test` does with schemathesis, at a large size
	@$(PYTHON) -m pytest -m fuzz tests/unit/api/test_fuzz.py

audit: setup      ## known vulnerabilities of every package we use; fails when they cannot be looked up
	@./dev/supply/supply.sh audit

sbom: setup       ## write dist/sbom.cdx.json: what ships, in CycloneDX
	@./dev/supply/supply.sh sbom

clean:            ## forget installed packages and local data
	rm -rf .venv .venv-audit .venv-ship .venv-infra node_modules dev/supply/diagrams/node_modules .local dist
