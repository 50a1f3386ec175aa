# SPDX-License-Identifier: Apache-2.0
"""Shared objects of an artifact: what they need, and how they are linked to the shipped Python."""
