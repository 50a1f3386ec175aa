# SPDX-License-Identifier: Apache-2.0
"""The fixtures that pytest finds where falcokit is installed: docs/testing.md.

Every run of pytest on the machine imports this module, so it loads nothing else of falcokit: a
fixture does, when a test asks for it.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from falcokit.runtime.event.event import Event
    from falcokit.testing._alerts import Alerts
    from falcokit.testing._fixtures import (
        AssertAlert,
        AssertNoAlert,
        MakeEvent,
        Replay,
        RunPlugins,
    )
    from falcokit.testing._golden import Golden
    from falcokit.testing._hosts import HostedPlugin, HostRun
    from falcokit.testing._project import TestedProject
    from falcokit.testing._running import RunningPlugin

__all__: list[str] = []

_MARK: Final = "falcokit"
_HOSTS: Final = ("process", "runner", "sysdig")
_T0_NS: Final = 1_700_000_000_000_000_000
_MS: Final = 1_000_000
_DEVELOPMENT_ID: Final = 999  # which Falco keeps for plugins without one of their own
_RUN_SECONDS: Final = 30.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; another plugin's option of the same name goes before."""
    group = parser.getgroup("falcokit", "Falco plugins in Python")
    with contextlib.suppress(ValueError):
        group.addoption(
            "--update-golden",
            action="store_true",
            dest="falcokit_update_golden",
            help="write the golden files of the tests that run",
        )
    with contextlib.suppress(ValueError):
        group.addoption(
            "--falcokit-hosts",
            dest="falcokit_hosts",
            metavar="HOST,...",
            help="where the fixture `plugin` runs: process (default), runner, sysdig",
        )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and check the option."""
    if option := config.getoption("falcokit_hosts", None):
        for host in option.split(","):
            if host not in _HOSTS:
                raise pytest.UsageError(_no_host(host))
    config.addinivalue_line(
        "markers",
        f"{_MARK}(plugin=None, config=None, hosts=('process',), tables=None, source=None,"
        " plugin_id=None, capture=True): how the fixture `plugin` runs",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once in each host that its mark, or the command line, names."""
    if "plugin" not in metafunc.fixturenames or not _is_ours(metafunc):
        return
    mark = metafunc.definition.get_closest_marker(_MARK)
    hosts = mark.kwargs.get("hosts") if mark else None
    if hosts is None:
        option = metafunc.config.getoption("falcokit_hosts", None)
        hosts = option.split(",") if option else ["process"]
    hosts = [hosts] if isinstance(hosts, str) else list(hosts)
    for host in hosts:
        if host not in _HOSTS:
            _fail(_no_host(host))
    if hosts != ["process"]:
        metafunc.parametrize("plugin", hosts, indirect=True)


def _no_host(host: str) -> str:
    return f"{host!r} is not a host of falcokit: {', '.join(_HOSTS)}"


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    """Tell whether `plugin` is the fixture of this module, and no test has parametrized it."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", "")
        names = names.split(",") if isinstance(names, str) else names
        if "plugin" in {name.strip() for name in names}:
            return False
    found = getattr(metafunc, "_arg2fixturedefs", {}).get("plugin") or [None]
    return getattr(getattr(found[-1], "func", None), "__module__", None) == __name__


# ---- the plugin ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def falcokit_project(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> TestedProject:
    """Know the project of pytest's rootdir: its settings, its plugin's class, libraries."""
    from falcokit.testing._project import TestedProject  # noqa: PLC0415

    return TestedProject(pytestconfig.rootpath, tmp_path_factory.mktemp("falcokit"))


@pytest.fixture
def plugin(
    request: pytest.FixtureRequest, falcokit_project: TestedProject
) -> Iterator[RunningPlugin | HostedPlugin]:
    """Run the project's plugin, its real library, in this process, in the runner, or in sysdig.

    `@pytest.mark.falcokit(config={...})` gives it its init config and more; `hosts=[...]` there,
    or --falcokit-hosts, runs the test once in each of these hosts.
    """
    host = getattr(request, "param", "process")
    mark = request.node.get_closest_marker(_MARK)
    given = _Given(*mark.args, **mark.kwargs) if mark else _Given()
    with _told():
        found = given.plugin or falcokit_project.plugin
        if given.config is None:
            given = given._replace(config=falcokit_project.config(found))
        if host == "process":
            from falcokit.testing._running import start_plugin  # noqa: PLC0415

            source, plugin_id = given.source_for(found)
            started: Any = start_plugin(
                found, given.config, source=source, plugin_id=plugin_id,
                capture=given.capture, tables=given.tables,
            )  # fmt: skip
        else:
            started = _hosted(host, found, given, falcokit_project)
        running = started.__enter__()
    try:
        yield running
    finally:
        started.__exit__(None, None, None)


class _Given(NamedTuple):
    """The arguments of the mark."""

    plugin: Any = None
    config: Any = None
    hosts: Any = None
    tables: Any = None
    source: str | None = None
    plugin_id: int | None = None
    capture: bool = True

    def source_for(self, plugin: type[Any]) -> tuple[str, int]:
        """Return the event source and its id: what is given, else the plugin's own."""
        source, plugin_id = _source_of(plugin)
        return self.source or source, plugin_id if self.plugin_id is None else self.plugin_id


