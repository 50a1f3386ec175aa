# SPDX-License-Identifier: Apache-2.0
"""The lists at the head of a capture: processes, descriptors, interfaces, users."""
