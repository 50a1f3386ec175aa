# SPDX-License-Identifier: Apache-2.0
"""Outputs beside the recorded ones: what is printed, what stands in JSON, what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from golden_rules import load
from test_load import rule

from falcokit.filter.types import FieldType
from falcokit.rules import UNKNOWN, Engine, EventBatch
from falcokit.rules.output import json_value, printed

if TYPE_CHECKING:
    from golden_fields import GoldenFields

    from falcokit.rules import Alert

AT = 1_700_000_000_123_456_789


def alert(golden: GoldenFields, output: str, **values: Any) -> Alert:
    def read(field: Any) -> list[Any] | None:
        name = field.written.removeprefix("g.")
        return [values.get(name)] if field.name.startswith("g.") else None

    ruleset = load(golden, rule(condition="evt.num=7", output=json.dumps(output)))
    assert ruleset.errors == ()
    batch = EventBatch("goldens", [7], [AT], read, first_time_ns=AT - 5, plugin="goldens")
    (found,) = Engine(ruleset).process(batch)
    return found


@pytest.mark.parametrize(
    ("output", "values", "message"),
    [
        ("%5g.s|", {"s": "abcdefg"}, "abcde|"),
        ("%5g.s|", {"s": "ab"}, "ab   |"),
        ("%5g.s|", {}, "<NA> |"),
        ("%g.sx", {"s": "a"}, "ax"),
        ("%g.s.x", {"s": "a"}, "a.x"),
        ("%g.s[0", {"s": "a"}, "a[0"),
        ("%toupper(g.s)[0]", {"s": "a"}, "A[0]"),
        ("%evt.nums", {}, "7s"),
        ("%toupper( g.s )", {"s": "a"}, "A"),
        ("%len(g.ls) %len(g.s)", {"ls": ["a", "b"], "s": "é"}, "2 2"),
        ("%g.key[a b]", {"key[a b]": "c"}, None),
        ('%g.key["a b"]', {"key[a b]": "c"}, None),
        ('%g.key["a=b"]', {"key[a=b]": "c"}, "c"),
        ("%g.ls", {"ls": ["", "b", ""]}, "(b,)"),
        ("%evt.reltime %evt.reltime.s %evt.reltime.ns", {}, "000000005 0 000000005"),
        ("*%g.s", {}, "<NA>"),
        ("a\n b", {}, "a\n b"),
    ],
)
def test_what_is_printed(
    golden: GoldenFields, output: str, values: dict[str, Any], message: str | None
) -> None:
    if message is None:
        assert load(golden, rule(output=json.dumps(output))).errors
    else:
        assert alert(golden, output, **values).message == message


@pytest.mark.parametrize(
    "output", ["%", "a %", "%5", "%%", "100%", "%99999999g.s", "%evt", "%and", "%g.key", "%(g.s)"]
)
def test_what_is_refused(golden: GoldenFields, output: str) -> None:
    (error,) = load(golden, rule(output=json.dumps(output))).errors
    assert error.code == "LOAD_ERR_COMPILE_OUTPUT"


def test_a_text_of_percent_signs_takes_no_time(golden: GoldenFields) -> None:
    output = "%g.s" * 5000
    (error,) = load(golden, rule(output=json.dumps(output))).errors
    assert "at most 1000 fields" in error.message
    for hostile in ("%" + "a." * 50_000 + "b", "%toupper(" * 20_000, "%g.key[" * 20_000):
        assert load(golden, rule(output=json.dumps(hostile))).errors


def test_the_line_of_an_alert(golden: GoldenFields) -> None:
    found = alert(golden, '"%g.s"\\', s="a\tb\udcff\x01é")
    assert found.output == ('2023-11-14T22:13:20.123456789+0000: Informational "a\tb\udcff\x01é"\\')
    assert found.line == (
        '2023-11-14T22:13:20.123456789+0000: Informational \\"a\\tb\ufffd\\u0001é\\"\\\\'
    )
    shown = found.to_json()
    assert list(shown) == [
        "report", "number", "time", "rule", "priority", "source", "tags", "output", "output_fields",
    ]  # fmt: skip
    assert (shown["report"], shown["number"]) == ("alert", 7)
    assert shown["time"] == "2023-11-14T22:13:20.123456789Z"
    assert shown["output_fields"] == {"evt.time.iso8601": AT, "g.s": "a\tb\ufffd\x01é"}
    assert json.loads(json.dumps(shown)) == shown


def test_keys_of_fields_are_written_as_by_falco(golden: GoldenFields) -> None:
    found = alert(golden, '%g.key["a=b"] %g.key[c.d] %toupper(g.key[e])', **{"key[a=b]": "1"})
    assert list(found.output_fields) == [
        "evt.time.iso8601",
        'g.key["a=b"]',
        "g.key[c.d]",
        "g.key[e]",
    ]


def test_a_value_that_nobody_knows(golden: GoldenFields) -> None:
    found = alert(golden, "%g.s %toupper(g.t) %g.u", s=UNKNOWN, t=UNKNOWN, u=3)
    assert found.message == "<unknown> <unknown> 3"
    assert found.output_fields["g.s"] is None
    assert found.unknown_fields == ("g.s", "g.t")
    assert found.to_json()["unknown_fields"] == ["g.s", "g.t"]
    assert not found.possible


@pytest.mark.parametrize(
    ("value", "kind", "style", "text", "in_json"),
    [
        (True, FieldType.BOOL, None, "true", True),
        (False, FieldType.BOOL, None, "false", False),
        (-1, FieldType.INT64, None, "-1", -1),
        (5, FieldType.ABSTIME, "nine digits", "000000005", 5),
        (255, FieldType.UINT32, "hexadecimal", "FF", "FF"),
        (-1, FieldType.INT32, "hexadecimal", "FFFFFFFF", "FFFFFFFF"),
        (8, FieldType.UINT32, "octal", "10", "10"),
        (1.25, FieldType.DOUBLE, None, "1.2", 1),
        (b"a\x00\xffb", FieldType.BYTEBUF, None, "a..b", "a..b"),
        (b"\x0a\x00\x00\x01", FieldType.IPADDR, None, "10.0.0.1", "10.0.0.1"),
        (bytes(15) + b"\x01", FieldType.IPADDR, None, "::1", "::1"),
        (b"\x0a\x00\x00\x01", FieldType.IPNET, None, "<IPNET>", "<IPNET>"),
        ("a\udcff", FieldType.CHARBUF, None, "a\udcff", "a\ufffd"),
    ],
)
def test_values_by_their_type(
    value: Any, kind: FieldType, style: str | None, text: str, in_json: Any
) -> None:
    assert printed(value, kind, style=style) == text
    assert json_value(value, kind, style=style) == in_json


def test_a_long_list_is_cut_as_in_falcos_buffer() -> None:
    assert len(printed(["x" * 100] * 20, FieldType.CHARBUF, is_list=True)) == 1023
