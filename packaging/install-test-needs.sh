#!/usr/bin/env bash
# Installs what `make test` needs and this machine lacks: real peers from Debian, two cargo tools.
# Says what it does, asks nothing, and changes nothing when all is there.
set -euo pipefail

# command:Debian package
needs=(
    curl:curl
    debootstrap:debootstrap
    dockerd:docker.io
    git:git
    h2load:nghttp2-client
    haproxy:haproxy
    ip:iproute2
    iptables:iptables
    nats-server:nats-server
    nc:netcat-openbsd
    nginx:nginx-light
    node:nodejs
    npm:npm
    python3:python3-venv
    initdb:postgresql
    wrk:wrk
)

say() { printf 'install-test-needs: %s\n' "$*"; }

missing_packages() {
    local need
    for need in "${needs[@]}"; do
        command -v "${need%%:*}" >/dev/null || printf '%s\n' "${need#*:}"
    done
}

# Runs a command as root, or fails when this user cannot become root without a password.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 77
    fi
}

# Asks Debian not to start the servers that it installs. Where it does so anyway nothing is lost:
# the tests start their own, on free ports.
apt_quietly() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o=Dpkg::Use-Pty=0 "$@" </dev/null
}

install_packages() {
    local packages=("$@")
    say "missing from this machine: ${packages[*]}"
    if ! command -v apt-get >/dev/null; then
        say "no apt-get here; install them by hand (tests that need them fail under CI, and are skipped otherwise)"
        return 0
    fi
    if ! apt_quietly update || ! apt_quietly install --no-install-recommends "${packages[@]}" >/dev/null; then
        say "could not install them; as root: apt-get install ${packages[*]}"
        [[ -z ${CI:-} ]] || exit 1
        return 0
    fi
    say "installed: ${packages[*]}"
}

# Builds a cargo tool with little optimisation: it runs once, so its build is what costs.
install_cargo_tool() {
    local tool=$1
    command -v "$tool" >/dev/null && return 0
    say "building $tool from crates.io, which takes a few minutes once"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --quiet --locked "$tool"
    say "installed: $tool"
}

# PyPI's client of the API, in a virtual environment of this working copy.
install_python_client() {
    local home
    home=$(dirname "${BASH_SOURCE[0]}")/../target/test-python
    [[ -x $home/bin/python3 ]] && "$home/bin/python3" -c 'import cloudfoundry_client' 2>/dev/null && return 0
    say "installing cloudfoundry-client from PyPI into target/test-python"
    if ! python3 -m venv "$home" || ! "$home/bin/pip" install --quiet 'cloudfoundry-client>=1.40,<2'; then
        rm -rf "$home"
        say "could not install it; its test is skipped (it fails under CI)"
        [[ -z ${CI:-} ]] || exit 1
    fi
}

# Debian keeps the programs of PostgreSQL out of the usual path.
for dir in /usr/lib/postgresql/*/bin; do PATH="$PATH:$dir"; done
export PATH="$HOME/.cargo/bin:$PATH:/usr/sbin"

mapfile -t packages < <(missing_packages)
if [[ ${#packages[@]} -gt 0 ]]; then
    install_packages "${packages[@]}"
fi
install_cargo_tool cargo-nextest
install_cargo_tool cargo-deny
install_python_client
say "everything is here"
