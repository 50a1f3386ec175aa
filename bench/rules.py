# SPDX-License-Identifier: Apache-2.0
"""Rules: a thousand of them on plugin events, and single conditions beside sysdig's filter.

Both read the same capture in a process of their own, output goes nowhere: `falcokit inspect FILE
CONDITION`, which counts what matches, and `sysdig -r FILE -p %evt.num CONDITION`. Rates are events
of the capture a second, with the start of the process; the rules are timed in this process, with
reading the capture and extracting the fields in the runner.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from bench.capture_files import plugin_events, syscall_like
from bench.host import build_plugin
from bench.table import Row
from falcokit.build.about import library_about
from falcokit.build.loaded_plugin import loaded_plugin
from falcokit.capture import open_capture
from falcokit.rules import Engine, EventBatch, RulesFile, load_rules
from falcokit.runner.extract import ExtractionClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.host import Host

__all__ = ["rules"]

_EVENTS = 100_000
_RULES = 1000
_BATCH = 4096
_SYSCALLS = 40_000_000
_USERS = ("root", "ada", "grace", "alan", "linus", "margaret", "ken", "barbara")
_VERBS = ("get", "list", "create", "update", "delete", "watch")
_CONDITIONS = {
    "a type and a text": "evt.type=read and evt.arg.data contains 456789",
    "a number": "evt.rawres > 10",
    "errors": "evt.failed=true",
    "a list of types": "evt.type in (write, unlink)",
}
_DECLARED = {
    "a declared text": "r.path startswith /etc",
    "two declared fields": "r.code>=400 and r.user in (root, ada)",
}


def rules(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure rules on plugin events, and conditions beside sysdig's."""
    built = build_plugin("ruled", folder)
    capture = plugin_events("ruled", 998, [_payload(n) for n in range(2000)], _EVENTS)
    rows = _many(built, capture, runs)
    for name, text in _DECLARED.items():
        rows.append(Row(f"filter on {name}", "events/s", [], [], goal=">= 0.5"))
        _beside(rows[-1], host, capture, text, built.library)(runs)
    for name, text in _CONDITIONS.items():
        rows.append(Row(f"filter on {name}", "events/s", [], [], goal=">= 0.5"))
        _beside(rows[-1], host, syscall_like(_SYSCALLS), text)(runs)
    return rows


def _payload(n: int) -> bytes:
    folder = ("etc", "usr/lib", "var/log", "home/ada", "tmp", "srv/www")[n % 6]
    return json.dumps(
        {
            "user": _USERS[n % len(_USERS)],
            "path": f"/{folder}/file-{n % 700}.{('conf', 'so', 'log')[n % 3]}",
            "verb": _VERBS[n * 7 % len(_VERBS)],
            "code": (200, 201, 403, 404, 500)[n * 3 % 5],
        }
    ).encode()


def _rule(n: int) -> str:
    conditions = (
        f"r.verb={_VERBS[n % 6]} and r.path startswith /etc/file-{n}.",
        f"r.code>={n} and r.user={_USERS[n % 8]} and r.path endswith -{n}.log",
        f"r.path contains -{n}. and not r.user in (root, ada)",
        f"r.path glob '/home/*/file-{n}.*' or (r.code=500 and r.verb=delete and r.user=ken{n})",
        f"(r.verb in (create, update) and r.path pmatch (/srv/www/f{n}, /var/l{n})) and r.code<{n}",
    )
    return (
        f"- rule: Rule {n}\n  desc: d\n  condition: {conditions[n % 5]}\n"
        "  output: '%r.user %r.path'\n  priority: INFO\n  source: ruled\n"
    )


def _many(built: Any, capture: Path, runs: int) -> list[Row]:
    """Run a thousand rules over all events of a capture, as `rule_matching: all` does."""
    plugin = loaded_plugin(library_about(built.metadata))
    content = "".join(map(_rule, range(_RULES))).encode()
    loading = Row(f"loading {_RULES} rules", "s", [], goal="")
    whole = Row(f"{_RULES} rules on {_EVENTS} plugin events", "s", [], goal="<= 10")
    alone = Row("the same, of it the rules", "s", [], goal="")
    for _ in range(runs):
        begin = time.perf_counter()
        ruleset = load_rules([RulesFile(name="r.yaml", content=content)], plugins=[plugin])
        loading.ours.append(time.perf_counter() - begin)
        if ruleset.errors:
            raise SystemExit(str(ruleset.errors[0]))
        engine = Engine(ruleset, rule_matching="all")
        begin = time.perf_counter()
        spent = _pass(engine, built.library, capture)
        whole.ours.append(time.perf_counter() - begin)
        alone.ours.append(spent)
        whole.note = f"{sum(count.alerts for count in engine.counts.values())} alerts"
    return [loading, whole, alone]


def _pass(engine: Engine, library: Path, capture: Path) -> float:
    """Take all events through the rules, and return the seconds that the rules took of it."""
    spent = 0.0
    with ExtractionClient(library) as client, open_capture(capture) as events:
        columns = {column.name: at for at, column in enumerate(client.columns)}
        pairs: list[Any] = []
        for pair in client.extract(events):
            pairs.append(pair)
            if len(pairs) == _BATCH:
                spent += _process(engine, columns, pairs)
                pairs = []
        return spent + _process(engine, columns, pairs)


def _process(engine: Engine, columns: dict[str, int], pairs: list[Any]) -> float:
    begin = time.perf_counter()
    rows = [values for _, values in pairs]

    def read(field: Any) -> Any:
        at = columns.get(field.written)
        return None if at is None else [row and row[at] for row in rows]

    numbers, times = [e.number for e, _ in pairs], [e.ts_ns or 0 for e, _ in pairs]
    engine.process(EventBatch("ruled", numbers, times, read, plugin="ruled"))
    return time.perf_counter() - begin


def _beside(
    row: Row, host: Host, capture: Path, text: str, library: Path | None = None
) -> Callable[[int], None]:
    """Compare a filter with sysdig's, as events of the capture a second, so many times."""
    with open_capture(capture) as events:
        count = sum(1 for _ in events)
    loaded = [] if library is None else ["-H", str(library)]
    with_plugin = [] if library is None else ["--plugin", str(library)]
    theirs = [str(host.sysdig), *loaded, "-r", str(capture), "-p", "%evt.num", text]
    inspect = [sys.executable, "-m", "falcokit", "inspect", str(capture), text]

    def run(runs: int) -> None:
        for _ in range(runs):
            row.baseline.append(count / _seconds(theirs))
            row.ours.append(count / _seconds([*inspect, *with_plugin]))

    return run


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin
