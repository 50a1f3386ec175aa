# SPDX-License-Identifier: Apache-2.0
"""From a plugin class to its library: described, checked, written in C, compiled."""
