# SPDX-License-Identifier: Apache-2.0
"""Runs a plugin while its author edits it: watches files, builds, restarts."""
