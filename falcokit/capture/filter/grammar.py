# SPDX-License-Identifier: Apache-2.0
"""The text of a filter as a tree: Falco's condition syntax, parsed with lark.

The grammar is LALR with a lexer that knows what may follow: behind an operator `and` is a value,
behind a value it is a keyword, as in Falco. The parser keeps its own stack, so that no text makes
it recurse.
"""

from __future__ import annotations

import functools
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from falcokit.capture.filter.plain import parse_plain
from falcokit.capture.filter.tree import Check, Group, Node, Value
from falcokit.capture.format.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lark import Lark, Token

__all__ = ["MAX_DEPTH", "MAX_TEXT", "Check", "Group", "Node", "Value", "parse", "parse_all"]

#: Characters of a filter, and how deep its parentheses may go.
MAX_TEXT: Final = 64 * 1024
MAX_DEPTH: Final = 100
_TRANSFORMERS: Final = ("val", "tolower", "toupper", "b64", "basename", "len", "join", "concat")

# A word operator must be followed by a blank, `in` and others need not; `_EXPECTED` explains the
# names of the terminals. A field includes its argument, `evt.arg[0]`, without blanks.
_GRAMMAR: Final = r"""
?start: either
either: both (OR both)*
both: negated (AND negated)*
?negated: NOT negated -> negate
    | check
?check: LPAR either ")" -> group
    | FIELD EXISTS -> check
    | FIELD ORDER number -> check
    | FIELD (EQUALITY | WORD) single -> check
    | FIELD MEMBER values -> check
    | FIELD MEMBER name -> check
    | NAME -> macro
single: value
value: QUOTED | BARE
number: NUMBER
name: NAME
values: LPAR [value ("," value)*] ")"

LPAR: "("
NOT.4: /not(?![A-Za-z0-9_.])/
AND: /and(?![A-Za-z0-9_.])/
OR: /or(?![A-Za-z0-9_.])/
FIELD.3: /[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+(?:\[(?:"[^"]*"|'[^']*'|[^\]\["'\s]+)\])?/
NAME: /[a-zA-Z][a-zA-Z0-9_]*/
EXISTS.2: /exists(?![A-Za-z0-9_.])/
ORDER: /<=|<|>=|>/
EQUALITY: /==|=|!=/
WORD: /(?:i?glob|[ib]?contains|b?startswith|endswith|regex)(?![A-Za-z0-9_.])/
MEMBER: /(?:intersects|in|pmatch)(?![A-Za-z0-9_.])/
NUMBER: /0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?/
QUOTED: /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/s
BARE: /[^()"'\s=,]+/
%ignore /[ \t\r\n\x08]+/
"""  # noqa: E501 - a terminal is one line

_OPERATORS: Final = (
    "an operator (= == != < <= > >= in contains icontains startswith endswith glob iglob "
    "bcontains bstartswith intersects pmatch exists)"
)
_EXPECTED: Final = {
    "FIELD": "a field such as evt.type",
    "NOT": "'not'",
    "LPAR": "'('",
    **dict.fromkeys(("EXISTS", "ORDER", "EQUALITY", "WORD", "MEMBER"), _OPERATORS),
    "NUMBER": "a number",
    "QUOTED": "a value",
    "BARE": "a value",
    "COMMA": "','",
    "AND": "'and'",
    "OR": "'or'",
    "RPAR": "')'",
}
_ESCAPES: Final = {
    "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "/": b"/", "\\": b"\\",
    # Falco accepts rules that escape a blank: it stands for the backslash.
    " ": b"\\",
}  # fmt: skip
_HEX: Final = "[0-9a-fA-F]{2}"


_Part: TypeAlias = tuple[Node, int]  # with the depth of its parentheses


