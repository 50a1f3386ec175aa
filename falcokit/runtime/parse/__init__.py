# SPDX-License-Identifier: Apache-2.0
"""The capability of event parsing."""
