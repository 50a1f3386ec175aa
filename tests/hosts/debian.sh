# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Functions for the scripts of this folder: Debian packages of another suite, fetched and unpacked into
# a folder of their own, with apt's lists, cache and dpkg status there too: nothing of the running
# system is read or touched, and root is not needed. Sourced, never run.
#
# The packages come from the Debian mirror that apt is configured with; FALCOKIT_DEBIAN_MIRROR names
# another one.

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: install the package $2"; }

need_debian() {
  [ "$(uname -m)" = x86_64 ] || die "the packages are for x86_64, this machine is $(uname -m)"
  need apt-get apt; need dpkg-deb dpkg; need flock util-linux
}

# The options that keep apt inside FOLDER/apt, and without the hooks of the system's own apt.
apt_options() { # folder
  local apt=$1/apt
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  : >"$apt/status"
  echo '#clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success;' >"$apt/hooks.conf"
  apt_options=(-qq -c "$apt/hooks.conf" -o Dir::State="$apt" -o Dir::State::lists="$apt/lists"
    -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" -o Acquire::Languages=none -o Acquire::Retries=3)
  [ "$(id -u)" != 0 ] || apt_options+=(-o APT::Sandbox::User=root)
}

# Let apt read SUITE instead of the system's own release, and the lists of its packages.
read_suite() { # folder, suite
  local apt=$1/apt suite=$2 keyring mirror
  apt_options "$1"
  keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* 2>/dev/null | head -1)
  [ -n "$keyring" ] || die "Debian's keys are missing: install the package debian-archive-keyring"
  mirror=${FALCOKIT_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')}
  [ -n "$mirror" ] || die "apt on this machine knows no Debian mirror: name one in FALCOKIT_DEBIAN_MIRROR"
  echo "deb [arch=amd64 signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
  apt_options+=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture=amd64)
  apt-get "${apt_options[@]}" update || die "apt cannot read $suite from the Debian mirror (see above)"
}

# Packages with all that they depend on, into FOLDER/apt/archives.
fetch_with_dependencies() { # folder, packages
  shift
  apt-get "${apt_options[@]}" -y --no-install-recommends --download-only install "$@" >/dev/null ||
    die "the packages cannot be fetched (see above): $*"
}

# Packages alone, into TARGET.
fetch_alone() { # target, packages
  local target=$1
  shift
  mkdir -p "$target"
  (cd "$target" && apt-get "${apt_options[@]}" download "$@") || die "the packages cannot be fetched (see above): $*"
}

# All packages of a folder as one system with a merged /usr, without its documentation.
unpack_system() { # folder with packages, root
  local root=$2 d
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
  for d in bin sbin lib lib64; do ln -sfn "usr/$d" "$root/$d"; done
  for d in "$1"/*.deb; do
    dpkg-deb --fsys-tarfile "$d" | tar -xf - -C "$root" --keep-directory-symlink --no-same-owner \
      --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
      --exclude='./usr/lib/*/gconv/*'
  done
}
