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

cpu() { # the seconds of processors that this script and what it has started took
  awk -v ticks="$(getconf CLK_TCK)" '{ print int(($14 + $15 + $16 + $17) / ticks) }' /proc/$$/stat
}

phase() { # name, command: run it, note a failure, say how long it took
  local name=$1 began=$SECONDS before
  before=$(cpu)
  shift
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name: $((SECONDS - began)) s ($(($(cpu) - before)) s of processors)"
}

install() { # part
  local extras=test
  [ "$1" != whole ] || extras=test,check,export
  "${inside[@]}" "$python" -m venv "$venv" &&
    # What is not imported need not be compiled.
    "${inside[@]}" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
      -e ".[$extras]" && touch "$venv/installed" "$venv/installed-test"
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

checked=no
while read -r part version python; do
  venv=.venv-test-$version
  # A Python of tests/hosts/get-pythons.sh is at home in a system of its own.
  inside=()
  if [ -x "$(dirname "$python")/inside" ]; then
    inside=("$(dirname "$python")/inside")
    python=$(basename "$python")
  fi
  if [ ! -f "$venv/installed-test" ] || [ pyproject.toml -nt "$venv/installed-test" ]; then
    phase "install $version" install "$part"
    [ -f "$venv/installed-test" ] || continue
  fi
  if [ $checked = no ]; then
    phase checks make --no-print-directory check VENV="$venv"
    checked=yes
  fi
  phase "$part $version" tests "$part" "$@"
done <<<"$suite"

if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed:' >&2
  printf ' [%s]' "${failed[@]}" >&2
  echo >&2
  exit 1
fi
