# SPDX-License-Identifier: Apache-2.0
"""What `get_metrics` returns: a name, a value, one of the API's seven types and two kinds."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from falcokit.runtime.errors import PluginError

__all__ = ["VALUE_TYPES", "Metric", "MetricType", "checked"]

MetricType = Literal["u32", "s32", "u64", "s64", "double", "float", "int"]

#: Type -> its number in the API, and the range of an integer.
VALUE_TYPES: Final[dict[str, tuple[int, int | None, int | None]]] = {
    "u32": (0, 0, 2**32 - 1),
    "s32": (1, -(2**31), 2**31 - 1),
    "u64": (2, 0, 2**64 - 1),
    "s64": (3, -(2**63), 2**63 - 1),
    "double": (4, None, None),
    "float": (5, None, None),
    "int": (6, -(2**31), 2**31 - 1),
}


class Metric(NamedTuple):
    """One metric; the framework shows it as `<plugin>.<name>`.

    Attributes:
        name: Its name, at most 511 bytes with the plugin's.
        value: The number; integers must fit the type.
        type: How it is handed over.
        monotonic: Whether it only ever grows, as a counter does.

    """

    name: str
    value: float
    type: MetricType = "u64"
    monotonic: bool = True


def checked(metric: Metric) -> tuple[str, int, int, float]:
    """Return name, kind, number of the type and value.

    Raises:
        PluginError: the type is unknown, or the value does not fit it.

    """
    value_type = VALUE_TYPES.get(metric.type)
    if value_type is None:
        raise PluginError(f"metric {metric.name!r}: unknown type {metric.type!r}")
    if "\0" in metric.name:
        raise PluginError(f"metric {metric.name!r}: a name has no NUL")
    number, low, high = value_type
    value: float = metric.value
    if low is not None and high is not None:
        value = int(value)
        if not low <= value <= high:
            raise PluginError(f"metric {metric.name!r}: {value} does not fit {metric.type}")
    return metric.name, 0 if metric.monotonic else 1, number, value
