# SPDX-License-Identifier: Apache-2.0
"""The types of tables: keys, fields and the classes that describe an entry.

    class Process(TableEntry):
        comm: str                                            # a field of the table
        ns: Annotated[i64, "vpid"]                           # a field with another name
        fds: Annotated[Table[i64, Fd], "file_descriptors"]   # a table within each entry
        score: u64 = added()                                 # a field that this plugin adds

Imported and exported tables read these classes with `entry_fields`, as does the build to check
them.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar, get_args, get_origin

from falcokit.runtime.base.annotations import evaluate_annotation, own_annotations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self, TypeAlias

    i8: TypeAlias = int  # noqa: PYI042
    i16: TypeAlias = int  # noqa: PYI042
    i32: TypeAlias = int  # noqa: PYI042
    i64: TypeAlias = int  # noqa: PYI042
    u8: TypeAlias = int  # noqa: PYI042
    u16: TypeAlias = int  # noqa: PYI042
    u32: TypeAlias = int  # noqa: PYI042
    u64: TypeAlias = int  # noqa: PYI042
else:
    i8, i16, i32, i64, u8, u16, u32, u64 = (
        type(name, (int,), {"__doc__": f"An int of {name[1:]} bits in a table.", "__slots__": ()})
        for name in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64")
    )

__all__ = [
    "STATE_TYPES",
    "Added",
    "Field",
    "Table",
    "TableEntry",
    "added",
    "check_name",
    "entry_fields",
    "i8",
    "i16",
    "i32",
    "i64",
    "key_type",
    "readonly",
    "u8",
    "u16",
    "u32",
    "u64",
]

#: Falco's number of each type, by the name it has here.
STATE_TYPES: Final = {
    "i8": 1, "i16": 2, "i32": 3, "i64": 4, "u8": 5, "u16": 6, "u32": 7, "u64": 8,
    "str": 9, "table": 10, "bool": 25,
}  # fmt: skip
_SCALARS: Final = {i8: "i8", i16: "i16", i32: "i32", i64: "i64",
                   u8: "u8", u16: "u16", u32: "u32", u64: "u64",
                   str: "str", bool: "bool"}  # fmt: skip

K = TypeVar("K")
E = TypeVar("E", bound="TableEntry")


class Added:
    """The class attribute that `added` returns: the plugin adds this field to the table."""


def added() -> Any:
    """Declare a field that the plugin adds to the entries of a table it imports.

    Scalars, str and bool can be added. Two plugins that add the same name and type share the field.
    It reads as 0, "" or False until it is written.
    """
    return Added()


class _ReadOnly:
    """The type of `readonly`, for `Annotated[type, readonly]` in an exported table."""


#: Others may read such a field of an exported table, and not write it.
readonly: Final = _ReadOnly()


class TableEntry:
    """Base of the classes that describe the entries of a table: annotations are its fields.

    An entry that a table returns is an instance of the class, which may have methods. Its
    attributes read and write the table. An entry of an imported table is valid until the hook that
    got it returns; after that it raises TableError.
    """

    __slots__ = ()

    def __init__(self, **fields: Any) -> None:
        """Create an entry for an exported table."""
        for name, value in fields.items():
            setattr(self, name, value)

    def release(self) -> None:
        """Release the entry before the hook returns, as a `with` block does at its end."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Return the entry."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release it."""
        self.release()


class Table(Generic[K, E]):
    """A table: Falco's own or another plugin's, imported with `import_table`, or a nested one.

    Its methods work in the hooks to which Falco gives tables: `init`, `parse_event`, the capture
    listening hooks, and, for reading only, extraction. Elsewhere they raise TableError; if the
    owner of the table refuses, it has the owner's text.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name, as the owner reports it."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of entries."""
        raise NotImplementedError

    def get(self, key: K) -> E | None:
        """Return the entry of a key, or None."""
        raise NotImplementedError

    def __getitem__(self, key: K) -> E:
        """Return the entry of a key; KeyError when there is none."""
        raise NotImplementedError

    def __setitem__(self, key: K, fields: dict[str, Any]) -> None:
        """Create an entry with these fields, as `insert` does."""
        raise NotImplementedError

    def __delitem__(self, key: K) -> None:
        """Remove the entry of a key, as `erase` does."""
        raise NotImplementedError

    def __contains__(self, key: object) -> bool:
        """Return whether the key has an entry."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[E]:
        """Iterate over the entries, in the owner's order; `break` ends it early."""
        raise NotImplementedError

    def insert(self, key: K, /, **fields: Any) -> E:
        """Create an entry with these fields, put it at `key` and return it.

        Whether an existing entry at that key is replaced or kept depends on the owner.
        """
        raise NotImplementedError

    def erase(self, key: K) -> None:
        """Remove the entry of a key; TableError when there is none."""
        raise NotImplementedError

    def clear(self) -> None:
        """Remove all entries."""
        raise NotImplementedError


