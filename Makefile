# Each target brings what it needs: see scripts/setup.
.DEFAULT_GOAL := help
.PHONY: help setup run portal test soak lint openapi

# Where rustup puts cargo, for shells that were opened before.
export PATH := $(HOME)/.cargo/bin:$(PATH)

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install all that building, running and testing need
	@scripts/setup test

run: ## Serve the demo academy on a private PostgreSQL
	@scripts/setup run
	@scripts/run

portal: ## Serve the demo academy and, beside it, the portal of examples/portal
	@scripts/setup portal
	@scripts/portal

# The contract checks come first and the documentation's tests before the others, so that the last lines
# say how the tests went.
test: ## Run all tests
	@scripts/setup test
	@scripts/contract
	cargo test --locked --doc
	cargo test --locked --tests

soak: ## Run the long random tests in full (CI runs a tenth of them)
	@scripts/setup test
	PROVOST_SOAK=1 cargo test --locked --test integration -- --nocapture random

lint: ## Check the formatting and the lints
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings

openapi: ## Write the API's document from the code
	cargo run --locked --quiet -- openapi > openapi/provost.json
