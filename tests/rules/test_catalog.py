# SPDX-License-Identifier: Apache-2.0
"""The fields of each source: Falco's own as sysdig lists them, a plugin's as it describes them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from plugin_metadata import from_json

from falcokit.build.about import library_about
from falcokit.build.loaded_plugin import loaded_plugin
from falcokit.errors import NotAPluginError
from falcokit.filter.types import FieldType
from falcokit.rules.catalog import LoadedPlugin, event_sources, plugin_fields
from falcokit.rules.event_types import type_names
from tools import falco_fields

if TYPE_CHECKING:
    from conftest import RealHost

LISTING = """\
-------------------------------
Field Class:                  evt (All event types)
Description:                  These

evt.num                       (Type: UINT64) event number.
evt.rawtime.ns                (Type: ABSTIME) fractional part.

-------------------------------
Field Class:                  fd
Description:                  These

fd.types                      (Type: LIST) (ARG_ALLOWED,EPF_IS_LIST) List of fd types.
evt.around                    (Type: UINT64) (ARG_REQUIRED,EPF_NO_RHS,FILTER_ONLY) Accepts the event
                              if it is (Type: X) around.
"""


def test_a_listing_is_read() -> None:
    found = falco_fields.document(LISTING, "sysdig version 1")
    assert found["generic"] == [
        {"name": "evt.num", "type": "UINT64"},
        {"name": "evt.rawtime.ns", "type": "ABSTIME", "print": "nine digits"},
    ]
    assert found["syscall"][:2] == [
        {
            "name": "fd.types",
            "type": "CHARBUF",
            "is_list": True,
            "bracket": "index",
        },
        {
            "name": "evt.around",
            "type": "UINT64",
            "bracket": "index",
            "required": True,
            "right": False,
            "filter_only": True,
        },
    ]
    assert found["syscall"][2] == {"name": "evt.latency", "type": "RELTIME", "unlisted": True}


@pytest.mark.host
def test_the_shipped_fields_are_those_of_sysdig(real_host: RealHost) -> None:
    listing = subprocess.run(
        [real_host.sysdig, "-lv"], check=True, capture_output=True, text=True
    ).stdout
    shipped = json.loads(falco_fields.FIELDS.read_text())
    found = falco_fields.document(listing, shipped["source"]["listed_by"])
    assert shipped == found


@pytest.mark.parametrize(
    ("source", "written", "fault"),
    [
        ("p", "evt.num", None),
        ("p", "evt.type", "there is no field evt.type"),
        ("p", "p.x", None),
        ("p", "toupper(p.x)", None),
        ("p", "p.x[0]", "takes no argument"),
        ("p", "p.x y", "is no field"),
        ("p", "", "expected a field"),
        ("q", "p.x", "there is no field p.x"),
        ("q", "all.y[k]", None),
        ("syscall", "evt.type", None),
        ("syscall", "evt.type.is.openat", None),
        ("syscall", "evt.arg.data", None),
        ("syscall", "evt.arg[0]", None),
        ("syscall", "evt.arg", "needs an argument"),
        ("syscall", "evt.arg.nothing", "there is no field evt.arg.nothing"),
        ("syscall", "evt.rawarg.flags", None),
        ("syscall", "evt.rawarg[0]", "there is no field evt.rawarg"),
        ("syscall", "evt.abspath", None),
        ("syscall", "evt.abspath.src", None),
        ("syscall", "proc.aname[2]", None),
        ("syscall", "proc.env[PATH]", None),
        ("syscall", "thread.cgroup.memory", None),
        ("syscall", "evt.dir", None),
        ("syscall", "container.id", "there is no field container.id"),
    ],
)
def test_the_fields_of_a_source(source: str, written: str, fault: str | None) -> None:
    entry = {"type": "string", "desc": "d"}
    key = {"arg": {"isKey": True}}
    plugins = [
        LoadedPlugin(
            name="p",
            version="1.0.0",
            event_source="p",
            extract_sources=("p",),
            fields=plugin_fields([{"name": "p.x", **entry}]),
        ),
        LoadedPlugin(
            name="all",
            version="1.0.0",
            event_source="q",
            fields=plugin_fields([{"name": "all.y", **entry, **key}]),
        ),
    ]
    sources = event_sources(plugins)
    assert list(sources) == ["syscall", "p", "q"]
    found = sources[source].field_fault(written)
    assert found == fault if fault is None else fault in (found or "")


def test_a_class_becomes_a_loaded_plugin() -> None:
    fields = [
        {
            "json": {
                "name": "p.list",
                "type": "uint64",
                "isList": True,
                "arg": {"isIndex": True, "isRequired": True},
                "desc": "d",
            },
            "attribute": "a",
            "program": None,
            "argument": 1,
            "required": True,
            "has_offsets": False,
        }
    ]
    metadata = from_json(
        name="p",
        version="1.2.3",
        plugin_id=999,
        event_source="mine",
        fields=fields,
        async_events=["tick"],
        capabilities=["source", "extract", "async"],
    )
    found = loaded_plugin(library_about(metadata))
    assert (found.name, found.version, found.event_source) == ("p", "1.2.3", "mine")
    assert (found.extract_sources, found.async_events) == (("mine",), ("tick",))
    (spec,) = found.fields
    assert (spec.name, spec.type, spec.is_list) == ("p.list", FieldType.UINT64, True)
    assert (spec.argument.value, spec.required, spec.borrowed) == ("index", True, True)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (3, "has no name"),
        ({"type": "string"}, "has no name"),
        ({"name": 7, "type": "string"}, "has no name"),
        ({"name": "p.x", "type": "hexbuf"}, "p.x has an unknown type"),
        ({"name": "p.x", "type": ["string"]}, "p.x has an unknown type"),
        ({"name": "p.x", "type": "string", "arg": "x"}, "arg of the field p.x is not an object"),
    ],
)
def test_a_strangers_wrong_fields_are_refused(entry: Any, reason: str) -> None:
    about = library_about(from_json(name="p", capabilities=["extract"]))
    with pytest.raises(NotAPluginError, match=reason):
        loaded_plugin(msgspec.structs.replace(about, fields=[entry]))


def test_the_names_of_event_types() -> None:
    assert {"openat", "execve", "scapevent", "setuid", "syscall"} <= type_names()
    assert "tick" not in type_names()
