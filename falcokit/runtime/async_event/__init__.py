# SPDX-License-Identifier: Apache-2.0
"""The capability of asynchronous events: declared events, their producers, and emission."""
