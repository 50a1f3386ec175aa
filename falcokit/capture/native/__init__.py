# SPDX-License-Identifier: Apache-2.0
"""What reads captures in C: scanning blocks, counting events, printing lines."""
