# SPDX-License-Identifier: Apache-2.0
"""Records what stratoshark's command line reads in the sample captures; run by hand.

    tests/hosts/get-strato.sh && python tests/hosts/record_strato.py

It writes strato.json beside the samples, which tests/capture/test_strato.py compares the reader
with: for each event a hash of the bytes behind its header, lengths and parameters, as strato -x
dumps them. A capture that sysdig writes of a falcokit plugin, falcokit.scap.gz, is made by
`--live` and is otherwise kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Final

SAMPLES: Final = Path(__file__).parents[1] / "capture" / "samples"
CACHE: Final = Path.home() / ".cache"
HASH_BYTES: Final = 4
#: Starts of a dump: the number of the event, in a line of its own.
NUMBER: Final = re.compile(r"^ *(\d+) *\n\n", re.MULTILINE)
DUMPED: Final = re.compile(r"^[0-9a-f]{4,}  ((?:[0-9a-f]{2} ?)+)", re.MULTILINE)
PROJECT: Final = """\
[project]
name = "payloads"
version = "0.1.0"
description = "Payloads of all kinds."
authors = [{ name = "The falcokit authors", email = "falcokit@example.com" }]
requires-python = ">=3.11"

[tool.falcokit]
plugin = "payloads:Payloads"
"""
PLUGIN: Final = Path(__file__).parents[1] / "plugins" / "payloads.py"


def dumps(strato: Path, capture: Path) -> list[bytes]:
    """Return the bytes behind the header of every event, as strato -x shows them."""
    columns = 'gui.column.format:"No.","%m"'
    command = [str(strato), "-r", str(capture), "-P", "-x", "-o", columns]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    _, *parts = NUMBER.split(text)
    numbers, bodies = parts[::2], parts[1::2]
    if list(map(int, numbers)) != list(range(1, len(numbers) + 1)):
        sys.exit(f"{capture.name}: strato's dump is of a form that is not known here")
    return [bytes.fromhex("".join(DUMPED.findall(body))) for body in bodies]


def write_live(target: Path) -> None:
    """Have sysdig write a capture of a falcokit plugin beside a source plugin in C."""
    host = Path(os.environ.get("FALCOKIT_HOST_DIR") or CACHE / "falcokit-host")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "src").mkdir()
        (root / "pyproject.toml").write_text(PROJECT)
        shutil.copy(PLUGIN, root / "src")
        build = [sys.executable, "-m", "falcokit", "build", "-C", folder]
        library = subprocess.run(build, capture_output=True, check=True, text=True).stdout.strip()
        command = [str(host / "sysdig"), "-H", library, "-H", str(host / "libbaseline.so")]
        command += ["-I", "baseline:40,1,48,500", "-z", "-w", str(target)]
        subprocess.run(command, capture_output=True, check=True, timeout=60)


def main() -> None:
    """Record all samples anew."""
    strato = Path(os.environ.get("FALCOKIT_STRATO_DIR") or CACHE / "falcokit-strato") / "strato"
    live = SAMPLES / "falcokit.scap.gz"
    if "--live" in sys.argv[1:] or not live.exists():
        write_live(live)
    shown = subprocess.run([str(strato), "--version"], capture_output=True, check=True, text=True)
    captures = {}
    for capture in sorted(SAMPLES.glob("*.scap*")):
        hashes = [hashlib.sha256(d).digest()[:HASH_BYTES].hex() for d in dumps(strato, capture)]
        captures[capture.name] = textwrap.wrap(" ".join(hashes), width=98)
    record = {"strato": shown.stdout.splitlines()[0], "captures": captures}
    (SAMPLES / "strato.json").write_text(json.dumps(record, indent=0) + "\n")


if __name__ == "__main__":
    main()
