# SPDX-License-Identifier: Apache-2.0
"""A Python that is missing, moved, misled or told to end the process: the host goes on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from author import plugin

import falcokit.build.build_project as native_build
from falcokit.build.build_project import build
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from author import Author
    from conftest import Said

    from falcokit.build.metadata import PluginMetadata

pytestmark = pytest.mark.python

_BEAT = """
    class P(Plugin, AsyncEvents):
        @async_event("beat", every=0.01)
        def beat(self):
            return b"x"
"""
_LIFE = ("init", "set-handler", "parse-own=3", "clear-handler", "destroy", "unload")


def _built_with(
    author: Author,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[PluginMetadata], dict[str, Any]],
) -> Path:
    """Build as on a machine that has changed since: what was found there is not there now."""
    describe = native_build.describe_project

    def changed(project: Any) -> PluginMetadata:
        found = describe(project)
        return msgspec.structs.replace(found, **change(found))

    monkeypatch.setattr(native_build, "describe_project", changed)
    return build(load_project(author.root)).library


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: {"stdlib": "/gone/lib/python3"}, "standard library is no longer at /gone"),
        (lambda m: {"paths": ("/gone/site-packages",)}, "Python cannot start"),
        (
            lambda m: {"paths": [p for p in m.paths if "python3" in p and "venv" not in p]},
            "cannot import falcokit.runtime",
        ),
    ],
    ids=["no_stdlib", "no_path_at_all", "no_falcokit"],
)
def test_a_moved_python_is_an_error_of_init_that_says_what_to_do(
    write_plugin: Callable[..., Author],
    tortured: Callable[..., Said],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[PluginMetadata], dict[str, Any]],
    says: str,
) -> None:
    library = _built_with(write_plugin(_BEAT), monkeypatch, change)
    said = tortured(f"load={library}", "init", "destroy", "@init", "destroy", "unload")
    for attempt in said.of("init"):
        assert attempt["rc"] == 1
        assert says in attempt["error"]


def test_a_glue_that_is_gone_is_an_error_of_init(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    library = write_plugin(_BEAT).library
    for glue in library.parent.glob("libfalcokit_glue*"):
        glue.unlink()
    failed = tortured(f"load={library}", "init", "destroy").one("init")
    assert failed["rc"] == 1
    assert "falcokit build" in failed["error"]


def test_a_source_folder_that_is_gone_is_an_error_of_init(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(_BEAT)
    library = author.library
    shutil.rmtree(author.root / "src")
    failed = tortured(f"load={library}", "init", "destroy").one("init")
    assert failed["rc"] == 1
    assert f"{author.root / 'src'} does not exist any more" in failed["error"]


def test_the_hosts_python_variables_change_nothing(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said], tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "logging.py").write_text("raise SystemExit('misled')\n")
    rubbish = {
        "PYTHONHOME": "/nonexistent",
        "PYTHONPATH": str(trap),
        "PYTHONSTARTUP": str(trap / "logging.py"),
        "PYTHONMALLOC": "nonsense",
        "PYTHONWARNINGS": "error",
        "PYTHONVERBOSE": "3",
    }
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=0.01)
            def beat(self):
                return b"x"
            def init(self):
                self.log.info("flags %s", (sys.flags.isolated, sys.flags.verbose))
    """)
    said = tortured(f"load={author.library}", *_LIFE, env=rubbish)
    assert said.status == 0
    assert said.one("init")["rc"] == 0
    assert "flags (1, 0)" in said.stderr


