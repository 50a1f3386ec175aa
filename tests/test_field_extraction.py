# SPDX-License-Identifier: Apache-2.0
"""A plugin's fields for stored events: the values of a real host, and the events asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from capture.scap_builder import Builder
from words_capture import PLUGIN, WORDS_ID, start, write_words

from falcokit.capture import open_capture
from falcokit.errors import ConfigError, FalcokitError, NotAPluginError, PluginFailedError
from falcokit.runner.extract import ExtractionClient
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from conftest import CompileC, RealHost

pytestmark = pytest.mark.python


_TESTS = Path(__file__).parent
_CURL = _TESTS / "capture" / "samples" / "curl_google.scap"


@pytest.fixture(scope="module")
def words(compile_c: CompileC) -> Path:
    return compile_c("libwords.so", [PLUGIN])


def values_of(library: Path, file: Path, *fields: str, **options: Any) -> list[Any]:
    with (
        ExtractionClient(library, fields or None, **options) as extraction,
        open_capture(file) as capture,
    ):
        answered = list(extraction.extract(capture))
    assert [event.number for event, _ in answered] == list(range(1, len(answered) + 1))
    return [values for _, values in answered]


@pytest.mark.host
def test_the_values_are_those_that_sysdig_shows(real_host: RealHost, tmp_path: Path) -> None:
    file = tmp_path / "baseline.scap"
    host, library = str(real_host.sysdig), real_host.baseline
    config = '{"async":4,"stamp":1,"async_first_ms":50}'
    run([host, "-H", f"{library}:{config}", "-I", "baseline:50,7,16,300", "-w", str(file)])
    shown = run(
        [
            *(host, "-r", str(file), "-H", str(library)),
            *("-p", "*%evt.num %baseline.seq %baseline.text"),
        ],
        timeout=60,
    ).splitlines()
    with ExtractionClient(library) as extraction, open_capture(file) as capture:
        ours = [
            f"{event.number} {values[0]} {values[1]}" if values else f"{event.number} none"
            for event, values in extraction.extract(capture)
        ]
        columns = [(c.name, c.type, c.is_list, c.description) for c in extraction.columns]
    assert columns == [
        ("baseline.seq", "uint64", False, "Number of the event"),
        ("baseline.text", "string", False, "The number as text"),
    ]
    # The first is what dump_state left: of no plugin's source, and not shown on a replay.
    assert ours == ["1 none", *shown]
    assert len(shown) == 54


@pytest.mark.host
def test_lists_and_arguments_have_the_values_that_sysdig_shows(
    words: Path, real_host: RealHost, tmp_path: Path
) -> None:
    file = write_words(tmp_path, "a b=1 c", "k=v odd", "one")
    fields = ["words.count", "words.all", "words.nth[1]", "words.of[k]", "words.some[7]"]
    fields += ["words.some", "words.some[x_y]", "words.any", "words.ips", "words.parsed"]
    form = "*" + " / ".join(f"%{field}" for field in fields)
    command = [str(real_host.sysdig), "-r", str(file), "-H", str(words), "-p", form]
    shown = run(command, timeout=60).splitlines()
    ours = [" / ".join(map(as_sysdig, row)) for row in values_of(words, file, *fields)]
    assert ours == shown
    assert "(a,b=1,c)" in ours[0]
    assert "present=1 key=7 index=7 found=-" in ours[0]


def as_sysdig(value: Any) -> str:
    if isinstance(value, list):
        return f"({','.join(map(as_sysdig, value))})"
    if isinstance(value, bool):
        return str(value).lower()
    return "<NA>" if value is None else str(value)


def test_every_type_of_value(words: Path, tmp_path: Path) -> None:
    file = write_words(tmp_path, 'k=v \u00e9\n"', "odd")
    with ExtractionClient(words) as extraction, open_capture(file) as capture:
        first, second = [values for _, values in extraction.extract(capture)]
        columns = {column.name.removeprefix("words."): column for column in extraction.columns}
        assert extraction.failure == "an address has neither 4 nor 16 bytes (at event 2)"
    assert first is not None
    assert second is not None
    row = dict(zip(columns, first, strict=True))
    assert row == {
        "count": 2,
        "all": ["k=v", '\u00e9\n"'],
        "some": "present=0 key=- index=-1 found=-",
        "any": True,
        "took": 1_000_000_000,
        "at": 1_700_000_000_000_000_000,
        "ips": ["10.1.2.3", "2001:db8::1"],
        "net": "10.1.2.3",
        "parsed": 1,
        "given": "1 words_src 322/2 46",
    }
    assert row["any"] is True
    assert (columns["all"].is_list, columns["net"].is_list) == (True, False)
    assert columns["count"].description == 'How many, [{"]'
    # At an odd address a number is read all the same; of two addresses one is none.
    assert dict(zip(columns, second, strict=True)) | {"count": 1, "ips": None} == dict(
        zip(columns, second, strict=True)
    )


def test_a_field_that_fails_does_not_take_the_others_along(words: Path, tmp_path: Path) -> None:
    file = write_words(tmp_path, "fail x", "fine")
    fields = ["words.count", "words.all", "words.nth[1]"]
    with ExtractionClient(words, fields) as extraction, open_capture(file) as capture:
        rows = [values for _, values in extraction.extract(capture)]
        assert extraction.failure == "asked to fail (at event 1)"
    assert rows == [(2, None, "x"), (1, ["fine"], None)]


@pytest.mark.parametrize(
    ("field", "words_of_it"),
    [
        ("words.nothing", "no field words.nothing"),
        ("words.count[1]", "words.count takes no argument"),
        ("words.nth", "words.nth needs an argument, as in words.nth[0]"),
        ("words.of", "needs an argument, as in words.of[key]"),
        ("words.nth[x]", "takes a number"),
        ("words.nth[01]", "takes a number"),
        ("words.nth[99999999999999999999]", "takes a number"),
        ("words.of[]", "the argument of words.of is empty"),
        ("words.of[x", "is no field name"),
        ("words.of[x]y", "is no field name"),
        ("words.count,,words.any", "is no field name"),
        ("", "is not a field name"),
        ("*", "is not a field name"),
    ],
)
def test_a_field_that_cannot_be_asked_for_is_told(
    words: Path, field: str, words_of_it: str
) -> None:
    with pytest.raises(ConfigError, match=words_of_it.replace("[", r"\[")), start(words, [field]):
        pass


def test_a_comma_or_a_bracket_in_a_key_belongs_to_it(words: Path, tmp_path: Path) -> None:
    file = write_words(tmp_path, "a,b=1 c[d=2")
    assert values_of(words, file, "words.of[a,b]", "words.of[c[d]") == [("1", "2")]


def test_libraries_that_cannot_extract_are_refused(
    words: Path, compile_c: CompileC, tmp_path: Path
) -> None:
    no_fields = compile_c("libodd.so", [_TESTS / "hosts" / "odd_plugin.c"])
    no_plugin = tmp_path / "lib.so"
    no_plugin.write_bytes(b"\x7fELF")
    bad_sources = compile_c("libbad.so", [PLUGIN], '-DSOURCES="{}"')
    refused: list[tuple[Path, type[FalcokitError], str]] = [
        (no_fields, ConfigError, "extracts no fields"),
        (no_plugin, NotAPluginError, "cannot be loaded"),
        (bad_sources, NotAPluginError, "plugin_get_extract_event_sources"),
    ]
    for library, kind, text in refused:
        with pytest.raises(kind, match=text), start(library):
            pass
    with pytest.raises(PluginFailedError, match="failed in init: asked to fail"):
        start(words, config="fail").__enter__()


def test_only_events_for_the_plugin_are_sent(
    words: Path, compile_c: CompileC, tmp_path: Path
) -> None:
    build = Builder()
    file = tmp_path / "mixed.scap"
    lone = build.event(402, [bytes(4), b"unended", b""])
    blocks = [
        build.plugin_event(WORDS_ID, b"mine"),
        build.plugin_event(997, b"another's"),
        build.async_event(b"tick", b"", plugin_id=WORDS_ID),
        build.async_event(b"tick", b"", plugin_id=0),
        build.async_event(b"tick", b"", plugin_id=997),
        build.event(322, [b"\1", b""]),
        lone,
        build.event(4, [b"12345678"]),
    ]
    file.write_bytes(b"".join([build.section(), build.machine(), *blocks]))

    def given(*flags: str) -> list[str | None]:
        library = words if not flags else compile_c(f"libw{len(str(flags))}.so", [PLUGIN], *flags)
        return [row and row[0] for row in values_of(library, file, "words.given")]

    none = [None] * 5
    assert given() == ["1 words_src 322/2 42", None, None, *none]
    assert given("-DTYPES=322,402") == [
        "1 words_src 322/2 42",
        None,
        "3 words_src 402/3 47",
        *none,
    ]
    assert given("-DTYPES=402,4", '-DSOURCES="[\\"syscall\\"]"') == [
        *(None, None, "3 words_src 402/3 47", "4 syscall 402/3 47"),
        *(None, None, None, "8 syscall 4/1 36"),
    ]
    # One source of somebody else's: an id that is not known can only be its.
    assert given("-DTYPES=322", '-DSOURCES="[\\"other\\"]"') == [
        *("1 words_src 322/2 42", "2 other 322/2 47"),
        *([None] * 6),
    ]


def test_events_with_the_first_header_are_given_todays(compile_c: CompileC) -> None:
    library = compile_c("libsyscalls.so", [PLUGIN], '-DSOURCES="[\\"syscall\\"]"')
    with (
        ExtractionClient(library, ["words.given"]) as extraction,
        open_capture(_CURL) as capture,
    ):
        for event, values in extraction.extract(capture):
            size = 26 + sum(len(param) + 2 for param in event.params)
            assert event.stored_params is None
            given = f"{event.number} syscall {event.code}/{len(event.params)} {size}"
            assert values == (given,)
    assert event.number == 1536


def test_plugin_events_of_the_other_byte_order_are_turned(words: Path, tmp_path: Path) -> None:
    build = Builder(big_endian=True)
    file = tmp_path / "big.scap"
    file.write_bytes(build.section() + build.plugin_event(WORDS_ID, b"a b"))
    assert values_of(words, file, "words.all", "words.given") == [
        (["a", "b"], "1 words_src 322/2 41")
    ]
