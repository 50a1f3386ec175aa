#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# get-host.sh [DIR]: a real Falco framework to test plugins on, unpacked into DIR without touching the
# system; root is not needed. DIR defaults to $FALCOKIT_HOST_DIR, or ~/.cache/falcokit-host.
#
#     DIR/sysdig                 sysdig with Debian's libsinsp and its own libc
#     DIR/plughost               the test and benchmark host, built on the same libsinsp
#     DIR/headers                the framework's own headers, to compare ours with
#     DIR/libbaseline.so, DIR/libbaseline_async.so      the C plugins to compare with
#
# What is there already is kept: a second run takes no time, and a changed source is built again.
# The packages come from the Debian mirror that apt is configured with; FALCOKIT_DEBIAN_MIRROR names
# another one, FALCOKIT_DEBIAN_SUITE another suite than forky.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
dir=$(realpath -m "${1:-${FALCOKIT_HOST_DIR:-$HOME/.cache/falcokit-host}}")
suite=${FALCOKIT_DEBIAN_SUITE:-forky}
api=$here/../../falcokit/native

die() { printf 'get-host.sh: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: install the package $2"; }

[ "$(uname -m)" = x86_64 ] || die "the packages are for x86_64, this machine is $(uname -m)"
need apt-get apt; need dpkg-deb dpkg; need gcc gcc; need g++ g++; need flock util-linux
mkdir -p "$dir"; exec 9>"$dir/.lock"; flock 9

fetch() { # the packages, into $dir/debs and $dir/dev-debs
  local keyring mirror apt=$dir/apt
  keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* 2>/dev/null | head -1)
  [ -n "$keyring" ] || die "Debian's keys are missing: install the package debian-archive-keyring"
  mirror=${FALCOKIT_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')}
  [ -n "$mirror" ] || die "apt on this machine knows no Debian mirror: name one in FALCOKIT_DEBIAN_MIRROR"
  mkdir -p "$apt/lists/partial" "$dir/debs/partial" "$dir/dev-debs"
  : >"$apt/status"
  echo "deb [arch=amd64 signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
  # Hooks of the system's own apt have no business here.
  echo '#clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success;' >"$apt/hooks.conf"
  local options=(-qq -c "$apt/hooks.conf" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt" -o Dir::Cache::archives="$dir/debs" -o Acquire::Languages=none
    -o Acquire::Retries=3 -o APT::Architecture=amd64)
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update || die "apt cannot read $suite from the Debian mirror (see above)"
  apt-get "${options[@]}" -y --no-install-recommends --download-only install sysdig >/dev/null ||
    die "the packages of sysdig cannot be fetched (see above)"
  (cd "$dir/dev-debs" && apt-get "${options[@]}" download libfalcosecurity0-dev libjsoncpp-dev \
    libtbb-dev uthash-dev libre2-dev libabsl-dev nlohmann-json3-dev) ||
    die "the development packages cannot be fetched (see above)"
}

unpack() { # into $dir/root (what runs) and $dir/dev (headers)
  local d root=$dir/root
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$dir/dev"
  for d in bin sbin lib lib64; do ln -sfn "usr/$d" "$root/$d"; done # merged /usr
  for d in "$dir"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$d" | tar -xf - -C "$root" --keep-directory-symlink --no-same-owner \
      --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
      --exclude='./usr/lib/*/gconv/*'
  done
  for d in "$dir"/dev-debs/*.deb; do dpkg-deb -x "$d" "$dir/dev"; done
  ln -sfn dev/usr/include/falcosecurity "$dir/headers"
  rm -rf "$dir/apt" "$dir/debs" "$dir/dev-debs"
}

wrapper() { # name, program: with the libc it was built for
  cat >"$dir/$1" <<WRAPPER
#!/bin/sh
D=\$(dirname "\$(realpath "\$0")"); R=\$D/root
exec "\$R/lib64/ld-linux-x86-64.so.2" --library-path "\$R/usr/lib/x86_64-linux-gnu" "\$D/$2" "\$@"
WRAPPER
  chmod +x "$dir/$1"
}

build() {
  local lib=$dir/root/usr/lib/x86_64-linux-gnu include=$dir/dev/usr/include common
  g++ -std=c++17 -O2 -w -include "$here/compat.h" -isystem "$include/falcosecurity" \
    -isystem "$include" -isystem "$include/jsoncpp" -o "$dir/plughost.bin" "$here"/plughost*.cpp \
    "$lib"/libsinsp.so.0.* "$lib"/libscap.so.0.* "$lib"/libjsoncpp.so.2? \
    -Wl,--allow-shlib-undefined -Wl,-rpath-link,"$lib" || die "plughost does not compile (see above)"
  common="-std=gnu11 -O2 -fPIC -shared -pthread -I$api"
  # shellcheck disable=SC2086
  gcc $common -o "$dir/libbaseline.so" "$here"/baseline_*.c &&
    gcc $common -DNO_SOURCE -o "$dir/libbaseline_async.so" "$here"/baseline_*.c ||
    die "the baseline plugin does not compile (see above)"
  wrapper plughost plughost.bin
}

if [ ! -e "$dir/.unpacked-$suite" ]; then
  rm -rf "$dir"/{root,dev,apt,debs,dev-debs} "$dir"/.unpacked-* "$dir"/.built-*
  fetch; unpack
  wrapper sysdig root/usr/bin/sysdig
  "$dir/sysdig" --version >/dev/null || die "the unpacked sysdig does not run on this machine"
  touch "$dir/.unpacked-$suite"
fi
sources=$(cat "$0" "$here"/plughost* "$here"/compat.h "$here"/baseline* "$api"/plugin_api.h | sha256sum | cut -c1-16)
if [ ! -e "$dir/.built-$sources" ]; then
  rm -f "$dir"/.built-*
  build
  "$dir/plughost" info --plugin "$dir/libbaseline.so" >/dev/null || die "plughost does not run on this machine"
  touch "$dir/.built-$sources"
fi
echo "$dir"
