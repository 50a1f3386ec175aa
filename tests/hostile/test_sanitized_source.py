# SPDX-License-Identifier: Apache-2.0
"""Event sources under AddressSanitizer: large and small events, ends of all kinds, many threads."""

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
_SOURCE = """
    class P(Plugin, EventSource, AsyncEvents):
        plugin_id = 999
        event_source = "conform"
        @async_event("tick", every=0.01)
        def tick(self): return b"tick"
        def open(self, params: str):
            if params == "refuse": raise ValueError("no")
            return {"steps": self.steps, "later": self.later, "queue": self.queue}[params]()
        def steps(self):
            while True:
                for n in range(0, 3000, 7): yield bytes(n)
                yield bytes(300_000)
                yield bytes(5_000_000)
                yield {"some": ["json", 1]}
                yield None
        async def later(self):
            for n in range(3000):
                yield "x" * n
            raise ValueError("later was to fail")
        def queue(self):
            queue = EventQueue(300, overflow="drop")
            def produce():
                try:
                    while True:
                        queue.put_many(bytes(n) for n in range(300))
                        queue.put(bytes(700_000))
                except falcokit.SourceClosedError:
                    pass
            for _ in range(4): threading.Thread(target=produce).start()
            return queue
"""


def test_no_memory_error_in_the_life_of_event_sources(
    write_plugin: Callable[..., Author], compile_c: CompileC, tmp_path: Path
) -> None:
    asan = subprocess.run(
        [find_compiler().path, "-print-file-name=libasan.so"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    if not Path(asan).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    author = write_plugin(_SOURCE)
    library = build(load_project(author.root), sanitize=True).library
    torture = compile_c("torture_asan", sorted(_HOSTS.glob("torture*.c")), "-fsanitize=address")
    once = [
        f"load={library}", "@init", "open=refuse", "close",
        *("@open=steps", "@set-handler", "&metrics=200", "@next=300", "next=50", "join"),
        *("@close", "clear-handler", "open=later", "next=200", "close"),
        *("open=queue", "&metrics=200", "@next=300", "join", "close", "open=steps", "close"),
        *("open=queue", "next=3", "destroy", "unload"),
    ]  # fmt: skip
    done = subprocess.run(
        [str(torture), "repeat=3", *once, "end"],
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "AddressSanitizer" not in done.stderr, done.stderr[-4000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["op"], last["stray"], last["malformed"]) == ("end", 0, 0), done.stdout
