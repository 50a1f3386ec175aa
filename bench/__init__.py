# SPDX-License-Identifier: Apache-2.0
"""Benchmarks, run by `make bench`: ratios to the C baseline in the same host and run."""
