# SPDX-License-Identifier: Apache-2.0
"""A wheel in a fresh environment, far from the checkout and without a C compiler."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename
from roots import namespaces

import falcokit
from falcokit.build.entry_library import blank_entry
from falcokit.build.glue_library import build_glue
from falcokit.errors import BuildError
from falcokit.package.link.elf import read_elf
from falcokit.package.link.glibc import floor_of
from tools.wheels import OLDEST_GLIBC, build_native, check_wheel

ROOT = Path(__file__).parent.parent
PREBUILT = "falcokit/native/prebuilt/"
#: Hides each compiler and all headers of C and Python.
WITHOUT_COMPILER = """
for name in cc gcc clang c99 c89; do
  found=$(command -v $name) && mount --bind /dev/null "$(realpath "$found")"
done
mount -t tmpfs none /usr/include && mount -t tmpfs none /usr/lib/gcc || exit 1
exec "$@"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel for this Python, with what the compiler of this machine makes."""
    folder = tmp_path_factory.mktemp("wheel")
    return build_native(folder, folder)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment in which the wheel is installed, with what it depends on."""
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    venv.create(folder, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    # The dependencies of this environment, without the checkout that is installed in it.
    own = Path(sysconfig.get_path("purelib"))
    packages = folder / own.relative_to(sys.prefix)
    for entry in own.iterdir():
        if "falcokit" not in entry.name and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    return folder


def without_compiler(script: str, environment: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in the environment, on a system on which nothing can be compiled."""
    environ = {name: value for name, value in os.environ.items() if name != "CC"}
    environ |= {
        "PATH": f"{environment}/bin:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(cwd / "cache"),
    }
    return subprocess.run(
        [*namespaces(), "sh", "-c", WITHOUT_COMPILER, "sh", "bash", "-euc", script],
        cwd=cwd, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_wheel_holds_what_the_tools_need_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "falcokit/py.typed",
        "falcokit/_templates/async/pyproject.toml.in",
        "falcokit/_templates/.common/.gitignore",
        "falcokit/_templates/.common/.github/workflows/ci.yml.in",
        "falcokit/_templates/extract/events.scap",
        "falcokit/package/deploy/templates/helm.in",
        "falcokit/_templates/async/src/{module}.py.in",
        "falcokit/native/plugin_api.h",
        "falcokit/project/falcokit.schema.json",
        "falcokit/_templates/.common/.github/workflows/release.yml.in",
        "falcokit/_templates/.common/.vscode/launch.json",
        f"{PREBUILT}falcokit-runner",
    ):
        assert name in names
    assert any(name.startswith("falcokit/native/src/") and name.endswith(".c") for name in names)
    others = [name for name in names if not name.startswith(PREBUILT)]
    assert not [n for n in others if "__pycache__" in n or n.endswith((".so", ".o"))]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"falcokit"}


def test_its_name_says_for_which_python_and_system_it_is(wheel: Path) -> None:
    name, version, _, tags = parse_wheel_filename(wheel.name)
    assert (name, str(version)) == ("falcokit", falcokit.__version__)
    (tag,) = tags
    assert tag.interpreter == tag.abi == f"cp3{sys.version_info[1]}"
    assert tag in set(sys_tags())


def test_its_page_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = BytesParser().parsebytes(archive.read(name))
    assert metadata["Version"] == falcokit.__version__
    assert metadata["Description-Content-Type"] == "text/markdown"
    page = metadata.get_payload(decode=True).decode()
    assert page.startswith("# falcokit\n")
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    # The text of the others is there.
    assert "Getting started · how a plugin lives" in page


def test_what_others_could_not_load_is_refused(wheel: Path) -> None:
    machine = os.uname().machine
    with pytest.raises(BuildError, match=rf"falcokit-runner is for {machine}"):
        check_wheel(wheel, "another")
    # The compiler of this machine makes a program for its own glibc; what Falco loads is for all.
    for file in (blank_entry(), build_glue()):
        facts = read_elf(file)
        assert facts is not None
        assert floor_of(facts) <= OLDEST_GLIBC, file.name


def test_nothing_of_falcokits_own_is_compiled_where_the_wheel_is_installed(
    environment: Path, tmp_path: Path
) -> None:
    code = """
from falcokit.build.entry_library import blank_entry
from falcokit.build.glue_library import build_glue
from falcokit.capture.native.scan import library
from falcokit.runner.program import build_runner
from falcokit.testing._json import build_json
from falcokit.testing._library import build_host
assert library() is not None
for make in (blank_entry, build_glue, build_runner, build_json, build_host):
    print(make())
"""
    done = without_compiler(f"python -c '{code}'", environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert all(f"/{PREBUILT}" in line for line in done.stdout.splitlines()), done.stdout
    assert not (tmp_path / "cache").exists()


def commands_of_a_newcomer() -> list[str]:
    """The commands under "A plugin in a minute" of docs/getting-started.md."""
    page = (ROOT / "docs" / "getting-started.md").read_text()
    (block,) = re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def test_a_newcomer_sees_an_alert_after_the_commands_of_getting_started(
    environment: Path, tmp_path: Path
) -> None:
    commands = commands_of_a_newcomer()
    assert len(commands) <= 10
    assert commands[:3] == [
        "python3 -m venv .venv",
        ". .venv/bin/activate",
        "pip install falcokit pytest",
    ]
    shutil.copytree(environment, tmp_path / ".venv", symlinks=True)  # what these leave
    script = "\n".join(["! command -v cc gcc clang", *commands[3:], "falcokit test"])
    done = without_compiler(script, tmp_path / ".venv", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ alert .* Warning The system load is high", done.stdout, re.MULTILINE)
    assert re.search(r"^=+ 4 passed", done.stdout, re.MULTILINE)
    assert "closed after 4 events (limit)" in done.stderr
    assert "compiling" not in done.stderr
    (library,) = (tmp_path / "load-watch" / "build").glob("libload-watch.so")
    assert library.is_file()
