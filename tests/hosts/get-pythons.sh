#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# get-pythons.sh [DIR]: the newest CPythons, with headers, pip and a C compiler, unpacked into DIR
# without touching the system. DIR defaults to $FALCOKIT_PYTHONS_DIR, or ~/.cache/falcokit-pythons.
#
#     DIR/python3.13, DIR/python3.14, DIR/python3.15      start that Python
#     DIR/inside COMMAND...                               run any command among them
#     DIR/root                                            their system, with its own libc
#
# What these start sees DIR/root as its system (/usr, /etc, /var) and all other folders of the machine
# as they are, in a mount namespace of its own; that takes root, or user namespaces (`unshare -r`).
# What is there already is kept: a second run takes no time. tests/pythons.py finds them.
# FALCOKIT_DEBIAN_SUITE names another suite than forky; see debian.sh for the mirror.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/debian.sh"
dir=$(realpath -m "${1:-${FALCOKIT_PYTHONS_DIR:-$HOME/.cache/falcokit-pythons}}")
suite=${FALCOKIT_DEBIAN_SUITE:-forky}
pythons=(python3.13 python3.14 python3.15)

need_debian; need unshare util-linux
mkdir -p "$dir"; exec 9>"$dir/.lock"; flock 9

launchers() {
  cat >"$dir/inside" <<'INSIDE'
#!/bin/sh
[ $# -gt 0 ] || { echo "usage: inside COMMAND..." >&2; exit 2; }
root=$(dirname "$(realpath "$0")")/root
[ "$(id -u)" = 0 ] && user= || user=--map-root-user
exec unshare $user --mount --propagation private sh -c '
  root=$1; shift
  mount --rbind "$root" "$root" || exit 1
  for folder in /*; do
    case $folder in /bin | /sbin | /lib* | /usr | /etc | /var | /boot) continue ;; esac
    [ -d "$folder" ] && [ ! -L "$folder" ] || continue
    mkdir -p "$root$folder" && mount --rbind "$folder" "$root$folder" || exit 1
  done
  for shared in passwd group hosts resolv.conf pip.conf ssl; do
    [ ! -e "/etc/$shared" ] || mount --bind "/etc/$shared" "$root/etc/$shared" || exit 1
  done
  here=$PWD
  mkdir -p "$root/.outside" && cd "$root" && pivot_root . .outside && cd / && umount -l /.outside || exit 1
  cd "$here" 2>/dev/null || :
  PATH=/usr/bin:/usr/sbin exec "$@"
' inside "$root" "$@"
INSIDE
  local python
  for python in "${pythons[@]}"; do
    printf '#!/bin/sh\nexec "$(dirname "$(realpath "$0")")/inside" %s "$@"\n' "$python" >"$dir/$python"
  done
  chmod +x "$dir/inside" "${pythons[@]/#/$dir/}"
}

if [ ! -e "$dir/.unpacked-$suite" ]; then
  rm -rf "$dir/root" "$dir/apt" "$dir"/.unpacked-*
  read_suite "$dir" "$suite"
  fetch_with_dependencies "$dir" "${pythons[@]/%/-venv}" "${pythons[@]/%/-dev}" gcc libc6-dev \
    base-files bash binutils coreutils dash findutils git grep gzip mount procps sed tar util-linux
  unpack_system "$dir/apt/archives" "$dir/root"
  rm -rf "$dir/apt"
  # What the packages' own scripts would have done.
  ln -sfn gcc "$dir/root/usr/bin/cc"
  mkdir -p "$dir/root/var/tmp" "$dir/root/etc/ssl"
  touch "$dir"/root/etc/{passwd,group,hosts,resolv.conf,pip.conf}
fi
launchers
if [ ! -e "$dir/.unpacked-$suite" ]; then
  for python in "${pythons[@]}"; do
    "$dir/$python" -c 'import ssl, venv' || die "the unpacked $python does not run on this machine"
  done
  touch "$dir/.unpacked-$suite"
fi
echo "$dir"
