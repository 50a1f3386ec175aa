# SPDX-License-Identifier: Apache-2.0
"""OCI registries: the layout of an artifact there, login, push, and rules artifacts."""
