# SPDX-License-Identifier: Apache-2.0
# make demo    from a fresh clone: install, scaffold ./demo, build, run, record, inspect
# make test    the checks, then the whole suite on this machine's oldest Python (>= 3.11), all that
#              hangs on the Python on its newest, and the main paths on those between
# make test-all    the whole suite on every Python
# make check   ruff, mypy, clang-tidy, codespell, shellcheck, and the layout of Python and C
# make bench   the benchmarks of bench/, on a real host that it fetches once
# make docs    the site of docs/, in build/site
# make wheels  the wheels of all Pythons and machines, with their C compiled, in dist/; WHEELS="--python
#              3.13 --machine x86_64" names some of them
# make update-api      take over a release of libs: what its plugin API gained is shown, and the event
#              table regenerated; LIBS=/path/to/libs names its source in place of Debian's release
# make generated       write what the other programs of tools/ write
# make clean   remove all that the others made
#
# PYTHON=/path/to/python3 chooses the interpreter; TESTS="-k word" goes to pytest, BENCH="--runs 1" to
# the benchmarks.

VENV ?= .venv
FALCOKIT = $(VENV)/bin/falcokit
export PYTHON

# What clang-tidy compiles with.
TIDY = -std=gnu11 -D_GNU_SOURCE -Wno-macro-redefined -Ifalcokit/native/src -Ifalcokit/native \
  -isystem "$$($(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')"

.PHONY: demo test test-all check bench docs wheels update-api generated clean tools

demo: tools $(VENV)/installed
	rm -rf demo
	$(FALCOKIT) init demo --dir demo --no-input
	$(FALCOKIT) build -C demo
	$(FALCOKIT) dev -C demo --duration 5 --record demo/demo.scap
	$(FALCOKIT) inspect demo/demo.scap

test:
	@tests/run.sh $(TESTS)

test-all:
	@tests/run.sh --all $(TESTS)

check: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h' ':!*golden*')
	$(VENV)/bin/clang-tidy --quiet $$(git ls-files 'falcokit/native/src/*.c') -- $(TIDY) 2>/dev/null
	$(VENV)/bin/codespell $$(git ls-files)
	PATH="$(abspath $(VENV)/bin):$$PATH" shellcheck -S warning $$(git ls-files '*.sh') .ci/run

bench: tools $(VENV)/installed-test
	tests/hosts/get-host.sh
	$(VENV)/bin/python -m bench $(BENCH)

docs: tools $(VENV)/installed-test
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build

wheels: tools $(VENV)/installed-test
	tests/hosts/get-pythons.sh
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[wheels]'
	$(VENV)/bin/python -m tools.wheels $(WHEELS)

update-api: tools $(VENV)/installed-test
	$(VENV)/bin/python -m tools.update_api $(LIBS)
	$(VENV)/bin/python -m tools.falco_fields

generated: tools $(VENV)/installed-test
	$(VENV)/bin/python -m tools.event_table_text
	$(VENV)/bin/python -m tools.json_corpus
	$(VENV)/bin/python -m tools.conformance_matrix
	$(VENV)/bin/python -m tools.template_capture
	$(VENV)/bin/python -m tools.terminal_picture
	$(VENV)/bin/python -m tools.dev_pictures

clean:
	rm -rf .venv .venv-test-* demo build dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# A compiler and a Python to embed: looked for before anything is made.
tools:
	@command -v python3 >/dev/null || \
		{ echo "error: there is no python3; install it: sudo apt-get install python3-dev python3-venv" >&2; exit 5; }
	@python3 tests/pythons.py --check >/dev/null

$(VENV)/installed: pyproject.toml | tools
	"$$(python3 tests/pythons.py --check)" -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test,check,export]'
	touch $@
