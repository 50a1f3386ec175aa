#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the checks and the tests on the Pythons of this machine, and says after each phase how long it
# took. Called by `make test` and, with --all first, by `make test-all`; other arguments go to pytest.
#
#     whole     the whole suite, on the oldest Python that tests/pythons.py finds
#     python    the tests marked "python" (all that hangs on the Python), on the newest
#     smoke     the tests marked "smoke", on one release of each minor version between
#
# The three run beside each other: the first is shown as it goes, the others when they have ended.
# With --all the whole suite runs on every release, one after the other. What fails beside other tests
# runs once more with nothing beside it, and is printed again: a busy machine is no fault, a second
# failure is one. WORKERS says how many tests of the whole suite run at once: one more than there are
# processors, since many wait; the others have half as many. With 0 nothing runs beside anything.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# Else each of a few thousand processes compiles what it imports.
unset PYTHONDONTWRITEBYTECODE

list=--suite
if [ "${1:-}" = --all ]; then
  list=--suite-all
  shift
fi
found=$(python3 tests/pythons.py --check) || exit $?
suite=$(python3 tests/pythons.py $list) || exit $?
workers=${WORKERS:-$(($(nproc) + 1))}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# Where tests that must be alone meet those of all Pythons: see tests/conftest.py.
export FALCOKIT_TESTS_DOOR=$logs

cpu() { # process: the seconds of processors that it and what it has started took
  awk -v ticks="$(getconf CLK_TCK)" '{ print int(($14 + $15 + $16 + $17) / ticks) }' "/proc/$1/stat"
}

phase() { # name, command: run it, note a failure, say how long it took
  local name=$1 began=$SECONDS self=$BASHPID before
  before=$(cpu "$self")
  shift
  echo "== $name"
  "$@" || echo "$name" >>"$logs/failed"
  echo "== $name: $((SECONDS - began)) s ($(($(cpu "$self") - before)) s of processors)"
}

# A Python of tests/hosts/get-pythons.sh is at home in a system of its own.
inside_of() { # python: set inside
  inside=()
  [ ! -x "$(dirname "$1")/inside" ] || inside=("$(dirname "$1")/inside")
}

# Installs in a tenth of pip's time. Not one on the path: the other systems have another /usr.
get_uv() {
  uv=$PWD/.venv-test-tools/bin/uv
  [ -x "$uv" ] || {
    "$found" -m venv .venv-test-tools &&
      .venv-test-tools/bin/python -m pip install --quiet --disable-pip-version-check --no-compile uv
  } || return
  # It does not read what pip is configured with.
  local index
  index=$(.venv-test-tools/bin/python -m pip config get global.index-url 2>/dev/null)
  index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$index}}
  [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
}

install() { # part, python, venv
  local extras=test python=$2 inside
  [ "$1" != whole ] || extras=test,check,export,docs
  inside_of "$2"
  [ ${#inside[@]} = 0 ] || python=$(basename "$2")
  rm -rf "$3"
  "${inside[@]}" "$uv" venv --quiet --python "$python" "$3" &&
    "${inside[@]}" "$uv" pip install --quiet --python "$3" -e ".[$extras]" &&
    touch "$3/installed" "$3/installed-test"
}

is_installed() { # venv
  [ -f "$1/installed-test" ] && ! [ pyproject.toml -nt "$1/installed-test" ]
}

install_all() { # lines of the suite: those at once whose environment is missing
  local part version python
  while read -r part version python; do
    is_installed ".venv-test-$version" ||
      phase "install $version" install "$part" "$python" ".venv-test-$version" </dev/null &
  done <<<"$1"
  wait
}

run_pytest() { # part, version, python, pytest's arguments
  local marks=() part=$1 version=$2 inside
  [ "$part" = whole ] || marks=(-m "$part")
  inside_of "$3"
  shift 3
  "${inside[@]}" ".venv-test-$version/bin/python" -m pytest "${marks[@]}" \
    -o cache_dir=".pytest_cache/$version" "$@"
}

tests() { # workers, part, version, python, pytest's arguments; no test at all is no failure
  local workers=$1
  shift
  run_pytest "$@" -n "$workers" --dist worksteal
  local status=$?
  if [ $status = 1 ]; then
    # Once more, when nothing is beside it.
    echo "$1 $2 $3" >>"$logs/again"
  elif [ $status != 5 ]; then
    return $status
  fi
}

again() { # part, version, python, pytest's arguments
  run_pytest "$@" -n 0 --last-failed --last-failed-no-failures none
  local status=$?
  [ $status = 5 ] || return $status
}

lane() { # workers, pattern of parts, pytest's arguments: the parts one after the other
  local workers=$1 parts=$2 part version python
  shift 2
  while read -r part version python; do
    # shellcheck disable=SC2053
    [[ $part == $parts ]] && is_installed ".venv-test-$version" &&
      phase "$part $version" tests "$workers" "$part" "$version" "$python" "$@" </dev/null
  done <<<"$suite"
}

fetched() {
  tests/hosts/get-host.sh && tests/hosts/get-registry.sh && tests/hosts/get-pythons.sh
}

phase "uv" get_uv
oldest=$(grep -m 1 '^whole' <<<"$suite")
install_all "$oldest"
phase checks make --no-print-directory check VENV=".venv-test-$(cut -d ' ' -f 2 <<<"$oldest")"
if [ "${CI:-}" = true ]; then
  # .ci/run has begun to fetch them; else this takes no time.
  phase "the newest Pythons, the real host, a registry" fetched
  suite=$(python3 tests/pythons.py $list) || exit $?
fi
echo "the suite runs on:"
sed 's/^/  /' <<<"$suite"
install_all "$suite"

# What a script starts beside it takes no notice of Ctrl-C.
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
half=$((workers / 2))
if [ "$workers" = 0 ]; then
  lane 0 '*' "$@"
else
  lane $((half > 0 ? half : 1)) python "$@" >"$logs/python" 2>&1 &
  lane $((half > 0 ? half : 1)) smoke "$@" >"$logs/smoke" 2>&1 &
  lane "$workers" whole "$@"
  wait
  cat "$logs/python" "$logs/smoke"
fi
if [ -e "$logs/again" ]; then
  while read -r part version python; do
    phase "again, what failed of $part $version, with nothing beside it" \
      again "$part" "$version" "$python" "$@" </dev/null
  done <"$logs/again"
fi

if [ -s "$logs/failed" ]; then
  printf 'failed:' >&2
  sed 's/.*/ [&]/' "$logs/failed" | tr -d '\n' >&2
  echo >&2
  exit 1
fi
