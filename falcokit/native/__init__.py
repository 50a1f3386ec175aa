# SPDX-License-Identifier: Apache-2.0
"""From a plugin class to `lib<name>.so`: generate, compile, cache. Called by the CLI, never by the host."""

__all__: list[str] = []
