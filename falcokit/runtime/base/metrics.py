# SPDX-License-Identifier: Apache-2.0
"""The metrics that `get_metrics` returns: name, value, and one of the API's seven types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from falcokit.runtime.base.errors import PluginError

if TYPE_CHECKING:
    from typing import Self

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


class _Metric(NamedTuple):
    name: str
    value: float
    type: MetricType
    monotonic: bool


class Metric(_Metric):
    """One metric; the framework shows it as `<plugin>.<name>`.

    Attributes:
        name: Its name, at most 511 bytes with the plugin's.
        value: The number; integers must fit the type.
        type: The type it has in the API; by default "u64" for whole numbers, else "double".
        monotonic: Whether it never decreases, as a counter.

    """

    __slots__ = ()

    def __new__(
        cls,
        name: str,
        value: float,
        type: MetricType | None = None,  # noqa: A002  # the API's name for it
        monotonic: bool = True,
    ) -> Self:
        """Check the value here, so that the error shows the author's line.

        Raises:
            PluginError: it is not a whole number, and the type needs one.

        """
        whole = hasattr(value, "__index__")  # an int, or one of numpy's integers
        if type is None:
            type = "u64" if whole else "double"  # noqa: A001
        elif not whole and VALUE_TYPES.get(type, (0, None))[1] is not None and value != int(value):
            raise PluginError(
                f'metric {name!r}: {type} needs a whole number, not {value}; use "double" for it'
            )
        return super().__new__(cls, name, value, type, monotonic)


def checked(metric: Metric) -> tuple[str, int, int, float]:
    """Return the metric as the C side takes it: name, kind, type number and value.

    Raises:
        PluginError: the type is unknown, or the value does not fit it.

    """
    value_type = VALUE_TYPES.get(metric.type)
    if value_type is None:
        raise PluginError(f"metric {metric.name!r}: unknown type {metric.type!r}")
    if "\0" in metric.name:
        raise PluginError(f"metric {metric.name!r}: a name cannot contain NUL")
    number, low, high = value_type
    value: float = metric.value
    if low is not None and high is not None:
        value = int(value)
        if not low <= value <= high:
            raise PluginError(f"metric {metric.name!r}: {value} does not fit {metric.type}")
    return metric.name, 0 if metric.monotonic else 1, number, value
