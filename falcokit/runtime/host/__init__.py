# SPDX-License-Identifier: Apache-2.0
"""The part of the runtime that the host calls: callbacks, plugin state, the author's modules."""
