# SPDX-License-Identifier: Apache-2.0
"""State tables: those that a plugin imports, and those that it exports."""
