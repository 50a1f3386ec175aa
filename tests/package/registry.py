# SPDX-License-Identifier: Apache-2.0
"""What the tests of publishing share: artifacts, Debian's registry, a client that is not ours."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.package.artifact.archive import Entry, write_tar_gz
from falcokit.package.artifact.rules import RulesArtifact, make_rules_artifact
from falcokit.package.registry.layout import OciLayout, PackagedPlugin, write_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ANY",
    "BASIC",
    "SECRET",
    "Server",
    "get",
    "log_in",
    "make_layout",
    "make_plugin",
    "make_rules",
    "registry_program",
    "serving",
]

#: "correct horse" for the user "ana", as htpasswd -B writes it.
HTPASSWD = "ana:$2b$05$yGeXALfN6o95ZPgh34Hym.FXMO8op5PpnhXkhnr/3DiHHLSvu5pkC\n"
ANY = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json,"
    " application/octet-stream"
)
RULES = """\
- required_engine_version: 0.31.0
- required_plugin_versions:
  - name: ticker
    version: 0.1.0
- rule: Tick
  desc: A tick.
  condition: evt.type = tick
  output: tick
  priority: INFO
"""
#: A password that must be shown nowhere, and what a docker config holds of it.
SECRET = "s3cr3t-w0rd"
BASIC = base64.b64encode(f"ana:{SECRET}".encode()).decode()
_SECONDS = 20


def log_in(file: Path, address: str) -> None:
    """Write a docker config with that login."""
    file.write_text(json.dumps({"auths": {address: {"auth": BASIC}}}))


def make_plugin(
    folder: Path, *archs: str, name: str = "ticker", version: str = "0.1.0"
) -> PackagedPlugin:
    """Pack a library that is none: the registry and falcoctl look into no file."""
    archives = {
        arch: folder / f"{name}-{version}-linux-{arch}.tar.gz" for arch in archs or ("x86_64",)
    }
    for arch, path in archives.items():
        write_tar_gz(path, [Entry(name=f"lib{name}.so", data=f"\x7fELF {arch} {version}".encode())])
    return PackagedPlugin(
        name=name, version=version, required_api_version="3.12.0", archives=archives
    )


def make_rules(root: Path, *, version: str = "0.1.0", text: str = RULES) -> RulesArtifact:
    (root / "rules").mkdir(exist_ok=True)
    (root / "rules" / "ticker_rules.yaml").write_text(text)
    made = make_rules_artifact(root, root / "dist", name="ticker", version=version)
    assert made is not None
    return made


def make_layout(root: Path, *, version: str = "0.1.0", rules: bool = True) -> OciLayout:
    return write_layout(
        root / "dist" / "oci",
        make_plugin(root / "dist", "x86_64", "aarch64", version=version),
        rules=make_rules(root, version=version) if rules else None,
    )


@dataclass(frozen=True, kw_only=True)
class Server:
    """A registry that runs."""

    address: str
    storage: Path
    log: Path


def get(
    address: str, path: str, *, accept: str = ANY, login: str | None = None
) -> tuple[int, Any, bytes]:
    """Ask a registry as plainly as can be; return status, headers and body."""
    connection = http.client.HTTPConnection(address, timeout=_SECONDS)
    headers = {"Accept": accept} | ({"Authorization": f"Basic {login}"} if login else {})
    connection.request("GET", f"/v2/{path}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def registry_program() -> Path:
    """Return Debian's docker-registry as tests/hosts/get-registry.sh leaves it."""
    folder = os.environ.get("FALCOKIT_REGISTRY_DIR")
    program = Path(folder or Path.home() / ".cache" / "falcokit-registry") / "docker-registry"
    if not program.exists():
        message = f"there is no registry {program}: run tests/hosts/get-registry.sh"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


@contextmanager
def serving(folder: Path, *, htpasswd: str | None = None) -> Iterator[Server]:
    """Run a registry on a port of the kernel's choice, with its storage in `folder`."""
    program = registry_program()
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": "127.0.0.1:0"},
    }
    if htpasswd is not None:
        (folder / "htpasswd").write_text(htpasswd)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "serve", folder / "config.yml"], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + _SECONDS
        while not (found := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
        yield Server(address=found.group(1), storage=folder / "storage", log=log)
    finally:
        process.terminate()
        process.wait(_SECONDS)