@contextlib.contextmanager
def _hosted(
    host: str, plugin: type[Any], given: _Given, project: TestedProject
) -> Iterator[HostedPlugin]:
    from falcokit.testing._hosts import RunnerPlugin, SysdigPlugin, find_sysdig  # noqa: PLC0415

    if given.tables is not None:
        pytest.skip(f"tables of the test need the plugin in its own process, not in {host}")
    source, plugin_id = given.source_for(plugin)
    known: dict[str, Any] = {"config": given.config, "source": source, "plugin_id": plugin_id}
    if host == "sysdig":
        if source not in {"syscall", getattr(plugin, "event_source", "")}:
            pytest.skip(f"sysdig needs the plugin that has the event source {source!r}")
        program = find_sysdig()
        if program is None:
            pytest.skip("there is no sysdig: install it, or name it in FALCOKIT_SYSDIG")
        yield SysdigPlugin(project.library(plugin), **known, program=program)
        return
    running = RunnerPlugin(project.library(plugin), **known)
    try:
        yield running
    finally:
        running.close()


def _source_of(plugin: type[Any]) -> tuple[str, int]:
    """Return the plugin's own event source, else what its fields or its parsing want."""
    if own := getattr(plugin, "event_source", ""):
        return own, getattr(plugin, "plugin_id", 0)
    wanted = (
        *getattr(plugin, "extract_event_sources", ()),
        *getattr(plugin, "parse_event_sources", ()),
    )
    other = next((source for source in wanted if source != "syscall"), None)
    return ("syscall", 0) if other is None or "syscall" in wanted else (other, _DEVELOPMENT_ID)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Show an error of falcokit as its sentences, without the way to it."""
    from falcokit.errors import FalcokitError  # noqa: PLC0415

    try:
        yield
    except FalcokitError as e:
        _fail(f"{e.message}\nhint: {e.hint}" if e.hint else e.message)


def _fail(text: str) -> NoReturn:
    pytest.fail(text, pytrace=False)


# ---- events -------------------------------------------------------------------------------------


class _Numbers:
    """Numbers and times of the events of one test: 1 ms between two."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def next(self, ts_ns: int | None) -> tuple[int, int]:
        number = next(self._count)
        return number, _T0_NS + number * _MS if ts_ns is None else ts_ns


@pytest.fixture
def _falcokit_numbers() -> _Numbers:
    return _Numbers()


@pytest.fixture
def make_event(_falcokit_numbers: _Numbers) -> MakeEvent:
    """Make an event of any type: `make_event("<openat", fd=3, name="/etc/passwd")`.

    As `falcokit.make_event`, with a number and a time that go up within the test.
    """
    from falcokit.runtime.event.typed_event import make_event as make  # noqa: PLC0415

    def made(
        type: str | int,  # noqa: A002  # as in Event
        params: Mapping[str, object] | None = None,
        /,
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        **named: object,
    ) -> Event:
        number, at = _falcokit_numbers.next(ts_ns)
        return make(type, {**(params or {}), **named}, ts_ns=at, tid=tid, number=number)

    return made


@pytest.fixture
def make_async(_falcokit_numbers: _Numbers, request: pytest.FixtureRequest) -> MakeEvent:
    """Make an async event: `make_async("tick", {"n": 1})`; data as `AsyncEvent` takes it.

    It is of the event source of the project's plugin, unless source and plugin_id are given.
    """
    from falcokit.runtime.event.event import ASYNC_EVENT, Event, payload_bytes  # noqa: PLC0415

    def made(
        name: str,
        data: Any = None,
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        source: str | None = None,
        plugin_id: int | None = None,
    ) -> Event:
        own = _own_source(request, source, plugin_id)
        number, at = _falcokit_numbers.next(ts_ns)
        return Event(
            payload_bytes(data), type=ASYNC_EVENT, name=name, ts_ns=at, tid=tid, source=own[0],
            plugin_id=own[1], number=number,
        )  # fmt: skip

    return made


