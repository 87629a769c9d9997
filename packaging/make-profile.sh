#!/usr/bin/env bash
# Measures the router under load and writes packaging/profile/router.profdata, by which its release build is laid out.
# Wanted before a release, and when the request path has changed much; an old profile is only a worse one.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=packaging/profile/router.profdata
scenarios=small-64-logs-on,small-64-logs-off,body-64k,body-1m,churn,http2

say() { printf 'make-profile: %s\n' "$*"; }

# The tool that merges counts must be of the LLVM that the compiler is built on: formats change.
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
merger=$(ls "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata 2>/dev/null || command -v "llvm-profdata-$llvm" || true)
if [[ -z $merger ]]; then
    say "needs llvm-profdata of LLVM $llvm: rustup component add llvm-tools, or apt-get install llvm-$llvm" >&2
    exit 1
fi

counts=$PWD/target/profile/counts

say "building a router that counts"
RUSTFLAGS="-Cprofile-generate=$counts" cargo build --release --locked -p router --target-dir target/profile
cargo build --release --locked -p switchyard-benches

say "loading it"
# Macros and build scripts have counted as well.
rm -rf "$counts"
mkdir -p "$counts"
# What it measures is worth nothing, a counting router is slow: so a missed floor is none.
code=0
target/release/compare --only switchyard --router target/profile/release/switchyard-router \
    --scenario "$scenarios" --rounds 1 --warmup 0 --window 3 --out "$counts" --svg "$counts/plot.svg" \
    >"$counts/said" 2>&1 || code=$?
if [[ $code -gt 1 ]]; then
    cat "$counts/said" >&2
    exit "$code"
fi

mkdir -p "$(dirname "$profile")"
"$merger" merge --sparse --output="$profile" "$counts"/*.profraw
./packaging/profile-key.sh >"${profile%.profdata}.key"
say "wrote $profile, $(stat --format=%s "$profile") bytes; build with: make router"
