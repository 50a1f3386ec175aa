# SPDX-License-Identifier: Apache-2.0
"""Payloads that nobody should send, in real hosts: a value or none, and the host goes on.

A source in C (tests/hosts/files_plugin.c) gives them as plugin events and as async events; a plugin
with declared fields, methods and parse_event reads them in every way that there is.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import CompileC, RealHost

_FILES = Path(__file__).parent.parent / "hosts" / "files_plugin.c"
_READER = plugin("payload_reader")
_NONE = "<NA>"
_DIGITS = b"9" * 10_000
_NESTED = b"[" * 10_000 + b"]" * 10_000


class Case(NamedTuple):
    """A payload, and what each field shows: declared key, n, deep; json in a method."""

    payload: bytes
    key: str = _NONE
    n: str = _NONE
    deep: str = _NONE
    parsed: str = _NONE


CASES = {
    "good": Case(b'{"key":"k","n":1,"deep":[[1]]}', "k", "1", "[[1]", "k"),
    "empty": Case(b""),
    "malformed": Case(b'{"key" "k"}'),
    "no json": Case(b"GET / HTTP/1.1\r\n\r\n"),
    "cut off": Case(b'{"key":"k","n":12', "k"),
    "cut off in a text": Case(b'{"n":12,"key":"k', n="12"),
    "not UTF-8": Case(b'{"key":"\xff\xc3","n":2}', "\ufffd\ufffd", "2"),
    "NULs": Case(bytes(100)),
    "a NUL in a text": Case(b'{"key":"a\0b","n":3}', "a\\u0000b", "3"),
    "an escaped NUL": Case(b'{"key":"a\\u0000b"}', "a\\u0000b", parsed="a\\0b"),
    "duplicate keys": Case(b'{"key":"first","key":"last"}', "first", parsed="last"),
    "nested": Case(b'{"deep":%b,"key":"k"}' % _NESTED, "k", deep="[[[["),
    "nested too deeply": Case(b'{"deep":%b1%b,"key":"k"}' % (b"[" * 300_000, b"]" * 300_000), "k"),
    "nested objects": Case(b'{"deep":%b' % (b'{"deep":' * 100_000)),
    "never closed": Case(b"[" * 1_000_000),
    "a long number": Case(b'{"n":%b,"key":"k"}' % _DIGITS, "k"),
    "a long fraction": Case(b'{"n":1.%b,"key":"k"}' % _DIGITS, "k", "1", parsed="k"),
    "a huge exponent": Case(b'{"n":1e%b,"key":"k"}' % _DIGITS, "k"),
    "a number as the key": Case(b'{"key":1e-99,"n":-1}', "1e-99", parsed="1e-99"),
}


@pytest.fixture(scope="session")
def files(compile_c: CompileC) -> Path:
    return compile_c("libfiles.so", [_FILES])


class Ran(NamedTuple):
    """What a host said, and the most memory that it held."""

    stdout: str
    stderr: str
    peak_mb: float


@pytest.fixture
def run_host(tmp_path: Path) -> Callable[..., Ran]:
    def run(*command: Any, limit_mb: int | None = None) -> Ran:
        def limited() -> None:
            if limit_mb is not None:
                resource.setrlimit(resource.RLIMIT_AS, (limit_mb << 20, limit_mb << 20))

        out, err = tmp_path / "stdout", tmp_path / "stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [*map(str, command)],
                stdout=stdout, stderr=stderr, preexec_fn=limited,  # noqa: PLW1509
            )  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        texts = [file.read_text(errors="replace") for file in (out, err)]
        assert process.returncode == 0, (process.returncode, *(t[-4000:] for t in texts))
        return Ran(*texts, usage.ru_maxrss / 1024)

    return run


def _written(folder: Path, payloads: list[bytes]) -> Path:
    folder = folder / "payloads"
    folder.mkdir()
    for i, payload in enumerate(payloads):
        (folder / f"{i:03}").write_bytes(payload)
    return folder


_FORM = "*%evt.type / " + " / ".join(
    f"%h.{field}" for field in ("key", "n", "deep", "parsed", "size", "params")
)


@pytest.mark.host
@pytest.mark.parametrize("driver", ["plughost", "sysdig"])
def test_each_payload_gives_a_value_or_none(
    write_plugin: Callable[..., Author], real_host: RealHost, files: Path,
    run_host: Callable[..., Ran], tmp_path: Path, driver: str,
) -> None:  # fmt: skip
    library = write_plugin(_READER).library
    folder = _written(tmp_path, [case.payload for case in CASES.values()])
    if driver == "plughost":
        options = ["--open", folder, "--print", 1000, "--format", _FORM, "--secs", 60]
        ran = run_host(
            real_host.plughost, "sinsp", "--plugin", files, "--plugin", library, *options
        )
        shown = ran.stderr
    else:
        ran = run_host(
            *(real_host.sysdig, "-H", files, "-H", library),
            *("-I", f"files:{folder}", "-p", _FORM),
        )
        shown = ran.stdout
    rows = [line.split(" / ") for line in shown.splitlines() if " / " in line]
    wanted = [
        [case.key, case.n, case.deep, case.parsed, str(len(case.payload)), str(len(case.payload))]
        for case in CASES.values()
    ]
    for kind in ("pluginevent", "file"):
        found = [row[1:] for row in rows if row[0] == kind]
        assert dict(zip(CASES, found, strict=True)) == dict(zip(CASES, wanted, strict=True))


@pytest.mark.host
def test_what_fails_is_logged_now_and_then_and_not_per_event(
    write_plugin: Callable[..., Author], real_host: RealHost, files: Path,
    run_host: Callable[..., Ran], tmp_path: Path,
) -> None:  # fmt: skip
    author = write_plugin(_READER)
    bad = [case.payload for case in CASES.values() if case.parsed == _NONE]
    folder = _written(tmp_path, bad)
    ran = run_host(
        *(real_host.plughost, "sinsp", "--plugin", files, "--plugin", author.library),
        *("--open", f"{folder},50", "--fields", "h.parsed,h.key", "--secs", 60),
        *("--metrics", "--log"),
    )
    report = json.loads(ran.stdout)
    (cycle,) = report["cycles"]
    assert cycle["metrics"]["hostile"]["hostile.parsed"] == 2 * 50 * len(bad)
    assert cycle["fields"]["h.parsed"]["absent"] == 2 * 50 * len(bad)
    at = {author.at("# in parse_event"), author.at('event.json["key"]')}
    lines = {line: n for line, n in report["log"].items() if any(place in line for place in at)}
    # Once for each place and type of error, of which there are four at most.
    assert set(lines.values()) == {1}
    assert 2 <= len(lines) <= 2 * 4, lines


_BIG = 16 << 20  # what is held of such an event is well above what a process's memory swings by
_LARGEST = 100 << 20


def _big(kind: str) -> bytes:
    """Make a large payload whose key is behind all else."""
    head, fill, tail = {
        "text": (b'{"text":"', b"x", b'","key":"k"}'),
        "100 MB": (b'{"text":"', b"x", b'","key":"k"}'),
        "list": (b'{"many":[0', b",0", b'],"key":"k"}'),
        "lists": (b'{"many":[[]', b",[]", b'],"key":"k"}'),
        "members": (b'{"a":0', b',"a":0', b',"key":"k"}'),
        "garbage": (b"", b"\xff\0{[\\", b""),
    }[kind]
    size = _LARGEST if kind == "100 MB" else _BIG
    return head + fill * ((size - len(head) - len(tail)) // len(fill)) + tail


@pytest.mark.host
@pytest.mark.parametrize("kind", ["text", "100 MB", "list", "lists", "members", "garbage"])
def test_a_large_event_is_read_in_bounded_memory(
    write_plugin: Callable[..., Author], real_host: RealHost, files: Path,
    run_host: Callable[..., Ran], tmp_path: Path, kind: str,
) -> None:  # fmt: skip
    """Where parsing it takes more than the process may have, there is no value."""
    author = write_plugin(_READER)
    folder = _written(tmp_path, [_big(kind)])
    peaks, fields = [], "h.key,h.count,h.parsed,h.size,h.params"
    # What is kept of the events before is there from the third on; of a list's values it is little.
    # One more may be on its way; if each were kept, there would be two more.
    repeats = {"lists": (1,), "members": (1,), "100 MB": (1,), "list": (1, 2)}.get(kind, (3, 5))
    for repeat in repeats:
        ran = run_host(
            *(real_host.plughost, "sinsp", "--plugin", files, "--plugin", author.library),
            *("--open", f"{folder},{repeat}", "--fields", fields, "--secs", 60, "--log"),
            limit_mb=1100 if kind == "100 MB" else 400,
        )
        report = json.loads(ran.stdout)
        (cycle,) = report["cycles"]
        assert cycle["end"] == "eof"
        assert kind != "lists" or any("MemoryError" in line for line in report["log"])
        found = cycle["fields"]
        for name, value in {"key": "k", "size": str((folder / "000").stat().st_size)}.items():
            field = found[f"h.{name}"]
            if kind == "garbage" and name == "key":
                assert field["present"] == 0
            else:
                assert (field["present"], set(field["samples"])) == (2 * repeat, {value})
        peaks.append(ran.peak_mb)
    # Of the event before, the plugin keeps what it has read; of those before that nothing.
    assert peaks[-1] < peaks[0] + 24, peaks
