#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the checks once, the whole suite on the first Python that tests/pythons.py finds, and on the
# others all but the tests marked "once".
# Called by `make test`; arguments go to pytest.
set -u
cd "$(dirname "$0")/.." || exit 1

pythons=$(python3 tests/pythons.py) || exit $?
python3 tests/pythons.py --check >/dev/null || exit $?

echo "the suite runs on:"
echo "$pythons" | sed 's/^/  /'

failed=""
first=yes
marks=
for python in $pythons; do
	version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	venv=.venv-test-$version
	if [ ! -f "$venv/installed-test" ] || [ pyproject.toml -nt "$venv/installed-test" ]; then
		echo "== CPython $version: installing"
		"$python" -m venv "$venv" || exit 1
		"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[test]' || exit 1
		touch "$venv/installed" "$venv/installed-test"
	fi
	if [ "$first" = yes ]; then
		echo "== checks"
		make --no-print-directory check VENV="$venv" || failed="$failed checks"
		first=no
	fi
	echo "== CPython $version: $python"
	"$venv/bin/python" -m pytest ${marks:+-m "$marks"} "$@" || failed="$failed $version"
	marks="not once"
done

if [ -n "$failed" ]; then
	echo "failed:$failed" >&2
	exit 1
fi
