# Everything a developer does, one word each. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help packages build demo dev split test check unit e2e docs wire bench fuzz configuration up down compose-test deny

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

packages: ## Install what is missing of the system's packages (Debian; needs root or sudo)
	@.ci/packages

build: packages ## Build the release binaries
	cargo build --release --bins

demo: packages ## Build, start, get a real token; leaves nothing running
	cargo build --release -p latchkey
	target/release/latchkey demo

dev: packages ## Run all services in one process on SQLite below ./data
	cargo run --release -p latchkey -- dev

split: build ## Run each service as its own process, with PostgreSQL and Redis below ./data
	target/release/latchkey dev --split

test: packages check unit e2e ## Everything that must be green: the fast checks first

check: packages ## Format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p latchkey-fuzz --features fuzzing -- -D warnings

unit: packages ## Unit, contract and handler tests, on real PostgreSQL and Redis
	cargo build -p latchkey-test-support --bins
	cargo test --workspace --exclude latchkey-tests --no-run
	target/debug/with-backends cargo test --workspace --exclude latchkey-tests

e2e: packages ## The built binaries from outside: in one process, and as separate processes
	cargo build --workspace --bins --example authenticator
	cargo test -p latchkey-tests

docs: packages ## Run the commands of the documentation, and compare what they print with what it says
	cargo build --workspace --bins --example authenticator
	.ci/docs

wire: packages ## Check a started server against recordings of Keycloak: make wire WIRE=folder
	cargo build -p latchkey --bins
	.ci/wire $(WIRE)

bench: build ## Measure: tokens per CPU-second, latency, memory, start
	cargo run --release -p latchkey-bench

fuzz: packages ## Run each fuzz target for FUZZ_SECONDS (default 30), or those named by TARGETS
	.ci/fuzz $(TARGETS)

configuration: ## Write docs/configuration.md anew from the code
	cargo run -p latchkey -- configuration > docs/configuration.md

up: ## Run the containers: docker compose up
	docker compose up --build --detach

down: ## Stop the containers; their volumes stay
	docker compose down

compose-test: ## Build the images on locally made base images and run the demo against them
	deploy/compose-test

deny: ## Licences and sources of the dependencies, and their advisories
	@.ci/deny
