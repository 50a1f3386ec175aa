# SPDX-License-Identifier: Apache-2.0
"""Every type of a field in every shape, as each host shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from extract_drivers import ALL, Asked, asked

if TYPE_CHECKING:
    from conftest import WritePlugin

#: Annotation, two values as Python gives them, and as a host shows them.
_TYPES: dict[str, tuple[str, str, str, str, str]] = {
    "u64": ("int", "2**64 - 1", "0", str(2**64 - 1), "0"),
    "text": ("str", "'n\\u00e4me'", "'x'", "n\u00e4me", "x"),
    "flag": ("bool", "True", "False", "true", "false"),
    "abs": ("AbsTime", "1_700_000_000_123_456_789", "EPOCH", "1700000000123456789", "0"),
    "abs_object": ("datetime.datetime", "THEN", "EPOCH", "1700000000000001000", "0"),
    "rel": ("RelTime", "1", "datetime.timedelta(microseconds=3)", "1", "3000"),
    "rel_object": ("datetime.timedelta", "datetime.timedelta(days=1)", "datetime.timedelta(0)",
                   "86400000000000", "0"),
    "v4": ("ipaddress.IPv4Address", "ipaddress.IPv4Address('10.0.0.1')", "b'\\0\\0\\0\\0'",
           "10.0.0.1", "0.0.0.0"),
    "v6": ("ipaddress.IPv6Address", "ipaddress.ip_address('fe80::1')", "bytes(15) + b'\\1'",
           "fe80::1", "::1"),
    "ip": ("IpAddr", "'192.168.1.2'", "'2001:db8::5'", "192.168.1.2", "2001:db8::5"),
    "net": ("IpNet", "'10.0.0.0/8'", "ipaddress.ip_network('fe80::/10')", "10.0.0.0", "fe80::"),
}  # fmt: skip

#: Shape of the annotation, expression of what is returned, what is shown.
_SHAPES: dict[str, tuple[str, str, str]] = {
    "value": ("{t}", "{a}", "{x}"),
    "some": ("{t} | None", "{b}", "{y}"),
    "none": ("{t} | None", "None", "<NA>"),
    "list": ("list[{t}]", "[{a}, {b}]", "({x},{y})"),
    "empty": ("list[{t}]", "[]", "<NA>"),
    "some_list": ("list[{t}] | None", "({b}, {a})", "({y},{x})"),
    "none_list": ("list[{t}] | None", "None", "<NA>"),
    "iterated": ("Iterator[{t}]", "iter([{a}])", "({x})"),
    "placed": ("FieldValue[{t}]", "FieldValue({a}, 0, 1)", "{x}"),
    "placed_list": ("list[FieldValue[{t}]]", "[FieldValue({a}, 0, 1), {b}]", "({x},{y})"),
}

_PLUGIN = """
import datetime, ipaddress
from collections.abc import Iterator
from falcokit import AbsTime, FieldExtraction, FieldValue, IpAddr, IpNet, RelTime, field
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
THEN = datetime.datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=datetime.UTC)
class P(Plugin, FieldExtraction):
"""


def _plugin() -> tuple[str, dict[str, str]]:
    text, expected = _PLUGIN, {}
    for kind, (annotation, a, b, x, y) in _TYPES.items():
        for shape, (returns, expression, shown) in _SHAPES.items():
            name = f"t.{kind}_{shape}"
            text += (
                f'    @field("{name}", desc="d")\n'
                f"    def {kind}_{shape}(self, event: Event)"
                f" -> {returns.format(t=annotation)}:\n"
                f"        return {expression.format(a=a, b=b)}\n"
            )
            expected[name] = shown.format(x=x, y=y)
    return text, expected


@pytest.mark.parametrize("driver", [
    pytest.param(d, marks=[pytest.mark.host] if d in {"plughost", "sysdig"} else []) for d in ALL
])  # fmt: skip
def test_each_type_in_each_shape(
    driver: str, request: pytest.FixtureRequest, write_plugin: WritePlugin
) -> None:
    """X1, X2."""
    text, expected = _plugin()
    author = write_plugin(text, name="types")
    rows = asked(driver, request, author, [Asked(b"ab"), Asked(b"cd")], list(expected))
    shown: list[dict[str, Any]] = [dict(zip(expected, row, strict=True)) for row in rows]
    if driver in {"plughost", "sysdig"}:  # the framework has no text for networks
        expected = {
            name: value
            if "net" not in name or value == "<NA>"
            else value.replace("10.0.0.0", "<IPNET>").replace("fe80::", "<IPNET>")
            for name, value in expected.items()
        }
    assert shown == [expected, expected]
