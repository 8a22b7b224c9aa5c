# Weir: the set-up commands. `make run` and `make test` work on a fresh machine; CONTRIBUTING.md says how long each takes.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
TOOLS := $(CURDIR)/.tools
CARGO := cargo
PATH := $(TOOLS)/node/bin:$(PATH)
export PATH

.PHONY: help run cluster test check fix gen web web-test clients chaos sim bench ingest admission manifests e2e rust clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: web ## build and start Weir on this machine; state lives in ./data
	@echo "building weir (about 5 minutes from cold, seconds when warm)"
	$(CARGO) build --locked -p server --bin weir
	exec ./target/debug/weir run

cluster: web $(TOOLS)/servers.stamp ## the production shape on this machine: Postgres, Redis, one control plane, two data planes
	@echo "building weir (about 5 minutes from cold, seconds when warm)"
	$(CARGO) build --locked -p server --bin weir
	exec python3 tests/cluster/launch.py

test: ## everything: formatting, lints, unit, structure, black-box, web, browser
	@unset $$(env | sed -nE 's/^([A-Z0-9_]+_API_KEY)=.*/\1/p') ; \
	$(MAKE) --no-print-directory web-test rust clients manifests e2e && N=600 $(MAKE) --no-print-directory chaos

check: ## formatting and lints only
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings

rust: check $(TOOLS)/servers.stamp ## Rust: check, then every test, on SQLite, Postgres and Redis
	@if $(CARGO) nextest --version >/dev/null 2>&1; \
	then tests/postgres.sh $(CARGO) nextest run --locked --workspace --all-features --profile ci; \
	else tests/postgres.sh $(CARGO) test --locked --workspace --all-features; fi

fix: ## format, and apply what clippy can
	$(CARGO) fmt --all
	$(CARGO) clippy --fix --allow-dirty --workspace --all-targets --all-features

gen: ## regenerate what is checked in: protobuf code, GraphQL schema, web documents (docs/failure-table.md: CONTRIBUTING.md)
	UPDATE_GENERATED=1 $(CARGO) test -p wire -p controlplane --all-features
	cd web-admin && npm run codegen

web: $(TOOLS)/web.stamp ## build the web admin into web-admin/dist

web-test: web ## type-check and unit-test the web admin
	cd web-admin && npm run typecheck && npm test

clients: $(TOOLS)/clients.stamp $(TOOLS)/servers.stamp ## black-box suite: official client packages against `weir run` and a cluster
	$(CARGO) build --locked -p server --bin weir
	$(TOOLS)/venv/bin/python -m pytest -q tests/clients

chaos: $(TOOLS)/clients.stamp $(TOOLS)/servers.stamp ## N requests (20000) over two nodes while everything is killed; the sandbox's meter is the judge
	$(CARGO) build --locked -p server --bin weir
	$(TOOLS)/venv/bin/python tests/chaos/chaos.py

sim: ## N seeds (10000) of money under faults, from SEED on; SEED=n alone for one, WITHOUT=guard for what that guard prevents
	$(CARGO) run --locked -p simulation

manifests: $(TOOLS)/clients.stamp ## what deploy/ holds, against published schemas and against the sources
	deploy/check.sh $(TOOLS)/venv

bench: $(TOOLS)/clients.stamp $(TOOLS)/servers.stamp ## figures of docs/bench.md: FIGURE=name for one; the release binary beside a bare proxy
	@[ -n "$${WEIR_BIN:-}" ] || $(CARGO) build --locked --release -p server --bin weir
	$(TOOLS)/venv/bin/python tests/bench/bench.py --write docs/bench.md

ingest: $(TOOLS)/servers.stamp ## usage events per second into the ledger of one Postgres, whose commits reach the disk; N=50000
	$(CARGO) build --locked --release -p store --example ingest
	@DURABLE=1 tests/postgres.sh $(CARGO) run --quiet --locked --release -p store --example ingest

admission: ## how long it takes to authenticate, decide and reserve, with 100,000 keys and 10,000 budgets; N=200000
	$(CARGO) run --quiet --locked --release -p dataplane --example admission

e2e: web $(TOOLS)/chromium.stamp ## the web admin in a real browser against a running weir
	$(CARGO) build --locked -p server --bin weir
	tests/e2e.sh

clean: ## remove what was built and installed here (not ./data)
	rm -rf target .tools web-admin/node_modules web-admin/dist

WEB_SOURCES := $(shell find web-admin -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/e2e/*' 2>/dev/null)
$(TOOLS)/web.stamp: $(TOOLS)/node.stamp $(WEB_SOURCES)
	cd web-admin && npm ci --no-audit --no-fund && npm run build
	@touch $@

$(TOOLS)/node.stamp:
	@mkdir -p $(TOOLS)
	@tests/install.sh node $(TOOLS)
	@touch $@

$(TOOLS)/clients.stamp: tests/clients/requirements.txt
	@mkdir -p $(TOOLS)
	@tests/install.sh clients $(TOOLS)
	@touch $@

$(TOOLS)/servers.stamp:
	@mkdir -p $(TOOLS)
	@tests/install.sh servers $(TOOLS)
	@touch $@

$(TOOLS)/chromium.stamp:
	@mkdir -p $(TOOLS)
	@tests/install.sh chromium $(TOOLS)
	@touch $@
