# SPDX-License-Identifier: Apache-2.0
"""What to do about a field that a source does not have: the usual reasons, each in a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.rules.catalog import EventSourceFields

__all__ = ["field_hint"]

_NAME: Final = re.compile(r"%?[0-9]*([a-zA-Z][a-zA-Z0-9_.]*)")
_PLUGINS: Final = {
    "container.": "container",
    "k8s.": "k8smeta or container",
    "k8smeta.": "k8smeta",
    "json.": "json",
    "jevt.": "json",
    "ka.": "k8saudit",
    "ct.": "cloudtrail",
    "okta.": "okta",
    "github.": "github",
    "gcp.": "gcpaudit",
    "kc.": "keycloak",
}


def field_hint(
    written: str, source: EventSourceFields, sources: Mapping[str, EventSourceFields]
) -> str | None:
    """Return why a source may lack a field that is written so, None if there is nothing to say."""
    found = _NAME.match(written)
    if found is None:
        return None
    name = found[1]
    if source.catalog.find(name) is not None:
        return None
    elsewhere = [
        other.name
        for other in sources.values()
        if other.name != source.name and other.catalog.find(name) is not None
    ]
    if name.startswith(("evt.type", "evt.arg", "evt.dir")) and source.name != "syscall":
        shown = f"the source {source.name} has plugin events, which have fields of plugins instead"
        by_name = "; an async event is found by evt.asynctype = NAME"
        return shown + by_name if name.startswith("evt.type") else shown
    if elsewhere:
        return f"the rule has source: {source.name}; {name} is a field of {', '.join(elsewhere)}"
    for prefix, plugin in _PLUGINS.items():
        if name.startswith(prefix):
            return f"{prefix}* are fields of the plugin {plugin}, which is not loaded"
    return None
