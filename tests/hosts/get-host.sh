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
# FALCOKIT_DEBIAN_SUITE names another suite than forky; see debian.sh for the mirror.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/debian.sh"
dir=$(realpath -m "${1:-${FALCOKIT_HOST_DIR:-$HOME/.cache/falcokit-host}}")
suite=${FALCOKIT_DEBIAN_SUITE:-forky}
api=$here/../../falcokit/native

need_debian; need gcc gcc; need g++ g++
mkdir -p "$dir"; exec 9>"$dir/.lock"; flock 9

fetch() { # what runs into $dir/root, headers into $dir/dev
  read_suite "$dir" "$suite"
  fetch_with_dependencies "$dir" sysdig
  fetch_alone "$dir/dev-debs" libfalcosecurity0-dev libjsoncpp-dev libtbb-dev uthash-dev libre2-dev \
    libabsl-dev nlohmann-json3-dev
  unpack_system "$dir/apt/archives" "$dir/root"
  mkdir -p "$dir/dev"
  local d
  for d in "$dir"/dev-debs/*.deb; do dpkg-deb -x "$d" "$dir/dev"; done
  ln -sfn dev/usr/include/falcosecurity "$dir/headers"
  rm -rf "$dir/apt" "$dir/dev-debs"
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
  printf '%s\n' "$here"/plughost*.cpp | xargs -P "$(nproc)" -I{} sh -c 'exec g++ -c -std=c++17 -O2 -w -include "$0/compat.h" \
    -isystem "$1/falcosecurity" -isystem "$1" -isystem "$1/jsoncpp" -o "$2/$(basename "$3" .cpp).o" "$3"' \
    "$here" "$include" "$dir" {} || die "plughost does not compile (see above)"
  g++ -o "$dir/plughost.bin" "$dir"/plughost*.o \
    "$lib"/libsinsp.so.0.* "$lib"/libscap.so.0.* "$lib"/libjsoncpp.so.2? \
    -Wl,--allow-shlib-undefined -Wl,-rpath-link,"$lib" || die "plughost does not link (see above)"
  rm -f "$dir"/plughost*.o
  common="-std=gnu11 -O2 -fPIC -shared -pthread -I$api"
  # shellcheck disable=SC2086
  gcc $common -o "$dir/libbaseline.so" "$here"/baseline_*.c &&
    gcc $common -DNO_SOURCE -o "$dir/libbaseline_async.so" "$here"/baseline_*.c ||
    die "the baseline plugin does not compile (see above)"
  wrapper plughost plughost.bin
}

if [ ! -e "$dir/.unpacked-$suite" ]; then
  rm -rf "$dir"/{root,dev,apt,debs,dev-debs} "$dir"/.unpacked-* "$dir"/.built-*
  fetch
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
