# SPDX-License-Identifier: Apache-2.0
"""The events of a capture: their types, parameters, values and flags."""
