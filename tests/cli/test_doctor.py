# SPDX-License-Identifier: Apache-2.0
"""Each check of `falcokit doctor` brought about, and what it says then."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.cli.doctor import machine, table
from falcokit.cli.doctor.command import CHECKS
from falcokit.cli.doctor.table import Check, Subject, run_checks
from falcokit.project.scaffold import generate_project

if TYPE_CHECKING:
    from collections.abc import Callable

    Trigger = Callable[["World"], None]

CONFIG = sysconfig.get_config_vars
ROOT = Path(__file__).parents[2]
FALCO = """\
Falco version: 0.40.0 (x86_64)
Libs version:  0.20.0
Plugin API:    {api}
Engine:        0.43.0
Driver:
  API version:    8.0.0
"""


class World:
    """A machine with a project, in which something is made wrong."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.project = generate_project("my-plugin", root=folder / "project").root
        self.bin = folder / "bin"
        self.bin.mkdir()
        monkeypatch.setenv("PATH", f"{self.bin}:{os.environ['PATH']}")
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    def program(self, name: str, script: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def pyproject(self, old: str, new: str) -> None:
        file = self.project / "pyproject.toml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def check(self, name: str) -> table.Result:
        (check,) = (check for check in CHECKS if check.name == name)
        (result,) = run_checks([check], Subject(self.project))
        return result


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def patched(target: Any, name: str, value: Any) -> Trigger:
    return lambda world: world.monkeypatch.setattr(target, name, value)


def refused(error: int) -> Any:
    def refuse(*_: Any) -> Any:
        raise OSError(error, os.strerror(error))

    return refuse


class NoExec:
    f_flag = os.ST_NOEXEC


class Usage:
    free = 1 << 20


def python_of_a_tool(world: World) -> None:
    world.monkeypatch.setattr(machine, "is_tool", lambda: True)
    world.monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    world.monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)


def environment_without_falcokit(world: World) -> None:
    python_of_a_tool(world)
    (world.project / ".venv" / "bin").mkdir(parents=True)
    (world.project / ".venv" / "pyvenv.cfg").write_text("")
    (world.project / ".venv" / "bin" / "python").symlink_to(sys.executable)


def without_libpython(*names: str) -> Any:
    return CONFIG(*names) if names else {**CONFIG(), "Py_ENABLE_SHARED": 0}


def shared_cache(world: World) -> None:
    (world.folder / "falcokit").mkdir()
    (world.folder / "falcokit").chmod(0o777)
    world.monkeypatch.setenv("XDG_CACHE_HOME", str(world.folder))


def wrong_compiler(world: World) -> None:
    world.program(
        "badcc", 'test "$1" = --version && echo bad 1.0 || { echo "no libc" >&2; exit 1; }'
    )
    world.monkeypatch.setenv("CC", "badcc")


def wrong_rule(world: World) -> None:
    file = world.project / "rules" / "my-plugin_rules.yaml"
    file.write_text(file.read_text().replace("evt.type = ", "evt.tpye = "))


def unfit_sysdig(world: World) -> None:
    world.program(
        "sysdig", 'test $# -gt 1 && { echo "plugin required API version" >&2; exit 1; }; echo 0.1.0'
    )
    (world.project / "build").mkdir()
    (world.project / "build" / "libmy-plugin.so").write_text("")


