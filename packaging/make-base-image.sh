#!/bin/sh
# Makes the image that instances run in: a small Debian with bash, CA certificates and interpreters.
# usage: make-base-image.sh [IMAGE [PACKAGE…]]     needs root, debootstrap and a Docker Engine
#
# The agent takes the first image of `--docker-images` for new instances; those that run stay in
# the image they were started in, so an image may be replaced at any time.
set -eu

image=${1:-switchyard/base:latest}
[ $# -gt 0 ] && shift
suite=${SUITE:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
packages=${*:-bash ca-certificates curl git python3 python3-venv nodejs npm}

fail() {
  echo "make-base-image: $*" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || fail "debootstrap needs root: run it with sudo"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
docker version >/dev/null 2>&1 || fail "no Docker Engine answers: start it and see \`docker version\`"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror"

# debootstrap knows no alternatives between packages, as npm's need them, so apt installs the rest. No package
# may start a service of its own in here.
inside() {
  chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}
echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
inside apt-get -q update
# shellcheck disable=SC2086 # one word for each package
inside apt-get -q install --yes --no-install-recommends $packages
rm "$root/usr/sbin/policy-rc.d"

# Programs run as this user; its home is where the droplet is bound to.
chroot "$root" groupadd --gid 2000 vcap
chroot "$root" useradd --uid 2000 --gid 2000 --home-dir /home/vcap --no-create-home --shell /bin/bash vcap
mkdir -p "$root/home/vcap" "$root/etc/stackato/hooks"
chown 2000:2000 "$root/home/vcap"
rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists" "$root/usr/share/doc" "$root/usr/share/man"
mkdir -p "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"

tar -C "$root" -c . | docker import --change 'USER vcap' --change 'WORKDIR /home/vcap' - "$image" >/dev/null
echo "$image is ready"
