# SPDX-License-Identifier: Apache-2.0
"""The language of conditions: what rules and the filters of captures are written in.

`grammar` reads a text into a `tree`, `condition` compiles that for the fields of a catalog
(`fields`, `types`), and `batch` evaluates many conditions over many events. `explain` says which
part of a condition was false. Nothing here knows where events and fields come from.
"""

__all__: list[str] = []
