# SPDX-License-Identifier: Apache-2.0
"""`falcokit package` from outside: what is on stdout and stderr, in dist/, and in the exit code."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import io
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import tarfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pythons
from author import plugin
from falcoctl_rules import RefusedError, extract, members, operator_extract
from outside import CODE, PACKAGE, drafts, package, write_project
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.package.deploy.deploy import KINDS
from falcokit.package.registry.layout import blob_path, read_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Packaged

MACHINE = os.uname().machine
TAR = f"outer-0.1.0-linux-{MACHINE}.tar.gz"
BESIDE = [TAR.replace(".tar.gz", ".spdx.json"), TAR, f"{TAR}.sha256"]
SECONDS = 60.0

KEYS = {
    *("name", "version", "artifact", "sha256", "sbom", "bytes", "unpacked_bytes", "python", "arch"),
    *("sizes", "distributions", "system_libraries", "glibc", "verified", "oci", "deploy"),
    *("warnings", "seconds"),
}


@dataclass(frozen=True, kw_only=True)
class Made:
    root: Path
    document: dict[str, Any]
    stderr: str

    @property
    def tar(self) -> Path:
        return Path(self.document["artifact"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A package with everything: verified, as an OCI layout beside another machine's, as JSON.

    Compressed as well as can be, by the command as it is.
    """
    root = write_project(tmp_path_factory.mktemp("made") / "project")
    (root / "dist").mkdir()
    other = "aarch64" if MACHINE == "x86_64" else "x86_64"
    write_tar(root / "dist" / f"outer-0.1.0-linux-{other}.tar.gz", {"libouter.so": b"\x7fELF"})
    command = [sys.executable, "-m", "falcokit", "package", "-C", str(root)]
    done = subprocess.run(
        [*command, "--json", "--oci", "--deploy", "falco"],
        capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (document,) = map(json.loads, done.stdout.splitlines())
    return Made(root=root, document=document, stderr=done.stderr)


def write_tar(target: Path, files: dict[str, bytes]) -> None:
    with gzip.open(target, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def test_json_is_one_document_with_every_key(made: Made) -> None:
    document = made.document
    assert set(document) == KEYS
    assert (document["name"], document["version"], document["arch"]) == ("outer", "0.1.0", MACHINE)
    assert made.tar == made.root / "dist" / TAR
    assert document["bytes"] == made.tar.stat().st_size
    assert document["unpacked_bytes"] == sum(len(m.data) for m in members(made.tar))
    assert set(document["distributions"]) == {"cffi", "msgspec"}
    assert {"Python", "falcokit", "the plugin", "msgspec"} < set(document["sizes"])
    assert set(document["glibc"]) == {"floor", "file", "hosts"}
    assert {tuple(host) for host in document["glibc"]["hosts"]} == {("name", "glibc", "fits")}
    assert set(document["verified"]) == {"init_ms", "events", "rss_kb"}
    assert document["verified"]["events"] > 0
    assert set(document["oci"]) == {"folder", "plugin_digest", "rules_digest", "platforms"}
    assert document["deploy"].startswith("#")
    assert document["warnings"] == []
    assert document["seconds"] > 0
    assert "error" not in made.stderr


def test_sha256sum_takes_the_checksum(made: Made) -> None:
    command = ["sha256sum", "--strict", "-c", f"{TAR}.sha256"]
    done = subprocess.run(command, cwd=made.root / "dist", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (made.root / "dist" / f"{TAR}.sha256").read_text().split()[0] == made.document["sha256"]


def test_the_sbom_names_the_artifact_and_what_is_in_it(made: Made) -> None:
    document = json.loads(Path(made.document["sbom"]).read_text())
    assert document["spdxVersion"] == "SPDX-2.3"
    packages = {p["name"]: p for p in document["packages"]}
    assert {"outer", "CPython", "falcokit", "msgspec", "cffi"} <= set(packages)
    (checksum,) = packages["outer"]["checksums"]
    assert checksum["checksumValue"] == made.document["sha256"]
    libraries = {p.get("packageFileName") for p in document["packages"]} - {TAR, None}
    assert libraries == set(made.document["system_libraries"])


def test_the_archive_is_one_regular_file_that_every_installer_takes(
    made: Made, tmp_path: Path
) -> None:
    (member,) = members(made.tar)
    assert (member.name, member.kind, member.mode) == ("libouter.so", "file", 0o755)
    (tmp_path / "falcoctl").mkdir()
    assert extract(made.tar, tmp_path / "falcoctl") == [tmp_path / "falcoctl" / "libouter.so"]
    library = operator_extract(made.tar, tmp_path / "renamed-by-the-operator.so")
    assert library.read_bytes() == (tmp_path / "falcoctl" / "libouter.so").read_bytes()
    assert library.stat().st_size == made.document["unpacked_bytes"]


def test_the_layout_has_every_architecture_that_lies_in_dist(made: Made) -> None:
    (stored,) = read_layout(made.root / "dist" / "oci")
    assert (stored.kind, stored.name, stored.version) == ("plugin", "outer", "0.1.0")
    assert stored.top.digest == made.document["oci"]["plugin_digest"]
    assert sorted(made.document["oci"]["platforms"]) == ["linux/amd64", "linux/arm64"]
    assert len(stored.manifests) == 2
    layers = {blob_path(made.root / "dist" / "oci", blob.digest).read_bytes()
              for blob in stored.blobs if blob.media_type.endswith("tar+gzip")
              or "layer" in blob.media_type}  # fmt: skip
    assert layers == {path.read_bytes() for path in (made.root / "dist").glob("*.tar.gz")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A package of the dir layout, told in text; the class has another name than the project."""
    code = CODE.replace("    desc", '    name, version = "inner", "0.2.0"\n    desc')
    root = write_project(tmp_path_factory.mktemp("folder") / "project", code)
    return root, package(root, "--layout", "dir", "--no-verify", cwd=root.parent)


def test_only_the_path_is_on_stdout_and_the_rest_tells_what_to_mind(
    folder: tuple[Path, Any],
) -> None:
    root, done = folder
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{root}/dist/inner-0.2.0-linux-{MACHINE}.tar.gz\n"
    assert "\x1b" not in done.stderr
    lines = done.stderr.splitlines()
    warned = [line for line in lines if line.startswith("warning: ")]
    assert len(warned) == 2, done.stderr
    assert "'inner'" in warned[0]
    assert "'outer'" in warned[0]
    assert "0.2.0" in warned[1]
    assert "0.1.0" in warned[1]
    steps = ["compiling Python code", "importing the plugin", "linking", "compressing"]
    assert [line for line in lines if line in {*steps, "verifying"}] == steps
    assert any(line.startswith("packaged inner 0.2.0 in ") for line in lines)
    assert f"dist/inner-0.2.0-linux-{MACHINE}.tar.gz" in done.stderr


def test_the_dir_layout_is_what_falcoctl_takes_and_the_operator_does_not(
    folder: tuple[Path, Any], tmp_path: Path
) -> None:
    tar = Path(folder[1].stdout.strip())
    first, beside, *rest = members(tar)
    assert (first.name, first.kind) == ("libinner.so", "file")
    assert re.fullmatch(r"inner\.rt-[0-9a-f]{16}/", beside.name)
    assert beside.kind == "folder"
    assert all(member.name.startswith(beside.name) for member in rest)
    assert {member.kind for member in rest} == {"file"}
    files = extract(tar, tmp_path)
    assert any(path.name.startswith("libpython3") for path in files)
    with pytest.raises(RefusedError, match="regular files"):
        operator_extract(tar, tmp_path / "one.so")


@pytest.mark.parametrize("kind", [*KINDS])
def test_a_deployment_is_the_only_text_on_stdout(
    kind: str, ticker: Packaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "falcokit.package.artifact.artifact.make_artifact", lambda *_: ticker.artifact
    )
    result = CliRunner().invoke(app, ["package", "-C", str(ticker.project.root), "--deploy", kind])
    assert result.exit_code == 0, result.stderr
    assert "packaged-ticker" in result.stdout
    assert str(ticker.artifact.path) not in result.stdout
    assert "packaged packaged-ticker 0.1.0" in result.stderr
    assert f"dist/{ticker.artifact.path.name}" in result.stderr


def test_a_deployment_of_an_unknown_kind_is_wrong_usage(tmp_path: Path) -> None:
    done = package(tmp_path, "--deploy", "everything")
    assert done.returncode == 2
    assert all(kind in done.stderr for kind in KINDS)


def test_a_newer_glibc_than_asked_for_is_refused_with_the_file(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    done = package(root, "--max-glibc", "2.17", "--json")
    assert done.returncode == 7, done.stderr
    error = json.loads(done.stdout)["error"]
    assert re.match(
        r"\S+ of (this system|\S+) needs glibc 2\.\d+, more than 2\.17", error["message"]
    )
    assert "--runtime" in error["hint"]
    assert drafts(root) == []


@pytest.mark.parametrize("value", ["nonsense", ""])
def test_what_is_no_glibc_version_is_refused_at_once(tmp_path: Path, value: str) -> None:
    root = write_project(tmp_path / "project")
    done = package(root, f"--max-glibc={value}")
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert "2.28" in done.stderr
    assert not (root / "dist").exists()


def test_another_python_can_be_shipped(tmp_path: Path) -> None:
    here = os.path.realpath(sys.executable)
    others = [info for info in pythons.own() if os.path.realpath(info["path"]) != here]
    if not others:
        pytest.skip("there is one Python only")
    code = CODE.replace("return b", "import sys; return sys.version.encode() + b")
    root = write_project(tmp_path / "project", code)
    done = package(root, "--runtime", others[0]["path"], "--json", "--no-verify")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    version = ".".join(map(str, others[0]["version"]))
    assert document["python"] == version
    short = "".join(map(str, others[0]["version"][:2]))
    assert (root / "locks" / f"cp{short}-linux-{MACHINE}.txt").is_file()
    library = operator_extract(Path(document["artifact"]), tmp_path / "plugin.so")
    ran = subprocess.run(
        [*PACKAGE[:-1], "run", str(library), "-n", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (event,) = (r for r in map(json.loads, ran.stdout.splitlines()) if r["report"] == "event")
    assert event["data"].startswith(f"{version} ")


def test_a_plugin_that_does_not_start_is_not_packaged(tmp_path: Path) -> None:
    code = plugin("wants_a_port").read_text()
    root = write_project(tmp_path / "project", code)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {"TMPDIR": str(scratch)}
    done = package(root, "--json", env=env)
    assert done.returncode == 7, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "no such port: 0" in error["message"]
    line = code[: code.index("raise ValueError")].count("\n") + 1
    assert f"src/outer_thing.py:{line}: init" in error["message"]
    assert "--init-config" in error["hint"]
    assert "Traceback" not in done.stderr
    assert drafts(root) == []
    assert list(scratch.iterdir()) == []

    given = package(root, "--init-config", '{"port": 514}', "--json", env=env)
    assert given.returncode == 0, given.stderr
    assert json.loads(given.stdout)["verified"]["events"] > 0
    assert drafts(root) == BESIDE

    assert list(scratch.iterdir()) == []


SLOW = (
    CODE
    + """
    def init(self):
        import time
        time.sleep(300)
"""
)


@pytest.mark.parametrize(
    ("number", "code", "step"),
    [
        (signal.SIGINT, 130, "linking"),
        (signal.SIGTERM, 143, "compressing"),
        (signal.SIGINT, 130, "verifying"),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_an_interrupted_packaging_leaves_nothing(
    tmp_path: Path, number: signal.Signals, code: int, step: str
) -> None:
    root = write_project(tmp_path / "project", SLOW)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # Compressed so that it takes a while.
    command = [part.replace("LEVEL = 0", "LEVEL = 6") for part in PACKAGE]
    assert command != PACKAGE
    with subprocess.Popen(
        [*command, "-C", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    ) as process:
        assert process.stderr is not None
        assert f"{step}\n" in process.stderr
        if step == "verifying":
            deadline = time.monotonic() + SECONDS
            while not any(scratch.glob("falcokit-verify-*/*.so")):
                assert time.monotonic() < deadline
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert drafts(root) == []
    assert list(scratch.iterdir()) == []


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal of 30 lines."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    try:
        yield master, slave
    finally:
        os.close(master)
        with contextlib.suppress(OSError):
            os.close(slave)


def on_terminal(terminal: tuple[int, int], root: Path, *options: str, **env: str) -> Any:
    """Package with stderr on a terminal; give the exit code, stdout, and what was shown."""
    master, slave = terminal
    shown = ""
    with subprocess.Popen(
        [*PACKAGE, "-C", str(root), *options],
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
        env={**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", **env},
    ) as process:
        deadline = time.monotonic() + SECONDS
        while process.poll() is None or select.select([master], [], [], 0.05)[0]:
            assert time.monotonic() < deadline, shown
            if select.select([master], [], [], 0.05)[0]:
                shown += os.read(master, 65536).decode("utf-8", "replace")
        assert process.stdout is not None
        return process.returncode, process.stdout.read(), shown


def test_a_terminal_shows_a_spinner_and_is_left_clean(
    tmp_path: Path, terminal: tuple[int, int]
) -> None:
    root = write_project(tmp_path / "project")
    code, out, shown = on_terminal(terminal, root, "--no-verify")
    assert code == 0, shown
    assert out == f"{root}/dist/{TAR}\n"
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", shown), "a spinner"
    assert re.search(r"linking.*0:00:0\d", re.sub(r"\x1b\[[0-9;?]*m", "", shown))
    end = shown.rindex("packaged ")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is back"
    assert "linking" not in shown[end:]
    assert "\x1b[1mouter 0.1.0\x1b[0m" in shown[end:]


def test_no_color_is_obeyed_on_a_terminal(tmp_path: Path, terminal: tuple[int, int]) -> None:
    root = write_project(tmp_path / "project", CODE.replace('"Shows', 'b"Shows'))
    code, out, shown = on_terminal(terminal, root, NO_COLOR="1")
    assert (code, out) == (4, "")
    assert "error: " in shown
    assert not re.search(r"\x1b\[[0-9;]*m", shown)