@pytest.fixture
def make_plugin_event(_falcokit_numbers: _Numbers, request: pytest.FixtureRequest) -> MakeEvent:
    """Make an event of a plugin's source: `make_plugin_event({"user": "ann"})`.

    data as `AsyncEvent` takes it. The source is that of the project's plugin, or the one that its
    fields are for, unless source and plugin_id are given.
    """
    from falcokit.runtime.event.event import Event, payload_bytes  # noqa: PLC0415

    def made(
        data: Any = None,
        *,
        ts_ns: int | None = None,
        source: str | None = None,
        plugin_id: int | None = None,
    ) -> Event:
        own = _own_source(request, source, plugin_id)
        number, at = _falcokit_numbers.next(ts_ns)
        return Event(payload_bytes(data), ts_ns=at, source=own[0], plugin_id=own[1], number=number)

    return made


def _own_source(
    request: pytest.FixtureRequest, source: str | None, plugin_id: int | None
) -> tuple[str, int]:
    """Return source and id, where they are not given those of the plugin that is tested."""
    if source is not None and plugin_id is not None:
        return source, plugin_id
    mark = request.node.get_closest_marker(_MARK)
    given = _Given(*mark.args, **mark.kwargs) if mark else _Given()
    with _told():
        tested = given.plugin or request.getfixturevalue("falcokit_project").plugin
    own = given.source_for(tested)
    return source or own[0], own[1] if plugin_id is None else plugin_id


@pytest.fixture
def replay(plugin: RunningPlugin | HostedPlugin) -> Replay:
    """Give the plugin the events of a capture: `replay(path, fields=None)`.

    Returns each event with the values of the plugin's fields; None: of all that need no argument.
    """
    return plugin.replay


# ---- rules --------------------------------------------------------------------------------------


@pytest.fixture
def alerts(
    request: pytest.FixtureRequest,
    plugin: RunningPlugin | HostedPlugin,
    falcokit_project: TestedProject,
) -> Alerts:
    """Run rules on events, without a Falco: `alerts(events)` or `alerts(path, rules)`.

    Replays the events through `plugin`, and returns the alerts of the project's rules, or of those
    that are given.
    """
    from falcokit.testing._alerts import Alerts  # noqa: PLC0415

    mark = request.node.get_closest_marker(_MARK)
    given = _Given(*mark.args, **mark.kwargs) if mark else _Given()
    with _told():
        tested = given.plugin or falcokit_project.plugin
        return Alerts(plugin, tested, lambda: falcokit_project.project.root)


@pytest.fixture
def assert_alert(alerts: Alerts) -> AssertAlert:
    """Assert that a rule fired: `assert_alert("A rule", output="its text")`; see `alerts`."""
    return alerts.assert_alert


@pytest.fixture
def assert_no_alert(alerts: Alerts) -> AssertNoAlert:
    """Assert that a rule did not fire, or none at all: `assert_no_alert()`; see `alerts`."""
    return alerts.assert_no_alert


# ---- what a run gave ----------------------------------------------------------------------------


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a value with a file beside the test: `golden(rows)`; --update-golden writes it."""
    from falcokit.testing._golden import Golden  # noqa: PLC0415

    update = bool(request.config.getoption("falcokit_update_golden", False))
    return Golden(request.path, request.node.name, update=update)


@pytest.fixture
def run_plugins(falcokit_project: TestedProject) -> RunPlugins:
    """Run several plugins in one host, the runner: `run_plugins(first, second)`.

    A plugin is a class, the folder of a project, or a library of any language. They are
    initialised in this order, and share their tables. The init config is the first one's, and so
    are the fields, unless fields_of names another plugin.
    """
    from falcokit.testing._hosts import run_plugins as run  # noqa: PLC0415

    def ran(
        *plugins: type[Any] | Path | str,
        config: Any = None,
        source: str | None = None,
        open_params: Any = None,
        fields: str = "*",
        fields_of: str | None = None,
        limit: int | None = None,
        duration: float | None = None,
        timeout: float = _RUN_SECONDS,
    ) -> HostRun:
        from falcokit.runner.run import RunOptions  # noqa: PLC0415
        from falcokit.testing._running import host_text  # noqa: PLC0415

        if not plugins:
            raise TypeError("run_plugins takes plugins")
        with _told():
            first, *beside = (falcokit_project.library(each) for each in plugins)
            options = RunOptions(
                library=first, beside=tuple(beside), init_config=host_text(config), source=source,
                open_params=host_text(open_params), fields=fields, fields_of=fields_of, limit=limit,
                duration=duration, metrics=True,
            )  # fmt: skip
            return run(options, timeout)

    return ran
