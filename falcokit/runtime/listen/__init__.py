# SPDX-License-Identifier: Apache-2.0
"""The capability of capture listening, and its routines."""
