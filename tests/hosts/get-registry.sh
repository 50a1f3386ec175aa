#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# get-registry.sh [DIR]: a real OCI registry to publish to, unpacked into DIR without touching the
# system; root is not needed. DIR defaults to $FALCOKIT_REGISTRY_DIR, or ~/.cache/falcokit-registry.
#
#     DIR/docker-registry        the program of Debian's package docker-registry
#
# What is there already is kept. The package comes from the mirror that apt is configured with, in
# the system's own release, so that the program fits the system's libc.
set -euo pipefail
dir=$(realpath -m "${1:-${FALCOKIT_REGISTRY_DIR:-$HOME/.cache/falcokit-registry}}")

die() { printf 'get-registry.sh: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: install the package $2"; }

need apt-get apt; need dpkg-deb dpkg; need flock util-linux
mkdir -p "$dir"; exec 9>"$dir/.lock"; flock 9

runs() { "$dir/docker-registry" --version >/dev/null 2>&1; }

if ! runs; then
  apt=$dir/apt
  rm -rf "$apt" "$dir/root"
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$dir/root"
  : >"$apt/status"
  # Hooks of the system's own apt have no business here.
  echo '#clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success;' >"$apt/hooks.conf"
  options=(-qq -c "$apt/hooks.conf" -o Dir::State="$apt" -o Dir::State::lists="$apt/lists"
    -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" -o Acquire::Languages=none -o Acquire::Retries=3)
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update || die "apt cannot read its mirror (see above)"
  (cd "$apt/archives" && apt-get "${options[@]}" download docker-registry) ||
    die "the package docker-registry cannot be fetched (see above)"
  dpkg-deb --fsys-tarfile "$apt"/archives/docker-registry_*.deb |
    tar -xf - -C "$dir/root" --no-same-owner ./usr/bin/docker-registry
  mv -f "$dir/root/usr/bin/docker-registry" "$dir/docker-registry"
  rm -rf "$apt" "$dir/root"
  runs || die "the unpacked docker-registry does not run on this machine"
fi
echo "$dir"
