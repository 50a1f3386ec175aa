# SPDX-License-Identifier: Apache-2.0
"""The bytes of a capture file: opening, decompressing, following, and writing them."""
