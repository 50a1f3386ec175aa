# SPDX-License-Identifier: Apache-2.0
"""The commands: each file, or folder, is one verb, declared in `options`, called by `arguments`."""
