#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# get-strato.sh [DIR]: stratoshark's command line, unpacked into DIR without touching the system; root is
# not needed. DIR defaults to $FALCOKIT_STRATO_DIR, or ~/.cache/falcokit-strato. It takes some 300 MB.
#
#     DIR/strato                 prints the raw parameter bytes of a capture's events with -r FILE -x
#
# Called by hand, for record_strato.py. FALCOKIT_DEBIAN_MIRROR and FALCOKIT_DEBIAN_SUITE are as in
# get-host.sh.
set -euo pipefail
dir=$(realpath -m "${1:-${FALCOKIT_STRATO_DIR:-$HOME/.cache/falcokit-strato}}")
suite=${FALCOKIT_DEBIAN_SUITE:-forky}

die() { printf 'get-strato.sh: %s\n' "$*" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "the packages are for x86_64, this machine is $(uname -m)"
mkdir -p "$dir"; exec 9>"$dir/.lock"; flock 9
[ ! -e "$dir/.unpacked-$suite" ] || { echo "$dir"; exit; }
rm -rf "$dir"/{root,apt,debs}

keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* 2>/dev/null | head -1)
[ -n "$keyring" ] || die "Debian's keys are missing: install the package debian-archive-keyring"
mirror=${FALCOKIT_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')}
[ -n "$mirror" ] || die "apt on this machine knows no Debian mirror: name one in FALCOKIT_DEBIAN_MIRROR"

apt=$dir/apt root=$dir/root
mkdir -p "$apt/lists/partial" "$dir/debs/partial" "$root"/usr/{bin,sbin,lib,lib64}
: >"$apt/status"
echo "deb [arch=amd64 signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
echo '#clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success;' >"$apt/hooks.conf"
options=(-qq -c "$apt/hooks.conf" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
  -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
  -o Dir::Cache="$apt" -o Dir::Cache::archives="$dir/debs" -o Acquire::Languages=none
  -o Acquire::Retries=3 -o APT::Architecture=amd64)
[ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
apt-get "${options[@]}" update || die "apt cannot read $suite from the Debian mirror (see above)"
apt-get "${options[@]}" -y --no-install-recommends --download-only install stratoshark >/dev/null ||
  die "the packages of stratoshark cannot be fetched (see above)"

for d in bin sbin lib lib64; do ln -sfn "usr/$d" "$root/$d"; done # merged /usr
for d in "$dir"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$d" | tar -xf - -C "$root" --keep-directory-symlink --no-same-owner \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
    --exclude='./usr/lib/*/gconv/*'
done
rm -rf "$apt" "$dir/debs"
cat >"$dir/strato" <<'WRAPPER'
#!/bin/sh
R=$(dirname "$(realpath "$0")")/root
exec "$R/lib64/ld-linux-x86-64.so.2" --library-path "$R/usr/lib/x86_64-linux-gnu" "$R/usr/bin/strato" "$@"
WRAPPER
chmod +x "$dir/strato"
"$dir/strato" --version >/dev/null || die "the unpacked strato does not run on this machine"
touch "$dir/.unpacked-$suite"
echo "$dir"
