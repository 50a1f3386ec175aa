# SPDX-License-Identifier: Apache-2.0
"""Encodes values for falco.yaml so that Falco does not change them.

Falco changes values of its configuration in two ways. It replaces `${NAME}` in every text by an
environment variable. And it converts an init config that is a YAML map to JSON by guessing each
value's type, even in quotes: "0123" becomes 123, "yes" true, `[]` and `{}` null. It passes a text
that is already JSON to the plugin unchanged.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_text", "unexpanded"]


def json_text(value: Any) -> str:
    """Return `value` as JSON in which Falco finds no environment variable."""
    return _without_dollars(json.dumps(value, ensure_ascii=False))


def unexpanded(text: str) -> str:
    """Return the text for Falco's configuration with which a plugin gets `text`."""
    if "${" not in text:
        return text
    try:
        json.loads(text)
    except ValueError:
        return _escaped(text)
    return _without_dollars(text)


def _without_dollars(text: str) -> str:
    # In JSON a $ occurs only in strings, which have another way to write it.
    return text.replace("$", "\\u0024") if "${" in text else text


def _escaped(text: str) -> str:
    """Write `$${NAME}` for `${NAME}`, up to a `$` that begins neither, where Falco stops."""
    at = text.find("$")
    while text.startswith("${", at) and "}" in text[at:]:
        text = f"{text[:at]}${text[at:]}"
        at = text.find("$", at + 2)
    return text
