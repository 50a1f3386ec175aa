# SPDX-License-Identifier: Apache-2.0
"""The init config: the type a class declares, the schema made of it, and what is decoded."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, Literal

import msgspec
import pytest

from falcokit import Plugin
from falcokit.runtime.config import config_type, decode_config, init_schema
from falcokit.runtime.errors import PluginError

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
        "type": "object",
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


@pytest.mark.parametrize("text", ["", "{}"])
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
        ("null", "Expected `object`, got `null`"),
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
