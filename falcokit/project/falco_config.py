# SPDX-License-Identifier: Apache-2.0
"""Values of a falco.yaml as texts that Falco takes for exactly what they are.

Falco reads its configuration in two ways that change values: it puts environment variables in place
of `${NAME}` in every text, and of an init config that is a YAML map it makes JSON by guessing each
value's type, quotes or not: "0123" becomes 123, "yes" true, `[]` and `{}` null. A text that is JSON
already it hands to the plugin as it is.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["json_text", "unexpanded"]


def json_text(value: Any) -> str:
    """Return `value` as JSON in which Falco finds no environment variable."""
    return _without_dollars(json.dumps(value, ensure_ascii=False))


def unexpanded(text: str) -> str:
    """Return what Falco's configuration must hold for a plugin to be given `text`."""
    if "${" not in text:
        return text
    try:
        json.loads(text)
    except ValueError:
        return _escaped(text)
    return _without_dollars(text)


def _without_dollars(text: str) -> str:
    # In JSON a $ stands within strings only, and these have another way to write it.
    return text.replace("$", "\\u0024") if "${" in text else text


def _escaped(text: str) -> str:
    """Write `$${NAME}` for `${NAME}`, up to a `$` that begins neither: Falco looks no further."""
    at = text.find("$")
    while text.startswith("${", at) and "}" in text[at:]:
        text = f"{text[:at]}${text[at:]}"
        at = text.find("$", at + 2)
    return text
