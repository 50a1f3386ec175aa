#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the checks and the tests on the Pythons of this machine, and says after each phase how long it
# took. Called by `make test` and, with --all first, by `make test-all`; other arguments go to pytest.
#
#     whole     the whole suite, on the oldest Python that tests/pythons.py finds
#     python    the tests marked "python" (all that hangs on the Python), on the newest
#     smoke     the tests marked "smoke", on one release of each minor version between
#
# With --all the whole suite runs on every release. What fails beside other tests runs once more with
# nothing beside it, and is printed again: a busy machine is no fault, a second failure is one.
# WORKERS says how many tests run at once: one more than there are processors, since many wait.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# Else each of a few thousand processes compiles what it imports.
unset PYTHONDONTWRITEBYTECODE

list=--suite
if [ "${1:-}" = --all ]; then
  list=--suite-all
  shift
fi
python3 tests/pythons.py --check >/dev/null || exit $?
suite=$(python3 tests/pythons.py $list) || exit $?
workers=${WORKERS:-$(($(nproc) + 1))}
failed=()

echo "the suite runs on:"
sed 's/^/  /' <<<"$suite"

cpu() { # process: the seconds of processors that it and what it has started took
  awk -v ticks="$(getconf CLK_TCK)" '{ print int(($14 + $15 + $16 + $17) / ticks) }' "/proc/$1/stat"
}

phase() { # name, command: run it, note a failure, say how long it took
  local name=$1 began=$SECONDS self=$BASHPID before
  before=$(cpu $self)
  shift
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name: $((SECONDS - began)) s ($(($(cpu $self) - before)) s of processors)"
}

install() { # part, python, venv
  local extras=test inside=()
  [ "$1" != whole ] || extras=test,check,export,docs
  [ ! -x "$(dirname "$2")/inside" ] || inside=("$(dirname "$2")/inside")
  # Such a Python enters its system by itself; its environment does not.
  "$2" -m venv "$3" &&
    # What is not imported need not be compiled.
    "${inside[@]}" "$3/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
      -e ".[$extras]" && touch "$3/installed" "$3/installed-test"
}

tests() { # part, pytest's arguments; no test at all is no failure
  local marks=()
  [ "$1" = whole ] || marks=(-m "$1")
  shift
  "${inside[@]}" "$venv/bin/python" -m pytest "${marks[@]}" -n "$workers" --dist worksteal "$@"
  local status=$?
  if [ $status = 1 ] && [ "$workers" != 0 ]; then
    echo "== again, what failed, with nothing beside it"
    "${inside[@]}" "$venv/bin/python" -m pytest "${marks[@]}" "$@" -n 0 --last-failed --last-failed-no-failures none
    status=$?
  fi
  [ $status = 5 ] || return $status
}

fetched() {
  tests/hosts/get-host.sh && tests/hosts/get-registry.sh
}

is_installed() { # venv
  [ -f "$1/installed-test" ] && ! [ pyproject.toml -nt "$1/installed-test" ]
}

# All at once: each waits for the network more than it computes.
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
declare -A installing
while read -r part version python; do
  is_installed ".venv-test-$version" && continue
  phase "install $version" install "$part" "$python" ".venv-test-$version" \
    >"$logs/$version" 2>&1 </dev/null &
  installing[$version]=$!
done <<<"$suite"

checked=no
while read -r part version python; do
  venv=.venv-test-$version
  # A Python of tests/hosts/get-pythons.sh is at home in a system of its own.
  inside=()
  [ ! -x "$(dirname "$python")/inside" ] || inside=("$(dirname "$python")/inside")
  if [ -n "${installing[$version]:-}" ]; then
    wait "${installing[$version]}"
    cat "$logs/$version"
    is_installed "$venv" || {
      failed+=("install $version")
      continue
    }
  fi
  if [ $checked = no ]; then
    phase checks make --no-print-directory check VENV="$venv"
    checked=yes
    # .ci/run has begun to fetch them; else this takes no time.
    [ "${CI:-}" != true ] || phase "the real host, a registry" fetched
  fi
  phase "$part $version" tests "$part" "$@"
done <<<"$suite"

if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed:' >&2
  printf ' [%s]' "${failed[@]}" >&2
  echo >&2
  exit 1
fi
