# SPDX-License-Identifier: Apache-2.0
"""What compiles: the C compiler, running commands, and the cache of what was compiled."""