TRIGGERS: list[tuple[str, str, str, Trigger]] = [
    ("python", "error", "PyPy",
     patched(machine.platform, "python_implementation", lambda: "PyPy")),
    ("environment", "warning", "is not the project's, which has none", python_of_a_tool),
    ("environment", "warning", "is the project's, and has no falcokit",
     environment_without_falcokit),
    ("packages", "error", "missing: no-such-package",
     patched(machine, "requires", lambda _: ["no-such-package>=2", "x; extra == 'y'"])),
    ("packages", "error", "msgspec>=999 (there is ",
     patched(machine, "requires", lambda _: ["msgspec>=999"])),
    ("libpython", "error", "has no shared libpython",
     patched(machine.sysconfig, "get_config_vars", without_libpython)),
    ("compiler", "error", "was not found on the PATH",
     lambda world: world.monkeypatch.setenv("CC", "no-such-cc")),
    ("compiler", "error", "it makes no library: /", wrong_compiler),
    ("cache", "error", "can be written by others", shared_cache),
    ("cache", "warning", "MB free", patched(machine.shutil, "disk_usage", lambda _: Usage)),
    ("temporary", "error", "/nowhere",
     lambda world: world.monkeypatch.setattr("tempfile.tempdir", "/nowhere")),
    ("noexec", "error", "is mounted noexec",
     patched(machine.os, "statvfs", lambda _: NoExec)),
    ("memfd", "warning", "executable memory files are refused: Operation not permitted",
     patched(machine.os, "memfd_create", refused(errno.EPERM))),
    ("inotify", "warning", "all inotify instances",
     patched(machine, "_watch_a_folder", lambda: errno.EMFILE)),
    ("inotify", "warning", "all inotify watches",
     patched(machine, "_watch_a_folder", lambda: errno.ENOSPC)),
    ("inotify", "warning", "inotify is refused: Function not implemented",
     patched(machine, "_watch_a_folder", lambda: errno.ENOSYS)),
    ("pytest", "warning", "pytest is not installed",
     patched(machine, "has_module", lambda _: False)),
    ("falco", "warning", "plugin API 3.0.0, and the plugin requires 3.",
     lambda world: world.program("falco", f"cat <<END\n{FALCO.format(api='3.0.0')}END")),
    ("falco", "warning", "plugin API unknown", lambda world: world.program("falco", "echo hello")),
    ("falco", "warning", "falco fails: oops",
     lambda world: world.program("falco", "echo oops >&2; exit 1")),
    ("sysdig", "warning", "plugin required API version", unfit_sysdig),
    ("falcoctl", "warning", "falcoctl fails: status 3",
     lambda world: world.program("falcoctl", "exit 3")),
    ("project", "error", "unknown key 'plugn'",
     lambda world: world.pyproject("plugin =", "plugn =")),
    ("project", "error", "cannot be read",
     lambda world: world.pyproject("plugin =", "init_config = '@no.json'\nplugin =")),
    ("dependencies", "error", "missing: no-such-package",
     lambda world: world.pyproject("dependencies = []", "dependencies = ['no-such-package']")),
    ("plugin", "error", "ZeroDivisionError",
     lambda world: (world.project / "src" / "my_plugin.py").write_text("1 / 0\n")),
    ("rules", "error", "1 error", wrong_rule),
    ("registry", "warning", "there is no login for ghcr.io",
     lambda world: world.pyproject(
         "[tool.pytest", '[tool.falcokit.package]\nrepository = "ghcr.io/a"\n[tool.pytest')),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "said", "trigger"), TRIGGERS, ids=[f"{t[0]}: {t[2]}" for t in TRIGGERS]
)
def test_what_is_wrong_is_said_with_a_fix_in_one_line(
    name: str, status: str, said: str, trigger: Trigger, world: World
) -> None:
    trigger(world)
    result = world.check(name)
    assert (result.status, said in result.found) == (status, True), result
    assert result.fix
    assert "\n" not in result.fix


def test_every_check_has_a_trigger() -> None:
    assert {check.name for check in CHECKS} == {name for name, *_ in TRIGGERS}


