# SPDX-License-Identifier: Apache-2.0
"""The artifact of `falcokit package`: assembling, compressing, and verifying it."""