class Field(NamedTuple):
    """One field of an entry.

    Attributes:
        attribute: Its name in the class.
        name: Its name in the table.
        kind: Its type, a key of STATE_TYPES.
        default: The value that the class assigns to it, which may be an `Added`; None: no value.
        key: For a nested table, the type of its keys.
        entry: For a nested table, the class of its entries.
        read_only: Whether it is annotated with `readonly`.
        mapping: For a nested table, whether it is annotated as a mapping.

    """

    attribute: str
    name: str
    kind: str
    default: Any = None
    key: str = ""
    entry: Any = None
    read_only: bool = False
    mapping: bool = False


def key_type(annotation: object) -> str:
    """Return the name of the type of a key: i8 to u64, bool or str.

    Raises:
        TypeError: it is none of these.

    """
    name = _SCALARS.get(annotation)  # type: ignore[call-overload]  # any object may be asked for
    if name is None:
        raise TypeError(f"{_shown(annotation)} is not a type of tables: i8 to u64, bool or str")
    return str(name)


def check_name(name: object) -> None:
    """Check the name of a table or a field.

    Raises:
        TypeError: it is not a valid name.

    """
    if isinstance(name, str) and name and "\0" not in name:
        try:
            name.encode()
        except UnicodeEncodeError:
            pass
        else:
            return
    raise TypeError(f"{name!r} is not a name: a str without NUL is needed")


def entry_fields(entry: type[Any]) -> tuple[Field, ...]:
    """Return the fields that a class and its bases declare, in their order.

    Raises:
        TypeError: the class is not a TableEntry, or an annotation is not a type of tables. The text
            begins with the attribute if one is at fault.

    """
    if not (isinstance(entry, type) and issubclass(entry, TableEntry)):
        raise TypeError(f"{_shown(entry)} is not a subclass of falcokit.TableEntry")
    found: dict[str, Field] = {}
    for base in reversed(entry.__mro__):
        if base in TableEntry.__mro__:
            continue
        if vars(base).get("__slots__"):
            raise TypeError(f"__slots__: {base.__name__} cannot have __slots__")
        annotations = own_annotations(base)
        for attribute, value in vars(base).items():
            if isinstance(value, Added) and attribute not in annotations:
                raise TypeError(f"{attribute}: it has no type: `{attribute}: u64 = added()`")
        for attribute, annotation in annotations.items():
            try:
                value = evaluate_annotation(annotation, base)
                field = _field(attribute, value, vars(base).get(attribute))
            except (TypeError, NameError) as e:
                raise TypeError(f"{attribute}: {e}") from e
            found[attribute] = field
    return tuple(found.values())


def _field(attribute: str, annotation: object, default: object) -> Field:
    name, read_only = attribute, False
    check_name(attribute)
    if any(attribute in vars(base) for base in TableEntry.__mro__):
        other = f"Annotated[type, {attribute!r}]"
        raise TypeError(f"every entry has this attribute: use another name here, with {other}")
    if metadata := getattr(annotation, "__metadata__", ()):  # Annotated[type, "name"]
        name = next((text for text in metadata if isinstance(text, str)), attribute)
        read_only = readonly in metadata
        annotation = get_args(annotation)[0]
    check_name(name)
    origin = get_origin(annotation)
    if origin in {Table, MutableMapping}:
        if isinstance(default, Added):
            raise TypeError("an added field cannot be a table")
        key, entry = get_args(annotation)
        if isinstance(entry, str) or not isinstance(entry, type):
            raise TypeError(f"{_shown(entry)} is not a class; define it before it is used")
        mapping = origin is not Table
        return Field(attribute, name, "table", default, key_type(key), entry, read_only, mapping)
    return Field(attribute, name, key_type(annotation), default, read_only=read_only)


def _shown(value: object) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)
