# Everything that people and CI run. `make` alone lists it.

# rustup's tools and Debian's servers, also in a shell that never read a profile.
export PATH := $(HOME)/.cargo/bin:$(PATH):/usr/sbin

.DEFAULT_GOAL := help
.PHONY: help run test check advisories bench compare fuzz-smoke

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build the release and start everything on this machine (Ctrl-C stops it)
	cargo build --release --locked -p router -p control
	exec target/release/switchyard micro

test: ## install what the tests need when it is missing, then run all that CI runs
	./packaging/install-test-needs.sh
	cargo build --locked --workspace --all-targets
	./packaging/with-docker.sh cargo nextest run --locked --workspace
	cargo test --locked --workspace --doc
	$(MAKE) check
	@echo "make test: everything passed"

check: ## format, lints, documentation, dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	cargo deny --locked check bans licenses sources
	$(MAKE) advisories

# The advisory database is fetched over the network; without it there is nothing to compare with.
advisories: ## known vulnerabilities of the dependencies
	./packaging/check-advisories.sh

bench: ## micro-benches
	cargo bench --locked -p switchyard-benches

compare: ## run the router beside its peers and judge the ratios (ARGS=--quick)
	cargo build --release --locked -p router -p switchyard-benches
	target/release/compare $(ARGS)

fuzz-smoke: ## every fuzz target for 30 s (needs nightly and cargo-fuzz)
	./packaging/fuzz-smoke.sh
