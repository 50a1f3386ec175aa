# SPDX-License-Identifier: Apache-2.0
"""The distributions that a plugin needs: resolving, locking, and unpacking them."""
