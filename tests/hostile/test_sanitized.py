# SPDX-License-Identifier: Apache-2.0
"""The same life under two sanitizers: the glue has both, the host one, Python none."""

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
_FLOOD = """
    class P(Plugin, AsyncEvents, EventParsing):
        async_events = ("flood", "big", "echo")
        parse_event_types = (402,)
        def start_async(self, handler):
            self.handler = handler
            self.threads = [threading.Thread(target=self.run, args=(handler,)) for _ in range(4)]
            for thread in self.threads:
                thread.start()
        def run(self, handler):
            try:
                while True:
                    handler.emit_many("flood", [b"x" * n for n in range(64)])
                    handler.emit("big", bytes(200_000))
                    handler.emit("flood", {"some": ["json", 1]}, ts_ns=time.time_ns())
                    handler.emit("flood", b"", direct=True)
            except falcokit.EmitError:
                pass
        def parse_event(self, event):
            if event.name == "big":
                self.handler.emit("echo", event.data[:10])
        def dump_state(self, handler):
            handler.emit_many("flood", [b"state"] * 100)
        def get_metrics(self):
            return [Metric("one", 1), Metric("two", 2.5, "double", monotonic=False)]
        def set_config(self, config):
            raise ValueError("no")
"""


@pytest.fixture(scope="module")
def asan() -> str:
    path = subprocess.run(
        [find_compiler().path, "-print-file-name=libasan.so"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(path).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    return path


def test_no_memory_error_in_a_life_full_of_everything(
    write_plugin: Callable[..., Author], compile_c: CompileC, asan: str, tmp_path: Path
) -> None:
    author = write_plugin(_FLOOD)
    library = build(load_project(author.root), sanitize=True).library
    hosts = sorted(_HOSTS.glob("torture*.c"))
    torture = compile_c("torture_asan", hosts, "-fsanitize=address")
    operations = [
        "repeat=2", f"load={library}", "@init", "&metrics=200", "@set-handler", "parse-own=1000",
        "dump-state", "set-config={}", "join", "clear-handler", "churn=20", "@destroy", "unload",
        "end",
    ]  # fmt: skip
    done = subprocess.run(
        [str(torture), *operations],
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Sanitizer" not in done.stderr, done.stderr[-4000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["op"], last["stray"], last["malformed"]) == ("end", 0, 0), done.stdout
