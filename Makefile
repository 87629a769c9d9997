# Everything that people and CI run. `make` alone lists it.

# rustup's tools and Debian's servers, also in a shell that never read a profile.
export PATH := $(HOME)/.cargo/bin:$(PATH):/usr/sbin

.DEFAULT_GOAL := help
.PHONY: help run router profile test check advisories bench compare fuzz-smoke

# Which code is hot: what `make profile` has measured. Without it the release is a few per cent slower, nothing else.
PROFILE := $(CURDIR)/packaging/profile/router.profdata

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: router ## build the release and start everything on this machine (Ctrl-C stops it)
	cargo build --release --locked -p control
	exec target/release/switchyard micro

# A build of its own: the profile names functions as they are compiled when nothing else adds features to their crates.
router: ## build the router's release, laid out by its profile
	@./packaging/profile-key.sh | diff packaging/profile/router.key - || \
		echo 'make: the profile was made with other crates or another compiler and is of little use now: make profile'
	RUSTFLAGS="$(RUSTFLAGS) -Cprofile-use=$(PROFILE)" cargo build --release --locked -p router

profile: ## measure the router under load for that layout (ten minutes; needs llvm-profdata)
	./packaging/make-profile.sh

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

compare: router ## run the router beside its peers and judge the ratios (ARGS=--quick)
	cargo build --release --locked -p switchyard-benches
	target/release/compare $(ARGS)

fuzz-smoke: ## every fuzz target for 30 s (needs nightly and cargo-fuzz)
	./packaging/fuzz-smoke.sh
