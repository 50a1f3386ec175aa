# SPDX-License-Identifier: Apache-2.0
"""What `falcokit inspect` counts: one pass over a capture, and its document."""
