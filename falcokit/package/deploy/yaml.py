# SPDX-License-Identifier: Apache-2.0
"""Plain data as block YAML that every reader understands as the same data.

PyYAML writes it and quotes what it would itself read as something other than text; readers of
YAML 1.2 differ (1e3, 0o17, y), so any text that is not clearly a word, a path or an address is
quoted. Single quotes keep JSON readable; double quotes have an escape for everything.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import yaml

__all__ = ["to_yaml"]

#: Starts with a letter or a slash, so it is not a number or a date.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, and nothing is shared between two places."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if '"' in text and text.isprintable() else '"'
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, None if is_plain else style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """Write dictionaries, lists, text, numbers, booleans and None."""
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=math.inf)
    return text.removesuffix("...\n")  # the mark after a document that is a plain scalar
