# SPDX-License-Identifier: Apache-2.0
"""The generators: each writes files of the repository, and tests/tools compares the files."""
