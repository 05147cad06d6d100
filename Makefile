# Each target first sets up .venv from the locked requirements; later starts find it ready.
.DEFAULT_GOAL := help
.PHONY: demo test test-all sheets smoke canary bench lint help lock sbom client feature

# With it set, every process would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
export PYTHON
PY := .venv/bin/python
# A process per core.
WORKERS := -n auto --dist worksteal
# A whole run writes its results for the reviewer's pages.
RUN = $(if $(ARGS),$(ARGS),--matrix=.data/test-results.json)

demo: ## run everything on this machine, with a sandbox for Google and Microsoft: open the address it prints
	@sh config/bootstrap.sh requirements-demo.txt
	@exec $(PY) -m config.embedded --with-parent demo

test: ## prove a change: real servers, a real browser; ARGS="tests/api -k cursor" runs a part
	@sh config/bootstrap.sh requirements-dev.txt
	@$(PY) -m tests.browser.chromium
	@exec $(PY) -m pytest $(WORKERS) $(RUN)

test-all: ## run what `make test` leaves out as well: before a release
	@sh config/bootstrap.sh requirements-dev.txt
	@$(PY) -m tests.browser.chromium
	@exec $(PY) -m pytest $(WORKERS) --all $(RUN)

sheets: ## make contact sheets of every page and state in .data/contact-sheets; ARGS="-k inbox" makes a part
	@sh config/bootstrap.sh requirements-dev.txt
	@$(PY) -m tests.browser.chromium
	@exec $(PY) -m tests.contact_sheets $(ARGS)

smoke: ## walk through the main job as an outside client, one line per step
	@sh config/bootstrap.sh requirements-dev.txt
	@exec $(PY) -m tests.smoke $(ARGS)

canary: ## seed markers into everything, run every feature, and search every store for them
	@sh config/bootstrap.sh requirements-dev.txt
	@exec $(PY) -m tests.canaries $(ARGS)

bench: ## measure against baselines in the same run
	@sh config/bootstrap.sh requirements-dev.txt
	@exec $(PY) -m tests.bench $(ARGS)

lint: ## check style, types, import contracts, migrations and production settings
	@sh config/bootstrap.sh requirements-dev.txt
	@sh .ci/lint

lock: ## resolve pyproject.toml into the hashed requirements again; ARGS=--upgrade takes the newest releases
	@sh config/bootstrap.sh requirements-dev.txt
	@sh config/lock.sh $(ARGS)

sbom: ## write a CycloneDX list of what production installs to .data/sbom.cdx.json
	@sh config/bootstrap.sh requirements-dev.txt
	@sh config/sbom.sh .data/sbom.cdx.json

client: ## build the Python client of the API as a wheel in .data/client, and print its path
	@sh config/bootstrap.sh requirements-dev.txt
	@exec $(PY) -m config.client.build

feature: ## run a platform feature against the demo: F=inbox-widget, scheduler or campaigns
	@sh config/bootstrap.sh requirements-dev.txt
	@exec $(PY) -m config.embedded feature $(F)

help: ## show this list
	@sed -n 's/^\([a-z-]*\): ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)
