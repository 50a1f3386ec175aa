# SPDX-License-Identifier: Apache-2.0
"""Reading annotations: what a class or a function declares, the same way on every Python.

Until 3.13 a class keeps its annotations in its dictionary; from 3.14 on (PEP 649, PEP 749) they are
evaluated on first access, and an undefined name is noticed only then. The standard library's
`inspect.get_annotations` and `annotationlib` hide the difference, but importing one of them takes
a fifth of the time of an init: here `annotationlib` is imported only where a name is missing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["evaluate_annotation", "own_annotations"]


def own_annotations(owner: Any) -> Mapping[str, Any]:
    """Return the annotations of a class (without its bases') or a function, as they are written.

    A value is the annotation itself, or a text or `ForwardRef` for `evaluate_annotation`: so one
    undefined name does not make the others unreadable.
    """
    try:
        found: Mapping[str, Any] = getattr(owner, "__annotations__", {})
    except NameError:  # an annotation uses an undefined name
        if sys.version_info >= (3, 14):
            import annotationlib  # noqa: PLC0415

            found = annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF)
        else:
            raise
    return found


def evaluate_annotation(annotation: Any, owner: Any) -> Any:
    """Return the type that an annotation of `owner` stands for.

    Raises:
        NameError: it uses a name that its module does not define.

    """
    names = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else {}
    own = dict(vars(owner)) if isinstance(owner, type) else {}
    while isinstance(annotation, str):  # twice if the author also put the name in quotes
        annotation = eval(annotation, dict(names), own)  # noqa: S307  # the author's own
    if type(annotation).__name__ == "ForwardRef" and hasattr(annotation, "evaluate"):
        annotation = annotation.evaluate(owner=owner)
    return annotation
