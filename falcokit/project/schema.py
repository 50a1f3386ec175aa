# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of [tool.falcokit], for editors and for validate-pyproject.

It has the form in which SchemaStore keeps the tables of tools. `settings` is what counts; a test
holds the schema to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["SCHEMA_FILE", "tool_schema"]

SCHEMA_FILE: Final = Path(__file__).with_name("falcokit.schema.json")


def tool_schema(tool_name: str = "falcokit") -> dict[str, Any]:
    """Return the schema of the table [tool.falcokit]; validate-pyproject asks for it by name."""
    if tool_name != "falcokit":
        raise ValueError(f"this is the schema of falcokit, not of {tool_name}")
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema
