# SPDX-License-Identifier: Apache-2.0
"""From a plugin class to `lib<name>.so`: generate, compile, cache. Called by the CLI only."""

__all__: list[str] = []
