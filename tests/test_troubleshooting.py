# SPDX-License-Identifier: Apache-2.0
"""Each message of docs/troubleshooting.md is one that somebody can meet.

The commands' own messages are brought about here. Those of a running plugin are what other tests
are about, and are named with the words that those assert; Falco's are recorded of a real one.
"""

from __future__ import annotations

import importlib
import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.project.scaffold import generate_project
from falcokit.runtime.base.errors import format_error

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
#: What stands in bold, and in it the messages in backticks.
HEADINGS = re.findall(r"\*\*(.+?)\*\*", PAGE, re.DOTALL)
QUOTED = re.compile(r"``\s*(.+?)\s*``|`(.+?)`")
#: In backticks, and no message.
NAMES = {"dev --watch", "ts_ns=", "/build/lib...so"}


class Elsewhere(NamedTuple):
    """A test that brings a message about, and the words of it that stand there."""

    test: str
    words: str


class OfFalco(NamedTuple):
    """A message of Falco or libsinsp, and a file in which it is recorded; None: seen by hand."""

    file: str | None
    words: str


class Project:
    """A project, and the command line in its folder."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.monkeypatch = root, monkeypatch

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def said(self, *arguments: str, code: int) -> str:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == code, done.output
        return done.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = generate_project("my-plugin", root=tmp_path / "p").root
    monkeypatch.chdir(root)
    return Project(root, monkeypatch)


# ---- the commands' own ---------------------------------------------------------------------------


def wrong_rules(project: Project) -> str:
    project.edit("rules/my-plugin_rules.yaml", "evt.type = ", "evt.tpye = ")
    return project.said("run", "-n", "1", code=9)


def no_project(project: Project) -> str:
    (project.root / "pyproject.toml").unlink()
    return project.said("build", code=3)


def no_table(project: Project) -> str:
    (project.root / "pyproject.toml").write_text("")
    return project.said("build", code=3)


def a_bad_name(project: Project) -> str:
    return project.said("init", "My", code=3)


def no_compiler(project: Project) -> str:
    project.monkeypatch.delenv("CC", raising=False)
    project.monkeypatch.setenv("PATH", "/nowhere")
    return project.said("doctor", code=5)


def with_config(project: Project, **changed: object) -> str:
    config = sysconfig.get_config_vars
    project.monkeypatch.setattr(
        sysconfig,
        "get_config_vars",
        lambda *names: config(*names) if names else {**config(), **changed},
    )
    return project.said("doctor", code=5)


def no_libpython(project: Project) -> str:
    return with_config(project, Py_ENABLE_SHARED=0)


def libpython_not_installed(project: Project) -> str:
    return with_config(project, Py_ENABLE_SHARED=1, INSTSONAME="libpython3.7.so.1.0")


def a_package_that_is_gone(_: Project) -> str:
    try:
        importlib.import_module("x")
    except ModuleNotFoundError as e:
        return format_error(e, "init")
    return ""


def a_failing_init(project: Project) -> str:
    project.edit("src/my_plugin.py", "self.high = False", "raise ValueError('no')")
    return project.said("run", "-n", "1", code=10)


def an_unknown_key(project: Project) -> str:
    return project.said("run", "-n", "1", "--init-config", '{"x": 1}', code=10)


def a_crash(project: Project) -> str:
    project.edit("src/my_plugin.py", "self.high = False", "import ctypes; ctypes.string_at(0)")
    return project.said("run", "-n", "1", code=10)


def a_missing_module(project: Project) -> str:
    project.edit("src/my_plugin.py", "import os", "import os, x")
    return project.said("build", code=4)


def another_plugin(project: Project) -> str:
    project.edit("falco.yaml", "- name: my-plugin", "- name: other")
    return project.said("run", "--from-falco-yaml", code=3).replace("'my-plugin'", "'x'")


def no_marks(project: Project) -> str:
    (project.root / "README.md").write_text("# My plugin\n")
    return project.said("info", "--markdown", code=3)


def an_old_readme(project: Project) -> str:
    project.edit("src/my_plugin.py", "Load average that counts", "Load that counts")
    return project.said("info", "--markdown", "--check", code=1)


def an_empty_replay(project: Project) -> str:
    events = ROOT / "tests" / "capture" / "samples" / "curl_google.scap"
    said = project.said("run", "--replay", str(events), code=0)
    return re.sub(r"of [\d,]+ stored", "of 30 stored", said)


def no_threads(_: Project) -> str:
    return format_error(RuntimeError("can't start new thread"), "init")


MESSAGES: dict[str, Callable[[Project], str] | Elsewhere | OfFalco] = {
    "the rules have N errors: Falco does not start with them": wrong_rules,
    "no pyproject.toml in ... or its parents": no_project,
    "there is no [tool.falcokit] table": no_table,
    "... is not a valid plugin name": a_bad_name,
    "the project's environment ... has no falcokit": Elsewhere(
        "tests/cli/test_other_environment.py::test_an_environment_without_falcokit_is_one_sentence",
        "the project's environment {own} has no falcokit",
    ),
    "importing the plugin failed: ModuleNotFoundError: No module named 'x'": a_missing_module,
    "plugins has no plugin 'x'": another_plugin,
    "has no marks for the section": no_marks,
    "is not up to date with the plugin": an_old_readme,
    "there is no C compiler": Elsewhere("tests/test_pythons.py::", "no C compiler"),
    "a C compiler ... was not found": no_compiler,
    "libpython3.N.so.1.0 of Python 3.N is not installed": libpython_not_installed,
    "... has no shared libpython": no_libpython,
    "No module named 'x' (the environment that built the plugin has no 'x' ...)": (
        a_package_that_is_gone
    ),
    "has a producer with every=Config.every_s, which is no number but the field itself": Elsewhere(
        "tests/hostile/test_wrong_declarations.py::", "which is no number but the field itself"
    ),
    "async_event takes the name of the event first": Elsewhere(
        "tests/hostile/test_wrong_declarations.py::",
        "async_event takes the name of the event first",
    ),
    "the producer x is not a method of a plugin class": Elsewhere(
        "tests/hostile/test_wrong_declarations.py::", "is not a method of a plugin class"
    ),
    "is a property": Elsewhere(
        "tests/hostile/test_wrong_declarations.py::", "the producer x is a property"
    ),
    "is replaced by another x": Elsewhere(
        "tests/hostile/test_wrong_declarations.py::", "is replaced by another tick"
    ),
    "stop_async: the producer of x is still at ...: wait with self.sleep(), which ends then": (
        Elsewhere(
            "tests/conformance/test_producer_forms.py::",
            "stop_async: the producer of one is still at ",
        )
    ),
    "the plugin cannot be built: ...: No space left on device": Elsewhere(
        "tests/cli/test_system_errors.py::test_a_build_that_the_system_refuses",
        "the plugin cannot be built: {folder}",
    ),
    "Read-only file system": Elsewhere(
        "tests/cli/test_system_errors.py::test_a_build_that_the_system_refuses", "errno.EROFS"
    ),
    "Permission denied": Elsewhere(
        "tests/cli/test_system_errors.py::test_a_build_that_the_system_refuses", "errno.EACCES"
    ),
    "the process has no file descriptor left": Elsewhere(
        "tests/hostile/test_python.py::", "the process has no file descriptor left"
    ),
    "can't start new thread (the process may have no more threads ...)": no_threads,
    "plugin X failed in init: ...": a_failing_init,
    "the init_config is ignored, since this plugin declares none": Elsewhere(
        "tests/conformance/test_init_config.py::test_a_config_that_nobody_reads_is_told",
        "init_config is ignored, since this plugin declares none",
    ),
    "has changed, and this state runs the code before": Elsewhere(
        "tests/hostile/test_new_code.py::", "has changed, and this state runs the code before"
    ),
    "the plugin was built anew, since ... has changed, and the code before still runs in this"
    " process": Elsewhere(
        "tests/hostile/test_new_code.py::", "has changed, and the code before still runs"
    ),
    "the plugin's code has changed, but the thread ... still runs the code before": Elsewhere(
        "tests/hostile/test_new_code.py::", "code has changed, but the thread 'old'"
    ),
    "unknown key `x` - at `$`": an_unknown_key,
    "Object contains a property that could not be validated": OfFalco(None, ""),
    "In <root>, Value type not permitted by 'type' constraint": OfFalco(None, ""),
    "the process of the plugin ... ended too soon: killed by signal 11 (SIGSEGV)": a_crash,
    "producer of 'x': ... it starts again in N s": Elsewhere(
        "tests/conformance/test_supervision.py::"
        "test_the_log_tells_what_ended_and_when_it_starts_again",
        "it starts again in 1 s",
    ),
    "failed N times, again in N s": Elsewhere("tests/test_devstate.py::", "times, again in"),
    "producer of 'x' has ended: it returned": Elsewhere(
        "tests/conformance/test_supervision.py::"
        "test_the_log_tells_what_ended_and_when_it_starts_again",
        "has ended: it returned",
    ),
    "refused: before the host N": Elsewhere("tests/test_devstate.py::", "before the host"),
    "refused: source": Elsewhere("tests/test_runner.py::", '["rejected"] == {"source": 3}'),
    "refused: tid": Elsewhere("tests/test_runner.py::", '("tid", "tid",'),
    "dropped: queue_full": Elsewhere("tests/test_runner.py::", '"queue_full": 5000'),
    "dropped: future": Elsewhere("tests/test_runner.py::", '{"future": 3}'),
    "dropped: discarded": Elsewhere("tests/conformance/test_source_life.py::", "discarded"),
    "dropped: at_close": Elsewhere("tests/test_runner.py::", '"at_close": 4000'),
    "error opening device /dev/falco0": OfFalco(None, ""),
    "LOAD_ERR_COMPILE_OUTPUT": OfFalco(
        "tests/rules/recorded/expected.json", "LOAD_ERR_COMPILE_OUTPUT"
    ),
    "filter_check called with nonexistent field evt.arg.data": OfFalco(
        "tests/rules/recorded/expected.json", "filter_check called with nonexistent field"
    ),
    "field x.y has no value for event N ...: it takes more work than declared fields may": (
        Elsewhere("tests/conformance/test_field_budget.py::", "more work than declared fields may")
    ),
    "closed after 0 of 30 stored events": an_empty_replay,
}


def test_the_table_has_the_messages_of_the_page() -> None:
    found = ["".join(parts) for heading in HEADINGS for parts in QUOTED.findall(heading)]
    assert len(HEADINGS) > 30
    assert {name for name in found if name not in NAMES} == set(MESSAGES)


@pytest.mark.parametrize(
    "message", [name for name, how in MESSAGES.items() if not isinstance(how, tuple)]
)
def test_a_command_says_it(message: str, project: Project) -> None:
    how = MESSAGES[message]
    assert not isinstance(how, tuple)
    wanted = ".*".join(re.escape(part.strip()) for part in message.split("..."))
    wanted = re.sub(r"\bN\b", r"\\d+", wanted.replace("plugin\\ X", "plugin\\ \\S+"))
    wanted = wanted.replace("errors", "errors?")
    said = how(project)
    assert re.search(wanted, said, re.DOTALL), said


@pytest.mark.parametrize(
    "message", [name for name, how in MESSAGES.items() if isinstance(how, Elsewhere)]
)
def test_another_test_brings_it_about(message: str) -> None:
    how = MESSAGES[message]
    assert isinstance(how, Elsewhere)
    file, _, name = how.test.partition("::")
    text = (ROOT / file).read_text()
    assert how.words in text
    assert f"def {name}" in text or not name


@pytest.mark.parametrize(
    "message", [name for name, how in MESSAGES.items() if isinstance(how, OfFalco)]
)
def test_falco_is_recorded_with_it(message: str) -> None:
    how = MESSAGES[message]
    assert isinstance(how, OfFalco)
    assert how.file is None or how.words in (ROOT / how.file).read_text()
