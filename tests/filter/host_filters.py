# SPDX-License-Identifier: Apache-2.0
"""What the real libsinsp answers to many conditions at once, in one process of plughost."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conftest import RealHost

__all__ = ["Answer", "Answers", "ask_host"]


class Answer(NamedTuple):
    """The numbers of the events that a condition matches, None with the error if it is refused."""

    events: list[int] | None
    error: str = ""
    warnings: list[str] = []  # noqa: RUF012 - nobody changes it


class Answers(NamedTuple):
    """The text of each event by its number, and the answer to each condition in their order."""

    events: dict[int, str]
    conditions: list[Answer]


def ask_host(
    host: RealHost, folder: Path, conditions: Iterable[str | bytes], *options: str | Path
) -> Answers:
    """Ask about the events that `options` of plughost name; a file is left in `folder`."""
    asked = folder / "conditions"
    texts = [text.encode() if isinstance(text, str) else text for text in conditions]
    asked.write_bytes(b"".join(text + b"\0" for text in texts))
    command = [host.plughost, "filters", "--filters", asked, *options]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.stdout, done.stderr.decode(errors="replace")
    said = json.loads(done.stdout)
    assert done.returncode == 0, said.get("error")
    capture = said["capture"]
    events = dict(sorted((int(number), text) for number, text in capture["events"].items()))
    answers = [
        Answer(each.get("events"), each.get("error", ""), each.get("warnings", []))
        for each in capture["filters"]
    ]
    assert len(answers) == len(texts)
    return Answers(events, answers)
