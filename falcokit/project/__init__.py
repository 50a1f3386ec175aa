# SPDX-License-Identifier: Apache-2.0
"""A plugin's project: its settings, its names, and the templates it starts from."""
