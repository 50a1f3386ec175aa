# SPDX-License-Identifier: Apache-2.0
"""sysdig's filter language: its grammar, its fields, and what compiles a filter."""
