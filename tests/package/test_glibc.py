# SPDX-License-Identifier: Apache-2.0
"""The glibc floor: what a file demands, who is to blame, and where the artifact runs."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import _cffi_backend
import pytest

from falcokit.errors import ConfigError, PackageError
from falcokit.package.link.elf import ElfFacts, read_elf
from falcokit.package.link.glibc import (
    HOSTS,
    Floor,
    check_max,
    fits,
    floor,
    floor_of,
    parse_version,
)


def facts(**versions: tuple[str, ...]) -> ElfFacts:
    return ElfFacts(
        machine="x86_64",
        soname="libx.so",
        needed=(),
        rpath=(),
        versions={f"{library}.so.6": names for library, names in versions.items()},
        has_textrel=False,
        has_exec_stack=False,
        is_nodelete=False,
    )


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ((), (0, 0)),
        (("GLIBC_2.2.5",), (2, 2)),
        (("GLIBC_2.9", "GLIBC_2.10", "GLIBC_2.4"), (2, 10)),
        (("GLIBC_2.17", "GLIBC_ABI_DT_RELR"), (2, 36)),
        (("GLIBC_2.38", "GLIBC_ABI_DT_RELR"), (2, 38)),
        (("GLIBCXX_3.4.30", "GCC_3.0", "OPENSSL_3.0.0", "GLIBC_x", "GLIBC_2"), (0, 0)),
    ],
)
def test_the_highest_version_counts(versions: tuple[str, ...], expected: tuple[int, int]) -> None:
    assert floor_of(facts(libc=versions)) == expected


def test_every_library_counts() -> None:
    assert floor_of(facts(libc=("GLIBC_2.14",), libm=("GLIBC_2.29",))) == (2, 29)


def test_internals_of_glibc_are_refused_with_the_file() -> None:
    with pytest.raises(PackageError, match=r"^lib/libnss\.so: libx\.so uses internals") as caught:
        floor({"lib/libnss.so": facts(libc=("GLIBC_2.4", "GLIBC_PRIVATE"))})
    assert "leave it out" in (caught.value.hint or "")


def test_the_floor_is_that_of_the_file_that_demands_most() -> None:
    found = floor(
        {
            "a.so": facts(libc=("GLIBC_2.17",)),
            "b.so": facts(libc=("GLIBC_2.28",)),
            "c.so": facts(libc=("GLIBC_2.28",)),
            "d.so": facts(),
        }
    )
    assert (found.version, found.file) == ((2, 28), "b.so")
    assert found.files == {"a.so": (2, 17), "b.so": (2, 28), "c.so": (2, 28), "d.so": (0, 0)}


def test_nothing_that_needs_glibc_blames_no_file() -> None:
    assert floor({}) == Floor(version=(0, 0), file=None, files={})
    assert floor({"a": facts()}).file is None


def test_this_very_cffi_runs_on_this_very_glibc() -> None:
    """The floor of a library that is loaded here cannot be above what is running here."""
    found = read_elf(Path(_cffi_backend.__file__))
    running = os.confstr("CS_GNU_LIBC_VERSION")
    assert found
    assert running
    assert (2, 2) <= floor_of(found) <= parse_version(running.removeprefix("glibc "))
    assert ctypes.CDLL(_cffi_backend.__file__)


def test_the_table_says_yes_from_the_floor_on() -> None:
    table = {name: (glibc, fit) for name, glibc, fit in fits((2, 34))}
    assert table["falcosecurity/falco:0.44.1"] == ("2.43", True)
    assert table["falcosecurity/falco:0.44.1-debian"] == ("2.36", True)
    assert table["RHEL 9"] == ("2.34", True)
    assert table["Debian 11"] == ("2.31", False)
    assert table["Amazon Linux 2"] == ("2.26", False)
    assert len(table) == len(HOSTS)


def test_python_build_standalone_fits_everywhere() -> None:
    assert all(fit for _, _, fit in fits((2, 17)))


@pytest.mark.parametrize(("text", "version"), [("2.28", (2, 28)), (" 2.9\n", (2, 9))])
def test_a_version_is_read(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    "text", ["", "2", "2.", "2.28.1", "2,28", "v2.28", "-2.28", "1.28", "2.٢٨", "2.99999", "latest"]
)
def test_nonsense_is_no_version(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a version of glibc") as caught:
        parse_version(text)
    assert caught.value.hint == "write it as 2.28"


def test_a_floor_at_the_maximum_passes() -> None:
    check_max(floor({"a.so": facts(libc=("GLIBC_2.28",))}), (2, 28))
    check_max(floor({}), (2, 17))


def test_a_floor_above_the_maximum_names_the_file_and_the_way_out() -> None:
    found = floor(
        {
            "lib-dynload/ok.so": facts(libc=("GLIBC_2.17",)),
            "libpython3.13.so.1.0": facts(libc=("GLIBC_2.34",)),
            "numpy/core.so": facts(libc=("GLIBC_2.29",)),
        }
    )
    with pytest.raises(PackageError) as caught:
        check_max(found, (2, 28))
    assert caught.value.message == (
        "libpython3.13.so.1.0 needs glibc 2.34, more than 2.28 (and so does 1 other file)"
    )
    assert "--runtime" in (caught.value.hint or "")
    assert "2.17" in (caught.value.hint or "")
    assert caught.value.exit_code == 7
