.PHONY: setup demo test lint types imports infra bench fuzz audit sbom clean

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
	rm -rf .venv .venv-audit .venv-ship .venv-infra node_modules .local dist
