# SPDX-License-Identifier: Apache-2.0
"""What each plugin has: its class, config, log, metrics, and errors."""
