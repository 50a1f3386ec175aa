# SPDX-License-Identifier: Apache-2.0
"""The capture format: pcapng blocks, sections, options, and the records of its lists."""