class _FaultError(Exception):
    """Something wrong at a position, before the whole text is known."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def parse(text: str) -> Node:
    """Return the tree of a filter; raise FilterError that points at what is wrong."""
    if len(text) > MAX_TEXT:
        raise FilterError(f"a filter has at most {MAX_TEXT} characters", text, MAX_TEXT)
    if not text.strip():
        raise FilterError("the filter is empty", text, 0)
    return parse_plain(text) or parse_all(text)


def parse_all(text: str) -> Node:
    """Return the tree of any filter, with lark."""
    from lark import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415 - 40 ms

    parser: Any = _parser().parse_interactive(text)
    try:
        deque(parser.iter_parse(), maxlen=0)
        node, _ = cast("_Part", parser.feed_eof())
    except _FaultError as e:
        raise FilterError(e.reason, text, e.position) from None
    except UnexpectedCharacters as e:
        raise _unexpected(text, e.pos_in_stream or 0, parser.accepts()) from None
    except UnexpectedToken as e:
        ended = e.token.type == "$END"
        at = len(text.rstrip()) if ended else e.token.start_pos or 0
        raise _unexpected(text, at, parser.accepts()) from None
    return node


@functools.cache
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415 - only a filter needs it

    return Lark(
        _GRAMMAR, parser="lalr", lexer="contextual", transformer=_Build(), maybe_placeholders=False
    )


class _Build:
    """Builds the tree: one method for each rule, which lark calls while it parses."""

    def either(self, parts: list[Token | _Part]) -> _Part:
        return _join("or", parts)

    def both(self, parts: list[Token | _Part]) -> _Part:
        return _join("and", parts)

    def negate(self, parts: tuple[Token, _Part]) -> _Part:
        node, depth = parts[1]
        if isinstance(node, Group) and node.word == "not":
            return node.children[0], depth
        return Group(word="not", children=(node,)), depth

    def group(self, parts: tuple[Token, _Part]) -> _Part:
        node, depth = parts[1]
        if depth == MAX_DEPTH:
            at = parts[0].start_pos or 0
            raise _FaultError(f"parentheses go deeper than {MAX_DEPTH} levels", at)
        return node, depth + 1

    def check(self, parts: Sequence[Any]) -> _Part:
        field, operator = parts[:2]
        name, bracket, argument = field.partition("[")
        check = Check(
            field=str(name),
            argument=argument[:-1].strip("\"'") if bracket else None,
            operator="=" if operator == "==" else str(operator),
            values=tuple(parts[2]) if parts[2:] else (),
            position=field.start_pos,
            operator_position=operator.start_pos,
        )
        return check, 0

    def value(self, parts: list[Token]) -> Value:
        token, at = parts[0], parts[0].start_pos or 0
        if token.type == "QUOTED":
            return Value(data=_unescape(token, at), position=at)
        return Value(data=token.encode("utf-8", "surrogateescape"), position=at)

    def single(self, parts: list[Value]) -> list[Value]:
        return parts

    def number(self, parts: list[Token]) -> list[Value]:
        return [self.value(parts)]

    name = number

    def values(self, parts: Sequence[Any]) -> Sequence[Value]:
        return parts[1:]

    def macro(self, parts: list[Token]) -> _Part:
        reason = f"'{parts[0]}' is not a field, and filters have no macros"
        raise _FaultError(reason, parts[0].start_pos or 0)


def _join(word: str, parts: Sequence[Token | _Part]) -> _Part:
    found = [part for part in parts if isinstance(part, tuple)]
    if len(found) == 1:
        return found[0]
    children = tuple(node for node, _ in found)
    return Group(word=word, children=children), max(depth for _, depth in found)


def _unescape(quoted: str, position: int) -> bytes:
    quote, rest = quoted[0], quoted[1:-1]
    pieces = []
    while rest:
        plain, escape, rest = rest.partition("\\")
        pieces.append(plain.encode("utf-8", "surrogateescape"))
        if not escape:
            break
        if rest[0] == "x" and re.fullmatch(_HEX, rest[1:3]):
            pieces.append(bytes.fromhex(rest[1:3]))
            rest = rest[3:]
        elif rest[0] in _ESCAPES or rest[0] == quote:
            pieces.append(_ESCAPES.get(rest[0]) or quote.encode())
            rest = rest[1:]
        else:
            at = position + len(quoted) - len(rest) - 2
            raise _FaultError(f"there is no escape \\{rest[0]} in {quote}...{quote}", at)
    return b"".join(pieces)


def _unexpected(text: str, position: int, allowed: Iterable[str]) -> FilterError:
    found = set(allowed)
    words = list(dict.fromkeys(word for name, word in _EXPECTED.items() if name in found))
    if text[position : position + 1] in {'"', "'"} and "QUOTED" in found:
        return FilterError("this quote is not closed", text, position)
    if text[position : position + 1] == "[" and "EXISTS" in found:
        return FilterError("the argument of a field is closed by ']'", text, position)
    if text[position : position + 1] == "(" and "NUMBER" not in found:
        before = text[:position]
        if before.endswith(_TRANSFORMERS):
            return FilterError("transformers such as val() are not supported", text, position)
    if text[position : position + 1] == ")" and not words:
        return FilterError("there is no '(' for this ')'", text, position)
    expected = " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
    return FilterError(f"expected {expected}", text, position)
