# SPDX-License-Identifier: Apache-2.0
"""`--falco` of `falcokit run` and `falcokit dev`: a real Falco in place of the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.errors import ConfigError
from falcokit.runner.falco import Falco, FalcoOptions, find_falco

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.cli.options import DevOptions, RunOptions

__all__ = ["falco_for"]


def falco_for(
    options: RunOptions | DevOptions,
    about: LibraryAbout,
    library: Path,
    *,
    init_config: str | None,
    open_params: str | None,
    rules: Sequence[Path],
    replay: Path | None,
) -> Falco:
    """Return a Falco for a plugin, not started yet.

    Raises:
        ConfigError: an option is given that only the runner has.
        ToolMissingError: there is no such Falco.

    """
    for name in ("record", "fields", "limit", "speed", "explain"):
        if getattr(options, name, None):
            raise ConfigError(f"--{name} is the runner's and cannot be combined with --falco")
    has_source = "source" in about.capabilities
    watched = (*about.extract_event_sources, *about.parse_event_sources)
    reads = {"extract", "parse"} & set(about.capabilities)
    return Falco(
        FalcoOptions(
            program=find_falco(options.falco),
            library=library,
            name=about.plugin,
            init_config=init_config,
            open_params=open_params if has_source else None,
            rules=tuple(rules),
            needs_syscalls="syscall" in watched or bool(reads and not has_source),
            replay=replay,
            rule_matching=options.rule_matching,
            priority=options.priority,
            duration=options.duration,
        )
    )
