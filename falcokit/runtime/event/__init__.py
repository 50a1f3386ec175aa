# SPDX-License-Identifier: Apache-2.0
"""Events that the host hands to a plugin: their types, parameters, and values."""
