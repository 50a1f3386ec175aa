# SPDX-License-Identifier: Apache-2.0
"""The init config: the type a class declares, the schema made of it, and what is decoded."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest

from falcokit import Plugin
from falcokit.runtime.base.config import config_type, decode_config, decode_json, init_schema
from falcokit.runtime.base.errors import PluginError

pytestmark = pytest.mark.python


class Inner(msgspec.Struct):
    names: list[str] = []
    kind: Literal["a", "b"] = "a"


class StructConfig(msgspec.Struct):
    """A config."""

    host: Annotated[str, msgspec.Meta(title="Host", description="Where to.", min_length=1)]
    count: Annotated[int, msgspec.Meta(ge=1, le=10)] = 7
    inner: Inner = msgspec.field(default_factory=Inner)
    maybe: float | None = None


@dataclasses.dataclass
class DataConfig:
    host: str
    count: Annotated[int, msgspec.Meta(title="Count", description="How many.", ge=1)] = 7
    inner: Inner = dataclasses.field(default_factory=Inner)


class Loose(msgspec.Struct):
    allow_unknown_keys = True
    inner: Inner = msgspec.field(default_factory=Inner)


class LooseField(msgspec.Struct):
    allow_unknown_keys: bool = True  # a key of the config, not what the class says


@dataclasses.dataclass
class LooseData:
    allow_unknown_keys: ClassVar[bool] = True
    items: dict[str, Inner] = dataclasses.field(default_factory=dict)


class Tagged(msgspec.Struct, tag_field="kind", tag="t", rename="camel"):
    first_name: str = ""


class Nested(msgspec.Struct):
    by_name: dict[str, DataConfig] = {}
    listed: list[Tagged] = []
    either: Inner | str = ""
    pair: tuple[int, Inner] | None = None


class Tree(msgspec.Struct):
    children: list[Tree] = []


class StructPlugin(Plugin):
    config: StructConfig


class Inheriting(StructPlugin):
    pass


class Overriding(StructPlugin):
    config: DataConfig  # type: ignore[assignment]


class TextPlugin(Plugin):
    config: str


class PlainPlugin(Plugin):
    pass


def _schema(kind: type) -> dict[str, Any]:
    schema = init_schema(kind)
    assert schema is not None
    assert "$ref" not in json.dumps(schema)
    return schema


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        (StructPlugin, StructConfig),
        (Inheriting, StructConfig),
        (Overriding, DataConfig),
        (TextPlugin, str),
        (PlainPlugin, None),
    ],
)
def test_the_annotation_of_the_nearest_class_counts(plugin: type, expected: type | None) -> None:
    assert config_type(plugin) is expected


def test_an_annotation_that_is_no_text_is_taken_as_it_is() -> None:
    plugin = type("Made", (Plugin,), {"__annotations__": {"config": DataConfig}})
    assert config_type(plugin) is DataConfig


def test_an_annotation_that_names_nothing_is_a_name_error() -> None:
    plugin = type("Made", (Plugin,), {"__annotations__": {"config": "Nowhere"}})
    plugin.__module__ = __name__
    with pytest.raises(NameError, match="Nowhere"):
        config_type(plugin)


def test_the_schema_of_a_struct_has_titles_descriptions_defaults_and_bounds() -> None:
    assert _schema(StructConfig) == {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "StructConfig",
        "description": "A config.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "host": {
                "title": "Host", "description": "Where to.", "type": "string", "minLength": 1,
            },
            "count": {"type": "integer", "minimum": 1, "maximum": 10, "default": 7},
            "inner": {
                "title": "Inner",
                "type": "object",
                "properties": {
                    "names": {"type": "array", "items": {"type": "string"}, "default": []},
                    "kind": {"enum": ["a", "b"], "default": "a"},
                },
                "required": [],
                "additionalProperties": False,
            },
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        },
        "required": ["host"],
    }  # fmt: skip


def test_the_schema_of_a_dataclass_is_of_the_same_form() -> None:
    schema = _schema(DataConfig)
    assert schema["required"] == ["host"]
    assert schema["properties"]["host"] == {"type": "string"}
    assert schema["properties"]["count"] == {
        "title": "Count", "description": "How many.", "type": "integer", "minimum": 1, "default": 7,
    }  # fmt: skip
    assert schema["properties"]["inner"]["properties"]["kind"]["enum"] == ["a", "b"]


def test_a_recursive_type_is_described_one_level_deep() -> None:
    schema = _schema(Tree)
    assert schema["properties"]["children"]["items"] == {"type": "object"}
    tree = decode_config(Tree, '{"children":[{"children":[{}]}]}')
    assert tree == Tree([Tree([Tree()])])


@pytest.mark.parametrize("kind", [None, str])
def test_text_and_none_have_no_schema(kind: type | None) -> None:
    assert init_schema(kind) is None


@pytest.mark.parametrize("kind", [int, list[int], complex, Literal["a"]])
def test_a_type_that_is_no_object_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError):
        init_schema(kind)


def test_a_config_is_decoded_with_its_defaults() -> None:
    assert decode_config(StructConfig, '{"host":"h"}') == StructConfig(host="h")
    value = decode_config(DataConfig, '{"host":"h","count":2,"inner":{"names":["n"]}}')
    assert value == DataConfig("h", 2, Inner(["n"]))


# Falco makes "null" of `init_config: {}`
@pytest.mark.parametrize("text", ["", "{}", "null", " null\n"])
def test_an_empty_config_is_an_empty_object(text: str) -> None:
    assert decode_config(Inner, text) == Inner()
    with pytest.raises(PluginError, match="missing required field `host`"):
        decode_config(StructConfig, text)


def test_text_is_passed_as_it_is_and_nothing_is_none() -> None:
    assert decode_config(str, "{not json") == "{not json"
    assert decode_config(None, "{not json") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"host":7}', "does not fit StructConfig: Expected `str`, got `int` - at `$.host`"),
        ('{"host":""}', "Expected `str` of length >= 1 - at `$.host`"),
        ('{"host":"h","count":11}', "Expected `int` <= 10 - at `$.count`"),
        ('{"host":"h","inner":{"names":[1]}}', "at `$.inner.names[0]`"),
        ('{"host":"h","inner":{"kind":"c"}}', "Invalid enum value 'c' - at `$.inner.kind`"),
        ("[]", "Expected `object`, got `array`"),
        ('"null"', "Expected `object`, got `str`"),
        ("{host: 1}", "the init config is not valid JSON"),
        ('{"host":"h"} more', "the init config is not valid JSON"),
        ('{"host":', "the init config is not valid JSON"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        decode_config(StructConfig, text)
    assert str(caught.value).startswith("the init config ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (StructConfig, '{"host":"h","cuont":1}',
         "unknown key `cuont` - at `$`, where StructConfig has host, count, inner, maybe"),
        (StructConfig, '{"host":"h","inner":{"nams":[]}}',
         "unknown key `nams` - at `$.inner`, where Inner has names, kind"),
        (DataConfig, '{"host":"h","x":{}}', "unknown key `x` - at `$`, where DataConfig has host"),
        (LooseField, '{"x":1}', "where LooseField has allow_unknown_keys"),
        (Loose, '{"inner":{"x":1}}', "unknown key `x` - at `$.inner`"),
        (LooseData, '{"items":{"a":{"x":1}}}', "unknown key `x` - at `$.items.a`"),
        (Nested, '{"by_name":{"a":{"host":"h"},"b":{"host":"h","x":1}}}', "at `$.by_name.b`"),
        (Nested, '{"listed":[{"kind":"t","firstName":"a"},{"first_name":"a","kind":"t"}]}',
         "unknown key `first_name` - at `$.listed[1]`, where Tagged has firstName"),
        (Nested, '{"either":{"x":1}}', "unknown key `x` - at `$.either`"),
        (Nested, '{"pair":[1,{"x":1}]}', "unknown key `x` - at `$.pair[1]`"),
    ],
)  # fmt: skip
def test_a_key_that_the_type_does_not_have_is_refused(kind: Any, text: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        decode_config(kind, text)
    assert str(caught.value).startswith(f"the init config does not fit {kind.__name__}: unknown")
    assert said in str(caught.value)
    assert "allow_unknown_keys = True in" in str(caught.value)
    with pytest.raises(PluginError, match="the open params do not fit"):
        decode_json(kind, text, "open params")


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (Loose, '{"x":{"y":1},"inner":{"kind":"b"}}', Loose(Inner([], "b"))),
        (LooseField, '{"allow_unknown_keys":false}', LooseField(allow_unknown_keys=False)),
        (LooseData, '{"x":1,"items":{"a":{}}}', LooseData({"a": Inner()})),
        (Nested, '{"listed":[{"kind":"t"}],"either":"x","pair":null}', Nested({}, [Tagged()], "x")),
    ],
)
def test_a_type_may_let_other_keys_pass(kind: Any, text: str, found: Any) -> None:
    assert decode_config(kind, text) == found


def test_the_schema_forbids_other_keys_where_the_type_does() -> None:
    loose, nested = _schema(Loose), _schema(Nested)["properties"]
    assert "additionalProperties" not in loose
    assert loose["properties"]["inner"]["additionalProperties"] is False
    assert _schema(LooseField)["additionalProperties"] is False
    assert "additionalProperties" not in _schema(LooseData)
    assert nested["by_name"]["additionalProperties"]["additionalProperties"] is False
    assert nested["listed"]["items"]["additionalProperties"] is False
