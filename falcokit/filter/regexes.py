# SPDX-License-Identifier: Apache-2.0
r"""The operator `regex`: RE2 with POSIX syntax over the whole text, in linear time.

Falco gives RE2 its POSIX syntax, which has no groups with flags and no `\d`; `^` and `$` are at the
lines of a text, and a dot is everything but the end of a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.filter.types import ValueFaultError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_regex"]


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """Return a function that says whether an expression matches all of a text.

    Raises ValueFaultError, with RE2's reason.
    """
    try:
        import re2  # noqa: PLC0415 - only for an expression
    except ImportError:  # a Python too new for its wheels
        from falcokit.filter.posix_regex import compile_posix  # noqa: PLC0415

        in_python = compile_posix(_sanitized(pattern).decode())
        return lambda text: in_python(_sanitized(text).decode())
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.log_errors = False
    try:
        compiled = re2.compile(pattern.encode("utf-8", "replace"), options)
    except re2.error as e:
        reason = e.args[0].decode("utf-8", "replace") if isinstance(e.args[0], bytes) else e.args[0]
        raise ValueFaultError(f"not a regular expression for RE2: {reason}") from None
    return lambda text: compiled.fullmatch(_sanitized(text)) is not None


def _sanitized(text: str) -> bytes:
    """Return a text as UTF-8; bytes that are none become the replacement character, as in Falco."""
    data = text.encode("utf-8", "surrogateescape")
    return data if text.isascii() else data.decode("utf-8", "replace").encode()
