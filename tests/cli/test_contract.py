# SPDX-License-Identifier: Apache-2.0
"""Each command's contract for bad input: exit code, one sentence, no traceback, JSON errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from falcokit.cli import app as app_module
from falcokit.cli.app import app
from falcokit.cli.option_values import read_init_config, recording_path
from falcokit.errors import (
    BuildError,
    ConfigError,
    FalcokitError,
    PluginDefinitionError,
    PluginFailedError,
)

pytestmark = pytest.mark.python

FAMILIES = [
    cls for cls in FalcokitError.__subclasses__() if cls.__module__ == FalcokitError.__module__
]
CAPTURE = str(Path(__file__).parents[1] / "capture" / "samples" / "curl_google.scap")
PYPROJECT = '[tool.falcokit]\nplugin = "ticker:Ticker"\n'


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FALCOKIT_DEBUG", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def assert_one_sentence(result: Any, code: int, *parts: str) -> None:
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["frobnicate"], 2, "No such command"),
        (["--frobnicate"], 2, "No such option"),
        (["init"], 2, "Missing argument"),
        (["init", "a", "b"], 2, "unexpected extra argument"),
        (["init", "My"], 3, "is not a valid plugin name"),
        (["init", "x-rules"], 3, "rules"),
        (["init", "class"], 3, "a Python keyword"),
        (["init", "json"], 3, "would hide"),
        (["init", "ticker", "--template", "nope"], 3, "the templates are async"),
        (["build"], 3, "no pyproject.toml"),
        (["build", "-C", "nowhere"], 3, "no such folder"),
        (["run"], 3, "no pyproject.toml"),
        (["run", "lib.so"], 3, "no such file"),
        (["run", "."], 3, "is a folder"),
        (["run", "--limit", "0"], 2, "--limit"),
        (["run", "--limit", "x"], 2, "--limit"),
        (["run", "--duration", "-1"], 2, "--duration"),
        (["run", "--init-config", "{"], 3, "not valid JSON"),
        (["run", "--init-config", "@nowhere.json"], 3, "cannot be read"),
        (["run", "--record", "no/folder/x.scap"], 3, "no folder"),
        (["run", "--record", "."], 3, "this is a folder"),
        (["dev"], 3, "no pyproject.toml"),
        (["dev", "--watch"], 3, "no pyproject.toml"),
        (["inspect"], 2, "Missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence(arguments: list[str], code: int, part: str) -> None:
    assert_one_sentence(invoke(*arguments), code, part)


@pytest.mark.parametrize("command", ["build", "run", "dev"])
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[tool.falcokit", "not valid TOML"),
        ("", "no [tool.falcokit] table"),
        ('[tool.falcokit]\nplugin = "x"\n', '"module:Class"'),
    ],
)
def test_a_bad_pyproject_is_one_sentence(command: str, text: str, part: str) -> None:
    Path("pyproject.toml").write_text(text)
    assert_one_sentence(invoke(command), 3, part)


@pytest.mark.parametrize("command", ["run", "dev"])
def test_a_bad_init_config_is_found_before_anything_is_built(command: str) -> None:
    Path("pyproject.toml").write_text(PYPROJECT)
    Path("bad.json").write_text('{"a": }')
    result = invoke(command, "--init-config", "@bad.json")
    assert_one_sentence(result, 3, "bad.json is not valid JSON: Expecting value: line 1 column 7")


def test_an_existing_folder_needs_force() -> None:
    Path("ticker").mkdir()
    Path("ticker/mine").write_text("")
    assert_one_sentence(invoke("init", "ticker"), 3, "is not empty", "--force")
    assert invoke("init", "ticker", "--force").exit_code == 0


def test_init_lists_files_on_stdout_and_next_steps_on_stderr() -> None:
    result = invoke("init", "ticker", "--no-input")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "ticker/.github/dependabot.yml"
    assert "falcokit dev --watch" in result.stderr
    assert "falcokit dev --watch" not in result.stdout


def test_init_json_is_one_object() -> None:
    result = invoke("init", "ticker", "--dir", "here", "--json")
    made = json.loads(result.stdout)
    assert made["name"] == "ticker"
    assert made["template"] == "async"
    assert Path(made["root"]).name == "here"
    assert "src/ticker.py" in made["files"]
    assert all((Path(made["root"]) / name).is_file() for name in made["files"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["init", "My"], 3), (["build"], 3), (["run", "lib.so"], 3), (["frob"], 2), (["dev"], 3)],
)
def test_with_json_an_error_is_one_object_on_stdout(arguments: list[str], code: int) -> None:
    result = invoke(*arguments, "--json")
    error = json.loads(result.stdout)["error"]
    assert sorted(error) == ["exception", "exit", "file", "hint", "line", "message"]
    assert error["exit"] == result.exit_code == code


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("falcokit.project.scaffold.generate_project", fail)


def test_an_error_with_a_place_keeps_it_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, PluginDefinitionError("bad name", file="src/t.py", line=7, hint="h"))
    result = invoke("init", "x", "--json")
    assert json.loads(result.stdout) == {
        "error": {
            "exit": 4,
            "message": "src/t.py:7: bad name",
            "hint": "h",
            "file": "src/t.py",
            "line": 7,
            "exception": None,
        }
    }


def test_what_a_compiler_printed_is_shown_once(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, BuildError("cc failed", command=["cc"], output="x.c:1: oops\n"))
    result = invoke("init", "x")
    assert result.exit_code == 6
    assert result.stderr == "error: cc failed:\nx.c:1: oops\n"


def test_an_error_cannot_write_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "plugin x failed in init: \x1b[2J\x07\u202e\r\n  on \ttwo lines"
    failing(monkeypatch, PluginFailedError(said, hint="\x9b1m"))
    result = invoke("init", "x", "--json")
    assert result.stderr == (
        "error: plugin x failed in init: \\x1b[2J\\x07\\u202e\\r\n"
        "  on    two lines\n"
        "hint: \\x9b1m\n"
    )
    assert json.loads(result.stdout)["error"]["message"] == said


@pytest.mark.parametrize("error", FAMILIES)
def test_every_family_of_errors_has_an_exit_code_of_its_own(error: type[FalcokitError]) -> None:
    codes = [cls.exit_code for cls in FAMILIES]
    assert codes.count(error.exit_code) == 1
    assert error.exit_code not in {0, 1, 2, 130}


def test_an_interruption_is_130_and_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    result = invoke("init", "x")
    assert (result.exit_code, result.output) == (130, "")


def test_an_unexpected_error_is_one_sentence_and_a_saved_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    failing(monkeypatch, ZeroDivisionError("by zero"))
    result = invoke("init", "x")
    assert_one_sentence(result, 1, "unexpected ZeroDivisionError: by zero")
    saved = result.stderr.rpartition("the traceback is in ")[2].strip()
    assert "ZeroDivisionError" in Path(saved).read_text()


def test_the_traceback_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCOKIT_DEBUG", "1")
    failing(monkeypatch, ZeroDivisionError("by zero"))
    assert "Traceback" in invoke("init", "x").stderr


def test_no_color_is_written_without_a_terminal() -> None:
    assert "\x1b" not in invoke("init", "My").output


@pytest.mark.parametrize("command", [[], ["init"], ["build"], ["run"], ["dev"], ["inspect"]])
def test_every_command_has_help(command: list[str]) -> None:
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


def test_no_arguments_show_the_help_as_a_usage_error() -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Usage: " in result.stderr


def test_a_config_of_a_plugin_without_schema_may_be_any_text() -> None:
    assert read_init_config(None) is None
    assert read_init_config("just text") == "just text"
    with pytest.raises(ConfigError, match="not valid JSON"):
        read_init_config("just text", schema={"type": "object"})
    with pytest.raises(ConfigError, match="NUL"):
        read_init_config("a\0b")


def test_a_config_can_come_from_a_file() -> None:
    Path("c.json").write_text('{"a": 1}')
    assert read_init_config("@c.json") == '{"a": 1}'
    Path("c.json").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_init_config("@c.json")


def test_a_recording_path_is_made_absolute() -> None:
    assert recording_path(Path("x.scap")) == Path.cwd() / "x.scap"
    assert recording_path(None) is None


def test_a_recording_needs_the_permission_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(ConfigError, match=r"--record x\.scap: no permission"):
        recording_path(Path("x.scap"))


def test_help_loads_none_of_the_heavy_parts() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['falcokit', '--help']\n"
        "from falcokit.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'cffi', 'watchdog', 'asyncio', 'tomllib', 'falcokit.runner.run',"
        " 'falcokit.build.build_project', 'falcokit.capture'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [["init", "ticker"], ["inspect", CAPTURE], ["inspect", CAPTURE, "--json"]],
    ids=lambda command: " ".join(command).replace(CAPTURE, "FILE"),
)
def test_a_reader_that_goes_away_is_no_error(command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stdout:
        done = in_a_process(command, stdout=stdout)
    assert done.returncode == 141
    assert done.stderr == ""


@pytest.mark.parametrize(
    "command",
    [["init", "ticker"], ["inspect", CAPTURE], ["inspect", CAPTURE, "-n", "3"]],
    ids=lambda command: " ".join(command).replace(CAPTURE, "FILE"),
)
def test_a_full_disk_is_no_mistake_of_falcokit(command: list[str]) -> None:
    with Path("/dev/full").open("w") as stdout:
        done = in_a_process(command, stdout=stdout)
    assert done.returncode == 1
    assert done.stderr == "error: stdout cannot be written: No space left on device\n"


def test_a_closed_stdout_is_an_error_and_a_lost_stderr_is_none() -> None:
    falcokit = f"{sys.executable} -m falcokit"
    done = in_a_process([], shell=f"{falcokit} init one >&-")
    assert (done.returncode, done.stderr) == (1, "error: stdout cannot be written: it is closed\n")
    for lost in ("2>&-", "2>/dev/full"):
        done = in_a_process([], shell=f"{falcokit} init two --force {lost}")
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 13), lost


def in_a_process(
    command: list[str], *, stdout: Any = subprocess.PIPE, shell: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", shell] if shell else [sys.executable, "-m", "falcokit", *command],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_the_version_is_the_package_s() -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("falcokit ")


def test_the_documented_exit_codes_are_the_real_ones() -> None:
    text = (Path(app_module.__file__).parents[2] / "docs" / "cli.md").read_text()
    for error in FAMILIES:
        assert f"| {error.exit_code} |" in text, error
