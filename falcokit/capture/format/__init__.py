# SPDX-License-Identifier: Apache-2.0
"""The capture format: pcapng blocks, sections, options, and the records of its lists."""

__all__: list[str] = []
