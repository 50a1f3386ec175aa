# SPDX-License-Identifier: Apache-2.0
"""Runs a plugin's library in the runner, a host in C that does what Falco does."""
