#!/usr/bin/env bash
# Prints what the names in packaging/profile/router.profdata depend on: the compiler, and every crate of the router with
# its features. A build for which any of it differs finds few of its functions in the profile.
set -euo pipefail
cd "$(dirname "$0")/.."
rustc -V
cargo tree --locked --package router --edges normal,build,features --prefix none --no-dedupe |
    sed 's| (/.*)$||; s| (proc-macro)||' | LC_ALL=C sort -u
