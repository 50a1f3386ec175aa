# SPDX-License-Identifier: Apache-2.0
"""Writes the fuzzer's corpus: programs that use every operator, each with payloads.

python -m tools.json_corpus, after the form of programs has changed.
"""

from __future__ import annotations

from pathlib import Path

from falcokit.runtime.json.field import json_field
from falcokit.runtime.json.operators import (
    all_of,
    any_of,
    arg_given,
    coalesce,
    const,
    event,
    here,
    outer,
    path,
    root,
    switch,
    template,
    when,
)
from falcokit.runtime.source.json_documents import JsonDocuments

__all__ = ["CORPUS", "corpus"]

CORPUS = Path(__file__).parent.parent / "tests" / "json_fields" / "corpus"
AUDIT = (
    rb'{"auditID":"0-1","user":{"name":"system:admin","groups":["a","b\u00e9",null]},"code":201,'
    rb' "uri":"/x?a=%41&b=c+d#e", "ips":["10.0.0.1","::1/64"], "at":"2026-01-31T23:59:59.25Z",'
    rb'"rules":[{"verbs":["get","list"],"r":"pods"},{"verbs":[],"x":{"y":[[1],[2,{"z":-1.5e3}]]}}],'
    rb'"s":"\ud83d\ude00\n\"","a/b":{"a":true,"a":false}}'
)
PAYLOADS = [AUDIT, b'[[["a","b"],{"a":1,"b":[2,33.0,1e3]}], 12,"x"]', b'"text"']
USER = path("/user/name")
EXPRESSIONS = {
    "path": (path("/user/name"), "string"),
    "uint": (path("/code"), "uint64"),
    "each": (path("/user/groups").each(arg=True), "string"),
    "map": (
        path("/rules").each(path("/verbs").each(template("{r}:{v}", r=outer().path("/r"), v=here))),
        "string",
    ),
    "args": (coalesce(here.arg_index(), here.arg_pointer(), here.arg_key()), "string"),
    "json": (root.as_json(pretty=True), "string"),
    "minified": (path("/rules").as_string(null="json"), "string"),
    "time": (path("/at").as_time(), "abstime"),
    "ip": (path("/ips").each().as_ip(net=True), "ipnet"),
    "regex": (USER.regex("^(\\w+):([^:]*)$", 2).upper(), "string"),
    "lazy": (path("/s").regex("(?:.|\\n)+?\\S").lower(), "string"),
    "matches": (path("/user/groups").each().matches("[a-z]{1,3}|é$"), "bool"),
    "parts": (USER.split(":").unique().slice(-4, 3).join(","), "string"),
    "strip": (
        USER.strip_prefix("system:", required=True).strip_suffix("n").part("d", -1),
        "string",
    ),
    "query": (path("/uri").url_query("a"), "string"),
    "argument": (coalesce(path("/uri").url_query(), path("").keys().match_arg("glob")), "string"),
    "given": (when(arg_given, path("/a~1b").arg_key(), "no argument"), "string"),
    "flat": (path("/rules/verbs", through_arrays=True).flat().count(), "uint64"),
    "entries": (path("/a~1b").entries("=").last(), "string"),
    "keys": (path("").keys(exclude=("s",)).count(), "uint64"),
    "sum": (path("/1").each(coalesce(here, const(7), until="positive")).sum(), "uint64"),
    "where": (
        path("/rules").each().where(path("/verbs").each().equals("get", 5, None, True)).path("/r"),
        "string",
    ),
    "logic": (
        any_of(
            all_of(USER.starts_with("sys"), USER.ends_with("n"), USER.contains(":")).not_(),
            path("/code").less_than(300),
            path("/code").greater_than(2),
            path("/rules").is_type("array"),
        ),
        "bool",
    ),
    "choice": (
        when(
            path("/auditID").exists(),
            switch(path("/code"), {201: USER, "x": const("y")}, default="other").required(),
            event.source,
        ).default("none"),
        "string",
    ),
    "event": (template("{t} {n} {raw}", t=event.ts, n=event.number, raw=event.raw), "string"),
    "policies": (
        path("/user/groups").each().as_string(null="empty", scalar="fail", container="none"),
        "string",
    ),
}
DOCUMENTS = {
    "events": JsonDocuments(
        split=when(path("/user").exists(), path("/rules").each(), here),
        time=coalesce(path("/at"), outer().path("/at")),
        keep=path("/verbs").exists() | here.is_type("array"),
    ),
    "texts": JsonDocuments(split=path("/s").split("\n"), time=root.path("/code").as_time("s")),
    "nested": JsonDocuments(split=path("/0").each().where(here.is_type("array")).each()),
}


def corpus() -> dict[str, bytes]:
    """Return the files' contents by their names."""
    files = {}
    programs = {
        name: json_field("x.y", expression, type=kind, desc="d").program
        for name, (expression, kind) in EXPRESSIONS.items()
    }
    programs |= {name: documents.splitting for name, documents in DOCUMENTS.items()}
    for name, program in programs.items():
        for i, payload in enumerate(PAYLOADS):
            files[f"{name}-{i}"] = len(program).to_bytes(2, "little") + program + payload
    return files


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for file_name, content in corpus().items():
        (CORPUS / file_name).write_bytes(content)
