# SPDX-License-Identifier: Apache-2.0
"""Several plugins in one process: they share one Python in the development layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import Said

pytestmark = pytest.mark.python

_BEAT = """
    {imports}
    class P(Plugin, AsyncEvents):
        @async_event("{event}", every=0.005)
        def beat(self):
            return {data}
"""


def _plugin(write: Callable[..., Author], name: str, *, module: str | None = None) -> Author:
    imports = f"import {module}" if module else ""
    data = f"{module}.WHO" if module else repr(name)
    author = write(_BEAT.format(imports=imports, event=f"{name}_event", data=data), name)
    if module:
        (author.root / "src" / f"{module}.py").write_text(f"WHO = {name!r}\n")
    return author


def test_two_projects_with_modules_of_their_own_run_side_by_side(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    one = _plugin(write_plugin, "one", module="util_one")
    two = _plugin(write_plugin, "two", module="util_two")
    said = tortured(
        f"load={one.library}", "init", "set-handler",
        "slot=1", f"load={two.library}", "init", "set-handler", "parse-own=5",
        "slot=0", "parse-own=5", "clear-handler", "destroy", "unload",
        "slot=1", "parse-own=5", "clear-handler", "destroy", "unload",
    )  # fmt: skip
    assert said.status == 0
    assert [o["rc"] for o in said.of("init")] == [0, 0]
    assert [o["rc"] for o in said.of("parse-own")] == [0, 0, 0]


def test_a_module_that_both_have_is_refused_at_init_and_the_first_goes_on(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    one = _plugin(write_plugin, "one", module="util")
    two = _plugin(write_plugin, "two", module="util")
    said = tortured(
        f"load={one.library}", "init", "set-handler",
        "slot=1", f"load={two.library}", "init", "destroy", "unload",
        "slot=0", "parse-own=5", "clear-handler", "destroy", "unload",
    )  # fmt: skip
    first, second = said.of("init")
    assert first["rc"] == 0
    assert second["rc"] == 1
    assert "module 'util'" in second["error"]
    assert str(one.root / "src") in second["error"]
    assert str(two.root / "src") in second["error"]
    assert said.one("parse-own")["rc"] == 0


def test_the_same_library_twice_has_two_states(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            config: str
            @async_event("beat", every=0.005)
            def beat(self):
                return self.config
            def init(self):
                self.log.info("made %s", self.config)
            def destroy(self):
                self.log.info("gone %s", self.config)
    """)
    said = tortured(
        f"load={author.library}", "init=first", "set-handler",
        "slot=1", f"load={author.library}", "@init=second", "@set-handler", "parse-own=3",
        "slot=0", "clear-handler", "destroy", "unload",
        "slot=1", "parse-own=3", "clear-handler", "destroy", "unload",
    )  # fmt: skip
    assert said.status == 0
    order = [
        line.rpartition(": ")[2] for line in said.stderr.splitlines() if line.startswith("log")
    ]
    assert order == ["made first", "made second", "gone first", "gone second"]
    assert [o["rc"] for o in said.of("parse-own")] == [0, 0]
