# SPDX-License-Identifier: Apache-2.0
"""A plugin that exports a table, and the C plugin beside it, for tests of several plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from author import plugin

if TYPE_CHECKING:
    from author import Author
    from conftest import CompileC, RealHost
    from drivers import Plughost

__all__ = ["OWNER", "compile_table_plugin", "with_plughost"]

_HOSTS = Path(__file__).parent.parent / "hosts"
OWNER = plugin("table_owner")


def compile_table_plugin(compile_c: CompileC) -> Path:
    sources = [_HOSTS / "table_plugin.c", _HOSTS / "table_export.c"]
    return compile_c("libtable_c.so", sources, "-O2")


def with_plughost(
    host: Plughost, real: RealHost, table_plugin: Path, config: str, beside: list[Author],
    *, events: int = 10,
) -> dict[str, Any]:  # fmt: skip
    plugins = [part for author in beside for part in ("--plugin", author.library)]
    source = ["--plugin", real.baseline, "--init", '{"async":0}', "--open", events]
    return host.raw(
        *source, *plugins, "--plugin", table_plugin, "--init", config, "--metrics", "--watchdog", 20
    )
