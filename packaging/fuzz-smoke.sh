#!/usr/bin/env bash
# Runs every fuzz target for a short time; the first one that finds something ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-30}

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz-smoke: needs a nightly toolchain: rustup toolchain install nightly" >&2
    exit 1
fi
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "fuzz-smoke: needs cargo-fuzz: cargo install --locked cargo-fuzz" >&2
    exit 1
fi

# What is found on the way goes into a folder of its own; the corpus in the tree is only read.
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT

mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
    echo "fuzz-smoke: $target for ${seconds} s"
    mkdir "$found/$target"
    cargo +nightly fuzz run "$target" "$found/$target" "fuzz/corpus/$target" -- -max_total_time="$seconds" -verbosity=0
done
echo "fuzz-smoke: ${#targets[@]} targets, nothing found"