def test_the_page_has_the_table_of_checks() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text()
    rows = re.findall(r"^\| `([a-z]+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    here = sys.executable
    assert rows == [
        (check.name, check.what, f"{check.fix.replace(here, 'python')}") for check in CHECKS
    ]


def test_a_sound_machine_has_no_error(world: World) -> None:
    world.program("falco", f"cat <<END\n{FALCO.format(api='3.12.0')}END")
    world.program("falcoctl", "echo Client Version: 0.11.4")
    done = CliRunner().invoke(app, ["doctor", "-C", str(world.project), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["ok"], found["errors"]) == (True, 0)
    seen = {check["name"]: check for check in found["checks"]}
    assert seen["falco"]["found"] == (
        "Falco 0.40.0 (x86_64), plugin API 3.12.0: loads plugins that require 3.0.0 to 3.12.0"
    )
    assert seen["falcoctl"]["found"].startswith("falcoctl 0.11.4")
    assert seen["plugin"]["found"].startswith("my-plugin 0.1.0: ")
    assert seen["registry"]["status"] == "none"


def test_errors_are_exit_code_5_and_lines_for_people(world: World) -> None:
    (world.project / "src" / "my_plugin.py").write_text("1 / 0\n")
    done = CliRunner().invoke(app, ["doctor", "-C", str(world.project)])
    assert done.exit_code == 5
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("error    plugin"))
    assert (
        lines[at + 1].strip() == "fix: mend the line that is named; falcokit build shows the same"
    )
    assert any(line.startswith("none     rules") for line in lines)
    assert "1 error, " in done.stderr


def test_outside_a_project_only_the_machine_is_checked(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "-C", str(tmp_path), "--json"])
    assert done.exit_code == 0
    seen = {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    assert {seen[name] for name in ("project", "plugin", "rules")} == {"none"}


def test_a_wheel_needs_no_compiler(world: World) -> None:
    world.monkeypatch.setenv("CC", "no-such-cc")
    world.monkeypatch.setattr(machine, "find_prebuilt_glue", lambda libpython: libpython)
    result = world.check("compiler")
    assert (result.status, result.found[:10]) == ("ok", "not needed")


def test_a_program_that_hangs_is_given_up(world: World) -> None:
    world.monkeypatch.setattr(table, "PROGRAM_SECONDS", 0.2)
    world.program("falcoctl", "exec sleep 60")
    assert "did not end within" in world.check("falcoctl").found


def test_a_check_that_hangs_or_fails_keeps_none_from_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "CHECK_SECONDS", 0.2)
    end = threading.Event()

    def wait(_: Subject) -> str:
        end.wait()
        return ""

    def fail(_: Subject) -> str:
        raise ZeroDivisionError("by zero")

    def good(_: Subject) -> str:
        return "fine"

    checks = [
        Check(name=look.__name__, what="", fix="mend it", look=look) for look in (wait, fail, good)
    ]
    started = time.monotonic()
    results = run_checks(checks, Subject(tmp_path))
    end.set()
    assert time.monotonic() - started < 10
    assert [(r.status, r.found) for r in results] == [
        ("error", "no answer within 0 s"),
        ("error", "ZeroDivisionError: by zero"),
        ("ok", "fine"),
    ]


def test_a_plugin_that_hangs_is_asked_once(world: World) -> None:
    world.monkeypatch.setattr(table, "PROGRAM_SECONDS", 0.5)
    (world.project / "src" / "my_plugin.py").write_text("import time\ntime.sleep(60)\n")
    world.program("falco", f"cat <<END\n{FALCO.format(api='3.12.0')}END")
    started = time.monotonic()
    results = {r.name: r for r in run_checks(CHECKS, Subject(world.project))}
    assert time.monotonic() - started < 15
    assert "did not end within 0.5 s" in results["plugin"].found
    assert results["rules"].found == "the plugin cannot be described: see plugin"
    assert results["falco"].status == "ok"


@pytest.mark.host
def test_a_real_sysdig_is_asked_whether_it_loads_the_plugin(world: World, real_host: Any) -> None:
    world.monkeypatch.setenv("PATH", f"{real_host.sysdig.parent}:{os.environ['PATH']}")
    assert CliRunner().invoke(app, ["build", "-C", str(world.project)]).exit_code == 0
    result = world.check("sysdig")
    assert (result.status, "loads libmy-plugin.so" in result.found) == ("ok", True), result
