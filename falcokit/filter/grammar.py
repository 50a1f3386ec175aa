# SPDX-License-Identifier: Apache-2.0
"""The text of a condition as a tree: Falco's grammar.

Written by hand, by descent as Falco's own parser is: what one takes and the other refuses would be
a rule that works here and fails there. So words need no blank where Falco needs none (`in(`,
`existsand`), a quote after a backslash does not close, and the depth is counted as Falco counts it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from falcokit.filter.errors import FilterError
from falcokit.filter.tree import (
    Check,
    FieldRef,
    Group,
    ItemList,
    Macro,
    Node,
    Operand,
    Transformed,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_DEPTH", "MAX_TEXT", "OPERATORS", "TRANSFORMERS", "parse", "parse_field"]

#: Characters of a condition; with every macro written out, Falco's longest have some ten thousand.
MAX_TEXT: Final = 256 * 1024
#: How deep Falco's parser goes: parentheses take five each, which makes eighteen of them.
MAX_DEPTH: Final = 100

TRANSFORMERS: Final = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")
_ORDER: Final = ("<=", "<", ">=", ">")
_SYMBOLS: Final = ("==", "=", "!=")
_WORDS: Final = (
    "glob", "iglob", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith",
    "regex",
)  # fmt: skip
_MODIFIERS: Final = ("oneof", "anyof", "allof")
_LISTS: Final = ("intersects", "in", "pmatch")
#: All operators, in the order of Falco's messages.
OPERATORS: Final = ("exists", *_ORDER, *_SYMBOLS, *_WORDS, *_LISTS)

_BLANKS: Final = frozenset(" \t\b\r\n")
# Patterns, compiled when a text first needs them: all at once would take as long as reading a
# capture of some megabytes.
_NOT: Final = r"not[ \t\n\v\f\r]+"
_NAME: Final = r"[a-zA-Z][a-zA-Z0-9_]*"
_FIELD: Final = r"[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+"
_ARGUMENT: Final = r"""[^\]\["' \t\n\v\f\r]+"""
_NUMBER: Final = r"0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?"
_BARE: Final = r"""[^()"' \t\n\v\f\r=,]+"""
_KEYWORD: Final = r"(?:and|or|not)(?![a-zA-Z0-9])"
_HEX: Final = r"[0-9a-fA-F]{2}"

_ESCAPES: Final = {
    "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "/": b"/", "\\": b"\\",
    # Falco accepts rules that escape a blank: it stands for the backslash.
    " ": b"\\",
}  # fmt: skip
_OR_FIELD: Final = f"or a field in one of the transformers val, {', '.join(TRANSFORMERS)}"

_T = TypeVar("_T")


def parse(text: str) -> Node:
    """Return the tree of a condition; raise FilterError that points at what is wrong."""
    _check_length(text)
    if not text.strip(" \t\b\r\n"):
        raise FilterError("the condition is empty", text, 0)
    parser = _Parser(text)
    node = parser.either()
    if parser.at < len(text):
        raise parser.unexpected()
    return node


def parse_field(text: str, start: int = 0) -> tuple[FieldRef | Transformed, int]:
    """Read a field, in transformers or not, at `start`; return it and the position behind it.

    This is what stands behind the `%` of an output. Raises FilterError.
    """
    _check_length(text)
    parser = _Parser(text)
    parser.at = start
    field = parser.left()
    if field is None:
        raise FilterError("expected a field such as evt.type, or a transformer", text, start)
    return field, parser.at


def _check_length(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise FilterError(f"a condition has at most {MAX_TEXT} characters", text, MAX_TEXT)


class _Parser:
    """Reads one text from `at` on; each method leaves `at` behind what it has read."""

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.at = 0
        self._depth = 0
        self._last = ""

    def error(self, reason: str, at: int | None = None) -> FilterError:
        return FilterError(reason, self.text, self.at if at is None else at)

    def unexpected(self) -> FilterError:
        """Return what is wrong with what follows a complete condition."""
        if self.text[self.at] == ")":
            return self.error("there is no '(' for this ')'")
        if self.text[self.at] == "(" and self._last in {*TRANSFORMERS, "val"}:
            return self.error(f"{self._last}() is for the right-hand side of a check")
        after = f" after {self._last!r}" if self._last else ""
        return self.error(f"expected 'and' or 'or'{after}")

    def _deeper(self, read: Callable[[], _T], levels: int = 1) -> _T:
        """Read something that Falco's parser reads `levels` calls below this."""
        self._depth += levels
        if self._depth >= MAX_DEPTH:
            raise self.error(f"this is nested too deeply: Falco reads at most {MAX_DEPTH} levels")
        found = read()
        self._depth -= levels
        return found

    # ---- Tokens ----------------------------------------------------------------------------------

    def _blank(self) -> bool:
        start, text = self.at, self.text
        while text[self.at : self.at + 1] in _BLANKS:
            self.at += 1
        return self.at > start

    def _take(self, pattern: str) -> str | None:
        found = re.compile(pattern).match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        self._last = found[0]
        return self._last

    def _takes(self, word: str) -> bool:
        found = self.text.startswith(word, self.at)
        if found:
            self.at += len(word)
            self._last = word
        return found

    def _take_one(self, words: tuple[str, ...]) -> str | None:
        """Read the first of some words that is here."""
        return next((word for word in words if self._takes(word)), None)

    def _take_word(self, words: tuple[str, ...]) -> str | None:
        """Read a word that a blank has to follow, and the blank."""
        for word in words:
            if self.text.startswith(word, self.at):
                behind = self.text[self.at + len(word) : self.at + len(word) + 1]
                if behind in _BLANKS:
                    self._takes(word)
                    self._blank()
                    return word
        return None

    def _take_call(self, names: tuple[str, ...]) -> str | None:
        """Read the name of a transformer, and the parenthesis that follows it at once."""
        for name in names:
            if self.text.startswith(f"{name}(", self.at):
                self.at += len(name) + 1
                self._last = name
                return name
        return None

    def _quoted(self) -> bytes | None:
        """Read a quoted text; None if there is no quote, or none that closes it."""
        text, start = self.text, self.at
        quote = text[start : start + 1]
        if quote not in {'"', "'"} or not quote:
            return None
        end = text.find(quote, start + 1)
        while end > start + 1 and text[end - 1] == "\\":
            end = text.find(quote, end + 1)
        if end < 0 or "\0" in text[start:end]:
            return None
        self.at, self._last = end + 1, text[start + 1 : end]
        return self._unescape(start + 1, end)

    def _unescape(self, start: int, end: int) -> bytes:
        """Return what stands between two quotes, the first before `start`, the other at `end`."""
        text, quote = self.text, self.text[end]
        pieces, at = [], start
        while (escape := text.find("\\", at, end)) >= 0:
            pieces.append(text[at:escape].encode("utf-8", "surrogateescape"))
            code, at = text[escape + 1], escape + 2
            if code == "x":
                if not re.compile(_HEX).match(text, at, end):
                    raise self._wrong_escape("\\x takes two hexadecimal digits", escape, end + 1)
                pieces.append(bytes.fromhex(text[at : at + 2]))
                at += 2
            elif code in _ESCAPES or code == quote:
                pieces.append(_ESCAPES.get(code) or quote.encode())
            else:
                reason = f"there is no escape \\{code} in {quote}{quote}"
                raise self._wrong_escape(reason, escape, end + 1)
        pieces.append(text[at:end].encode("utf-8", "surrogateescape"))
        return b"".join(pieces)

    def _wrong_escape(self, reason: str, at: int, end: int) -> FilterError:
        return FilterError(reason, self.text, at, end)

    # ---- and, or, not ----------------------------------------------------------------------------

    def either(self) -> Node:
        return self._deeper(lambda: self._joined("or", self._both))

    def _both(self) -> Node:
        return self._deeper(lambda: self._joined("and", self._negated))

    def _joined(self, word: str, read: Callable[[], Node]) -> Node:
        self._blank()
        start = self.at
        children = [read()]
        self._blank()
        while self._takes(word):
            if self._blank():
                children.append(read())
            elif self._takes("("):
                children.append(self._embedded())
            else:
                what = "a blank or '('" if self.at < len(self.text) else "a field or '('"
                raise self.error(f"expected {what} after '{word}'")
            self._blank()
        if len(children) == 1:
            return children[0]
        return Group(word=word, children=tuple(children), position=start)

    def _negated(self) -> Node:
        return self._deeper(self._negation)

    def _negation(self) -> Node:
        self._blank()
        start, negated = self.at, False
        while self._take(_NOT):
            negated = not negated
        if self._takes("not("):
            negated = not negated
            child = self._embedded()
        else:
            child = self._deeper(self._check)
        return Group(word="not", children=(child,), position=start) if negated else child

    def _embedded(self) -> Node:
        return self._deeper(self._rest_of_parentheses)

    def _rest_of_parentheses(self) -> Node:
        node = self.either()
        self._blank()
        if not self._takes(")"):
            raise self.error(self._unclosed("expected 'and', 'or' or ')'"))
        return node

    def _unclosed(self, expected: str) -> str:
        if self.text[self.at : self.at + 1] in {'"', "'"} and self._quoted_or_none() is None:
            return "this quote is not closed"
        return expected

    def _quoted_or_none(self) -> bytes | None:
        start = self.at
        try:
            return self._quoted()
        except FilterError:
            return b""
        finally:
            self.at = start

    # ---- A check ---------------------------------------------------------------------------------

    def _check(self) -> Node:
        self._blank()
        start = self.at
        if self._takes("("):
            return self._embedded()
        left = self.left()
        if left is not None:
            return self._deeper(lambda: self._comparison(left, start))
        name = self._take(_NAME)
        if name:
            return Macro(name=name, position=start)
        raise self.error(self._unclosed("expected a field such as evt.type, 'not' or '('"))

    def left(self) -> FieldRef | Transformed | None:
        """Read a field or a transformer, if there is one."""
        start = self.at
        name = self._take(_FIELD)
        if name:
            return self._deeper(lambda: self._field(name, start))
        call = self._take_call(TRANSFORMERS)
        if call:
            return self._deeper(lambda: self._transformed(call, start))
        return None

    def _field(self, name: str, start: int) -> FieldRef:
        return FieldRef(name=name, argument=self._argument(), position=start)

    def _argument(self) -> str | None:
        if not self._takes("["):
            return None
        start = self.at - 1
        quoted = self._quoted()
        found = self._take(_ARGUMENT) if quoted is None else quoted.decode("utf-8", "replace")
        if found is None:
            raise self.error(self._unclosed("expected the argument of the field"))
        if not self._takes("]"):
            reason = "the argument of a field is closed by ']'"
            raise FilterError(reason, self.text, start, self.at)
        return found

    def _comparison(self, left: FieldRef | Transformed, start: int) -> Check:
        self._blank()
        at = self.at

        def check(
            operator: str, values: tuple[Value, ...], right: Operand | None = None, *, bare: bool
        ) -> Check:
            assert right is None or isinstance(right, FieldRef | Transformed)  # noqa: S101
            return Check(
                left=left,
                operator="=" if operator == "==" else operator,
                values=values,
                right=right,
                position=start,
                operator_position=at,
                bare=bare,
            )

        if self._takes("exists"):
            return check("exists", (), bare=False)
        operator = self._take_one(_ORDER)
        if operator:
            found = self._deeper(self._number_or_field)
            return check(operator, *_sides(found), bare=False)
        operator = self._take_one(_SYMBOLS) or self._take_word(_WORDS)
        if operator:
            modifier = self._modifier(operator)
            if modifier:
                values, bare = self._deeper(self._list_or_name)
                return check(f"{operator} {modifier}".replace("==", "="), values, bare=bare)
            found = self._deeper(self._value_or_field)
            return check(operator, *_sides(found), bare=False)
        operator = self._take_one(_LISTS)
        if operator:
            values, right, bare = self._deeper(self._list_or_field)
            return check(operator, values, right, bare=bare)
        raise self.error(self._no_operator())

    def _no_operator(self) -> str:
        if self.text.startswith("[", self.at):
            return "the argument of a field follows it without a blank"
        return f"expected an operator ({' '.join(OPERATORS)})"

    def _modifier(self, operator: str) -> str | None:
        """Read a modifier, as in `= anyof (a, b)`; a value may have the name of one."""
        start, last = self.at, self._last
        if not operator.isalpha() and not self._blank():
            return None
        modifier = self._take_word(_MODIFIERS)
        if modifier and self._list_follows():
            return modifier
        self.at, self._last = start, last
        return None

    def _list_follows(self) -> bool:
        if self.text.startswith("(", self.at):
            return True
        found = re.compile(_NAME).match(self.text, self.at)
        return found is not None and not re.compile(_KEYWORD).match(self.text, self.at)

    # ---- The right-hand side ---------------------------------------------------------------------

    def _number_or_field(self) -> Operand:
        self._blank()
        found = self._deeper(self._right_field)
        if found is not None:
            return found
        start = self.at
        number = self._take(_NUMBER)
        if number is None:
            raise self.error(f"expected a number, {_OR_FIELD}")
        return _bare(number, start)

    def _value_or_field(self) -> Operand:
        self._blank()
        found = self._deeper(self._right_field)
        return self._value(f"expected a value, {_OR_FIELD}") if found is None else found

    def _value(self, expected: str = "expected a value") -> Value:
        self._blank()
        start = self.at
        quoted = self._quoted()
        if quoted is not None:
            return Value(data=quoted, position=start, in_quotes=True)
        bare = self._take(_BARE)
        if bare is None:
            raise self.error(self._unclosed(expected))
        return _bare(bare, start)

    def _list_or_name(self) -> tuple[tuple[Value, ...], bool]:
        self._blank()
        start = self.at
        values = self._list()
        if values is not None:
            return values, False
        name = self._take(_NAME)
        if name is None:
            raise self.error("expected a list in parentheses, or a word")
        return (_bare(name, start),), True

    def _list_or_field(self) -> tuple[tuple[Value, ...], Operand | None, bool]:
        self._blank()
        start = self.at
        values = self._list()
        if values is not None:
            return values, None, False
        field = self._deeper(self._right_field)
        if field is not None:
            return (), field, False
        name = self._take(_NAME)
        if name is None:
            raise self.error(f"expected a list in parentheses, a word, {_OR_FIELD}")
        return (_bare(name, start),), None, True

    def _list(self) -> tuple[Value, ...] | None:
        if not self._takes("("):
            return None
        self._blank()
        if self._takes(")"):
            return ()
        try:
            values = [self._deeper(self._value)]
        except FilterError:
            # Falco drops a first value that has a wrong escape: if it is alone, the list is empty.
            if self._takes(")"):
                return ()
            raise
        self._blank()
        while self._takes(","):
            values.append(self._deeper(self._value))
            self._blank()
        if not self._takes(")"):
            raise self.error(self._unclosed("expected ',' or ')'"))
        return tuple(values)

    def _right_field(self) -> FieldRef | Transformed | None:
        self._blank()
        start = self.at
        if self._take_call(("val",)):
            return self._val(start)
        call = self._take_call(TRANSFORMERS)
        return None if call is None else self._deeper(lambda: self._transformed(call, start))

    def _val(self, start: int) -> Transformed:
        self._blank()
        at = self.at
        name = self._take(_FIELD)
        if name is None:
            raise self.error("expected a field in val()")
        field = self._deeper(lambda: self._field(name, at))
        self._close()
        return Transformed(name="val", operands=(field,), argument=self._argument(), position=start)

    # ---- Transformers ----------------------------------------------------------------------------

    def _transformed(self, name: str, start: int) -> Transformed:
        operands = [self._deeper(self._operand)]
        self._blank()
        while self._takes(","):
            operands.append(self._deeper(self._operand))
            self._blank()
        self._close()
        return Transformed(
            name=name, operands=tuple(operands), argument=self._argument(), position=start
        )

    def _close(self) -> None:
        self._blank()
        if not self._takes(")"):
            raise self.error(self._unclosed("expected the ')' of the transformer"))

    def _operand(self) -> Operand:
        self._blank()
        start = self.at
        constant = self._constant()
        if constant is not None:
            return constant
        if self._takes("("):
            return self._items(start)
        left = self.left()
        if left is not None:
            return left
        raise self.error(
            self._unclosed("expected a field, a transformer, a quoted text, a number or a list")
        )

    def _constant(self) -> Value | None:
        start = self.at
        number = self._take(_NUMBER)
        if number is not None:
            return _bare(number, start)
        quoted = self._quoted()
        return None if quoted is None else Value(data=quoted, position=start, in_quotes=True)

    def _items(self, start: int) -> ItemList:
        self._blank()
        items: list[Operand] = []
        if self._takes(")"):
            return ItemList(items=(), position=start)
        items.append(self._item())
        self._blank()
        while self._takes(","):
            self._blank()
            items.append(self._item())
            self._blank()
        if not self._takes(")"):
            raise self.error(self._unclosed("expected ',' or ')'"))
        return ItemList(items=tuple(items), position=start)

    def _item(self) -> Operand:
        found = self.left() or self._constant()
        if found is None:
            raise self.error(
                self._unclosed("expected a field, a transformer, a quoted text or a number")
            )
        return found


def _bare(word: str, at: int) -> Value:
    return Value(data=word.encode("utf-8", "surrogateescape"), position=at)


def _sides(found: Operand) -> tuple[tuple[Value, ...], Operand | None]:
    return ((found,), None) if isinstance(found, Value) else ((), found)
