# The commands of this repository. `make` alone lists them.
PYTHON ?= python3
# A shim of pyenv leads nowhere for a version that is not switched on: then the one in pyenv's folder.
INTERPRETER := $(shell for each in $(PYTHON) $${PYENV_ROOT:-$$HOME/.pyenv}/versions/*/bin/$(PYTHON); do \
  "$$each" -c "" 2>/dev/null && echo "$$each" && break; done)
# How many files of integration tests run at a time. They mostly wait for the cluster.
WORKERS ?= 3
# With `short` the tests marked `variation` are left out.
DEPTH ?= all
# Of molecule's: the others play what integration tests of the modules, the roles and harden play too.
SCENARIOS := default
CHOSEN := $(if $(filter short,$(DEPTH)), and not variation)
SHORTLY := $(if $(filter short,$(DEPTH)),-m "not variation")
VENV := .venv
BIN := $(abspath $(VENV))/bin
# An environment belongs to one Python: of another one this file is not there, and it is made anew.
INSTALLED := $(VENV)/.installed-$(if $(INTERPRETER),$(shell $(INTERPRETER) -c "import sys; print('%d.%d' % sys.version_info[:2])"))
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/resilient-traefik
COLLECTIONS := $(abspath .collections)
COLLECTION := $(COLLECTIONS)/ansible_collections/resilient/traefik

export PATH := $(BIN):$(PATH)
# Where it is set, every start of Ansible compiles all that it imports: 2.5 in place of 0.9 seconds a play here.
unexport PYTHONDONTWRITEBYTECODE
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export ANSIBLE_HOME := $(abspath .ansible)
# As lab/settings.py has it: another lab than the usual one has its name after a dot.
export K8S_AUTH_KUBECONFIG ?= $(abspath lab/kubeconfig)$(addprefix .,$(filter-out resilient-traefik,$(LAB_NAME)))

.DEFAULT_GOAL := help

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- set-up -----------------------------------------------------------------------------------------------------

$(INSTALLED): requirements-dev.lock
	@test -n "$(INTERPRETER)" || { echo "$(PYTHON) does not run here. Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(INTERPRETER) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, and this is %s. Name another one: make PYTHON=python3.12 ..." % sys.version.split()[0])'
	@echo "Installing the Python packages of requirements-dev.lock into $(VENV) ..."
	@$(INTERPRETER) tests/versions/environment.py $(VENV)

$(COLLECTION):
	@mkdir -p $(dir $@) && ln -sfn ../../.. $@

.PHONY: setup
setup: $(INSTALLED) $(COLLECTION) ## install the Python packages and lay out the collection path

.PHONY: lock
lock: setup ## pin requirements-dev.in anew, for every Python
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command 'make lock' requirements-dev.in -o requirements-dev.lock

# --- the two commands of the README -----------------------------------------------------------------------------

.PHONY: demo
demo: lab ## the failure on a real cluster, the cure, and both measured side by side
	@$(BIN)/python -m demo

.PHONY: test
test: setup ## each behaviour once: what CI checks
	@$(BIN)/python -m tests.stages.run short

.PHONY: test-all
test-all: setup ## each behaviour in every variation; writes docs/tested.md; STAGES="a b": these again
	@$(BIN)/python -m tests.stages.run all

# --- the variations that need another lab, or other programs -------------------------------------------------------

.PHONY: monitoring
monitoring: setup ## the tests that need the lab's monitoring, on a lab that has it
	@LAB_MONITORING=1 $(BIN)/python -m lab up
	@$(BIN)/python -m pytest tests/integration -k "alert or monitoring or parity"

.PHONY: authentik-db
authentik-db: setup ## the tests that need the lab's PostgreSQL and PgBouncer, on a lab that has them
	@LAB_AUTHENTIK_DB=1 $(BIN)/python -m lab up
	@$(BIN)/python -m pytest tests/integration/test_authentik_database.py

.PHONY: ordinary
ordinary: setup ## the whole playbook on a lab as people have it, which is the plain one again in the end
	@LAB_ORDINARY=1 $(BIN)/python -m lab up
	@$(BIN)/python -m pytest tests/integration/test_ordinary.py -m "alone$(CHOSEN)"; code=$$?; $(BIN)/python -m lab up && exit $$code

.PHONY: other-traefik
other-traefik: setup ## the disease, the way of failing and the whole playbook with the other Traefik that the lab knows
	@LAB_TRAEFIK=$(shell $(BIN)/python -c "from lab.versions import TRAEFIK_VERSIONS as known; print(known[1])") $(BIN)/python -m lab up
	@$(BIN)/python -m pytest tests/integration/test_disease.py tests/integration/test_failure_table.py tests/integration/test_harden.py \
	  -m "not variation"
	@$(BIN)/python -m lab up

.PHONY: rules-built
rules-built: setup ## the rules by the programs that the lab's monitoring runs
	@LAB_RULE_TOOLS=build $(MAKE) --no-print-directory rules

# --- the lab ----------------------------------------------------------------------------------------------------

.PHONY: lab
lab: setup ## bring up the kind cluster and its unhardened workloads, or heal it
	@$(BIN)/python -m lab up

.PHONY: lab-down
lab-down: setup ## remove the lab: no container, network, volume or process stays
	@$(BIN)/python -m lab down

# --- the checks -------------------------------------------------------------------------------------------------

.PHONY: lint
lint: setup ## ruff, mypy, yamllint, ansible-lint, changelog fragments
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy lab bench demo release tests/ansible_playbook tests/unit tests/rules tests/integration tests/browser tests/stages tests/versions
	@cd $(COLLECTIONS) && $(BIN)/mypy --config-file $(CURDIR)/pyproject.toml -p ansible_collections.resilient.traefik.plugins
	@$(BIN)/yamllint --strict .
	@$(BIN)/ansible-lint
	@$(BIN)/antsibull-changelog lint

.PHONY: unit
unit: setup ## the pure code
	@$(BIN)/python -m pytest tests/unit $(SHORTLY)

.PHONY: tools
tools: setup ## promtool, amtool and alertmanager in lab/bin; LAB_RULE_TOOLS=build: the current ones
	@$(BIN)/python -m lab tools

.PHONY: rules
rules: tools ## the alerting rules by the real promtool, the inhibition by a real Alertmanager
	@$(BIN)/python -m pytest tests/rules

.PHONY: chromium
chromium: setup ## a Chromium where there is none, from Debian's packages
	@$(BIN)/python -m tests.browser.chromium

.PHONY: browser
browser: chromium ## the page of the drills in a real Chromium; pictures of it in build/browser
	@$(BIN)/python -m pytest tests/browser $(SHORTLY)

.PHONY: vendor
vendor: setup ## fetch anew what the page of the drills bundles, by its pinned hash
	@$(BIN)/python -m tests.browser.vendor

.PHONY: build
build: setup ## build/artefact/resilient-traefik-VERSION.tar.gz
	@$(BIN)/python -m release build

.PHONY: artefact
artefact: setup ## what galaxy-importer and antsibull-docs say of the artefact; DEPTH=all: ansible-lint by the importer too
	@$(BIN)/python -m release judge$(if $(filter short,$(DEPTH)),,-all)

.PHONY: awx
awx: setup ## awx/controller.yml and awx/import.json out of awx/templates.yml
	@$(BIN)/python -m release awx

.PHONY: site
site: setup ## the documentation as a site, in build/site
	@$(BIN)/python -m release site

# REPOSITORY=https://... says where it is published; ISSUES, DOCUMENTATION and HOMEPAGE, where these are elsewhere.
.PHONY: release
release: setup ## build/release: artefact, documentation, bill of materials, checksums
	@$(BIN)/python -m release publish

.PHONY: floors
floors: setup ## unit with the oldest packages that requirements.txt allows
	@$(BIN)/python -m tests.versions.floors

.PHONY: sanity
sanity: build ## ansible-test sanity on the built and installed artefact
	@$(BIN)/python tests/sanity/run.py build/artefact/resilient-traefik-*.tar.gz $(CACHE)/ansible-test

# More options: make versions WITH="--all --lab --only 3.13 --steps unit,sanity,lab"
.PHONY: versions-lab
versions-lab: lab ## one whole harden, verify and rollback on the lab with each of these Pythons
	@$(BIN)/python -m tests.versions --steps lab $(WITH)

.PHONY: versions
versions: build ## unit and sanity on the oldest and the newest Python that are supported, but for the one of .venv
	@$(BIN)/python -m tests.versions $(WITH)

.PHONY: integration
integration: ## the modules and the lab's behaviour, on the lab
	@$(MAKE) together
	@$(MAKE) loopback
	@$(MAKE) alone
	@$(MAKE) quiet

.PHONY: together
together: lab ## of these tests the files that may run beside each other
	@$(BIN)/python -m pytest tests/integration -m "not alone and not quiet and not loopback$(CHOSEN)" --numprocesses=$(WORKERS) --dist=loadfile \
	  --no-loadscope-reorder

.PHONY: alone
alone: lab ## of these tests those that need the lab to themselves
	@$(BIN)/python -m pytest tests/integration -m "alone$(CHOSEN)"

.PHONY: quiet
quiet: lab ## of these tests those that measure time: nothing else may keep the machine busy
	@$(BIN)/python -m pytest tests/integration -m "quiet$(CHOSEN)"

.PHONY: loopback
loopback: setup ## of these tests those that need no lab: nginx, exporters and stand-ins on this machine
	@$(BIN)/python -m pytest tests/integration -m "loopback$(CHOSEN)" --numprocesses=5 --dist=loadfile

.PHONY: molecule
molecule: lab ## the scenarios of molecule/, on the lab
	@$(BIN)/molecule test $(if $(filter short,$(DEPTH)),$(SCENARIOS:%=--scenario-name %),--all)

.PHONY: bench
bench: $(if $(filter-out auditing,$(or $(ONLY),all)),lab,setup) ## measure beside the rivals; writes bench/RESULTS.md; ONLY=auditing: that alone, without a lab
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

.PHONY: clean
clean: ## remove what the targets made in this folder; the lab and the cache stay
	@rm -rf $(VENV) $(VENV)-* .collections .ansible .mypy_cache .pytest_cache .ruff_cache build
