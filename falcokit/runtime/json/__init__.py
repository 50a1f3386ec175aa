# SPDX-License-Identifier: Apache-2.0
"""Declared fields: expressions over JSON payloads that C evaluates."""
