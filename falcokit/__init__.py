# SPDX-License-Identifier: Apache-2.0
"""falcokit: Falco plugins in Python."""
