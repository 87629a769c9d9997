#!/usr/bin/env bash
# Runs a command with a Docker Engine at hand: the one that answers, or one of its own, in a directory
# of its own, that ends with the command. Where none can be started the command runs without.
set -uo pipefail

if docker version >/dev/null 2>&1; then
    exec "$@"
fi
if [[ $EUID -ne 0 ]] || ! command -v dockerd >/dev/null; then
    echo "with-docker: no Docker Engine answers, and this user cannot start one" >&2
    exec "$@"
fi

home=$(mktemp -d /tmp/switchyard-docker.XXXXXX)
export DOCKER_HOST="unix://$home/docker.sock"
dockerd --host "$DOCKER_HOST" --data-root "$home/data" --exec-root "$home/exec" --pidfile "$home/pid" \
    >"$home/log" 2>&1 &
engine=$!

stop() {
    kill "$engine" 2>/dev/null
    wait "$engine" 2>/dev/null
    umount -R "$home"/data/* "$home"/exec/* 2>/dev/null
    rm -rf "$home"
}
trap stop EXIT

for _ in $(seq 300); do
    docker version >/dev/null 2>&1 && break
    if ! kill -0 "$engine" 2>/dev/null; then
        echo "with-docker: the Docker Engine ended:" >&2
        tail -n 5 "$home/log" >&2
        break
    fi
    sleep 0.1
done
"$@"
