# SPDX-License-Identifier: Apache-2.0
"""Events whose lengths do not add up, with AddressSanitizer too: FAILURE, no over-read."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from falcokit.native.build import build
from falcokit.native.toolchain import find_compiler
from falcokit.project import load_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import CompileC

_HOSTS = Path(__file__).parent.parent / "hosts"
_READER = """
    from falcokit import FieldExtraction, field, json_field, path
    class P(Plugin, EventSource, FieldExtraction, EventParsing, AsyncEvents):
        plugin_id = 999
        event_source = "lies"
        async_events = ("never",)
        extract_event_types = (322, 402)
        parse_event_types = (322, 402, "openat")
        def start_async(self, handler): pass
        def open(self, params): return iter(())
        def parse_event(self, event):
            for read in (lambda: event.raw, lambda: event.name, lambda: event.plugin_id):
                try:
                    read()
                except ValueError:
                    pass
            event.params if event.type == 307 else event.data
        def event_to_string(self, event): return event.data.hex()
        found = json_field("l.found", "/a", desc="d")
        whole = json_field("l.whole", path("").as_json(), desc="d")
        @field("l.data", desc="d")
        def data(self, event) -> int: return len(event.data)
        @field("l.json", desc="d")
        def parsed(self, event) -> str: return event.json["a"]
        @field("l.params", desc="d")
        def params(self, event) -> str: return str(event.params)
"""


@pytest.mark.parametrize("sanitize", [False, True])
def test_a_lie_is_a_failure_with_a_reason(
    write_plugin: Callable[..., Author], compile_c: CompileC, tmp_path: Path, *, sanitize: bool
) -> None:
    env, flags = {**os.environ}, []
    if sanitize:
        asan = subprocess.run(
            [find_compiler().path, "-print-file-name=libasan.so"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        if not Path(asan).is_absolute():
            pytest.skip("this compiler has no AddressSanitizer")
        env |= {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"}
        flags = ["-fsanitize=address"]
    library = build(load_project(write_plugin(_READER).root), sanitize=sanitize).library
    torture = compile_c(f"torture{sanitize}", sorted(_HOSTS.glob("torture*.c")), *flags)
    done = subprocess.run(
        [torture, f"load={library}", "init", "lie=5", "lie=5", "destroy", "unload"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert "AddressSanitizer" not in done.stderr, done.stderr[-4000:]
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [s["rc"] for s in said if s["op"] == "lie"] == [0, 0], done.stderr
    assert said[-1]["done"] is True
