# SPDX-License-Identifier: Apache-2.0
"""Texts of event parameters, as sysdig prints them."""
