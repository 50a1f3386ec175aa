# SPDX-License-Identifier: Apache-2.0
"""The checks of the programs on this machine that load or install plugins, and what they accept."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.cli.doctor.table import Check, NothingError, Subject, WorryError, answer_of
from falcokit.rules.versions import Version

if TYPE_CHECKING:
    from falcokit.build.about import LibraryAbout

__all__ = ["HOSTS"]

_VERSION: Final = re.compile(r"\b\d+\.\d+\.\d+[-+.\w]*")


def _find(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise NothingError("not installed")
    return Path(found)


def _version_in(text: str) -> str:
    found = _VERSION.search(text)
    return found[0] if found else text.partition("\n")[0][:80]


def _falco(subject: Subject) -> str:
    program = _find("falco")
    lines = (line.partition(":") for line in answer_of(program, "--version").splitlines())
    said = {key.strip(): value.strip() for key, _, value in lines}
    api = said.get("Plugin API", "")
    shown = (
        f"Falco {said.get('Falco version', 'of an unknown version')}, plugin API {api or 'unknown'}"
    )
    about = _plugin(subject)
    offered, required = Version.parse(api), Version.parse(about.required_api) if about else None
    if offered is None:
        raise WorryError(f"{shown} ({program})", "falco --version should name its plugin API")
    if required is not None and not offered.is_compatible_with(required):
        raise WorryError(
            f"{shown}, and the plugin requires {about.required_api if about else ''}",
            "upgrade Falco: falcokit info says what the plugin requires",
        )
    return f"{shown}: loads plugins that require 3.0.0 to {api}"


def _plugin(subject: Subject) -> LibraryAbout | None:
    try:
        return subject.need_about()
    except NothingError:
        return None


def _sysdig(subject: Subject) -> str:
    program = _find("sysdig")
    shown = f"sysdig {_version_in(answer_of(program, '--version'))}"
    about = _plugin(subject)
    library = about and subject.need_project().build_dir / f"lib{about.plugin}.so"
    if not library or not library.is_file():
        return f"{shown}; with a built plugin it is asked whether it loads it"
    answer_of(program, "-H", library, "-Il")  # which names what it does not accept
    return f"{shown}: loads {library.name}"


def _falcoctl(_: Subject) -> str:
    said = answer_of(_find("falcoctl"), "version")
    return f"falcoctl {_version_in(said)}: installs what falcokit publish sends"


HOSTS: Final = (
    Check(
        name="falco",
        what="Falco, and the plugin API that it has",
        fix="reinstall Falco; until then give another one: --falco /path/to/falco",
        look=_falco,
    ),
    Check(
        name="sysdig",
        what="sysdig, and whether it loads the built plugin",
        fix="falcokit build, then sysdig -H build/libNAME.so -Il says more; or upgrade sysdig",
        look=_sysdig,
    ),
    Check(
        name="falcoctl",
        what="falcoctl, which installs what is published",
        fix="reinstall falcoctl",
        look=_falcoctl,
    ),
)
