# SPDX-License-Identifier: Apache-2.0
"""How `falcokit package` shows its steps, and the artifact at the end; on stderr."""

from __future__ import annotations

import contextlib
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli import console
from falcokit.package.link.glibc import fits, format_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.package.artifact.artifact import Artifact
    from falcokit.package.registry.layout import OciLayout

__all__ = ["show_artifact", "steps", "to_json"]

_WIDTH: Final = 10
_KB, _MB = 1000, 1_000_000


@contextlib.contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Show on a terminal which step is under way and since when; elsewhere a line for each."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda text: console.message(console.printable(text))
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    shown = Console(stderr=True, no_color=not console.has_color(sys.stderr))
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=shown, transient=True) as bar:
        task = bar.add_task("")
        yield lambda text: bar.update(task, description=console.printable(text))


def _size(count: int) -> str:
    return f"{count / _MB:.1f} MB" if count >= _MB // 10 else f"{count / _KB:.0f} kB"


def _line(label: str, text: str) -> None:
    """Write a line; on a terminal it is wrapped and continues below its own beginning."""
    parts = [text]
    if sys.stderr is not None and sys.stderr.isatty():
        room = max(shutil.get_terminal_size().columns - _WIDTH - 2, 2 * _WIDTH)
        parts = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    for part in parts:
        console.message(f"  {console.paint(f'{label:<{_WIDTH}}', 'dim', sys.stderr)}{part}")
        label = ""


def show_artifact(artifact: Artifact, layout: OciLayout | None) -> None:
    """Show what was made, how large it is, where it runs, and the warnings."""
    meta = artifact.metadata
    title = console.paint(f"{meta.name} {meta.version}", "bold", sys.stderr)
    console.message(f"packaged {title} in {artifact.seconds:.1f} s")
    shown = artifact.path.relative_to(artifact.path.parents[1])
    _line("file", f"{shown}, {_size(artifact.size)}, unpacked {_size(artifact.unpacked)}")
    _line("sha256", artifact.sha256)
    _line("python", artifact.runtime.label)
    for label, (name, size) in zip(
        ["holds"] + [""] * len(artifact.sizes), artifact.sizes.most_common(), strict=False
    ):
        held = f"{name} {artifact.distributions.get(name, '')}".rstrip()
        _line(label, f"{_size(size):>9}  {console.printable(held)}")
    if artifact.libraries:
        _line("system", f"libraries of this machine: {', '.join(artifact.libraries)}")
    if artifact.in_folder:
        held = console.printable(", ".join(artifact.in_folder))
        _line("folder", f"unpacked where it runs, for they open files beside their code: {held}")
    _show_floor(artifact)
    if artifact.verification is not None:
        seen = artifact.verification
        _line(
            "verified",
            f"loaded twice without Python; init {seen.init_ms:.0f} ms, {seen.events} events,"
            f" {seen.rss_kb * 1024 / _MB:.0f} MB resident",
        )
    if layout is not None:
        _line("oci", f"{layout.folder} ({', '.join(layout.platforms)}); falcokit publish REF")
    for problem in artifact.warnings:
        console.warning(f"{problem.sentence}; {problem.hint}")


def _show_floor(artifact: Artifact) -> None:
    because = f", because of {artifact.floor.file}" if artifact.floor.file else ""
    _line("glibc", f"{format_version(artifact.floor.version)} or newer{because}")
    table = fits(artifact.floor.version)
    for word, wanted in (("runs on", True), ("not on", False)):
        names = [f"{name} ({glibc})" for name, glibc, ok in table if ok is wanted]
        if names:
            _line("", f"{word} {', '.join(names)}")


def to_json(artifact: Artifact, layout: OciLayout | None, text: str | None) -> dict[str, Any]:
    """Return all of it as one document."""
    meta, seen = artifact.metadata, artifact.verification
    return {
        "name": meta.name,
        "version": meta.version,
        "artifact": str(artifact.path),
        "sha256": artifact.sha256,
        "sbom": str(artifact.sbom),
        "bytes": artifact.size,
        "unpacked_bytes": artifact.unpacked,
        "python": artifact.runtime.version,
        "arch": artifact.runtime.machine,
        "sizes": dict(artifact.sizes.most_common()),
        "distributions": artifact.distributions,
        "system_libraries": list(artifact.libraries),
        "glibc": {
            "floor": format_version(artifact.floor.version),
            "file": artifact.floor.file,
            "hosts": [
                {"name": name, "glibc": glibc, "fits": ok}
                for name, glibc, ok in fits(artifact.floor.version)
            ],
        },
        "verified": seen
        and {"init_ms": seen.init_ms, "events": seen.events, "rss_kb": seen.rss_kb},
        "oci": layout
        and {
            "folder": str(layout.folder),
            "plugin_digest": layout.plugin_digest,
            "rules_digest": layout.rules_digest,
            "platforms": list(layout.platforms),
        },
        "deploy": text,
        "warnings": [{"message": p.sentence, "hint": p.hint} for p in artifact.warnings],
        "seconds": round(artifact.seconds, 3),
    }
