# SPDX-License-Identifier: Apache-2.0
"""Which package owns a library: as Debian's database tells it, all libraries in two questions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.package.link.system_packages import SystemPackage, packages_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A database that answers as dpkg-query does: what is known on stdout, the rest on stderr.
FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> "$0.log"
kind=$1; shift
status=0
if [ "$kind" = -W ]; then shift 2; fi
for asked; do
    case "$kind $asked" in
    "-S /lib/x/libz.so.1") echo "zlib1g:amd64: $asked" ;;
    "-S /usr/lib/x/libnew.so.1") echo "libnew:amd64: $asked" ;;
    "-S /usr/lib/x/libtwo.so.1") echo "libone, libtwo:amd64: $asked" ;;
    "-S /usr/lib64/ld.so.2") printf '%s\\n' "diversion by other from: $asked" "libc6: $asked" ;;
    "-S /opt/libgone.so.1") echo "gone: $asked" ;;
    "-W zlib1g:amd64") echo "$asked zlib1g 1:1.2" ;;
    "-W libnew:amd64") echo "$asked libnew 3.0-1" ;;
    "-W libone") echo "$asked libone 4" ;;
    "-W libc6") echo "$asked libc6 2.36-9" ;;
    *) echo "dpkg-query: no path found matching pattern $asked" >&2; status=1 ;;
    esac
done
exit $status
"""


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    packages_of.cache_clear()
    yield
    packages_of.cache_clear()


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database's program, alone on the PATH but for a shell; it writes what it is asked."""
    program = tmp_path / "dpkg-query"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_all_libraries_are_found_in_two_questions(database: Path) -> None:
    known = {
        "/usr/lib/x/libz.so.1": SystemPackage(name="zlib1g", version="1:1.2"),
        "/lib/x/libz.so.1": SystemPackage(name="zlib1g", version="1:1.2"),
        "/lib/x/libnew.so.1": SystemPackage(name="libnew", version="3.0-1"),
        "/usr/lib/x/libtwo.so.1": SystemPackage(name="libone", version="4"),
        "/lib64/ld.so.2": SystemPackage(name="libc6", version="2.36-9"),
        "/usr/local/lib/libmine.so.1": SystemPackage(),
        "/opt/libgone.so.1": SystemPackage(),
    }
    found = packages_of(frozenset(map(Path, known)))
    assert found == {Path(file): package for file, package in known.items()}
    log = database.with_name("dpkg-query.log")
    first, second = log.read_text().splitlines()
    assert first.startswith("-S ")
    assert second.startswith("-W ")
    assert packages_of(frozenset(map(Path, known))) == found
    assert len(log.read_text().splitlines()) == 2, "it is not asked again"


def test_what_no_package_owns_is_not_known(database: Path) -> None:
    mine = Path("/usr/local/lib/libmine.so.1")
    assert packages_of(frozenset({mine})) == {mine: SystemPackage()}
    assert packages_of(frozenset()) == {}
    assert len(database.with_name("dpkg-query.log").read_text().splitlines()) == 1


def test_a_broken_database_and_none_at_all_tell_nothing(database: Path) -> None:
    file = Path("/usr/lib/x/libz.so.1")
    database.write_text("#!/bin/sh\necho 'dpkg-query: error: no database' >&2; exit 2\n")
    assert packages_of(frozenset({file})) == {file: SystemPackage()}
    packages_of.cache_clear()
    database.unlink()
    assert packages_of(frozenset({file})) == {file: SystemPackage()}


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="there is no database of Debian's")
def test_the_c_library_of_this_machine_is_known_by_both_its_names() -> None:
    with Path("/proc/self/maps").open() as maps:
        mapped = next(line.split()[-1] for line in maps if line.rstrip().endswith("/libc.so.6"))
    short = mapped.removeprefix("/usr")
    names = {Path(short), Path(f"/usr{short}")}
    assert os.path.samefile(*names)  # noqa: PTH121
    mine = Path(__file__)
    found = packages_of(frozenset({*names, mine}))
    assert found[mine] == SystemPackage()
    (package,) = {found[name] for name in names}
    assert package.name == "libc6"
    assert package.version
    assert package.version[0].isdigit()
