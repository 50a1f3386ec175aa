# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect`: captures, libraries and artifacts."""
