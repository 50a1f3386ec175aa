# SPDX-License-Identifier: Apache-2.0
"""What a replay knows at the time of each event: threads, their descriptors, users."""
