# SPDX-License-Identifier: Apache-2.0
"""examples/file-integrity in a real host: a change reaches rules, a capture and its replay."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from example_rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from example_rules import Built

pytestmark = pytest.mark.host


def test_a_change_is_seen_recorded_and_replayed(
    example: Built,
    tmp_path: Path,
    real_host: Any,
    plughost: Callable[..., dict[str, Any]],
) -> None:
    watched, scap = tmp_path / "watched", tmp_path / "out.scap"
    watched.mkdir()
    (watched / "one").write_text("first")
    init = json.dumps({"paths": [str(watched)]})
    command = [
        real_host.plughost,
        "sinsp",
        "--plugin",
        example.library,
        "--init",
        init,
        "--nodriver",
    ]
    with subprocess.Popen([*command, "--secs", "2", "--write", scap], stdout=subprocess.PIPE) as p:
        # when the plugin has taken stock nobody tells: there is a change at any time
        while p.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                (watched / "one").write_text("x" + (watched / "one").read_text())
                p.wait(timeout=0.1)
        out, _ = p.communicate()
    (live,) = json.loads(out.splitlines()[-1])["cycles"]
    assert live["async"]["file_changed"]["count"] > 0

    condition = rules_of(example.root)["File changed in a watched folder (file-integrity)"][
        "condition"
    ]
    known = f"fim.known[{watched / 'one'}]"
    replay = plughost(
        *("--plugin", example.library, "--scap", scap, "--filter", condition, "--metrics"),
        *("--fields", f"fim.path,fim.change,fim.sha256,fim.previous,fim.size,{known}"),
    )
    shown = {name: field["samples"][0] for name, field in replay["fields"].items()}
    assert replay["async"].keys() == {"file_changed"}
    assert (shown["fim.path"], shown["fim.change"]) == (str(watched / "one"), "changed")
    assert len(shown["fim.previous"]) == 64
    assert shown[known] == shown["fim.sha256"]
    assert replay["metrics"]["file-integrity"]["file-integrity.known_files"] == 1


@pytest.mark.parametrize(
    "rule",
    [
        "Sensitive file changed (file-integrity)",
        "File changed in a watched folder (file-integrity)",
    ],
)
def test_the_conditions_are_ones_a_host_takes(
    example: Built, plughost: Callable[..., dict[str, Any]], rule: str
) -> None:
    condition = rules_of(example.root)[rule]["condition"]
    cycle = plughost(
        *("--plugin", example.library, "--init", '{"paths": []}', "--nodriver", "--secs", "0.2"),
        *("--filter", condition),
    )
    assert cycle["events"]["count"] == 0