def test_the_plugin_sees_its_own_folder_and_no_working_directory(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=0.01)
            def beat(self):
                return b"x"
            def init(self):
                bad = [p for p in sys.path if p in ("", ".", os.getcwd())]
                self.log.info("bad %s", bad)
    """)
    said = tortured(f"load={author.library}", *_LIFE)
    assert "bad []" in said.stderr


_EXITS = {
    "import": ("sys.exit(3)", None),
    "__init__": ("", "def __init__(self): sys.exit(3)"),
    "init": ("", "def init(self): sys.exit(3)"),
    "start_async": ("", "def start_async(self, handler): sys.exit(3)"),
    "stop_async": ("", "def stop_async(self): sys.exit(3)"),
    "destroy": ("", "def destroy(self): sys.exit(3)"),
    "producer": ("", '@async_event("other", every=0.01)\n        def other(self): sys.exit(3)'),
    "thread": ("", "def init(self): threading.Thread(target=sys.exit, args=(3,)).start()"),
    "interrupt": ("", "def init(self): raise KeyboardInterrupt"),
    "generator_exit": ("", "def init(self): raise GeneratorExit"),
}


@pytest.mark.parametrize("place", _EXITS)
def test_sys_exit_ends_a_hook_and_not_the_host(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said], place: str
) -> None:
    at_import, hook = _EXITS[place]
    # The build imports the module too, and refuses one that exits: so it exits in the host only.
    guard = f"if 'falcokit.runtime.host.callbacks' in sys.modules: {at_import}"
    author = write_plugin(f"""
    {guard if at_import else ""}
    class P(Plugin, AsyncEvents):
        @async_event("beat", every=0.01)
        def beat(self):
            return b"x"
        {hook or ""}
    """)
    refused_by = {"init": "init", "start_async": "set-handler"}.get(hook_of(place))
    life = {"init": _LIFE[:1], "set-handler": _LIFE[:2]}.get(refused_by or "", _LIFE[:-2])
    said = tortured(f"load={author.library}", *life, "destroy", "unload")
    if refused_by:
        operation = said.one(refused_by)
        assert operation["rc"] == 1
        assert str(author.file) in operation["error"]
    elif place != "thread":
        assert str(author.file) in said.stderr, "the log names the line"


def hook_of(place: str) -> str:
    in_init = {"import", "__init__", "interrupt", "generator_exit"}
    return "init" if place in in_init else place


def test_nothing_a_plugin_prints_reaches_the_hosts_stdout(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        print("at import")
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=0.01)
            def beat(self):
                print("from a producer")
                return b"x"
            def init(self):
                print("from", "init")
                sys.stdout.write("half a ")
                sys.stdout.write("line\\n")
                sys.__stdout__.write("the original\\n")
    """)
    said = tortured(
        f"load={author.library}", *_LIFE
    )  # fails on a line of stdout that is not its own
    for text in ("at import", "from a producer", "from init", "half a line", "the original"):
        assert f": {text}" in said.stderr


def test_a_plugin_cannot_install_signal_handlers(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        import signal
        class P(Plugin, AsyncEvents):
            @async_event("beat", every=0.01)
            def beat(self):
                return b"x"
            def init(self):
                signal.signal(signal.SIGTERM, lambda *a: None)
    """)
    failed = tortured(f"load={author.library}", "init", "destroy").one("init")
    assert failed["rc"] == 1
    assert "signal only works in main thread" in failed["error"]


def test_a_module_that_cannot_be_opened_is_not_called_missing_alone(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin(plugin("no_descriptors"))
    said = tortured(f"load={author.library}", "init", "destroy").one("init")
    assert "No module named '_pydecimal' (the process has no file descriptor left" in said["error"]
    assert "its limit is 30, ulimit -n or LimitNOFILE= of its service)" in said["error"]


@pytest.mark.parametrize("which", ["producer of two", "event loop of producers"])
def test_a_thread_that_cannot_start_is_what_the_host_is_told(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said], which: str
) -> None:
    author = write_plugin(f"""
        start = threading.Thread.start
        def refuse(thread):
            if thread.name == {which!r}:
                raise RuntimeError("can't start new thread")
            start(thread)
        class P(Plugin, AsyncEvents):
            def start_async(self, handler): threading.Thread.start = refuse
            def stop_async(self): raise ValueError("nothing to stop")
            @async_event("one", every=0.01)
            def one(self): return b"x"
            @async_event("two", every=0.01)
            def two(self): return b"x"
            @async_event("three")
            async def three(self): yield b"x"
    """)
    said = tortured(f"load={author.library}", "init", "set-handler")
    error = said.one("set-handler")["error"]
    assert "start_async: RuntimeError: can't start new thread (the process may have no" in error
    assert "stop_async: ValueError: nothing to stop" in said.stderr
    assert "cannot join" not in error + said.stderr


def test_a_source_whose_thread_cannot_start_is_closed(
    write_plugin: Callable[..., Author], tortured: Callable[..., Said]
) -> None:
    author = write_plugin("""
        def refuse(thread):
            raise RuntimeError("can't start new thread")
        class P(Plugin, EventSource):
            plugin_id, event_source = 999, "hostile"
            def open(self, params):
                threading.Thread.start = refuse
                return iter([b"x"])
            def close(self, instance):
                self.log.info("closed again")
    """)
    said = tortured(f"load={author.library}", "init", "open=", "destroy")
    assert "can't start new thread (the process may have no" in said.one("open")["error"]
    assert said.stderr.count("closed again") == 1
