#!/usr/bin/env bash
# Announces an endpoint to the routers on a NATS bus, with nothing but bash.
#
#   nats-announce.sh HOST[/PATH] ADDRESS PORT     announce every 20 s until Ctrl-C, then take it back
#   nats-announce.sh --once HOST[/PATH] ADDRESS PORT
#   nats-announce.sh --remove HOST[/PATH] ADDRESS PORT
#
# NATS_HOST (127.0.0.1), NATS_PORT (4222), NATS_USER and NATS_PASSWORD say where the bus is.
set -euo pipefail
export LC_ALL=C # lengths are bytes

usage() {
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

mode=keep
case ${1:-} in
    --once | --remove) mode=${1#--} && shift ;;
    -*) usage ;;
esac
[[ $# -eq 3 && $3 =~ ^[1-9][0-9]*$ ]] || usage

message=$(printf '{"host":"%s","port":%d,"uris":["%s"],"app":"nats-announce","private_instance_id":"%s:%d"}' \
    "$2" "$3" "$1" "$2" "$3")

# Publishes and waits for the PONG: then the server has taken the message.
publish() {
    local subject=$1 line credentials='{"verbose":false}'
    if [[ -n ${NATS_USER:-} ]]; then
        credentials=$(printf '{"verbose":false,"user":"%s","pass":"%s"}' "$NATS_USER" "${NATS_PASSWORD:-}")
    fi
    exec 3<>"/dev/tcp/${NATS_HOST:-127.0.0.1}/${NATS_PORT:-4222}"
    printf 'CONNECT %s\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$credentials" "$subject" "${#message}" "$message" >&3
    while IFS= read -r -t 5 line <&3; do
        case $line in
            PONG*) exec 3>&- && return 0 ;;
            -ERR*) echo "nats-announce: the bus says: $line" >&2 && exit 1 ;;
        esac
    done
    echo "nats-announce: the bus does not answer" >&2
    exit 1
}

case $mode in
    once) publish router.register ;;
    remove) publish router.unregister ;;
    keep)
        trap 'kill "${nap:-}" 2>/dev/null; publish router.unregister; exit 0' INT TERM
        while true; do
            publish router.register
            # In the background, so that a signal is heard at once.
            sleep 20 &
            nap=$!
            wait "$nap"
        done
        ;;
esac
