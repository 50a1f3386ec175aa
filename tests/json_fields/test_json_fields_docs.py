# SPDX-License-Identifier: Apache-2.0
"""Every example of docs/json-fields.md gives what it says there, in C and in Python."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from json_fields.native_fields import Answer, in_python

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.extract.capability import declared_fields
from falcokit.runtime.json import operators as json_operators
from falcokit.runtime.json.field import json_field
from falcokit.runtime.json.nodes import Op
from falcokit.runtime.json.operators import event, path

if TYPE_CHECKING:
    from json_fields.native_fields import NativeFields

pytestmark = pytest.mark.python

PAGE = (Path(__file__).parent.parent.parent / "docs" / "json-fields.md").read_text()
(PAYLOAD,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
_PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PLUGIN, ALIKE, LOOKED_AT = (block for block in _PYTHON if "import" in block)
BLOCKS = [block for block in _PYTHON if "import" not in block]
LINES = [line for block in BLOCKS for line in block.splitlines()]
NAMES = {name: getattr(json_operators, name) for name in json_operators.__all__}
EVENT = {"ts_ns": 1_700_000_000_000_000_000, "number": 7, "source": "k8s_audit"}
SEEN_OTHERWISE = {"encode", "arguments", "contexts"}


def expected(text: str) -> tuple[Any, Answer, str]:
    """Read the argument, the answer and its field type from behind an example's #."""
    found = re.fullmatch(r"(?:\[([^]\"]+)\] )?(.*)", text)
    assert found
    arg = int(found[1]) if (found[1] or "").isdigit() else found[1]
    if found[2].startswith("fails: "):
        return arg, Answer(error=found[2].removeprefix("fails: ")), "string"
    value = None if found[2] == "no value" else json.loads(found[2])
    one = value[0] if isinstance(value, list) else value
    kind = {bool: "bool", int: "uint64"}.get(type(one), "string")
    return arg, Answer(value), kind


def packed(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_examples_give_what_they_say(native: NativeFields, number: int) -> None:
    for line in BLOCKS[number].splitlines():
        check_example(native, line)


def check_example(native: NativeFields, line: str) -> None:
    code, _, said = line.rpartition("# ")
    arg, answer, kind = expected(said)
    expression = eval(code, dict(NAMES))
    if expression.op == Op.IP:
        values = answer.value if expression.many else answer.value[0]
        answer = Answer([packed(v) for v in values] if expression.many else packed(values))
        kind = "ipaddr"
    elif expression.op == Op.TIME:
        kind = "abstime"
    field = json_field("x.y", expression, type=kind, desc="d")
    native.begin(PAYLOAD.encode(), **EVENT)
    assert native.run(field, arg) == answer, line
    assert in_python(field, PAYLOAD.encode(), arg, **EVENT) == answer, line


def test_every_operator_has_an_example() -> None:
    methods = {
        name
        for name in dir(type(json_operators.here))
        if callable(getattr(json_operators.here, name)) and not name.startswith("_")
    }
    examples = "\n".join(LINES)
    for name in (*methods - SEEN_OTHERWISE, *json_operators.__all__):
        assert re.search(rf"\b{name}\b", examples), name


def test_the_plugin_of_the_page_declares_its_fields() -> None:
    names: dict[str, Any] = {"__name__": "json_fields_page"}
    exec(compile(PLUGIN, "json-fields.md", "exec"), names)
    payload = b'{"repository":{"full_name":"a/b","size":7},"commits":[{"file":"x"},{"file":"y"}]}'
    fields = vars(names["Github"])
    found = {name: fields[name].evaluate(payload) for name in ("repo", "size", "files")}
    assert found == {"repo": "a/b", "size": 7, "files": ["x", "y"]}


def test_fields_that_are_alike_share_a_guard_and_what_is_missing() -> None:
    names: dict[str, Any] = {"__name__": "json_fields_page"}
    exec(compile(ALIKE, "json-fields.md", "exec"), names)
    fields = {f.name: f for f in declared_fields(names["Audit"]).values() if f}
    assert list(fields) == [
        *("audit.user", "audit.verb", "audit.code", "audit.image"),
        *("audit.target.resource", "audit.target.namespace", "audit.target.name"),
    ]
    event = b"""{"kind": "Event", "verb": "get", "objectRef": {"resource": "pods"},
        "requestObject": {"spec": {"containers": [{"image": "a"}, {"image": "b"}]}}}"""
    found = {name: field.evaluate(event) for name, field in fields.items()}
    assert list(found.values()) == ["<NA>", "get", None, ["a", "b"], "pods", "<NA>", "<NA>"]
    assert fields["audit.image"].evaluate(event, arg=1) == ["a", "b"]
    assert all(f.evaluate(event.replace(b"Event", b"Pod")) is None for f in fields.values())


def test_an_expression_can_be_looked_at() -> None:
    exec(compile(LOOKED_AT, "json-fields.md", "exec"), {"__name__": "json_fields_page"})


_ONE = bytes([0, 0, 0, 1])


@pytest.mark.parametrize(
    ("declared", "payload", "given", "value"),
    [
        (json_field("a.b", path("/x"), desc="d"), b'{"x": "y"}', {}, "y"),
        (json_field("a.b", path("/x"), desc="d", type=int), b'{"x": 7}', {}, 7),
        (json_field("a.b", path("/x").exists(), desc="d", type=bool), b'{"x": 7}', {}, True),
        (json_field("a.b", path("/x").each(), desc="d"), b'{"x": ["a", "b"]}', {}, ["a", "b"]),
        (json_field("a.b", path("/x"), desc="d", type="ipaddr"), b'{"x": "0.0.0.1"}', {}, _ONE),
        (json_field("a.b", path("/x"), desc="d"), b"{}", {}, None),
        (json_field("a.b", event.number, desc="d", type=int), b"{}", {"number": 5}, 5),
    ],
)  # fmt: skip
def test_an_author_s_test_evaluates_a_field(
    declared: Any, payload: bytes, given: dict[str, Any], value: Any
) -> None:
    assert declared.evaluate(payload, **given) == value
    assert in_python(declared, payload, **given) == Answer(value)


def test_an_argument_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(PluginError, match="takes no argument"):
        json_field("a.b", path("/x"), desc="d").evaluate(b"{}", arg=1)
