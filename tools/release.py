# SPDX-License-Identifier: Apache-2.0
"""A release of falcosecurity/libs in a folder: where its headers are, and the event table it has.

Two layouts are known: the source, as Debian's source package and a checkout have it, and the folder
of tests/hosts/get-host.sh, with Debian's headers and libraries. The tables themselves are data, not
declarations: a small C program that is compiled with the headers prints them, from the driver's
sources or from the library.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falcokit.errors import ConfigError
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Release"]

_TABLES = ("event_table.c", "flags_table.c", "dynamic_params_table.c")
_PROGRAM = Path(__file__).with_name("print_tables.c")
_LOW_BITS = 0xFF  # of a category: what the event is about; above them, where it comes from


@dataclass(frozen=True)
class Release:
    """Where the headers of one release are; `libraries` is None where its source is there."""

    folder: Path
    driver: Path
    include: Path
    libscap: Path
    libsinsp: Path
    libraries: Path | None

    @classmethod
    def find(cls, folder: Path) -> Release:
        """Tell which of the two layouts `folder` has."""
        if all((folder / "driver" / name).exists() for name in _TABLES):
            user = folder / "userspace"
            return cls(folder, folder / "driver", user, user / "libscap", user / "libsinsp", None)
        headers, libraries = folder / "headers", folder / "root/usr/lib/x86_64-linux-gnu"
        if (headers / "plugin" / "plugin_api.h").exists():
            scap, sinsp = headers / "libscap", headers / "libsinsp"
            return cls(folder, headers / "driver", headers, scap, sinsp, libraries)
        raise ConfigError(
            f"{folder} has no release of libs: neither its source (driver/{_TABLES[0]}) nor the "
            "headers and libraries of tests/hosts/get-host.sh"
        )

    @property
    def plugin_api(self) -> Path:
        """Where the plugin API is declared."""
        return self.include / "plugin" / "plugin_api.h"

    def name(self) -> str:
        """Return the commit of a checkout, the version of the headers, or the folder's name."""
        if (self.folder / ".git").exists():
            return run(["git", "-C", str(self.folder), "rev-parse", "HEAD"]).strip()
        config = self.driver / "driver_config.h"
        found = re.search(r'DRIVER_VERSION "(.+)"', config.read_text()) if config.exists() else None
        return found[1] if found else self.folder.resolve().name

    def version(self, name: str) -> str:
        """Return the version that the driver calls API or SCHEMA."""
        file = self.driver / f"{name}_VERSION"
        if file.exists():
            return file.read_text().strip()
        config = (self.driver / "driver_config.h").read_text()
        return ".".join(re.findall(rf"PPM_{name}_CURRENT_VERSION_\w+ (\d+)", config))

    def event_table(self) -> dict[str, Any]:
        """Return the tables in the form of event_table.json, without its source."""
        public = _without_comments(self.driver / "ppm_events_public.h")
        codes = {number: code for code, number in _numbers(public, "PPME_")}
        names = {prefix: dict(_numbers(public, prefix)) for prefix in ("PT_", "PF_", "EC_")}
        types, formats = _by_number(names["PT_"]), _by_number(names["PF_"])
        printed = self._printed(public)

        def param(entry: dict[str, Any]) -> dict[str, Any]:
            said = {
                "name": entry["name"],
                "type": types[entry["type"]],
                "fmt": formats[entry["fmt"]],
            }
            said |= {key: entry[key] for key in ("flags", "dynamic") if entry[key]}
            if said["type"] == "PT_FSRELPATH":
                said["dirfd_param"] = entry["info"]
            return said

        return {
            "events": [
                {
                    "id": code,
                    "code": codes[code],
                    "name": event["name"],
                    "dir": "<" if codes[code].endswith("_X") else ">",
                    "category": event["category"],
                    "category_names": _category(event["category"], names["EC_"]),
                    "flags": event["flags"],
                    "params": [param(entry) for entry in event["params"]],
                }
                for code, event in enumerate(printed["events"])
            ],
            "flags_tables": printed["flags_tables"],
            "dynamic_tables": {
                name: [param(entry) for entry in held]
                for name, held in printed["dynamic_tables"].items()
            },
            "ppm_sc": {
                number: name.lower()
                for name, number in re.findall(r"PPM_SC_X\((\w+), (\d+)\)", public)
            },
            "errno": self._names(self.libsinsp / "sinsp_errno.h", "E"),
            "signals": self._names(self.libsinsp / "sinsp_signal.h", "SIG"),
            "fd_types": self._enum("SCAP_FD_"),
            "l4_protocols": self._enum("SCAP_L4_"),
        }

    def _printed(self, public: str) -> dict[str, Any]:
        """Compile the program that prints the tables, and run it."""
        names = "".join(
            f"#define {macro}(X) {' '.join(f'X({table})' for table in _declared(public, kind))}\n"
            for macro, kind in (
                ("FLAGS_TABLES", "ppm_name_value"),
                ("DYNAMIC_TABLES", "ppm_param_info"),
            )
        )
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "table_names.h").write_text(names)
            program = str(Path(folder) / "print_tables")
            compiler = [find_compiler().path, "-w", "-fPIC", f"-I{self.driver}", f"-I{folder}"]
            compiler += ["-o", program, str(_PROGRAM)]
            if self.libraries is None:
                run([*compiler, *(str(self.driver / name) for name in _TABLES)])
                return dict(json.loads(run([program])))
            library = next(self.libraries.glob("libsinsp.so.*"))
            run([*compiler, str(library), "-Wl,--allow-shlib-undefined"])
            # With the libc that the library was linked to, which may be newer than this system's.
            loader = self.libraries.parents[2] / "lib64" / "ld-linux-x86-64.so.2"
            printed = run([str(loader), "--library-path", str(self.libraries), program])
            return dict(json.loads(printed))

    @staticmethod
    def _names(header: Path, prefix: str) -> dict[str, str]:
        """Return names by number; of two names for one number the first."""
        found: dict[str, str] = {}
        for name, number in re.findall(rf"#define SE_({prefix}\w+) (\d+)", header.read_text()):
            found.setdefault(number, name)
        return found

    def _enum(self, prefix: str) -> list[str]:
        numbers = dict(_numbers(_without_comments(self.libscap / "scap.h"), prefix))
        names = (name.removeprefix(prefix).lower() for name in numbers)
        return [re.sub(r"_?(serv)?sock$", r"\1", name) for name in names]


def _declared(public: str, kind: str) -> list[str]:
    return re.findall(rf"extern const struct {kind} (\w+)\[", public)


def _without_comments(header: Path) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", header.read_text(), flags=re.DOTALL)


def _numbers(text: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Find the enumerators that begin so, with the numbers that stand beside them."""
    for name, shifted, number in re.findall(
        rf"\b({prefix}\w+)\s*=\s*(?:\(1 << (\d+)\)|(\d+))", text
    ):
        yield name, 1 << int(shifted) if shifted else int(number)


def _by_number(names: dict[str, int]) -> dict[int, str]:
    return {number: name for name, number in names.items()}


def _category(category: int, names: dict[str, int]) -> list[str]:
    low = category & _LOW_BITS
    above = [name for name, bit in names.items() if bit > _LOW_BITS and category & bit]
    return [_by_number(names)[low], *above]
