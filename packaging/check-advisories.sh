#!/usr/bin/env bash
# Compares Cargo.lock with the RustSec database. Unreachable database: says so and succeeds, since
# that is a fact about the network and not about the code.
set -euo pipefail

database=https://github.com/rustsec/advisory-db
if ! timeout 20 git ls-remote --quiet --exit-code "$database" HEAD >/dev/null 2>&1; then
    echo "check-advisories: not compared, $database cannot be reached from here"
    exit 0
fi
exec cargo deny --locked check advisories
