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
. "$(dirname "$(realpath "$0")")/debian.sh"
dir=$(realpath -m "${1:-${FALCOKIT_REGISTRY_DIR:-$HOME/.cache/falcokit-registry}}")

need_debian
mkdir -p "$dir"; exec 9>"$dir/.lock"; flock 9

runs() { "$dir/docker-registry" --version >/dev/null 2>&1; }

if ! runs; then
  rm -rf "$dir/apt" "$dir/debs" "$dir/root"
  apt_options "$dir"
  apt-get "${apt_options[@]}" update || die "apt cannot read its mirror (see above)"
  fetch_alone "$dir/debs" docker-registry
  mkdir -p "$dir/root"
  dpkg-deb --fsys-tarfile "$dir"/debs/docker-registry_*.deb |
    tar -xf - -C "$dir/root" --no-same-owner ./usr/bin/docker-registry
  mv -f "$dir/root/usr/bin/docker-registry" "$dir/docker-registry"
  rm -rf "$dir/apt" "$dir/debs" "$dir/root"
  runs || die "the unpacked docker-registry does not run on this machine"
fi
echo "$dir"
